"""`ivr users`: who may log in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivr.cli.main import app
from ivr.storage.people import PeopleRepository
from ivr.web.passwords import matches

pytestmark = pytest.mark.adapter

PASSWORD = "a-long-password"


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IVR_DATABASE__URL", f"sqlite:///{tmp_path}/calls.db")


def run(*arguments: str, typed: str = PASSWORD) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["users", *arguments], input=typed + "\n")
    return done.exit_code, done.output


def hash_of(name: str) -> str | None:
    with PeopleRepository("sqlite:///calls.db") as people:
        return people.password_hash(name)


def test_without_users_the_list_says_how_the_first_one_is_made() -> None:
    assert run() == (
        0,
        "nobody may log in yet; `ivr serve` makes the first user, or: ivr users add NAME --role operator\n",
    )


def test_a_user_is_added_listed_given_a_new_password_and_removed() -> None:
    assert run("add", "anna", "--role", "supervisor") == (0, "anna may log in as supervisor\n")
    assert matches(PASSWORD, hash_of("anna"))
    listed = json.loads(run("list", "--json")[1])
    assert [(user["name"], user["role"]) for user in listed] == [("anna", "supervisor")]
    assert run("password", "anna", typed="another-password")[0] == 0
    assert matches("another-password", hash_of("anna"))
    assert run("remove", "anna")[0] == 0
    assert json.loads(run("--json")[1]) == []


def test_what_cannot_be_a_user_is_refused_with_the_reason() -> None:
    assert run("add", "anna")[0] == 0
    assert run("add", "anna") == (
        1,
        "there is a user 'anna' already; `ivr users password anna` sets the password\n",
    )
    status, said = run("add", "Anna Meier")
    assert status == 1 and "cannot be a name" in said
    status, said = run("add", "otto", typed="short")
    assert status == 1 and "10 to 200 characters" in said
    assert run("remove", "otto") == (1, "there is no user 'otto'; `ivr users` lists all\n")
