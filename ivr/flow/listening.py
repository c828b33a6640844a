"""The listening steps: prompt, barge-in, keys and speech at once, attempts, confirmation.

      enter ──► prompt runs ───────────► prompt over: first_input_timeout runs ──► no_input ─► next attempt, or `failed`
                  │ key or speech          │ key: inter_digit_timeout after each ──► entry complete, or no_match
                  ▼ stops it (barge_in)    │ speech: no timer until its end      ──► answer, confirmation, or no_match
                  └────────────────────────┘

The first key of an attempt ends the recognition of that attempt: tones that a telephone sends in its audio as well
must not be heard as speech.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ivr.flow import events as e
from ivr.flow import finishing, form, frames
from ivr.flow.answers import Answer, by_keys, by_voice
from ivr.flow.asking import (
    ask,
    extras_of,
    leaves_empty_list,
    note_open,
    open_ears,
    open_question,
    open_step,
    opened,
    prompt_of,
    prompt_over,
    wait,
    wait_on,
    waiting_of,
)
from ivr.flow.deciding import ask_again, consider, no_input, no_match
from ivr.flow.digits import DigitRules, KeyMatch, match_keys
from ivr.flow.grammar import known_words
from ivr.flow.model import FormStep, InputStep
from ivr.flow.question import Question, Waiting, waiting_for
from ivr.flow.run import Run
from ivr.flow.segments import Segment, Speech
from ivr.flow.state import Input, Phase
from ivr.flow.values.base import SKIP

__all__ = ["digit", "enter", "handle", "note_open", "prompt_over", "step_for"]

MAX_RESUMED = 2
"""After so many stops by noise in one attempt only words that mean something stop the prompt (as `match` does)."""

COUGH_S = 0.6
"""What stops a prompt, is shorter, and no word that is listened for, is taken for a cough: the prompt goes on."""

MISTYPED_PAUSE_S = 0.7
"""Wrong keys are one mistake until none has come for so long: a number keyed into a menu must not use up its attempts.
People key a number they know in steps of 0.2 to 0.5 s."""

MAX_MISTYPED = 32
"""Wrong keys that are kept for the record."""

HEARING = "hearing"
"""Kind of the record's lines that tell of a recognizer which failed."""


def step_for(run: Run, target: str) -> str:
    """The step that `repeat`, `back` or `help` means now; `help` has its text said before it."""
    found = run.steps.get(run.state.step)
    if target == "help" and isinstance(found, InputStep):
        waiting = waiting_for(run.flow, found)
        run.queue(run.segments(waiting.help[0]) if waiting.help else (), waiting.barge_in)
    here = frames.previous_step(run) if target == "back" else run.state.step
    return here if here in run.steps else run.flow.start


def enter(run: Run, name: str, found: InputStep) -> None:
    """Open the step: say what is queued together with its own prompt, and listen."""
    waiting = waiting_for(run.flow, found) if isinstance(found, FormStep) else waiting_of(run)
    queued = run.state.queued
    must_be_heard = (
        queued.barge_in in ("none", "speech") if run.state.typed_ahead else queued.barge_in != waiting.barge_in
    )
    if queued.segments and must_be_heard:
        run.flush(name)
        return
    if isinstance(found, FormStep):
        form.begin(run, name, found)
        found = open_step(run)
    if leaves_empty_list(run, found):
        return
    run.state.input = Input(started_at_s=run.at_s)
    typed, queue = run.state.typed_ahead, run.take_queue()
    lead = (*_opening(run), *queue)
    run.state.phase = Phase.LISTENING
    run.state.typed_ahead = ""
    run.state.opening = lead
    if typed:
        asked = opened(run)
        run.state.input.prompt_text = run.text(prompt_of(run, asked), extras_of(run, asked)[1])
        open_ears(run)
        for position, key in enumerate(typed):
            digit(run, key)
            if run.target or run.state.input.attempt > 1:
                run.state.typed_ahead = _rest(run, typed[position + 1 :]) if run.target else ""
                return
        return
    ask(run, lead)


def _opening(run: Run) -> tuple[Segment, ...]:
    """What was said before the question, where the caller wants to hear it again in the same language."""
    said = run.state.opening if run.is_repeat else ()
    is_same = all(part.language == run.state.language for part in said if isinstance(part, Speech))
    return said if is_same else ()


def _rest(run: Run, keys: str) -> str:
    """Keys typed ahead beyond a complete entry, without the terminator that goes with that entry."""
    if keys and keys[0] == run.state.swallow_key:
        finishing.swallow(run)
        return keys[1:]
    return keys


def handle(run: Run, found: InputStep, event: e.Event) -> None:
    """Prompt, keys, speech and time while the step is open."""
    handler = _HANDLERS.get(type(event))
    if handler is not None and run.state.phase is Phase.LISTENING:
        handler(run, event)


def _prompt_over(run: Run, event: e.PromptFinished | e.PromptFailed) -> None:
    prompt_over(run)


def _digit(run: Run, event: e.DigitPressed) -> None:
    digit(run, event.digit)


def digit(run: Run, key: str) -> None:
    """A key while the step is open."""
    waiting = waiting_of(run)
    if run.state.play_id and waiting.barge_in in ("none", "speech"):
        return
    question = open_question(run)
    run.state.steps_without_input = 0
    if finishing.ends_turn(run, question, key):
        return
    run.quiet()
    run.state.input.is_speaking = False
    run.state.input.was_interrupted = False
    run.state.input.mode = _mode(run, "dtmf")
    typed = run.state.input.typed or finishing.given_back(run, question, key)
    if run.state.input.is_mistyped:
        _mistyped(run, waiting, typed + key)
    elif question.rules is not None and (typed + key)[0] not in "*#":
        _collect(run, question, question.rules, waiting, key)
    else:
        _choose(run, question, waiting, typed + key)


def _mode(run: Run, by: str) -> str:
    """How the input came, with what comes now."""
    return by if run.state.input.mode in ("", by) else "mixed"


def _collect(run: Run, question: Question, rules: DigitRules, waiting: Waiting, key: str) -> None:
    """One more key of a number."""
    typed = run.state.input.typed
    if key == rules.terminator and typed:
        _end_entry(run, rules)
        return
    if not rules.takes(key):
        _leave_entry(run, question, waiting, typed, key)
        return
    run.state.input.typed = typed + key
    if rules.is_complete(typed + key):
        finishing.expect_terminator(run, question)
        _end_entry(run, rules)
    else:
        wait(run)


def _leave_entry(run: Run, question: Question, waiting: Waiting, typed: str, key: str) -> None:
    """A key that cannot belong to the number: it begins a command, and the entry is dropped; else it is a mistake."""
    if match_keys(key, question.keys) is KeyMatch.NONE:
        _mistyped(run, waiting, typed + key)
    else:
        run.state.input.confidence = None
        _choose(run, question, waiting, key)


def _end_entry(run: Run, rules: DigitRules) -> None:
    typed, confidence = run.state.input.typed, run.state.input.confidence
    answer = by_keys(run, open_step(run), "value", typed) if rules.is_acceptable(typed) else None
    if answer is None:
        no_match(run, typed)
    else:
        consider(run, answer, confidence)


def _choose(run: Run, question: Question, waiting: Waiting, typed: str) -> None:
    """One more key of a sequence that chooses."""
    run.state.input.typed = typed
    match match_keys(typed, question.keys):
        case KeyMatch.MAXIMAL:
            _take_keys(run, question, typed)
        case KeyMatch.NONE:
            _mistyped(run, waiting, typed)
        case KeyMatch.POTENTIAL | KeyMatch.MATCH:
            run.start_timer(waiting.inter_digit_timeout_s)


def _mistyped(run: Run, waiting: Waiting, typed: str) -> None:
    """Keys that mean nothing here: one mistake, once no more come."""
    run.state.input.typed = typed[:MAX_MISTYPED]
    run.state.input.is_mistyped = True
    run.start_timer(min(MISTYPED_PAUSE_S, waiting.inter_digit_timeout_s))


def _take_keys(run: Run, question: Question, typed: str) -> None:
    """A whole sequence that chooses."""
    if question.keys[typed] == SKIP:
        finishing.skip(run)
        return
    answer = by_keys(run, open_step(run), question.keys[typed], typed)
    assert answer is not None  # the sequence is one of those that mean something
    consider(run, answer, None)


def _timer_fired(run: Run, event: e.TimerFired) -> None:
    if event.timer_id == run.state.timer_id:
        run.state.timer_id = ""
        _time_over(run)


def _time_over(run: Run) -> None:
    """The one timer ran out, or noise has gone on for too long; what was waited for is seen from what is there."""
    held, question = run.state.input, open_question(run)
    if held.is_speaking:
        run.note(HEARING, "keys_only", detail="the recognizer came to no end")
        _deaf(run)
    elif not held.typed:
        no_input(run)
    elif held.is_mistyped:
        no_match(run, held.typed)
    elif held.typed in question.keys:
        _take_keys(run, question, held.typed)
    elif question.rules is not None and held.typed[0] not in "*#":
        _end_entry(run, question.rules)
    else:
        no_match(run, held.typed)


def _speech_started(run: Run, event: e.SpeechStarted) -> None:
    is_going_on = run.state.input.is_speaking  # then the time that an utterance may take does not begin anew
    if event.listen_id != run.state.listen_id or is_going_on:
        return
    waiting = waiting_of(run)
    run.state.input.is_speaking = True
    if run.state.play_id and waiting.barge_in in ("speech", "any") and run.state.input.resumed_count < MAX_RESUMED:
        run.stop_prompt()
        run.state.input.was_interrupted = True
    run.start_timer(waiting.max_speech_duration_s + finishing.SPEECH_GRACE_S)


def _utterance(run: Run, event: e.UtteranceHeard) -> None:
    if event.listen_id != run.state.listen_id:
        return
    run.cancel_timer()
    run.state.input.is_speaking = False
    if event.trouble:
        run.note(HEARING, "elsewhere", detail=event.trouble)
    if not event.text.strip() or _is_cough(run, event):
        _nothing_said(run)
        return
    question, found = open_question(run), open_step(run)
    answer = by_voice(run, found, question, event.text, event.confidence)
    if run.state.play_id and not _is_usable(run, answer):  # barge_in: match, and no match: the prompt goes on
        return
    run.state.steps_without_input = 0
    run.state.input.was_interrupted = False
    run.state.input.mode = _mode(run, "voice")
    if answer is None:
        no_match(run, event.text, event.confidence)
    elif answer.meaning == "part":
        _more_digits(run, question.rules, str(answer.value), answer.confidence)
    else:
        if not run.state.input.is_finished:
            finishing.expect_terminator(run, question)
        consider(run, answer, answer.confidence, event.n_best)


def _is_cough(run: Run, event: e.UtteranceHeard) -> bool:
    is_short = event.spoken_s is not None and event.spoken_s < COUGH_S
    return is_short and run.state.input.was_interrupted and not known_words(event.text)


def _is_usable(run: Run, answer: Answer | None) -> bool:
    """Whether an utterance is worth stopping a prompt for that only matches may stop."""
    if answer is None or answer.is_invalid:
        return False
    return answer.confidence is None or answer.confidence >= waiting_of(run).confidence.reject


def _more_digits(run: Run, rules: DigitRules | None, digits: str, confidence: float | None) -> None:
    """Spoken digits that may not be all: keep them and listen on."""
    assert rules is not None  # only entries are said in parts
    held = run.state.input
    typed, least = held.typed + digits, min(c for c in (held.confidence, confidence, 1.0) if c is not None)
    run.state.input.typed = typed
    run.state.input.confidence = least
    if len(typed) > rules.max_length:
        no_match(run, typed, least)
    elif rules.is_complete(typed) or held.is_finished:
        _end_entry(run, rules)
    else:
        run.stop_prompt()
        wait(run)


def _nothing_said(run: Run) -> None:
    """Noise, not words: go on with an interrupted prompt, else wait on."""
    held = run.state.input
    if held.is_finished:
        _finished(run)
    elif held.was_interrupted:
        held.was_interrupted = False
        held.resumed_count += 1
        run.play(held.said, is_resumed=True)
    elif not run.state.play_id and not wait_on(run):
        _time_over(run)


def _finished(run: Run) -> None:
    """The caller has pressed the key that ends what he said, and nothing of that was heard."""
    rules, typed = open_question(run).rules, run.state.input.typed
    if rules is None:
        finishing.skip(run)
    elif typed:
        _end_entry(run, rules)
    else:
        no_match(run, rules.terminator)


def _say_again(run: Run) -> None:
    """The prompt that was interrupted, from its beginning, with what was said before it."""
    held = run.state.input
    run.state.input.was_interrupted = False
    if held.pending is not None:
        ask_again(run, held.pending)
    else:
        ask(run, held.lead, held.lead_text, held.is_only_lead)


def _listening_failed(run: Run, event: e.ListeningFailed) -> None:
    if event.listen_id != run.state.listen_id:
        return
    if event.is_lost:
        run.note(HEARING, "keys_only", detail=event.reason)
    _deaf(run)


def _deaf(run: Run) -> None:
    """Speech cannot be recognized in this language: go on with keys."""
    run.state.is_deaf = run.state.is_deaf | {run.state.language}
    run.stop_listening()
    held, has_keys_prompt = run.state.input, opened(run).keys_prompt is not None
    # Words that nobody will hear are no reason to let the caller wait for an answer to them.
    should_be_told = bool(run.state.play_id) or (held.is_speaking and not held.typed)
    run.state.input.is_speaking = False
    if held.is_finished:
        _finished(run)
    elif held.was_interrupted or (should_be_told and has_keys_prompt and held.pending is None):
        _say_again(run)
    elif not run.state.play_id:
        wait(run)


_HANDLERS: dict[type[e.Event], Callable[[Run, Any], None]] = {
    e.DigitPressed: _digit,
    e.PromptFinished: _prompt_over,
    e.PromptFailed: _prompt_over,
    e.SpeechStarted: _speech_started,
    e.UtteranceHeard: _utterance,
    e.ListeningFailed: _listening_failed,
    e.TimerFired: _timer_fired,
}
