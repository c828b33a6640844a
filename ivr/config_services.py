"""Settings of what a flow reaches beyond the call: data services, webhooks, mail, opening hours. Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StrictBool, StringConstraints, model_validator

from ivr.config_section import Section
from ivr.units import Duration

_HOST = re.compile(r"(?=.{1,253}(:\d+)?$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")

ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


def is_mail_address(text: str) -> bool:
    """Whether the text is one plain mail address (RFC 5321 §4.1.2, without quoted local parts), and nothing else."""
    return len(text) <= 254 and ".." not in text and _ADDRESS.fullmatch(text) is not None


def _host(value: str) -> str:
    if not _HOST.fullmatch(value.lower()):
        raise ValueError(f"{value!r} is not a host; write crm.example.com, or crm.example.com:8443, without https://")
    return value.lower()


HostName = Annotated[str, AfterValidator(_host)]


class HostSettings(Section):
    """One host that flows may ask."""

    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Sent with every request to it; a credential comes in as `${NAME}`."""
    username: str | None = None
    """Basic authentication, with `password`."""
    password: SecretStr | None = None
    allow_private: StrictBool | None = None
    """Whether it may have a private address; as `requests: allow_private:` says when empty."""
    allow_http: StrictBool = False
    """Whether it may be asked without TLS."""
    ca_file: str | None = None
    """Certificates (PEM) that its own is checked against, in place of the public ones."""


def _hosts(value: Any) -> Any:
    return {name: {} for name in value} if isinstance(value, list) else value


class RequestsSettings(Section):
    """What `request` may reach, and how much it takes."""

    hosts: Annotated[dict[HostName, HostSettings], BeforeValidator(_hosts)] = Field(default_factory=dict)
    """A list of hosts, or a group with what each needs; no other host is ever asked."""
    allow_private: StrictBool = False
    """Whether addresses of one's own network (private, loopback, link-local) may be asked."""
    max_answer_kb: int = Field(256, ge=1, le=16384)
    """A longer answer counts as an error."""
    max_redirects: int = Field(3, ge=0, le=10)
    """Followed within `hosts` only."""
    ca_file: str | None = None
    """As for a host, for all of them."""


class ProxySettings(Section):
    """The way out for `request`, webhooks and downloads of models. Environment variables for proxies are not read."""

    url: str = ""
    """`http://proxy.example.com:3128`; there is none when empty."""
    username: str | None = None
    password: SecretStr | None = None
    direct: tuple[HostName, ...] = ()
    """Hosts that are asked without it."""
    resolves_names: StrictBool = False
    """Whether it is told names, where only it can look them up; it must keep private addresses out itself then."""

    @model_validator(mode="after")
    def _is_a_proxy(self) -> ProxySettings:
        parts = urlsplit(self.url)
        is_plain = parts.scheme == "http" and not parts.username and parts.path in ("", "/") and not parts.query
        if self.url and not (is_plain and parts.hostname):
            raise ValueError(
                f"{self.url!r} is not a proxy; write http://host:port, and username: and password: beside it"
            )
        return self


NO_PROXY = ProxySettings()


class WebhookSettings(Section):
    """Where `send: {webhook: …}` posts to."""

    url: str
    secret: SecretStr | None = None
    """Signs every message (HMAC-SHA256); comes in as `${NAME}`."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    allow_private: StrictBool = False
    ca_file: str | None = None

    @model_validator(mode="after")
    def _is_a_url(self) -> WebhookSettings:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
            raise ValueError(f"{self.url!r} is not an address for a webhook; write https://host/path")
        return self


class MailSettings(Section):
    """The mail server, and who may be written to."""

    host: str = ""
    folder: str | None = None
    """In place of a server: every mail becomes a file there, which any mail program opens."""
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: str
    """Address that mails come from."""
    recipients: dict[ServiceName, str] = Field(default_factory=dict)
    """Name to address: `send: {mail: office}`."""
    allowed_domains: tuple[str, ...] = ()
    """Domains that an address out of a variable may have."""
    ca_file: str | None = None

    @model_validator(mode="after")
    def _addresses(self) -> MailSettings:
        if bool(self.host) == (self.folder is not None):
            raise ValueError("mails go to a server or into a folder; write one of host: and folder:")
        for address in (self.sender, *self.recipients.values()):
            if not is_mail_address(address):
                raise ValueError(f"{address!r} is not a mail address; write it as name@example.com")
        if self.password is not None and self.security == "none":
            raise ValueError("a password would be sent readable to all; set security: starttls or tls")
        return self


class SendSettings(Section):
    """Where `send` may send to."""

    outbox_dir: str = "var/outbox"
    """Where messages wait until they are delivered."""
    outbox_limit_mb: int = Field(64, ge=1)
    """Messages beyond it are dropped and logged."""
    give_up_after: Duration = 72 * 3600.0
    """A message that cannot be delivered for so long is put aside, into `failed` of the outbox."""
    webhooks: dict[ServiceName, WebhookSettings] = Field(default_factory=dict)
    mail: MailSettings | None = None


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RANGE = re.compile(r"(\d{1,2}):([0-5]\d)\s*-\s*(\d{1,2}):([0-5]\d)")


def minutes_of(text: str) -> tuple[int, int]:
    """First and last minute of "09:00-12:00"; the end lies beyond 1440 where the range goes past midnight."""
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'{text!r} is not a range of hours; write "09:00-17:30"')
    start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if start >= 24 * 60 or end > 24 * 60:
        raise ValueError(f'{text!r} is not a range of hours; a day goes from 00:00 to 24:00 (overnight: "22:00-06:00")')
    if start == end:
        raise ValueError(f'{text!r} begins and ends at once; for the whole day write "00:00-24:00"')
    return start, end if end > start else end + 24 * 60


def _range(value: object) -> object:
    minutes_of(str(value))
    return value


def _ranges(value: object) -> object:
    return [value] if isinstance(value, str) else value


HourRanges = Annotated[tuple[Annotated[str, AfterValidator(_range)], ...], BeforeValidator(_ranges)]


def days_of(text: str) -> tuple[int, ...]:
    """Weekdays (0 is Monday) of "mon", "mon-fri", "sat-sun", "fri-mon"."""
    first, _, last = text.strip().lower().partition("-")
    if first not in DAYS or (last and last not in DAYS):
        raise ValueError(f"{text!r} is no weekday; write mon, tue, wed, thu, fri, sat, sun, or a range: mon-fri")
    start, end = DAYS.index(first), DAYS.index(last or first)
    return tuple((start + n) % 7 for n in range((end - start) % 7 + 1))


def _day_names(value: str) -> str:
    days_of(value)
    return value


def date_of(value: object) -> date:
    """A day written 2026-12-24. Raises ValueError."""
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"{value!r} is not a day; write 2026-12-24") from None


def stretch_of(value: object) -> tuple[date, date]:
    """First and last day of "2026-12-27..2026-12-31", or of one day."""
    first, dots, last = str(value).partition("..")
    start = date_of(first)
    end = date_of(last) if dots else start
    if end < start:
        raise ValueError(f"{value!r} ends before it begins; write the earlier day first")
    return start, end


def _stretch(value: object) -> str:
    stretch_of(value)
    return str(value)


def _day(value: object) -> str:
    return date_of(value).isoformat()


def _holiday_names(value: object) -> object:
    return [value] if isinstance(value, str) else value


class CalendarSettings(Section):
    """When somebody is there."""

    timezone: str = "UTC"
    """IANA name: Europe/Berlin."""
    open: dict[Annotated[str, AfterValidator(_day_names)], HourRanges] = Field(default_factory=dict)
    """Weekdays to ranges: `mon-fri: ["09:00-12:00", "13:00-18:00"]`."""
    holidays: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,4})?$")], ...],
        BeforeValidator(_holiday_names),
    ] = ()
    """Public holidays of a country, or of a part of it: DE, DE-BE, US-CA; or a list."""
    closed: tuple[Annotated[str, BeforeValidator(_stretch)], ...] = ()
    """Days, or stretches of days (`2026-12-27..2026-12-31`), without the week's hours."""
    extra_open: dict[Annotated[str, BeforeValidator(_day)], HourRanges] = Field(default_factory=dict)
    """Days to further ranges: the only ones on a closed day or a holiday."""
