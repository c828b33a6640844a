"""Recorded calls, one of them, and the flows."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from ivr.web.desk import AtDesk, Supervisor
from ivr.web.pages import page

PAGE: Final = 50
ID_LIMIT: Final = 64

router = APIRouter()


@router.get("/calls")
async def calls(request: Request, desk: AtDesk, user: Supervisor, before: str = "") -> Response:
    """A page of the list, newest first."""
    found = await asyncio.to_thread(desk.calls.page, PAGE + 1, before[:ID_LIMIT])
    older = found[PAGE - 1].id if len(found) > PAGE else ""
    return page(request, "calls.html", calls=found[:PAGE], older=older, before=before)


@router.get("/calls/{call_id}")
async def call(request: Request, desk: AtDesk, user: Supervisor, call_id: str) -> Response:
    """One call as it was recorded."""
    record = await asyncio.to_thread(desk.calls.get, call_id) if len(call_id) <= ID_LIMIT else None
    if record is None:
        raise HTTPException(404)
    return page(request, "call.html", call=record, as_text=_as_text)


@router.get("/flows")
async def flows(request: Request, desk: AtDesk, user: Supervisor) -> Response:
    """What is in service, and what is wrong with newer files."""
    return page(request, "flows.html", flows=await asyncio.to_thread(desk.flows.shown))


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
