"""Getting a person to the telephone: every state of an attempt with every event, and several persons together."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from ivr.calls import transfer_commands as c
from ivr.calls import transfer_events as e
from ivr.calls.hunting import Hunt, advance_hunt, begin_hunt, let_all_go
from ivr.calls.reaching import (
    LEG_GRACE_S,
    LEG_RETRY_S,
    WHISPER_LIMIT_S,
    Attempt,
    AttemptState,
    Welcome,
    advance_attempt,
)
from ivr.flow.events import TALKED
from ivr.flow.events import TransferOutcome as Outcome

pytestmark = pytest.mark.unit

S = AttemptState
EVENTS: dict[str, e.TargetEvent] = {
    "turn": e.TargetTurn(0),
    "ringing": e.TargetRinging(0),
    "heard": e.TargetHeard(0),
    "answered": e.TargetAnswered(0),
    "key": e.TargetPressed(0, "1"),
    "other_key": e.TargetPressed(0, "2"),
    "whisper_over": e.WhisperOver(0),
    "ended": e.TargetEnded(0, 486),
    "no_leg": e.TargetEnded(0, 503, None, "no free leg", had_no_leg=True),
    "time": e.TargetTimeOver(0),
}

AT_ONCE, TOLD, ASKED = Welcome(), Welcome(has_whisper=True), Welcome(True, needs_key=True, accept_within_s=7.0)
UNTOLD = Welcome(needs_key=True)
WELCOMES = {"at once": AT_ONCE, "told": TOLD, "asked": ASKED, "untold": UNTOLD}

SAME_FOR_ALL: dict[AttemptState, dict[str, tuple[AttemptState, str]]] = {
    S.WAITING: {"turn": (S.CALLING, "SetTargetTimer:20.0 DialTarget")},
    S.CALLING: {
        "ringing": (S.CALLING, ""),
        "ended": (S.OVER, "SetTargetTimer busy"),
        "no_leg": (S.NO_LEG, "SetTargetTimer:0.5"),
        "time": (S.OVER, "SetTargetTimer HangUpTarget unreachable"),
    },
    S.NO_LEG: {"time": (S.CALLING, "SetTargetTimer:20.0 DialTarget")},
    S.READY: {},
    S.OVER: {},
}

# What each event leads to, by what whoever answers has to go through; one that is not named changes nothing.
TABLE: dict[tuple[str, AttemptState], dict[str, tuple[AttemptState, str]]] = {
    **{(name, state): row for name in WELCOMES for state, row in SAME_FOR_ALL.items()},
    ("at once", S.CALLING): {**SAME_FOR_ALL[S.CALLING], "answered": (S.READY, "SetTargetTimer")},
    ("told", S.CALLING): {**SAME_FOR_ALL[S.CALLING], "answered": (S.WHISPERING, "SetTargetTimer:30.0 Whisper")},
    ("asked", S.CALLING): {**SAME_FOR_ALL[S.CALLING], "answered": (S.WHISPERING, "SetTargetTimer:30.0 Whisper")},
    ("untold", S.CALLING): {**SAME_FOR_ALL[S.CALLING], "answered": (S.ACCEPTING, "SetTargetTimer:10.0")},
    ("told", S.WHISPERING): {
        "whisper_over": (S.READY, "SetTargetTimer"),
        "time": (S.READY, "StopWhisper SetTargetTimer"),
        "ended": (S.OVER, "SetTargetTimer failed"),
        "no_leg": (S.OVER, "SetTargetTimer failed"),
    },
    ("asked", S.WHISPERING): {
        "whisper_over": (S.ACCEPTING, "SetTargetTimer:7.0"),
        "key": (S.READY, "SetTargetTimer StopWhisper"),
        "time": (S.ACCEPTING, "StopWhisper SetTargetTimer:7.0"),
        "ended": (S.OVER, "SetTargetTimer not_accepted"),
        "no_leg": (S.OVER, "SetTargetTimer not_accepted"),
    },
    ("asked", S.ACCEPTING): {
        "key": (S.READY, "SetTargetTimer StopWhisper"),
        "time": (S.OVER, "SetTargetTimer HangUpTarget not_accepted"),
        "ended": (S.OVER, "SetTargetTimer not_accepted"),
        "no_leg": (S.OVER, "SetTargetTimer not_accepted"),
    },
}


def told(command: c.TransferCommand) -> str:
    after_s = command.after_s if isinstance(command, c.SetTargetTimer) else None
    return type(command).__name__ + (f":{after_s}" if after_s is not None else "")


@pytest.mark.parametrize(("place", "event"), list(itertools.product(TABLE, EVENTS)), ids=str)
def test_every_state_with_every_event(place: tuple[str, AttemptState], event: str) -> None:
    before = Attempt(0, 20.0, WELCOMES[place[0]], place[1])
    after, commands = advance_attempt(before, EVENTS[event])
    if event not in TABLE[place]:
        assert (after, commands) == (before, ())
        return
    expected_state, expected = TABLE[place][event]
    over = [str(after.outcome)] if after.state is S.OVER else []
    assert after.state is expected_state
    assert " ".join([*map(told, commands), *over]) == expected


def test_the_table_names_every_state() -> None:
    assert {state for _, state in TABLE} == set(AttemptState)


PASSING = Welcome(is_heard_early=True)


def test_the_caller_hears_what_comes_before_the_answer_where_the_flow_says_so() -> None:
    calling, commands = advance_attempt(Attempt(0, 20.0, PASSING, S.CALLING), EVENTS["heard"])
    assert (calling.is_heard, commands) == (True, (c.LetHear(0),))
    assert advance_attempt(Attempt(0, 20.0, AT_ONCE, S.CALLING), EVENTS["heard"])[1] == ()


@pytest.mark.parametrize("event", ["answered", "ended", "time"])
def test_the_hold_sound_is_back_when_the_ringing_is_over(event: str) -> None:
    ringing = Attempt(0, 20.0, PASSING, S.CALLING, is_heard=True)
    after, commands = advance_attempt(ringing, EVENTS[event])
    assert commands[0] == c.Hold() and not after.is_heard
    quiet = replace(ringing, is_heard=False)
    assert advance_attempt(quiet, EVENTS[event]) == (after, commands[1:])


def test_a_voicemail_that_answers_and_talks_is_no_person() -> None:
    attempt = Attempt(0, 20.0, ASKED)
    for event in ("turn", "ringing", "answered", "whisper_over", "other_key", "time"):
        attempt, commands = advance_attempt(attempt, EVENTS[event])
    assert (attempt.state, attempt.outcome) == (S.OVER, Outcome.NOT_ACCEPTED)
    assert c.HangUpTarget(0) in commands


def test_a_whisper_is_cut_off_in_the_end() -> None:
    _, commands = advance_attempt(Attempt(0, 20.0, TOLD, S.CALLING), EVENTS["answered"])
    assert commands == (c.SetTargetTimer(0, WHISPER_LIMIT_S), c.Whisper(0))


# --- several persons


def hunt(count: int, at_once: int = 1, welcome: Welcome = AT_ONCE) -> Hunt:
    return Hunt(tuple(Attempt(number, 20.0, welcome) for number in range(count)), at_once)


def after(hunting: Hunt, *events: e.TargetEvent) -> tuple[Hunt, list[c.TransferCommand]]:
    """Begin, and let events happen; all commands."""
    now, begun = begin_hunt(hunting)
    commands = list(begun)
    for event in events:
        now, more = advance_hunt(now, event)
        commands += more
    return now, commands


def dialled(commands: list[c.TransferCommand]) -> list[int]:
    return [command.number for command in commands if isinstance(command, c.DialTarget)]


def hung_up(commands: list[c.TransferCommand]) -> list[int]:
    return [command.number for command in commands if isinstance(command, c.HangUpTarget)]


def test_persons_are_called_one_after_the_other() -> None:
    now, commands = after(hunt(3))
    assert dialled(commands) == [0]
    now, commands = after(hunt(3), e.TargetEnded(0, 486))
    assert dialled(commands) == [0, 1]
    now, commands = after(hunt(3), e.TargetEnded(0, 486), e.TargetTimeOver(1), e.TargetAnswered(2))
    assert (dialled(commands), hung_up(commands)) == ([0, 1, 2], [1])
    assert now.ready is not None and now.ready.number == 2 and not now.has_failed


def test_all_telephones_ring_at_once_and_the_first_who_is_ready_wins() -> None:
    now, commands = after(hunt(3, 3), e.TargetRinging(1), e.TargetEnded(0, 486), e.TargetAnswered(2))
    assert (dialled(commands), hung_up(commands)) == ([0, 1, 2], [1])
    assert c.SetTargetTimer(1, None) in commands
    assert now.ready is not None and now.ready.number == 2


def test_who_answers_first_does_not_win_before_pressing_the_key() -> None:
    answered = (e.TargetAnswered(0), e.TargetAnswered(1), e.WhisperOver(0), e.TargetPressed(1, "1"))
    now, commands = after(hunt(2, 2, ASKED), *answered)
    assert now.ready is not None and now.ready.number == 1
    assert hung_up(commands) == [0]


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((486, 480), Outcome.NO_ANSWER),
        ((404, 486), Outcome.BUSY),
        ((503, 403), Outcome.REFUSED),
        ((404, 503), Outcome.UNREACHABLE),
        ((499, 404), Outcome.UNKNOWN),
    ],
)
@pytest.mark.parametrize("at_once", [1, 2])
def test_the_outcome_is_that_of_the_person_who_came_nearest(
    statuses: tuple[int, int], outcome: Outcome, at_once: int
) -> None:
    now, _ = after(hunt(2, at_once), *(e.TargetEnded(number, status) for number, status in enumerate(statuses)))
    assert now.has_failed and now.nearest.outcome is outcome


def test_every_outcome_has_its_rank() -> None:
    for outcome in Outcome:
        if outcome not in TALKED:
            assert replace(hunt(1), attempts=(Attempt(0, 1.0, outcome=outcome),)).nearest.outcome is outcome


def test_a_caller_who_leaves_ends_all_telephones_that_ring() -> None:
    now, _ = after(hunt(3, 2), e.TargetEnded(0, 486))
    assert hung_up(list(let_all_go(now))) == [1, 2]


def test_who_finds_no_leg_is_tried_again_for_as_long_as_the_others_ring() -> None:
    no_leg, again = e.TargetEnded(1, 503, None, "no free leg", had_no_leg=True), e.TargetTimeOver(1)
    now, commands = after(hunt(2, 2), *([no_leg, again] * 30))
    assert dialled(commands) == [0, *([1] * 31)] and not now.has_failed
    now, _ = advance_hunt(now, e.TargetEnded(0, 486))
    for _ in range(5):
        now, _ = advance_hunt(now, no_leg)
        now, _ = advance_hunt(now, again)
    assert now.has_failed
    assert (now.attempts[1].outcome, now.attempts[1].detail) == (Outcome.UNREACHABLE, "503 no free leg")
    assert now.nearest.outcome is Outcome.BUSY


def test_who_finds_a_leg_in_the_end_is_reached() -> None:
    no_leg, again = e.TargetEnded(0, 503, None, "no free leg", had_no_leg=True), e.TargetTimeOver(0)
    now, commands = after(hunt(1), no_leg, again, e.TargetAnswered(0))
    assert now.ready is not None and dialled(commands) == [0, 0]


def test_with_no_leg_at_all_nobody_is_reached() -> None:
    no_leg, again = e.TargetEnded(0, 503, None, "no free leg", had_no_leg=True), e.TargetTimeOver(0)
    now, commands = after(hunt(1), *([no_leg, again] * 4), no_leg)
    assert now.has_failed and (now.nearest.outcome, now.nearest.detail) == (Outcome.UNREACHABLE, "503 no free leg")
    assert len(dialled(commands)) * LEG_RETRY_S > LEG_GRACE_S
