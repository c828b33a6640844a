"""Flows that are worked through before the call is answered: `answer: later`."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow.engine import step
from ivr.flow.events import CallOffered, TimerFired
from ivr.flow.loader import load_flow
from ivr.flow.run import UNANSWERED_LIMIT_S, UNANSWERED_TIMER
from ivr.flow.state import FlowState, Phase
from ivr.testing.conversation import CallScript

pytestmark = pytest.mark.unit

HEAD = """
flow: test
language: en-US
answer: later
start: main
"""

MENU = """
  menu:
    menu:
      prompt: "Say sales or press 1."
      choices: {sales: {keys: "1", say: [sales], go: hang_up}}
    failed: hang_up
"""


def call(steps: str, *, head: str = HEAD, parts: tuple[str, ...] = ()) -> CallScript:
    """A call that has just come in."""
    return CallScript(head + "steps:\n" + steps, runs=parts).offered()


def asked(script: CallScript) -> list[str]:
    """Names of the commands so far, without notes and timers."""
    left_out = (c.NoteStep, c.StartTimer, c.CancelTimer)
    return [type(command).__name__ for command in script.commands if not isinstance(command, left_out)]


def test_the_call_rings_and_the_step_answers_it() -> None:
    script = call("  main: {answer: true, next: menu}\n" + MENU)
    assert asked(script) == ["Ring", "Answer", "PlayPrompt", "StartListening"]
    assert script.phase is Phase.LISTENING and not script.state.is_unanswered


def test_what_is_said_before_the_answer_is_early_media_and_is_heard_to_its_end() -> None:
    script = call('  main: {say: "One moment.", next: up}\n  up: {answer: true, next: menu}\n' + MENU)
    assert asked(script) == ["Ring", "StartEarlyMedia", "PlayPrompt"]
    script.press_now("1").listens()
    assert asked(script)[3:] == ["Answer", "PlayPrompt", "StartListening"]
    assert script.prompts_heard == ["One moment.", "Say sales or press 1."]
    assert not script.prompts[0].was_cut


def test_early_media_is_opened_once() -> None:
    steps = '  main: {say: "One.", next: two}\n  two: {say: "Two.", barge_in: none, next: up}\n  up: {answer: true}\n'
    script = call(steps).listens()
    assert asked(script).count("StartEarlyMedia") == 1 and asked(script).count("PlayPrompt") == 2


def test_it_rings_for_as_long_as_the_answer_says() -> None:
    script = call("  main: {answer: {after: 4s}, next: menu}\n" + MENU)
    script.waits(3.9)
    assert asked(script) == ["Ring"]
    script.waits(0.2)
    assert script.is_answered
    assert [(line.kind, line.ended_at_s - line.started_at_s) for line in script.record] == [("answer", 4.0)]


def test_an_answered_call_goes_on_at_a_second_answer() -> None:
    script = call("  main: {answer: true, next: again}\n  again: {answer: {after: 9s}, next: menu}\n" + MENU)
    assert script.phase is Phase.LISTENING
    assert asked(script).count("Answer") == 1


def test_a_flow_that_answers_at_once_goes_on_at_an_answer() -> None:
    head = HEAD.replace("answer: later\n", "")
    script = call("  main: {answer: true, next: menu}\n" + MENU, head=head)
    assert asked(script) == ["Answer", "PlayPrompt", "StartListening"]


@pytest.mark.parametrize(
    ("hang_up", "status"),
    [
        ("{status: 486}", 486),
        ("{status: 603, cause: 17}", 603),
        ("{cause: 17}", 486),
        ("{cause: 16}", 480),
        ("true", 480),
    ],
)
def test_hanging_up_before_the_answer_refuses(hang_up: str, status: int) -> None:
    script = call(f'  main: {{say: "We are closed.", next: no}}\n  no: {{hang_up: {hang_up}}}\n')
    assert script.has_ended
    assert script.refused_with == status
    assert not script.is_answered and "HangUp" not in asked(script)
    assert script.prompts_heard == ["We are closed."] and not script.prompts[0].was_cut


@pytest.mark.parametrize("target", ["hang_up", "return"])
def test_a_flow_that_ends_without_an_answer_refuses(target: str) -> None:
    script = call(f"  main: {{set: {{x: 1}}, next: {target}}}\n")
    assert script.has_ended
    assert asked(script) == ["Ring", "Reject"] and script.refused_with == 480


def test_a_status_after_the_answer_is_an_ordinary_end() -> None:
    script = call("  main: {answer: true, next: no}\n  no: {hang_up: {status: 486}}\n")
    assert asked(script) == ["Ring", "Answer", "HangUp"]


def test_the_bots_own_failure_before_the_answer_refuses_with_500() -> None:
    script = call('  main: {set: {x: "{{ 1 // 0 }}"}, next: up}\n  up: {answer: true}\n')
    assert script.has_ended and script.refused_with == 500


def test_a_transfer_answers_first() -> None:
    steps = (
        '  main: {say: "One moment.", next: person}\n'
        '  person: {transfer: {to: agent, announce: "I am putting you through."}, failed: hang_up}\n'
    )
    script = call(steps).listens()
    assert asked(script) == ["Ring", "StartEarlyMedia", "PlayPrompt", "Answer", "PlayPrompt", "StartTransfer"]
    assert script.prompts_heard == ["One moment.", "I am putting you through."]


def test_a_question_answers_first_where_the_flow_forgot_to() -> None:
    script = call('  main: {say: "Hello.", next: menu}\n' + MENU).listens()
    assert asked(script) == ["Ring", "StartEarlyMedia", "PlayPrompt", "Answer", "PlayPrompt", "StartListening"]
    assert script.state.visits["menu"] == 1


def test_a_request_before_the_answer_is_waited_for_with_its_sound() -> None:
    steps = """
  main:
    request: {get: "https://crm.example.com/x"}
    waiting: {text: "Please wait.", after: 1s}
    error: no
    next: up
  up: {answer: true, next: menu}
  no: {hang_up: {status: 503}}
"""
    script = call(steps + MENU).waits(1.1)
    assert asked(script) == ["Ring", "StartJob", "StartEarlyMedia", "PlayPrompt"]


def test_opening_hours_decide_before_the_answer() -> None:
    steps = "  main: {hours: office, open: up, closed: no}\n  up: {answer: true}\n  no: {hang_up: {status: 480}}\n"
    script = call(steps)
    assert asked(script)[:3] == ["Ring", "StartJob", "Answer"]


def test_a_caller_who_gives_up_before_the_answer_runs_the_clean_up() -> None:
    head = HEAD + "on_hang_up: gone\n"
    steps = '  main: {say: "One moment please.", next: up}\n  up: {answer: true}\n  gone: {tag: gave_up}\n'
    script = call(steps, head=head).hangs_up()
    assert script.phase is Phase.ENDED and script.state.tags == {"gave_up": True}
    assert not script.is_answered and script.refused_with is None
    script.waits(UNANSWERED_LIMIT_S)
    assert script.refused_with is None


def test_the_clean_up_knows_that_the_bot_refused() -> None:
    head = HEAD + "on_hang_up: {go: gone, always: true}\n"
    steps = '  main: {hang_up: {status: 486}}\n  gone: {tag: {by: "{{ call.ended_by }}"}}\n'
    script = call(steps, head=head)
    assert script.phase is Phase.ENDED and script.state.tags == {"by": "bot"}
    assert asked(script) == ["Ring", "Reject"]


def test_a_call_that_is_never_answered_is_refused_in_time() -> None:
    script = call('  main: {request: {get: "https://crm.example.com/x", timeout: 60s}, error: main, next: main}\n')
    script.waits(UNANSWERED_LIMIT_S - 0.1)
    assert script.refused_with is None
    script.waits(0.2)
    assert script.refused_with == 480 and script.phase is Phase.ENDED
    assert script.record[-1].outcome == "timeout"


def test_the_limit_ends_with_the_answer() -> None:
    script = call("  main: {answer: true, next: menu}\n" + MENU).waits(1)
    state = script.state
    assert step(script.program, state, TimerFired(999.0, UNANSWERED_TIMER)).commands == ()
    assert any(isinstance(command, c.CancelTimer) for command in script.commands)


def test_a_flow_that_is_run_may_answer() -> None:
    part = 'flow: part\nstart: a\nsteps:\n  a: {say: "Hello.", next: b}\n  b: {answer: true, next: return}\n'
    script = call("  main: {run: part, next: menu}\n" + MENU, parts=(part,)).listens()
    assert asked(script) == ["Ring", "StartEarlyMedia", "PlayPrompt", "Answer", "PlayPrompt", "StartListening"]


def test_only_the_flow_that_the_number_leads_to_says_when_the_call_is_answered() -> None:
    part = 'flow: part\nanswer: later\nstart: a\nsteps:\n  a: {say: "Hello.", next: return}\n'
    head = HEAD.replace("answer: later\n", "")
    script = call("  main: {run: part, next: hang_up}\n", head=head, parts=(part,))
    assert asked(script) == ["Answer", "PlayPrompt"]


def test_a_caller_who_comes_back_from_a_transfer_is_answered_at_once() -> None:
    flow = load_flow(HEAD + 'steps:\n  main: {answer: true, next: busy}\n  busy: {say: "Busy."}\n', "flow.yaml").flow
    event = CallOffered(0.0, resume_at="busy", returned_because="busy")
    found = step(flow, FlowState(), event).commands
    assert isinstance(found[0], c.Answer) and not any(isinstance(command, c.Ring) for command in found)
