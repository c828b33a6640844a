"""What is asked through a proxy, against a real one: tunnels, logins, refusals, and the rule on private addresses."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from ivr.config_services import ProxySettings, RequestsSettings, SendSettings, WebhookSettings
from ivr.flow.jobs import HttpJob, JobOutcome, JobResult, WebhookMessage
from ivr.services.data import HttpDataService
from ivr.services.messenger import Messenger
from tests.scenario import scenario
from tests.services.http_server import HttpServer, answer
from tests.services.proxy_server import ProxyServer
from tests.waiting import until

pytestmark = pytest.mark.adapter

DONE = JobResult(JobOutcome.DONE, {"a": 1}, 200)


@asynccontextmanager
async def asking(
    proxy: ProxyServer, hosts: dict[str, Any], *, allow_private: bool = True, **settings: Any
) -> AsyncIterator[HttpDataService]:
    """A data service behind the proxy."""
    requests = RequestsSettings.model_validate({"hosts": hosts, "allow_private": allow_private})
    service = HttpDataService(requests, ProxySettings.model_validate({"url": proxy.url, **settings}))
    try:
        yield service
    finally:
        await service.close()


async def ask(service: HttpDataService, url: str) -> JobResult:
    return await service.ask(HttpJob("GET", url, reads_answer=True, timeout_s=5.0))


def plain(server: HttpServer, name: str = "127.0.0.1") -> dict[str, Any]:
    return {f"{name}:{server.port}": {"allow_http": True}}


@scenario
async def test_the_proxy_is_told_the_address_that_was_checked() -> None:
    async with (
        HttpServer().on("/a", answer(200, {"a": 1})) as server,
        ProxyServer() as proxy,
        asking(proxy, plain(server, "localhost")) as service,
    ):
        assert await ask(service, server.url("/a", "localhost")) == DONE
        assert await ask(service, server.url("/a", "localhost")) == DONE
    assert proxy.asked_for == [f"CONNECT 127.0.0.1:{server.port}"], "one tunnel, used again"
    assert server.received[0].headers["host"] == f"localhost:{server.port}"


@scenario
async def test_certificates_are_those_of_the_name_behind_the_tunnel() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with authority.cert_pem.tempfile() as ca_file:
        async with HttpServer(tls=context).on("/a", answer(200, {"a": 1})) as server, ProxyServer() as proxy:
            hosts = {f"{name}:{server.port}": {"ca_file": ca_file} for name in ("localhost", "127.0.0.1")}
            async with asking(proxy, hosts) as service:
                assert await ask(service, server.url("/a", "localhost")) == DONE
                wrong = await ask(service, server.url("/a", "127.0.0.1"))
    assert wrong.outcome is JobOutcome.FAILED and "certificate is not trusted" in wrong.detail
    assert len(server.received) == 1


@scenario
async def test_private_addresses_stay_forbidden_and_the_proxy_never_hears_of_them() -> None:
    async with HttpServer().on("/a", answer(200, {"a": 1})) as server, ProxyServer() as proxy:
        for options in ({}, {"resolves_names": True}):
            hosts = plain(server, "localhost") | plain(server)
            async with asking(proxy, hosts, allow_private=False, **options) as service:
                for name in ("localhost", "127.0.0.1"):
                    refused = await ask(service, server.url("/a", name))
                    assert "leads into a private network" in refused.detail, (name, options)
    assert proxy.asked_for == [] and server.received == []


@scenario
async def test_a_name_that_only_the_proxy_knows() -> None:
    async with (
        HttpServer().on("/a", answer(200, {"a": 1})) as server,
        ProxyServer(names={"crm.invalid": "127.0.0.1"}) as proxy,
    ):
        hosts = plain(server, "crm.invalid")
        async with asking(proxy, hosts) as service:
            unknown = await ask(service, server.url("/a", "crm.invalid"))
        assert "set `proxy: resolves_names: true`" in unknown.detail and proxy.asked_for == []
        async with asking(proxy, hosts, resolves_names=True) as service:
            assert await ask(service, server.url("/a", "crm.invalid")) == DONE
    assert proxy.asked_for == [f"CONNECT crm.invalid:{server.port}"]


@scenario
async def test_a_proxy_that_wants_a_login() -> None:
    wanted = "Basic " + base64.b64encode("bot:söcret".encode()).decode()
    async with HttpServer().on("/a", answer(200, {"a": 1})) as server, ProxyServer(wanted) as proxy:
        async with asking(proxy, plain(server), username="bot", password="söcret") as service:
            assert await ask(service, server.url("/a")) == DONE
        async with asking(proxy, plain(server), username="bot", password="wrong") as service:
            refused = await ask(service, server.url("/a"))
    assert "407" in refused.detail and "correct `proxy:` username and password" in refused.detail
    assert "wrong" not in refused.detail


@pytest.mark.parametrize("status", ["403 Forbidden", "502 Bad Gateway", "999"])
def test_a_proxy_that_refuses_is_named_with_what_it_said(status: str) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer() as server, ProxyServer(refuses_with=status) as proxy:
            async with asking(proxy, plain(server)) as service:
                refused = await ask(service, server.url("/a"))
            assert f"127.0.0.1:{proxy.port} answered {status[:3]} to CONNECT" in refused.detail

    play()


@scenario
async def test_a_proxy_that_is_away_or_talks_nonsense_is_named() -> None:
    async with HttpServer() as server:
        proxy = ProxyServer()
        async with proxy:
            pass
        async with asking(proxy, plain(server)) as service:
            away = await ask(service, server.url("/a"))
        assert f"the proxy 127.0.0.1:{proxy.port} cannot be reached" in away.detail
        proxy.port = server.port  # no proxy at all: answers 404 with a body
        async with asking(proxy, plain(server)) as service:
            assert (await ask(service, server.url("/a"))).outcome is JobOutcome.FAILED


@scenario
async def test_hosts_of_ones_own_are_asked_directly() -> None:
    async with (
        HttpServer().on("/a", answer(200, {"a": 1})) as server,
        ProxyServer() as proxy,
        asking(proxy, plain(server), direct=[f"127.0.0.1:{server.port}"]) as service,
    ):
        assert await ask(service, server.url("/a")) == DONE
    assert proxy.asked_for == []


@scenario
async def test_the_environment_names_no_proxy() -> None:
    with pytest.MonkeyPatch.context() as patch:
        async with HttpServer().on("/a", answer(200, {"a": 1})) as server, ProxyServer() as proxy:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
                patch.setenv(name, proxy.url)
            service = HttpDataService(RequestsSettings.model_validate({"hosts": plain(server), "allow_private": True}))
            assert await ask(service, server.url("/a")) == DONE
            await service.close()
    assert proxy.asked_for == []


@scenario
async def test_webhooks_go_through_it_too() -> None:
    async with HttpServer().on("/hook", answer(204)) as server, ProxyServer() as proxy:
        hook = WebhookSettings(url=server.url("/hook"), allow_private=True)
        send = SendSettings(webhooks={"crm": hook})
        sender = Messenger(send, {}, lambda request, report: None, None, ProxySettings(url=proxy.url))
        assert await sender.deliver(WebhookMessage("crm", {"a": 1}), "call1", 5.0) == JobResult(JobOutcome.DONE)
        await sender.stop()
    assert proxy.asked_for == [f"CONNECT 127.0.0.1:{server.port}"]


@scenario
async def test_a_caller_who_leaves_leaves_no_tunnel_behind() -> None:
    async with HttpServer().on("/a", answer(200, {}, after_s=5.0)) as server, ProxyServer() as proxy:
        async with asking(proxy, plain(server)) as service:
            task = asyncio.ensure_future(ask(service, server.url("/a")))
            await until(lambda: bool(server.received), "the request")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()


@pytest.mark.parametrize(
    "url", ["proxy:3128", "https://proxy:3128", "socks5://proxy:1080", "http://u:p@proxy:3128", "http://proxy/path"]
)
def test_what_is_no_proxy_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="is not a proxy; write http://host:port"):
        ProxySettings(url=url)


def test_the_password_is_not_shown() -> None:
    settings = ProxySettings.model_validate({"url": "http://proxy:3128", "username": "bot", "password": "söcret"})
    assert "söcret" not in repr(settings)
