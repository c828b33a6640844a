"""Durations, masking and the timeline of a recorded call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ivr.calls.record import (
    CallRecord,
    StepLine,
    TalkLine,
    as_json,
    masked,
    masked_number,
    masked_variables,
    printable,
    summary_as_json,
    timeline,
)

pytestmark = pytest.mark.unit

BEGIN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def at(offset_s: float) -> datetime:
    return BEGIN + timedelta(seconds=offset_s)


def step(sequence: int, begin_s: float, end_s: float, kind: str = "menu", **values: object) -> StepLine:
    line = StepLine(sequence, f"step_{sequence}", kind, at(begin_s), at(end_s), 1, "match")
    return replace(line, **values)  # type: ignore[arg-type]


CALL = CallRecord(
    "c1", BEGIN, at(2.0), at(30.5), ani="+4930", dnis="100", end_reason="caller_hung_up", ended_by="caller"
)


def test_durations_of_an_answered_call() -> None:
    assert (CALL.ring_s, CALL.talk_s, CALL.total_s) == (2.0, 28.5, 30.5)


def test_durations_of_a_call_that_was_never_answered() -> None:
    call = replace(CALL, answered_at=None)
    assert (call.ring_s, call.talk_s, call.total_s) == (30.5, 0.0, 30.5)


def test_call_in_progress_has_no_talk_and_no_total() -> None:
    call = replace(CALL, ended_at=None)
    assert (call.ring_s, call.talk_s, call.total_s) == (2.0, None, None)
    assert replace(call, answered_at=None).ring_s is None


def test_clock_set_back_makes_no_negative_duration() -> None:
    call = replace(CALL, ended_at=at(-5.0))
    assert (call.talk_s, call.total_s) == (0.0, 0.0)


def test_sensitive_input_is_masked_whatever_its_length() -> None:
    assert [masked(text, is_sensitive=True) for text in ("1", "1234567", "")] == ["***", "***", ""]
    assert masked("1234", is_sensitive=False) == "1234"


def test_sensitive_variables_are_masked_in_a_copy() -> None:
    variables = {"pin": "1234", "name": "Ada", "card": None}
    assert masked_variables(variables, {"pin", "card"}) == {"pin": "***", "name": "Ada", "card": None}
    assert variables["pin"] == "1234"


def test_number_shows_only_its_last_digits() -> None:
    assert [masked_number(number) for number in ("+4930123456", "12345", "")] == ["***456", "***", ""]


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert printable("\x1b[31mevil\r\nname ä“") == " [31mevil  name ä“"


def test_timeline_tells_the_conversation_in_order() -> None:
    call = replace(
        CALL,
        flow="demo",
        flow_version="0123456789abcdef",
        account="trunk",
        sip_status=200,
        hangup_cause=16,
        transfer_target="sales",
        end_reason="transferred",
        steps=(
            step(1, 2.0, 4.0, "say", prompt="Welcome.", outcome="done"),
            step(2, 4.0, 9.0, prompt="Which one?", outcome="no_input"),
            step(
                3,
                9.0,
                12.0,
                attempt=2,
                prompt="Again?",
                mode="voice",
                heard="mumble",
                confidence=0.314,
                outcome="no_match",
            ),
            step(4, 12.0, 15.0, attempt=3, mode="voice", heard="sales please", meaning="sales", confidence=0.97),
            step(5, 15.0, 18.0, "ask", prompt="Number?", mode="dtmf", heard="***", confidence=1.0),
            step(6, 18.0, 18.0, "set", outcome="done"),
            step(7, 18.0, 28.0, "transfer", outcome="no_answer", meaning="sales", detail="SIP 408"),
        ),
    )
    assert [(line.offset_s, line.who, line.step, line.text) for line in timeline(call)] == [
        (0.0, "call", "", "+4930 calls 100 by trunk"),
        (2.0, "call", "", "answered, flow demo (version 01234567)"),
        (2.0, "bot", "step_1", "“Welcome.”"),
        (4.0, "bot", "step_2", "“Which one?”"),
        (9.0, "caller", "step_2", "silence"),
        (9.0, "bot", "step_3", "“Again?” (attempt 2)"),
        (12.0, "caller", "step_3", "said “mumble” (confidence 0.31): not understood"),
        (15.0, "caller", "step_4", "said “sales please” (confidence 0.97) → sales"),
        (15.0, "bot", "step_5", "“Number?”"),
        (18.0, "caller", "step_5", "pressed ***"),
        (18.0, "bot", "step_6", "set"),
        (28.0, "bot", "step_7", "transfer: no answer (sales SIP 408)"),
        (30.5, "call", "", "ended: transferred to sales, by caller, SIP 200, cause 16"),
    ]


def test_timeline_tells_whom_the_caller_has_talked_to_and_what_was_said_of_it() -> None:
    first = TalkLine("anna", "sales", at(5.0), at(20.0), 3.0, "solved", "paid")
    lines = timeline(replace(CALL, talks=(first, TalkLine("bert", "sales", at(21.0), at(30.5), 19.0))))
    assert [(line.offset_s, line.text) for line in lines[2:-1]] == [
        (5.0, "agent anna of queue sales, after 3 s of waiting"),
        (20.0, "talk with agent anna over: solved “paid”"),
        (21.0, "agent bert of queue sales, after 19 s of waiting"),
        (30.5, "talk with agent bert over"),
    ]


def test_timeline_of_a_refused_call() -> None:
    call = CallRecord("c2", BEGIN, None, at(0.1), end_reason="rejected", ended_by="bot", sip_status=486)
    texts = [line.text for line in timeline(call)]
    expected = ["unknown number calls an unknown number", "never answered", "ended: rejected, by bot, SIP 486"]
    assert texts == expected


def test_timeline_of_a_call_in_progress_says_so_last() -> None:
    call = replace(CALL, ended_at=None, steps=(step(1, 2.0, 4.0, "say", prompt="Welcome.", outcome="hung_up"),))
    lines = timeline(call)
    assert (lines[-2].text, lines[-1].text) == ("say: hung up", "in progress, or not closed yet")
    assert lines[-1].offset_s == 4.0


def test_mixed_input_and_detail_are_shown() -> None:
    call = replace(CALL, steps=(step(1, 3.0, 4.0, mode="mixed", heard="one 2", detail="confirm"),))
    assert timeline(call)[2].text == "answered “one 2” (confirm)"


def test_json_has_the_documented_fields_in_order() -> None:
    call = replace(CALL, variables={"a": 1}, steps=(step(1, 3.0, 4.0, confidence=0.5),))
    summary = summary_as_json(call)
    assert " ".join(summary) == (
        "id started_at answered_at ended_at ani dnis account flow flow_version end_reason ended_by sip_status "
        "hangup_cause transfer_target rtp_loss rtp_jitter_ms mos sip_call_id worker ring_s talk_s total_s "
        "tags variables"
    )
    assert (summary["started_at"], summary["talk_s"]) == ("2026-03-01T12:00:00+00:00", 28.5)
    whole = as_json(call)
    assert list(whole) == [*summary, "steps", "talks"]
    assert " ".join(whole["steps"][0]) == (  # type: ignore[index]
        "sequence step kind started_at ended_at attempt outcome mode prompt heard meaning confidence detail"
    )
