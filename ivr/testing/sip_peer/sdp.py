"""Audio session descriptions (RFC 4566, RFC 3264): build offers and answers, read the other side's. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

STATIC_PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8, "G722": 9}
"""RFC 3551 table 4; all three have an 8 kHz RTP clock."""
TELEPHONE_EVENT = 101
_VIDEO = ("m=video 9 RTP/AVP 96", "a=rtpmap:96 VP8/90000", "a=sendrecv")
"""Offered, never looked at: pictures that somebody sends go to the discard port (RFC 863)."""
_MIRROR = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class BadSdp(ValueError):
    """There is no usable audio in the description."""


@dataclass(frozen=True, slots=True)
class AudioSdp:
    """The audio stream of a session description."""

    address: str
    port: int
    """0 = stream refused."""
    codecs: tuple[tuple[int, str], ...]
    """Payload type and name in order of preference, telephone-event left out."""
    event_payload_type: int | None = None
    direction: str = "sendrecv"
    ptime_ms: int = 20
    media_lines: tuple[str, ...] = ()
    """Every `m=` line in order, for the answer's refusals."""
    formats: Mapping[int, str] = field(default_factory=dict)
    """Payload type -> fmtp."""


def build_sdp(audio: AudioSdp, *, session_id: int = 1, version: int = 1) -> bytes:
    """Write a description whose only live stream is `audio`; other media lines are refused with port 0."""
    payload_types = [number for number, _ in audio.codecs]
    lines = [f"{number} {name}/8000" for number, name in audio.codecs]
    if audio.event_payload_type is not None:
        payload_types.append(audio.event_payload_type)
        lines.append(f"{audio.event_payload_type} telephone-event/8000")
    stream = [f"m=audio {audio.port} RTP/AVP {' '.join(map(str, payload_types))}"]
    stream += [f"a=rtpmap:{line}" for line in lines]
    if audio.event_payload_type is not None:
        stream.append(f"a=fmtp:{audio.event_payload_type} 0-15")
    stream += [f"a=ptime:{audio.ptime_ms}", f"a={audio.direction}"]
    head = ["v=0", f"o=- {session_id} {version} IN IP4 {audio.address}", "s=-", f"c=IN IP4 {audio.address}", "t=0 0"]
    return ("\r\n".join(head + _with_refusals(stream, audio.media_lines)) + "\r\n").encode()


def _with_refusals(stream: list[str], media_lines: Sequence[str]) -> list[str]:
    """The answer has as many media lines as the offer, in its order (RFC 3264 §6)."""
    if not media_lines:
        return stream
    lines: list[str] = []
    audio_done = False
    for media_line in media_lines:
        kind, _, rest = media_line.partition(" ")
        if kind == "audio" and not audio_done:
            audio_done = True
            lines += stream
        else:
            lines.append(f"m={kind} 0 {rest.partition(' ')[2]}")
    return lines


def build_offer(
    address: str,
    port: int,
    codecs: Sequence[str],
    *,
    telephone_event: bool = True,
    direction: str = "sendrecv",
    version: int = 1,
    video: bool = False,
) -> bytes:
    """An offer of the named codecs; with `video` also of a VP8 stream, as a telephone with a camera has it."""
    audio = AudioSdp(
        address=address,
        port=port,
        codecs=tuple((STATIC_PAYLOAD_TYPES[name], name) for name in codecs),
        event_payload_type=TELEPHONE_EVENT if telephone_event else None,
        direction=direction,
    )
    pictures = "\r\n".join((*_VIDEO, "")).encode() if video else b""
    return build_sdp(audio, version=version) + pictures


def parse_sdp(body: bytes) -> AudioSdp:
    """The first audio stream. Raises BadSdp."""
    session: list[str] = []
    sections: list[list[str]] = []
    for line in body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            sections.append([line])
        elif line:
            (sections[-1] if sections else session).append(line)
    audio = next((section for section in sections if section[0].startswith("m=audio")), None)
    if audio is None:
        raise BadSdp("the session description has no audio")
    return _audio_of(session, audio, tuple(section[0][2:] for section in sections))


def _audio_of(session: list[str], lines: list[str], media_lines: tuple[str, ...]) -> AudioSdp:
    parts = lines[0].split()
    if len(parts) < 4 or not parts[1].split("/")[0].isdigit():
        raise BadSdp(f"not a media line: {lines[0][:60]!r}")
    names = {number: name for name, number in STATIC_PAYLOAD_TYPES.items()} | _rtpmaps(lines)
    numbers = [int(text) for text in parts[3:] if text.isdigit()]
    known = [(number, names[number]) for number in numbers if number in names]
    return AudioSdp(
        address=_address(lines) or _address(session) or "",
        port=int(parts[1].split("/")[0]),
        codecs=tuple((number, name) for number, name in known if name != "TELEPHONE-EVENT"),
        event_payload_type=next((number for number, name in known if name == "TELEPHONE-EVENT"), None),
        direction=_direction(lines) or _direction(session) or "sendrecv",
        ptime_ms=int(next((line[8:] for line in lines if line.startswith("a=ptime:") and line[8:].isdigit()), "20")),
        media_lines=media_lines,
        formats=_formats(lines),
    )


def _rtpmaps(lines: list[str]) -> dict[int, str]:
    """Payload type -> encoding name in upper case, only those with an 8 kHz clock."""
    maps = {}
    for line in lines:
        number, _, encoding = line.removeprefix("a=rtpmap:").partition(" ")
        name, _, rate = encoding.strip().partition("/")
        if line.startswith("a=rtpmap:") and number.isdigit():
            maps[int(number)] = name.upper() if rate.split("/")[0] == "8000" else f"{name}/{rate}"
    return maps


def _formats(lines: list[str]) -> dict[int, str]:
    pairs = (line[7:].partition(" ") for line in lines if line.startswith("a=fmtp:"))
    return {int(number): text for number, _, text in pairs if number.isdigit()}


def _address(lines: list[str]) -> str | None:
    return next((line.split()[-1].split("/")[0] for line in lines if line.startswith("c=")), None)


def _direction(lines: list[str]) -> str | None:
    return next((line[2:].strip() for line in lines if line[2:].strip() in _MIRROR and line.startswith("a=")), None)


def answer_to(offer: AudioSdp, address: str, port: int, codecs: Sequence[str], *, telephone_event: bool) -> AudioSdp:
    """The answer with the offer's first codec that we also have (RFC 3264 §6.1). Raises BadSdp if there is none."""
    common = [(number, name) for number, name in offer.codecs if name in codecs]
    if not common:
        raise BadSdp(f"no common codec: offered {[name for _, name in offer.codecs]}, supported {list(codecs)}")
    return AudioSdp(
        address=address,
        port=port,
        codecs=tuple(common[:1]),
        event_payload_type=offer.event_payload_type if telephone_event else None,
        direction=_MIRROR[offer.direction],
        media_lines=offer.media_lines,
    )
