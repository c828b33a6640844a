"""Templates of steps that reach out of the call: addresses, bodies, and what may be written down of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from jinja2 import TemplateError

from ivr.flow import templates
from ivr.flow.masking import MASK
from ivr.flow.template_check import variables_of
from ivr.flow.template_rules import is_template
from ivr.flow.templates import TemplateFailed


def url(template: str, query: Mapping[str, object], variables: Mapping[str, object], language: str) -> str:
    """The address with encoded values, `query` behind it; values of None are left out. Raises TemplateFailed."""
    address = templates.render_url(template, variables, language)
    given = templates.evaluate_set(query, variables, language)
    values = {key: plain_text(value) for key, value in given.items() if value is not None}
    if not values:
        return address
    return address + ("&" if "?" in address else "?") + urlencode(values, doseq=True)


def plain_text(value: object) -> object:
    """A value as forms and queries write it: `true`, not `True`; each of a list."""
    if isinstance(value, list | tuple):
        return [plain_text(item) for item in value]
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def shown(template: str, masked: Mapping[str, object], language: str) -> str:
    """The address as it may be written down, without `query`."""
    try:
        return templates.render_url(template, masked, language)
    except TemplateFailed:
        return MASK


def variables_read(texts: Iterable[str]) -> frozenset[str]:
    """Names of all variables that templates read."""
    names: set[str] = set()
    for text in texts:
        if is_template(text):
            try:
                names |= variables_of(text)
            except TemplateError:
                continue
    return frozenset(names)
