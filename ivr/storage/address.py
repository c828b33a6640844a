"""The address of a database as text: whether it can be one, and how it is shown. Needs no database library.

A worker must refuse a wrong address at its start and name the right one in its messages, and holds no library for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

from ivr.errors import StorageError

KINDS = {"sqlite": "sqlite", "postgresql": "postgresql", "postgres": "postgresql"}
SECRET_OPTIONS = ("password", "passfile", "sslpassword")

# The grammar of SQLAlchemy's make_url, which reads the same text later.
_URL = re.compile(
    r"""
    (?P<name>[\w+]+)://
    (?:(?P<user>[^:/]*)(?P<password>:[^@]*)?@)?
    (?P<host>\[[^/?]+\]|[^/:?]+)?
    (?P<port>:[^/?]*)?
    (?:/(?P<database>[^?]*))?
    (?:\?(?P<options>.*))?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a SQLite or PostgreSQL database."""

    url: str = field(repr=False)
    """With its secrets."""
    shown: str
    """The URL without its secrets."""
    is_in_memory: bool
    """Whether the database is gone with the process that opened it."""


def parse_address(text: str) -> Address:
    """Check it. Raises StorageError that shows nothing of the text, which may hold a password."""
    found = _URL.match(text)
    if found is None or "@" in (found["host"] or "") or not re.fullmatch("(:[0-9]+)?", found["port"] or ""):
        raise StorageError(
            "database.url is not a database address; write sqlite:///path/to/calls.db or "
            "postgresql://user:${PASSWORD}@host:5432/name (special characters of the password percent-encoded)",
            retryable=False,
        )
    kind = found["name"].split("+")[0]
    if kind not in KINDS:
        raise StorageError(
            f"database.url names {kind!r}, which is not supported; use sqlite:///… or postgresql://…", retryable=False
        )
    is_in_memory = kind == "sqlite" and unquote(found["database"] or "") in ("", ":memory:")
    return Address(text, _shown(KINDS[kind], found), is_in_memory)


def _shown(kind: str, found: re.Match[str]) -> str:
    user = "" if found["user"] is None else found["user"] + (":***" if found["password"] else "") + "@"
    database = "" if found["database"] is None else f"/{found['database']}"
    options = "" if found["options"] is None else "?" + "&".join(map(_masked, found["options"].split("&")))
    return f"{kind}://{user}{found['host'] or ''}{found['port'] or ''}{database}{options}"


def _masked(option: str) -> str:
    name, equals, _ = option.partition("=")
    return f"{name}=***" if equals and unquote_plus(name) in SECRET_OPTIONS else option
