"""What comes of an input: it is taken, confirmed, or asked for again until the attempts are used up."""

from __future__ import annotations

from dataclasses import replace

from ivr.flow.answers import Answer, accept
from ivr.flow.asking import ask, note_open, open_step, plain, say_and_listen, shown, waiting_of
from ivr.flow.grammar import Band, band
from ivr.flow.model import Prompt
from ivr.flow.question import Waiting
from ivr.flow.run import Run
from ivr.flow.state import Input, Pending

MAX_CONFIRM_TRIES = 2
"""An unclear answer to "is that right?" counts as "no" after so many tries."""


def consider(run: Run, answer: Answer, confidence: float | None) -> None:
    """Take an answer, have it confirmed, or refuse it, as its confidence and the step's `confirm` say."""
    pending, waiting = run.state.input.pending, waiting_of(run)
    if answer.is_invalid:
        no_match(run, answer.heard, confidence)
        return
    if pending is not None and not answer.meaning.startswith("command:"):
        _confirmed(run, pending, answer, confidence, waiting)
        return
    worth = _worth(confidence, waiting)
    if worth is Band.REJECT:
        no_match(run, answer.heard, confidence)
    elif _needs_confirmation(answer, worth, waiting):
        confirm(run, _pending(run, answer, confidence))
    else:
        run.quiet()
        accept(run, open_step(run), _pending(run, answer, confidence), "match")


def _worth(confidence: float | None, waiting: Waiting) -> Band:
    """Keys are certain."""
    if confidence is None:
        return Band.ACCEPT
    return band(confidence, waiting.confidence.accept, waiting.confidence.reject)


def _needs_confirmation(answer: Answer, worth: Band, waiting: Waiting) -> bool:
    """A plain yes or no is never asked back; a command only when it was heard badly."""
    if not answer.can_be_confirmed or waiting.confirm == "never":
        return False
    is_command = answer.meaning.startswith("command:")
    return worth is Band.CONFIRM or (waiting.confirm == "always" and not is_command)


def _pending(run: Run, answer: Answer, confidence: float | None) -> Pending:
    return Pending(answer.meaning, answer.value, answer.heard, answer.spoken, run.state.input.mode, confidence)


def _confirmed(run: Run, pending: Pending, answer: Answer, confidence: float | None, waiting: Waiting) -> None:
    """The yes or no to "is that right?"."""
    if confidence is not None and confidence < waiting.confidence.reject:
        _unclear(run, pending)
    elif answer.meaning == "yes":
        run.quiet()
        accept(run, open_step(run), replace(pending, heard=answer.heard, mode=run.state.input.mode), "confirmed")
    else:
        _denied(run, pending, answer.heard)


def _denied(run: Run, pending: Pending, heard: str) -> None:
    note_open(run, "denied", heard=shown(run, heard), meaning=shown(run, pending.spoken))
    _next_attempt(run, None)


def confirm(run: Run, pending: Pending) -> None:
    """Read the answer back and ask whether it is right."""
    prompt = waiting_of(run).confirm_prompt or plain(run.language.confirm_prompt)
    run.quiet()
    if run.state.input.pending is None:
        note_open(run, "to_confirm", heard=shown(run, pending.heard), confidence=pending.confidence)
    run.set_input(pending=pending, typed="", confidence=None, is_speaking=False)
    segments = run.segments(prompt, {"heard": pending.spoken}, {"heard": shown(run, pending.spoken)})
    run.set_input(prompt_text=run.text(prompt, {"heard": shown(run, pending.spoken)}), started_at_s=run.at_s)
    say_and_listen(run, open_step(run), segments)


def _unclear(run: Run, pending: Pending) -> None:
    if pending.tries >= MAX_CONFIRM_TRIES:
        _denied(run, pending, "")
    else:
        confirm(run, replace(pending, tries=pending.tries + 1))


def no_input(run: Run) -> None:
    pending = run.state.input.pending
    if pending is not None:
        _unclear(run, pending)
        return
    note_open(run, "no_input")
    _next_attempt(run, "no_input")


def no_match(run: Run, heard: str, confidence: float | None = None) -> None:
    pending = run.state.input.pending
    if pending is not None:
        _unclear(run, pending)
        return
    note_open(run, "no_match", heard=shown(run, heard), confidence=confidence)
    _next_attempt(run, "no_match")


def _next_attempt(run: Run, reason: str | None) -> None:
    """Ask again with the text for this attempt, or give up and take the `failed` exit."""
    found, waiting, attempt = open_step(run), waiting_of(run), run.state.input.attempt
    run.quiet()
    if attempt >= waiting.max_attempts:
        run.goto(waiting.failed or "hang_up")
        return
    run.set(input=Input(attempt=attempt + 1, started_at_s=run.at_s))
    lead = _lead(run, waiting, reason, attempt)
    segments = run.segments(lead) if lead else ()
    text = run.text(lead) if lead else ""
    ask(run, found, segments, text, only_lead=bool(segments) and not waiting.reprompt)


def _lead(run: Run, waiting: Waiting, reason: str | None, attempt: int) -> Prompt | None:
    """The text before the prompt of the next attempt; the last of a list repeats."""
    if reason is None:
        return None
    own = waiting.no_input if reason == "no_input" else waiting.no_match
    if own:
        return own[min(attempt, len(own)) - 1]
    return plain(run.language.no_input if reason == "no_input" else run.language.no_match)
