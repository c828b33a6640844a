"""What an agent said about a call belongs to the record of that call, in both databases."""

from __future__ import annotations

import pytest

from ivr.config_queues import QueueSettings
from ivr.storage.calls import CallRepository
from ivr.storage.database import open_engine, parse_url
from ivr.storage.queues import DatabaseQueues
from ivr.storage.schema import calls
from tests.storage.conftest import OpenLog
from tests.storage.records import at, write_call, write_talk

pytestmark = pytest.mark.adapter

LATER = at(3650 * 86400)


def forget_talks(url: str) -> int:
    queues = DatabaseQueues(url, {"sales": QueueSettings()})
    try:
        return queues.forget_talks(LATER)
    finally:
        queues.close()


def remove_record(url: str, call_id: str) -> None:
    engine = open_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(calls.delete().where(calls.c.id == call_id))
    engine.dispose()


def note_of(url: str, call_id: str) -> list[str]:
    with CallRepository(url) as repository:
        return [talk.note for talk in repository.get(call_id).talks]


def test_a_talk_stays_as_long_as_the_record_of_its_call_and_goes_with_it(database_url: str, open_log: OpenLog) -> None:
    log = open_log(database_url)
    write_call(log, "one")
    write_call(log, "two")
    log.close()
    write_talk(database_url, "one", "solved", "paid")
    assert forget_talks(database_url) == 0
    assert note_of(database_url, "one") == ["paid"]
    remove_record(database_url, "two")
    assert forget_talks(database_url) == 0
    remove_record(database_url, "one")
    assert forget_talks(database_url) == 1
    assert forget_talks(database_url) == 0


def test_a_record_that_comes_late_finds_its_talk(database_url: str, open_log: OpenLog) -> None:
    open_log(database_url).close()
    queues = DatabaseQueues(database_url, {})
    queues.migrate()
    queues.close()
    write_talk(database_url, "one", "solved", "paid")
    young = DatabaseQueues(database_url, {})
    assert young.forget_talks(at(60)) == 0
    young.close()
    log = open_log(database_url)
    write_call(log, "one")
    log.close()
    assert forget_talks(database_url) == 0
    assert note_of(database_url, "one") == ["paid"]
