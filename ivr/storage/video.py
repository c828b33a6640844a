"""Video rooms in SQLite or PostgreSQL: each act of `ivr.ports.video` a transaction.

A room is in use while its bot or one of its pages says so, which a crash of either ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from ivr.errors import StorageError
from ivr.ports.video import GONE_AFTER_S, GUEST, MOST_MEMBERS, Attendance, NewVisit, OpenVisit
from ivr.storage.database import make_folder, masked_url, open_engine, parse_url, reason
from ivr.storage.migrate import migrate
from ivr.storage.video_schema import video_links as links
from ivr.storage.video_schema import video_members as members
from ivr.storage.video_schema import video_visits as visits

_GONE_AFTER: Final = timedelta(seconds=GONE_AFTER_S)
_SHOWN: Final = (visits.c.visit, visits.c.call_id, visits.c.room, visits.c.number, visits.c.opened_at)


class DatabaseVideo:
    """Implements `VideoVisits` and `VideoDoor`; the database is made where it is missing."""

    def __init__(self, url: str, engine: Engine | None = None) -> None:
        """Connects to nothing yet; `engine` is one for this URL that is open already. Raises StorageError."""
        self._url = parse_url(url)
        self._engine = engine or open_engine(self._url)
        self._is_ready = False

    def close_connections(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # --- the bot

    def open(self, wanted: NewVisit, now: datetime) -> int | None:
        """Take a free room."""
        with self._transaction() as connection:
            if connection.dialect.name == "postgresql":  # else two bots would take the same one
                connection.execute(text("LOCK TABLE video_visits IN EXCLUSIVE MODE"))
            in_use = set(connection.scalars(select(visits.c.number).where(_is_heard(now))))
            number = next((each for each in wanted.numbers if each not in in_use), None)
            if number is not None:
                connection.execute(insert(visits).values(_values_of(wanted, number, now)))
                link = {"token_hash": wanted.link_hash, "visit": wanted.visit, "expires_at": wanted.link_expires_at}
                connection.execute(insert(links).values(link))
        return number

    def attend(self, visit: str, now: datetime) -> Attendance:
        """The caller is still there."""
        with self._transaction() as connection:
            connection.execute(update(visits).where(visits.c.visit == visit).values(heard_at=now))
            came = select(func.count()).select_from(members).where(members.c.visit == visit)
            return Attendance(connection.scalar(came) or 0, connection.scalar(came.where(_is_present(now))) or 0)

    def close(self, visit: str, now: datetime) -> None:
        """The caller is gone, or back in the flow."""
        with self._transaction() as connection:
            is_open = (visits.c.visit == visit) & visits.c.closed_at.is_(None)
            connection.execute(update(visits).where(is_open).values(closed_at=now))

    # --- the pages

    def look(self, link_hash: str, now: datetime) -> OpenVisit | None:
        """What a link leads to."""
        with self._transaction(reads_only=True) as connection:
            return _first(connection, self._by_link(link_hash, now))

    def use(self, link_hash: str, member_hash: str, now: datetime) -> OpenVisit | None:
        """Come in by a link."""
        with self._transaction() as connection:
            found = _first(connection, self._by_link(link_hash, now))
            mine = (links.c.token_hash == link_hash) & links.c.used_at.is_(None)
            if found is None or not connection.execute(update(links).where(mine).values(used_at=now)).rowcount:
                return None
            self._join(connection, found.visit, GUEST, member_hash, now)
            return found

    def enter(self, number: int, who: str, member_hash: str, now: datetime) -> OpenVisit | None:
        """Come in as somebody who has logged in."""
        with self._transaction() as connection:
            found = _first(connection, select(*_SHOWN).where(_is_open(now) & (visits.c.number == number)))
            here = select(func.count()).select_from(members).where(_is_present(now))
            if found is None or ((connection.scalar(here.where(members.c.visit == found.visit)) or 0) >= MOST_MEMBERS):
                return None
            self._join(connection, found.visit, who, member_hash, now)
            return found

    def seen(self, member_hash: str, now: datetime) -> bool:
        """The page is still there."""
        mine = members.c.member_hash == member_hash
        with self._transaction(reads_only=True) as connection:  # no stranger keeps others from writing
            visit = connection.scalar(select(members.c.visit).where(mine & members.c.left_at.is_(None)))
        if visit is None:
            return False
        with self._transaction() as connection:
            connection.execute(update(members).where(mine).values(seen_at=now))
            connection.execute(update(visits).where(visits.c.visit == visit).values(heard_at=now))
            is_open = visits.c.closed_at.is_(None) & (visits.c.visit == visit)
            return connection.scalar(select(func.count()).select_from(visits).where(is_open)) == 1

    def left(self, member_hash: str, now: datetime) -> None:
        """The page has been closed."""
        with self._transaction() as connection:
            mine = (members.c.member_hash == member_hash) & members.c.left_at.is_(None)
            connection.execute(update(members).where(mine).values(left_at=now, seen_at=now))

    def visits(self, now: datetime) -> Sequence[OpenVisit]:
        """Rooms whose callers wait or talk."""
        with self._transaction(reads_only=True) as connection:
            rows = connection.execute(select(*_SHOWN).where(_is_open(now)).order_by(visits.c.opened_at))
            return [OpenVisit(*row) for row in rows]

    # --- parts

    def _by_link(self, link_hash: str, now: datetime) -> Any:
        is_usable = (links.c.token_hash == link_hash) & links.c.used_at.is_(None) & (links.c.expires_at > now)
        return select(*_SHOWN).join(links, links.c.visit == visits.c.visit).where(is_usable & _is_open(now))

    def _join(self, connection: Connection, visit: str, who: str, member_hash: str, now: datetime) -> None:
        values = {"member_hash": member_hash, "visit": visit, "who": who, "joined_at": now, "seen_at": now}
        connection.execute(insert(members).values(values))

    @contextmanager
    def _transaction(self, *, reads_only: bool = False) -> Iterator[Connection]:
        try:
            if not self._is_ready:
                make_folder(self._url)
                migrate(self._engine, masked_url(self._url))
                self._is_ready = True
            with self._engine.execution_options(reads_only=reads_only).begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            self._is_ready = False  # it may be another file by then
            raise StorageError(
                f"cannot use {masked_url(self._url)}: {reason(self._url, error)}; start the database or correct "
                "database.url"
            ) from error


def _values_of(wanted: NewVisit, number: int, now: datetime) -> dict[str, object]:
    own = {key: value for key, value in asdict(wanted).items() if key in ("visit", "call_id", "room")}
    return {**own, "number": number, "opened_at": now, "heard_at": now}


def _is_heard(now: datetime) -> ColumnElement[bool]:
    return visits.c.heard_at > now - _GONE_AFTER


def _is_open(now: datetime) -> ColumnElement[bool]:
    return _is_heard(now) & visits.c.closed_at.is_(None)


def _is_present(now: datetime) -> ColumnElement[bool]:
    return members.c.left_at.is_(None) & (members.c.seen_at > now - _GONE_AFTER)


def _first(connection: Connection, statement: Any) -> OpenVisit | None:
    row = connection.execute(statement).first()
    return OpenVisit(*row) if row else None
