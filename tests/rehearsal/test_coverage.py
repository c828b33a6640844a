"""Which steps and exits count, and which of them a call is said to have taken."""

from __future__ import annotations

import pytest

from ivr.rehearsal.coverage import Coverage, coverage_of
from ivr.rehearsal.exits import exits_of
from tests.rehearsal.files import FLOW, played, small_flow

pytestmark = pytest.mark.unit

LOOK_UP = """
flow: small
start: look_up
variables: {customer: ""}
steps:
  look_up:
    request: {get: "https://crm.example.com/1", into: customer}
    not_found: unknown
    error: broken
    next: open_now
  open_now: {hours: office, open: greet, closed: shut}
  greet: {say: "Hello {{ customer.name }}.", next: hang_up}
  unknown: {say: "I do not know you.", next: hang_up}
  broken: {say: "Something is broken.", next: tell}
  tell: {send: {webhook: crm, data: {what: broken}, wait: true}, failed: shut, next: hang_up}
  shut: {say: "We are closed.", next: hang_up}
"""


def coverage(*calls: tuple[str, str], flow: str = FLOW) -> Coverage:
    """Of several conversations, each its lines and its further keys."""
    trails = [played(call, rest, flow).trail.through("small") for call, rest in calls]
    return coverage_of(small_flow(flow), "small.yaml", trails)


def test_exits_are_those_that_the_flow_writes() -> None:
    exits = exits_of(small_flow()).of
    assert exits["main"] == {"sales": "count", "pin": "pin", "failed": "bye"}
    assert exits["fork"] == {"tries > 1": "to_agent", "next": "sales"}
    assert exits["to_agent"] == {"busy": "busy", "failed": "bye", "connected": "hang_up"}
    assert exits["pin"] == {"next": "thanks", "failed": "bye"}
    assert exits["thanks"] == {"next": "hang_up"}


def test_outcomes_without_an_exit_of_their_own_leave_by_the_one_that_stands_for_them() -> None:
    exits = exits_of(small_flow(LOOK_UP))
    assert set(exits.of["look_up"]) == {"next", "not_found", "error"}
    assert exits.stands_for["look_up"] == {"timeout": "error"}
    assert set(exits.of["open_now"]) == {"open", "closed"}
    assert exits.stands_for["open_now"] == {"holiday": "closed", "emergency": "closed"}


def test_a_call_that_never_began_covers_nothing() -> None:
    found = coverage_of(small_flow(), "small.yaml", [])
    assert (found.percent, found.tried_steps, found.tried_exits) == (0.0, 0, 0)
    assert found.untried_steps == tuple(small_flow().steps) and found.untried_commands == ("agent", "german")


def test_what_was_tried_and_what_was_not() -> None:
    found = coverage(('- press: "1"\n- press: "0"', "mock: {to_agent: busy}"))
    assert found.untried_steps == ("pin", "thanks", "bye")
    assert set(found.untried_exits) == {
        ("main", "pin"), ("main", "failed"), ("fork", "tries > 1"), ("to_agent", "failed"), ("to_agent", "connected"),
    }  # fmt: skip
    assert found.untried_commands == ("german",)
    assert found.tried_steps == 6 and found.tried_exits == 7 and found.exits == 17


def test_silence_takes_the_failed_exit() -> None:
    assert ("main", "failed") not in coverage(("- stay silent: 60s", "")).untried_exits


def test_a_command_is_not_an_exit_of_the_step_that_heard_it() -> None:
    found = coverage(('- press: "9"\n- say: deutsch', ""))
    assert ("main", "sales") in found.untried_exits and found.untried_commands == ("agent",)


def test_everything_can_be_tried() -> None:
    found = coverage(
        ('- press: "9"\n- say: verkauf\n- say: verkauf', "mock: {to_agent: busy}"),
        ('- press: "0"\n- hear: goodbye', "mock: {to_agent: unreachable}"),
        ('- press: "0"', ""),
        ('- press: "2"\n- press: "1234"', ""),
        ('- press: "2"\n- stay silent: 60s', ""),
        ("- stay silent: 60s", ""),
    )
    assert found.percent == 100.0, found


def test_exits_of_requests_hours_and_messages() -> None:
    good = "mock: {look_up: {json: {name: Ada}}, open_now: open}"
    closed = "mock: {look_up: {json: {name: Ada}}, open_now: holiday}"
    found = coverage(("- hear: hello Ada", good), ("- hear: closed", closed), flow=LOOK_UP)
    assert set(found.untried_exits) == {("look_up", "not_found"), ("look_up", "error")}
    rest = coverage(
        ("- hear: hello Ada", good),
        ("- hear: closed", closed),
        ("- hear: I do not know you", "mock: {look_up: {status: 404}}"),
        ("- hear: broken", "mock: {look_up: timeout}"),
        ("- hear: closed", "mock: {look_up: {status: 500}, tell: failed}"),
        flow=LOOK_UP,
    )
    assert rest.percent == 100.0, rest


AS_A_PART = """
flow: small
takes: [name]
on_hang_up: note
start: hello
steps:
  hello: {say: "Hello {{ name }}.", next: sure}
  sure: {ask: yes_no, prompt: "Sure?", into: sure, confirmed: ended, denied: other, failed: return}
  ended: {say: "Goodbye.", next: return}
  other: {run: other, found: ended}
  note: {tag: was_here, next: return}
"""


def test_a_return_that_ends_the_call_is_an_exit_that_was_taken() -> None:
    given = "given: {variables: {name: Ada}}"
    found = coverage(("- press: '1'\n- hear: goodbye", given), ("- hang up", given), flow=AS_A_PART)
    assert found.untried_steps == ("other",)
    assert set(found.untried_exits) == {("sure", "denied"), ("sure", "failed")}


def test_a_run_that_names_its_outcomes_has_no_further_exit() -> None:
    assert exits_of(small_flow(AS_A_PART)).of["other"] == {"found": "ended"}


SURVEY = """
flow: small
start: ask
on_hang_up: {go: note, always: true}
steps:
  ask:
    survey:
      questions:
        mark: {ask: rating, prompt: "From one to five?"}
        more: {ask: yes_no, prompt: "More?", if: "mark < 3"}
      opt_out: {keys: "*9", say: [enough]}
      thanks: "Thanks."
    opted_out: bye
    next: bye
  bye: {say: "Bye.", next: hang_up}
  note: {tag: was_here, next: return}
"""


def test_the_questions_of_a_survey_are_answered_skipped_missed_or_refused() -> None:
    exits = exits_of(small_flow(SURVEY)).of
    assert exits["ask.mark"] == {"next": "ask.more", "failed": "ask.more"}
    assert exits["ask.more"] == {
        "confirmed": "ask.end", "denied": "ask.end", "failed": "ask.end", "skipped": "ask.end"
    }  # fmt: skip
    found = coverage(('- press: "5"\n- hear: bye', ""), flow=SURVEY)
    assert set(found.untried_exits) == {
        ("ask.mark", "failed"), ("ask.more", "confirmed"), ("ask.more", "denied"), ("ask.more", "failed")
    }  # fmt: skip
    assert found.untried_commands == ("ask.opt_out",)
    rest = coverage(
        ('- press: "5"\n- hear: bye', ""),
        ("- stay silent: 30s", ""),
        ('- press: "1"\n- say: "yes"\n- hear: bye', ""),
        ('- press: "1"\n- say: "no"\n- hear: bye', ""),
        ('- press: "1"\n- stay silent: 30s', ""),
        ('- say: "enough"\n- hear: bye', ""),
        flow=SURVEY,
    )
    assert rest.percent == 100.0, rest


def test_a_flow_without_exits_is_covered() -> None:
    assert Coverage("empty", "empty.yaml", 0, 0, (), (), (), 0).percent == 100.0
