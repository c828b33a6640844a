"""What every request has to pass, and what every answer carries, whatever page it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ivr.config_video import VideoSettings
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
_WITH_CAMERA: Final = ("/v/", "/video/")
"""Paths of pages that show video."""
_FOR_GUESTS: Final = ("/v/", "/static/")
"""Paths that the address of the links leads to; nothing else of the desk is reached by it."""
_WITH_PHONE: Final = "/agent/"
"""Path of the page that telephones, and of what it becomes after a form."""
_SAFE_METHODS: Final = ("GET", "HEAD")


class Guard:
    """Refuses requests that are meant for another site or come from one."""

    def __init__(self, app: ASGIApp, settings: WebSettings, rooms: Sequence[VideoSettings] = ()) -> None:
        self._app, self._settings = app, settings
        self._for_phone = _phone_headers(settings)
        self._guest_hosts = frozenset(each.host for each in rooms if each.host)
        sockets = sorted({"{0.scheme}://{0.netloc}".format(urlsplit(each.websocket)) for each in rooms})
        self._with_camera = {
            "Content-Security-Policy": CONTENT_POLICY.replace(
                "connect-src 'self'", " ".join(["connect-src 'self'", *sockets])
            ),
            "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._put(MutableHeaders(scope=message), scope["path"])
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope), self._hosts(scope["path"]))
        await (refusal or self._app)(scope, receive, with_headers)

    def _hosts(self, path: str) -> frozenset[str]:
        return self._settings.hosts | (self._guest_hosts if path.startswith(_FOR_GUESTS) else frozenset())

    def _put(self, headers: MutableHeaders, path: str) -> None:
        for name, value in {**_HEADERS, **self._beside(path)}.items():
            headers[name] = value
        is_file = path.startswith("/static/")
        headers["Cache-Control"] = "no-cache" if is_file else "no-store"  # files are asked for anew, and then not sent
        if self._settings.is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"

    def _beside(self, path: str) -> Mapping[str, str]:
        if path.startswith(_WITH_CAMERA):
            return self._with_camera
        return self._for_phone if f"{path}/".startswith(_WITH_PHONE) else {}

    def _refusal(self, method: str, headers: Headers, hosts: frozenset[str]) -> ASGIApp | None:
        if headers.get("host", "").lower() not in hosts:  # a name that was made to lead here (DNS rebinding)
            return PlainTextResponse(f"this desk is at {self._settings.url}\n", 421)
        if method not in _SAFE_METHODS and not self._is_ours(headers, hosts):
            return PlainTextResponse("the form was sent by another site\n", 403)
        return None

    @staticmethod
    def _is_ours(headers: Headers, hosts: frozenset[str]) -> bool:
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site not in (None, "same-origin", "none"):
            return False
        return origin is None or urlsplit(origin).netloc in hosts


def _phone_headers(settings: WebSettings) -> dict[str, str]:
    """What the page that telephones may do beside the others: use the microphone, and connect to one WebSocket."""
    if settings.phone is None:
        return {}
    policy = CONTENT_POLICY.replace("connect-src 'self'", f"connect-src 'self' {settings.phone.origin}")
    permissions = _HEADERS["Permissions-Policy"].replace("microphone=()", "microphone=(self)")
    return {"Content-Security-Policy": policy, "Permissions-Policy": permissions}
