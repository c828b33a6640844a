"""Mail by SMTP (RFC 5321), in a thread: asyncio of a worker speaks no TLS. Loads its libraries with the first mail.

Where the settings name a folder, mails are put there instead, one file each.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ivr.config_services import MailSettings, is_mail_address
from ivr.flow.jobs import MailMessage
from ivr.flow.segments import RECORDING_NAME
from ivr.services.delivery import DeliveryFailed, Letter

if TYPE_CHECKING:
    import smtplib
    from email.message import EmailMessage

LIMIT_S: Final = 20.0
"""For one mail."""
STEP_LIMIT_S: Final = 10.0
"""For each answer of the server."""
_BAD_CREDENTIALS: Final = 535


def address_of(settings: MailSettings, message: MailMessage) -> str:
    """Where a mail goes. Raises DeliveryFailed for whatever the settings do not allow."""
    if not message.is_address:
        address = settings.recipients.get(message.recipient)
        if address is None:
            raise DeliveryFailed(f"no recipient '{message.recipient}' in the settings", is_final=True)
        return address
    if not is_mail_address(message.recipient):
        raise DeliveryFailed("what should be a mail address is none", is_final=True)
    domain = message.recipient.rpartition("@")[2].lower()
    if domain not in {allowed.lower() for allowed in settings.allowed_domains}:
        raise DeliveryFailed("the domain of the address is not among send: mail: allowed_domains", is_final=True)
    return message.recipient


def mail_of(
    settings: MailSettings, letter: Letter, message: MailMessage, now: datetime, recording: bytes | None = None
) -> EmailMessage:
    """The mail itself (RFC 5322). Values are data: none can add a header. `recording` is what it has attached."""
    from email.message import EmailMessage
    from email.policy import SMTP
    from email.utils import format_datetime

    mail = EmailMessage(policy=SMTP)
    mail["From"] = settings.sender
    mail["To"] = address_of(settings, message)
    mail["Subject"] = " ".join("".join(c if c.isprintable() else " " for c in message.subject).split())
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{letter.id}@{settings.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no out-of-office answers
    mail["X-Call-Id"] = letter.call_id
    missing = message.attachment and recording is None
    note = f"\n\n(The recording {message.attachment} is not there any more.)" if missing else ""
    mail.set_content(message.text.replace("\0", "") + note)
    if message.attachment and recording is not None:
        mail.add_attachment(recording, "audio", "wav", filename=message.attachment)
    return mail


class MailCarrier:
    """Sends through the mail server of the settings, or puts mails into their folder."""

    def __init__(self, settings: MailSettings | None, recordings: Path | None = None) -> None:
        """`recordings` is the folder of what can be attached."""
        self._settings, self._recordings = settings, recordings

    async def deliver(self, letter: Letter) -> None:
        """Done when the server has taken the mail."""
        assert isinstance(letter.message, MailMessage)
        if self._settings is None:
            raise DeliveryFailed("there is no send: mail: in the settings", is_final=True)
        recording = await asyncio.to_thread(self._recording, letter.message.attachment)
        mail = mail_of(self._settings, letter, letter.message, datetime.now(UTC), recording)
        if self._settings.folder is not None:
            await asyncio.to_thread(_put, Path(self._settings.folder), letter.id, mail)
            return
        connection: list[smtplib.SMTP] = []
        sending = asyncio.ensure_future(asyncio.to_thread(_send, self._settings, mail, connection))
        try:
            async with asyncio.timeout(LIMIT_S):
                await asyncio.shield(sending)
        except TimeoutError as error:
            raise DeliveryFailed(f"{self._settings.host} did not take the mail within {LIMIT_S:g} s") from error
        finally:
            if not sending.done():  # a server that answers drop by drop would keep the thread for ever
                _break_off(connection)
                sending.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _recording(self, name: str) -> bytes | None:
        """What is attached; None where it is not there (any more). No name leads out of the folder."""
        if self._recordings is None or not RECORDING_NAME.fullmatch(name):
            return None
        try:
            return (self._recordings / name).read_bytes()
        except OSError:
            return None

    async def close(self) -> None:
        """Nothing is kept open."""


def _put(folder: Path, name: str, mail: EmailMessage) -> None:
    """Write a mail as a file that only this user can read; one that is there already is the same."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{name}"
        draft.touch(mode=0o600)
        draft.write_bytes(bytes(mail))
        draft.rename(folder / f"{name}.eml")
    except OSError as error:
        raise DeliveryFailed(f"{folder} takes no mail: {error.strerror or error}") from error


def _break_off(connection: list[smtplib.SMTP]) -> None:
    for each in connection:
        with contextlib.suppress(OSError, AttributeError):
            each.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


def connect(settings: MailSettings) -> smtplib.SMTP:
    """A connection that may send: encrypted and logged in as the settings say. Raises OSError, SMTPException."""
    return _connect(settings, [])


def _connect(settings: MailSettings, connection: list[smtplib.SMTP]) -> smtplib.SMTP:
    import smtplib
    import ssl

    name = settings.sender.rpartition("@")[2]
    given: dict[str, Any] = {"local_hostname": name, "timeout": STEP_LIMIT_S}
    context = ssl.create_default_context(cafile=settings.ca_file) if settings.security != "none" else None
    server: smtplib.SMTP
    if settings.security == "tls":
        server = smtplib.SMTP_SSL(settings.host, settings.port, context=context, **given)
    else:
        server = smtplib.SMTP(settings.host, settings.port, **given)
    connection.append(server)
    if settings.security == "starttls":
        server.starttls(context=context)  # raises where the server has none: never in the clear instead
    if settings.username is not None and settings.password is not None:
        server.login(settings.username, settings.password.get_secret_value())
    return server


def _send(settings: MailSettings, mail: EmailMessage, connection: list[smtplib.SMTP]) -> None:
    import smtplib

    try:
        with contextlib.closing(_connect(settings, connection)) as server:
            server.send_message(mail, settings.sender, [str(mail["To"])])
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()  # the mail is taken, whatever the server says now
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise DeliveryFailed(f"{settings.host} refused the recipient ({code})", is_final=code >= 500) from error
    except smtplib.SMTPResponseException as error:
        is_final = error.smtp_code >= 500 and error.smtp_code != _BAD_CREDENTIALS
        raise DeliveryFailed(f"{settings.host} refused the mail ({error.smtp_code})", is_final=is_final) from error
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryFailed(f"{settings.host} cannot be used: {error or type(error).__name__}") from error
