"""An agent's own page: the state, who waits, and what to do about it."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from ivr.acd.wishes import Wish
from ivr.errors import QueueError
from ivr.web.board import hours_of_day
from ivr.web.desk import AtDesk, Desk, LoggedIn, form_of
from ivr.web.floor import FloorFigures
from ivr.web.pages import page, rendered
from ivr.web.streams import stream

REASON_LIMIT: Final = 60
AGENT_EVERY_S: Final = 1.0
"""A call that rings is to be seen at once."""

router = APIRouter()


@router.get("/agent")
async def agent(request: Request, desk: AtDesk, user: LoggedIn) -> Response:
    """The page."""
    return page(request, "agent.html", floor=await _floor(desk), is_live=False, problem="")


@router.get("/agent/events")
async def events(request: Request, desk: AtDesk, user: LoggedIn) -> Response:
    """The part of the page that changes."""

    async def part() -> str:
        return rendered(request, "agent_figures.html", floor=await _floor(desk), is_live=True)

    return stream(request, desk, part, AGENT_EVERY_S)


@router.post("/agent/state")
async def set_state(request: Request, desk: AtDesk, user: LoggedIn) -> Response:
    """Log in to the queues, pause, go on, log out of them."""
    fields = await form_of(request)
    wish, reason = fields.get("wish", ""), fields.get("reason", "").strip()
    if wish not in list(Wish) or len(reason) > REASON_LIMIT:
        raise HTTPException(413)
    try:
        await desk.floor.wish(user.name, Wish(wish), reason if wish == Wish.PAUSED else "")
    except QueueError:
        said = "That is not possible at this moment."
        return page(request, "agent.html", 409, floor=await _floor(desk), is_live=False, problem=said)
    return RedirectResponse("/agent", 303)


@router.post("/agent/talk")
async def note_talk(request: Request, desk: AtDesk, user: LoggedIn) -> Response:
    """Keep disposition and note; go on to the next call where that was asked for."""
    fields = await form_of(request)
    try:
        said = (fields.get("disposition", ""), fields.get("note", ""))
        await desk.floor.note_talk(user.name, fields.get("talk", ""), *said)
        if fields.get("then") == "ready":
            await desk.floor.wish(user.name, Wish.AVAILABLE, "")
    except QueueError:
        kept = "That was not kept: the talk is over for too long, or the note is too long."
        return page(request, "agent.html", 409, floor=await _floor(desk), is_live=False, problem=kept)
    return RedirectResponse("/agent", 303)


async def _floor(desk: Desk) -> FloorFigures | None:
    return await desk.floor.figures(hours_of_day(desk.now(), desk.zone))
