"""Asking: what an open step says, and how it begins to listen and to wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow import templates
from ivr.flow.completeness import Expected
from ivr.flow.form_view import names_of
from ivr.flow.masking import MASK
from ivr.flow.model import AskStep, Flow, FormStep, InputStep, MenuStep, ValueSettings
from ivr.flow.opened import Opened, opened_at
from ivr.flow.parts import Prompt, PromptItem
from ivr.flow.question import Question, Waiting, confirmation, question_of_choices, question_of_value, which
from ivr.flow.run import Run
from ivr.flow.segments import Segment
from ivr.flow.values.base import Asked
from ivr.flow.values.choice import options_of
from ivr.flow.values.registry import kind_of
from ivr.language_tags import currency_of

CHOICES = "choices"
"""In a prompt of a question with `choices_from`: the entries and their keys, ready to be spoken."""


def about(flow: Flow, event: e.CallOffered) -> dict[str, str]:
    """What `call` tells besides the parties: the day and time when the call came in, and the currency."""
    currency = flow.currency or currency_of(event.language or flow.language)
    if event.now is None:
        return {"today": "", "time": "", "currency": currency}
    return {"today": event.now.date().isoformat(), "time": f"{event.now:%H:%M}", "currency": currency}


def open_step(run: Run) -> InputStep:
    """The step that is open; of a form, the question that it asks right now."""
    return opened(run).step


def opened(run: Run) -> Opened:
    """The question that is open."""
    known = run.opened.get(run.state.step)
    return opened_at(run.flow, run.state) if known is None else known


def open_form(run: Run) -> FormStep | None:
    """The form that is open."""
    return opened(run).form


def waiting_of(run: Run) -> Waiting:
    return opened(run).waiting


def asked_of(run: Run, settings: ValueSettings) -> Asked:
    """A question for a value, in this call and at this moment."""
    state = run.state
    known = state.variables.get("call")
    currency = str(known.get("currency") or "") if isinstance(known, Mapping) else ""
    return Asked(
        settings, state.language, run.language, _now(run), state.variables, currency or currency_of(state.language)
    )


def _now(run: Run) -> datetime | None:
    began = run.state.began
    return None if began is None else began + timedelta(seconds=run.at_s - run.state.began_at_s)


def open_question(run: Run) -> Question:
    """What the open step compares inputs with."""
    asked, pending = opened(run), run.state.input.pending
    if pending is None:
        return _question_of(run, asked)
    if pending.others:
        return which(run.flow, asked.step, run.state.language, run.language, _question_of(run, asked))
    return _confirmation_of(run, asked, not pending.meaning.startswith("command:"))


def _question_of(run: Run, asked: Opened) -> Question:
    if not asked.is_fixed:
        return _made_question_of(run, asked.step)
    language = run.state.language
    known = asked.questions.get(language)
    if known is None:
        asked.questions[language] = known = _made_question_of(run, asked.step)
    return known


def _confirmation_of(run: Run, asked: Opened, may_correct: bool) -> Question:
    key = (run.state.language, may_correct)
    known = asked.confirmations.get(key)
    if known is None:
        values = _question_of(run, asked) if may_correct else None
        known = confirmation(run.flow, asked.step, run.state.language, run.language, values)
        if asked.is_fixed:
            asked.confirmations[key] = known
    return known


def _made_question_of(run: Run, step: InputStep) -> Question:
    if isinstance(step, MenuStep):
        return question_of_choices(run.flow, step, step.menu.choices, run.state.language)
    assert isinstance(step, AskStep)
    form = open_form(run)
    more = _words_of_form(run, form) if form and not kind_of(step.ask).is_free else ()
    return question_of_value(run.flow, step, asked_of(run, step), more)


def _words_of_form(run: Run, form: FormStep) -> tuple[str, ...]:
    """Everything that can be said in one sentence to a form."""
    language = run.language
    found: dict[str, None] = dict.fromkeys(
        (*sorted(language.fillers), *language.no_leads, *language.no, *language.against, *language.but)
    )
    for name, field in form.form.fields.items():
        kind, asked = kind_of(field.ask), asked_of(run, field)
        found |= dict.fromkeys(names_of(name, field, run.state.language))
        found |= dict.fromkeys(kind.words(asked))
        found |= dict.fromkeys(phrase for phrases in kind.phrases(asked).values() for phrase in phrases)
    return tuple(found)


def leaves_empty_list(run: Run, found: InputStep) -> bool:
    """Leave a question whose list, which comes out of data, is empty: nobody could answer it."""
    if not isinstance(found, AskStep) or found.choices_from is None or options_of(asked_of(run, found)):
        return False
    run.note(opened(run).action, "no_choices", meaning=found.choices_from)
    run.state.form = None
    run.goto(found.empty or waiting_of(run).failed or "hang_up")
    return True


def is_deaf(run: Run) -> bool:
    return run.state.language in run.state.is_deaf


def prompt_of(run: Run, asked: Opened) -> Prompt:
    """What an open question says in this attempt."""
    prompt = asked.keys_prompt if asked.keys_prompt is not None and is_deaf(run) else asked.prompt
    return prompt.for_count(run.state.input.attempt)


def extras_of(run: Run, asked: Opened) -> tuple[dict[str, object], dict[str, object]]:
    """What a prompt of the step may use besides the variables, as it is spoken and as it may be written down."""
    found = asked.asks
    if found is None or found.choices_from is None:
        return {}, {}
    entries = [
        templates.render(run.language.for_choice, {"name": option.say[0], "keys": option.keys}, run.state.language)
        for option in options_of(asked_of(run, found))
        if option.say
    ]
    spoken = " ".join(entries)
    is_masked = found.choices_from in run.state.sensitive
    return {CHOICES: spoken}, {CHOICES: MASK if is_masked else spoken}


def ask(run: Run, lead: tuple[Segment, ...] = (), lead_text: str = "", only_lead: bool = False) -> None:
    """Play `lead` and the prompt of the open question, and listen as the barge-in kind allows."""
    held = run.state.input
    held.lead, held.lead_text, held.is_only_lead, held.started_at_s = lead, lead_text, only_lead, run.at_s
    if only_lead:
        held.prompt_text = lead_text
        say_and_listen(run, lead)
        return
    asked = opened(run)
    said = run.said(prompt_of(run, asked), *extras_of(run, asked))
    held.prompt_text = f"{lead_text} {said.text}" if lead_text and said.text else lead_text or said.text
    say_and_listen(run, lead + said.segments)


def say_and_listen(run: Run, segments: tuple[Segment, ...]) -> None:
    run.quiet()
    run.state.input.said = segments
    run.play(segments)
    if not segments:
        prompt_over(run)
    elif waiting_of(run).barge_in in ("speech", "any", "match"):
        open_ears(run)


def open_ears(run: Run) -> None:
    """Start to recognize, where the language can be and there is anything to say."""
    question, state = open_question(run), run.state
    if is_deaf(run) or not (question.listens_for or question.is_free):
        return
    asked = opened(run)
    waiting = asked.waiting
    state.listen_id = run.new_id("listen")
    run.commands.append(
        c.StartListening(
            state.listen_id,
            state.language,
            question.listens_for,
            question.allows_unknown,
            waiting.final_silence_s,
            waiting.max_speech_duration_s,
            asked.hides_answers,
            waiting.complete_silence_s,
            waiting.incomplete_silence_s,
            _expected(question, run.state.input.typed),
            run.place,
        )
    )


def _expected(question: Question, typed: str) -> Expected | None:
    expected = question.expected
    return replace(expected, digits=typed) if expected is not None and typed else expected


def wait(run: Run) -> None:
    """Start the timer that fits: between digits, or for the first input."""
    run.state.input.waiting_since_s = run.at_s
    run.start_timer(_patience_s(run))


def wait_on(run: Run) -> bool:
    """Wait again after noise; False where noise has doubled the wait already: endless noise is no input either."""
    patience_s = _patience_s(run)
    left_s = run.state.input.waiting_since_s + 2 * patience_s - run.at_s
    if left_s > 0:
        run.start_timer(min(patience_s, left_s))
    return left_s > 0


def _patience_s(run: Run) -> float:
    waiting = waiting_of(run)
    return waiting.inter_digit_timeout_s if run.state.input.typed else waiting.first_input_timeout_s


def prompt_over(run: Run) -> None:
    """The prompt was heard to its end: listen if that has not begun, and wait."""
    if not run.state.listen_id:
        open_ears(run)
    if not run.state.input.is_speaking:
        wait(run)


def note_open(run: Run, outcome: str, *, heard: str = "", meaning: str = "", confidence: float | None = None) -> None:
    """Write the open attempt to the record."""
    held, asked, form = run.state.input, opened(run), run.state.form
    run.note(
        asked.action,
        outcome,
        started_at_s=held.started_at_s,
        attempt=held.attempt,
        mode=held.mode,
        prompt=held.prompt_text,
        heard=heard,
        meaning=meaning,
        confidence=confidence,
        detail=form.where if asked.form is not None and form is not None else "",
    )


def hides_answers(run: Run) -> bool:
    """Whether what is said to the open step must not be kept; a sentence to a form may hold any of its answers."""
    return opened(run).hides_answers


def shown(run: Run, heard: str) -> str:
    """What was heard, as it may be written down."""
    return MASK if heard and hides_answers(run) else heard


def plain(text: str) -> Prompt:
    return Prompt(items=(PromptItem(text={"": text}),))
