"""Pages out of templates. Whatever is shown is escaped, and holds no character that one cannot see."""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ivr.calls.record import printable
from ivr.ports.people import Role
from ivr.web.desk import Viewer, desk_of
from ivr.web.words import LANGUAGES, translated, wished

FOLDER: Final = Path(__file__).parent
_NO_ONE: Final = Viewer("", None)


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A whole page in the viewer's language."""
    response = HTMLResponse(rendered(request, template, **context), status)
    response.headers["Content-Language"] = language_of(request)
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


def rendered(request: Request, template: str, **context: Any) -> str:
    """The text of a template; of a whole page or of a part."""
    language, viewer = language_of(request), _viewer(request)
    shown = {
        "lang": language,
        "_": partial(_text, language),
        "word": partial(_word, language),
        "instant": partial(_instant, language, desk_of(request).zone),
        "hour": partial(_hour, desk_of(request).zone),
        "desk_now": desk_of(request).now(),
        "user": viewer.user,
        "csrf": viewer.csrf,
        "may_monitor": desk_of(request).may_monitor,
        "path": request.url.path,
        "languages": LANGUAGES,
        "has_phone": _has_phone(request, viewer),
        "has_video": desk_of(request).door is not None,
        "is_supervisor": viewer.user is not None and viewer.user.role.includes(Role.SUPERVISOR),
    }
    return _environment().get_template(template).render(shown | context)


def language_of(request: Request) -> str:
    """Of the user, else what the browser wishes."""
    user = _viewer(request).user
    return user.language if user and user.language else wished(request.headers.get("accept-language", ""))


def _has_phone(request: Request, viewer: Viewer) -> bool:
    phone = desk_of(request).settings.phone
    return phone is not None and viewer.user is not None and viewer.user.name in phone.agents


def _viewer(request: Request) -> Viewer:
    return getattr(request.state, "viewer", _NO_ONE)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["clock"] = clock
    return environment


def _shown(value: Any) -> Any:
    """Text without control characters and without those that turn the direction of writing."""
    return printable(value) if type(value) is str else value


def _text(language: str, text: str, **values: object) -> str:
    return translated(text, language).format(**values)


def _word(language: str, name: str | None) -> str:
    """A word of a record, such as `caller_hung_up`; one that is not known stays as it is."""
    return translated((name or "").replace("_", " "), language)


def _instant(language: str, zone: tzinfo | None, at: datetime) -> str:
    return at.astimezone(zone).strftime("%d.%m.%Y %H:%M:%S" if language == "de" else "%Y-%m-%d %H:%M:%S")


def _hour(zone: tzinfo | None, at: datetime) -> str:
    return at.astimezone(zone).strftime("%H")


def clock(duration_s: float | None) -> str:
    """Minutes and seconds."""
    if duration_s is None:
        return "–"
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes}:{seconds:02d}"
