"""Files that are no flows, by mistake or by malice: each is refused in less than a second, with place and remedy."""

from __future__ import annotations

import time

import pytest

from ivr.errors import MOST_OF_A_KIND, FlowError, Problem
from ivr.flow.check import CheckContext, check_flow
from ivr.flow.loader import load_flow
from ivr.yaml_source import MAX_NODES

pytestmark = pytest.mark.unit

LONGEST_S = 1.0
"""Of the processor's time: another program beside the tests does not count."""

HEAD = 'flow: f\nstart: a\ndefaults: {no_input: "Hm.", no_match: "Hm.", failed: b}\n'
END = "  b:\n    transfer: {to: agent}\n    failed: hang_up\n"


def flow(prompt: str = "I am an automatic assistant.", steps: str = "") -> str:
    """A flow that has nothing wrong but what is put into it."""
    menu = f"  a:\n    menu:\n      prompt: {prompt}\n      choices: {{x: {{keys: '1', go: b}}}}\n"
    return f"{HEAD}steps:\n{menu}{steps}{END}"


def condition(text: str) -> str:
    return flow(steps=f"  w:\n    when:\n      - {{if: {text!r}, go: b}}\n      - {{else: true, go: b}}\n")


def quoted(template: str) -> str:
    return f'"I am an automatic assistant. {template}"'


def problems_of(content: str | bytes) -> list[Problem]:
    """What is said, within the time that there is."""
    began_s = time.process_time()
    try:
        found = check_flow(load_flow(content, "f.yaml"), CheckContext())
    except FlowError as error:
        found = list(error.problems)
    took_s = time.process_time() - began_s
    assert took_s < LONGEST_S, f"this took {took_s:.2f} s"
    return found


def bomb() -> str:
    lines = ["a0: &a0 [" + ", ".join(["x"] * 10) + "]"]
    return "\n".join(lines + [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 10)])


def many(line: str, count: int, before: str = "flow: f\nstart: s0\nsteps:\n") -> str:
    """A line again and again, `#` being its number."""
    return before + "".join(line.replace("#", str(number)) for number in range(count))


FILES: dict[str, tuple[str | bytes, int, str, str]] = {
    "a bomb of aliases": (bomb(), 5, "size", "split the file"),
    "a loop of anchors": ("flow: &f\n  x: *f\n", 2, "alias", "put text in quotes"),
    "a loop of anchors in a list": ("flow: &f [*f]\n", 1, "alias", "put text in quotes"),
    "a key twice": (flow() + "  b: {hang_up: true}\n", 12, "duplicate_key", "keep one of them"),
    "a key 20,000 times": (flow() + "  b: {hang_up: true}\n" * 20_000, 12, "duplicate_key", "keep one of them"),
    "a tab": ("flow: f\nsteps:\n\ta: b\n", 3, "yaml_syntax", "use spaces"),
    "100,000 tabs": (many("\ta: b\n", 100_000, "flow:\n"), 2, "yaml_syntax", "use spaces"),
    "10 MB": ("a" * 10_000_000, 1, "file_size", "split it"),
    "10 MB of bytes": (b"a" * 10_000_000, 1, "file_size", "split it"),
    "more values than a file may have": ("a: [" + "1," * MAX_NODES + "]", 1, "size", "split the file"),
    "400,000 values": ("a: [" + "1," * 400_000 + "]", 1, "size", "split the file"),
    "100,000 brackets": ("[" * 100_000, 1, "nesting", "flatten it"),
    "1,000 levels": ("".join(" " * depth + "a:\n" for depth in range(1000)), 52, "nesting", "flatten it"),
    "60,000 numbers that can be misread": ("a: [" + "012," * 60_000 + "]", 1, "number", "in quotes"),
    "60,000 tags": ("a: [" + "!x 1," * 60_000 + "]", 1, "tag", "remove it"),
    "a tag for Python": ("flow: !!python/object:os.system x\n", 1, "tag", "remove it"),
    "60,000 unknown aliases": ("a: [" + "*x ," * 60_000 + "]", 1, "alias", "put text in quotes"),
    "an unknown key": ("flwo: f\nstart: a\nsteps: {a: {hang_up: true}}\n", 1, "unknown_key", "did you mean 'flow'?"),
    "9,000 unknown keys": (many("k#: 1\n", 9000, "flow: f\n"), 2, "unknown_key", "use one of"),
    "an unknown key of a step": (flow().replace("failed: h", "faild: h"), 11, "unknown_key", "mean 'failed'?"),
    "text for a number": (flow().replace("menu:", "max_attempts: many\n    menu:"), 6, "wrong_type", "a whole number"),
    "a list for a name": (flow().replace("flow: f", "flow: [f]"), 1, "wrong_type", "write text"),
    "8,000 wrong values": (many("  s#: {say: [[1]], next: 5}\n", 4000), 4, "bad_value", "write text"),
    "9,000 steps that are none": (many("  s#: 5\n", 9000), 4, "step_kind", "write one of"),
    "6,000 unknown kinds of steps": (many("  s#: {sya: x}\n", 6000), 4, "step_kind", "did you mean 'say'?"),
    "3,000 unknown targets": (many("  s#: {say: x, next: t#}\n", 3000), 4, "unknown_target", "use one of"),
    "3,000 steps that nobody reaches": (many("  s#: {say: x, next: s#}\n", 3000), 5, "unreachable_step", "lead some"),
    "a quote that is never closed": ("flow: 'f\n" + "x\n" * 100_000, 1, "yaml_syntax", "close it"),
    "a key of 500,000 characters": ("a" * 500_000 + ": 1", 1, "yaml_syntax", "in the same column"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 1000, 1, "encoding", "save the file as UTF-8"),
    "zeros": ("flow: f\0\n" * 1000, 1, "yaml_syntax", "control character"),
    "UTF-16": (flow().encode("utf-16"), 1, "encoding", "save the file as UTF-8"),
    "UTF-32": (flow().encode("utf-32"), 1, "encoding", "save the file as UTF-8"),
    "Latin-1": (flow("Grüße").encode("latin-1"), 7, "encoding", "save the file as UTF-8"),
    "half of a character": (flow('"\\ud800"'), 7, "yaml_syntax", "correct it"),
    "nothing": ("\n" * 900_000, 1, "not_a_flow", "write at least"),
    "comments": ("#\n" * 400_000, 1, "not_a_flow", "write at least"),
    "two documents": (flow() + "---\nflow: g\n", 12, "documents", "keep one"),
}

TEMPLATES = {
    "a class": ("{{ ''.__class__ }}", "only names of the data"),
    "a class of a class": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "remove it"),
    "a class in brackets": ("{{ call['__class__'] }}", "only names of the data"),
    "a method": ("{{ call.name.upper() }}", "a call is not part of the flow language; remove it"),
    "a format": ("{{ '{0.__class__}'.format(call) }}", "a call is not part of the flow language; remove it"),
    "the filter attr": ("{{ call | attr('items') }}", "there is no filter 'attr'; use one of"),
    "the filter format": ("{{ '%s' | format(call) }}", "there is no filter 'format'; use one of"),
    "the filter map": ("{{ call | map(attribute='x') | list }}", "there is no filter"),
    "a test for calls": ("{{ 1 if call is callable else 2 }}", "there is no test 'callable'"),
    "a power": ("{{ 9 ** 9 ** 9 }}", "a power (**) is not part of the flow language; remove it"),
    "a loop": ("{% for x in range(1000000000) %}x{% endfor %}", "a loop ({% for %}) is not part"),
    "a loop in loops": ("{% for a in 'xx' %}" * 50 + "x" + "{% endfor %}" * 50, "a loop ({% for %}) is not part"),
    "a macro": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "is not part of the flow language"),
    "an assignment": ("{% set x = 5 %}{{ x }}", "{% set %} is not part of the flow language; remove it"),
    "a block": ("{% block x %}{% endblock %}", "{% block %} is not part of the flow language; remove it"),
    "another file": ("{% include '/etc/passwd' %}", "{% include %} is not part of the flow language; remove it"),
    "a parent": ("{% extends '/etc/passwd' %}", "{% extends %} is not part of the flow language; remove it"),
    "an import": ("{% import 'os' as os %}", "{% import %} is not part of the flow language; remove it"),
    "parts of an import": ("{% from 'os' import system %}", "{% from %} is not part of the flow language; remove it"),
    "a filter over a text": ("{% filter upper %}x{% endfilter %}", "{% filter %} is not part"),
    "an unknown filter": ("{{ call.name | spel }}", "there is no filter 'spel'; did you mean 'spell'?"),
    "9,000 brackets": ("{{ " + "(" * 9000 + "1" + ")" * 9000 + " }}", "work parts of it out"),
    "4,000 times not": ("{{ " + "not " * 4000 + "1 }}", "work parts of it out"),
    "a sum of 4,000": ("{{ " + "1 + " * 4000 + "1 }}", "work parts of it out"),
    "8,000 dots": ("{{ call" + ".b" * 8000 + " }}", "work parts of it out"),
    "3,000 filters": ("{{ 1" + " | upper" * 2000 + " }}", "work parts of it out"),
    "1,000 lists": ("{{ " + "[" * 1000 + "]" * 1000 + " }}", "work parts of it out"),
    "1,500 conditions": ("{% if 1 %}" * 1000 + "x" + "{% endif %}" * 500, "it"),
    "too long a text": ("{{ call.name }}" * 20_000, "divide it"),
    "only beginnings": ("{{ " * 6000, "work parts of it out"),
    "only braces": ("{" * 19_000, "work parts of it out"),
}

CONDITIONS = {
    "brackets": ("(" * 5000 + "1", "work parts of it out"),
    "a call": ("call.name.upper() == 1", "a call is not part of the flow language; remove it"),
    "a class": ("call.__class__", "only names of the data"),
    "too long a one": ("1 == 1 and " * 3000 + "1 == 1", "divide it"),
    "two in one": ("1 }} {{ 2", "correct it"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_refused_at_once_with_place_and_remedy(name: str) -> None:
    content, line, rule, remedy = FILES[name]
    found = problems_of(content)
    assert any((p.line, p.rule) == (line, rule) and remedy in p.message for p in found), found[:3]
    assert len([problem for problem in found if problem.rule == rule]) <= MOST_OF_A_KIND + 1


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_refused_at_once_with_place_and_remedy(name: str) -> None:
    template, remedy = TEMPLATES[name]
    found = [problem for problem in problems_of(flow(quoted(template))) if problem.rule == "template_syntax"]
    assert [(problem.line, problem.step) for problem in found] == [(7, "a")], found
    assert "; " in found[0].message and remedy in found[0].message, found[0].message


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_is_refused_at_once_with_place_and_remedy(name: str) -> None:
    text, remedy = CONDITIONS[name]
    found = [problem for problem in problems_of(condition(text)) if problem.rule == "template_syntax"]
    assert [(problem.line, problem.step) for problem in found] == [(11, "w")], found
    assert remedy in found[0].message


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert problems_of(b"\xef\xbb\xbf" + flow().encode()) == []


def test_of_very_many_mistakes_the_first_are_told_and_where_the_rest_begins() -> None:
    found = problems_of(many("  s#: {say: x, next: t#}\n", 3000))
    targets = [problem for problem in found if problem.rule == "unknown_target"]
    assert len(targets) == MOST_OF_A_KIND + 1
    assert targets[-1].message == "there are more mistakes of this kind from here on; correct these first"


def test_a_flow_is_checked_twice_with_the_same_outcome() -> None:
    text = condition("1 == ('1' | int) and call.name in ['a' ~ 'b', 'c']") + "  c: {say: '{{ {1: 2}[1] }}', next: b}\n"
    assert problems_of(text) == problems_of(text)
