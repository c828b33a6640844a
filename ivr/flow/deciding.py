"""What comes of an input: it is taken, confirmed, or asked for again until the attempts are used up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ivr.flow import form
from ivr.flow.accepting import accept
from ivr.flow.ambiguity import ask_which
from ivr.flow.answers import FIELDS, WHOLE, Answer, by_voice
from ivr.flow.asking import ask, asked_of, note_open, open_question, open_step, plain, say_and_listen, shown, waiting_of
from ivr.flow.grammar import Band, band
from ivr.flow.model import AskStep
from ivr.flow.parts import Prompt
from ivr.flow.prompts import NOTHING_SAID
from ivr.flow.question import PICK, Waiting
from ivr.flow.run import Run
from ivr.flow.state import Input, Pending
from ivr.flow.values.registry import kind_of

MAX_CONFIRM_TRIES = 2
"""An unclear answer to "is that right?" counts as "no" after so many tries."""


def consider(run: Run, answer: Answer, confidence: float | None, n_best: tuple[tuple[str, float], ...] = ()) -> None:
    """Take an answer, have it confirmed, or refuse it, as its confidence and the step's `confirm` say."""
    pending, waiting = run.state.input.pending, waiting_of(run)
    if answer.is_invalid:
        invalid(run, answer.heard, confidence)
        return
    if pending is not None and not answer.meaning.startswith("command:"):
        _replied(run, pending, answer, confidence, waiting)
        return
    worth = _worth(confidence, waiting)
    if worth is Band.REJECT:
        no_match(run, answer.heard, confidence)
    elif answer.others:
        note_open(run, "to_confirm", heard=shown(run, answer.heard), confidence=confidence)
        ask_which(run, _pending(run, answer, confidence))
    elif _needs_confirmation(answer, worth, waiting):
        confirm(run, _pending(run, answer, confidence, n_best))
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


def _pending(run: Run, answer: Answer, confidence: float | None, n_best: tuple[tuple[str, float], ...] = ()) -> Pending:
    words = (answer.meaning, answer.value, answer.heard, answer.spoken)
    return Pending(*words, run.state.input.mode, confidence, others=answer.others, n_best=n_best)


def _replied(run: Run, pending: Pending, answer: Answer, confidence: float | None, waiting: Waiting) -> None:
    """What came to "is that right?", or to "which do you mean?"."""
    if confidence is not None and confidence < waiting.confidence.reject:
        _unclear(run, pending)
    elif answer.is_correction:
        _corrected(run, pending, answer, confidence)
    elif answer.meaning.startswith(PICK):
        _picked(run, pending, int(str(answer.value)), answer.heard, waiting)
    elif answer.meaning == "yes" and not pending.others:
        run.quiet()
        accept(run, open_step(run), replace(pending, heard=answer.heard, mode=run.state.input.mode), "confirmed")
    elif answer.meaning == "no":
        _denied(run, pending, answer.heard)
    else:
        _unclear(run, pending)


def _corrected(run: Run, pending: Pending, answer: Answer, confidence: float | None) -> None:
    """ "No, Tuesday": the new value takes the place of the old one, and is confirmed in its turn."""
    note_open(
        run, "corrected", heard=shown(run, answer.heard), meaning=shown(run, answer.spoken), confidence=confidence
    )
    run.quiet()
    new = _pending(run, answer, confidence)
    if answer.meaning == FIELDS and isinstance(answer.value, Mapping):
        form.correct(run, pending, answer.value, new.mode, answer.heard, confidence)
    elif pending.others and not answer.others:  # "eight in the evening" says which was meant
        _settled(run, new, waiting_of(run))
    elif answer.others:
        ask_which(run, new)
    else:
        confirm(run, new)


def _picked(run: Run, pending: Pending, place: int, heard: str, waiting: Waiting) -> None:
    """The caller said which of two values was meant."""
    values = (pending.value, *pending.others)
    step = open_step(run)
    assert isinstance(step, AskStep)
    value = values[min(place, len(values) - 1)]
    spoken = kind_of(step.ask).spoken(asked_of(run, step), value)
    _settled(run, replace(pending, value=value, others=(), spoken=spoken, heard=heard), waiting)


def _settled(run: Run, pending: Pending, waiting: Waiting) -> None:
    worth = _worth(pending.confidence, waiting)
    if waiting.confirm == "always" or (worth is not Band.ACCEPT and waiting.confirm != "never"):
        confirm(run, pending)
    else:
        run.quiet()
        accept(run, open_step(run), pending, "match")


def _denied(run: Run, pending: Pending, heard: str) -> None:
    note_open(run, "denied", heard=shown(run, heard), meaning=shown(run, pending.spoken))
    if pending.meaning == WHOLE:
        form.change(run)
    elif (second := _second_best(run, pending)) is not None:
        confirm(run, second)
    else:
        _next_attempt(run, None)


def _second_best(run: Run, denied: Pending) -> Pending | None:
    """What the caller may have said instead ("did you say Bonn?" "no"), likely enough to ask for; once."""
    run.state.input.pending = None
    step, question = open_step(run), open_question(run)
    others_share = 1.0 - sum(share for text, share in denied.n_best if text == denied.heard)
    for text, share in denied.n_best:
        confidence = min(share / max(others_share, share, 0.01), 1.0)  # now that the caller has ruled the best one out
        answer = by_voice(run, step, question, text, confidence)
        if (
            answer is not None
            and _may_be_meant(answer, denied)
            and _worth(confidence, waiting_of(run)) is not Band.REJECT
        ):
            run.state.input.mode = denied.mode
            return _pending(run, answer, confidence)
    return None


def _may_be_meant(answer: Answer, denied: Pending) -> bool:
    """Whether it is another answer of the same kind."""
    if answer.is_invalid or answer.others or (answer.meaning, answer.value) == (denied.meaning, denied.value):
        return False
    return answer.meaning.partition(":")[0] == denied.meaning.partition(":")[0]


def confirm(run: Run, pending: Pending) -> None:
    """Read the answer back and ask whether it is right."""
    prompt = waiting_of(run).confirm_prompt or plain(run.language.confirm_prompt)
    run.quiet()
    if run.state.input.pending is None:
        note_open(run, "to_confirm", heard=shown(run, pending.heard), confidence=pending.confidence)
    run.state.input.begin_reply(pending)
    said = run.said(prompt, {"heard": pending.spoken}, {"heard": shown(run, pending.spoken)})
    run.state.input.prompt_text, run.state.input.started_at_s = said.text, run.at_s
    say_and_listen(run, said.segments)


def ask_again(run: Run, pending: Pending) -> None:
    """Put the question behind a pending answer once more."""
    if pending.meaning == WHOLE:
        form.confirm_whole(run, pending.tries)
    elif pending.others:
        ask_which(run, pending)
    else:
        confirm(run, pending)


def _unclear(run: Run, pending: Pending) -> None:
    if pending.tries >= MAX_CONFIRM_TRIES:
        _denied(run, pending, "")
    else:
        ask_again(run, replace(pending, tries=pending.tries + 1))


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


def invalid(run: Run, heard: str, confidence: float | None) -> None:
    """A value that was understood and is not allowed: a no_match with a text and a counter of its own."""
    if run.state.input.pending is None and waiting_of(run).invalid:
        run.state.input.invalid_count = run.state.input.invalid_count + 1
        note_open(run, "no_match", heard=shown(run, heard), confidence=confidence)
        _next_attempt(run, "invalid")
    else:
        no_match(run, heard, confidence)


def _next_attempt(run: Run, reason: str | None) -> None:
    """Ask again with the text for this attempt, or give up and take the `failed` exit."""
    waiting, held = waiting_of(run), run.state.input
    run.quiet()
    if held.attempt >= waiting.max_attempts:
        form.gives_up(run)
        run.goto(waiting.failed or "hang_up")
        return
    form.asks_field(run)
    run.state.input = Input(
        attempt=held.attempt + 1,
        started_at_s=run.at_s,
        invalid_count=held.invalid_count,
        help_count=held.help_count,
    )
    lead = _lead(run, waiting, reason, held)
    said = run.said(lead) if lead else NOTHING_SAID
    ask(run, said.segments, said.text, only_lead=bool(said.segments) and not waiting.reprompt)


def _lead(run: Run, waiting: Waiting, reason: str | None, held: Input) -> Prompt | None:
    """The text before the prompt of the next attempt; the last of a list repeats."""
    if reason is None:
        return None
    if reason == "invalid" and waiting.invalid:
        return waiting.invalid[min(held.invalid_count, len(waiting.invalid)) - 1]
    own = waiting.no_input if reason == "no_input" else waiting.no_match
    if own:
        return own[min(held.attempt, len(own)) - 1]
    return plain(run.language.no_input if reason == "no_input" else run.language.no_match)
