"""Rules about templates, conditions and variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from jinja2 import TemplateError

from ivr.errors import Problem
from ivr.flow.asking import CHOICES
from ivr.flow.checks.graph import Edge
from ivr.flow.checks.running import surely_kept
from ivr.flow.checks.subject import Subject
from ivr.flow.checks.texts import templates_in
from ivr.flow.marks import Mark, find
from ivr.flow.model import FormStep, SetStep, Step
from ivr.flow.speaking import filters
from ivr.flow.steps.models import RunStep
from ivr.flow.steps.queue_model import QueueStep
from ivr.flow.steps.registry import kind_of
from ivr.flow.template_check import check_expression, check_template, variables_of
from ivr.flow.template_rules import FILTERS, is_template
from ivr.immutable import immutable
from ivr.model_errors import did_you_mean
from ivr.yaml_source import DataPath

BUILT_IN_VARIABLES = ("call", "step")
"""Known everywhere: `call.from`, `call.to`, `call.name`, `call.language`; `step.name` and `step.visits`."""

ERROR = "error"
"""What broke (`error.kind`, `error.step`); known behind an `on_error`."""

HEARD = "heard"
"""What was understood; in a `confirm_prompt` only."""

_NO_FILTER = re.compile(r"No filter named '(\w+)'")
_SINGLE_EQUALS = re.compile(r"(?<![=!<>])=(?!=)")
_ONE_EQUALS_SIGN = "one = does not compare; write =="
_KNOWN_FILTERS = frozenset({*FILTERS, *filters("en")})
_NOTHING = frozenset[str]()


@immutable
class Read:
    """A place where variables are read."""

    step: str
    path: DataPath
    names: frozenset[str]
    set_before: frozenset[str] = frozenset()
    """Variables that the same step has set by then."""


def template_syntax(subject: Subject) -> Iterator[Problem]:
    """A template or condition that cannot be read."""
    for path, text, is_condition in _written(subject):
        trouble = check_expression(text) if is_condition else check_template(text)
        if trouble:
            what = "condition" if is_condition else "template"
            reason = _ONE_EQUALS_SIGN if is_condition and _SINGLE_EQUALS.search(text) else _in_words(trouble)
            yield subject.error(path, f"the {what} cannot be used: {reason}", "template_syntax")


def _in_words(trouble: str) -> str:
    found = _NO_FILTER.search(trouble)
    if found:
        return f"there is no filter '{found[1]}'; {did_you_mean(found[1], sorted(_KNOWN_FILTERS), limit=20)}"
    return trouble if "; " in trouble else f"{trouble.rstrip('.')}; correct it"


def _written(subject: Subject) -> Iterator[tuple[DataPath, str, bool]]:
    """Every template and condition: place, text, whether it is a condition."""
    in_defaults = find(subject.flow.defaults, Mark.TEMPLATE, ("defaults",))
    for path, text in (*in_defaults, *((path, text) for _, path, text in subject.templates)):
        if is_template(text):
            yield subject.path_of((), *path), text, False
    for _, path, text in subject.conditions:
        yield subject.path_of((), *path), text, True


def _names_in(text: str) -> frozenset[str]:
    try:
        return variables_of(text) - set(BUILT_IN_VARIABLES)
    except TemplateError:
        return frozenset()


class Variables:
    """Where the variables of a flow are set and read."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.flow = subject.flow

    @cached_property
    def ever_set(self) -> frozenset[str]:
        """Every variable that gets a value anywhere."""
        names = {*self.flow.variables, *self.flow.takes}
        if self.flow.on_error or self.flow.defaults.failed or any(step.on_error for step in self.flow.steps.values()):
            names.add(ERROR)
        for step in self.flow.steps.values():
            names |= self._set_by(step)
        return frozenset(names)

    @staticmethod
    def _set_by(step: Step) -> frozenset[str]:
        return kind_of(step).variables(step)

    def _set_on(self, edge: Edge) -> frozenset[str]:
        """Variables that surely have a value once this way was taken."""
        if not edge.keeps_answer:
            return _NOTHING
        step = self.flow.steps[edge.source]
        if isinstance(step, RunStep):
            return surely_kept(step, (self.subject.context.flows or {}).get(step.run), edge.exit)
        return self._set_by(step)

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """Every place that reads variables; a default's text counts for each step that may say it."""
        return tuple(self._find_reads())

    def _find_reads(self) -> Iterator[Read]:
        for step, path, key, text in templates_in(self.subject):
            names = _names_in(text) - ({HEARD} if key == "confirm_prompt" else set())
            own = self.flow.steps.get(step)
            if key in ("prompt", "keys_prompt") and self._offers_data(path):
                names -= {CHOICES}
            if step == "defaults":
                users = self.subject.listening_steps.items()
                yield from (Read(name, path, names) for name, user in users if getattr(user, key) is None)
            elif isinstance(own, QueueStep):
                yield Read(step, path, names, self._set_by(own))  # the step fills it as it begins
            elif isinstance(own, FormStep) and key == "confirm_prompt" and path[2] == key:
                yield Read(step, path, names, self._set_by(own))  # every field has a value by then
            else:
                yield Read(step, path, names)
        for place in self.subject.values:
            if place.asked.choices_from:
                yield Read(place.step, (*place.path, "choices_from"), frozenset({place.asked.choices_from}))
        in_prompts = {place.path for place in self.subject.prompts}
        for name, found in self.flow.steps.items():
            if isinstance(found, SetStep):
                yield from self._reads_of_set(name, found)
        for name, path, text in self.subject.conditions:
            yield Read(name, self.subject.path_of((), *path), _names_in("{{ " + text + " }}"))
        for name, path, text in self.subject.templates:
            if not is_template(text) or isinstance(self.flow.steps[name], SetStep):
                continue
            where = self.subject.path_of((), *path)
            if not any(where[:length] in in_prompts for length in range(len(where), 1, -1)):
                found = self.flow.steps[name]
                own_values = self._set_by(found) if isinstance(found, QueueStep) else _NOTHING
                yield Read(name, where, _names_in(text), own_values)

    @cached_property
    def _with_data(self) -> frozenset[DataPath]:
        """Places of the questions whose choices come out of data."""
        return frozenset(place.path for place in self.subject.values if place.asked.choices_from)

    def _offers_data(self, path: DataPath) -> bool:
        return any(path[:length] in self._with_data for length in (2, 5))  # an `ask`, or a field of a form

    @staticmethod
    def _reads_of_set(name: str, step: SetStep) -> Iterator[Read]:
        keys = list(step.set)
        for path, text in find(step, Mark.TEMPLATE, ("steps", name)):
            if is_template(text):
                yield Read(name, path, _names_in(text), frozenset(keys[: keys.index(str(path[3]))]))

    @cached_property
    def _ways(self) -> Mapping[str, tuple[tuple[str, frozenset[str]], ...]]:
        """Where each step leads, and what has a value then that had none before; each such way once."""
        return {name: tuple(dict.fromkeys(map(self._way, edges))) for name, edges in self.subject.edges.items()}

    def _way(self, edge: Edge) -> tuple[str, frozenset[str]]:
        if edge.exit == "on_error":
            return edge.target, self._set_on(edge) | {ERROR}
        return edge.target, self._set_on(edge)

    def known_at_entry(self) -> Mapping[str, frozenset[str]]:
        """Variables that surely have a value when a step is entered, by every way there is."""
        start = frozenset({*self.flow.variables, *self.flow.takes})
        known = {self.flow.start: start}
        waiting = [self.flow.start]
        after_error = self.flow.on_error or self.flow.defaults.failed
        while waiting:
            name = waiting.pop()
            if name not in self.flow.steps:
                continue
            ways = [(target, known[name] | more) for target, more in self._ways[name]]
            if after_error:
                ways.append((after_error, known[name] | {ERROR}))
            if self.flow.on_hang_up:
                ways.append((self.flow.on_hang_up.go, known[name]))
            for target, there in ways:
                before = known.get(target)
                now = there if before is None else before & there
                if now != before:
                    known[target] = now
                    waiting.append(target)
        return known


def reserved_variable(subject: Subject) -> Iterator[Problem]:
    """A variable named like one that every flow has."""
    for path in _variables_written(subject):
        name = str(path[-1] if path[-1] != "into" else _value_at(subject, path))
        if name in (*BUILT_IN_VARIABLES, ERROR, HEARD):
            message = f"'{name}' is a variable that every flow has; give this one another name"
            yield subject.error(path, message, "reserved_variable", at_key=path[-1] != "into")


def _variables_written(subject: Subject) -> Iterator[DataPath]:
    """Places where a variable gets its name."""
    yield from (("variables", name) for name in subject.flow.variables)
    for name, step in subject.flow.steps.items():
        if isinstance(step, SetStep):
            yield from (("steps", name, "set", variable) for variable in step.set)
    for _, path, _ in subject.kept:
        written = subject.path_of((), *path)
        if len(written) > 2:  # else the variable has the name that it has where none is written
            yield written


def _value_at(subject: Subject, path: DataPath) -> object:
    value: object = subject.loaded.source.data
    for part in path:
        value = value[part]  # type: ignore[index]
    return value


def unset_variables(subject: Subject) -> Iterator[Problem]:
    """A variable that is read and never set, or that has no value yet on some way to the step."""
    variables = Variables(subject)
    known = variables.known_at_entry()
    reported: set[tuple[DataPath, str]] = set()
    for read in variables.reads:
        for name in sorted(read.names):
            if (read.path, name) in reported:
                continue
            problem = _judge(subject, variables, known, read, name)
            if problem:
                reported.add((read.path, name))
                yield problem


def _judge(
    subject: Subject, variables: Variables, known: Mapping[str, frozenset[str]], read: Read, name: str
) -> Problem | None:
    if name not in variables.ever_set:
        if name == HEARD:
            message = "'heard' is only known in a confirm_prompt; use the variable of `into:`"
        else:
            hint = did_you_mean(name, sorted({*variables.ever_set, *BUILT_IN_VARIABLES})) or "set it under variables:"
            message = f"nothing ever sets '{name}'; {hint}"
        return subject.error(read.path, message, "unknown_variable")
    if read.step in known and name not in known[read.step] | read.set_before:
        if name == ERROR:
            message = "'error' is known behind an `on_error` only, and a call can come here without one; leave it out"
            return subject.error(read.path, message, "unset_variable")
        message = f"'{name}' may have no value yet when a call comes here; give it a first value under variables:"
        return subject.error(read.path, message, "unset_variable")
    return None
