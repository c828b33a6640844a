"""Session descriptions that a peer offers (RFC 4566, RFC 3264): which of our codecs it names, and in which order. Pure.

Text in, text out; every byte is one character (Latin-1), so that what cannot be understood stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

_ENCODINGS: Final = {
    "PCMA": "pcma/8000",
    "PCMU": "pcmu/8000",
    "G722": "g722/8000",  # RFC 3551 §4.5.2: its RTP clock is 8 kHz, its audio 16
    "GSM": "gsm/8000",
    "iLBC": "ilbc/8000",
}
_STATIC: Final = {"0": "pcmu/8000", "3": "gsm/8000", "8": "pcma/8000", "9": "g722/8000"}
"""Payload types that need no rtpmap (RFC 3551 table 4)."""
_MEDIA: Final = "m="
_RTPMAP: Final = "a=rtpmap:"
_FIELDS_BEFORE_FORMATS: Final = 3

Section = list[str]
"""The lines of one media description, its `m=` line first."""


def encodings(codecs: Sequence[str], sample_rate_hz: int) -> tuple[str, ...]:
    """Configured codecs as session descriptions name them."""
    return tuple(_ENCODINGS.get(name, f"{name.lower()}/{sample_rate_hz}") for name in codecs)


def in_order(sdp: str, wanted: Sequence[str]) -> str:
    """The description with our codecs first in each audio line, in our order; the rest keeps its order.

    The order of an offer is a preference only (RFC 3264 §6.1): the answerer may choose any of its formats.
    """
    lines = sdp.split("\n")
    for first, section in _sections(lines):
        if _is_audio(section):
            lines[first] = _sorted(section, wanted)
    return "\n".join(lines)


def is_acceptable(sdp: str, wanted: Sequence[str]) -> bool:
    """Whether there is audio that we can carry on with: one of our codecs, or a stream that is switched off."""
    audio = [section for _, section in _sections(sdp.split("\n")) if _is_audio(section)]
    return any(_is_off(section) or _has_any(section, wanted) for section in audio)


def has_video(sdp: str) -> bool:
    """Whether there is a video stream that is switched on."""
    video = [section for _, section in _sections(sdp.split("\n")) if _media_of(section) == "video"]
    return any(not _is_off(section) for section in video)


def _sections(lines: list[str]) -> Iterator[tuple[int, Section]]:
    starts = [number for number, line in enumerate(lines) if line.startswith(_MEDIA)]
    for start, end in pairwise([*starts, len(lines)]):
        yield start, lines[start:end]


def _is_audio(section: Section) -> bool:
    return _media_of(section) == "audio"


def _media_of(section: Section) -> str:
    return section[0].split()[0].lower().removeprefix(_MEDIA)


def _is_off(section: Section) -> bool:
    return section[0].split()[1:2] == ["0"]


def _formats(section: Section) -> list[str]:
    return section[0].split()[_FIELDS_BEFORE_FORMATS:]


def _has_any(section: Section, wanted: Sequence[str]) -> bool:
    names = _names(section)
    return any(names.get(number) in wanted for number in _formats(section))


def _sorted(section: Section, wanted: Sequence[str]) -> str:
    line, names = section[0], _names(section)
    formats = _formats(section)
    ranks = {name: rank for rank, name in enumerate(wanted)}
    ordered = sorted(formats, key=lambda number: ranks.get(names.get(number, ""), len(wanted)))
    if ordered == formats:
        return line
    return " ".join([*line.split()[:_FIELDS_BEFORE_FORMATS], *ordered]) + ("\r" if line.endswith("\r") else "")


def _names(section: Section) -> dict[str, str]:
    """Payload type -> encoding, in lower case and without the channel count of 1."""
    names = dict(_STATIC)
    for line in section[1:]:
        number, _, encoding = line.removeprefix(_RTPMAP).strip().partition(" ")
        if line.startswith(_RTPMAP):
            names[number] = encoding.strip().lower().removesuffix("/1")
    return names
