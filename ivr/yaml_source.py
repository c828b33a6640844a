"""YAML text to plain data with the position of every key and value. Pure.

Scalars follow YAML 1.2: only `true` and `false` are booleans, so `yes`, `no`, `on` and `off` stay words. Keys of
mappings are always text. What people trip over (leading zeros, duplicate keys, tabs, tags, merge keys) is refused with
what to do instead; every such problem of a file is reported, up to the first place where it stops being YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from ivr.errors import MOST_OF_A_KIND, Problem, first_of_a_kind
from ivr.immutable import immutable
from ivr.yaml_syntax import explain_syntax_error

MAX_SOURCE_BYTES = 1_000_000
MAX_NODES = 50_000
"""Values in one file, aliases counted with everything they stand for."""
MAX_DEPTH = 50

DataPath = tuple[str | int, ...]
"""Keys and list indexes that lead to a value, e.g. `("steps", "main", "menu", "choices", "sales", "go")`."""

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_LOOKS_LIKE_A_NUMBER = re.compile(r"\+[0-9]+|-?0[0-9]+|0[xo][0-9a-fA-F]+|[0-9]+(?::[0-5]?[0-9])+")
_CONSTANTS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_MAY_BE_A_NUMBER = frozenset("+-0123456789")
"""How everything begins that the three patterns accept."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Position(NamedTuple):
    """A place in a file, both 1-based."""

    line: int
    column: int


@immutable
class Positions:
    """Where keys and values of a file were written."""

    keys: dict[DataPath, Position] = field(default_factory=dict)
    values: dict[DataPath, Position] = field(default_factory=dict)

    def of_value(self, path: DataPath) -> Position:
        """Position of the value at `path`, else of the nearest parent that is in the file."""
        return self._nearest(path, self.values)

    def of_key(self, path: DataPath) -> Position:
        """Position of the key that ends `path`, else of the nearest parent's key that is in the file."""
        return self._nearest(path, self.keys)

    def _nearest(self, path: DataPath, first: dict[DataPath, Position]) -> Position:
        for end in range(len(path), 0, -1):
            found = first.get(path[:end]) or self.keys.get(path[:end]) or self.values.get(path[:end])
            if found:
                return found
        return self.values.get((), Position(1, 1))


@immutable
class YamlSource:
    """One YAML file, read: plain data, positions, and what is wrong with it."""

    file: str
    data: object
    """dict, list, str, int, float, bool or None."""
    positions: Positions
    problems: tuple[Problem, ...]

    def leaves(self) -> list[tuple[DataPath, object]]:
        """Everything that is neither a group nor a list, in the order of the file, with its place."""
        found: list[tuple[DataPath, object]] = []
        _gather((), self.data, found)
        return found

    def problem(self, path: DataPath, message: str, rule: str, *, at_key: bool = False, step: str = "") -> Problem:
        """A problem at the value (or key) of `path`."""
        where = self.positions.of_key(path) if at_key else self.positions.of_value(path)
        return Problem(self.file, where.line, where.column, step, message, rule=rule)


def _gather(path: DataPath, value: object, found: list[tuple[DataPath, object]]) -> None:
    """Recursion is bounded by MAX_DEPTH."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _gather((*path, key), item, found)
    else:
        found.append((path, value))


def read_yaml(content: str | bytes, file: str) -> YamlSource:
    """Read one YAML document. Never raises for bad content: see `problems`; `data` is None if nothing is usable."""
    text = _decode(content, file)
    if isinstance(text, Problem):
        return YamlSource(file, None, Positions(), (text,))
    builder = _Builder(file)
    try:
        builder.read(_events(text))
    except yaml.YAMLError as error:
        builder.problems += builder.unclosed_quote(error) or explain_syntax_error(error, text, file)
        builder.data = None
    except _GiveUp:
        builder.data = None
    return YamlSource(file, builder.data, builder.positions, tuple(sorted(builder.problems)))


def _events(text: str) -> Iterator[yaml.Event]:
    loader = _Loader(text)
    try:
        yield from iter(loader.get_event, None)
    finally:
        loader.dispose()


def _decode(content: str | bytes, file: str) -> str | Problem:
    size_bytes = len(content)
    if size_bytes > MAX_SOURCE_BYTES:
        message = f"the file is larger than {MAX_SOURCE_BYTES // 1_000_000} MB; split it into several files"
        return Problem(file, 1, 1, "", message, rule="file_size")
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line_start = before.rfind(b"\n") + 1
        column = len(before[line_start:].decode("utf-8", "replace")) + 1
        message = "this character is not UTF-8; save the file as UTF-8"
        return Problem(file, before.count(b"\n") + 1, column, "", message, rule="encoding")


class _GiveUp(Exception):
    """The rest of the file is not worth reading."""


@dataclass(slots=True)
class _Anchor:
    value: object
    node_count: int
    height: int
    """Levels below it."""


class _Builder:
    """Builds data from parser events; recursion is bounded by MAX_DEPTH."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.data: object = None
        self.positions = Positions()
        self.problems: list[Problem] = []
        self._anchors: dict[str, _Anchor] = {}
        self._node_count = 0
        self._deepest = 0
        self._events: Iterator[yaml.Event] = iter(())
        self._long_quote: yaml.ScalarEvent | None = None

    def read(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        documents = 0
        for event in events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            documents += 1
            if documents > 1:
                self._report(event, "a second document begins here; keep one per file and remove the ---", "documents")
                return
            self.data = self._node(next(events), (), 0)

    def unclosed_quote(self, error: yaml.YAMLError) -> list[Problem]:
        """Where a forgotten quote shows only lines later, at the next quote: the place where it was opened."""
        quote, mark = self._long_quote, getattr(error, "problem_mark", None)
        if quote is None or mark is None or quote.end_mark is None or quote.end_mark.line != mark.line:
            return []
        line = quote.end_mark.line + 1
        message = f"the quote opened here ends only in line {line}; close it where the text ends"
        return [self._problem(quote, message, "yaml_syntax")]

    def _problem(self, event: yaml.Event, message: str, rule: str) -> Problem:
        where = _position(event)
        return Problem(self.file, where.line, where.column, "", message, rule=rule)

    def _report(self, event: yaml.Event, message: str, rule: str) -> None:
        self.problems.append(self._problem(event, message, rule))
        if len(self.problems) > MOST_OF_A_KIND:
            self.problems = first_of_a_kind(self.problems)
            raise _GiveUp

    def _node(self, event: yaml.Event, path: DataPath, depth: int) -> object:
        self.positions.values[path] = _position(event)
        if isinstance(event, yaml.ScalarEvent) and event.anchor is None:  # most are
            self._measure(event, 1, depth)
            self._refuse_tag(event, event.tag)
            return self._scalar(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        assert isinstance(event, yaml.NodeEvent)
        nodes_before, deepest_before = self._node_count, self._deepest
        self._deepest = depth
        self._measure(event, 1, depth)
        value = self._content(event, path, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(value, self._node_count - nodes_before, self._deepest - depth)
        if deepest_before > self._deepest:
            self._deepest = deepest_before
        return value

    def _content(self, event: yaml.NodeEvent, path: DataPath, depth: int) -> object:
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_tag(event, event.tag)
            return self._scalar(event)
        assert isinstance(event, yaml.CollectionStartEvent)
        self._refuse_tag(event, event.tag)
        return self._mapping(path, depth) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path, depth)

    def _refuse_tag(self, event: yaml.Event, tag: str | None) -> None:
        if tag is not None and tag != "!":
            self._report(event, f"tags such as {_short_tag(tag)} are not used here; remove it", "tag")

    def _measure(self, event: yaml.Event, nodes: int, depth: int) -> None:
        """Count what is read, aliases with all that they stand for, and stop at the limits."""
        self._node_count += nodes
        if depth > self._deepest:
            self._deepest = depth
        if self._node_count > MAX_NODES:
            self._report(event, f"more than {MAX_NODES} values (aliases included); split the file", "size")
            raise _GiveUp
        if depth > MAX_DEPTH:
            self._report(event, f"nested deeper than {MAX_DEPTH} levels (aliases included); flatten it", "nesting")
            raise _GiveUp

    def _alias(self, event: yaml.AliasEvent, depth: int) -> object:
        name = event.anchor or ""
        anchor = self._anchors.get(name)
        if anchor is None:
            message = f"*{name} stands for a value marked &{name} further up, and there is none; put text in quotes"
            self._report(event, message, "alias")
            return None
        self._measure(event, anchor.node_count, depth + anchor.height)
        return anchor.value

    def _sequence(self, path: DataPath, depth: int) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, path: DataPath, depth: int) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path, depth)
            if key is None or key in mapping:
                if key is not None:
                    first = self.positions.keys[(*path, key)]
                    self._report(
                        event, f"{key!r} is already written in line {first.line}; keep one of them", "duplicate_key"
                    )
                self._skip_value(path, depth)
                continue
            place = (*path, key)
            self.positions.keys[place] = _position(event)
            mapping[key] = self._node(next(self._events), place, depth + 1)
        return mapping

    def _key(self, event: yaml.Event, path: DataPath, depth: int) -> str | None:
        if isinstance(event, yaml.ScalarEvent):
            if event.value == "<<" and event.implicit[0]:
                self._report(event, "merge keys (<<) are not part of the language; write the keys out", "merge_key")
                return None
            self._measure(event, 1, depth)
            return str(event.value)
        if isinstance(event, yaml.MappingStartEvent):
            message = "a text that begins with { must be in quotes, also where it begins with {{; a key is plain text"
        else:
            message = "a key must be plain text"
        self._report(event, message, "key")
        self._node(event, (*path, "?"), depth + 1)
        return None

    def _skip_value(self, path: DataPath, depth: int) -> None:
        """Read a value that is not kept; its own mistakes are still reported."""
        self._node(next(self._events), (*path, "?"), depth + 1)

    def _scalar(self, event: yaml.ScalarEvent) -> object:
        text = str(event.value)
        if not event.implicit[0]:  # quoted, or a block of text
            if event.style in ("'", '"') and event.end_mark and event.end_mark.line + 1 > _position(event).line:
                self._long_quote = event
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text[0] not in _MAY_BE_A_NUMBER:
            return text
        if _INTEGER.fullmatch(text):
            return int(text) if len(text) <= 18 else text
        if _FLOAT.fullmatch(text):
            return float(text)
        if _LOOKS_LIKE_A_NUMBER.fullmatch(text):
            self._report(
                event, f'{text} can be read as a number in more than one way; write "{text}" in quotes', "number"
            )
        return text


def _position(event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
