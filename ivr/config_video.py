"""Settings of video rooms: which numbers they have, and how browsers get there. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from ivr.config_section import Section
from ivr.config_websocket import DOMAIN_PATTERN, goes_in_the_open

_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
MOST_ROOMS = 1000


def numbers_of(text: str) -> range:
    """The numbers of "500-509", or of "500". Raises ValueError."""
    found = _RANGE.fullmatch(text.strip())
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not first <= last < first + MOST_ROOMS:
        raise ValueError(f'{text!r} is no range of room numbers; write "500-509", of at most {MOST_ROOMS}')
    return range(first, last + 1)


def _rooms(value: str) -> str:
    numbers_of(value)
    return value


class VideoLogin(Section):
    """A SIP account by which browsers call the rooms."""

    username: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    password: SecretStr
    """Comes in as `${NAME}`. Every browser that is let in gets to know it: the PBX must let it call rooms only."""


class VideoSettings(Section):
    """Rooms of a telephone system in which callers and agents see each other."""

    rooms: Annotated[str, AfterValidator(_rooms)]
    """Numbers of the rooms: `500-509`. Each call has one to itself."""
    sip: Annotated[str, StringConstraints(pattern=r"^sips?:[^\s]*\{room\}[^\s]*$")]
    """How the bot calls a room: `sip:{room}@pbx.example.org`."""
    random_digits: Annotated[int, Field(ge=0, le=12)] = 0
    """So many follow the number of the room in what is dialled, others at each visit: who knows those of one finds no
    other by them. The telephone system has to have rooms by such numbers."""
    account: str = ""
    """Account that places the call; the caller's own when empty."""
    websocket: Annotated[str, StringConstraints(pattern=r"^wss?://[^\s/?#@;,']+(/[^\s?#@;,']*)?$")]
    """Where browsers reach the telephone system: `wss://pbx.example.org:8089/ws`."""
    domain: Annotated[str, StringConstraints(pattern=DOMAIN_PATTERN)]
    """What stands behind the @ of their addresses."""
    guest: VideoLogin
    """For who comes by a link."""
    agent: VideoLogin | None = None
    """For who has logged in to the desk; as `guest` when empty."""
    public_url: Annotated[str, StringConstraints(pattern=r"^$|^https?://[^\s/?#@]+$")] = ""
    """Address of the links' page, `https://video.example.org`, from which nothing else of the desk is reached; the
    desk's own when empty."""

    @property
    def numbers(self) -> range:
        """Of the rooms."""
        return numbers_of(self.rooms)

    @property
    def host(self) -> str:
        """Host and port of the links' page; empty: the desk's own."""
        return urlsplit(self.public_url).netloc.lower()

    def dialled(self, number: int, visit: str) -> str:
        """What bot and browsers dial to get into a room during a visit, whose name is random."""
        value = int.from_bytes(hashlib.sha256(visit.encode()).digest())
        return f"{number}{value % 10**self.random_digits:0{self.random_digits}d}" if self.random_digits else str(number)

    def uri_of(self, number: int, visit: str) -> str:
        """How the bot calls a room."""
        return self.sip.replace("{room}", self.dialled(number, visit))

    @model_validator(mode="after")
    def _passwords_are_not_readable(self) -> VideoSettings:
        if goes_in_the_open(self.websocket):
            raise ValueError("websocket: passwords and addresses would go through a network in the open; write wss://…")
        return self
