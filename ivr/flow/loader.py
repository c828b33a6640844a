"""Text of a flow file to a model with positions. Pure; reading files is in `ivr.flows`."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import field, replace
from typing import cast

from pydantic import ValidationError

from ivr.errors import FlowSyntaxError, Problem, first_of_a_kind
from ivr.flow.model import Flow, HangUp, HangUpStep, Step
from ivr.flow.steps.kind import Piece
from ivr.flow.steps.registry import STEP_KINDS, kind_of
from ivr.immutable import immutable
from ivr.model_errors import did_you_mean, nothing_written, owner_of, problems_of
from ivr.yaml_source import YamlSource, read_yaml

VERSION_DIGITS = 12
"""Hexadecimal digits of the content hash that names a version of a flow."""

_STAND_IN = HangUpStep(hang_up=HangUp())


@immutable
class LoadedFlow:
    """A flow that could be read, and the file that it came from. Whether it can work is the check's business."""

    flow: Flow
    """With the pieces of steps that are made of several (`StepKind.pieces`)."""
    source: YamlSource
    pieces: Mapping[str, Piece] = field(default_factory=dict)
    """By name."""

    @property
    def file(self) -> str:
        """Name of the file, as it was given."""
        return self.source.file


def load_flow(content: str | bytes, file: str) -> LoadedFlow:
    """Read one flow. Raises FlowSyntaxError with every problem of the file."""
    source = read_yaml(content, file)
    yaml_problems = _with_steps(source)
    if source.data is None and yaml_problems:
        raise FlowSyntaxError(yaml_problems)
    if not isinstance(source.data, dict) or not source.data:
        message = "this is not a flow; write at least `flow:`, `start:` and `steps:`"
        raise FlowSyntaxError([*yaml_problems, source.problem((), message, "not_a_flow")])
    problems = [*yaml_problems, *_empty_values(source)]
    steps = _read_steps(source, problems)
    flow = _read_flow(source, steps, problems)
    if problems or flow is None:
        raise FlowSyntaxError(first_of_a_kind(sorted(set(problems))))
    pieces = {piece.name: piece for name, step in flow.steps.items() for piece in kind_of(step).pieces(name, step)}
    whole = {**flow.steps, **{name: piece.step for name, piece in pieces.items()}}
    flow = flow.model_copy(update={"version": content_version(content), "steps": whole})
    return LoadedFlow(flow, source, pieces)


def content_version(content: str | bytes) -> str:
    """Short hash of a file's content."""
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return hashlib.sha256(raw).hexdigest()[:VERSION_DIGITS]


def _empty_values(source: YamlSource) -> list[Problem]:
    """Keys with nothing behind them: a forgotten value, or text that begins with # and so became a comment."""
    return [
        source.problem(path, nothing_written(str(path[-1])), "empty", at_key=True, step=owner_of(path))
        for path, value in source.leaves()
        if value is None and path and path[0] != "variables" and path[2:3] != ("set",) and path != ("steps",)
    ]


def _with_steps(source: YamlSource) -> list[Problem]:
    """What is wrong with the YAML, each problem with the name of the step that its line is in."""
    if not source.problems:
        return []
    named = sorted(
        (position, str(path[-1]))
        for path, position in source.positions.keys.items()
        if len(path) == 1 or (len(path) == 2 and path[0] == "steps")
    )
    above = [bisect_right(named, problem.line, key=lambda each: each[0].line) for problem in source.problems]
    return [
        replace(problem, step=named[index - 1][1]) if index else problem
        for problem, index in zip(source.problems, above, strict=True)
    ]


def _read_steps(source: YamlSource, problems: list[Problem]) -> dict[str, Step]:
    data = cast(dict[str, object], source.data)
    steps = data.get("steps")
    if isinstance(steps, dict) and steps:
        return {name: _read_step(name, step, source, problems) for name, step in steps.items()}
    if "steps" in data:
        message = "there are no steps here; write each as `name:` with its keys below"
        problems.append(source.problem(("steps",), message, "no_steps", at_key=True, step="steps"))
    return {}


def _read_step(name: str, data: object, source: YamlSource, problems: list[Problem]) -> Step:
    """The step; a stand-in where it cannot be read, so that the rest of the flow can be judged."""
    path = ("steps", name)
    kinds = ", ".join(STEP_KINDS)
    if data is None:
        return _STAND_IN
    if not isinstance(data, dict):
        message = f"a step is a group of keys; write one of {kinds} below it"
        problems.append(source.problem(path, message, "step_kind", step=name))
        return _STAND_IN
    actions = [key for key in data if key in STEP_KINDS]
    if len(actions) != 1:
        problems.append(_wrong_actions(name, list(data), actions, source))
        return _STAND_IN
    kind = STEP_KINDS[actions[0]]
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems += problems_of(error, kind, source, path, step=name)
        return _STAND_IN


def _wrong_actions(name: str, keys: list[str], actions: list[str], source: YamlSource) -> Problem:
    if actions:
        message = f"a step does one thing, and this one has {' and '.join(actions)}; make them steps of their own"
        return source.problem(("steps", name, actions[1]), message, "step_kind", at_key=True, step=name)
    near = next((hint for key in keys if (hint := did_you_mean(key, STEP_KINDS)).startswith("did")), "")
    message = f"nothing says what this step does; {near or 'write one of: ' + ', '.join(STEP_KINDS)}"
    return source.problem(("steps", name), message, "step_kind", at_key=True, step=name)


def _read_flow(source: YamlSource, steps: dict[str, Step], problems: list[Problem]) -> Flow | None:
    data = dict(cast(dict[str, object], source.data))
    if "version" in data:
        del data["version"]
        message = "unknown key 'version'; remove it: a flow's version is worked out from its text"
        problems.append(source.problem(("version",), message, "unknown_key", at_key=True, step="version"))
    if "steps" in data:
        data["steps"] = steps
    try:
        return Flow.model_validate(data)
    except ValidationError as error:
        problems += problems_of(error, Flow, source)
        return None
