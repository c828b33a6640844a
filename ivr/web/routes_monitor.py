"""A supervisor takes part in a talk: three buttons, and what came of them."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from ivr.calls.monitoring import MonitorWish, Participation
from ivr.web.board import hours_of_day
from ivr.web.desk import AtDesk, Desk, Supervisor, form_of
from ivr.web.pages import page
from ivr.web.routes_calls import ID_LIMIT

router = APIRouter()


@router.post("/calls/{call_id}/monitor")
async def monitor(request: Request, desk: AtDesk, user: Supervisor, call_id: str) -> Response:
    """Call the viewer's own telephone, or let it take part in another way."""
    fields = await form_of(request)
    if not desk.may_monitor:
        raise HTTPException(404)
    if (how := fields.get("how", "")) not in list(Participation) or len(call_id) > ID_LIMIT:
        raise HTTPException(413)
    sip = await _telephone_of(desk, user.name)
    if not sip:
        return _told(request, call_id, needs_row=True)
    problem = await desk.bot.monitor(call_id, MonitorWish(user.name, sip, Participation(how)))
    return _told(request, call_id, how=how, problem=problem)


async def _telephone_of(desk: Desk, name: str) -> str:
    """Of the agent with the user's name; empty where there is none."""
    floor = await desk.floor.figures(hours_of_day(desk.now(), desk.zone))
    agent = floor.agent(name) if floor else None
    return agent.sip if agent else ""


def _told(
    request: Request, call_id: str, *, how: str = "", problem: str | None = "", needs_row: bool = False
) -> Response:
    """`problem`: why it is not so; None while the telephone rings."""
    status = 409 if needs_row or problem else 200
    return page(request, "monitoring.html", status, call_id=call_id, how=how, problem=problem, needs_row=needs_row)
