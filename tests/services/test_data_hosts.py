"""Whom the data service asks: redirects, named hosts, private networks, certificates."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr

from ivr.config_services import HostSettings
from ivr.flow.jobs import HttpJob, JobOutcome
from tests.scenario import scenario
from tests.services.data_service import OPEN, ask, service
from tests.services.http_server import HttpServer, answer

pytestmark = pytest.mark.adapter


# --- redirects


@scenario
async def test_a_redirect_to_a_named_host_is_followed_with_that_hosts_credentials() -> None:
    async with HttpServer().on("/", answer(200, {"here": 1})) as second:
        target = second.url("/")
        async with HttpServer().on("/", answer(302, b"", {"Location": target})) as first:
            hosts = {
                f"127.0.0.1:{first.port}": OPEN.model_copy(update={"headers": {"Authorization": SecretStr("one")}}),
                f"127.0.0.1:{second.port}": OPEN.model_copy(update={"headers": {"X-Two": SecretStr("two")}}),
            }
            async with service(first, hosts=hosts) as asked:
                job = HttpJob("POST", first.url(), {"X-Flow": "1"}, json={"a": 1}, reads_answer=True)
                result = await asked.ask(job)
    assert result.value == {"here": 1}
    got = second.received[0]
    assert (got.method, got.body, got.headers.get("x-two")) == ("GET", b"", "two")
    assert not {"authorization", "x-flow"} & set(got.headers)


@scenario
async def test_a_redirect_keeps_method_and_body_where_it_must() -> None:
    server = HttpServer().on("/old", answer(307, b"", {"Location": "/new"})).on("/new", answer(200, {}))
    async with server:
        await ask(server, "/old", method="PUT", json={"a": 1}, headers={"X-Flow": "1"})
    old, new = server.received
    assert (new.method, new.body, new.headers["x-flow"]) == ("PUT", old.body, "1")


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:{port}/",
        "file:///etc/passwd",
        "//evil.example.org/",
        "http://",
    ],
)
def test_a_redirect_elsewhere_is_refused(location: str) -> None:
    @scenario
    async def play() -> None:
        server = HttpServer()
        async with server:
            server.on("/", answer(302, b"", {"Location": location.format(port=server.port)}))
            result = await ask(server)
        assert result.outcome is JobOutcome.FAILED and result.value is None
        assert len(server.received) == 1

    play()


@scenario
async def test_redirects_in_a_circle_end() -> None:
    async with HttpServer().on("/", answer(302, b"", {"Location": "/"})) as server:
        result = await ask(server)
    assert "more than 3 redirects" in result.detail and len(server.received) == 4


# --- who may be asked


@pytest.mark.parametrize(
    "url",
    [
        "http://other.example.org/",
        "http://127.0.0.1:1/",
        "http://user:pass@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}@evil.example.org/",
        "http://evil.example.org\\@127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/",
        "https://",
        "nonsense",
        "http://[::",
    ],
)
def test_only_named_hosts_are_asked(url: str) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer().on("/", answer(200, {})) as server, service(server) as asked:
            result = await asked.ask(HttpJob("GET", url.format(port=server.port)))
        assert result.outcome is JobOutcome.FAILED and not server.received

    play()


@scenario
async def test_http_and_private_addresses_only_where_they_are_allowed() -> None:
    async with HttpServer().on("/", answer(200, {})) as server:
        for host, why in [
            (HostSettings(allow_http=True), "private network"),
            (HostSettings(allow_private=True), "by https"),
        ]:
            async with service(server, hosts={f"127.0.0.1:{server.port}": host}) as asked:
                result = await asked.ask(HttpJob("GET", server.url()))
            assert result.outcome is JobOutcome.FAILED and why in result.detail
        async with service(
            server, allow_private=True, hosts={f"localhost:{server.port}": {"allow_http": True}}
        ) as asked:
            assert (await asked.ask(HttpJob("GET", server.url(host="localhost")))).outcome is JobOutcome.DONE
    assert len(server.received) == 1


def test_a_name_that_changes_its_address_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look-up gives another answer: what was judged is what is connected to."""

    @scenario
    async def play() -> None:
        loop = asyncio.get_running_loop()
        answers = ["192.0.2.1", "127.0.0.1"]
        asked_for: list[str] = []

        async def lies(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
            asked_for.append(host)
            return [(2, 1, 6, "", (answers[min(len(asked_for) - 1, 1)], port))]

        async with HttpServer().on("/", answer(200, {})) as server:
            monkeypatch.setattr(loop, "getaddrinfo", lies)
            hosts = {f"rebind.example.com:{server.port}": {"allow_http": True}}
            async with service(server, hosts=hosts) as asked:
                for _ in range(2):
                    job = HttpJob("GET", server.url(host="rebind.example.com"), timeout_s=0.5)
                    assert (await asked.ask(job)).outcome is not JobOutcome.DONE
        assert not server.received

    play()


# --- TLS


def _authority(folder: Path) -> tuple[trustme.CA, str]:
    authority = trustme.CA()
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return authority, str(file)


def _tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def test_certificates_are_checked(tmp_path: Path) -> None:
    authority, ca_file = _authority(tmp_path)

    @scenario
    async def play() -> None:
        ours, public = {"allow_private": True, "ca_file": ca_file}, {"allow_private": True}
        for names, host, is_trusted in [
            (["localhost"], ours, True),
            (["other.example.com"], ours, False),
            (["localhost"], public, False),
        ]:
            server = HttpServer(tls=_tls(authority, *names)).on("/", answer(200, {"a": 1}))
            async with server, service(server, hosts={f"localhost:{server.port}": host}) as asked:
                result = await asked.ask(HttpJob("GET", server.url(host="localhost"), reads_answer=True))
            assert (result.value == {"a": 1}) is is_trusted
            assert is_trusted or "certificate is not trusted" in result.detail

    play()


_AS_A_WORKER = """
import sys
from ivr.memory import without
with without("rich"), without("ssl"), without("_hashlib"):
    import asyncio, hashlib, hmac, structlog
from ivr.config_services import RequestsSettings
from ivr.flow.jobs import HttpJob
from ivr.services.data import HttpDataService
assert not {"ssl", "httpx", "_ssl"} & set(sys.modules), "loaded before it is needed"
url, ca_file = sys.argv[1:]
hosts = {url.split("/")[2]: {"allow_private": True, "ca_file": ca_file}}
async def play():
    service = HttpDataService(RequestsSettings(hosts=hosts))
    await service.warm_up()
    result = await service.ask(HttpJob("GET", url, reads_answer=True))
    await service.close()
    print(result.outcome, result.value)
asyncio.run(play())
"""


def test_a_worker_that_was_started_without_tls_speaks_it_when_it_needs_to(tmp_path: Path) -> None:
    authority, ca_file = _authority(tmp_path)

    @scenario
    async def play() -> None:
        async with HttpServer(tls=_tls(authority, "localhost")).on("/", answer(200, {"a": 1})) as server:
            command = [sys.executable, "-c", _AS_A_WORKER, server.url(host="localhost"), ca_file]
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
        assert done.stdout.strip().endswith("done {'a': 1}"), done.stdout + done.stderr

    play()
