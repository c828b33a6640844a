"""What the pages are made from, and who may see them. Names no place where anything is kept."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import Depends, HTTPException, Request

from ivr.config_video import VideoSettings
from ivr.config_web import WebSettings
from ivr.ports.desk import Bot, RecordedCalls, ServedFlows
from ivr.ports.people import People, Role, User
from ivr.ports.video import VideoDoor
from ivr.web.board import Board
from ivr.web.floor import FloorView
from ivr.web.ice import IceServer, ice_servers
from ivr.web.limits import LoginLimit

FORM_LIMIT: Final = 16_384
"""Bytes of a form."""
_FIELDS_LIMIT: Final = 20


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that a page may ask."""

    settings: WebSettings
    people: People
    bot: Bot
    calls: RecordedCalls
    flows: ServedFlows
    floor: FloorView
    board: Board
    now: Callable[[], datetime]
    zone: tzinfo | None
    """Of the instants that are shown; None: the machine's."""
    rooms: Mapping[str, VideoSettings] = field(default_factory=dict)
    """Video rooms of the settings, by name."""
    door: VideoDoor | None = None
    """To them; None where there are none."""
    may_monitor: bool = False
    """Whether supervisors may take part in talks."""
    limit: LoginLimit = field(default_factory=LoginLimit)
    login: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a password is compared: one processor at most, and no try beside the one that is counted."""

    @property
    def cookie(self) -> str:
        """Name of the cookie that holds a session's token. `__Host-`: RFC 6265bis §4.1.3.2."""
        return "__Host-desk" if self.settings.is_secure else "desk"

    def ice_servers(self) -> list[IceServer]:
        """For one page, by a name that says nothing of who looks at it."""
        return ice_servers(self.settings.ice, secrets.token_hex(8), self.now())


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever asks for a page."""

    token: str
    """Of the session, or before the login of the form."""
    user: User | None

    @property
    def csrf(self) -> str:
        """What a form has to bring back: no other site can know it."""
        return hmac.new(self.token.encode(), b"csrf", hashlib.sha256).hexdigest()


class LoginNeeded(Exception):
    """The page is for people who have logged in."""


def desk_of(request: Request) -> Desk:
    """The desk that a request is for."""
    desk: Desk = request.app.state.desk
    return desk


def new_token() -> str:
    """256 bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a token: whoever reads the rows cannot log in by them."""
    return hashlib.sha256(token.encode()).hexdigest()


async def viewer_of(request: Request) -> Viewer:
    """Who asks; raises StorageError."""
    desk = desk_of(request)
    token = request.cookies.get(desk.cookie, "")
    user = await asyncio.to_thread(desk.people.user_of_session, token_hash(token), desk.now()) if token else None
    request.state.viewer = viewer = Viewer(token, user)
    return viewer


async def logged_in(request: Request) -> User:
    """Who asks; raises LoginNeeded."""
    user = (await viewer_of(request)).user
    if user is None:
        raise LoginNeeded
    return user


async def supervisor(user: Annotated[User, Depends(logged_in)]) -> User:
    """A supervisor or an operator; 403 for others."""
    if not user.role.includes(Role.SUPERVISOR):
        raise HTTPException(403)
    return user


LoggedIn = Annotated[User, Depends(logged_in)]
Supervisor = Annotated[User, Depends(supervisor)]
AtDesk = Annotated[Desk, Depends(desk_of)]


async def form_of(request: Request) -> Mapping[str, str]:
    """The fields of a form whose token is that of the viewer; 413 and 403 for others."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_LIMIT:
            raise HTTPException(413)
    try:
        parsed = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS_LIMIT)
    except ValueError as error:
        raise HTTPException(413) from error
    fields = {name: values[0] for name, values in parsed.items()}
    viewer: Viewer = request.state.viewer
    if not viewer.token or not hmac.compare_digest(fields.get("csrf", "").encode(), viewer.csrf.encode()):
        raise HTTPException(403)
    return fields
