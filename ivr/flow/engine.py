"""The dialog engine: `step(flow, state, event)` gives the next state and the commands to perform.

It never waits, reads a clock or knows a telephone. Prompts of `say` steps are queued and played together with the
question that follows (as in VoiceXML 2.0 §4.1.8), so that a caller may interrupt the greeting with the answer to the
menu behind it; they are played to their end before anything that is not a question.

    CallOffered ─► steps are entered one after the other ─► a menu or ask opens: LISTENING ─► its answer enters the next
                   (say queues, set and when decide at once)  ├─ something queued before a transfer, the end: SPEAKING
                                                              ├─ transfer: TRANSFERRING ─► exit of its outcome
                                                              └─ hang_up, or the caller leaves: ENDED
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow import listening, templates
from ivr.flow.asking import about
from ivr.flow.masking import MASK
from ivr.flow.model import (
    Flow,
    HangUpStep,
    InputStep,
    SayStep,
    SetStep,
    Step,
    TransferStep,
    WhenStep,
)
from ivr.flow.run import TEMPORARY_FAILURE, Run
from ivr.flow.segments import LAST_WORD_PAUSE
from ivr.flow.state import MAX_STEPS_WITHOUT_INPUT, FlowState, Phase
from ivr.flow.templates import TemplateFailed


@dataclass(frozen=True, slots=True)
class Result:
    """What an event led to."""

    state: FlowState
    commands: tuple[c.Command, ...]


def step(flow: Flow, state: FlowState, event: e.Event) -> Result:
    """The next state and the commands to perform. Total: an event that means nothing now changes nothing."""
    run = Run(flow, state, event.at_s)
    if state.phase is not Phase.ENDED:
        try:
            _handle(run, event)
        except TemplateFailed as error:
            run.fail("prompt", str(error))
        _enter_all(run)
    if state.phase is Phase.NEW and isinstance(event, e.CallOffered):
        _answer_first(run)
    return Result(run.state, tuple(run.commands))


def _answer_first(run: Run) -> None:
    """A call is answered before anything else is done, unless the flow refuses it without a word."""
    if not any(isinstance(command, c.Reject) for command in run.commands):
        run.commands.insert(0, c.Answer())


def _handle(run: Run, event: e.Event) -> None:
    match event:
        case e.CallOffered():
            if run.state.phase is Phase.NEW:
                _begin(run, event)
        case e.CallerHungUp():
            _caller_left(run)
        case e.PromptFinished(play_id=play_id) | e.PromptFailed(play_id=play_id) if play_id == run.state.play_id:
            _prompt_over(run, event)
        case e.DigitPressed(digit=digit):
            _digit(run, digit)
        case e.TransferEnded():
            if run.state.phase is Phase.TRANSFERRING:
                _transfer_ended(run, event)
        case e.SpeechStarted() | e.UtteranceHeard() | e.ListeningFailed() | e.TimerFired():
            if run.state.phase is Phase.LISTENING:
                listening.handle(run, event)
        case _:
            pass


def _begin(run: Run, event: e.CallOffered) -> None:
    language = event.language or run.flow.language
    call = {"from": event.ani, "to": event.dnis, "name": event.name, "language": language, **about(run.flow, event)}
    variables = {**run.flow.variables, **event.variables, "call": MappingProxyType(call)}
    run.set(language=language, variables=variables, sensitive=event.sensitive)
    run.set(began=event.now, began_at_s=event.at_s)
    start = event.resume_at or run.flow.start
    if event.resume_at:
        run.note("transfer", event.returned_because, detail="the caller came back")
    run.goto(start)


def _caller_left(run: Run) -> None:
    if run.state.phase is Phase.LISTENING:
        listening.note_open(run, "hung_up")
    elif run.state.phase is Phase.TRANSFERRING:
        run.note("transfer", "hung_up", started_at_s=run.state.input.started_at_s)
    run.quiet()
    run.set(phase=Phase.ENDED)


def _prompt_over(run: Run, event: e.Event) -> None:
    run.set(play_id="")
    if isinstance(event, e.PromptFailed):
        if run.flow.on_error and not run.state.has_failed:
            run.fail("say", event.reason)
            return
        run.note_failure("say", event.reason)
    if run.state.phase is Phase.SPEAKING:
        run.goto(run.state.resume_at)
    elif run.state.phase is Phase.LISTENING:
        listening.prompt_over(run)


def _digit(run: Run, digit: str) -> None:
    state = run.state
    if digit == state.swallow_key and run.at_s <= state.swallow_until_s:
        run.set(swallow_key="")
        return
    run.set(swallow_key="")
    if state.phase is Phase.LISTENING:
        listening.digit(run, digit)
    elif state.phase is Phase.SPEAKING and state.queued.barge_in in ("any", "digits", "match"):
        if _ends_call(run, state.resume_at):
            return  # nothing follows that a key could be meant for: the goodbye is heard to its end
        run.stop_prompt()
        run.set(typed_ahead=state.typed_ahead + digit)
        run.goto(state.resume_at)


def _ends_call(run: Run, name: str) -> bool:
    found = run.flow.steps.get(name)
    return isinstance(found, HangUpStep) or (found is None and name == "hang_up")


# --- entering steps --------------------------------------------------------------------------------------------------


def _enter_all(run: Run) -> None:
    while run.target and run.state.phase is not Phase.ENDED:
        name, run.target = run.target, ""
        if run.state.steps_without_input >= MAX_STEPS_WITHOUT_INPUT:
            run.note("flow", "error", detail="too many steps without the caller")
            run.end(TEMPORARY_FAILURE)
            return
        run.set(steps_without_input=run.state.steps_without_input + 1)
        _enter(run, name)


def _enter(run: Run, name: str) -> None:
    if name == "hang_up" and name not in run.flow.steps:
        if not run.flush(name, then=(LAST_WORD_PAUSE,)):
            run.end()
        return
    if name in ("repeat", "back") and name not in run.flow.steps:
        name = listening.step_for(run, name)
    found = run.flow.steps[name]
    is_announced = run.state.is_announced and run.state.resume_at == name
    run.set(step=name, resume_at="", is_announced=False)
    try:
        _perform(run, name, found, is_announced)
    except TemplateFailed as error:
        run.fail(found.action, str(error))


def _perform(run: Run, name: str, found: Step, is_announced: bool) -> None:
    match found:
        case SayStep():
            _say(run, name, found)
        case InputStep():
            listening.enter(run, name, found)
        case SetStep():
            _set(run, found)
        case WhenStep():
            _when(run, found)
        case TransferStep():
            _transfer(run, name, found, is_announced)
        case HangUpStep():
            _hang_up(run, name, found)
        case _:
            raise AssertionError(f"no rule for {type(found).__name__}")


def _say(run: Run, name: str, found: SayStep) -> None:
    barge_in = found.barge_in or run.flow.defaults.barge_in
    if run.state.queued.segments and run.state.queued.barge_in != barge_in:
        run.flush(name)
        return
    segments = run.segments(found.say)
    run.note("say", "done", prompt=run.text(found.say))
    run.queue(segments, barge_in)
    run.goto(found.next or "hang_up")


def _set(run: Run, found: SetStep) -> None:
    variables, sensitive = dict(run.state.variables), set(run.state.sensitive)
    for name, value in found.set.items():
        read = templates.variables_of(value) if isinstance(value, str) and templates.is_template(value) else set()
        variables[name] = templates.evaluate_set(value, variables, run.state.language)
        (sensitive.add if read & sensitive else sensitive.discard)(name)
    run.set(variables=variables, sensitive=frozenset(sensitive))
    shown = run.masked_variables
    run.note("set", "done", meaning=", ".join(f"{name} = {shown[name]}" for name in found.set))
    run.goto(found.next or "hang_up")


def _when(run: Run, found: WhenStep) -> None:
    for branch in found.when:
        if branch.condition is None or templates.evaluate(branch.condition, run.state.variables):
            run.note("when", "done", meaning=_shown_condition(run, branch.condition))
            run.goto(branch.go)
            return
    run.goto(found.next or "hang_up")


def _hang_up(run: Run, name: str, found: HangUpStep) -> None:
    if run.flush(name, then=(LAST_WORD_PAUSE,)):
        return
    run.note("hang_up", "done")
    if run.state.phase is Phase.NEW and found.hang_up.status is not None:
        run.set(phase=Phase.ENDED)
        run.emit(c.Reject(found.hang_up.status))
    else:
        run.end(found.hang_up.cause)


def _shown_condition(run: Run, condition: str | None) -> str:
    """The condition that held; one on a sensitive value tells the value."""
    if condition is None:
        return "else"
    return MASK if templates.variables_of_expression(condition) & run.state.sensitive else condition


def _transfer(run: Run, name: str, found: TransferStep, is_announced: bool) -> None:
    transfer = found.transfer
    if transfer.announce and not is_announced:
        run.queue(run.segments(transfer.announce), "none")
    if run.flush(name, is_announced=True):
        return
    run.set(phase=Phase.TRANSFERRING, typed_ahead="")
    run.set_input(started_at_s=run.at_s)
    hold = run.segments(transfer.hold) if transfer.hold else ()
    whisper = run.segments(transfer.whisper) if transfer.whisper else ()
    run.emit(c.StartTransfer(transfer.to, transfer.mode, transfer.ring_for, hold, whisper))


def _transfer_ended(run: Run, event: e.TransferEnded) -> None:
    found = run.flow.steps[run.state.step]
    assert isinstance(found, TransferStep)
    run.note(
        "transfer",
        event.outcome,
        started_at_s=run.state.input.started_at_s,
        meaning=found.transfer.to,
        detail=event.detail,
    )
    if event.outcome is e.TransferOutcome.CONNECTED:
        run.end()
        return
    run.goto(getattr(found, event.outcome) or found.failed or run.flow.defaults.failed or "hang_up")
