"""Rules about steps that reach out of the call: request, send, hours."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from ivr.errors import Problem
from ivr.flow.jobs import CALLER
from ivr.flow.steps.hours import HoursStep
from ivr.flow.steps.queue_model import QueueStep
from ivr.flow.steps.record import RecordStep
from ivr.flow.steps.request import RequestStep
from ivr.flow.steps.send import SendStep
from ivr.flow.steps.transfer_model import TransferStep
from ivr.flow.template_rules import is_template
from ivr.immutable import immutable
from ivr.model_errors import did_you_mean
from ivr.secrets_in_text import is_secret_name
from ivr.yaml_source import DataPath

if TYPE_CHECKING:
    from ivr.flow.checks.subject import Subject

_FIRST_TEMPLATE = re.compile(r"\{[{%#]")
_IN_QUERY = re.compile(r"[?&]([\w.-]+)=([^&{]+)(?=&|$)")
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")


@immutable
class HostContext:
    """What the settings allow for a host."""

    allow_private: bool = False
    allow_http: bool = False


@immutable
class ServicesContext:
    """What the settings have for steps that reach out of the call."""

    hosts: Mapping[str, HostContext] = field(default_factory=dict)
    calendars: frozenset[str] = frozenset()
    webhooks: frozenset[str] = frozenset()
    recipients: frozenset[str] = frozenset()
    has_mail: bool = False
    takes_addresses: bool = False
    """Whether mail may go to an address out of a variable."""
    video: frozenset[str] = frozenset()
    """Names of video rooms."""


def _requests(subject: Subject) -> Iterator[tuple[DataPath, RequestStep]]:
    for name, step in subject.flow.steps.items():
        if isinstance(step, RequestStep):
            yield ("steps", name), step


def _sends(subject: Subject) -> Iterator[tuple[DataPath, SendStep]]:
    for name, step in subject.flow.steps.items():
        if isinstance(step, SendStep):
            yield ("steps", name), step


def _fixed_part(url: str) -> str:
    """The URL up to its first template."""
    return url[: found.start()] if (found := _FIRST_TEMPLATE.search(url)) else url


def _host_of(url: str) -> SplitResult | None:
    """The URL's fixed part, where its host is whole: only behind the host may a value stand."""
    fixed = _fixed_part(url)
    scheme, _, rest = fixed.partition("://")
    is_whole = fixed == url or any(mark in rest for mark in "/?")
    if scheme not in ("http", "https") or not is_whole:
        return None
    try:
        parts = urlsplit(fixed)
        is_usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if is_usable else None


def request_address(subject: Subject) -> Iterator[Problem]:
    """A host that a value could choose, or an address that is none."""
    for path, step in _requests(subject):
        place, url = (*path, "request", step.request.method), step.request.url
        parts = _host_of(url)
        if parts is None:
            is_chosen = bool(_FIRST_TEMPLATE.search(url))
            message = (
                "the host is not written out; a value may only stand behind it: https://crm.example.com/{{ … }}"
                if is_chosen
                else f"'{url}' is not an address; write https://host/path"
            )
            yield subject.error(place, message, "templated_host" if is_chosen else "request_address")
        elif parts.username is not None or parts.password is not None or "\\" in url:
            message = "a name or password stands before the host; remove it: credentials are in requests: hosts"
            yield subject.error(place, message, "request_address")


def unknown_host(subject: Subject) -> Iterator[Problem]:
    """A host that the settings do not have, or not like that."""
    services = subject.context.services
    for path, step in _requests(subject) if services else ():
        parts = _host_of(step.request.url)
        if services is None or parts is None or parts.username is not None:
            continue
        place = (*path, "request", step.request.method)
        yield from _host_problems(subject, place, parts, services.hosts)


def _host_problems(
    subject: Subject, place: DataPath, parts: SplitResult, hosts: Mapping[str, HostContext]
) -> Iterator[Problem]:
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    known = hosts.get(f"{host}:{port}") or (hosts.get(host) if port in (80, 443) else None)
    shown = host if port in (80, 443) else f"{host}:{port}"
    if known is None:
        hint = did_you_mean(shown, sorted(hosts)) if hosts else ""
        message = f"'{shown}' is not among the hosts that may be asked; {hint or 'add it to requests: hosts'}"
        yield subject.error(place, message, "unknown_host")
        return
    if parts.scheme == "http" and not known.allow_http:
        message = f"'{shown}' would be asked without TLS; write https, or set allow_http for it under requests: hosts"
        yield subject.error(place, message, "plain_http")
    if _is_private(str(parts.hostname)) and not known.allow_private:
        message = f"'{shown}' is a private address; set allow_private for it under requests: hosts, if that is meant"
        yield subject.error(place, message, "private_address")


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def request_without_error(subject: Subject) -> Iterator[Problem]:
    """A service that is away leaves the caller nowhere."""
    for path, step in _requests(subject):
        if step.error is None:
            message = "nothing says where the caller goes when the service fails; add `error:`"
            yield subject.error(path, message, "request_without_error", at_key=True)


def secret_in_request(subject: Subject) -> Iterator[Problem]:
    """A credential written into a request."""
    message = "a secret is written into the flow; remove it: credentials are in requests: hosts of the settings"
    for path, step in _requests(subject):
        request = step.request
        for name, value in _IN_QUERY.findall(request.url):
            if is_secret_name(name) and value:
                yield subject.error((*path, "request", request.method), message, "secret")
        for group, values in (("query", request.query), ("headers", request.headers)):
            for key, value in values.items():
                is_named = is_secret_name(key) or key.lower() in _SECRET_HEADERS
                if is_named and not is_template(str(value)):
                    yield subject.error((*path, "request", group, key), message, "secret")


def unknown_calendar(subject: Subject) -> Iterator[Problem]:
    """A calendar that the settings do not have."""
    services = subject.context.services
    for name, step in subject.flow.steps.items():
        if isinstance(step, HoursStep) and services is not None and step.hours not in services.calendars:
            hint = did_you_mean(step.hours, sorted(services.calendars)) or "add it to calendars: of the settings"
            message = f"there is no calendar '{step.hours}'; {hint}"
            yield subject.error(("steps", name, "hours"), message, "unknown_calendar")


def unknown_receiver(subject: Subject) -> Iterator[Problem]:
    """A webhook, recipient or target that the settings do not have."""
    services = subject.context.services
    for path, step in _sends(subject):
        send = step.send
        place = (*path, "send", send.kind)
        yield from message_problems(subject, place, send.message)
        if services is None:
            continue
        if send.webhook is not None:
            yield from unknown_name(subject, place, "webhook", send.webhook, services.webhooks, "send: webhooks:")
        elif send.mail is not None:
            yield from mail_problems(subject, place, send.mail, services)
    for path, told, _ in _handing_over(subject):
        if told is not None and services is not None:
            yield from unknown_name(subject, (*path, "notify"), "webhook", told, services.webhooks, "send: webhooks:")


def _handing_over(subject: Subject) -> Iterator[tuple[DataPath, str | None, tuple[str, ...] | None]]:
    """Steps that bring callers to persons: place, the webhook that is told, the variables that go along."""
    for name, step in subject.flow.steps.items():
        if isinstance(step, TransferStep):
            yield ("steps", name, "transfer"), step.transfer.notify, step.transfer.context
        elif isinstance(step, QueueStep):
            yield ("steps", name, "queue"), step.queue.notify, step.queue.context


def mail_problems(subject: Subject, place: DataPath, mail: str, services: ServicesContext) -> Iterator[Problem]:
    """What is wrong with the receiver of a mail."""
    if not services.has_mail:
        yield subject.error(place, "there is no mail server; add send: mail: to the settings", "no_mail_server")
    elif not is_template(mail):
        yield from unknown_name(subject, place, "recipient", mail, services.recipients, "send: mail: recipients:")
    elif not services.takes_addresses:
        message = "an address out of a variable needs domains; add send: mail: allowed_domains: to the settings"
        yield subject.error(place, message, "mail_without_domains")


def message_problems(subject: Subject, place: DataPath, receiver: str | None) -> Iterator[Problem]:
    """Whether the settings have the target of a SIP MESSAGE; the caller's own telephone is always there."""
    targets = subject.context.targets
    if receiver is not None and receiver != CALLER and targets is not None:
        yield from unknown_name(subject, place, "target", receiver, targets, "targets:")


def unknown_name(
    subject: Subject, place: DataPath, what: str, name: str, known: frozenset[str], where: str
) -> Iterator[Problem]:
    """Whether the settings have a receiver of that name."""
    if name not in known:
        hint = did_you_mean(name, sorted(known)) or f"add it to {where} of the settings"
        yield subject.error(place, f"there is no {what} '{name}'; {hint}", "unknown_receiver")


def send_without_failed(subject: Subject) -> Iterator[Problem]:
    """A send that is waited for, and whose failure leads nowhere."""
    for path, step in _sends(subject):
        if step.send.wait and step.failed is None:
            message = "nothing says where the caller goes when it cannot be sent; add `failed:`"
            yield subject.error(path, message, "send_without_failed", at_key=True)


def sent_variables(subject: Subject) -> Iterator[Problem]:
    """A variable in the list of a webhook, or of a transfer, that nothing ever sets."""
    from ivr.flow.checks.variables import BUILT_IN_VARIABLES, Variables

    lists = [((*path, "send", "variables"), step.send.variables) for path, step in _sends(subject)]
    lists += [((*path, "context"), context or ()) for path, _, context in _handing_over(subject)]
    known = Variables(subject).ever_set | set(BUILT_IN_VARIABLES) if any(names for _, names in lists) else set()
    for base, names in lists:
        for index, name in enumerate(names):
            if name not in known:
                hint = did_you_mean(name, sorted(known)) or "set it under variables:"
                place = subject.path_of(base, index)
                yield subject.error(place, f"nothing ever sets '{name}'; {hint}", "unknown_variable")
    for path, step in _sends(subject):
        if step.send.attach is not None:
            yield from _attached(subject, (*path, "send", "attach"), step.send.attach)


def _attached(subject: Subject, path: DataPath, name: str) -> Iterator[Problem]:
    recorded = sorted(step.into for step in subject.flow.steps.values() if isinstance(step, RecordStep))
    taken = (*subject.flow.takes, *subject.flow.variables)
    if name not in recorded and name not in taken:
        hint = did_you_mean(name, recorded) or "write the `into` of a `record` step"
        yield subject.error(path, f"no step records '{name}'; {hint}", "unknown_variable")
