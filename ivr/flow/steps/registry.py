"""Every kind of step. A new one is a module of this package and a line here."""

from __future__ import annotations

from ivr.flow.model import Step
from ivr.flow.steps import (
    answer,
    ask,
    change_language,
    fill_form,
    hang_up,
    hours,
    menu,
    queue,
    record,
    request,
    run_flow,
    say,
    send,
    set_variables,
    survey,
    tag,
    transfer,
    video,
    when,
)
from ivr.flow.steps.kind import StepKind

KINDS: tuple[StepKind, ...] = (
    say.KIND,
    menu.KIND,
    ask.KIND,
    fill_form.KIND,
    survey.SURVEY,
    record.KIND,
    set_variables.KIND,
    when.KIND,
    change_language.KIND,
    tag.KIND,
    run_flow.RUN,
    run_flow.RETURN_STEP,
    transfer.KIND,
    video.KIND,
    queue.KIND,
    answer.KIND,
    hang_up.KIND,
    hours.KIND,
    request.KIND,
    send.KIND,
)

PIECES: tuple[StepKind, ...] = (
    survey.QUESTION,
    survey.NOTE,
    record.REVIEW,
    record.PLAYBACK,
    record.AGAIN,
)
"""Kinds that no file can name: what other steps are made of."""

STEP_KINDS: dict[str, type[Step]] = {kind.model.action: kind.model for kind in KINDS}
"""Action key to model: what `ivr.flow.loader` chooses by."""

_BY_MODEL: dict[type[Step], StepKind] = {kind.model: kind for kind in (*KINDS, *PIECES)}


def kind_of(step: Step) -> StepKind:
    """What there is to know of a step's kind."""
    known = _BY_MODEL.get(type(step))
    assert known is not None, f"no rule for {type(step).__name__}"
    return known
