"""Jinja2's sandbox as flows have it, one per language: data and speaking filters, no code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import date as day
from functools import cache, cached_property, lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, pass_context
from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ivr.flow import speaking
from ivr.flow.masking import MASK
from ivr.flow.template_rules import FILTERS, TESTS

ANY_LANGUAGE = "en"
"""A language for questions that are the same in all: syntax, names, conditions."""
LARGEST_PRODUCT = 10**18
"""Products beyond it are mistakes, and powers of them would take for ever."""


class Values(Context):
    """The values that a template is filled in with. What only blocks and escaping need is made when they do."""

    def __init__(
        self,
        environment: Environment,
        parent: Mapping[str, Any],
        name: str | None,
        blocks: dict[str, Callable[[Context], Iterator[str]]],
        globals: MutableMapping[str, Any] | None = None,
    ) -> None:
        """`parent` holds the values."""
        if blocks or globals:
            super().__init__(environment, dict(parent), name, blocks, globals)
            return
        self.environment, self.name = environment, name
        self.parent = parent  # type: ignore[assignment]  # it is only read
        self.vars, self.exported_vars, self.globals_keys, self.blocks = {}, set(), set(), {}

    @cached_property
    def eval_ctx(self) -> EvalContext:  # type: ignore[override]
        return EvalContext(self.environment, self.name)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 without loops over numbers, attributes of objects or anything that is not data."""

    context_class = Values
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Numbers only: a text repeated, one formatted to a width, or a power could stop the whole bot."""
        if operator == "**":
            raise SecurityError("** is not offered")
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise SecurityError(f"{operator} works on numbers only")
        if operator == "%":
            return left % right
        if abs(product := left * right) > LARGEST_PRODUCT:
            raise SecurityError("a product is too large")
        return product

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What data holds under a name, also where Python has something of that name (`order.items`)."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return False

    def is_safe_callable(self, obj: Any) -> bool:
        return False


@lru_cache(maxsize=64)
def environment_of(tag: str) -> Sandbox:
    """The sandbox of a language tag."""
    environment = Sandbox(undefined=StrictUndefined, autoescape=False, cache_size=400)
    kept = {name: environment.filters[name] for name in FILTERS}
    spoken = speaking.filters(tag)
    environment.filters = {**kept, **spoken, **_filters_of_call(spoken)}
    environment.tests = {name: test for name, test in environment.tests.items() if name in TESTS}
    environment.globals = {}
    return environment


def _url_part(value: object) -> str:
    """A value as one part of a URL (RFC 3986 §2.1): whatever a caller said cannot add a path, a query or a host."""
    if isinstance(value, Mapping | list | tuple | set):
        raise TypeError("a list or a group of values cannot be part of a URL")
    text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    return text if text == MASK else quote(text, safe="")


@cache
def url_environment_of(tag: str) -> Any:
    """The sandbox of a language tag for URLs: what is filled in is percent-encoded."""
    return environment_of(tag).overlay(finalize=_url_part)


def _filters_of_call(spoken: Mapping[str, Callable[..., str]]) -> dict[str, Callable[..., str]]:
    """Filters that know the call that they speak in: its currency, and the day that it is."""

    @pass_context
    def money(context: Context, value: Any, currency: str = "") -> str:
        return spoken["money"](value, currency or _of_call(context, "currency"))

    @pass_context
    def date(context: Context, value: Any) -> str:
        today = _of_call(context, "today")
        return spoken["date"](value, day.fromisoformat(today) if today else None)

    return {"money": money, "date": date}


def _of_call(context: Context, name: str) -> str:
    call = context.get("call")
    return str(call.get(name) or "") if isinstance(call, Mapping) else ""
