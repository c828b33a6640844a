"""Small values that are made by the thousand: events, commands, answers."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def immutable(kind: type[_T]) -> type[_T]:
    """A dataclass with slots, equal and hashed by its fields, that nobody changes.

    The type checker sees to that. `dataclass(frozen=True, slots=True)` has Python see to it as well, for which every
    field of every value that is made costs a call, a fifth of the engine's time; and it compiles six functions for
    every class at every start of a program, where this compiles one.
    """
    made = dataclass(slots=True, eq=False, repr=False)(kind)
    compared = [each.name for each in fields(made) if each.compare]  # type: ignore[arg-type]  # it is a dataclass now
    for name, function in (("__eq__", _is_equal), ("__hash__", _hash), ("__repr__", _repr)):
        if name not in kind.__dict__:
            setattr(made, name, function)
    setattr(made, _COMPARED, staticmethod(attrgetter(*compared) if compared else _nothing))
    return made


_COMPARED = "_values_compared"


def _nothing(value: object) -> tuple[object, ...]:
    return ()


def _is_equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self._values_compared(self) == other._values_compared(other)


def _hash(self: Any) -> int:
    return hash(self._values_compared(self))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({shown})"
