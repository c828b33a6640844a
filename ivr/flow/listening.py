"""The listening steps: prompt, barge-in, keys and speech at once, attempts, confirmation.

      enter ──► prompt runs ───────────► prompt over: first_input_timeout runs ──► no_input ─► next attempt, or `failed`
                  │ key or speech          │ key: inter_digit_timeout after each ──► entry complete, or no_match
                  ▼ stops it (barge_in)    │ speech: no timer until its end      ──► answer, confirmation, or no_match
                  └────────────────────────┘

The first key of an attempt ends the recognition of that attempt: tones that a telephone sends in its audio as well
must not be heard as speech.
"""

from __future__ import annotations

from typing import Any

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.answers import Answer, accept, by_keys, by_voice
from ivr.flow.digits import KeyMatch, match_keys
from ivr.flow.grammar import Band, band
from ivr.flow.model import AskStep, InputStep, Menu, MenuStep, Prompt, PromptItem
from ivr.flow.question import Question, Waiting, confirmation, question_of, waiting_for
from ivr.flow.run import Run
from ivr.flow.segments import Segment
from ivr.flow.state import Input, Pending, Phase
from ivr.flow.templates import MASK

SPEECH_GRACE_S = 4.0
"""A recognizer that is silent for so long after the longest utterance is given up."""

MAX_CONFIRM_TRIES = 2
"""An unclear answer to "is that right?" counts as "no" after so many tries."""


def step_for(run: Run, target: str) -> str:
    """The step that `repeat` or `back` means now."""
    here = run.state.step
    history = list(run.state.history)
    while target == "back" and history:
        previous = history.pop()
        run.set(history=tuple(history))
        if previous != here:
            return previous
    return here if here in run.flow.steps else run.flow.start


def enter(run: Run, name: str, found: InputStep) -> None:
    """Open the step: say what is queued together with its own prompt, and listen."""
    waiting = waiting_for(run.flow, found)
    queued = run.state.queued
    must_be_heard = (
        queued.barge_in in ("none", "speech") if run.state.typed_ahead else queued.barge_in != waiting.barge_in
    )
    if queued.segments and must_be_heard:
        run.flush(name)
        return
    run.set(input=Input(started_at_s=run.at_s))
    typed, lead = run.state.typed_ahead, run.take_queue()
    run.set(phase=Phase.LISTENING, typed_ahead="")
    if typed:
        run.set_input(prompt_text=run.text(_prompt(run, found)))
        _open_ears(run, found)
        for position, key in enumerate(typed):
            digit(run, key)
            if run.target or run.state.input.attempt > 1:
                run.set(typed_ahead=_rest(run, typed[position + 1 :]) if run.target else "")
                return
        return
    _ask(run, found, lead)


def _rest(run: Run, keys: str) -> str:
    """Keys typed ahead beyond a complete entry, without the terminator that goes with that entry."""
    if keys and keys[0] == run.state.swallow_key:
        run.set(swallow_key="")
        return keys[1:]
    return keys


def handle(run: Run, event: e.Event) -> None:
    """Speech and time while the step is open."""
    match event:
        case e.SpeechStarted(listen_id=listen_id) if listen_id == run.state.listen_id:
            _speech_started(run)
        case e.UtteranceHeard(listen_id=listen_id) if listen_id == run.state.listen_id:
            _utterance(run, event)
        case e.ListeningFailed(listen_id=listen_id) if listen_id == run.state.listen_id:
            _deaf(run)
        case e.TimerFired(timer_id=timer_id) if timer_id == run.state.timer_id:
            run.set(timer_id="")
            _time_over(run)
        case _:
            pass


def digit(run: Run, key: str) -> None:
    """A key while the step is open."""
    waiting = _waiting(run)
    if run.state.play_id and waiting.barge_in in ("none", "speech"):
        return
    run.quiet()
    run.set(steps_without_input=0)
    run.set_input(is_speaking=False, was_interrupted=False, mode=_mode(run, "dtmf"))
    question = _question(run)
    typed = run.state.input.typed
    if question.collects and (typed + key)[0] not in "*#" and run.state.input.pending is None:
        _collect(run, question, waiting, key)
    else:
        _choose(run, question, waiting, typed + key)


def prompt_over(run: Run) -> None:
    """The prompt was heard to its end: listen if that has not begun, and wait."""
    if not run.state.listen_id:
        _open_ears(run, _step(run))
    if not run.state.input.is_speaking:
        _wait(run)


def _mode(run: Run, by: str) -> str:
    """How the input came, with what comes now."""
    return by if run.state.input.mode in ("", by) else "mixed"


def note_open(run: Run, outcome: str, **more: Any) -> None:
    """Write the open attempt to the record."""
    found, held = _step(run), run.state.input
    values = {"prompt": held.prompt_text, "mode": held.mode, "attempt": held.attempt, **more}
    run.note(found.action, outcome, started_at_s=held.started_at_s, **values)


# --- asking ----------------------------------------------------------------------------------------------------------


def _step(run: Run) -> InputStep:
    found = run.flow.steps[run.state.step]
    assert isinstance(found, InputStep)
    return found


def _waiting(run: Run) -> Waiting:
    return waiting_for(run.flow, _step(run))


def _question(run: Run) -> Question:
    tag, language = run.state.language, run.language
    if run.state.input.pending is not None:
        return confirmation(run.flow, _step(run), tag, language)
    return question_of(run.flow, _step(run), tag, language)


def _is_deaf(run: Run) -> bool:
    return run.state.language in run.state.is_deaf


def _asked(found: InputStep) -> Menu | AskStep:
    """The part of the step that has the prompts."""
    if isinstance(found, MenuStep):
        return found.menu
    assert isinstance(found, AskStep)
    return found


def _prompt(run: Run, found: InputStep) -> Prompt:
    asked = _asked(found)
    return asked.keys_prompt if asked.keys_prompt is not None and _is_deaf(run) else asked.prompt


def _ask(
    run: Run, found: InputStep, lead: tuple[Segment, ...] = (), lead_text: str = "", only_lead: bool = False
) -> None:
    """Play `lead` and the prompt, and listen as the barge-in kind allows."""
    run.set_input(lead=lead, lead_text=lead_text, is_only_lead=only_lead)
    prompt = _prompt(run, found)
    text = "" if only_lead else run.text(prompt)
    run.set_input(prompt_text=" ".join(part for part in (lead_text, text) if part), started_at_s=run.at_s)
    _say_and_listen(run, found, lead if only_lead else lead + run.segments(prompt))


def _say_and_listen(run: Run, found: InputStep, segments: tuple[Segment, ...]) -> None:
    run.quiet()
    run.play(segments)
    if not segments:
        prompt_over(run)
    elif _waiting(run).barge_in in ("speech", "any", "match"):
        _open_ears(run, found)


def _open_ears(run: Run, found: InputStep) -> None:
    """Start to recognize, where the language can be and there is anything to say."""
    question = _question(run)
    if _is_deaf(run) or not question.listens_for:
        return
    waiting = _waiting(run)
    run.set(listen_id=run.new_id("listen"))
    run.emit(
        c.StartListening(
            run.state.listen_id,
            run.state.language,
            question.listens_for,
            question.allows_unknown,
            waiting.final_silence_s,
            waiting.max_speech_duration_s,
            isinstance(found, AskStep) and found.sensitive,
        )
    )


def _wait(run: Run) -> None:
    """Start the timer that fits: between digits, or for the first input."""
    waiting = _waiting(run)
    run.start_timer(waiting.inter_digit_timeout_s if run.state.input.typed else waiting.first_input_timeout_s)


# --- keys ------------------------------------------------------------------------------------------------------------


def _collect(run: Run, question: Question, waiting: Waiting, key: str) -> None:
    """One more key of a number."""
    typed, rules = run.state.input.typed, question.rules
    if key == rules.terminator and typed:
        _end_entry(run, question)
        return
    if not key.isdigit():
        _leave_entry(run, question, waiting, typed, key)
        return
    run.set_input(typed=typed + key)
    if rules.is_complete(typed + key):
        if rules.terminator:
            run.set(swallow_key=rules.terminator, swallow_until_s=run.at_s + waiting.inter_digit_timeout_s)
        _end_entry(run, question)
    else:
        _wait(run)


def _leave_entry(run: Run, question: Question, waiting: Waiting, typed: str, key: str) -> None:
    """A key that cannot belong to the number: it begins a command, and the entry is dropped; else it is a mistake."""
    if match_keys(key, question.keys) is KeyMatch.NONE:
        _no_match(run, typed + key)
    else:
        run.set_input(confidence=None)
        _choose(run, question, waiting, key)


def _end_entry(run: Run, question: Question) -> None:
    typed = run.state.input.typed
    if not question.rules.is_acceptable(typed):
        _no_match(run, typed)
        return
    held = run.state.input
    _consider(run, by_keys(run, _step(run), "value", typed), held.confidence)


def _choose(run: Run, question: Question, waiting: Waiting, typed: str) -> None:
    """One more key of a sequence that chooses."""
    run.set_input(typed=typed)
    match match_keys(typed, question.keys):
        case KeyMatch.MAXIMAL:
            _consider(run, by_keys(run, _step(run), question.keys[typed], typed), None)
        case KeyMatch.NONE:
            _no_match(run, typed)
        case KeyMatch.POTENTIAL | KeyMatch.MATCH:
            run.start_timer(waiting.inter_digit_timeout_s)


def _time_over(run: Run) -> None:
    """The one timer ran out; what for is seen from what is there."""
    held, question = run.state.input, _question(run)
    if held.is_speaking:  # the recognizer never came to an end
        _deaf(run)
    elif not held.typed:
        _no_input(run)
    elif held.typed in question.keys:
        _consider(run, by_keys(run, _step(run), question.keys[held.typed], held.typed), None)
    elif question.collects and held.typed.isdigit():
        _end_entry(run, question)
    else:
        _no_match(run, held.typed)


# --- speech ----------------------------------------------------------------------------------------------------------


def _speech_started(run: Run) -> None:
    waiting = _waiting(run)
    run.set_input(is_speaking=True)
    if run.state.play_id and waiting.barge_in in ("speech", "any"):
        run.stop_prompt()
        run.set_input(was_interrupted=True)
    run.start_timer(waiting.max_speech_duration_s + SPEECH_GRACE_S)


def _utterance(run: Run, event: e.UtteranceHeard) -> None:
    run.cancel_timer()
    run.set_input(is_speaking=False)
    if not event.text.strip():
        _nothing_said(run)
        return
    question, found = _question(run), _step(run)
    answer = by_voice(run, found, question, event.text, event.confidence)
    if run.state.play_id and not _is_usable(run, answer):  # barge_in: match, and no match: the prompt goes on
        return
    run.set(steps_without_input=0)
    run.set_input(was_interrupted=False, mode=_mode(run, "voice"))
    if answer is None:
        _no_match(run, event.text, event.confidence)
    elif answer.meaning == "part":
        _more_digits(run, question, str(answer.value), answer.confidence)
    else:
        _consider(run, answer, answer.confidence)


def _is_usable(run: Run, answer: Answer | None) -> bool:
    """Whether an utterance is worth stopping a prompt for that only matches may stop."""
    if answer is None or answer.is_invalid:
        return False
    return answer.confidence is None or answer.confidence >= _waiting(run).confidence.reject


def _more_digits(run: Run, question: Question, digits: str, confidence: float | None) -> None:
    """Spoken digits that may not be all: keep them and listen on."""
    held = run.state.input
    least = min(held.confidence if held.confidence is not None else 1.0, confidence if confidence is not None else 1.0)
    run.set_input(typed=held.typed + digits, confidence=least)
    if len(run.state.input.typed) > question.rules.max_length:
        _no_match(run, run.state.input.typed, least)
    elif question.rules.is_complete(run.state.input.typed):
        _end_entry(run, question)
    else:
        run.stop_prompt()
        _wait(run)


def _nothing_said(run: Run) -> None:
    """Noise, not words: say an interrupted prompt again (once), else wait on."""
    held = run.state.input
    if held.was_interrupted and not held.has_replayed:
        run.set_input(has_replayed=True)
        _say_again(run)
    elif not run.state.play_id:
        run.set_input(was_interrupted=False)
        _wait(run)


def _say_again(run: Run) -> None:
    """The prompt that was interrupted, from its beginning, with what was said before it."""
    held = run.state.input
    run.set_input(was_interrupted=False)
    if held.pending is not None:
        _confirm(run, held.pending)
    else:
        _ask(run, _step(run), held.lead, held.lead_text, held.is_only_lead)


def _deaf(run: Run) -> None:
    """Speech cannot be recognized in this language: go on with keys."""
    run.set(is_deaf=run.state.is_deaf | {run.state.language})
    run.stop_listening()
    held, has_keys_prompt = run.state.input, _asked(_step(run)).keys_prompt is not None
    run.set_input(is_speaking=False)
    if held.was_interrupted or (run.state.play_id and has_keys_prompt and held.pending is None):
        _say_again(run)
    elif not run.state.play_id:
        _wait(run)


# --- what comes of it ------------------------------------------------------------------------------------------------


def _consider(run: Run, answer: Answer, confidence: float | None) -> None:
    """Take an answer, have it confirmed, or refuse it, as its confidence and the step's `confirm` say."""
    pending, waiting = run.state.input.pending, _waiting(run)
    if answer.is_invalid:
        _no_match(run, answer.heard, confidence)
        return
    if pending is not None and not answer.meaning.startswith("command:"):
        _confirmed(run, pending, answer, confidence, waiting)
        return
    worth = _worth(confidence, waiting)
    if worth is Band.REJECT:
        _no_match(run, answer.heard, confidence)
    elif _needs_confirmation(answer, worth, waiting):
        _confirm(run, _pending(run, answer, confidence))
    else:
        run.quiet()
        accept(run, _step(run), _pending(run, answer, confidence), "match")


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
        accept(run, _step(run), pending, "confirmed")
    else:
        note_open(run, "denied", heard=shown(run, pending.heard), confidence=pending.confidence)
        _next_attempt(run, None)


def _confirm(run: Run, pending: Pending) -> None:
    """Read the answer back and ask whether it is right."""
    prompt = _waiting(run).confirm_prompt or _plain(run.language.confirm_prompt)
    run.quiet()
    if run.state.input.pending is None:
        note_open(run, "to_confirm", heard=shown(run, pending.heard), confidence=pending.confidence)
    run.set_input(pending=pending, typed="", confidence=None, is_speaking=False)
    segments = run.segments(prompt, {"heard": pending.spoken}, {"heard": shown(run, pending.spoken)})
    run.set_input(prompt_text=run.text(prompt, {"heard": shown(run, pending.spoken)}), started_at_s=run.at_s)
    _say_and_listen(run, _step(run), segments)


def _unclear(run: Run, pending: Pending) -> None:
    if pending.tries >= MAX_CONFIRM_TRIES:
        note_open(run, "denied", heard=shown(run, pending.heard), confidence=pending.confidence)
        _next_attempt(run, None)
    else:
        _confirm(run, Pending(**{**_fields(pending), "tries": pending.tries + 1}))


def _fields(pending: Pending) -> dict[str, Any]:
    return {name: getattr(pending, name) for name in Pending.__slots__}


def shown(run: Run, heard: str) -> str:
    """What was heard, as it may be written down."""
    found = _step(run)
    return MASK if isinstance(found, AskStep) and found.sensitive and heard else heard


def _no_input(run: Run) -> None:
    pending = run.state.input.pending
    if pending is not None:
        _unclear(run, pending)
        return
    note_open(run, "no_input")
    _next_attempt(run, "no_input")


def _no_match(run: Run, heard: str, confidence: float | None = None) -> None:
    pending = run.state.input.pending
    if pending is not None:
        _unclear(run, pending)
        return
    note_open(run, "no_match", heard=shown(run, heard), confidence=confidence)
    _next_attempt(run, "no_match")


def _next_attempt(run: Run, reason: str | None) -> None:
    """Ask again with the text for this attempt, or give up and take the `failed` exit."""
    found, waiting, attempt = _step(run), _waiting(run), run.state.input.attempt
    run.quiet()
    if attempt >= waiting.max_attempts:
        run.goto(waiting.failed or "hang_up")
        return
    run.set(input=Input(attempt=attempt + 1, started_at_s=run.at_s))
    lead = _lead(run, waiting, reason, attempt)
    segments = run.segments(lead) if lead else ()
    text = run.text(lead) if lead else ""
    _ask(run, found, segments, text, only_lead=bool(segments) and not waiting.reprompt)


def _lead(run: Run, waiting: Waiting, reason: str | None, attempt: int) -> Prompt | None:
    """The text before the prompt of the next attempt; the last of a list repeats."""
    if reason is None:
        return None
    own = waiting.no_input if reason == "no_input" else waiting.no_match
    if own:
        return own[min(attempt, len(own)) - 1]
    return _plain(run.language.no_input if reason == "no_input" else run.language.no_match)


def _plain(text: str) -> Prompt:
    return Prompt(items=(PromptItem(text={"": text}),))
