"""The dialog engine: `step(flow, state, event)` gives the next state and the commands to perform.

It never waits, reads a clock or knows a telephone. Prompts of `say` steps are queued and played together with the
question that follows (as in VoiceXML 2.0 §4.1.8), so that a caller may interrupt the greeting with the answer to the
menu behind it; they are played to their end before anything that is not a question.

    CallOffered ─► steps are entered one after the other ─► a menu or ask opens: LISTENING ─► its answer enters the next
                   (say queues, set and when decide at once)  ├─ something queued before a transfer, the end: SPEAKING
                                                              ├─ transfer: TRANSFERRING ─► exit of its outcome
                                                              ├─ queue: QUEUEING ─► exit of its outcome
                                                              └─ hang_up, or the caller leaves: ENDED

With `answer: later` the call rings meanwhile; what is said then is early media, and the step `answer` answers.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow import finishing, listening
from ivr.flow.asking import about
from ivr.flow.model import Flow, HangUpStep
from ivr.flow.program import Program
from ivr.flow.refusal import UNAVAILABLE
from ivr.flow.run import TEMPORARY_FAILURE, UNANSWERED_LIMIT_S, UNANSWERED_TIMER, Run
from ivr.flow.segments import LAST_WORD_PAUSE, Speech
from ivr.flow.state import MAX_STEPS_WITHOUT_INPUT, NOTHING_QUEUED, FlowState, Phase, Queued, finished
from ivr.flow.steps import queue, run_flow
from ivr.flow.steps.registry import kind_of
from ivr.flow.templates import TemplateFailed
from ivr.immutable import immutable


@immutable
class Result:
    """What an event led to."""

    state: FlowState
    commands: tuple[c.Command, ...]


def step(flow: Flow | Program, state: FlowState, event: e.Event) -> Result:
    """The next state and the commands to perform. Total: an event that means nothing now changes nothing."""
    run = Run(Program.of(flow), state, event.at_s)
    if state.phase is not Phase.ENDED:
        try:
            _HANDLERS.get(type(event), _hand_to_step)(run, event)
        except TemplateFailed as error:
            run.fail("prompt", str(error))
        _enter_all(run)
    if state.phase is Phase.NEW and run.state.phase is not Phase.NEW and not isinstance(event, e.CallerHungUp):
        _answer_first(run)
    return Result(finished(run.state), tuple(run.commands))


def _answer_first(run: Run) -> None:
    """A call is answered before anything else is done, unless the flow refuses it without a word, or answers later."""
    if not any(isinstance(command, c.Reject | c.Ring) for command in run.commands):
        run.commands.insert(0, c.Answer())


def _hand_to_step(run: Run, event: e.Event) -> None:
    """The step that is open knows what the event means."""
    if run.state.step:
        found = run.steps[run.state.step]
        kind_of(found).handle(run, found, event)


def _offered(run: Run, event: e.CallOffered) -> None:
    if run.state.phase is Phase.NEW and not run.state.step:
        _begin(run, event)


def _begin(run: Run, event: e.CallOffered) -> None:
    run.state.flow = event.part
    run.state.frames = event.frames
    run.is_in_flow()
    language = event.language or run.flow.language
    parties = {"from": event.ani, "to": event.dnis, "name": event.name, "video": event.offers_video}
    call = {**parties, "language": language, **about(run.flow, event)}
    variables = {**run.flow.variables, **event.variables, "call": MappingProxyType(call)}
    run.state.language = language
    run.state.variables = variables
    run.state.sensitive = event.sensitive
    run.state.began = event.now
    run.state.began_at_s = event.at_s
    start = event.resume_at or run.flow.start
    if event.resume_at:
        run.note("transfer", event.returned_because, detail="the caller came back")
    if run.flow.answer == "later" and not event.resume_at:
        run.ring()
    run.goto(start)


def _timer_fired(run: Run, event: e.TimerFired) -> None:
    if event.timer_id != UNANSWERED_TIMER:
        _hand_to_step(run, event)
    elif run.state.is_unanswered:
        run.note("answer", "timeout", detail=f"not answered within {UNANSWERED_LIMIT_S:g} s")
        run.state.is_unanswered = False
        run.reject(UNAVAILABLE)


def _caller_left(run: Run, event: e.CallerHungUp) -> None:
    if run.state.has_left:
        return
    if run.state.step:
        found = run.steps[run.state.step]
        kind_of(found).caller_left(run, found)
    run.quiet()
    run.caller_gone("caller")


def _too_long(run: Run, event: e.CallTooLong) -> None:
    state = run.state
    if state.has_left or state.is_unanswered or state.phase in (Phase.NEW, Phase.TRANSFERRING):
        return
    if state.phase is Phase.SPEAKING and _ends_call(run, state.resume_at):
        return  # the flow is saying goodbye
    if not queue.give_up(run):
        return  # he talks to somebody
    run.note("flow", "too_long", detail="the call reached its longest time")
    run.quiet()
    goodbye = run.language.too_long
    state.queued = Queued((Speech(goodbye, state.language),), "none") if goodbye else NOTHING_QUEUED
    run.goto("hang_up")


def _prompt_over(run: Run, event: e.PromptFinished | e.PromptFailed) -> None:
    if event.play_id != run.state.play_id:
        return
    run.state.play_id = ""
    if isinstance(event, e.PromptFailed):
        if run.has_handler and run.state.phase is not Phase.QUEUEING:  # it would cost the caller his place
            run.fail("say", event.reason)
            return
        run.note_failure("say", event.reason)
    if run.state.phase is Phase.SPEAKING:
        run.goto(run.state.resume_at)
    else:
        _hand_to_step(run, event)


def _digit(run: Run, event: e.DigitPressed) -> None:
    state, digit = run.state, event.digit
    if state.has_left or state.is_unanswered:
        return
    if digit == state.swallow_key and run.at_s <= state.swallow_until_s:
        finishing.swallow(run)
        return
    run.state.swallow_key = ""
    if state.phase is not Phase.SPEAKING:
        _hand_to_step(run, event)
    elif state.queued.barge_in in ("any", "digits", "match"):
        if _ends_call(run, state.resume_at):
            return  # nothing follows that a key could be meant for: the goodbye is heard to its end
        run.stop_prompt()
        run.state.typed_ahead = state.typed_ahead + digit
        run.goto(state.resume_at)


_HANDLERS: dict[type[e.Event], Callable[[Run, Any], None]] = {
    e.CallOffered: _offered,
    e.CallerHungUp: _caller_left,
    e.CallTooLong: _too_long,
    e.PromptFinished: _prompt_over,
    e.PromptFailed: _prompt_over,
    e.DigitPressed: _digit,
    e.TimerFired: _timer_fired,
}
"""Events that are not the open step's business alone."""


def _ends_call(run: Run, name: str) -> bool:
    found = run.steps.get(name)
    ends_here = name == "hang_up" or (name == "return" and not run.state.frames)
    return isinstance(found, HangUpStep) or (found is None and ends_here)


# --- entering steps --------------------------------------------------------------------------------------------------


def _enter_all(run: Run) -> None:
    while run.target and run.state.phase is not Phase.ENDED:
        name, run.target = run.target, ""
        if run.state.steps_without_input >= MAX_STEPS_WITHOUT_INPUT:
            _give_up_loop(run)
            continue
        run.state.steps_without_input = run.state.steps_without_input + 1
        try:
            _enter(run, name)
        except TemplateFailed as error:
            found = run.steps.get(run.state.step)
            run.fail(found.action if found else "prompt", str(error))


def _give_up_loop(run: Run) -> None:
    """End what goes round without the caller; what is to be done after it is done all the same."""
    run.note("flow", "error", detail="too many steps without the caller")
    run.state.steps_without_input = 0
    if run.state.has_left:
        run.clean_up_over()
    else:
        run.end(TEMPORARY_FAILURE)


def _enter(run: Run, name: str) -> None:
    state = run.state
    if state.has_left and (name not in run.steps or kind_of(run.steps[name]).needs_caller):
        _cannot_go_on_alone(run, name)
        return
    run.is_repeat = False
    if name not in run.steps:
        if name in ("hang_up", "return"):
            _leave(run, name)
            return
        if name in ("repeat", "back", "help"):
            run.is_repeat = name == "repeat"
            name = listening.step_for(run, name)
    found = run.steps[name]
    is_resumed = state.resume_at == name
    run.is_announced = state.is_announced and is_resumed
    state.visits = {**state.visits, name: state.visits.get(name, 0) + (not is_resumed)}
    state.left_step, state.step, state.resume_at, state.is_announced = state.step, name, "", False
    kind = kind_of(found)
    if state.is_unanswered and kind.needs_answer:
        if run.flush(name):
            return
        run.answer()
    kind.enter(run, name, found)


def _cannot_go_on_alone(run: Run, name: str) -> None:
    if name in run.steps:
        run.note_failure("hang_up", f"{name} needs the caller, who has left")
    run.clean_up_over()


def _leave(run: Run, target: str) -> None:
    """The end of the call, or of the flow."""
    if target == "return":
        run_flow.come_back(run, "", {}, frozenset())
    elif not run.flush(target, then=(LAST_WORD_PAUSE,)):
        run.end()
