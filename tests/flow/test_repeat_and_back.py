"""What `repeat` and `back` do in and behind a step of every kind: the table of docs/flow-language.md, case by case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ivr.flow.jobs import JobOutcome, JobResult
from ivr.flow.steps.registry import STEP_KINDS
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD

pytestmark = pytest.mark.unit

FLOW = (
    HEAD
    + """
languages: [de-DE]
start: first
commands: {again: {keys: "*", say: [repeat], go: repeat}, back: {keys: "##", say: [go back], go: back}}
defaults: {no_input: "Hm.", no_match: "What?", failed: hang_up}
variables: {value: "", message: "", code: ""}
steps:
  first: {menu: {prompt: {en: "First?", de: "Erstens?"}, choices: {on: {keys: "1", go: here}}}}
  here: STEP
  last: {menu: {prompt: {en: "Last?", de: "Zuletzt?"}, choices: {on: {keys: "1", go: hang_up}}}}
"""
)

PART = """
flow: part
language: en-US
start: outer
steps:
  outer: {ask: digits, length: 2, prompt: "Outer?", into: one, next: inner, failed: hang_up}
  inner: {ask: digits, length: 2, prompt: "Inner?", into: two, next: done, failed: hang_up}
  done: {return: {}}
"""

Act = Callable[[CallScript], object]


@dataclass(frozen=True)
class Case:
    """A step between two menus. Every text is what the bot says up to the caller's next turn."""

    step: str
    here: str | None = None
    """The question in it; None where the caller is asked nothing."""
    repeat: str = ""
    """After `repeat` at that question; the question itself where empty."""
    back: str = "First?"
    """After `back` at that question."""
    on: Act = lambda call: None
    """What leads through the step."""
    behind: str = "Last?"
    """What is said on the way to the next question, with it."""
    repeat_behind: str = "Last?"
    back_behind: str = "First?"


def leaves(by: str) -> Act:
    return lambda call: call.presses(by)


def done(result: object = None) -> Act:
    return lambda call: call.job_ends(JobResult(JobOutcome.DONE, result, 200))


SAID = "Here it is. Last?"

CASES: dict[str, Case] = {
    "say": Case('{say: "Here it is.", next: last}', behind=SAID, repeat_behind=SAID),
    "say to its end": Case('{say: "Here it is.", barge_in: none, next: last}', behind="Last?"),
    "menu": Case('{menu: {prompt: "Here?", choices: {on: {keys: "1", go: last}}}}', "Here?",
                 on=leaves("1"), back_behind="Here?"),
    "ask": Case('{ask: digits, length: 2, prompt: "Here?", into: value, next: last}', "Here?",
                on=leaves("42"), back_behind="Here?"),
    "ask, confirmed": Case('{ask: digits, length: 2, prompt: "Here?", into: value, confirm: always, next: last}',
                           "Here?", on=lambda call: call.presses("42").presses("1"), back_behind="Here?"),
    "form": Case('{form: {prompt: "Both?", fields: {a: {ask: digits, length: 2, prompt: "A?"}, '
                 'b: {ask: digits, length: 2, prompt: "B?"}}}, next: last}', "Both?",
                 on=lambda call: call.presses("12").presses("34"), back_behind="Both?"),
    "survey": Case('{survey: {intro: "Two questions.", questions: {one: {ask: rating, prompt: "One?"}, '
                   'two: {ask: rating, prompt: "Two?"}}, thanks: "Thank you."}, next: last}',
                   "Two questions. One?", on=lambda call: call.presses("1#").presses("2#"),
                   behind="Thank you. Last?", repeat_behind="Thank you. Last?", back_behind="Two?"),
    "record": Case('{record: {prompt: "Speak. You are recorded."}, into: message, next: last}',
                   on=lambda call: call.leaves_message(3.0, then="#")),
    "record, reviewed": Case('{record: {prompt: "Speak. You are recorded.", review: true, review_prompt: "Keep it?"}, '
                             "into: message, next: last}",
                             on=lambda call: call.leaves_message(3.0, then="#").hears("Keep it?").presses("1"),
                             back_behind="Keep it?"),
    "set": Case('{set: {value: "1"}, next: last}'),
    "when": Case('{when: [{if: "value", go: first}, {else: true, go: last}]}'),
    "language": Case("{language: de-DE, next: last}", behind="Zuletzt?", repeat_behind="Zuletzt?",
                     back_behind="Erstens?"),
    "tag": Case("{tag: seen, next: last}"),
    "run": Case("{run: part, next: last}", "Outer?", on=lambda call: call.presses("12").presses("34"),
                back_behind="Inner?"),
    "return": Case("{run: part, next: last}", on=lambda call: call.presses("12").presses("34"), back_behind="Inner?"),
    "transfer": Case("{transfer: {to: agent}, busy: last, failed: hang_up}",
                     on=lambda call: call.transfer_ends("busy")),
    "queue": Case('{queue: {name: support, callback_key: "2"}, keys: {"1": last}, callback: last, failed: hang_up}',
                  on=lambda call: call.queue_stands(2).presses("1")),
    "answer": Case("{answer: true, next: last}"),
    "hang_up": Case('{say: "Here it is.", next: last}', behind=SAID, repeat_behind=SAID),
    "hours": Case("{hours: office, open: last, closed: hang_up}"),
    "request": Case('{request: {get: "https://crm.example.com/", into: value}, error: hang_up, next: last}',
                    on=done({})),
    "video": Case("{video: {room: support}, nobody: last, failed: hang_up}",
                  on=lambda call: call.job_ends(JobResult(JobOutcome.TIMEOUT))),
    "send": Case("{send: {webhook: crm, variables: [value], wait: true}, failed: hang_up, next: last}", on=done()),
}  # fmt: skip
"""A call cannot come behind `hang_up`; what stands for it is what was said before."""


def begun(case: Case) -> CallScript:
    """A call that has come to the step."""
    return CallScript(FLOW.replace("STEP", case.step), runs=[PART]).offered().hears("First?").presses("1")


def behind(case: Case) -> CallScript:
    """A call that has come behind the step."""
    call = begun(case)
    case.on(call)
    return call.listens()


def said(call: CallScript) -> str:
    """All that the bot said since the caller did something."""
    call.listens()
    return " ".join(prompt.text for prompt in call.said_now)


ASKED = {name: case for name, case in CASES.items() if case.here}


@pytest.mark.parametrize("name", ASKED)
def test_repeat_at_the_question_of_a_step(name: str) -> None:
    case = CASES[name]
    call = begun(case)
    assert said(call) == case.here
    assert said(call.says("repeat")) == (case.repeat or case.here)
    assert said(call.presses("*")) == (case.repeat or case.here)


@pytest.mark.parametrize("name", ASKED)
def test_back_at_the_question_of_a_step(name: str) -> None:
    assert said(begun(CASES[name]).says("go back")) == CASES[name].back


@pytest.mark.parametrize("name", CASES)
def test_repeat_behind_a_step(name: str) -> None:
    case = CASES[name]
    call = behind(case)
    assert said(call).endswith(case.behind)
    assert said(call.presses("*")) == case.repeat_behind


@pytest.mark.parametrize("name", CASES)
def test_back_behind_a_step(name: str) -> None:
    assert said(behind(CASES[name]).says("go back")) == CASES[name].back_behind


def test_there_is_a_case_of_every_kind() -> None:
    assert set(STEP_KINDS) <= set(CASES)
