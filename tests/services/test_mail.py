"""Mail through a real SMTP server: in the clear, with STARTTLS, TLS and a login; what it refuses."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr, ValidationError

from ivr.config_services import MailSettings, SendSettings, is_mail_address
from ivr.flow.jobs import JobOutcome, JobResult, MailMessage
from ivr.services import mail as mail_module
from ivr.services.delivery import Letter
from ivr.services.mail import mail_of
from ivr.services.messenger import Messenger
from tests.scenario import scenario

pytestmark = pytest.mark.adapter

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Mailbox:
    """Keeps what the server took."""

    def __init__(self, refuse_with: str = "") -> None:
        self.mails: list[tuple[str, list[str], EmailMessage]] = []
        self.sessions: list[Session] = []
        self._refuse_with = refuse_with

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self._refuse_with:
            return self._refuse_with
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes) and envelope.mail_from is not None
        parsed = message_from_bytes(content, policy=policy.SMTP)
        assert isinstance(parsed, EmailMessage)
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), parsed))
        self.sessions.append(session)
        return "250 OK"


def _only_ivr(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ivr", b"right")
    return AuthResult(success=is_right, handled=is_right)


@asynccontextmanager
async def mail_server(
    mailbox: Mailbox,
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: bool = False,
) -> AsyncIterator[int]:
    """A server, on a free port unless one is given."""
    loop = asyncio.get_running_loop()
    protocols: list[SMTP] = []

    def make() -> SMTP:
        given: dict[str, Any] = {"auth_required": True, "authenticator": _only_ivr} if login else {}
        protocols.append(SMTP(mailbox, tls_context=starttls, require_starttls=starttls is not None, loop=loop, **given))
        return protocols[-1]

    server = await loop.create_server(make, "127.0.0.1", port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        for protocol in protocols:
            if protocol.transport is not None:
                protocol.transport.close()
        await asyncio.sleep(0.05)


def settings(port: int, **more: object) -> MailSettings:
    given: dict[str, object] = {
        "host": "localhost",
        "port": port,
        "security": "none",
        "sender": "ivr@example.com",
        "recipients": {"office": "office@example.com"},
        "allowed_domains": ["example.com"],
    }
    return MailSettings.model_validate({**given, **more})


async def send(given: MailSettings | None, folder: Path, message: MailMessage, timeout_s: float = 5.0) -> JobResult:
    written = SendSettings(outbox_dir=str(folder), mail=given)
    sender = Messenger(written, {}, lambda request, report: None, folder / "recordings")
    result = await sender.deliver(message, "call1", timeout_s)
    await sender.stop()
    return result


OFFICE = MailMessage("office", "A call: ü", "First line.\n.\nGrüße")


def test_a_mail_arrives(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        box = Mailbox()
        async with mail_server(box) as port:
            assert (await send(settings(port), tmp_path, OFFICE)).outcome is JobOutcome.DONE
        ((sender, recipients, mail),) = box.mails
        assert (sender, recipients) == ("ivr@example.com", ["office@example.com"])
        assert mail["Subject"] == "A call: ü" and mail["X-Call-Id"] == "call1"
        assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"].endswith("@example.com>")
        assert mail.get_content().replace("\r\n", "\n").strip() == "First line.\n.\nGrüße"

    play()


@pytest.mark.parametrize("name", ["call-1-voicemail.wav", "gone.wav", "../secret.wav"])
def test_a_mail_takes_a_recording_along_and_no_other_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "call-1-voicemail.wav").write_bytes(b"RIFF")
    (tmp_path / "secret.wav").write_bytes(b"secret")

    @scenario
    async def play() -> None:
        box = Mailbox()
        message = MailMessage("office", "A message", "For you.", attachment=name)
        async with mail_server(box) as port:
            assert (await send(settings(port), tmp_path, message)).outcome is JobOutcome.DONE
        ((_, _, mail),) = box.mails
        attached = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
        body = mail.get_body()
        assert body is not None
        is_there = name == "call-1-voicemail.wav"
        assert attached == ({name: b"RIFF"} if is_there else {})
        assert ("is not there any more" in body.get_content()) is not is_there

    play()


def test_a_mail_goes_into_a_folder_where_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "call-1-voicemail.wav").write_bytes(b"RIFF")
    given = MailSettings(
        folder=str(tmp_path / "mail"), sender="ivr@example.com", recipients={"office": "office@example.com"}
    )

    @scenario
    async def play() -> None:
        message = MailMessage("office", "A message", "Für Sie.", attachment="call-1-voicemail.wav")
        assert (await send(given, tmp_path, message)).outcome is JobOutcome.DONE

    play()
    (file,) = (tmp_path / "mail").iterdir()
    mail = message_from_bytes(file.read_bytes(), policy=policy.SMTP)
    assert isinstance(mail, EmailMessage)
    assert (file.suffix, file.stat().st_mode & 0o777, mail["To"]) == (".eml", 0o600, "office@example.com")
    assert [part.get_content() for part in mail.iter_attachments()] == [b"RIFF"]


def test_a_folder_that_takes_no_mail_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    given = MailSettings(
        folder=str(tmp_path / "mail"), sender="ivr@example.com", recipients={"office": "office@example.com"}
    )

    @scenario
    async def play() -> None:
        result = await send(given, tmp_path, OFFICE)
        assert result.outcome is JobOutcome.FAILED and "takes no mail" in result.detail

    play()


@pytest.mark.parametrize("given", [{}, {"host": "mail.example.com", "folder": "mail"}])
def test_mails_go_to_a_server_or_into_a_folder(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="write one of host: and folder:"):
        MailSettings(sender="ivr@example.com", **given)


def _contexts(folder: Path) -> tuple[str, ssl.SSLContext]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return str(folder / "ca.pem"), context


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_is_encrypted_and_logged_in(tmp_path: Path, security: str) -> None:
    ca_file, context = _contexts(tmp_path)

    @scenario
    async def play() -> None:
        box = Mailbox()
        how: dict[str, Any] = {"starttls": context} if security == "starttls" else {"tls": context}
        async with mail_server(box, login=security == "starttls", **how) as port:
            login = {"username": "ivr", "password": SecretStr("right")} if security == "starttls" else {}
            given = settings(port, security=security, ca_file=ca_file, **login)
            result = await send(given, tmp_path, OFFICE)
            assert result.outcome is JobOutcome.DONE, result
        assert len(box.mails) == 1

    play()


def test_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    _, context = _contexts(tmp_path)

    @scenario
    async def play() -> None:
        box = Mailbox()
        async with mail_server(box, starttls=context) as port:
            result = await send(settings(port, security="starttls"), tmp_path, OFFICE)
        assert result.outcome is JobOutcome.FAILED and "certificate" in result.detail.lower() and not box.mails

    play()


def test_a_server_without_starttls_gets_no_mail_in_the_clear(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        box = Mailbox()
        async with mail_server(box) as port:
            result = await send(settings(port, security="starttls"), tmp_path, OFFICE)
        assert result.outcome is JobOutcome.FAILED and not box.mails

    play()


def test_a_wrong_password_says_so_without_the_password(tmp_path: Path) -> None:
    ca_file, context = _contexts(tmp_path)

    @scenario
    async def play() -> None:
        async with mail_server(Mailbox(), starttls=context, login=True) as port:
            password = SecretStr("wr0ng")
            given = settings(port, security="starttls", ca_file=ca_file, username="ivr", password=password)
            result = await send(given, tmp_path, OFFICE)
        assert result.outcome is JobOutcome.FAILED and "535" in result.detail and "wr0ng" not in result.detail

    play()


@pytest.mark.parametrize("refusal", ["550 no such user", "451 later"])
def test_a_refused_recipient(tmp_path: Path, refusal: str) -> None:
    @scenario
    async def play() -> None:
        async with mail_server(Mailbox(refusal)) as port:
            result = await send(settings(port), tmp_path, OFFICE)
        assert result.outcome is JobOutcome.FAILED and refusal[:3] in result.detail

    play()


def test_a_server_that_answers_drop_by_drop_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_module, "LIMIT_S", 0.3)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            writer.close()

    @scenario
    async def play() -> None:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        result = await send(settings(server.sockets[0].getsockname()[1]), tmp_path, OFFICE)
        assert result.outcome is JobOutcome.FAILED and "0.3 s" in result.detail
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.2)

    play()


# --- who may be written to, and what no value can do


@pytest.mark.parametrize(
    ("recipient", "is_allowed"),
    [
        ("a@example.com", True),
        ("A.B+c@EXAMPLE.com", True),
        ("a@other.org", False),
        ("a@sub.example.com", False),
        ("a@example.com.evil.org", False),
        ("a@example.com, b@other.org", False),
        ("a@other.org,b@example.com", False),
        ("a@example.com\nBcc: b@other.org", False),
        ("<a@other.org> a@example.com", False),
        ('"a@other.org"@example.com', False),
        ("", False),
        ("@example.com", False),
    ],
)
def test_an_address_out_of_a_variable(tmp_path: Path, recipient: str, is_allowed: bool) -> None:
    @scenario
    async def play() -> None:
        box = Mailbox()
        async with mail_server(box) as port:
            result = await send(settings(port), tmp_path, MailMessage(recipient, "s", "t", is_address=True))
        assert (result.outcome is JobOutcome.DONE) is is_allowed
        assert [recipients for _, recipients, _ in box.mails] == ([[recipient]] if is_allowed else [])
        assert is_allowed or not recipient or recipient not in result.detail

    play()


@pytest.mark.parametrize("subject", ["a\r\nBcc: evil@example.com", "a\nBcc: x", "a\x0bBcc: x", "a\u2028Bcc: x", "\0a"])
def test_no_value_can_add_a_header(subject: str) -> None:
    message = MailMessage("office", subject, "t\r\n.\r\nRCPT TO:<x@y>")
    raw = mail_of(settings(25), Letter("id", message, "call1", 0.0), message, NOW).as_bytes()
    assert b"\nBcc" not in raw and b"\0" not in raw
    assert message_from_bytes(raw)["Bcc"] is None


def test_addresses_of_the_settings_are_checked() -> None:
    for wrong in ({"sender": "nobody"}, {"recipients": {"office": "a@b, c@d"}}, {"password": "x"}):
        with pytest.raises(ValidationError):
            settings(25, **wrong)
    assert is_mail_address("a@localhost") and not is_mail_address("a" * 250 + "@b.de")


def test_without_a_mail_server_nothing_is_sent(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        result = await send(None, tmp_path, OFFICE)
        assert result.outcome is JobOutcome.FAILED and "send: mail:" in result.detail

    play()
