"""The doctor looks at the services beyond the call: real servers, real certificates."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from ivr.config import Settings
from ivr.config_services import CalendarSettings, MailSettings, ProxySettings
from ivr.doctor_machine import Finding, State
from ivr.doctor_services import check_calendar, check_host, check_mail, check_outbox, service_checks
from ivr.services.proxy import proxy_of
from tests.scenario import scenario
from tests.services.http_server import HttpServer
from tests.services.proxy_server import ProxyServer
from tests.services.test_mail import Mailbox, mail_server

pytestmark = pytest.mark.adapter


def host(port: int, name: str = "localhost", **more: object) -> Finding:
    given: dict[str, object] = {"is_tls": False, "is_private_allowed": True, "ca_file": None, **more}
    return check_host("host", name, port, **given)  # type: ignore[arg-type]


def test_hosts_are_resolved_connected_to_and_their_certificates_checked(tmp_path: Path) -> None:
    authority, ca_file = trustme.CA(), str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    @scenario
    async def play() -> None:
        async with HttpServer() as plain, HttpServer(tls=context) as tls:
            found = [
                (await asyncio.to_thread(host, plain.port), State.OK, "without TLS"),
                (await asyncio.to_thread(host, plain.port, is_private_allowed=False), State.FAILED, "private network"),
                (await asyncio.to_thread(host, tls.port, is_tls=True, ca_file=ca_file), State.OK, "trusted"),
                (await asyncio.to_thread(host, tls.port, is_tls=True), State.FAILED, "not trusted"),
                (await asyncio.to_thread(host, tls.port, is_tls=True, ca_file="/no/file"), State.FAILED, "no file"),
            ]
        for finding, state, said in found:
            assert finding.state is state and said in finding.text
            assert state is State.OK or finding.remedy

    play()


def test_hosts_are_asked_through_the_proxy_of_the_settings() -> None:
    @scenario
    async def play() -> None:
        async with HttpServer() as server, ProxyServer() as proxy, ProxyServer("Basic x") as locked:
            through = proxy_of(ProxySettings(url=proxy.url))
            found = await asyncio.to_thread(host, server.port, proxy=through)
            refused = await asyncio.to_thread(host, server.port, proxy=proxy_of(ProxySettings(url=locked.url)))
        assert found.state is State.OK and f"through the proxy 127.0.0.1:{proxy.port}" in found.text
        assert len(proxy.asked_for) == 1
        assert refused.state is State.WARNING and "407" in refused.text

    play()


def test_a_host_that_is_away_or_has_no_name() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        away = host(holder.getsockname()[1])
    assert away.state is State.WARNING and "does not answer" in away.text and away.remedy
    nobody = host(443, "nowhere.invalid")
    assert nobody.state is State.FAILED and "no address" in nobody.text


def test_the_mail_server_is_really_asked() -> None:
    @scenario
    async def play() -> None:
        async with mail_server(Mailbox()) as port:
            given = MailSettings(host="localhost", port=port, security="none", sender="ivr@example.com")
            assert (await asyncio.to_thread(check_mail, given)).state is State.OK
            wrong = given.model_copy(update={"security": "starttls"})
            finding = await asyncio.to_thread(check_mail, wrong)
        assert finding.state is State.FAILED and "security" in finding.remedy

    play()


def test_a_folder_of_mails_is_looked_at(tmp_path: Path) -> None:
    given = MailSettings(folder=str(tmp_path / "mail"), sender="ivr@example.com")
    assert check_mail(given).state is State.OK


def test_a_refused_login_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(settings: MailSettings) -> smtplib.SMTP:
        raise smtplib.SMTPAuthenticationError(535, b"no")

    monkeypatch.setattr("ivr.services.mail.connect", refuses)
    finding = check_mail(MailSettings(host="localhost", sender="ivr@example.com"))
    assert finding.state is State.FAILED and "password" in finding.remedy


def test_calendars(tmp_path: Path) -> None:
    settings = Settings(hours_dir=str(tmp_path))
    always = CalendarSettings(open={"mon-sun": ("00:00-24:00",)})
    assert check_calendar("office", always, settings).text == "open now"
    assert check_calendar("office", CalendarSettings(), settings).state is State.WARNING
    unknown = check_calendar("office", CalendarSettings(timezone="Mars/Base"), settings)
    assert unknown.state is State.FAILED and "IANA" in unknown.remedy


def test_the_outbox(tmp_path: Path) -> None:
    assert check_outbox(tmp_path / "outbox").text.endswith("0 messages wait")
    (tmp_path / "outbox/failed").mkdir(parents=True)
    (tmp_path / "outbox/failed/a.json").write_text("{}")
    finding = check_outbox(tmp_path / "outbox")
    assert finding.state is State.WARNING and "1 messages" in finding.text


def test_every_service_of_the_settings_has_its_check(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "requests": {"hosts": {"nowhere.invalid": {}, "10.255.255.1:8080": {"allow_http": True}, "[::1]:1": {}}},
            "send": {
                "outbox_dir": str(tmp_path),
                "webhooks": {"crm": {"url": "https://hooks.invalid/x"}},
                "mail": {"host": "mail.invalid", "sender": "ivr@example.com"},
            },
            "calendars": {"office": {"open": {"mon": "10:00-11:00"}}},
        }
    )
    findings = [check() for check in service_checks(settings)]
    assert [finding.name for finding in findings] == [
        "host nowhere.invalid",
        "host 10.255.255.1:8080",
        "host [::1]:1",
        "webhook crm",
        "mail",
        "calendar office",
        "outbox",
    ]
    assert [finding.state for finding in findings] == [State.FAILED] * 5 + [State.OK] * 2
