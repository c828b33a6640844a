"""A bot and flows for pages of the desk, without either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ivr.calls.monitoring import MonitorWish
from ivr.errors import StorageError
from ivr.ports.desk import BotStatus, FlowsShown
from ivr.ports.people import User, UserExists, UserNotFound


@dataclass
class StatedBot:
    """A `Bot` that is as it is told to be."""

    told: BotStatus | None
    says: str | None = ""
    """What comes of a supervisor's wish."""
    monitored: list[tuple[str, MonitorWish]] = field(default_factory=list)

    async def status(self) -> BotStatus | None:
        """What it was told."""
        return self.told

    async def monitor(self, call_id: str, wish: MonitorWish) -> str | None:
        """Keeps the wish."""
        self.monitored.append((call_id, wish))
        return self.says


@dataclass
class StatedFlows:
    """`ServedFlows` that are as they are told to be."""

    told: FlowsShown = field(default_factory=lambda: FlowsShown((), ()))

    def shown(self) -> FlowsShown:
        """What they were told."""
        return self.told


@dataclass
class PeopleInMemory:
    """`People` without rows."""

    known: dict[str, tuple[User, str]] = field(default_factory=dict)
    sessions: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    is_away: bool = False
    """As if the database were."""

    def users(self) -> Sequence[User]:
        """Everybody, by name."""
        self._reach()
        return [user for _, (user, _) in sorted(self.known.items())]

    def add(self, user: User, password_hash: str) -> None:
        """Raises UserExists."""
        self._reach()
        if user.name in self.known:
            raise UserExists(user.name)
        self.known[user.name] = (user, password_hash)

    def add_first(self, user: User, password_hash: str) -> bool:
        """Add the user where there is nobody."""
        if self.users():
            return False
        self.add(user, password_hash)
        return True

    def set_password(self, name: str, password_hash: str) -> None:
        """The user's sessions end."""
        self.known[name] = (self._user(name), password_hash)
        self._end_sessions(name)

    def set_language(self, name: str, language: str) -> None:
        """Raises UserNotFound."""
        user = self._user(name)
        self.known[name] = (User(name, user.role, language, user.created_at), self.known[name][1])

    def remove(self, name: str) -> None:
        """The user's sessions end."""
        self._user(name)
        del self.known[name]
        self._end_sessions(name)

    def password_hash(self, name: str) -> str | None:
        """None where there is no such user."""
        self._reach()
        return self.known[name][1] if name in self.known else None

    def begin_session(self, token_hash: str, name: str, now: datetime, expires_at: datetime) -> None:
        """Whoever shows the token is that user until then."""
        self._user(name)
        self.sessions[token_hash] = (name, expires_at)

    def user_of_session(self, token_hash: str, now: datetime) -> User | None:
        """Who is logged in by it."""
        self._reach()
        name, expires_at = self.sessions.get(token_hash, ("", now))
        return self._user(name) if name and now < expires_at else None

    def end_session(self, token_hash: str) -> None:
        """Idempotent."""
        self._reach()
        self.sessions.pop(token_hash, None)

    def _user(self, name: str) -> User:
        self._reach()
        if name not in self.known:
            raise UserNotFound(name)
        return self.known[name][0]

    def _end_sessions(self, name: str) -> None:
        self.sessions = {token: session for token, session in self.sessions.items() if session[0] != name}

    def _reach(self) -> None:
        if self.is_away:
            raise StorageError("the database is away")
