"""Asking: what an open step says, and how it begins to listen and to wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow import form_view, templates
from ivr.flow.masking import MASK
from ivr.flow.model import AskStep, Flow, FormStep, InputStep, Menu, MenuStep, Prompt, PromptItem, ValueSettings
from ivr.flow.question import (
    Question,
    Waiting,
    confirmation,
    question_of_choices,
    question_of_value,
    waiting_for,
    which,
)
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
    found = run.flow.steps[run.state.step]
    assert isinstance(found, InputStep)
    return form_view.view(found, run.state) if isinstance(found, FormStep) else found


def open_form(run: Run) -> FormStep | None:
    """The form that is open."""
    found = run.flow.steps.get(run.state.step)
    return found if isinstance(found, FormStep) else None


def waiting_of(run: Run) -> Waiting:
    return waiting_for(run.flow, open_step(run))


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
    step, pending, flow, language = open_step(run), run.state.input.pending, run.flow, run.language
    if pending is None:
        return _question_of(run, step)
    if pending.others:
        return which(flow, step, run.state.language, language, _question_of(run, step))
    may_correct = not pending.meaning.startswith("command:")
    if _is_fixed(flow, step):
        key = (run.state.language, may_correct)
        return flow.memory.of(step, _confirmation, run, step, may_correct, key=key)
    return _confirmation(run, step, may_correct)


def _confirmation(run: Run, step: InputStep, may_correct: bool) -> Question:
    values = _question_of(run, step) if may_correct else None
    return confirmation(run.flow, step, run.state.language, run.language, values)


_CHANGING = frozenset({"date", "time", "amount"})
"""Kinds of answers whose words may depend on the call: its day, its currency."""


def _is_fixed(flow: Flow, step: InputStep) -> bool:
    """Whether the question is the same in every call of a language."""
    is_same = isinstance(step, MenuStep) or (
        isinstance(step, AskStep) and step.choices_from is None and step.ask not in _CHANGING
    )
    return is_same and flow.has_own(step)


def _question_of(run: Run, step: InputStep) -> Question:
    flow = run.flow
    if _is_fixed(flow, step):
        return flow.memory.of(step, _made_question_of, run, step, key=run.state.language)
    return _made_question_of(run, step)


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
        found |= dict.fromkeys(form_view.names_of(name, field, run.state.language))
        found |= dict.fromkeys(kind.words(asked))
        found |= dict.fromkeys(phrase for phrases in kind.phrases(asked).values() for phrase in phrases)
    return tuple(found)


def is_deaf(run: Run) -> bool:
    return run.state.language in run.state.is_deaf


def prompts_in(found: InputStep) -> Menu | AskStep:
    """The part of the step that has the prompts."""
    if isinstance(found, MenuStep):
        return found.menu
    assert isinstance(found, AskStep)
    return found


def prompt_of(run: Run, found: InputStep) -> Prompt:
    asked = prompts_in(found)
    prompt = asked.keys_prompt if asked.keys_prompt is not None and is_deaf(run) else asked.prompt
    return prompt.for_count(run.state.input.attempt)


def extras_of(run: Run, found: InputStep) -> tuple[dict[str, object], dict[str, object]]:
    """What a prompt of the step may use besides the variables, as it is spoken and as it may be written down."""
    if not isinstance(found, AskStep) or found.choices_from is None:
        return {}, {}
    entries = [
        templates.render(run.language.for_choice, {"name": option.say[0], "keys": option.keys}, run.state.language)
        for option in options_of(asked_of(run, found))
        if option.say
    ]
    spoken = " ".join(entries)
    is_masked = found.choices_from in run.state.sensitive
    return {CHOICES: spoken}, {CHOICES: MASK if is_masked else spoken}


def ask(
    run: Run, found: InputStep, lead: tuple[Segment, ...] = (), lead_text: str = "", only_lead: bool = False
) -> None:
    """Play `lead` and the prompt, and listen as the barge-in kind allows."""
    run.state.input.lead = lead
    run.state.input.lead_text = lead_text
    run.state.input.is_only_lead = only_lead
    prompt, (spoken, shown) = prompt_of(run, found), extras_of(run, found)
    text = "" if only_lead else run.text(prompt, shown)
    run.state.input.prompt_text = " ".join(part for part in (lead_text, text) if part)
    run.state.input.started_at_s = run.at_s
    say_and_listen(run, lead if only_lead else lead + run.segments(prompt, spoken, shown))


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
    question = open_question(run)
    phrases = question.listens_for
    if is_deaf(run) or not (phrases or question.is_free):
        return
    waiting = waiting_of(run)
    run.state.listen_id = run.new_id("listen")
    run.emit(
        c.StartListening(
            run.state.listen_id,
            run.state.language,
            phrases,
            question.allows_unknown,
            waiting.final_silence_s,
            waiting.max_speech_duration_s,
            hides_answers(run),
            waiting.complete_silence_s,
            waiting.incomplete_silence_s,
            question.expected and replace(question.expected, digits=run.state.input.typed),
        )
    )


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


def note_open(run: Run, outcome: str, **more: Any) -> None:
    """Write the open attempt to the record."""
    held, form = run.state.input, run.state.form
    action = run.flow.steps[run.state.step].action
    values = {"prompt": held.prompt_text, "mode": held.mode, "attempt": held.attempt, **more}
    if open_form(run) is not None and form is not None:
        values.setdefault("detail", form.asked if form.stage == "fields" else form.stage)
    run.note(action, outcome, started_at_s=held.started_at_s, **values)


def hides_answers(run: Run) -> bool:
    """Whether what is said to the open step must not be kept; a sentence to a form may hold any of its answers."""
    found, form = open_step(run), open_form(run)
    if form is not None:
        return any(field.sensitive for field in form.form.fields.values())
    return isinstance(found, AskStep) and found.sensitive


def shown(run: Run, heard: str) -> str:
    """What was heard, as it may be written down."""
    return MASK if heard and hides_answers(run) else heard


def plain(text: str) -> Prompt:
    return Prompt(items=(PromptItem(text={"": text}),))
