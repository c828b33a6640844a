"""Templates and conditions of a flow, in Jinja2's sandbox: variables and speaking filters, no code.

Rendering is a pure function of text, variables and language. Undefined variables are errors, so that a typing mistake
is found by the check and never spoken as an empty gap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import date as day
from functools import cache, cached_property, lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import (
    Environment,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    Undefined,
    meta,
    nodes,
    pass_context,
)
from jinja2.exceptions import SecurityError
from jinja2.nodes import EvalContext
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ivr.flow import speaking
from ivr.flow.masking import MASK
from ivr.flow.template_rules import (
    EXPRESSIONS,
    FILTERS,
    MAX_TEMPLATE_DEPTH,
    NAMES_OF_THE_COMPILER,
    TESTS,
    TOO_DEEP,
    is_private,
    trouble_with_length,
    trouble_with_tree,
)
from ivr.immutable import immutable
from ivr.language_tags import primary_language

MAX_TEXT_CHARACTERS = 4000
"""Longest text that a template may become; a longer one is cut."""

MAX_VALUES = 100_000
"""Values in a list or group that an expression may become, those inside included."""
LARGEST_PRODUCT = 10**18
"""Products beyond it are mistakes, and powers of them would take for ever."""

_BLOCKS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)

_ANY = "en"
"""A language for questions that are the same in all: syntax, names, conditions."""


class _Values(Context):
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


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 without loops over numbers, attributes of objects or anything that is not data."""

    context_class = _Values
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
def _environment(tag: str) -> _Sandbox:
    """The sandbox of a language tag."""
    environment = _Sandbox(undefined=StrictUndefined, autoescape=False, cache_size=400)
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
def _url_environment(tag: str) -> Any:
    return _environment(tag).overlay(finalize=_url_part)


@lru_cache(maxsize=1024)
def _compiled_url(text: str, tag: str) -> Any:
    _refuse(check_template(text))
    return _url_environment(tag).from_string(text)


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


@lru_cache(maxsize=4096)
def _compiled(text: str, tag: str) -> Any:
    _refuse(check_template(text))
    return _environment(tag).from_string(text)


@lru_cache(maxsize=4096)
def _compiled_expression(text: str, tag: str) -> Any:
    """A template that gives its variable `result` the value of the expression."""
    _refuse(check_expression(text))
    return _environment(tag).compile_expression(text)._template


def _filled_in(template: Any, variables: Mapping[str, object]) -> str:
    """What `Template.render` does, without its two copies of the variables."""
    return "".join(template.root_render_func(_context(template, variables)))


def _context(template: Any, variables: Mapping[str, object]) -> _Values:
    return _Values(template.environment, variables, template.name, template.blocks)  # there are no globals


class TemplateFailed(Exception):
    """A template or condition could not be evaluated with the values at hand."""


_FAILURES = (TemplateError, ArithmeticError, TypeError, ValueError, LookupError)


def _refuse(trouble: str | None) -> None:
    """What no check has seen is judged when it is used first."""
    if trouble:
        raise TemplateSyntaxError(trouble, 1)


def is_template(text: str) -> bool:
    """Whether the text holds anything to fill in."""
    return "{{" in text or "{%" in text


def render(text: str, variables: Mapping[str, object], language: str) -> str:
    """Fill a template in. Raises TemplateFailed."""
    if not is_template(text):
        return text
    try:
        return _filled_in(_compiled(text, language), variables)[:MAX_TEXT_CHARACTERS]
    except _FAILURES as error:
        raise TemplateFailed(str(error)) from error


def render_url(text: str, variables: Mapping[str, object], language: str) -> str:
    """Fill a URL in; every value is percent-encoded. Raises TemplateFailed, also for a value that is no path part."""
    if not is_template(text):
        return text
    try:
        url = _filled_in(_compiled_url(text, primary_language(language)), variables)
    except _FAILURES as error:
        raise TemplateFailed(str(error)) from error
    _refuse_lost_parts(text, url)
    return url


def _refuse_lost_parts(text: str, url: str) -> None:
    """An empty value, or one of dots, would ask for another resource than the flow's author meant (RFC 3986 §5.2.4)."""
    meant = _BLOCKS.sub("x", text).partition("?")[0].split("/")
    parts = url.partition("?")[0].split("/")
    if any(parts.count(odd) > meant.count(odd) for odd in ("", ".", "..")):
        raise TemplateFailed("a value in the URL is empty or made of dots only")


def evaluate(expression: str, variables: Mapping[str, object], language: str = _ANY) -> object:
    """Value of an expression such as `customer.balance > 0`. Raises TemplateFailed."""
    try:
        template = _compiled_expression(expression, language)
        context = _context(template, variables)
        for _ in template.root_render_func(context):
            pass
        value: object = context.vars["result"]
    except _FAILURES as error:
        raise TemplateFailed(str(error)) from error
    if isinstance(value, Undefined):
        raise TemplateFailed(f"{expression} has no value")
    return value


def evaluate_set(value: Any, variables: Mapping[str, object], language: str) -> Any:
    """A value with every template in it filled in: a lone `{{ … }}` keeps its type, other text is rendered, what lists
    and groups hold is treated like that too, the rest is taken as it is. Raises TemplateFailed."""
    if isinstance(value, Mapping):
        return {key: evaluate_set(item, variables, language) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [evaluate_set(item, variables, language) for item in value]
    if not isinstance(value, str) or not is_template(value):
        return value
    stripped = value.strip()
    if stripped.startswith("{{") and stripped.endswith("}}") and stripped.count("{{") == 1:
        return _bounded(evaluate(stripped[2:-2].removeprefix("-").removesuffix("-"), variables, language))
    return render(value, variables, language)


def _bounded(value: object) -> object:
    """The value: a long text cut, a list or group that has grown beyond all use refused."""
    if isinstance(value, str):
        return value[:MAX_TEXT_CHARACTERS]
    waiting, count = [value], 0
    while waiting:
        count += 1
        if count > MAX_VALUES:
            raise TemplateFailed(f"the value has grown to more than {MAX_VALUES} values")
        item = waiting.pop()
        if isinstance(item, Mapping):
            waiting += item.values()
        elif isinstance(item, list | tuple):
            waiting += item
    return value


@lru_cache(maxsize=4096)
def _parsed(text: str) -> nodes.Template:
    return _parse(text)


def _parse(text: str) -> nodes.Template:
    """A syntax tree of one's own. Raises TemplateError."""
    try:
        return _environment(_ANY).parse(text)
    except RecursionError as error:
        raise TemplateError(TOO_DEEP) from error


_BLOCK = re.compile(r"(?<!\{)\{\{[^{}]*\}\}(?!\})")
"""What is filled in, where its end cannot be mistaken: most templates are made of such blocks and of text."""


@immutable
class _Block:
    """What the check must know of a block that can surely be used."""

    names: frozenset[str]
    is_one_value: bool
    """Not several, separated by commas."""


@lru_cache(maxsize=4096)
def _block(text: str) -> _Block | None:
    """A block, parsed; None where only the compiler can tell whether it can be used."""
    try:
        tree = _parsed(text)
    except TemplateError:
        return None
    names, waiting = set[str](), [(node, 1) for node in tree.body]
    while waiting:
        node, depth = waiting.pop()
        if type(node) not in EXPRESSIONS or depth > MAX_TEMPLATE_DEPTH or not _is_offered(node):
            return None
        if isinstance(node, nodes.Name):
            names.add(node.name)
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]
    filled_in = [value for output in tree.body if isinstance(output, nodes.Output) for value in output.nodes]
    return _Block(frozenset(names), is_one_value=len(filled_in) == 1 and not isinstance(filled_in[0], nodes.Tuple))


def _is_offered(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Filter):
        return node.name in _environment(_ANY).filters
    if isinstance(node, nodes.Test):
        return node.name in _environment(_ANY).tests
    if isinstance(node, nodes.Getattr | nodes.Getitem):  # which names are Python's is told apart by the rules
        return not is_private(node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None))
    return not isinstance(node, nodes.Name) or node.name not in NAMES_OF_THE_COMPILER


def _blocks(text: str) -> list[_Block] | None:
    """The blocks that a template is made of; None where it is not made of such that can surely be used."""
    around = _BLOCK.sub(" ", text)
    if is_template(around) or "{#" in around or "}}" in around:
        return None
    found = [_block(block) for block in _BLOCK.findall(text)]
    sure = [block for block in found if block is not None]
    return sure if len(sure) == len(found) else None


@lru_cache(maxsize=4096)
def check_template(text: str) -> str | None:
    """What is wrong with a template, or None."""
    if trouble := trouble_with_length(text):
        return trouble
    if _blocks(text) is not None:
        return None
    try:
        tree = _parse(text)
        if trouble := trouble_with_tree(tree, _environment(_ANY).filters):
            return trouble
        _environment(_ANY).compile(tree, raw=True)  # finds the rest, and makes no code, which is slow
    except TemplateError as error:
        return str(error)
    return None


def check_expression(text: str) -> str | None:
    """What is wrong with a condition, or None."""
    written = "{{ " + text + " }}"
    if trouble := trouble_with_length(written):
        return trouble
    block = _block(written) if _BLOCK.fullmatch(written) else None
    if block is not None and block.is_one_value:
        return None
    try:
        parser = Parser(_environment(_ANY), text, state="variable")
        parser.parse_expression()
        if not parser.stream.eos:
            return "there is more behind its end"
    except TemplateError as error:
        return str(error)
    except RecursionError:
        return TOO_DEEP
    return check_template(written)


@lru_cache(maxsize=4096)
def variables_of(text: str) -> frozenset[str]:
    """Names of the variables that a template reads. Raises TemplateError for a broken one."""
    if trouble := check_template(text):
        raise TemplateError(trouble)
    blocks = _blocks(text)
    if blocks is not None:
        return frozenset().union(*(block.names for block in blocks))
    return frozenset(meta.find_undeclared_variables(_parse(text)))  # a tree of its own: looking for them changes it


def variables_in(value: object) -> frozenset[str]:
    """Names of the variables that the templates in a value read, those in lists and groups too."""
    if isinstance(value, Mapping | list | tuple):
        items = value.values() if isinstance(value, Mapping) else value
        return frozenset().union(*map(variables_in, items))
    return variables_of(value) if isinstance(value, str) and is_template(value) else frozenset()


def parsed_expression(text: str) -> nodes.Template:
    """The syntax tree of a condition. Raises TemplateError for a broken one."""
    return _parsed("{{ " + text + " }}")


def variables_of_expression(text: str) -> frozenset[str]:
    """Names of the variables that a condition reads."""
    return variables_of("{{ " + text + " }}")
