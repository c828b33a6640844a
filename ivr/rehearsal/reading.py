"""Text of a `*.test.yaml` file to conversations with positions, and every mistake in it. Reads no files itself."""

from __future__ import annotations

from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from ivr.errors import Problem
from ivr.immutable import immutable
from ivr.model_errors import did_you_mean, nothing_written, problems_of
from ivr.rehearsal.acts import VERBS, Act
from ivr.rehearsal.model import Conversation, ConversationFile
from ivr.yaml_source import DataPath, Position, YamlSource, read_yaml

Kind = TypeVar("Kind", bound=BaseModel)


@immutable
class PlacedConversation:
    """One conversation and where it stands."""

    conversation: Conversation
    source: YamlSource
    index: int

    @property
    def path(self) -> DataPath:
        """Where in the file's data."""
        return ("tests", self.index)

    @property
    def position(self) -> Position:
        """Where it begins."""
        return self.source.positions.of_value(self.path)

    def position_of(self, act_index: int) -> Position:
        """Where a line of `call` stands."""
        return self.source.positions.of_value((*self.path, "call", act_index))

    def position_of_expected(self, key: str) -> Position:
        """Where a key of `expect` stands."""
        path = (*self.path, "expect", key)
        nested = (*self.path, "expect", "variables", key)
        return self.source.positions.of_key(nested if nested in self.source.positions.keys else path)


@immutable
class LoadedConversations:
    """A file, read. With problems it is not played."""

    flow: str
    """Name of the flow under test; empty where the file does not say it."""
    conversations: tuple[PlacedConversation, ...]
    source: YamlSource
    problems: tuple[Problem, ...] = ()

    @property
    def file(self) -> str:
        """Name of the file, as it was given."""
        return self.source.file


def load_conversations(content: str | bytes, file: str) -> LoadedConversations:
    """Read a file. Never raises for bad content: see `problems`."""
    source = read_yaml(content, file)
    if not isinstance(source.data, dict) or not source.data:
        message = (
            "there are no conversations here; write `tests:` and below it a list of calls with `name:` and `call:`"
        )
        problems = source.problems or (source.problem((), message, "no_tests"),)
        return LoadedConversations("", (), source, problems)
    return _Reader(source).read()


class _Reader:
    """Gathers conversations and problems of one file."""

    def __init__(self, source: YamlSource) -> None:
        self._source = source
        self._data = cast(dict[str, object], source.data)
        self._problems: list[Problem] = list(source.problems)

    def read(self) -> LoadedConversations:
        whole = self._validated(ConversationFile, {**self._data, "tests": []}, ())
        conversations = self._conversations()
        flow = whole.flow if whole is not None and whole.flow else ""
        return LoadedConversations(flow, conversations, self._source, tuple(sorted(set(self._problems))))

    def _validated(self, kind: type[Kind], data: object, path: DataPath, name: str = "") -> Kind | None:
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            self._problems += problems_of(error, kind, self._source, path, step=name)
            return None

    def _conversations(self) -> tuple[PlacedConversation, ...]:
        tests = self._data.get("tests")
        if not isinstance(tests, list) or not tests:
            message = "there are no conversations here; write a list of calls, each with `name:` and `call:`"
            self._add(("tests",), message, "no_tests", at_key=True)
            return ()
        found = [self._conversation(index, test) for index, test in enumerate(tests)]
        self._same_names(found)
        return tuple(each for each in found if each is not None)

    def _conversation(self, index: int, data: object) -> PlacedConversation | None:
        path: DataPath = ("tests", index)
        if not isinstance(data, dict):
            self._add(path, "a conversation is a group of keys; write `name:` and `call:` below the dash", "test")
            return None
        name = str(data.get("name") or f"tests[{index}]")
        acts = self._acts((*path, "call"), data.get("call"), name)
        whole = {key: value for key, value in data.items() if key != "call"}
        if "call" not in data:
            self._add(path, "'call' is missing; write what is heard, said and pressed below it", "missing_key", name)
        for key in ("given", "mock"):
            whole[key] = self._with_common(key, data.get(key, {}), (*path, key), name)
        read = self._validated(Conversation, whole, path, name)
        return None if read is None else PlacedConversation(read.model_copy(update={"call": acts}), self._source, index)

    def _with_common(self, key: str, own: object, path: DataPath, name: str) -> object:
        """A conversation's own `given` or `mock` over that of the whole file."""
        if own is None:
            self._add(path, nothing_written(key), "empty", name, at_key=True)
            return {}
        common = self._data.get(key)
        return {**common, **own} if isinstance(common, dict) and isinstance(own, dict) else own

    def _acts(self, path: DataPath, data: object, name: str) -> tuple[Act, ...]:
        if data is None:
            return ()
        if not isinstance(data, list):
            self._add(path, "a call is a list; write a dash before each line: - say: yes", "call", name)
            return ()
        read = (self._act((*path, index), item, name) for index, item in enumerate(data))
        return tuple(act for act in read if act is not None)

    def _act(self, path: DataPath, data: object, name: str) -> Act | None:
        if isinstance(data, str) and _verb(data) == "hang_up":
            data = {data: True}
        if not isinstance(data, dict) or len(data) != 1:
            self._add(path, f"a line of a call has one key; write one of: {', '.join(VERBS)}", "act", name)
            return None
        (key, value), *_ = data.items()
        kind = VERBS.get(_verb(key))
        if kind is None:
            message = f"nothing is called '{key}' here; {did_you_mean(_verb(key), VERBS, limit=20)}"
            self._add((*path, key), message, "unknown_key", name, at_key=True)
            return None
        if value is None:
            self._add((*path, key), nothing_written(key), "empty", name, at_key=True)
            return None
        return self._validated(kind, value, (*path, key), name)

    def _same_names(self, found: list[PlacedConversation | None]) -> None:
        first: dict[str, int] = {}
        for each in found:
            if each is None:
                continue
            line = first.setdefault(each.conversation.name, each.position.line)
            if line != each.position.line:
                message = f"a conversation of this name is in line {line} already; give this one another name"
                self._add((*each.path, "name"), message, "duplicate_name", each.conversation.name)

    def _add(self, path: DataPath, message: str, rule: str, name: str = "", *, at_key: bool = False) -> None:
        self._problems.append(self._source.problem(path, message, rule, at_key=at_key, step=name))


def _verb(key: str) -> str:
    return key.strip().replace(" ", "_")
