"""Login, logout, and what everybody may set."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import timedelta
from typing import Final

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from ivr.ports.people import Role
from ivr.web.desk import AtDesk, Desk, LoggedIn, Viewer, form_of, new_token, token_hash, viewer_of
from ivr.web.pages import page
from ivr.web.passwords import MOST_LENGTH, matches
from ivr.web.words import LANGUAGES

NAME_LIMIT: Final = 64
FORM_S: Final = 3600
"""A form of the login that is older is to be asked for again."""

log = structlog.get_logger(__name__)
router = APIRouter()


@router.get("/")
async def home(request: Request, user: LoggedIn) -> Response:
    """Where somebody's work begins."""
    if user.role.includes(Role.SUPERVISOR):
        return RedirectResponse("/wallboard", 303)
    return RedirectResponse("/agent", 303)


@router.get("/login")
async def login_form(request: Request, desk: AtDesk) -> Response:
    """The form."""
    if (await viewer_of(request)).user is not None:
        return RedirectResponse("/", 303)
    return _form(request, desk)


@router.post("/login")
async def login(request: Request, desk: AtDesk) -> Response:
    """Begin a session under a new token."""
    request.state.viewer = Viewer(request.cookies.get(_form_cookie(desk), ""), None)
    try:
        fields = await form_of(request)
    except HTTPException as error:
        if error.status_code != 403:
            raise
        return _form(request, desk, "The form is too old. Please send it again.", 403)
    name, password = fields.get("name", "").strip().lower(), fields.get("password", "")
    source = request.client.host if request.client else ""
    if not 0 < len(name) <= NAME_LIMIT or len(password) > MOST_LENGTH:
        return _form(request, desk, "Name or password is wrong.", 401)
    async with desk.login:
        if wait_s := desk.limit.wait_s(name, source, time.monotonic()):
            return _form(request, desk, "Too many attempts. Try again in {minutes} min.", 429, math.ceil(wait_s / 60))
        if not await asyncio.to_thread(_is_right, desk, name, password):
            desk.limit.failed(name, source, time.monotonic())
            log.warning("desk_login_failed", caller=name, source=source)
            return _form(request, desk, "Name or password is wrong.", 401)
        desk.limit.succeeded(name, source)
    return await _begun(desk, name)


@router.post("/logout")
async def logout(request: Request, desk: AtDesk, user: LoggedIn) -> Response:
    """End the session."""
    await form_of(request)
    await asyncio.to_thread(desk.people.end_session, token_hash(request.state.viewer.token))
    response = RedirectResponse("/login", 303)
    response.delete_cookie(desk.cookie, secure=desk.settings.is_secure, httponly=True, samesite="lax")
    return response


@router.post("/language")
async def set_language(request: Request, desk: AtDesk, user: LoggedIn) -> Response:
    """Keep the user's language; back to where he was."""
    fields = await form_of(request)
    language, back = fields.get("language", ""), fields.get("back", "/")
    if language in LANGUAGES:
        await asyncio.to_thread(desk.people.set_language, user.name, language)
    is_path = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    return RedirectResponse(back if is_path else "/", 303)


def _is_right(desk: Desk, name: str, password: str) -> bool:
    return matches(password, desk.people.password_hash(name))


async def _begun(desk: Desk, name: str) -> Response:
    token, now, lasts_s = new_token(), desk.now(), desk.settings.session
    expires_at = now + timedelta(seconds=lasts_s)
    await asyncio.to_thread(desk.people.begin_session, token_hash(token), name, now, expires_at)
    response = RedirectResponse("/", 303)
    _set_cookie(response, desk, desk.cookie, token, int(lasts_s))
    response.delete_cookie(_form_cookie(desk), secure=desk.settings.is_secure, httponly=True, samesite="lax")
    return response


def _form(request: Request, desk: Desk, problem: str = "", status: int = 200, minutes: int = 0) -> Response:
    """The form with a token of its own, so that no other site logs anybody in."""
    token = request.cookies.get(_form_cookie(desk)) or new_token()
    request.state.viewer = Viewer(token, None)
    response = page(request, "login.html", status, problem=problem, minutes=minutes)
    _set_cookie(response, desk, _form_cookie(desk), token, FORM_S)
    return response


def _form_cookie(desk: Desk) -> str:
    return desk.cookie + "_form"


def _set_cookie(response: Response, desk: Desk, name: str, value: str, lasts_s: int) -> None:
    response.set_cookie(
        name, value, max_age=lasts_s, path="/", secure=desk.settings.is_secure, httponly=True, samesite="lax"
    )
