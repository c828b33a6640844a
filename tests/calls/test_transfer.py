"""The transfer machine: every state with every event, and the stories that they make."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from ivr.calls import transfer_commands as c
from ivr.calls import transfer_events as e
from ivr.calls.hunting import Hunt
from ivr.calls.reaching import Attempt, AttemptState, unknown
from ivr.calls.transfer import REFER_GRACE_S, TransferMachine, TransferState, advance
from ivr.calls.transfer_outcome import outcome_of
from ivr.flow.events import TransferOutcome as Outcome

pytestmark = pytest.mark.unit

S = TransferState
EVENTS: dict[str, e.TransferEvent] = {
    "start": e.Started(),
    "turn": e.TargetTurn(0),
    "ringing": e.TargetRinging(0),
    "heard": e.TargetHeard(0),
    "answered": e.TargetAnswered(0),
    "pressed": e.TargetPressed(0, "1"),
    "whisper_over": e.WhisperOver(0),
    "target_ended": e.TargetEnded(0, 486),
    "target_time": e.TargetTimeOver(0),
    "caller_ended": e.CallerEnded(),
    "news": e.ReferProgress(100, is_final=False),
    "success": e.ReferProgress(200, is_final=True),
    "failure": e.ReferProgress(486, is_final=True),
    "time": e.TimeOver(),
    "talk_over": e.TalkOver(),
}

# (mode, state, was accepted): what each event leads to; an event that is not named changes nothing.
TABLE: dict[tuple[str, TransferState, bool], dict[str, tuple[TransferState, str]]] = {
    ("auto", S.NEW, False): {
        "start": (S.REACHING, "Hold SetTargetTimer DialTarget"),
        "caller_ended": (S.DONE, "Report:failed/caller"),
    },
    ("refer", S.NEW, False): {
        "start": (S.REFERRING, "SetTimer ReferBlind"),
        "caller_ended": (S.DONE, "Report:failed/caller"),
    },
    ("auto", S.REACHING, False): {
        "talk_over": (S.DONE, "SetTimer SetTargetTimer HangUpTarget StopHold Report:failed"),
        "ringing": (S.REACHING, ""),
        "answered": (S.REPLACING, "SetTargetTimer JoinLegs SetTimer ReferReplacing"),
        "target_ended": (S.DONE, "SetTargetTimer StopHold Report:busy"),
        "target_time": (S.DONE, "SetTargetTimer HangUpTarget StopHold Report:unreachable"),
        "caller_ended": (S.DONE, "SetTargetTimer HangUpTarget Report:failed/caller"),
    },
    ("bridge", S.REACHING, False): {
        "talk_over": (S.DONE, "SetTimer SetTargetTimer HangUpTarget StopHold Report:failed"),
        "ringing": (S.REACHING, ""),
        "answered": (S.JOINED, "SetTargetTimer JoinLegs"),
        "target_ended": (S.DONE, "SetTargetTimer StopHold Report:busy"),
        "target_time": (S.DONE, "SetTargetTimer HangUpTarget StopHold Report:unreachable"),
        "caller_ended": (S.DONE, "SetTargetTimer HangUpTarget Report:failed/caller"),
    },
    ("attended", S.REACHING, False): {
        "talk_over": (S.DONE, "SetTimer SetTargetTimer HangUpTarget StopHold Report:failed"),
        "ringing": (S.REACHING, ""),
        "answered": (S.REPLACING, "SetTargetTimer SetTimer ReferReplacing"),
        "target_ended": (S.DONE, "SetTargetTimer StopHold Report:busy"),
        "target_time": (S.DONE, "SetTargetTimer HangUpTarget StopHold Report:unreachable"),
        "caller_ended": (S.DONE, "SetTargetTimer HangUpTarget Report:failed/caller"),
    },
    ("auto", S.JOINED, False): {
        "talk_over": (S.DONE, "HangUpTarget SetTimer HangUpCaller Report:connected/agent"),
        "target_ended": (S.DONE, "SetTimer HangUpCaller Report:connected/agent"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:connected/caller"),
    },
    ("auto", S.REPLACING, False): {
        "news": (S.REPLACING, ""),
        "success": (S.DONE, "SetTimer HangUpCaller HangUpTarget Report:connected"),
        "failure": (S.JOINED, "SetTimer"),
        "time": (S.JOINED, "SetTimer"),
        "target_ended": (S.GONE, "SetTimer"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:connected/caller"),
    },
    ("auto", S.REPLACING, True): {
        "news": (S.REPLACING, ""),
        "success": (S.DONE, "SetTimer HangUpCaller HangUpTarget Report:connected"),
        "failure": (S.JOINED, "SetTimer"),
        "time": (S.JOINED, "SetTimer"),
        "target_ended": (S.GONE, "SetTimer"),
        "caller_ended": (S.CALLER_GONE, "SetTimer"),
    },
    ("attended", S.REPLACING, False): {
        "news": (S.REPLACING, ""),
        "success": (S.DONE, "SetTimer HangUpCaller HangUpTarget Report:connected"),
        "failure": (S.DONE, "SetTimer HangUpTarget StopHold Report:refused"),
        "time": (S.DONE, "SetTimer HangUpTarget StopHold Report:refused"),
        "target_ended": (S.GONE, "SetTimer"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:failed/caller"),
    },
    ("auto", S.GONE, False): {
        "news": (S.GONE, ""),
        "success": (S.DONE, "SetTimer HangUpCaller Report:connected"),
        "failure": (S.DONE, "SetTimer HangUpCaller Report:connected/agent"),
        "time": (S.DONE, "SetTimer HangUpCaller Report:connected/agent"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:connected/caller"),
    },
    ("attended", S.GONE, False): {
        "news": (S.GONE, ""),
        "success": (S.DONE, "SetTimer HangUpCaller Report:connected"),
        "failure": (S.DONE, "SetTimer StopHold Report:failed"),
        "time": (S.DONE, "SetTimer StopHold Report:failed"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:failed/caller"),
    },
    ("auto", S.GONE, True): {
        "news": (S.GONE, ""),
        "success": (S.DONE, "SetTimer HangUpCaller Report:connected"),
        "failure": (S.DONE, "SetTimer HangUpCaller Report:connected/agent"),
        "time": (S.DONE, "SetTimer HangUpCaller Report:connected/agent"),
        "caller_ended": (S.DONE, "SetTimer Report:connected"),
    },
    ("auto", S.CALLER_GONE, True): {
        "target_ended": (S.DONE, "SetTimer Report:connected"),
        "time": (S.DONE, "SetTimer HangUpTarget Report:connected/caller"),
    },
    ("attended", S.CALLER_GONE, True): {
        "target_ended": (S.DONE, "SetTimer Report:connected"),
        "time": (S.DONE, "SetTimer HangUpTarget Report:failed/caller"),
    },
    ("refer", S.REFERRING, False): {
        "news": (S.REFERRING, ""),
        "success": (S.DONE, "SetTimer HangUpCaller Report:connected"),
        "failure": (S.DONE, "SetTimer Report:busy"),
        "time": (S.DONE, "SetTimer Report:failed"),
        "caller_ended": (S.DONE, "SetTimer Report:failed/caller"),
    },
    ("refer", S.REFERRING, True): {
        "news": (S.REFERRING, ""),
        "success": (S.DONE, "SetTimer HangUpCaller Report:connected"),
        "failure": (S.DONE, "SetTimer Report:busy"),
        "time": (S.DONE, "SetTimer Report:failed"),
        "caller_ended": (S.DONE, "SetTimer Report:connected"),
    },
    ("auto", S.DONE, False): {},
    ("refer", S.DONE, True): {},
}


def machine(mode: str, state: S = S.NEW, *, was_accepted: bool = False, ring_for_s: float = 20.0) -> TransferMachine:
    """A transfer to one person, who is called when somebody is."""
    is_called = AttemptState.CALLING if state is S.REACHING else AttemptState.WAITING
    hunt = Hunt((Attempt(0, ring_for_s, state=is_called),))
    return TransferMachine(mode, hunt, state, was_accepted=was_accepted)


def told(command: c.TransferCommand) -> str:
    if isinstance(command, c.Report):
        return f"Report:{command.outcome}" + (f"/{command.ended_by}" if command.ended_by else "")
    return type(command).__name__


@pytest.mark.parametrize(("place", "event"), list(itertools.product(TABLE, EVENTS)), ids=str)
def test_every_state_with_every_event(place: tuple[str, TransferState, bool], event: str) -> None:
    mode, state, was_accepted = place
    before = machine(mode, state, was_accepted=was_accepted)
    after, commands = advance(before, EVENTS[event])
    if event not in TABLE[place]:
        assert (after, commands) == (before, ())
        return
    expected_state, expected = TABLE[place][event]
    assert after.state is expected_state
    assert " ".join(told(command) for command in commands) == expected


def test_the_table_names_every_state() -> None:
    assert {state for _, state, _ in TABLE} == set(TransferState)


@pytest.mark.parametrize("place", TABLE, ids=str)
def test_every_state_that_is_not_the_end_or_a_talk_has_a_timer(place: tuple[str, TransferState, bool]) -> None:
    mode, state, was_accepted = place
    if state in (S.NEW, S.DONE, S.JOINED):
        return
    over = e.TargetTimeOver(0) if state is S.REACHING else e.TimeOver()
    after, _ = advance(machine(mode, state, was_accepted=was_accepted), over)
    assert after.state in (S.DONE, S.JOINED)


def test_timers_are_as_long_as_the_flow_says() -> None:
    _, commands = advance(machine("auto", ring_for_s=12.0), e.Started())
    assert c.SetTargetTimer(0, 12.0) in commands
    _, commands = advance(machine("refer", ring_for_s=12.0), e.Started())
    assert c.SetTimer(12.0 + REFER_GRACE_S) in commands


@pytest.mark.parametrize(
    ("status", "cause", "was_ringing", "outcome"),
    [
        (486, None, True, Outcome.BUSY),
        (600, None, True, Outcome.BUSY),
        (480, None, True, Outcome.NO_ANSWER),
        (408, None, True, Outcome.NO_ANSWER),
        (408, None, False, Outcome.UNREACHABLE),
        (603, None, True, Outcome.REFUSED),
        (403, None, False, Outcome.REFUSED),
        (404, None, False, Outcome.UNKNOWN),
        (503, None, False, Outcome.UNREACHABLE),
        (499, None, False, Outcome.FAILED),
        (503, 17, False, Outcome.BUSY),
        (480, 20, False, Outcome.UNREACHABLE),
        (486, 99, False, Outcome.BUSY),
    ],
)
def test_outcome_of_a_failed_leg(status: int, cause: int | None, was_ringing: bool, outcome: Outcome) -> None:
    assert outcome_of(status, cause, was_ringing=was_ringing) is outcome


def story(mode: str, *events: e.TransferEvent) -> tuple[TransferState, str]:
    """Where events lead, and the report."""
    now, report = machine(mode), ""
    for event in (e.Started(), *events):
        now, commands = advance(now, event)
        report = next((told(command) for command in commands if isinstance(command, c.Report)), report)
    return now.state, report


def test_news_of_a_person_who_is_not_the_one_means_nothing() -> None:
    talk = machine("bridge", S.JOINED)
    assert advance(talk, e.TargetEnded(1, 200)) == (talk, ())


@pytest.mark.parametrize("mode", ["auto", "refer"])
def test_with_nobody_whom_the_configuration_knows_nothing_begins(mode: str) -> None:
    nobody = Hunt((unknown(Attempt(0, 20.0), "target is not configured"),))
    after, commands = advance(TransferMachine(mode, nobody), e.Started())
    assert after.state is S.DONE
    assert commands == (c.Report(Outcome.UNKNOWN, "target is not configured"),)


def talking(**ways: Any) -> TransferMachine:
    """A talk from which the caller may come back."""
    calling = replace(machine("auto", S.REACHING), **ways)
    talk, commands = advance(calling, e.TargetAnswered(0))
    assert talk.state is S.JOINED and c.ReferReplacing(0) not in commands, "the bot stays in the talk"
    return talk


def test_a_person_who_hangs_up_first_leaves_the_caller_to_the_flow_where_it_goes_on() -> None:
    over, commands = advance(talking(comes_back=True), e.TargetEnded(0, 200))
    assert over.state is S.DONE
    assert commands == (c.SetTimer(None), c.Report(Outcome.AFTER, "bridged", "agent"))


def test_a_person_sends_the_caller_back_by_the_key_and_by_no_other() -> None:
    talk = talking(return_key="*")
    assert advance(talk, e.TargetPressed(0, "#")) == (talk, ())
    over, commands = advance(talk, e.TargetPressed(0, "*"))
    assert over.state is S.DONE
    assert commands == (c.SetTimer(None), c.HangUpTarget(0), c.Report(Outcome.RETURNED, "bridged", "agent"))


@pytest.mark.parametrize("ways", [{"comes_back": True}, {"return_key": "*"}])
def test_a_caller_who_hangs_up_in_such_a_talk_ends_it(ways: dict[str, Any]) -> None:
    _, commands = advance(talking(**ways), e.CallerEnded())
    assert commands[-1] == c.Report(Outcome.CONNECTED, "bridged", "caller")


def test_with_a_return_key_only_the_persons_hang_up_ends_the_call() -> None:
    _, commands = advance(talking(return_key="*"), e.TargetEnded(0, 200))
    assert commands[-2:] == (c.HangUpCaller(), c.Report(Outcome.CONNECTED, "bridged", "agent"))


def test_a_telephone_that_rang_too_long_gave_no_answer() -> None:
    assert story("auto", e.TargetRinging(0), e.TargetTimeOver(0)) == (S.DONE, "Report:no_answer")


def test_a_refused_replacement_stays_a_bridge_until_one_leaves() -> None:
    refused = (e.TargetAnswered(0), e.ReferProgress(100, False), e.ReferProgress(603, True))
    assert story("auto", *refused) == (S.JOINED, "")
    assert story("auto", *refused, e.TargetEnded(0, 200)) == (S.DONE, "Report:connected/agent")


def test_a_replaced_person_whose_leg_ends_before_the_word_of_it() -> None:
    assert story("auto", e.TargetAnswered(0), e.TargetEnded(0, 200), e.ReferProgress(200, True)) == (
        S.DONE,
        "Report:connected",
    )


def test_an_attended_transfer_whose_person_hangs_up_first_brings_the_caller_back() -> None:
    assert story("attended", e.TargetAnswered(0), e.TargetEnded(0, 200), e.TimeOver()) == (S.DONE, "Report:failed")


@pytest.mark.parametrize(
    ("events", "report"),
    [
        ((e.ReferProgress(405, True),), "Report:refused"),
        ((e.ReferProgress(499, True),), "Report:refused"),
        ((e.ReferProgress(404, True),), "Report:unknown"),
        ((e.ReferProgress(503, True),), "Report:unreachable"),
        ((e.ReferProgress(100, False), e.ReferProgress(499, True)), "Report:failed"),
        ((e.ReferProgress(100, False), e.ReferProgress(503, True)), "Report:connected"),
        ((e.ReferProgress(180, False), e.ReferProgress(408, True)), "Report:no_answer"),
        ((e.ReferProgress(183, False), e.ReferProgress(100, False), e.ReferProgress(408, True)), "Report:no_answer"),
    ],
)
def test_news_of_a_blind_transfer(events: tuple[e.TransferEvent, ...], report: str) -> None:
    assert story("refer", *events) == (S.DONE, report)
