"""Filling templates of a flow in, and working its conditions out, in Jinja2's sandbox.

Rendering is a pure function of text, variables and language. Undefined variables are errors, so that a typing mistake
is found by the check and never spoken as an empty gap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, Undefined

from ivr.flow.template_check import check_expression, check_template
from ivr.flow.template_rules import is_template
from ivr.flow.template_sandbox import ANY_LANGUAGE, Values, environment_of, url_environment_of
from ivr.language_tags import primary_language

MAX_TEXT_CHARACTERS = 4000
"""Longest text that a template may become; a longer one is cut."""

MAX_VALUES = 100_000
"""Values in a list or group that an expression may become, those inside included."""

_BLOCKS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


@lru_cache(maxsize=1024)
def _compiled_url(text: str, tag: str) -> Any:
    _refuse(check_template(text))
    return url_environment_of(tag).from_string(text)


@lru_cache(maxsize=4096)
def _compiled(text: str, tag: str) -> Any:
    _refuse(check_template(text))
    return environment_of(tag).from_string(text)


@lru_cache(maxsize=4096)
def _compiled_expression(text: str, tag: str) -> Any:
    """A template that gives its variable `result` the value of the expression."""
    _refuse(check_expression(text))
    return environment_of(tag).compile_expression(text)._template


def _filled_in(template: Any, variables: Mapping[str, object]) -> str:
    """What `Template.render` does, without its two copies of the variables."""
    return "".join(template.root_render_func(_context(template, variables)))


def _context(template: Any, variables: Mapping[str, object]) -> Values:
    return Values(template.environment, variables, template.name, template.blocks)  # there are no globals


class TemplateFailed(Exception):
    """A template or condition could not be evaluated with the values at hand."""


_FAILURES = (TemplateError, ArithmeticError, TypeError, ValueError, LookupError)


def _refuse(trouble: str | None) -> None:
    """What no check has seen is judged when it is used first."""
    if trouble:
        raise TemplateSyntaxError(trouble, 1)


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


def evaluate(expression: str, variables: Mapping[str, object], language: str = ANY_LANGUAGE) -> object:
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
