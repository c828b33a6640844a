"""The people who work with the bot: what the desk asks of the place where they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from ivr.errors import StorageError


class Role(StrEnum):
    """What somebody may do at the desk; each includes what stands before it."""

    AGENT = "agent"
    """Talks to callers."""
    SUPERVISOR = "supervisor"
    """Sees all calls and their records."""
    OPERATOR = "operator"
    """Runs the bot: sees its flows and what is wrong with them."""

    def includes(self, other: Role) -> bool:
        """Whether it may do what the other role may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


FIRST_USER: Final = "operator"
"""Who is made where there is nobody."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in."""

    name: str
    role: Role
    language: str
    """Of the pages, `de` or `en`; empty: as the browser wishes."""
    created_at: datetime


class UserNotFound(StorageError):
    """Nobody has such a name."""


class UserExists(StorageError):
    """Somebody has that name already."""


class People(Protocol):
    """Users and their sessions, in rows. Every method raises StorageError; none is fast enough for an event loop."""

    def users(self) -> Sequence[User]:
        """Everybody, by name."""
        ...

    def add(self, user: User, password_hash: str) -> None:
        """Raises UserExists."""
        ...

    def add_first(self, user: User, password_hash: str) -> bool:
        """Add the user where there is nobody; False where there is somebody, whoever was faster."""
        ...

    def set_password(self, name: str, password_hash: str) -> None:
        """The user's sessions end. Raises UserNotFound."""
        ...

    def set_language(self, name: str, language: str) -> None:
        """Raises UserNotFound."""
        ...

    def remove(self, name: str) -> None:
        """The user's sessions end. Raises UserNotFound."""
        ...

    def password_hash(self, name: str) -> str | None:
        """None where there is no such user."""
        ...

    def begin_session(self, token_hash: str, name: str, now: datetime, expires_at: datetime) -> None:
        """Whoever shows the token is that user until then. Sessions that have expired go."""
        ...

    def user_of_session(self, token_hash: str, now: datetime) -> User | None:
        """Who is logged in by it; None where it is unknown or has expired."""
        ...

    def end_session(self, token_hash: str) -> None:
        """Idempotent."""
        ...
