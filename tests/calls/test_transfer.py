"""The transfer machine: every state with every event, and the stories that they make."""

from __future__ import annotations

import itertools

import pytest

from ivr.calls import transfer as t
from ivr.calls.transfer import TransferMachine, TransferState, advance
from ivr.flow.events import TransferOutcome as Outcome

pytestmark = pytest.mark.unit

S = TransferState
EVENTS: dict[str, t.TransferEvent] = {
    "start": t.Started(),
    "ringing": t.TargetRinging(),
    "answered": t.TargetAnswered(),
    "target_ended": t.TargetEnded(486),
    "caller_ended": t.CallerEnded(),
    "news": t.ReferProgress(100, is_final=False),
    "whisper_over": t.WhisperOver(),
    "success": t.ReferProgress(200, is_final=True),
    "failure": t.ReferProgress(486, is_final=True),
    "time": t.TimeOver(),
}

# (mode, state, was accepted): what each event leads to; an event that is not named changes nothing.
TABLE: dict[tuple[str, TransferState, bool], dict[str, tuple[TransferState, str]]] = {
    ("auto", S.NEW, False): {
        "start": (S.DIALING, "Hold SetTimer DialTarget"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:failed/caller"),
    },
    ("refer", S.NEW, False): {
        "start": (S.REFERRING, "SetTimer ReferBlind"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:failed/caller"),
    },
    ("auto", S.DIALING, False): {
        "ringing": (S.DIALING, ""),
        "answered": (S.REPLACING, "JoinLegs SetTimer ReferReplacing"),
        "target_ended": (S.DONE, "SetTimer StopHold Report:busy"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:failed/caller"),
        "time": (S.DONE, "SetTimer HangUpTarget StopHold Report:unreachable"),
    },
    ("bridge", S.DIALING, False): {
        "ringing": (S.DIALING, ""),
        "answered": (S.JOINED, "SetTimer JoinLegs"),
        "target_ended": (S.DONE, "SetTimer StopHold Report:busy"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:failed/caller"),
        "time": (S.DONE, "SetTimer HangUpTarget StopHold Report:unreachable"),
    },
    ("attended", S.DIALING, False): {
        "ringing": (S.DIALING, ""),
        "answered": (S.REPLACING, "SetTimer ReferReplacing"),
        "target_ended": (S.DONE, "SetTimer StopHold Report:busy"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:failed/caller"),
        "time": (S.DONE, "SetTimer HangUpTarget StopHold Report:unreachable"),
    },
    ("auto", S.WHISPERING, False): {
        "whisper_over": (S.REPLACING, "JoinLegs SetTimer ReferReplacing"),
        "target_ended": (S.DONE, "SetTimer StopHold Report:failed"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:failed/caller"),
        "time": (S.REPLACING, "JoinLegs SetTimer ReferReplacing"),
    },
    ("bridge", S.WHISPERING, False): {
        "whisper_over": (S.JOINED, "SetTimer JoinLegs"),
        "target_ended": (S.DONE, "SetTimer StopHold Report:failed"),
        "caller_ended": (S.DONE, "SetTimer HangUpTarget Report:failed/caller"),
        "time": (S.JOINED, "SetTimer JoinLegs"),
    },
    ("auto", S.JOINED, False): {
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


def told(command: t.TransferCommand) -> str:
    if isinstance(command, t.Report):
        return f"Report:{command.outcome}" + (f"/{command.ended_by}" if command.ended_by else "")
    return type(command).__name__


@pytest.mark.parametrize(("place", "event"), list(itertools.product(TABLE, EVENTS)), ids=str)
def test_every_state_with_every_event(place: tuple[str, TransferState, bool], event: str) -> None:
    mode, state, was_accepted = place
    before = TransferMachine(mode, 20.0, state, was_accepted=was_accepted)
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
    after, _ = advance(TransferMachine(mode, 20.0, state, was_accepted=was_accepted), t.TimeOver())
    assert after.state in (S.DONE, S.JOINED, S.REPLACING)


def test_timers_are_as_long_as_the_flow_says() -> None:
    _, commands = advance(TransferMachine("auto", 12.0), t.Started())
    assert t.SetTimer(12.0) in commands
    _, commands = advance(TransferMachine("refer", 12.0), t.Started())
    assert t.SetTimer(12.0 + t.REFER_GRACE_S) in commands


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
    assert t.outcome_of(status, cause, was_ringing=was_ringing) is outcome


def story(mode: str, *events: t.TransferEvent) -> tuple[TransferState, str]:
    """Where events lead, and the report."""
    machine, report = TransferMachine(mode, 20.0), ""
    for event in (t.Started(), *events):
        machine, commands = advance(machine, event)
        report = next((told(command) for command in commands if isinstance(command, t.Report)), report)
    return machine.state, report


def test_a_person_who_is_to_be_told_first_is_told_before_the_two_are_joined() -> None:
    dialing = TransferMachine("auto", 20.0, S.DIALING, has_whisper=True)
    whispering, commands = advance(dialing, t.TargetAnswered())
    assert (whispering.state, commands) == (S.WHISPERING, (t.SetTimer(t.WHISPER_LIMIT_S), t.Whisper()))


def test_a_telephone_that_rang_too_long_gave_no_answer() -> None:
    assert story("auto", t.TargetRinging(), t.TimeOver()) == (S.DONE, "Report:no_answer")


def test_a_refused_replacement_stays_a_bridge_until_one_leaves() -> None:
    refused = (t.TargetAnswered(), t.ReferProgress(100, False), t.ReferProgress(603, True))
    assert story("auto", *refused) == (S.JOINED, "")
    assert story("auto", *refused, t.TargetEnded(200)) == (S.DONE, "Report:connected/agent")


def test_a_replaced_person_whose_leg_ends_before_the_word_of_it() -> None:
    assert story("auto", t.TargetAnswered(), t.TargetEnded(200), t.ReferProgress(200, True)) == (
        S.DONE,
        "Report:connected",
    )


def test_an_attended_transfer_whose_person_hangs_up_first_brings_the_caller_back() -> None:
    assert story("attended", t.TargetAnswered(), t.TargetEnded(200), t.TimeOver()) == (S.DONE, "Report:failed")


@pytest.mark.parametrize(
    ("events", "report"),
    [
        ((t.ReferProgress(405, True),), "Report:refused"),
        ((t.ReferProgress(499, True),), "Report:refused"),
        ((t.ReferProgress(404, True),), "Report:unknown"),
        ((t.ReferProgress(503, True),), "Report:unreachable"),
        ((t.ReferProgress(100, False), t.ReferProgress(499, True)), "Report:failed"),
        ((t.ReferProgress(100, False), t.ReferProgress(503, True)), "Report:connected"),
        ((t.ReferProgress(180, False), t.ReferProgress(408, True)), "Report:no_answer"),
        ((t.ReferProgress(183, False), t.ReferProgress(100, False), t.ReferProgress(408, True)), "Report:no_answer"),
    ],
)
def test_news_of_a_blind_transfer(events: tuple[t.TransferEvent, ...], report: str) -> None:
    assert story("refer", *events) == (S.DONE, report)
