"""Makes the front's configuration for Kamailio out of the settings. No file is written and no name is looked up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from typing import Final

from jinja2 import Environment, StrictUndefined, Template

from ivr.config import Settings, SipSettings
from ivr.errors import ConfigError

MASKED: Final = "********"
"""Stands where a secret does, in what operators are shown."""
ALLOW: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY, MESSAGE, UPDATE, PRACK"
MAX_WORKERS: Final = 8000
"""Those of all nodes, successors included."""
OWN_FIRST: Final = 100_000
"""Free places of this node's workers count for so many more: more than any worker has."""
_MODULES: Final = (
    "tm", "sl", "rr", "pv", "maxfwd", "textops", "textopsx", "siputils", "sanity", "xlog", "kex", "corex", "tmx",
    "htable", "ipops", "pike", "nathelper", "jsonrpcs",
)  # fmt: skip
_LEVELS: Final = {"debug": 3, "info": 0, "warning": 0, "error": -1}
_WEBSOCKET_MODULES: Final = ("xhttp", "websocket")
_QUOTED: Final = re.compile(r'["\\$\n\r]')


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the settings do not say."""

    run_dir: str
    """Private folder for the control socket."""
    host: str
    """Address that peers see, where the settings name none."""
    mask_key: str = MASKED
    """Secret that hides the workers' addresses; the same as long as calls go on."""
    registrars: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Account to the addresses that its calls come from."""


@dataclass(frozen=True, slots=True)
class Socket:
    """A public address."""

    protocol: str
    address: str
    port: int


def public_host(settings: SipSettings, default: str) -> str:
    """The address that goes into what peers see."""
    if settings.public_address:
        return settings.public_address
    return default if settings.address == "0.0.0.0" else settings.address


def public_sockets(settings: Settings) -> tuple[Socket, ...]:
    """Every address that the world may send to. Raises ConfigError where there is none, or one twice."""
    sip, front = settings.sip, settings.front
    found = [Socket("udp", sip.address, sip.port)] if sip.udp else []
    found += [Socket("tcp", sip.address, sip.port)] if sip.tcp else []
    if front.tls:
        found.append(Socket("tls", sip.address, front.tls.port))
    if front.websocket:
        found.append(Socket("tls" if front.websocket.secure else "tcp", sip.address, front.websocket.port))
    _check(found, settings)
    return tuple(found)


def _check(sockets: Sequence[Socket], settings: Settings) -> None:
    if not sockets:
        raise ConfigError("sip: nothing to listen to; write `udp: true` or `tcp: true`, or `front: tls:`")
    if settings.sip.port == 0:
        raise ConfigError("sip: port: with several workers the port must be given; write for example 5060")
    streams = [socket.port for socket in sockets if socket.protocol != "udp"]
    if len(set(streams)) < len(streams):
        raise ConfigError(f"front: TCP ports {streams}: each of `sip:`, `tls:` and `websocket:` needs one of its own")
    if settings.front.inner_port in {socket.port for socket in sockets if socket.protocol == "udp"}:
        raise ConfigError(f"front: inner_port: {settings.front.inner_port} is `sip: port:` too; choose another one")
    if settings.front.nodes:
        _check_nodes(settings.front.nodes.port, streams, settings)


def _check_nodes(port: int, streams: Sequence[int], settings: Settings) -> None:
    if port in streams:
        raise ConfigError(f"front: nodes: port: {port} is taken by callers; choose another one")
    is_only_here = all(ip_address(node).is_loopback for node in settings.front.other_nodes)
    for key, address in (
        ("front: inner_address:", settings.front.inner_address),
        ("workers: address:", settings.workers.address),
    ):
        given = ip_address(address)
        if given.is_unspecified or (given.is_loopback and not is_only_here):
            raise ConfigError(
                f"{key} {address}: with `front: nodes:` it must be this machine's address in the network of the nodes, "
                "which the world cannot reach; write for example 10.0.0.1"
            )


def inner_socket(settings: Settings) -> str:
    """Where the workers reach the front, as Kamailio writes it."""
    return f"udp:{settings.front.inner_address}:{settings.front.inner_port}"


def render(settings: Settings, surroundings: Surroundings) -> str:
    """The configuration. Raises ConfigError."""
    return _template().render(_values(settings, surroundings))


def _values(settings: Settings, surroundings: Surroundings) -> dict[str, object]:
    front, sockets = settings.front, public_sockets(settings)
    host = public_host(settings.sip, surroundings.host)
    registers = any(account.registrar for account in settings.sip.accounts.values())
    udp = next((f"udp:{socket.address}:{socket.port}" for socket in sockets if socket.protocol == "udp"), "")
    return {
        **_limits(settings),
        "allow": ALLOW,
        "contact": f"{host}:{sockets[0].port}",
        "has_tcp": any(socket.protocol != "udp" for socket in sockets),
        "host": host,
        "inner": inner_socket(settings),
        "inner_port": front.inner_port,
        "log_level": _LEVELS[settings.log.level],
        "mask_key": surroundings.mask_key,
        "max_workers": MAX_WORKERS,
        "modules": tuple(_modules(settings, registers)),
        "nodes": front.other_nodes,
        "origins": tuple(map(_quotable, front.websocket.origins)) if front.websocket else (),
        "outer_udp": udp,
        "own_first": OWN_FIRST,
        "processes": front.processes,
        "registers": registers,
        "run_dir": _quotable(surroundings.run_dir),
        "sockets": sockets,
        "tls": _tls(settings),
        "trunks": _trunks(settings, surroundings),
        "user_agent": _quotable(settings.sip.user_agent),
        "websocket_port": front.websocket.port if front.websocket else 0,
    }


def _limits(settings: Settings) -> dict[str, object]:
    front = settings.front
    answer_within_ms = round(front.answer_within * 1000)
    retries = [account.retry_every for account in settings.sip.accounts.values()]
    return {
        "answer_within_ms": answer_within_ms,
        "ban_s": max(1, round(front.limits.ban)),
        "calls_per_s": front.limits.calls_per_s,
        "half_open_per_source": front.limits.half_open_per_source,
        "largest_message_bytes": front.limits.largest_message_bytes,
        "repeat_after_ms": max(100, answer_within_ms // 2),
        "requests_per_s": front.limits.requests_per_s,
        "retry_after_s": max(1, round(front.retry_after)),
        "retry_every_s": max(1, round(min(retries, default=10.0))),
        "scanners": "|".join(re.escape(name).replace("\\ ", " ") for name in front.scanners),
        "trunk_limits": {name: trunk.calls_per_s for name, trunk in front.trunks.items() if trunk.calls_per_s},
        "trunks_only": front.callers == "trunks",
    }


def _modules(settings: Settings, registers: bool) -> Iterator[str]:
    yield from _MODULES
    yield from ("tls",) if settings.front.tls else ()
    yield from _WEBSOCKET_MODULES if settings.front.websocket else ()
    yield from ("db_text", "uac") if registers else ()
    yield "topoh"


def _trunks(settings: Settings, surroundings: Surroundings) -> dict[str, tuple[str, ...]]:
    """Name to networks; what the operator wrote comes last, and thus counts where both fit."""
    registrars = {f"account {_quotable(name)}": tuple(found) for name, found in surroundings.registrars.items()}
    return registrars | {name: trunk.addresses for name, trunk in settings.front.trunks.items()}


def _tls(settings: Settings) -> dict[str, str] | None:
    tls = settings.front.tls
    if tls is None:
        return None
    return {
        "certificate_file": _quotable(tls.certificate_file),
        "key_file": _quotable(tls.key_file),
        "method": f"TLSv{tls.oldest}+",
    }


def _quotable(text: str) -> str:
    """The text, which goes between quotation marks. Raises ConfigError where it would end or change them."""
    if _QUOTED.search(text):
        raise ConfigError(f"front: {text!r} cannot be passed on: it holds a quotation mark, backslash or $; rename it")
    return text


@cache
def _template() -> Template:
    text = files("ivr.front").joinpath("kamailio.cfg.j2").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.from_string(text)
