"""What the rules of the check look at: the flow, its positions, and the world around it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from ivr.errors import MOST_OF_A_KIND, Problem, Severity
from ivr.flow.checks.graph import Edge
from ivr.flow.checks.queue_context import QueueContext
from ivr.flow.checks.services import ServicesContext
from ivr.flow.checks.silence import edges_in
from ivr.flow.loader import LoadedFlow
from ivr.flow.marks import Mark, find, find_models
from ivr.flow.model import BUILT_IN_TARGETS, AskStep, Flow, FormField, FormStep, InputStep
from ivr.flow.parts import Command, Prompt, PromptItem
from ivr.flow.prompts import languages_of
from ivr.flow.question import commands_heard
from ivr.flow.steps.models import ReturnStep
from ivr.immutable import immutable
from ivr.model_errors import owner_of, source_path
from ivr.yaml_source import DataPath


@immutable
class CheckContext:
    """The world around a flow, as plain data. What is None is not known, and its rules are left out."""

    targets: frozenset[str] | None = None
    """Names that `transfer: {to: …}` may hold."""
    sound_problem: Callable[[str], str | None] | None = None
    """For a path such as `sounds/en/hello.wav`: what is wrong with the file, or None."""
    knows_word: Callable[[str, str], bool] | None = None
    """Whether the recognizer of a language tag can hear a word."""
    substitutes: Callable[[str, Sequence[str], Sequence[str]], Mapping[str, Sequence[str]]] | None = None
    """For a language tag, words that its recognizer lacks, and all phrases that are listened for with them: what is
    listened for in place of each word, the nearest first; words that nothing sounds like are absent."""
    pronounce: Callable[[str, Sequence[str]], Mapping[str, str]] | None = None
    """For a language tag and phrases: the sounds of each phrase, in letters of the IPA; unknown ones are absent."""
    languages_with_model: frozenset[str] | None = None
    """Primary tags ("en") of the languages that can be recognized."""
    services: ServicesContext | None = None
    """Hosts, calendars and receivers."""
    queues: Mapping[str, QueueContext] | None = None
    """By name."""
    flows: Mapping[str, Flow] | None = None
    """The flows that `run:` can name."""


@immutable
class PromptPlace:
    """A prompt and where it is written."""

    step: str
    """Name of the step, or `defaults`."""
    path: DataPath
    key: str
    """The key that holds it: `say`, `prompt`, `no_input` …"""
    prompt: Prompt


class Marked(NamedTuple):
    """A text of a step that the language gives a meaning to (`ivr.flow.marks`)."""

    step: str
    path: DataPath
    """In the terms of the model: `Subject.path_of` tells the place in the file."""
    text: str


_NO_KEYS = ("by_count",)
"""Parts of a path that only the model knows."""


def _key(path: DataPath) -> str:
    """The key that holds a prompt, or the list of prompts that it is one of."""
    keys = [part for part in path if isinstance(part, str) and part not in _NO_KEYS and not part.isdecimal()]
    return keys[-1]


@immutable
class ValuePlace:
    """A question for a value, and where it is written."""

    step: str
    path: DataPath
    asked: AskStep | FormField
    into: str
    """Variable that takes the value."""


@dataclass(frozen=True)
class Subject:
    """One flow under check."""

    loaded: LoadedFlow
    context: CheckContext = field(default_factory=CheckContext)

    @property
    def flow(self) -> Flow:
        """The flow itself."""
        return self.loaded.flow

    @cached_property
    def edges(self) -> Mapping[str, tuple[Edge, ...]]:
        """Every way out of every step."""
        return edges_in(self.flow, self.context.flows or {})

    @cached_property
    def is_part(self) -> bool:
        """Whether the flow is made to be run by another one."""
        flow = self.flow
        return bool(flow.takes) or any(isinstance(step, ReturnStep) for step in flow.steps.values())

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Every language that a call can be in."""
        return languages_of(self.flow)

    @cached_property
    def reachable(self) -> frozenset[str]:
        """Steps that a call can come to; every step where the start itself is unknown."""
        flow = self.flow
        if flow.start not in flow.steps:
            return frozenset(flow.steps)
        return self.reachable_from([flow.start, flow.on_error or "", flow.on_hang_up.go if flow.on_hang_up else ""])

    def reachable_from(self, names: list[str]) -> frozenset[str]:
        """Steps that a call can come to from some of them, these included."""
        seen: set[str] = set()
        waiting = list(names)
        while waiting:
            name = self._meant(waiting.pop())
            if name in self.flow.steps and name not in seen:
                seen.add(name)
                waiting += {edge.target: None for edge in self.edges[name]}
        return frozenset(seen)

    def _meant(self, target: str) -> str:
        """The step that a misspelt target surely means, so that one mistake is not reported as two."""
        if not target or target in self.flow.steps or target in BUILT_IN_TARGETS:
            return target
        if target not in self._misspelt and len(self._misspelt) < MOST_OF_A_KIND:
            near = difflib.get_close_matches(target, self.flow.steps, n=1)
            self._misspelt[target] = near[0] if near else target
        return self._misspelt.get(target, target)

    @cached_property
    def _misspelt(self) -> dict[str, str]:
        """Targets that there are not, and what they surely mean."""
        return {}

    @cached_property
    def prompts(self) -> tuple[PromptPlace, ...]:
        """Every prompt of the flow."""
        places = [("defaults", path, prompt) for path, prompt in find_models(self.flow.defaults, Prompt, ("defaults",))]
        for name, step in self.flow.steps.items():
            places += [(name, path, prompt) for path, prompt in find_models(step, Prompt, ("steps", name))]
        return tuple(PromptPlace(name, self.path_of((), *path), _key(path), prompt) for name, path, prompt in places)

    @cached_property
    def _items(self) -> Mapping[DataPath, tuple[tuple[DataPath, PromptItem], ...]]:
        return {
            place.path: tuple((self.path_of(place.path, index), item) for index, item in enumerate(place.prompt.items))
            for place in self.prompts
        }

    def items(self, place: PromptPlace) -> Sequence[tuple[DataPath, PromptItem]]:
        """The items of a prompt with their places."""
        return self._items[place.path]

    def texts(self, place: PromptPlace) -> Iterator[tuple[DataPath, str, str]]:
        """Place, language tag and text of every text in a prompt."""
        for path, item in self.items(place):
            for tag, text in item.text.items():
                yield self.path_of(path, "text", tag), tag, text

    @cached_property
    def references(self) -> tuple[tuple[DataPath, str], ...]:
        """Every target that is written somewhere in the flow, with its place."""
        return tuple(find(self.flow, Mark.TARGET))

    @cached_property
    def conditions(self) -> tuple[Marked, ...]:
        """Every condition of a step."""
        return tuple(self._marked(Mark.CONDITION))

    @cached_property
    def templates(self) -> tuple[Marked, ...]:
        """Every text of a step that may have something to fill in."""
        return tuple(self._marked(Mark.TEMPLATE))

    @cached_property
    def kept(self) -> tuple[Marked, ...]:
        """Every variable that takes what a step finds out."""
        return tuple(self._marked(Mark.INTO))

    def _marked(self, mark: Mark) -> Iterator[Marked]:
        for name, step in self.flow.steps.items():
            for path, text in find(step, mark, ("steps", name)):
                yield Marked(name, path, text)

    @cached_property
    def leaves(self) -> Sequence[tuple[DataPath, object]]:
        """Everything in the file that is neither a group nor a list, with its place."""
        return self.loaded.source.leaves()

    @cached_property
    def listening_steps(self) -> Mapping[str, InputStep]:
        """Steps that wait for the caller."""
        return {name: step for name, step in self.flow.steps.items() if isinstance(step, InputStep)}

    @cached_property
    def values(self) -> tuple[ValuePlace, ...]:
        """Every question for a value: `ask` steps and the fields of forms."""
        found = []
        for name, step in self.flow.steps.items():
            if isinstance(step, AskStep):
                found.append(ValuePlace(name, self.written(("steps", name)), step, step.into))
            elif isinstance(step, FormStep):
                for key, field in step.form.fields.items():
                    path: DataPath = ("steps", name, "form", "fields", key)
                    found.append(ValuePlace(name, path, field, field.into or key))
        return tuple(found)

    def commands_of(self, step: InputStep) -> dict[str, Command]:
        """The commands that are heard in a step."""
        return commands_heard(self.flow, step)

    def path_of(self, base: DataPath, *parts: str | int) -> DataPath:
        """`base` and as many of `parts` as are written in the file."""
        if not base:
            base, parts = (), self.written(parts)
        return source_path(self.loaded.source, self.written(base), parts)

    def written(self, path: DataPath) -> DataPath:
        """Where something is written; what is part of a piece stands in the step that it is a piece of."""
        pieces = self.loaded.pieces
        if not pieces or len(path) < 2:
            return path
        if path[0] == "commands" and "." in str(path[1]):
            owner, _, part = str(path[1]).partition(".")
            return ("steps", owner, "survey", part, *path[2:])
        piece = pieces.get(str(path[1])) if path[0] == "steps" else None
        if piece is None:
            return path
        rest = path[2:]
        if rest[: len(piece.leave_out)] == piece.leave_out:
            rest = rest[len(piece.leave_out) :]
        return ("steps", piece.name.partition(".")[0], *piece.place, *rest)

    def line_of(self, path: DataPath) -> int:
        """Line of a key."""
        return self.loaded.source.positions.of_key(self.written(path)).line

    def error(self, path: DataPath, message: str, rule: str, *, at_key: bool = False) -> Problem:
        """An error at a place of the file."""
        path = self.written(path)
        return self.loaded.source.problem(path, message, rule, at_key=at_key, step=owner_of(path))

    def warning(self, path: DataPath, message: str, rule: str, *, at_key: bool = False) -> Problem:
        """A warning at a place of the file."""
        found = self.error(path, message, rule, at_key=at_key)
        return Problem(found.file, found.line, found.column, found.step, message, Severity.WARNING, rule)
