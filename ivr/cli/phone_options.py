"""Options of `ivr call` turned into what the telephone needs. Raises ConfigError with the option and the remedy."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Any, Final

from ivr.cli.phone_wish import Identity
from ivr.errors import ConfigError

ACCOUNT: Final = "phone"
_RTP_PORT: Final = 20000
_RTP_PORT_COUNT: Final = 4000

_HOST = re.compile(r"^<?sips?:(?:[^@<>]*@)?(?P<host>\[[^\]]+\]|[^:;?<>\s]+)(?::(?P<port>\d+))?", re.IGNORECASE)


def full_uri(uri: str, *, is_tcp: bool) -> str:
    """A SIP URI that can be dialled, from what people type: `demo@host`, `sip:demo@host`."""
    whole = uri.strip()
    if not re.match(r"sips?:", whole, re.IGNORECASE):
        whole = f"sip:{whole}"
    if not _HOST.match(whole) or re.search(r"[\s<>\"]", whole):
        raise ConfigError(f"{uri!r} is not a SIP address; write sip:name@host or sip:name@host:port")
    if is_tcp and "transport=" not in whole.lower():
        whole += ";transport=tcp"
    return whole


def host_of(uri: str) -> str:
    """`host` or `host:port` of a SIP URI, for messages."""
    match = _HOST.match(uri)
    if match is None:
        return uri
    return match["host"] + (f":{match['port']}" if match["port"] else "")


def split_address(uri: str) -> tuple[str, int, bool]:
    """Host, port (5060 where none is said) and whether by TCP. Raises ConfigError."""
    whole = full_uri(uri, is_tcp=False)
    if whole.lower().startswith("sips:") or "transport=tls" in whole.lower():
        raise ConfigError(f"{uri!r} asks for TLS; write sip:host, or sip:host;transport=tcp")
    match = _HOST.match(whole)
    assert match is not None, "full_uri let it through"
    return match["host"].strip("[]"), int(match["port"] or 5060), "transport=tcp" in whole.lower()


def user_of(uri: str) -> str:
    """User part of a SIP URI; empty when there is none."""
    match = re.match(r"<?(?:sips?:)?([A-Za-z0-9._+*-]+)@", uri.strip())
    return match[1] if match else ""


def route_address(uri: str) -> str:
    """The address of this machine that packets to the URI's host leave from; `0.0.0.0` where that is not known."""
    match = _HOST.match(uri)
    if match is None:
        return "0.0.0.0"
    try:
        found = socket.getaddrinfo(match["host"].strip("[]"), 5060, socket.AF_INET, socket.SOCK_DGRAM)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(found[0][4])
            return str(probe.getsockname()[0])
    except OSError:
        return "0.0.0.0"


def sip_settings(identity: Identity, name: str, towards: str) -> Any:
    """Settings of the telephony.

    `name` goes before the @ of our address; `towards` is a URI that it is going to talk to, empty for none.
    """
    from pydantic import ValidationError

    from ivr.config import SipSettings

    address = identity.local_address or (route_address(towards) if towards else "127.0.0.1")
    given: dict[str, Any] = {
        "address": address,
        "port": identity.local_port,
        "rtp_port": _RTP_PORT,
        "rtp_port_count": _RTP_PORT_COUNT,
        "user_agent": name,
        "accounts": _accounts(identity),
    }
    if identity.codec:
        given["codecs"] = tuple(identity.codec)
    try:
        return SipSettings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"][0] == "codecs":
            raise ConfigError(f"--codec {first['input']}: {first['msg']}") from error
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{where}: {first['msg']}; see `ivr call --help`") from error


def _accounts(identity: Identity) -> dict[str, Any]:
    if not identity.account and not identity.registrar:
        if identity.password_env:
            raise ConfigError("--password-env needs --account sip:name@domain; give both")
        return {}
    if not identity.account:
        raise ConfigError("--registrar needs --account sip:name@domain; give both")
    account: dict[str, Any] = {
        "uri": full_uri(identity.account, is_tcp=False),
        "transport": "tcp" if identity.is_tcp else "udp",
    }
    if identity.registrar:
        account["registrar"] = full_uri(identity.registrar, is_tcp=False)
    if identity.user:
        account["username"] = identity.user
    if identity.password_env:
        if not (password := os.environ.get(identity.password_env)):
            raise ConfigError(f"--password-env {identity.password_env}: no such environment variable is set; set it")
        account["password"] = password
    return {ACCOUNT: account}


def playable(wav: Path, folder: Path, sample_rate_hz: int) -> Path:
    """A copy of a recording that the telephony can play. Raises MediaFailed."""
    from ivr.speech.pcm import read_wav, resample, write_wav

    audio = resample(read_wav(wav), sample_rate_hz)
    copy = folder / f"{len(list(folder.iterdir()))}.wav"
    write_wav(copy, audio)
    return copy
