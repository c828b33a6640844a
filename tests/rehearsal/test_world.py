"""What a call without telephone gets from outside: from mocks, from calendars, or a failure that names it."""

from __future__ import annotations

from datetime import datetime

import pytest

from ivr.flow import commands as c
from ivr.flow.jobs import JobOutcome, JobResult
from ivr.rehearsal.player import play
from ivr.rehearsal.world import World
from ivr.testing.conversation import CallScript
from tests.rehearsal.files import played, read, small_flow
from tests.rehearsal.test_coverage import LOOK_UP

pytestmark = pytest.mark.unit


def test_a_request_is_answered_by_its_mock() -> None:
    result = played("- hear: Hello Ada", "mock: {look_up: {status: 200, json: {name: Ada}}, open_now: open}", LOOK_UP)
    assert result.difference is None
    assert [turn.shown for turn in result.turns if turn.who == "call"][:2] == [
        "(asks GET https://crm.example.com/1)",
        "(answer: done, status 200)",
    ]


def test_an_answer_takes_its_time() -> None:
    mock = "mock: {look_up: {json: {name: Ada}, after: 4s}, open_now: open}"
    assert played("- hear: Hello Ada", mock, LOOK_UP).lasted_s > 4


@pytest.mark.parametrize(
    ("mock", "said"),
    [
        ("{status: 404}", "do not know"),
        ("not_found", "do not know"),
        ("timeout", "broken"),
        ("error", "broken"),
        ("{status: 503}", "broken"),
        ("[error, {json: {name: Ada}}]", "broken"),
    ],
)
def test_each_way_a_request_can_fail(mock: str, said: str) -> None:
    assert played(f'- hear: "{said}"', f"mock: {{look_up: {mock}, tell: sent}}", LOOK_UP).difference is None


@pytest.mark.parametrize(
    ("mock", "missing"),
    [
        ("{}", "add `mock: {look_up: {status: 200, json: {…}}}`"),
        ("{look_up: {json: {name: Ada}}}", "add `mock: {open_now: open}`"),
    ],
)
def test_what_nothing_answers_is_a_failure_that_says_what_to_write(mock: str, missing: str) -> None:
    found = played("- hear: Hello Ada", f"mock: {mock}", LOOK_UP).difference
    assert found is not None and missing in found.found


def test_a_message_is_sent_unless_a_mock_says_otherwise() -> None:
    assert played("- hear: broken", "mock: {look_up: error}", LOOK_UP).end == "bot_hung_up"
    assert "shut" in played("- hear: broken", "mock: {look_up: error, tell: failed}", LOOK_UP).trail.steps


def test_calendars_of_the_settings_answer_at_the_time_of_the_call() -> None:
    asked: list[tuple[str, datetime]] = []

    def calendars(name: str, now: datetime) -> JobResult:
        asked.append((name, now))
        return JobResult(JobOutcome.DONE, {"state": "open" if now.hour < 18 else "closed"})

    text = """
tests:
  - name: by day
    given: {now: "2026-11-23T10:00+01:00"}
    call: [hear: Hello Ada]
  - name: by night
    given: {now: "2026-11-23T22:00+01:00"}
    call: [hear: closed]
mock: {look_up: {json: {name: Ada}}}
"""
    results = [
        play(placed.conversation, small_flow(LOOK_UP), calendars=calendars)
        for placed in read(text, LOOK_UP).conversations
    ]
    assert [result.difference for result in results] == [None, None]
    assert [(name, now.isoformat()) for name, now in asked] == [
        ("office", "2026-11-23T10:00:00+01:00"),
        ("office", "2026-11-23T22:00:00+01:00"),
    ]


def test_a_command_that_nobody_knows_is_left_out_with_a_note() -> None:
    class Juggle(c.Command):
        """Not part of any engine yet."""

    call = CallScript(small_flow())
    world = World({}, lambda: "main", call.clock.now)
    assert world(Juggle()) is None and world(Juggle()) is None
    assert world.notes == ["step 'main' asked for Juggle, which is not played here"]
