"""Users of the desk and their sessions, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from ivr.errors import StorageError
from ivr.ports.people import Role, User, UserExists, UserNotFound
from ivr.storage.database import make_folder, masked_url, open_engine, parse_url, reason
from ivr.storage.migrate import migrate
from ivr.storage.schema import users, web_sessions

_USER_COLUMNS = (users.c.name, users.c.role, users.c.language, users.c.created_at)


class PeopleRepository:
    """The `People` of one database, which is made where it is missing. Safe to be called from several threads."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet. Raises StorageError for a URL that cannot be used."""
        self._url = parse_url(url)
        self._engine = open_engine(self._url)
        self._is_ready = False

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> PeopleRepository:
        """The repository."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    # --- users

    def users(self) -> list[User]:
        """Everybody, by name."""
        with self._transaction() as connection:
            return [_user(row) for row in connection.execute(select(*_USER_COLUMNS).order_by(users.c.name))]

    def add(self, user: User, password_hash: str) -> None:
        """Raises UserExists."""
        with self._transaction() as connection:
            if connection.execute(select(users.c.name).where(users.c.name == user.name)).first():
                raise UserExists(f"there is a user {user.name!r} already; `ivr users` lists all", retryable=False)
            connection.execute(insert(users).values(_values(user, password_hash)))

    def add_first(self, user: User, password_hash: str) -> bool:
        """Add the user where there is nobody."""
        try:
            with self._transaction() as connection:
                if connection.dialect.name == "postgresql":  # else two machines would find nobody at once
                    connection.execute(text("LOCK TABLE users IN EXCLUSIVE MODE"))
                if connection.scalar(select(func.count()).select_from(users)):
                    return False
                connection.execute(insert(users).values(_values(user, password_hash)))
        except UserExists:
            return False
        return True

    def set_password(self, name: str, password_hash: str) -> None:
        """The user's sessions end. Raises UserNotFound."""
        with self._transaction() as connection:
            self._change(connection, name, password_hash=password_hash)
            connection.execute(delete(web_sessions).where(web_sessions.c.user_name == name))

    def set_language(self, name: str, language: str) -> None:
        """Raises UserNotFound."""
        with self._transaction() as connection:
            self._change(connection, name, language=language)

    def remove(self, name: str) -> None:
        """The user's sessions go with him. Raises UserNotFound."""
        with self._transaction() as connection:
            if not connection.execute(delete(users).where(users.c.name == name)).rowcount:
                raise _not_found(name)

    def password_hash(self, name: str) -> str | None:
        """None where there is no such user."""
        with self._transaction() as connection:
            return connection.scalar(select(users.c.password_hash).where(users.c.name == name))

    # --- sessions

    def begin_session(self, token_hash: str, name: str, now: datetime, expires_at: datetime) -> None:
        """Whoever shows the token is that user until then. Sessions that have expired go."""
        with self._transaction() as connection:
            connection.execute(delete(web_sessions).where(web_sessions.c.expires_at <= now))
            values = {"token_hash": token_hash, "user_name": name, "expires_at": expires_at}
            connection.execute(insert(web_sessions).values(values))

    def user_of_session(self, token_hash: str, now: datetime) -> User | None:
        """Who is logged in by it."""
        chosen = select(*_USER_COLUMNS).join(web_sessions, web_sessions.c.user_name == users.c.name)
        is_valid = (web_sessions.c.token_hash == token_hash) & (web_sessions.c.expires_at > now)
        with self._transaction(reads_only=True) as connection:
            row = connection.execute(chosen.where(is_valid)).first()
        return _user(row) if row else None

    def end_session(self, token_hash: str) -> None:
        """Idempotent."""
        with self._transaction() as connection:
            connection.execute(delete(web_sessions).where(web_sessions.c.token_hash == token_hash))

    # --- parts

    @contextmanager
    def _transaction(self, *, reads_only: bool = False) -> Iterator[Connection]:
        try:
            if not self._is_ready:
                make_folder(self._url)
                migrate(self._engine, masked_url(self._url))
                self._is_ready = True
            with self._engine.execution_options(reads_only=reads_only).begin() as connection:
                yield connection
        except IntegrityError as error:
            raise UserExists("somebody else has just made or removed that user", retryable=False) from error
        except (SQLAlchemyError, OSError) as error:
            self._is_ready = False  # it may be another file by then
            raise StorageError(
                f"cannot use {masked_url(self._url)}: {reason(self._url, error)}; start the database or correct "
                "database.url"
            ) from error

    def _change(self, connection: Connection, name: str, **values: object) -> None:
        if not connection.execute(update(users).where(users.c.name == name).values(values)).rowcount:
            raise _not_found(name)


def _not_found(name: str) -> UserNotFound:
    return UserNotFound(f"there is no user {name!r}; `ivr users` lists all", retryable=False)


def _values(user: User, password_hash: str) -> dict[str, object]:
    return {
        "name": user.name,
        "password_hash": password_hash,
        "role": user.role.value,
        "language": user.language,
        "created_at": user.created_at,
    }


def _user(row: Any) -> User:
    return User(row.name, Role(row.role), row.language, row.created_at)
