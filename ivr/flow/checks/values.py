"""Rules about forms, and about values that must not be used as something else."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import TemplateError

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject
from ivr.flow.model import FormStep
from ivr.flow.template_check import variables_of
from ivr.flow.template_rules import is_template
from ivr.yaml_source import DataPath

NOT_IN_FORMS = ("confirmed", "denied")
"""Exits of an `ask`, which a field of a form has none of."""

ADDRESS_KEYS = frozenset(
    {"to", "url", "get", "post", "put", "patch", "delete", "head", "host", "file", "play", "sip", "webhook", "mail"}
)
"""Keys that say whom to call, what to fetch, or what to play."""


def form_fields(subject: Subject) -> Iterator[Problem]:
    """A form without fields, with two fields in one variable, or with exits on a field."""
    for name, step in subject.flow.steps.items():
        if isinstance(step, FormStep):
            yield from _fields_of(subject, name, step)


def _fields_of(subject: Subject, name: str, step: FormStep) -> Iterator[Problem]:
    path: DataPath = ("steps", name, "form", "fields")
    if not step.form.fields:
        yield subject.error(path, "there is nothing to ask; write at least one field", "no_fields", at_key=True)
    taken: dict[str, str] = {}
    for key, field in step.form.fields.items():
        variable = field.into or key
        other = taken.setdefault(variable, key)
        if other != key:
            message = f"'{other}' is kept in '{variable}' as well; give one of them another `into:`"
            yield subject.error((*path, key), message, "field_twice", at_key=True)
        for option in NOT_IN_FORMS:
            if getattr(field, option, None) is not None:
                message = f"`{option}` belongs to an `ask` step; branch with `when` after the form"
                yield subject.error((*path, key, option), message, "option_does_not_fit", at_key=True)


def free_text_as_address(subject: Subject) -> Iterator[Problem]:
    """What a caller says freely, used to dial or to fetch something."""
    free = {place.into for place in subject.values if place.asked.ask == "free"}
    if not free:
        return
    for path, text in subject.leaves:
        if not (isinstance(text, str) and path and path[-1] in ADDRESS_KEYS and is_template(text)):
            continue
        if used := sorted(_variables(text) & free):
            message = f"'{used[0]}' is whatever a caller says, and must not choose an address; ask for a `choice`"
            yield subject.error(path, message, "free_text_as_address")


def _variables(text: str) -> frozenset[str]:
    try:
        return variables_of(text)
    except TemplateError:
        return frozenset()
