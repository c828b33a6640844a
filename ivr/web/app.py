"""The desk as a web application."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from ivr.errors import StorageError
from ivr.web import routes_agent, routes_board, routes_calls, routes_login, routes_monitor, routes_phone, routes_video
from ivr.web.desk import Desk, LoginNeeded
from ivr.web.guard import Guard
from ivr.web.pages import FOLDER, page

_REASONS = {
    403: "This page is not for your role.",
    404: "There is no such page.",
    405: "There is no such page.",
    429: "Too many attempts. Please try again later.",
    413: "That was too much at once.",
    503: "That was too much at once.",
}

log = structlog.get_logger(__name__)


def make_app(desk: Desk) -> ASGIApp:
    """All pages."""
    app = FastAPI(title="desk", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = desk
    for routes in (routes_login, routes_board, routes_calls, routes_agent, routes_monitor, routes_phone, routes_video):
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"))
    app.add_exception_handler(LoginNeeded, _to_login)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(StorageError, _away)
    app.add_exception_handler(Exception, _failed)
    return Guard(app, desk.settings, tuple(desk.rooms.values()))  # around the answers to what went wrong, too


async def _to_login(request: Request, _: Exception) -> Response:
    return RedirectResponse("/login", 303)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reason = _REASONS.get(error.status_code, "Something went wrong. The log of the bot says what.")
    return page(request, "error.html", error.status_code, reason=reason)


async def _away(request: Request, error: Exception) -> Response:
    log.error("desk_without_records", reason=str(error))
    return page(request, "error.html", 503, reason="Call records cannot be read at the moment.")


async def _failed(request: Request, error: Exception) -> Response:
    log.error("desk_page_failed", path=request.url.path, exc_info=error)
    return page(request, "error.html", 500, reason="Something went wrong. The log of the bot says what.")
