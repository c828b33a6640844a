"""`record`: the caller leaves a message, which is kept as a file.

With `review` the loader adds steps of its own, so that keys, words, attempts and commands work as everywhere:

    voicemail ──► voicemail.review ── keep ──► next
      ▲             ▲    │ hear ──► voicemail.play ─┐
      │             └────┼──────────────────────────┘
      └ voicemail.again ◄┘ again
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StrictBool

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.languages import LANGUAGES
from ivr.flow.marks import Mark, Target
from ivr.flow.model import Flow, Menu, MenuStep, Step
from ivr.flow.parts import Choice, Into, Part, Phrases, Prompt, PromptItem, PromptList
from ivr.flow.run import Run
from ivr.flow.segments import BEEP, Recorded, Segment, Speech
from ivr.flow.state import Input, Phase
from ivr.flow.steps import listen
from ivr.flow.steps.kind import END, RETURN, Exit, Piece, StepKind, target_of
from ivr.flow.steps.menu import exits_of_menu
from ivr.units import Duration

LONGEST_S = 600.0
GRACE_S = 3.0
"""A recording whose end is not reported so long after the latest moment is ended: the audio has stopped coming."""


class Record(Part):
    """How the message is recorded."""

    prompt: Prompt
    """Heard to its end, the tone follows."""
    max_length: Annotated[Duration, Field(ge=1, le=LONGEST_S)] = 120.0
    final_silence: Annotated[Duration, Field(ge=0.5, le=30)] = 3.0
    """So much silence ends the message."""
    terminator: Literal["#", "*", "any", ""] = "#"
    """Key that ends it; empty for none."""
    beep: StrictBool = True
    min_length: Annotated[Duration, Field(ge=0, le=30)] = 1.0
    """A shorter message counts as none."""
    review: StrictBool = False
    """Whether the caller may hear it, and record it again."""
    review_prompt: Annotated[Prompt | None, Mark.APART] = None
    """Said instead of the built-in text: 1 keeps the message, 2 plays it, 3 records it again."""
    sensitive: StrictBool = False
    """Refused by the check: a file cannot be masked."""


class RecordStep(Step):
    """Records what the caller says."""

    action: ClassVar[str] = "record"
    record: Record
    into: Into
    """Variable that takes `{file, duration_s}`."""
    first_input_timeout: Annotated[Duration, Field(ge=1, le=60)] | None = None
    """Silence after the tone that counts as no message."""
    max_attempts: Annotated[int, Field(ge=1, le=10)] | None = None
    no_input: PromptList | None = None
    """Said before the next attempt."""
    failed: Target | None = None
    """Where to go after `max_attempts`, or when nothing can be recorded."""


class RecordReview(MenuStep):
    """Asks what to do with the message."""


class RecordPlayback(Step):
    """Plays the message, with the review behind it."""

    action: ClassVar[str] = "record"
    message: str
    """The variable that holds it."""


class RecordAgain(Step):
    """Gives up the message, and goes back to record another one."""

    action: ClassVar[str] = "record"
    message: str


# --- the pieces of a review


def _pieces(name: str, step: RecordStep) -> Iterator[Piece]:
    if not step.record.review:
        return
    here, after = f"{name}.review", target_of(step, name, None)
    targets = {"keep": after, "hear": f"{name}.play", "again": f"{name}.again"}
    choices = {
        choice: Choice(keys=str(number), say=_words(number - 1), go=target)
        for number, (choice, target) in enumerate(targets.items(), start=1)
    }
    prompt = step.record.review_prompt or Prompt(items=(PromptItem(text=_built_in()),))
    menu = Menu(prompt=prompt, choices=choices)
    place = ("record", "review_prompt" if step.record.review_prompt else "review")
    # A caller who is silent, or says what nobody understands, has left a message all the same: it is kept.
    review = RecordReview(menu=menu, max_attempts=2, failed=after)
    yield Piece(here, review, place, ("menu", "prompt"))
    yield Piece(f"{name}.play", RecordPlayback(message=step.into, next=here), place)
    yield Piece(f"{name}.again", RecordAgain(message=step.into, next=name), place)


def _built_in() -> dict[str, str]:
    return {tag: language.review for tag, language in LANGUAGES.items()}


def _words(index: int) -> Phrases:
    return Phrases(by_language={tag: language.review_words[index] for tag, language in LANGUAGES.items()})


def _play(run: Run, name: str, found: RecordPlayback) -> None:
    if file := _file_in(run, found.message):
        run.queue((Recorded(file),), "any")
    run.note("record", "played")
    run.goto(found.next or RETURN)


def _again(run: Run, name: str, found: RecordAgain) -> None:
    if file := _file_in(run, found.message):
        run.emit(c.DropRecording(file))
    run.state.variables = {**run.state.variables, found.message: None}
    run.note("record", "given_up")
    run.goto(found.next or RETURN)


def _file_in(run: Run, variable: str) -> str:
    value = run.state.variables.get(variable)
    return str(value.get("file", "")) if isinstance(value, Mapping) else ""


# --- in a call


def _enter(run: Run, name: str, found: RecordStep) -> None:
    if run.is_announced:
        _begin(run, found)
        return
    run.state.input = Input()
    _announce(run, name, found, ())


def _announce(run: Run, name: str, found: RecordStep, lead: tuple[Segment, ...]) -> None:
    """Say what there is to say, nothing of which can be interrupted into the recording; the tone comes last."""
    beep = (BEEP,) if found.record.beep else ()
    run.queue(lead + run.segments(found.record.prompt) + beep, "none")
    if not run.flush(name, is_announced=True):
        _begin(run, found)


def _begin(run: Run, found: RecordStep) -> None:
    record, waits_s = found.record, found.first_input_timeout or run.flow.defaults.first_input_timeout
    run.state.phase = Phase.WORKING
    run.state.record_id = run.new_id("record")
    run.state.typed_ahead = ""
    run.state.input.started_at_s = run.at_s
    command = c.StartRecording(
        run.state.record_id,
        run.place,
        record.max_length,
        record.final_silence,
        record.min_length,
        waits_s,
    )
    run.emit(command)
    run.start_timer(record.max_length + GRACE_S)


def _handle(run: Run, found: RecordStep, event: e.Event) -> None:
    if not run.state.record_id:
        return
    match event:
        case e.DigitPressed(digit=digit) if digit == found.record.terminator or found.record.terminator == "any":
            run.emit(c.StopRecording(run.state.record_id))
        case e.TimerFired(timer_id=timer_id) if timer_id == run.state.timer_id:
            run.state.timer_id = ""
            run.emit(c.StopRecording(run.state.record_id))
        case e.RecordingEnded(record_id=record_id) if record_id == run.state.record_id:
            run.state.record_id = ""
            if event.file or event.reason is e.RecordingEnd.STOPPED:  # silence is no sign of a caller
                run.state.steps_without_input = 0
            run.cancel_timer()
            _ended(run, found, event)


def _ended(run: Run, found: RecordStep, event: e.RecordingEnded) -> None:
    if event.reason is e.RecordingEnd.FAILED:
        _broken(run, found, event.detail)
    elif event.file:
        _keep(run, found, event)
    elif event.reason is e.RecordingEnd.HUNG_UP:
        _note(run, "hung_up", event)
    else:
        _missed(run, found, event)


def _broken(run: Run, found: RecordStep, detail: str) -> None:
    if run.has_handler:
        run.fail("record", detail)
        return
    run.note_failure("record", detail)
    run.goto(_failed(run.flow, found))


def _keep(run: Run, found: RecordStep, event: e.RecordingEnded) -> None:
    message = {"file": event.file, "duration_s": round(event.duration_s, 1)}
    run.state.variables = {**run.state.variables, found.into: message}
    run.state.sensitive = run.state.sensitive - {found.into}
    has_left = event.reason is e.RecordingEnd.HUNG_UP
    _note(run, "hung_up" if has_left else "done", event)
    if not has_left:  # else `on_hang_up` follows: the caller's end is reported next
        run.goto(f"{run.state.step}.review" if found.record.review else found.next or RETURN)


def _missed(run: Run, found: RecordStep, event: e.RecordingEnded) -> None:
    _note(run, "no_input", event)
    attempt = run.state.input.attempt
    if attempt >= (found.max_attempts or run.flow.defaults.max_attempts):
        run.goto(_failed(run.flow, found))
        return
    run.state.input.attempt = attempt + 1
    _announce(run, run.state.step, found, _lead(run, found, attempt))


def _lead(run: Run, found: RecordStep, attempt: int) -> tuple[Segment, ...]:
    prompts = found.no_input or run.flow.defaults.no_input
    if not prompts:
        return (Speech(run.language.no_input, run.state.language),)
    return run.segments(prompts[min(attempt, len(prompts)) - 1])


def _note(run: Run, outcome: str, event: e.RecordingEnded) -> None:
    held = run.state.input
    detail = f"{event.duration_s:.1f} s, {event.reason}" if event.file else str(event.reason)
    run.note(
        "record",
        outcome,
        started_at_s=held.started_at_s,
        attempt=held.attempt,
        mode="speech" if event.file else "",
        meaning=event.file,
        detail=detail,
    )


def _caller_left(run: Run, found: RecordStep) -> None:
    if run.state.record_id:
        run.note("record", "hung_up", started_at_s=run.state.input.started_at_s, attempt=run.state.input.attempt)


def _failed(flow: Flow, step: RecordStep) -> str:
    return step.failed or flow.defaults.failed or END


def _exits(flow: Flow, step: RecordStep) -> Iterator[Exit]:
    after = step.next or RETURN
    if step.record.review:
        name = next(name for name, other in flow.steps.items() if other is step)
        after = f"{name}.review"
    yield Exit("next", after, without_caller=False, keeps_answer=True)
    yield Exit("failed", _failed(flow, step))


KIND = StepKind(
    RecordStep,
    _enter,
    _handle,
    _caller_left,
    exits=_exits,
    variables=lambda step: frozenset({step.into}),
    pieces=_pieces,
    needs_answer=True,
)
REVIEW = StepKind(
    RecordReview,
    listen.enter,
    listen.handle,
    listen.caller_left,
    exits=exits_of_menu,
    needs_answer=True,
    needs_next=lambda step: False,
)
PLAYBACK = StepKind(RecordPlayback, _play)
AGAIN = StepKind(RecordAgain, _again)
