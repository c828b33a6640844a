"""Templates and conditions: values in, text out, no code."""

from __future__ import annotations

import pytest

from ivr.flow import template_check as tc
from ivr.flow import templates as t

pytestmark = pytest.mark.unit


def test_text_without_a_template_is_taken_as_it_is() -> None:
    assert t.render("100 % { sure }", {}, "en") == "100 % { sure }"


def test_a_template_is_filled_in_the_calls_language() -> None:
    assert t.render("{{ n | number }}", {"n": 2}, "de-DE") == "zwei"
    assert t.render("{{ n | number }}", {"n": 2}, "en-US") == "two"


def test_a_long_text_is_cut() -> None:
    assert len(t.render("{{ text }}", {"text": "a" * 9000}, "en")) == t.MAX_TEXT_CHARACTERS


@pytest.mark.parametrize(
    "text",
    [
        "{{ missing }}",
        "{{ n | date }}",
        "{{ n / 0 }}",
        "{{ 'a' + n }}",
        "{{ n.__class__ }}",
        "{{ text.upper() }}",
        "{{ text.format(n) }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for x in text %}{{ x }}{% endfor %}{{ range(3) }}",
        "{{ n | nothing }}",
        "{{ n",
    ],
)
def test_what_cannot_be_filled_in_is_an_error(text: str) -> None:
    with pytest.raises(t.TemplateFailed):
        t.render(text, {"n": 5, "text": "abc"}, "en")


def test_conditions() -> None:
    assert t.evaluate("n > 3 and name == 'x'", {"n": 4, "name": "x"}) is True
    assert t.evaluate("n * 2", {"n": 4}) == 8
    assert t.evaluate("self", {"self": 4}) is not None


@pytest.mark.parametrize("expression", ["missing", "missing > 3", "n +", "n.missing"])
def test_a_condition_without_a_value_is_an_error(expression: str) -> None:
    with pytest.raises(t.TemplateFailed):
        t.evaluate(expression, {"n": 4})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        ("plain", "plain"),
        ("{{ n }}", 4),
        ("{{- n -}}", 4),
        ("{{ n + 1 }}", 5),
        ("{{ n | number }}", "vier"),
        ("n is {{ n }}", "n is 4"),
        ("{{ n }}{{ n }}", "44"),
        ([1, 2], [1, 2]),
        ([1, "{{ n }}", "n is {{ n }}"], [1, 4, "n is 4"]),
        ({"a": {"b": "{{ n + 1 }}"}, "c": None}, {"a": {"b": 5}, "c": None}),
    ],
)
def test_set_values_keep_their_type(value: object, expected: object) -> None:
    assert t.evaluate_set(value, {"n": 4}, "de-DE") == expected


def test_check_names_what_is_wrong() -> None:
    assert tc.check_template("{{ n }}") is None
    assert tc.check_expression("n > 3") is None
    assert "end of" in (tc.check_template("{{ n") or "")
    assert tc.check_expression("n >") is not None
    for text in ("{% for x in y %}{% endfor %}", "{{ f() }}", "{% include 'a' %}"):
        assert "not part of the flow language" in (tc.check_template(text) or "")
    assert "not part" in (tc.check_expression("f(1)") or "")


def test_variables_are_found() -> None:
    assert tc.variables_of("{{ a }} {% if b %}{{ c.d }}{% endif %}") == {"a", "b", "c"}
    assert tc.variables_of_expression("a > b") == {"a", "b"}


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "pop", "update"])
def test_data_is_found_under_a_name_that_python_has_as_well(name: str) -> None:
    assert t.render(f"{{{{ order.{name} }}}}", {"order": {name: 3}}, "en") == "3"
    assert t.evaluate(f"order.{name}[0]", {"order": {name: [7]}}) == 7
    with pytest.raises(t.TemplateFailed, match=f"no attribute '{name}'"):
        t.render(f"{{{{ order.{name} }}}}", {"order": {}}, "en")


@pytest.mark.parametrize("expression", ["'%999999999d' % 1", "'x' % n", "n * n * n * n", "1e300 * 1e300", "a + b"])
def test_what_could_grow_without_end_is_refused(expression: str) -> None:
    with pytest.raises(t.TemplateFailed):
        t.evaluate(expression, {"n": 10**9, "a": "", "b": 1})


def test_a_value_that_doubles_again_and_again_stays_small() -> None:
    text: object = "ab"
    for _ in range(100):
        text = t.evaluate_set("{{ x + x }}", {"x": text}, "en")
    assert isinstance(text, str) and len(text) == t.MAX_TEXT_CHARACTERS
    nested: object = [1]
    with pytest.raises(t.TemplateFailed, match="has grown to more than"):
        for _ in range(100):
            nested = t.evaluate_set("{{ [x, x] }}", {"x": nested}, "en")


@pytest.mark.parametrize("text", ["{{ ''.__class__ }}", "{{ 1" + " + 1" * 300 + " }}", "{% set x = 5 %}", "{{ f() }}"])
def test_what_the_check_refuses_is_refused_in_a_call_as_well(text: str) -> None:
    assert tc.check_template(text) is not None
    with pytest.raises(t.TemplateFailed):
        t.render(text, {}, "en")
    with pytest.raises(t.TemplateFailed):
        t.render_url(text, {}, "en")


def test_looking_for_variables_leaves_the_condition_as_it_is() -> None:
    text = "{1: a}[1] == 'a' ~ 'b'"
    before = str(tc.parsed_expression(text))
    tc.variables_of_expression(text)
    assert str(tc.parsed_expression(text)) == before
