"""Users and sessions as rows, and what stands for them in tests of pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ivr.errors import StorageError
from ivr.ports.people import FIRST_USER, People, Role, User, UserExists, UserNotFound
from ivr.storage.people import PeopleRepository
from ivr.testing.desk import PeopleInMemory

pytestmark = pytest.mark.adapter

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = NOW + timedelta(hours=1)


def user(name: str, role: Role = Role.AGENT) -> User:
    return User(name, role, "", NOW)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def people(request: pytest.FixtureRequest) -> Iterator[People]:
    if request.param == "memory":
        yield PeopleInMemory()
        return
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    with PeopleRepository(request.getfixturevalue(name)) as repository:
        yield repository


def test_users_are_listed_by_name_with_their_role(people: People) -> None:
    people.add(user("zoe", Role.SUPERVISOR), "hash")
    people.add(user("anna"), "hash")
    assert people.users() == [user("anna"), user("zoe", Role.SUPERVISOR)]
    assert (people.password_hash("anna"), people.password_hash("otto")) == ("hash", None)


def test_a_name_is_taken_once(people: People) -> None:
    people.add(user("anna"), "hash")
    with pytest.raises(UserExists, match="anna"):
        people.add(user("anna"), "other")
    assert people.password_hash("anna") == "hash"


def test_the_first_user_is_made_once_whoever_tries(people: People) -> None:
    people.users()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: people.add_first(user(FIRST_USER, Role.OPERATOR), "hash"), range(8)))
    assert sorted(made) == [False] * 7 + [True]
    assert [each.name for each in people.users()] == [FIRST_USER]


def test_no_first_user_beside_another_one(people: People) -> None:
    people.add(user("anna"), "hash")
    assert not people.add_first(user(FIRST_USER), "hash")


def test_a_session_is_its_users_until_it_expires(people: People) -> None:
    people.add(user("anna"), "hash")
    people.begin_session("token", "anna", NOW, SOON)
    assert people.user_of_session("token", NOW) == user("anna")
    assert people.user_of_session("other", NOW) is None
    assert people.user_of_session("token", SOON) is None


def test_sessions_end_with_logout_with_a_new_password_and_with_the_user(people: People) -> None:
    people.add(user("anna"), "hash")
    ends: list[Callable[[], None]] = [
        lambda: people.end_session("token"),
        lambda: people.set_password("anna", "new"),
        lambda: people.remove("anna"),
    ]
    for end in ends:
        people.begin_session("token", "anna", NOW, SOON)
        end()
        assert people.user_of_session("token", NOW) is None
    assert people.users() == []


def test_expired_sessions_go_when_another_one_begins(people: People) -> None:
    people.add(user("anna"), "hash")
    people.begin_session("token", "anna", NOW, SOON)
    people.begin_session("token", "anna", SOON, SOON + timedelta(hours=1))  # its row is gone, else it were refused
    assert people.user_of_session("token", SOON) is not None


def test_the_language_of_a_user_is_kept(people: People) -> None:
    people.add(user("anna"), "hash")
    people.set_language("anna", "de")
    assert people.users()[0].language == "de"


def test_a_name_that_nobody_has_is_named(people: People) -> None:
    for change in (
        people.remove,
        lambda name: people.set_password(name, ""),
        lambda name: people.set_language(name, ""),
    ):
        with pytest.raises(UserNotFound, match="otto"):
            change("otto")


def test_a_database_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with (
        PeopleRepository(f"sqlite:///{tmp_path}/file/calls.db") as people,
        pytest.raises(StorageError, match=r"database\.url"),
    ):
        people.users()
