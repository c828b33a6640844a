"""The form step: several values, in one sentence or one after the other (VoiceXML 2.1 §2.1.6, mixed initiative).

open ──► opening prompt, or the first field's ──► values of one or more fields ──► the next field without one …
                                                                                    │ none left
         `next` ◄── yes ── the whole is read back, where the form has it confirmed ◄┘
                             │ "no, Tuesday": the new value, and read back again
                             └ no: what should be changed? ──► a field, or its new value
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ivr.flow import asking, form_view, frames, templates
from ivr.flow.ambiguity import ask_which
from ivr.flow.asking import ask, asked_of, open_form, say_and_listen, waiting_of
from ivr.flow.form_hearing import WRONG
from ivr.flow.grammar import Band, band
from ivr.flow.keeping import keep
from ivr.flow.model import FormStep
from ivr.flow.run import Run
from ivr.flow.segments import Segment
from ivr.flow.state import FormProgress, Input, Pending
from ivr.flow.values.base import Reading
from ivr.flow.values.registry import kind_of


def begin(run: Run, name: str, step: FormStep) -> None:
    """Open a form anew; one that is repeated goes on where it was."""
    if run.state.form is None or run.state.form.step != name:
        run.state.form = form_view.first(step, name)


def _progress(run: Run) -> FormProgress:
    assert run.state.form is not None
    return run.state.form


def _set(run: Run, **changes: Any) -> None:
    run.state.form = replace(_progress(run), **changes)


def _form(run: Run) -> FormStep:
    form = open_form(run)
    assert form is not None
    return form


def take(run: Run, pending: Pending) -> None:
    """An answer of the open form was accepted."""
    progress = _progress(run)
    kind, _, name = pending.meaning.partition(":")
    confidence = pending.confidence
    unsure = confidence is not None and band(confidence, *_bands(run)) is not Band.ACCEPT
    _set(run, unsure=progress.unsure or unsure)
    if pending.meaning == "form":
        _done(run)
    elif progress.stage == "change" and kind == "choice":
        _reopen(run, name)
    elif isinstance(pending.value, Mapping):
        _take_several(run, pending.value, pending.mode, pending.heard, confidence)
    else:
        _fill(run, progress.asked, pending.value)
        _go_on(run)


def _bands(run: Run) -> tuple[float, float]:
    confidence = waiting_of(run).confidence
    return confidence.accept, confidence.reject


def _fill(run: Run, name: str, value: object) -> None:
    field = _form(run).form.fields[name]
    keep(run, form_view.variable_of(name, field), value, is_sensitive=field.sensitive)
    _set(run, filled={**_progress(run).filled, name: value})


def _take_several(run: Run, readings: Mapping[str, Reading], mode: str, heard: str, confidence: float | None) -> None:
    values = {name: reading for name, reading in readings.items() if reading is not WRONG}
    changed = [name for name in values if name in _progress(run).filled]
    _forget(run, readings.keys() - values.keys())
    for name, reading in values.items():
        if not reading.others:
            _fill(run, name, reading.value)
    doubtful = next(((name, reading) for name, reading in values.items() if reading.others), None)
    if doubtful is not None:
        _ask_which(run, *doubtful, mode, heard, confidence)
        return
    is_told = changed and _progress(run).stage == "fields"
    _go_on(run, _changed(run, changed) if is_told else "")


def _ask_which(run: Run, name: str, reading: Reading, mode: str, heard: str, confidence: float | None) -> None:
    """Of one of the values it is not clear which is meant: ask that at once."""
    _set(run, asked=name, stage="fields", is_opening=False)
    spoken = _spoken(run, name, reading.value)
    pending = Pending("value", reading.value, heard, spoken, mode, confidence, others=reading.others)
    run.state.input = Input(started_at_s=run.at_s)
    ask_which(run, pending)


def _spoken(run: Run, name: str, value: object) -> str:
    found = form_view.field_ask(_form(run), name)
    return kind_of(found.ask).spoken(asked_of(run, found), value)


def _changed(run: Run, names: list[str]) -> str:
    heard = ", ".join(_spoken(run, name, _progress(run).filled[name]) for name in names)
    return templates.render(run.language.changed, {"heard": heard}, run.state.language)


def _reopen(run: Run, name: str) -> None:
    """Ask one field anew."""
    _forget(run, {name})
    _set(run, asked=name, stage="fields", is_opening=False)
    _ask(run)


def _forget(run: Run, names: Collection[str]) -> None:
    """These fields have no value any more."""
    _set(run, filled={name: value for name, value in _progress(run).filled.items() if name not in names})


def _go_on(run: Run, lead: str = "") -> None:
    """The next field without a value; the whole, where all have one; the end."""
    form, progress = _form(run), _progress(run)
    missing = [name for name in form.form.fields if name not in progress.filled]
    if missing:
        _set(run, asked=missing[0], stage="fields", is_opening=False)
        _ask(run, lead)
    elif _is_to_confirm(form, progress):
        confirm_whole(run)
    else:
        _done(run)


def _is_to_confirm(form: FormStep, progress: FormProgress) -> bool:
    if form.confirm == "low_confidence" and form.confirm_prompt is not None:
        return progress.unsure
    return form_view.confirms_whole(form) and (form.confirm != "low_confidence" or progress.unsure)


def _ask(run: Run, lead: str = "") -> None:
    run.quiet()
    if asking.leaves_empty_list(run, asking.open_step(run)):
        return
    run.state.input = Input(started_at_s=run.at_s)
    segments: tuple[Segment, ...] = ()
    text = ""
    if lead:
        text = asking.shown(run, lead)
        segments = run.segments(asking.plain("{{ heard }}"), {"heard": lead}, {"heard": text})
    ask(run, segments, text)


def confirm_whole(run: Run, tries: int = 1) -> None:
    """Read all answers back and ask whether they are right."""
    form = _form(run)
    _set(run, stage="whole", is_opening=False)
    filled = _progress(run).filled
    spoken = ", ".join(_spoken(run, name, filled[name]) for name in form.form.fields)
    run.quiet()
    pending = Pending("form", dict(filled), "", spoken, run.state.input.mode, None, tries)
    run.state.input = Input(started_at_s=run.at_s, pending=pending, mode=run.state.input.mode)
    prompt = form.confirm_prompt or asking.plain(run.language.confirm_prompt)
    said = run.said(prompt, {"heard": spoken}, {"heard": asking.shown(run, spoken)})
    run.state.input.prompt_text = said.text
    say_and_listen(run, said.segments)


def change(run: Run) -> None:
    """The whole is not right, and the caller did not say what is."""
    if len(_form(run).form.fields) == 1:
        _reopen(run, next(iter(_form(run).form.fields)))
        return
    _set(run, stage="change")
    _ask(run)


def correct(
    run: Run, pending: Pending, readings: Mapping[str, Reading], mode: str, heard: str, confidence: float | None
) -> None:
    """The caller said at once what is right; what else was read back to him stays."""
    before = pending.value if pending.meaning == "fields" and isinstance(pending.value, Mapping) else {}
    _set(run, stage="whole")
    _take_several(run, {**before, **readings}, mode, heard, confidence)


def _done(run: Run) -> None:
    form, step = _form(run), run.state.step
    run.state.form = None
    run.state.input = Input()
    frames.remember(run, step)
    run.goto(form.next or "return")


def gives_up(run: Run) -> None:
    """The attempts are used up: a form that is entered again begins anew."""
    run.state.form = None


def asks_field(run: Run) -> None:
    """The opening sentence brought nothing: the first field is asked by itself."""
    if run.state.form is not None and open_form(run) is not None:
        _set(run, is_opening=False)
