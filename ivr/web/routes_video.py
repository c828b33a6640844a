"""The pages of video rooms: for a guest who has a link, and for whoever has logged in."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from ivr.config_video import VideoLogin
from ivr.errors import QueueError, StorageError
from ivr.ports.video import OpenVisit, VideoDoor
from ivr.web.desk import AtDesk, Desk, LoggedIn, form_of, new_token, token_hash
from ivr.web.pages import page

KEY_LIMIT: Final = 128
"""Characters of a token, or of a page's key."""
VIDEO_PAUSE: Final = "video"
"""Reason of the pause of an agent who goes into a room out of no wrap-up; "Take calls" ends it."""
_GONE: Final = "This link cannot be used any more. Please ask for another one."
_NO_CALLER: Final = "Nobody waits in this room, or it is full."

log = structlog.get_logger(__name__)
router = APIRouter()


@router.post("/v/seen")
async def seen(request: Request, desk: AtDesk) -> Response:
    """A page says that it is still there, and is told whether it is to leave."""
    door, key = _door(desk), await _key_of(request)
    return JSONResponse({"stay": await asyncio.to_thread(door.seen, token_hash(key), desk.now())})


@router.post("/v/left")
async def left(request: Request, desk: AtDesk) -> Response:
    """A page is being closed."""
    door, key = _door(desk), await _key_of(request)
    await asyncio.to_thread(door.left, token_hash(key), desk.now())
    return Response(status_code=204)


@router.get("/v/{token}")
async def guest(request: Request, desk: AtDesk, token: str) -> Response:
    """The page behind a link. To look at it uses nothing: whoever shows a preview of links does so unasked."""
    _refuse_guessing(request, desk, token)
    found = await asyncio.to_thread(_door(desk).look, token_hash(token[:KEY_LIMIT]), desk.now())
    if found is None:
        return _gone(request, desk, token)
    return page(request, "video.html", join=f"/v/{token}/join", room="", problem="")


@router.post("/v/{token}/join")
async def join_as_guest(request: Request, desk: AtDesk, token: str) -> Response:
    """Use the link: what a browser needs to call the room, once."""
    _refuse_guessing(request, desk, token)
    key, link = new_token(), token_hash(token[:KEY_LIMIT])
    found = await asyncio.to_thread(_door(desk).use, link, token_hash(key), desk.now())
    if found is None:
        return _gone(request, desk, token)
    log.info("video_joined", call_id=found.call_id, room=found.number, who="guest")
    return _ticket(desk, found, key)


@router.get("/video")
async def rooms(request: Request, desk: AtDesk, user: LoggedIn) -> Response:
    """Rooms whose callers wait or talk."""
    found = await asyncio.to_thread(_door(desk).visits, desk.now())
    return page(request, "video_rooms.html", visits=found)


@router.get("/video/{number}")
async def agent(request: Request, desk: AtDesk, user: LoggedIn, number: int) -> Response:
    """One room."""
    found = await asyncio.to_thread(_door(desk).visits, desk.now())
    if not any(each.number == number for each in found):
        return page(request, "video.html", 404, join="", room=number, problem=_NO_CALLER)
    return page(request, "video.html", join=f"/video/{number}/join", room=number, problem="")


@router.post("/video/{number}/join")
async def join_as_agent(request: Request, desk: AtDesk, user: LoggedIn, number: int) -> Response:
    """What a browser needs to call the room."""
    await form_of(request)
    key = new_token()
    found = await asyncio.to_thread(_door(desk).enter, number, user.name, token_hash(key), desk.now())
    if found is None:
        return JSONResponse({}, 410)
    log.info("video_joined", call_id=found.call_id, room=number, who="agent")
    with suppress(QueueError, StorageError):  # the caller waits: better a call too many than no picture
        await desk.floor.enter_room(user.name, VIDEO_PAUSE)
    return _ticket(desk, found, key, is_agent=True)


def _door(desk: Desk) -> VideoDoor:
    if desk.door is None:
        raise HTTPException(404)
    return desk.door


async def _key_of(request: Request) -> str:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > KEY_LIMIT:
            raise HTTPException(413)
    return body.decode("latin-1")


def _source(request: Request) -> str:
    return request.client.host if request.client else ""


def _refuse_guessing(request: Request, desk: Desk, token: str) -> None:
    """Who has tried too many links that are none gets no answer for a while."""
    if desk.limit.wait_s(token_hash(token[:KEY_LIMIT]), _source(request), time.monotonic()):
        raise HTTPException(429)


def _gone(request: Request, desk: Desk, token: str) -> Response:
    desk.limit.failed(token_hash(token[:KEY_LIMIT]), _source(request), time.monotonic())
    return page(request, "video.html", 410, join="", room="", problem=_GONE)


def _ticket(desk: Desk, found: OpenVisit, key: str, *, is_agent: bool = False) -> Response:
    rooms = desk.rooms.get(found.room)
    if rooms is None:
        raise HTTPException(404)
    login: VideoLogin = rooms.agent if is_agent and rooms.agent else rooms.guest
    return JSONResponse(
        {
            "key": key,
            "number": rooms.dialled(found.number, found.visit),
            "domain": rooms.domain,
            "websocket": rooms.websocket,
            "username": login.username,
            "password": login.password.get_secret_value(),
            "ice": desk.ice_servers(),
        }
    )
