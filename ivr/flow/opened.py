"""A question as it stands open, with everything about it that the flow alone decides: worked out once for all calls."""

from __future__ import annotations

from ivr.flow import form_view
from ivr.flow.model import AskStep, Flow, FormStep, InputStep, Menu, MenuStep
from ivr.flow.question import Question, waiting_for
from ivr.flow.state import Draft, FormProgress
from ivr.flow.values.registry import kind_of

_CHANGING = frozenset({"amount"})
"""Kinds of answers whose words depend on the call: on its currency."""


class Opened:
    """A menu, an `ask`, or what a form asks right now."""

    __slots__ = (
        "action", "asks", "confirmations", "form", "hides_answers", "is_fixed", "keys_prompt", "kind", "prompt",
        "questions", "step", "waiting",
    )  # fmt: skip

    def __init__(self, flow: Flow, step: MenuStep | AskStep, form: FormStep | None = None) -> None:
        """`form` is the form that asks."""
        self.step: InputStep = step
        self.form = form
        self.asks = step if isinstance(step, AskStep) else None
        """The step, where a value is wanted."""
        self.kind = kind_of(step.ask) if isinstance(step, AskStep) else None
        """Of that value."""
        prompts: Menu | AskStep = step.menu if isinstance(step, MenuStep) else step
        self.prompt, self.keys_prompt = prompts.prompt, prompts.keys_prompt
        self.waiting = waiting_for(flow, step)
        self.action = (form or step).action
        self.hides_answers = _hides_answers(step, form)
        """Whether what is said must not be kept."""
        self.is_fixed = _is_fixed(step, form)
        """Whether the question is the same in every call of a language."""
        self.questions: dict[str, Question] = {}
        """By language, where it is fixed."""
        self.confirmations: dict[tuple[str, bool], Question] = {}
        """By language, and whether the answer can be corrected at once, where it is fixed."""


def _hides_answers(step: InputStep, form: FormStep | None) -> bool:
    """A sentence to a form may hold any of its answers."""
    if form is not None:
        return any(field.sensitive for field in form.form.fields.values())
    return isinstance(step, AskStep) and step.sensitive


def _is_fixed(step: InputStep, form: FormStep | None) -> bool:
    fields = form.form.fields.values() if form is not None else ()
    asked = [*fields, *([step] if isinstance(step, AskStep) else [])]
    return all(each.choices_from is None and each.ask not in _CHANGING for each in asked)


def opened_at(flow: Flow, state: Draft) -> Opened:
    """What the step of the state asks. Raises AssertionError for a step that does not listen."""
    step = flow.steps[state.step]
    known = flow.opened.get(state.step)
    if known is not None:
        return known
    if isinstance(step, FormStep):
        return _opened_form(flow, step, state)
    assert isinstance(step, MenuStep | AskStep), f"{state.step} asks nothing"
    flow.opened[state.step] = found = Opened(flow, step)
    return found


def _opened_form(flow: Flow, form: FormStep, state: Draft) -> Opened:
    progress = state.form or form_view.first(form, state.step)
    key = _key(state, progress)
    known = flow.opened.get(key)
    if known is None:
        flow.opened[key] = known = Opened(flow, form_view.view(form, state), form)
    return known


def _key(state: Draft, progress: FormProgress) -> tuple[str, ...]:
    """What decides which question of its form is open."""
    if progress.stage == "fields":
        return (state.step, progress.asked, "opening" if progress.is_opening else "")
    return (state.step, progress.stage, state.language)
