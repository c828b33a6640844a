"""What `ivr doctor` asks of the services beyond the call: hosts, webhooks, the mail server, calendars, the outbox.

Connects, checks certificates and logs in to the mail server; asks no service anything and sends no message.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ivr.config import Settings
from ivr.config_services import CalendarSettings, MailSettings
from ivr.doctor_machine import Finding, State, check_folder, failed, ok, warning
from ivr.errors import ConfigError

if TYPE_CHECKING:
    from ivr.services.hosts import HostRules
    from ivr.services.proxy import Proxy

CONNECT_LIMIT_S: Final = 5.0


def service_checks(settings: Settings) -> Iterator[Callable[[], Finding]]:
    """One check per service that the settings name."""
    from ivr.services.hosts import hosts_of, rules_of_webhook
    from ivr.services.proxy import proxy_of

    proxy = proxy_of(settings.proxy)
    for name, rules in hosts_of(settings.requests).rules.items():
        host, port = _split(name, 80 if rules.allow_http and not name.endswith(":443") else 443)
        yield _host_check(f"host {name}", host, port, rules, is_tls=not rules.allow_http, proxy=proxy)
    for name, webhook in settings.send.webhooks.items():
        parts, rules = urlsplit(webhook.url), rules_of_webhook(webhook)
        is_tls = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if is_tls else 80)
        yield _host_check(f"webhook {name}", host, port, rules, is_tls=is_tls, proxy=proxy)
    if settings.send.mail is not None:
        mail = settings.send.mail
        yield lambda: check_mail(mail)
    for name, calendar in settings.calendars.items():
        yield lambda name=name, calendar=calendar: check_calendar(name, calendar, settings)  # type: ignore[misc]
    yield lambda: check_outbox(Path(settings.send.outbox_dir))


def _host_check(
    name: str, host: str, port: int, rules: HostRules, *, is_tls: bool, proxy: Proxy | None
) -> Callable[[], Finding]:
    allowed, ca_file = rules.allow_private, rules.ca_file
    return partial(
        check_host, name, host, port, is_tls=is_tls, is_private_allowed=allowed, ca_file=ca_file, proxy=proxy
    )


def _split(name: str, usual_port: int) -> tuple[str, int]:
    host, colon, port = name.rpartition(":")
    if not colon or name.endswith("]"):
        return name.strip("[]"), usual_port
    return host.strip("[]"), int(port)


def check_host(
    name: str,
    host: str,
    port: int,
    *,
    is_tls: bool,
    is_private_allowed: bool,
    ca_file: str | None,
    proxy: Proxy | None = None,
) -> Finding:
    """The host has an address that may be asked, answers, and shows a certificate that is trusted. A host that is away
    is a warning: calls go on, by their error exits."""
    from ivr.services.addresses import is_public

    via = proxy if proxy is not None and proxy.is_for(host, port) else None
    is_named = via is not None and via.resolves_names
    try:
        addresses = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        if not is_named:
            remedy = "correct its name, or the DNS of this machine"
            return failed(name, f"{host} has no address ({error.strerror}); {remedy}")
        addresses = []
    if addresses and not is_private_allowed and not any(map(is_public, addresses)):
        return failed(name, f"{host} leads into a private network ({addresses[0]}); set allow_private: true if meant")
    try:
        with _connected(host if via is None or is_named else addresses[0], port, via) as connection:
            if is_tls:
                with _context(ca_file).wrap_socket(connection, server_hostname=host):
                    pass
    except ssl.SSLCertVerificationError as error:
        return failed(
            name, f"{host}: its certificate is not trusted ({error.verify_message}); set ca_file, or renew it"
        )
    except FileNotFoundError:
        return failed(name, f"there is no file {ca_file}; correct ca_file")
    except OSError as error:
        return warning(name, f"{host}:{port} does not answer ({error}); start it, or open the firewall")
    way = f" through the proxy {via.shown}" if via else ""
    return ok(name, f"{host}:{port} answers{way}" + (", its certificate is trusted" if is_tls else ", without TLS"))


def _connected(target: str, port: int, proxy: Proxy | None) -> socket.socket:
    if proxy is None:
        return socket.create_connection((target, port), CONNECT_LIMIT_S)
    tunnel = http.client.HTTPConnection(proxy.host, proxy.port, timeout=CONNECT_LIMIT_S)
    tunnel.set_tunnel(target, port, {"Proxy-Authorization": proxy.authorization} if proxy.authorization else None)
    tunnel.connect()
    connection: socket.socket = tunnel.sock
    return connection


def _context(ca_file: str | None) -> ssl.SSLContext:
    from ivr.certificates import tls_context

    return tls_context(ca_file)


def check_mail(settings: MailSettings) -> Finding:
    """The server is there, encrypts and takes the login as the settings say; the folder can be written to."""
    if settings.folder is not None:
        return check_folder("mail", Path(settings.folder))
    import smtplib

    from ivr.services.mail import connect

    name, where = "mail", f"{settings.host}:{settings.port}"
    try:
        connect(settings).quit()
    except smtplib.SMTPAuthenticationError:
        return failed(name, f"{where} refuses the login; correct send: mail: username and password")
    except (OSError, smtplib.SMTPException) as error:
        reason = error or type(error).__name__
        return failed(name, f"{where} cannot be used ({reason}); correct send: mail: host, port and security")
    return ok(name, f"{where} takes mail of {settings.sender}")


def check_calendar(name: str, calendar: CalendarSettings, settings: Settings) -> Finding:
    """Time zone and holidays are known; what it says now."""
    from ivr.services.hours import HoursService

    try:
        service = HoursService({name: calendar}, Path(settings.hours_dir))
        hours = service.state_of(name)
    except ConfigError as error:
        return failed(f"calendar {name}", error)
    reason = f" ({hours.reason})" if hours.reason else ""
    if hours.next_change is None and not calendar.open and not calendar.extra_open:
        return warning(f"calendar {name}", f"it never opens; add hours under calendars: {name}: open:")
    return ok(f"calendar {name}", f"{hours.state}{reason} now")


def check_outbox(folder: Path) -> Finding:
    """It can be written to, and nothing in it was given up."""
    finding = check_folder("outbox", folder)
    given_up = len(list(folder.glob("failed/*.json")))
    if finding.state is State.OK and given_up:
        remedy = "look at them there, and delete them"
        return warning("outbox", f"{given_up} messages could not be delivered and lie in {folder}/failed; {remedy}")
    waiting = len(list(folder.glob("*/*.json"))) - given_up
    return ok("outbox", f"{finding.text}, {waiting} messages wait") if finding.state is State.OK else finding
