"""Typed settings of one bot, as `ivr.yaml` spells them. Reading files and the environment is `ivr.settings`' job."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, StrictBool, StringConstraints, model_validator

from ivr.config_admission import AdmissionSettings
from ivr.config_front import FrontSettings
from ivr.config_monitoring import MonitoringSettings
from ivr.config_queues import QueueName, QueueSettings
from ivr.config_section import Section, all_defaults
from ivr.config_services import CalendarSettings, ProxySettings, RequestsSettings, SendSettings, ServiceName
from ivr.config_speaking import BUILT_IN, Commands, PiperSettings
from ivr.config_video import VideoSettings
from ivr.config_web import WebSettings
from ivr.config_workers import WorkersSettings
from ivr.units import Duration

CodecName = Literal["PCMA", "PCMU", "G722", "GSM", "iLBC", "L16"]


FrontAddress = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+\.\d+:\d+$")]
ServerUrl = Annotated[str, StringConstraints(pattern=r"^wss?://[^\s/?#]+(/\S*)?$")]


class AccountSettings(Section):
    """A SIP account: an identity at a registrar or a trunk."""

    uri: str
    """Address of record, `sip:user@domain`."""
    registrar: str | None = None
    """`sip:host:port`; without it the account does not register (a trunk)."""
    username: str | None = None
    """For digest authentication; the user part of `uri` when empty."""
    password: SecretStr | None = None
    """Only ever `${NAME}`: the name of an environment variable."""
    realm: str = "*"
    proxy: str | None = None
    """Outbound proxy, `sip:host:port;lr`."""
    register_every: Duration = 300.0
    renew_every: Duration = 30.0
    """Registers again so often, long before the time is up: a registrar that was restarted has forgotten the bot and
    does not say so. 0s waits until the registration runs out."""
    retry_every: Duration = 10.0
    """After a refused or lost registration."""
    transport: Literal["udp", "tcp"] = "udp"


class SipSettings(Section):
    """The SIP user agent."""

    address: str = "0.0.0.0"
    """Local address to listen on (UDP and TCP)."""
    port: int = Field(5060, ge=0, le=65535)
    udp: StrictBool = True
    tcp: StrictBool = True
    public_address: str | None = None
    """Address that peers see, when the bot is behind NAT: goes into Contact and SDP."""
    media_address: str | None = None
    """Local address for audio; `address` when empty."""
    media_public_address: str | None = None
    """Address for audio that peers see, in SDP; `public_address` when empty."""
    rtp_port: int = Field(10000, ge=1024, le=65000)
    """First UDP port for audio; keep the range outside the kernel's ephemeral ports (32768 to 60999)."""
    rtp_port_count: int = Field(100, ge=8, le=10000)
    codecs: tuple[CodecName, ...] = ("PCMA", "PCMU", "G722")
    """In order of preference, in offers and in answers alike: of what a caller offers, the first of these is used.
    Others are neither offered nor taken."""
    srtp: Literal["off", "optional", "mandatory"] = "off"
    sample_rate_hz: Literal[8000, 16000] = 8000
    """Rate of the bot's own audio."""
    front: FrontAddress | None = None
    """`address:port` of a front that this bot stands behind. Calls are dialled through it, it registers the accounts,
    and it is believed about where a call comes from. Set by `ivr serve` for its workers."""
    other_fronts: tuple[FrontAddress, ...] = ()
    """Fronts of other nodes. They are believed as `front` is, and nobody but these gets an answer."""
    accounts: dict[str, AccountSettings] = Field(default_factory=dict)
    trusted_peers: tuple[str, ...] = ()
    """Addresses whose P-Asserted-Identity is believed, besides the accounts' registrars."""
    max_calls: int | None = Field(None, ge=1)
    """Callers at once; the library's limit when empty."""
    half_open_per_source: int = Field(4, ge=1)
    """Callers from one address who have not acknowledged the bot's answer yet, those of the last minute who never did
    included; further ones get 486. Not for accounts and trusted peers; behind a front, see `front: limits:`."""
    longest_call: Duration = 3600.0
    """The bot says goodbye and hangs up after this time, unless the caller is being transferred; 0s is no limit."""
    keys_in_audio: StrictBool = False
    """Hear keys as tones in the audio as well, for trunks that send neither RFC 4733 events nor INFO."""
    reserved_legs: int = Field(0, ge=0)
    """Legs kept free for transfers; callers beyond the rest are refused with 486."""
    user_agent: str = "ivr"


class NumberSettings(Section):
    """What answers one dialled number."""

    flow: str
    """Name of a flow (its `flow:` key), or of its draft: `demo+draft`."""
    account: str | None = None
    """Only for calls that came in by this account."""


class TargetSettings(Section):
    """A place that flows may transfer to."""

    sip: str
    """SIP URI."""
    account: str = ""
    """Account that places the call; the caller's own when empty."""


class SpeechSettings(Section):
    """Recognition and synthesis."""

    recognizer: Literal["vosk", "none"] = "vosk"
    models: dict[str, str] = Field(default_factory=dict)
    """Language tag to a model's name (`ivr models`) or folder; the embedded English one when empty."""
    servers: dict[str, tuple[ServerUrl, ...]] = Field(default_factory=dict)
    """Language tag to Vosk servers, `ws://…` or `wss://…`, that hear it as long as one of them answers."""
    synthesizer: str = "pyttsx3"
    """`pyttsx3`, `piper`, a name under `commands`, or `none`."""
    voices: dict[str, str] = Field(default_factory=dict)
    """Language tag to voice of pyttsx3."""
    piper: PiperSettings = all_defaults()
    commands: Commands = Field(default_factory=dict)
    """Synthesizers that are programs, by name."""
    rate_wpm: int = Field(160, ge=80, le=400)
    """Speaking rate, words per minute."""
    synthesis_limit: Duration = 10.0
    """A synthesizer that takes longer for one text is ended and started again."""
    loudness_dbfs: float = Field(-20.0, ge=-40, le=-6)
    cache_dir: str | None = None
    """Rendered prompts; the user's cache folder when empty."""
    cache_limit_mb: int = Field(500, ge=1)
    lead_in: Duration = 0.2
    """Silence after answer before the first word, so that no word is clipped."""

    @model_validator(mode="after")
    def _synthesizer_is_known(self) -> SpeechSettings:
        known = (*BUILT_IN, *self.commands)
        if self.synthesizer not in known:
            raise ValueError(f"synthesizer: there is no {self.synthesizer!r}; known are {', '.join(known)}")
        return self


class RecordingsSettings(Section):
    """Messages that callers leave in `record` steps."""

    dir: str = "var/recordings"
    """Folder of the messages; only the bot's user can read them."""
    limit_mb: int = Field(500, ge=1)
    """When the folder holds so much, nothing more is recorded; an hour takes 58 MB."""
    keep_days: int = Field(30, ge=1, le=3650)
    """Messages are removed after so many days."""


class DatabaseSettings(Section):
    """Where call records are kept."""

    url: str = "sqlite:///var/calls.db"
    """SQLAlchemy URL; a password comes in as `${NAME}`."""
    spool_dir: str = "var/spool"
    """Where records wait while the database is away."""
    spool_limit_mb: int = Field(64, ge=1)
    """Records beyond it are dropped and counted; 64 MB hold about 15,000 calls."""
    queue_events_keep_days: int = Field(400, ge=1, le=36500)
    """What happened in queues is removed after so many days."""


class PublishingSettings(Section):
    """How edited flows come into service."""

    publish: Literal["auto", "manual"] = "auto"
    """`auto`: a changed file that passes the check serves new calls at once; `manual`: it waits for `ivr flows
    publish`."""
    versions_dir: str = "var/flows"
    """Where versions are kept, and what each worker has in service."""
    keep_versions: int = Field(50, ge=2)
    """Per flow; the oldest go first."""
    look_every: Duration = 0.5
    """How often the folders are looked at; 0s only on SIGHUP."""
    author: str | None = None
    """Who is noted with a version; the file's owner, or who gave the command, when empty."""
    draft_numbers: StrictBool = True
    """Whether `demo+draft` can be dialled; else drafts are reached through `numbers` only."""


class LogSettings(Section):
    """The bot's own log."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["human", "json"] = "human"
    personal: Literal["hidden", "shown"] = "hidden"
    """Whether lines say who called and, at level `debug`, what was heard; what a flow calls sensitive never is."""


class MetricsSettings(Section):
    """Figures for Prometheus."""

    listen: Annotated[str, StringConstraints(pattern=r"^$|^(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):\d{1,5}$")] = ""
    """`address:port` of `GET /metrics`; nothing is listened on when empty."""

    @property
    def address(self) -> tuple[str, int] | None:
        """Where to listen; None for nowhere."""
        host, _, port = self.listen.rpartition(":")
        return (host.strip("[]"), int(port)) if self.listen else None


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key if name else name
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"there is no time zone {name!r}; write for example Europe/Berlin") from error


class Settings(Section):
    """Everything in `ivr.yaml`."""

    capacity: int | None = Field(None, ge=1, le=4000)
    """Calls at once; what one worker carries when empty."""
    workers: WorkersSettings = all_defaults()
    admission: AdmissionSettings = all_defaults()
    sip: SipSettings = all_defaults()
    front: FrontSettings = all_defaults()
    flows: str = "flows"
    """Folder of the flows."""
    sounds: str = "sounds"
    numbers: dict[str, NumberSettings] = Field(default_factory=dict)
    """Number dialled (DNIS) to flow."""
    default_flow: str | None = None
    """Answers every other number; without it they get 404."""
    timezone: Annotated[str, AfterValidator(_known_zone)] = ""
    """Time zone of callers, as IANA names it ("Europe/Berlin"); the machine's when empty."""
    targets: dict[str, TargetSettings] = Field(default_factory=dict)
    queues: dict[QueueName, QueueSettings] = Field(default_factory=dict)
    """Where callers wait for a person, by name."""
    video: dict[ServiceName, VideoSettings] = Field(default_factory=dict)
    """Video rooms, by name."""
    monitoring: MonitoringSettings = all_defaults()
    requests: RequestsSettings = all_defaults()
    send: SendSettings = all_defaults()
    proxy: ProxySettings = all_defaults()
    calendars: dict[ServiceName, CalendarSettings] = Field(default_factory=dict)
    """Opening hours, by name."""
    hours_dir: str = "var/hours"
    """Where `ivr hours close` leaves its word: a file per calendar."""
    speech: SpeechSettings = all_defaults()
    recordings: RecordingsSettings = all_defaults()
    database: DatabaseSettings = all_defaults()
    publishing: PublishingSettings = all_defaults()
    metrics: MetricsSettings = all_defaults()
    web: WebSettings = all_defaults()
    log: LogSettings = all_defaults()
