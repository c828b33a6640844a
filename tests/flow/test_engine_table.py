"""Every situation of a call × every event: what kind of reaction there is. A new phase or event is to be added here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.jobs import JobOutcome, JobResult
from ivr.flow.loader import load_flow
from ivr.flow.model import Flow
from ivr.flow.state import FlowState, Phase

pytestmark = pytest.mark.unit


class Reaction(StrEnum):
    """What an event leads to, by its sign in the table."""

    NOTHING = "."
    """State and telephone stay as they are."""
    KEPT = "kept"
    """Something is remembered, and nothing is done."""
    STAYS = "stay"
    """Something is done, in the same step and phase."""
    GOES_ON = "GO"
    """To another step or phase."""
    ENDS = "END"
    """The call is over, and nothing is left to be done."""
    CLEANS_UP = "OUT"
    """The caller is gone, and the flow has something to do yet."""


FLOW = """
flow: table
start: hello
languages: [de-DE]
on_hang_up: save
defaults: {failed: sorry, max_attempts: 3}
steps:
  hello: {say: "Hello.", next: main}
  main:
    menu: {prompt: "Press 1 for the code.", choices: {code: {keys: "1", say: code, go: code}}}
  code: {ask: digits, length: 4, prompt: "Which?", into: code, confirm: always, next: person}
  person: {transfer: {to: agent, announce: "One moment."}, failed: wait}
  wait: {queue: {name: support, callback_key: "2", callback_number: "+4930901820"}, keys: {"1": look}, failed: look}
  look: {request: {get: "https://crm.example.com/"}, waiting: "Please wait.", error: message, next: message}
  message: {record: {prompt: "Speak."}, into: message, failed: sorry, next: sorry}
  sorry: {say: "Goodbye.", next: hang_up}
  save: {request: {get: "https://crm.example.com/"}, error: saved, next: saved}
  saved: {tag: saved}
"""

LATER = """
flow: later
answer: later
start: open
steps:
  open: {hours: office, open: take_it, closed: refuse}
  take_it: {answer: {after: 3s}, next: hang_up}
  refuse: {hang_up: {status: 480}}
"""

ASKED_FIRST = "flow: asked\nstart: open\nsteps:\n  open: {hours: office, open: hang_up, closed: hang_up}\n"

DONE = JobResult(JobOutcome.DONE, {"state": "open"}, 200)


@dataclass
class Call:
    """A call in the making, told one event after the other."""

    flow: Flow
    state: FlowState = field(default_factory=FlowState)

    def then(self, make: Callable[[FlowState], e.Event]) -> Call:
        """The call after one event more; the event is made with the ids of the moment."""
        return Call(self.flow, engine.step(self.flow, self.state, make(self.state)).state)


def offered(text: str) -> Call:
    return Call(load_flow(text, "flow.yaml").flow).then(lambda state: e.CallOffered(1.0))


def prompt_over(state: FlowState) -> e.Event:
    return e.PromptFinished(1.0, state.play_id or "play0")


def timer(state: FlowState) -> e.Event:
    return e.TimerFired(1.0, state.timer_id or "timer0")


def key(digit: str) -> Callable[[FlowState], e.Event]:
    return lambda state: e.DigitPressed(1.0, digit)


def job_done(state: FlowState) -> e.Event:
    return e.JobDone(1.0, state.job_id or "job0", DONE)


def nobody_answers(state: FlowState) -> e.Event:
    return e.TransferEnded(1.0, e.TransferOutcome.NO_ANSWER)


def speech(state: FlowState) -> e.Event:
    return e.SpeechStarted(1.0, state.listen_id or "listen0")


def caller_leaves(state: FlowState) -> e.Event:
    return e.CallerHungUp(1.0)


def situations() -> dict[str, Call]:
    """One call for each situation, made by events alone."""
    fresh = Call(load_flow(FLOW, "flow.yaml").flow)
    prompt_runs = offered(FLOW)
    silent = prompt_runs.then(prompt_over)
    half = silent.then(key("1")).then(key("2"))
    confirming = half.then(key("3")).then(key("4")).then(key("5"))
    speaking = confirming.then(key("1"))
    transferring = speaking.then(prompt_over)
    waiting = transferring.then(nobody_answers)
    leaving = waiting.then(key("1"))
    talking = waiting.then(lambda s: e.QueueConnected(1.0, "anna", 40.0))
    working = leaving.then(lambda s: e.QueueEnded(1.0, e.QueueOutcome.LEFT))
    announcing = working.then(job_done)
    recording = announcing.then(prompt_over)
    calendar = offered(LATER)
    gone = silent.then(caller_leaves)
    return {
        "before the call": fresh,
        "a calendar first": offered(ASKED_FIRST),
        "a calendar, ringing": calendar,
        "it rings": calendar.then(job_done),
        "a question is asked": prompt_runs,
        "a question waits": silent,
        "the caller speaks": silent.then(speech),
        "half of an entry": half,
        "an answer is read back": confirming,
        "an announcement is made": speaking,
        "a person is called": transferring,
        "an agent is waited for": waiting,
        "... place and wait": waiting.then(lambda s: e.QueueStanding(1.0, 3, 240.0)),
        "the queue is left": leaving,
        "a call back is wanted": waiting.then(key("2")),
        "an agent talks": talking,
        "a service is asked": working,
        "a waiting sound": working.then(timer),
        "before a recording": announcing,
        "a recording runs": recording,
        "the goodbye is said": recording.then(
            lambda s: e.RecordingEnded(1.0, s.record_id, e.RecordingEnd.MAX_LENGTH, "m")
        ),
        "the caller has left": gone,
        "the call is over": gone.then(job_done),
    }


EVENTS: dict[str, Callable[[FlowState], e.Event]] = {  # those of the moment; where there are none, of what is over
    "off": lambda s: e.CallOffered(2.0),
    "key": lambda s: e.DigitPressed(2.0, "1"),
    "bad": lambda s: e.DigitPressed(2.0, "7"),
    "#": lambda s: e.DigitPressed(2.0, "#"),
    "spc": lambda s: e.SpeechStarted(2.0, s.listen_id or "listen0"),
    "ans": lambda s: e.UtteranceHeard(2.0, s.listen_id or "listen0", "code", 0.95),
    "noi": lambda s: e.UtteranceHeard(2.0, s.listen_id or "listen0", "", 0.0),
    "deaf": lambda s: e.ListeningFailed(2.0, s.listen_id or "listen0", "no model"),
    "over": lambda s: e.PromptFinished(2.0, s.play_id or "play0"),
    "mute": lambda s: e.PromptFailed(2.0, s.play_id or "play0", "no voice"),
    "time": lambda s: e.TimerFired(2.0, s.timer_id or "timer0"),
    "ring": lambda s: e.TimerFired(2.0, "unanswered"),
    "conn": lambda s: e.TransferEnded(2.0, e.TransferOutcome.CONNECTED),
    "busy": lambda s: e.TransferEnded(2.0, e.TransferOutcome.BUSY),
    "std": lambda s: e.QueueStanding(2.0, 2, 100.0),
    "agnt": lambda s: e.QueueConnected(2.0, "anna", 60.0),
    "stay": lambda s: e.QueueStays(2.0),
    "full": lambda s: e.QueueEnded(2.0, e.QueueOutcome.FULL),
    "talk": lambda s: e.QueueEnded(2.0, e.QueueOutcome.CONNECTED, agent="anna"),
    "done": lambda s: e.JobDone(2.0, s.job_id or "job0", DONE),
    "err": lambda s: e.JobDone(2.0, s.job_id or "job0", JobResult(JobOutcome.FAILED)),
    "rec": lambda s: e.RecordingEnded(2.0, s.record_id or "record0", e.RecordingEnd.SILENCE, "m.wav", 2.0),
    "none": lambda s: e.RecordingEnded(2.0, s.record_id or "record0", e.RecordingEnd.NOTHING),
    "gone": lambda s: e.CallerHungUp(2.0),
    "long": lambda s: e.CallTooLong(2.0),
}


def reaction(call: Call, event: e.Event) -> Reaction:
    """What kind of reaction there is."""
    result = engine.step(call.flow, call.state, event)
    before, after = call.state, result.state
    if after == before and not result.commands:
        return Reaction.NOTHING
    if after.phase is Phase.ENDED:
        return Reaction.ENDS
    if after.has_left:
        return Reaction.CLEANS_UP
    if (after.phase, after.step) != (before.phase, before.step):
        return Reaction.GOES_ON
    return Reaction.STAYS if result.commands else Reaction.KEPT


def subclasses(kind: type[Any]) -> set[type[Any]]:
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))


TABLE = """
                         off key  bad  #    spc  ans noi  deaf over mute time ring conn busy done err rec none gone long
before the call:         GO  .    .    .    .    .   .    .    .    .    .    .    .    .    .    .   .   .    OUT  .
a calendar first:        .   .    .    .    .    .   .    .    .    .    .    .    .    .    END  END .   .    END  .
a calendar, ringing:     .   .    .    .    .    .   .    .    .    .    .    END  .    .    GO   END .   .    END  .
it rings:                .   .    .    .    .    .   .    .    .    .    END  END  .    .    .    .   .   .    END  .
a question is asked:     .   GO   stay stay stay GO  .    stay stay stay .    .    .    .    .    .   .   .    OUT  GO
a question waits:        .   GO   stay stay stay GO  stay stay .    .    stay .    .    .    .    .   .   .    OUT  GO
the caller speaks:       .   GO   stay stay .    GO  stay stay .    .    stay .    .    .    .    .   .   .    OUT  GO
half of an entry:        .   stay stay stay .    .   .    .    .    .    stay .    .    .    .    .   .   .    OUT  GO
an answer is read back:  .   GO   stay kept stay .   .    stay stay stay .    .    .    .    .    .   .   .    OUT  GO
an announcement is made: .   .    .    .    .    .   .    .    GO   GO   .    .    .    .    .    .   .   .    OUT  stay
a person is called:      .   .    .    .    .    .   .    .    .    .    .    .    END  GO   .    .   .   .    OUT  .
an agent is waited for:  .   stay .    .    .    .   .    .    .    .    stay .    .    .    .    .   .   .    OUT  GO
... place and wait:      .   stay .    .    .    .   .    .    stay stay .    .    .    .    .    .   .   .    OUT  GO
the queue is left:       .   .    .    .    .    .   .    .    .    .    .    .    .    .    .    .   .   .    OUT  GO
a call back is wanted:   .   .    .    .    .    .   .    .    .    .    .    .    .    .    .    .   .   .    OUT  GO
an agent talks:          .   .    .    .    .    .   .    .    .    .    .    .    .    .    .    .   .   .    OUT  .
a service is asked:      .   kept kept kept .    .   .    .    .    .    stay .    .    .    GO   GO  .   .    OUT  GO
a waiting sound:         .   kept kept kept .    .   .    .    stay stay .    .    .    .    GO   GO  .   .    OUT  GO
before a recording:      .   .    .    .    .    .   .    .    GO   GO   .    .    .    .    .    .   .   .    OUT  stay
a recording runs:        .   .    .    stay .    .   .    .    .    .    stay .    .    .    .    .   GO  GO   OUT  GO
the goodbye is said:     .   .    .    .    .    .   .    .    END  END  .    .    .    .    .    .   .   .    OUT  .
the caller has left:     .   .    .    .    .    .   .    .    .    .    .    .    .    .    END  END .   .    .    .
the call is over:        .   .    .    .    .    .   .    .    .    .    .    .    .    .    .    .   .   .    .    .
"""

TABLE_OF_QUEUES = """
                         std  agnt stay full talk
before the call:         .    .    .    .    .
a calendar first:        .    .    .    .    .
a calendar, ringing:     .    .    .    .    .
it rings:                .    .    .    .    .
a question is asked:     .    .    .    .    .
a question waits:        .    .    .    .    .
the caller speaks:       .    .    .    .    .
half of an entry:        .    .    .    .    .
an answer is read back:  .    .    .    .    .
an announcement is made: .    .    .    .    .
a person is called:      .    .    .    .    .
an agent is waited for:  stay stay .    GO   END
... place and wait:      stay stay .    GO   END
the queue is left:       .    kept .    GO   END
a call back is wanted:   .    kept stay GO   END
an agent talks:          .    .    .    GO   END
a service is asked:      .    .    .    .    .
a waiting sound:         .    .    .    .    .
before a recording:      .    .    .    .    .
a recording runs:        .    .    .    .    .
the goodbye is said:     .    .    .    .    .
the caller has left:     .    .    .    .    .
the call is over:        .    .    .    .    .
"""


def written() -> dict[tuple[str, str], str]:
    """The tables' entries by situation and event."""
    entries: dict[tuple[str, str], str] = {}
    for table in (TABLE, TABLE_OF_QUEUES):
        head, *rows = table.strip("\n").splitlines()
        for row in rows:
            name, _, signs = row.partition(":")
            entries |= {(name, what): sign for what, sign in zip(head.split(), signs.split(), strict=True)}
    return entries


CALLS = situations()


def test_every_phase_and_every_event_is_in_the_table() -> None:
    assert {call.state.phase for call in CALLS.values()} == set(Phase)
    made = {type(make(FlowState())) for make in EVENTS.values()}
    assert made == subclasses(e.Event) - {e.Event}


def test_no_pair_is_missing_and_none_is_too_many() -> None:
    assert written().keys() == {(name, what) for name in CALLS for what in EVENTS}


@pytest.mark.parametrize("name", CALLS)
def test_each_event_has_the_reaction_that_is_written(name: str) -> None:
    call = CALLS[name]
    for what, make in EVENTS.items():
        assert reaction(call, make(call.state)) == written()[name, what], (name, what)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_long_over_means_nothing(name: str) -> None:
    call = CALLS[name]
    for event in (
        e.PromptFinished(3.0, "play999"),
        e.PromptFailed(3.0, "play999", "late"),
        e.TimerFired(3.0, "timer999"),
        e.JobDone(3.0, "job999", DONE),
        e.RecordingEnded(3.0, "record999", e.RecordingEnd.SILENCE, "m.wav", 2.0),
        e.SpeechStarted(3.0, "listen999"),
        e.UtteranceHeard(3.0, "listen999", "code", 0.95),
        e.ListeningFailed(3.0, "listen999", "late"),
    ):
        assert reaction(call, event) is Reaction.NOTHING, event


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.state.phase is not Phase.NEW])
def test_the_caller_may_leave_at_any_moment(name: str) -> None:
    call = CALLS[name].then(caller_leaves)
    while call.state.job_id:
        call = call.then(job_done)
    assert call.state.phase is Phase.ENDED
    assert not (call.state.timer_id or call.state.play_id or call.state.listen_id or call.state.record_id)
