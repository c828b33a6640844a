"""Templates and conditions: values in, text out, no code."""

from __future__ import annotations

import pytest

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
    ],
)
def test_set_values_keep_their_type(value: object, expected: object) -> None:
    assert t.evaluate_set(value, {"n": 4}, "de-DE") == expected


def test_check_names_what_is_wrong() -> None:
    assert t.check_template("{{ n }}") is None
    assert t.check_expression("n > 3") is None
    assert "end of" in (t.check_template("{{ n") or "")
    assert t.check_expression("n >") is not None
    for text in ("{% for x in y %}{% endfor %}", "{{ f() }}", "{% include 'a' %}"):
        assert "not part of the flow language" in (t.check_template(text) or "")
    assert "not part" in (t.check_expression("f(1)") or "")


def test_variables_are_found() -> None:
    assert t.variables_of("{{ a }} {% if b %}{{ c.d }}{% endif %}") == {"a", "b", "c"}
    assert t.variables_of_expression("a > b") == {"a", "b"}
