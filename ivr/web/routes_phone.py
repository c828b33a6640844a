"""The account of the telephone in an agent's page: for that agent only, and in no page's text."""

from __future__ import annotations

from typing import Final

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from ivr.acd.agent import Agent
from ivr.web.board import hours_of_day
from ivr.web.desk import AtDesk, Desk, LoggedIn, form_of

NO_AGENT: Final = "no_agent"
"""The user has an account in the settings, and `ivr agents add` has not made him an agent."""

log = structlog.get_logger(__name__)
router = APIRouter()


@router.post("/agent/phone")
async def phone(request: Request, desk: AtDesk, user: LoggedIn) -> Response:
    """What his browser registers with. Whose it is comes from the session alone: there is no name in the request."""
    await form_of(request)
    settings = desk.settings.phone
    login = settings.agents.get(user.name) if settings else None
    if settings is None or login is None:
        raise HTTPException(404)
    username = login.username or _user_part(await _agent(desk, user.name))
    if not username:
        return JSONResponse({"error": NO_AGENT}, 409)
    log.info("phone_account_given", agent=user.name)
    return JSONResponse(
        {
            "websocket": settings.websocket,
            "domain": settings.domain,
            "username": username,
            "password": login.password.get_secret_value(),
            "ice": desk.ice_servers(),
        }
    )


async def _agent(desk: Desk, name: str) -> Agent | None:
    floor = await desk.floor.figures(hours_of_day(desk.now(), desk.zone))
    return floor.agent(name) if floor else None


def _user_part(agent: Agent | None) -> str:
    return agent.sip.partition(":")[2].partition("@")[0] if agent else ""
