"""What is wrong with a template or a condition, and which variables it reads; nothing is filled in.

Most templates are text with blocks that many others have too: each block is parsed once, and the compiler is asked only
where that does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from jinja2 import TemplateError, meta, nodes
from jinja2.parser import Parser

from ivr.flow.template_rules import (
    EXPRESSIONS,
    MAX_TEMPLATE_DEPTH,
    NAMES_OF_THE_COMPILER,
    TOO_DEEP,
    is_private,
    is_template,
    trouble_with_length,
    trouble_with_tree,
)
from ivr.flow.template_sandbox import ANY_LANGUAGE, environment_of
from ivr.immutable import immutable


@lru_cache(maxsize=4096)
def _parsed(text: str) -> nodes.Template:
    return _parse(text)


def _parse(text: str) -> nodes.Template:
    """A syntax tree of one's own. Raises TemplateError."""
    try:
        return environment_of(ANY_LANGUAGE).parse(text)
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
        return node.name in environment_of(ANY_LANGUAGE).filters
    if isinstance(node, nodes.Test):
        return node.name in environment_of(ANY_LANGUAGE).tests
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
        if trouble := trouble_with_tree(tree, environment_of(ANY_LANGUAGE).filters):
            return trouble
        environment_of(ANY_LANGUAGE).compile(tree, raw=True)  # finds the rest, and makes no code, which is slow
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
        parser = Parser(environment_of(ANY_LANGUAGE), text, state="variable")
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
