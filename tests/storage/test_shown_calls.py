"""Call records as the desk shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from ivr.ports import CallEnded, CallStarted, EndReason
from ivr.ports.desk import DayFigures, FlowFigures
from ivr.storage.entries import encode
from ivr.storage.session import Session
from ivr.storage.shown_calls import ShownCalls
from tests.storage.records import at, ended, started

pytestmark = pytest.mark.adapter

HOURS = [at(-60), at(3540), at(7140)]


def written(url: str, *records: CallStarted | CallEnded) -> None:
    session = Session(url)
    for request in ({"do": "migrate"}, {"do": "write", "entries": [encode(record) for record in records]}):
        assert session.answer(request)["ok"]
    session.close()


@pytest.fixture
def calls(database_url: str) -> Iterator[ShownCalls]:
    shown = ShownCalls(database_url)
    yield shown
    shown.close()


def test_where_no_call_was_recorded_yet_there_is_none(calls: ShownCalls) -> None:
    assert calls.day(HOURS) == DayFigures((0, 0, 0), ())
    assert calls.day(HOURS).total == FlowFigures("", 0, 0, 0, 0.0, 0)
    assert (calls.page(10), calls.in_progress(at(0), 10), calls.get("call-1")) == ([], [], None)


def test_a_day_is_added_up_by_hour_and_flow(calls: ShownCalls, database_url: str) -> None:
    written(
        database_url,
        started("before", offset_s=-61),
        started("one"),
        ended("one"),
        started("two", offset_s=3600),
        replace(ended("two", EndReason.CALLER_HUNG_UP), answered_at=at(3601), ended_at=at(3611)),
        replace(started("refused", offset_s=3700), flow=""),
        replace(ended("refused", EndReason.REJECTED), answered_at=None),
        started("open", offset_s=7200),
    )
    day = calls.day(HOURS)
    assert day.by_hour == (1, 2, 1)
    assert [(each.flow, each.calls, each.answered, each.transferred, each.ended) for each in day.by_flow] == [
        ("demo", 3, 2, 1, 2),
        ("", 1, 0, 0, 0),
    ]
    assert day.by_flow[0].talk_s == pytest.approx(61.25 + 10, abs=0.01)
    assert (day.total.calls, day.total.answered) == (4, 2)


def test_calls_in_progress_are_those_without_an_end_of_the_time_asked_for(calls: ShownCalls, database_url: str) -> None:
    written(database_url, started("old", offset_s=-600), started("new"), started("done"), ended("done"))
    assert [call.id for call in calls.in_progress(at(-1), 10)] == ["new"]


def test_pages_follow_each_other_also_where_calls_began_together(calls: ShownCalls, database_url: str) -> None:
    written(database_url, *(started(f"call-{number}", offset_s=number // 2) for number in range(6)))
    first = [call.id for call in calls.page(3)]
    second = [call.id for call in calls.page(3, before=first[-1])]
    assert (first, second) == (["call-5", "call-4", "call-3"], ["call-2", "call-1", "call-0"])
    assert calls.page(3, before="call-0") == []
    assert calls.page(3, before="nobody's") == []


def test_a_call_is_got_by_its_whole_id_only(calls: ShownCalls, database_url: str) -> None:
    written(database_url, started("call-1"), started("call-2"))
    assert calls.get("call-1") is not None
    assert (calls.get("call-"), calls.get("call"), calls.get("")) == (None, None, None)


def test_instants_are_utc(calls: ShownCalls, database_url: str) -> None:
    written(database_url, started("one"))
    assert calls.page(1)[0].started_at.utcoffset() == timedelta(0)
