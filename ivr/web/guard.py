"""What every request has to pass, and what every answer carries, whatever page it is."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ivr.config_web import WebSettings

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""No script but our own file runs in a page, whatever a caller's name looks like."""
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_WITH_PHONE: Final = "/agent"
"""The one page that telephones."""
_SAFE_METHODS: Final = ("GET", "HEAD")


class Guard:
    """Refuses requests that are meant for another site or come from one."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app, self._settings = app, settings
        self._for_phone = _phone_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self._put(headers, is_file=scope["path"].startswith("/static/"))
                headers.update(self._for_phone if scope["path"] == _WITH_PHONE else {})
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, with_headers)

    def _put(self, headers: MutableHeaders, *, is_file: bool) -> None:
        for name, value in _HEADERS.items():
            headers[name] = value
        headers["Cache-Control"] = "no-cache" if is_file else "no-store"  # files are asked for anew, and then not sent
        if self._settings.is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"

    def _refusal(self, method: str, headers: Headers) -> ASGIApp | None:
        if (
            headers.get("host", "").lower() not in self._settings.hosts
        ):  # a name that was made to lead here (DNS rebinding)
            return PlainTextResponse(f"this desk is at {self._settings.url}\n", 421)
        if method not in _SAFE_METHODS and not self._is_ours(headers):
            return PlainTextResponse("the form was sent by another site\n", 403)
        return None

    def _is_ours(self, headers: Headers) -> bool:
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site not in (None, "same-origin", "none"):
            return False
        return origin is None or urlsplit(origin).netloc in self._settings.hosts


def _phone_headers(settings: WebSettings) -> dict[str, str]:
    """What the page that telephones may do beside the others: use the microphone, and connect to one WebSocket."""
    if settings.phone is None:
        return {}
    policy = CONTENT_POLICY.replace("connect-src 'self'", f"connect-src 'self' {settings.phone.origin}")
    permissions = _HEADERS["Permissions-Policy"].replace("microphone=()", "microphone=(self)")
    return {"Content-Security-Policy": policy, "Permissions-Policy": permissions}
