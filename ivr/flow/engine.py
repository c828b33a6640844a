"""The dialog engine: `step(flow, state, event)` gives the next state and the commands to perform.

It never waits, reads a clock or knows a telephone. Prompts of `say` steps are queued and played together with the
question that follows (as in VoiceXML 2.0 §4.1.8), so that a caller may interrupt the greeting with the answer to the
menu behind it; they are played to their end before anything that is not a question.

    CallOffered ─► steps are entered one after the other ─► a menu or ask opens: LISTENING ─► its answer enters the next
                   (say queues, set and when decide at once)  ├─ something queued before a transfer, the end: SPEAKING
                                                              ├─ transfer: TRANSFERRING ─► exit of its outcome
                                                              └─ hang_up, or the caller leaves: ENDED

With `answer: later` the call rings meanwhile; what is said then is early media, and the step `answer` answers.
"""

from __future__ import annotations

from types import MappingProxyType

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow import listening
from ivr.flow.asking import about
from ivr.flow.immutable import immutable
from ivr.flow.model import Flow, HangUpStep
from ivr.flow.program import Program
from ivr.flow.refusal import UNAVAILABLE
from ivr.flow.run import TEMPORARY_FAILURE, UNANSWERED_LIMIT_S, UNANSWERED_TIMER, Run
from ivr.flow.segments import LAST_WORD_PAUSE
from ivr.flow.state import MAX_STEPS_WITHOUT_INPUT, FlowState, Phase, finished
from ivr.flow.steps import run_flow
from ivr.flow.steps.registry import kind_of
from ivr.flow.templates import TemplateFailed


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
            _handle(run, event)
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


def _handle(run: Run, event: e.Event) -> None:
    match event:
        case e.CallOffered():
            if run.state.phase is Phase.NEW:
                _begin(run, event)
        case e.CallerHungUp():
            _caller_left(run)
        case e.PromptFinished(play_id=play_id) | e.PromptFailed(play_id=play_id):
            if play_id == run.state.play_id:
                _prompt_over(run, event)
        case e.DigitPressed(digit=digit):
            _digit(run, event, digit)
        case e.TimerFired(timer_id=timer_id) if timer_id == UNANSWERED_TIMER:
            _unanswered_too_long(run)
        case _:
            _hand_to_step(run, event)


def _hand_to_step(run: Run, event: e.Event) -> None:
    """The step that is open knows what the event means."""
    if run.state.step:
        found = run.flow.steps[run.state.step]
        kind_of(found).handle(run, found, event)


def _begin(run: Run, event: e.CallOffered) -> None:
    run.state.flow = event.part
    run.state.frames = event.frames
    language = event.language or run.flow.language
    call = {"from": event.ani, "to": event.dnis, "name": event.name, "language": language, **about(run.flow, event)}
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


def _unanswered_too_long(run: Run) -> None:
    if run.state.is_unanswered:
        run.note("answer", "timeout", detail=f"not answered within {UNANSWERED_LIMIT_S:g} s")
        run.state.is_unanswered = False
        run.reject(UNAVAILABLE)


def _caller_left(run: Run) -> None:
    if run.state.has_left:
        return
    if run.state.step:
        found = run.flow.steps[run.state.step]
        kind_of(found).caller_left(run, found)
    run.quiet()
    run.caller_gone("caller")


def _prompt_over(run: Run, event: e.Event) -> None:
    run.state.play_id = ""
    if isinstance(event, e.PromptFailed):
        if run.has_handler:
            run.fail("say", event.reason)
            return
        run.note_failure("say", event.reason)
    if run.state.phase is Phase.SPEAKING:
        run.goto(run.state.resume_at)
    else:
        _hand_to_step(run, event)


def _digit(run: Run, event: e.DigitPressed, digit: str) -> None:
    state = run.state
    if state.has_left or state.is_unanswered:
        return
    if digit == state.swallow_key and run.at_s <= state.swallow_until_s:
        run.state.swallow_key = ""
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


def _ends_call(run: Run, name: str) -> bool:
    found = run.flow.steps.get(name)
    ends_here = name == "hang_up" or (name == "return" and not run.state.frames)
    return isinstance(found, HangUpStep) or (found is None and ends_here)


# --- entering steps --------------------------------------------------------------------------------------------------


def _enter_all(run: Run) -> None:
    while run.target and run.state.phase is not Phase.ENDED:
        name, run.target = run.target, ""
        if run.state.steps_without_input >= MAX_STEPS_WITHOUT_INPUT:
            run.note("flow", "error", detail="too many steps without the caller")
            run.end(TEMPORARY_FAILURE)
            return
        run.state.steps_without_input = run.state.steps_without_input + 1
        _enter(run, name)


def _enter(run: Run, name: str) -> None:
    if run.state.has_left and (name not in run.flow.steps or kind_of(run.flow.steps[name]).needs_caller):
        if name in run.flow.steps:
            run.note_failure("hang_up", f"{name} needs the caller, who has left")
        run.clean_up_over()
        return
    if name == "hang_up" and name not in run.flow.steps:
        if not run.flush(name, then=(LAST_WORD_PAUSE,)):
            run.end()
        return
    if name == "return" and name not in run.flow.steps:
        run_flow.come_back(run, "", {}, frozenset())
        return
    run.is_repeat = name == "repeat" and name not in run.flow.steps
    if name in ("repeat", "back", "help") and name not in run.flow.steps:
        name = listening.step_for(run, name)
    found = run.flow.steps[name]
    run.is_announced = run.state.is_announced and run.state.resume_at == name
    is_resumed = run.state.resume_at == name
    visits = {**run.state.visits, name: run.state.visits.get(name, 0) + (not is_resumed)}
    run.state.left_step = run.state.step
    run.state.step = name
    run.state.resume_at = ""
    run.state.is_announced = False
    run.state.visits = visits
    if run.state.is_unanswered and kind_of(found).needs_answer:
        if run.flush(name):
            return
        run.answer()
    try:
        kind_of(found).enter(run, name, found)
    except TemplateFailed as error:
        run.fail(found.action, str(error))
