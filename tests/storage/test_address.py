"""Addresses of databases: the worker's own reading agrees with that of the library that connects."""

from __future__ import annotations

import pytest

from ivr.errors import StorageError
from ivr.storage.address import parse_address
from ivr.storage.database import masked_url, parse_url, sqlite_file

pytestmark = pytest.mark.unit

SECRET = "geheim"
GOOD = [
    "sqlite://",
    "sqlite:///calls.db",
    "sqlite:////var/lib/ivr/calls.db",
    "sqlite:///calls.db?timeout=3",
    f"postgresql://ivr:{SECRET}@db/ivr",
    f"postgres://ivr:{SECRET}%40%2F@db:5432/ivr",
    f"postgresql+psycopg://ivr:{SECRET}/{SECRET}@[::1]:5432/ivr",
    f"postgresql://ivr@db/ivr?password={SECRET}&sslmode=require&sslpassword={SECRET}",
    "postgresql:///ivr",
    "postgresql://ivr:@db/ivr",
]


@pytest.mark.parametrize("url", GOOD)
def test_worker_and_helper_read_the_same(url: str) -> None:
    address = parse_address(url)
    assert address.shown == masked_url(parse_url(url))
    assert address.is_in_memory == (url.startswith("sqlite") and sqlite_file(parse_url(url)) is None)
    assert SECRET not in address.shown + repr(address)
    assert address.url == url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgres://ivr:{SECRET}@db:5432/ivr", "postgresql://ivr:***@db:5432/ivr"),
        (
            f"postgresql://db/ivr?pass%77ord={SECRET}&sslmode=require",
            "postgresql://db/ivr?pass%77ord=***&sslmode=require",
        ),
        ("sqlite:///a folder/calls.db", "sqlite:///a folder/calls.db"),
    ],
)
def test_what_is_shown(url: str, shown: str) -> None:
    assert parse_address(url).shown == shown


def test_a_database_in_memory_is_told_apart() -> None:
    assert [parse_address(url).is_in_memory for url in ("sqlite://", "sqlite:///:memory:", "sqlite:///x.db")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "calls.db",
        f"postgresql//ivr:{SECRET}@db/ivr",
        f"postgresql://ivr:{SECRET}@db:port/ivr",
        f"postgresql://ivr:{SECRET}@db:/ivr",
        f"postgresql://ivr:a@{SECRET}@db/ivr",
        f"mysql://ivr:{SECRET}@db/ivr",
    ],
)
def test_what_cannot_be_an_address_is_refused_without_its_secrets(url: str) -> None:
    for read in (parse_address, parse_url):
        with pytest.raises(StorageError, match=r"postgresql://") as caught:
            read(url)
        assert SECRET not in str(caught.value)
        assert not caught.value.retryable
