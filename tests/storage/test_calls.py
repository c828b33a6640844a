"""Reading records back from both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.storage.calls import CallNotFound, CallRepository, NoDatabaseYet
from tests.storage.conftest import OpenLog
from tests.storage.records import at, started, write_call

pytestmark = pytest.mark.adapter


def test_database_that_no_bot_has_used_yet_is_told_apart(database_url: str) -> None:
    with CallRepository(database_url) as repository:
        with pytest.raises(NoDatabaseYet):
            repository.last(1)
        with pytest.raises(NoDatabaseYet):
            repository.get("x")


def test_call_is_found_by_its_id_and_by_a_unique_beginning(database_url: str, open_log: OpenLog) -> None:
    log = open_log(database_url)
    for call_id in ("ab", "abc", "abd", "a_e"):
        write_call(log, call_id)
    log.close()
    with CallRepository(database_url) as repository:
        assert [repository.get(wanted).id for wanted in ("ab", "abc", "abd", "a_")] == ["ab", "abc", "abd", "a_e"]
        with pytest.raises(CallNotFound, match="beginning of several calls: a"):
            repository.get("a")
        with pytest.raises(CallNotFound, match="no call 'x'"):
            repository.get("x")


def test_calls_are_counted_by_flow_and_version_since_an_instant(database_url: str, open_log: OpenLog) -> None:
    log = open_log(database_url)
    for call_id, flow, version, offset_s in (("a", "x", "1", 0.0), ("b", "x", "1", 10.0), ("c", "x", "2", 10.0)):
        log.call_started(replace(started(call_id, offset_s=offset_s), flow=flow, flow_version=version))
    log.close()
    with CallRepository(database_url) as repository:
        assert repository.count_since(at(10.0)) == {("x", "1"): 1, ("x", "2"): 1}
        assert repository.count_since(at(0.0)) == {("x", "1"): 2, ("x", "2"): 1}
        assert repository.count_since(at(11.0)) == {}


def test_many_matches_are_not_all_listed(sqlite_url: str, open_log: OpenLog) -> None:
    log = open_log(sqlite_url)
    for number in range(9):
        write_call(log, f"a{number}", steps=0)
    log.close()
    with CallRepository(sqlite_url) as repository, pytest.raises(CallNotFound, match=r"(a\d, ){5}…; write more"):
        repository.get("a")
