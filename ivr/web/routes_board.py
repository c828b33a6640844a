"""The wallboard and its live figures; the bot's health."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from ivr.web.desk import AtDesk, Supervisor
from ivr.web.pages import page, rendered
from ivr.web.streams import stream

router = APIRouter()


@router.get("/wallboard")
async def wallboard(request: Request, desk: AtDesk, user: Supervisor) -> Response:
    """Calls of today and of this moment."""
    return page(request, "wallboard.html", figures=await desk.board.now())


@router.get("/wallboard/events")
async def events(request: Request, desk: AtDesk, user: Supervisor) -> Response:
    """Server-sent events (HTML Standard §9.2): the part of the page that changes, whenever it does."""

    async def part() -> str:
        return rendered(request, "wallboard_figures.html", figures=await desk.board.now())

    return stream(request, desk, part)


@router.get("/health")
async def health(desk: AtDesk) -> Response:
    """For who watches the bot: 200 while it takes calls, else 503."""
    status = await desk.bot.status()
    if status is None:
        return JSONResponse({"status": "down", "problem": "the bot gives no answer"}, 503)
    state = "down" if not status.is_up else "degraded" if status.problem else "ok"
    figures = {"calls": status.calls, "capacity": status.capacity, "since": status.since.isoformat()}
    return JSONResponse({"status": state, **figures, "problem": status.problem}, 200 if status.is_up else 503)
