"""HTTP with httpx, held to the rules: named hosts only, addresses checked where they are connected to, bounded answers.

Loads httpx and OpenSSL: imported with the first question only (`ivr.services.data`). httpx speaks TLS through memory
(`ssl.MemoryBIO`, by anyio), so that it does not matter that asyncio of this process was loaded without `ssl`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpcore
import httpx

from ivr.certificates import tls_context
from ivr.services.addresses import is_public
from ivr.services.hosts import DEFAULT_PORTS, HostRules
from ivr.services.proxy import Forbidden, Proxy

KEPT_OPEN_S: Final = 15.0
"""An idle connection is used again within this time."""
MAX_CONNECTIONS: Final = 32

FindRules = Callable[[str, int], HostRules | None]


class RequestRefused(Exception):
    """The rules forbid it; asking again changes nothing. The text is for the operator."""


class NoAnswer(Exception):
    """The service could not be reached, or broke off; asking again may help. The text is for the operator."""


@dataclass(frozen=True, slots=True)
class Question:
    """One HTTP request."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    limit_bytes: int = 262_144
    """Longest answer taken."""
    max_redirects: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    retry_after_s: float | None = None


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked, not to names: a name that changes its address in between gains nothing
    (DNS rebinding). Through a proxy, too: it is told the address."""

    def __init__(self, find_rules: FindRules, proxy: Proxy | None) -> None:
        self._find_rules, self._proxy = find_rules, proxy
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        proxy = self._proxy if self._proxy and self._proxy.is_for(host, port) else None
        error: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await self._addresses(host, port, proxy):
            try:
                if proxy is not None:
                    return await self._tunnel(proxy, address, port, timeout)
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except Forbidden:
                raise
            except (httpcore.NetworkError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error

    async def _tunnel(
        self,
        proxy: Proxy,
        address: str,
        port: int,
        timeout: float | None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        try:
            stream = await self._backend.connect_tcp(proxy.host, proxy.port, timeout)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
            raise httpcore.ConnectError(f"the proxy {proxy.shown} cannot be reached ({failed})") from failed
        try:
            await proxy.connect(stream, address, port)
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def _addresses(self, host: str, port: int, proxy: Proxy | None) -> list[str]:
        """Where to connect to. With a proxy that resolves names: the name, unless it is a private one here."""
        is_named = proxy is not None and proxy.resolves_names
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            if is_named:
                return [host]
            remedy = "; where only the proxy knows names, set `proxy: resolves_names: true`" if proxy else ""
            raise httpcore.ConnectError(f"{host} has no address ({error.strerror or error}){remedy}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        rules = self._find_rules(host, port)
        allowed = [address for address in addresses if rules and (rules.allow_private or is_public(address))]
        if addresses and not allowed:
            raise Forbidden(f"{host} leads into a private network; set allow_private for it if that is meant")
        return [host] if is_named and len(allowed) == len(addresses) else allowed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HttpClient:
    """Asks hosts that `find_rules` knows. One per process and use; safe for many calls at once."""

    def __init__(self, find_rules: FindRules, user_agent: str, proxy: Proxy | None = None) -> None:
        self._find_rules, self._proxy = find_rules, proxy
        self._user_agent = user_agent
        self._clients: dict[str | None, httpx.AsyncClient] = {}

    async def ask(self, question: Question) -> Answer:
        """The answer, redirects followed. Raises RequestRefused, NoAnswer; has no limit of time of its own."""
        url, method, body = _url(question.url), question.method, question.body
        origin = _origin(url)
        for _ in range(question.max_redirects + 1):
            rules = self._allowed(url)
            own = question.headers if _origin(url) == origin else {}
            headers = {"Accept-Encoding": "identity", "User-Agent": self._user_agent, **own, **rules.headers}
            try:
                client = await self._client(rules.ca_file)
                encoded = {key.encode("latin-1"): value.encode() for key, value in headers.items()}
                request = client.build_request(method, url, headers=encoded, content=body or None)
                answer, following = await self._exchange(client, request, question.limit_bytes)
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                raise _as_ours(error, url.host) from error
            if following is None:
                return answer
            body = body if following.method == method else b""
            method, url = following.method, following.url
        raise RequestRefused(f"{url.host}: more than {question.max_redirects} redirects")

    async def prepare(self, ca_files: Iterable[str | None]) -> None:
        """Read certificates now. A file that cannot be read is told with the first question."""
        for ca_file in ca_files:
            with contextlib.suppress(OSError):
                await self._client(ca_file)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _allowed(self, url: httpx.URL) -> HostRules:
        host, port = url.raw_host.decode("ascii", "replace"), url.port or DEFAULT_PORTS.get(url.scheme, 0)
        rules = self._find_rules(host, port)
        if url.scheme not in DEFAULT_PORTS or rules is None or url.userinfo:
            raise RequestRefused(f"{host or 'no host'} is not among the hosts of the settings")
        if url.scheme == "http" and not rules.allow_http:
            raise RequestRefused(f"{host} may only be asked by https; set allow_http for it if that is meant")
        return rules

    async def _client(self, ca_file: str | None) -> httpx.AsyncClient:
        if ca_file not in self._clients:
            context = await asyncio.to_thread(tls_context, ca_file)
            self._clients.setdefault(ca_file, _make_client(context, _CheckedBackend(self._find_rules, self._proxy)))
        return self._clients[ca_file]

    @staticmethod
    async def _exchange(
        client: httpx.AsyncClient, request: httpx.Request, limit_bytes: int
    ) -> tuple[Answer, httpx.Request | None]:
        response = await client.send(request, stream=True)
        try:
            if response.next_request is not None:
                return Answer(response.status_code, b""), response.next_request
            return Answer(response.status_code, await _body(response, limit_bytes), _retry_after_s(response)), None
        finally:
            await response.aclose()


async def _body(response: httpx.Response, limit_bytes: int) -> bytes:
    """The answer as it came over the wire: a compressed one was not asked for, and may unfold without an end."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RequestRefused(f"{response.url.host} compressed its answer though nobody asked for that")
    parts: list[bytes] = []
    size_bytes = 0
    async for part in response.aiter_raw():
        size_bytes += len(part)
        if size_bytes > limit_bytes:
            raise RequestRefused(f"the answer of {response.url.host} is longer than {limit_bytes // 1024} KB")
        parts.append(part)
    return b"".join(parts)


def _retry_after_s(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 8 else None


def _url(text: str) -> httpx.URL:
    try:
        return httpx.URL(text)
    except httpx.InvalidURL as error:
        raise RequestRefused(f"the address cannot be used: {error}") from error


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port


def _make_client(context: ssl.SSLContext, backend: _CheckedBackend) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
    transport._pool = httpcore.AsyncConnectionPool(  # httpx offers no way to hand in what connects
        ssl_context=context,
        max_connections=MAX_CONNECTIONS,
        keepalive_expiry=KEPT_OPEN_S,
        network_backend=backend,
    )
    return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False, follow_redirects=False)


def _as_ours(error: Exception, host: str) -> RequestRefused | NoAnswer:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, Forbidden):
            return RequestRefused(str(cause))
        if isinstance(cause, ssl.SSLCertVerificationError):
            return RequestRefused(f"{host}: its certificate is not trusted ({cause.verify_message})")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.InvalidURL | httpx.LocalProtocolError):
        return RequestRefused(f"{host}: {error}")
    if isinstance(error, OSError) and error.filename:
        return RequestRefused(f"{error.filename} cannot be read ({error.strerror}); correct ca_file")
    return NoAnswer(f"{host} does not answer properly ({str(error) or type(error).__name__})")
