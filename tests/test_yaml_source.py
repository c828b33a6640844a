"""YAML as people write it: what is data, what is a mistake, and where."""

from __future__ import annotations

import pytest

from ivr.yaml_source import MAX_DEPTH, MAX_NODES, MAX_SOURCE_BYTES, Position, YamlSource, read_yaml

pytestmark = pytest.mark.unit


def read(text: str | bytes) -> YamlSource:
    return read_yaml(text, "file.yaml")


def said(text: str | bytes) -> list[str]:
    return [f"{p.line}:{p.column} {p.rule}" for p in read(text).problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: yes", "yes"),
        ("a: off", "off"),
        ("a: [yes, yeah, no, on]", ["yes", "yeah", "no", "on"]),
        ("a: true", True),
        ("a: FALSE", False),
        ("a: null", None),
        ("a:", None),
        ("a: 7", 7),
        ("a: -7", -7),
        ("a: 1.5", 1.5),
        ("a: 1e3", 1000.0),
        ("a: '7'", "7"),
        ('a: "012"', "012"),
        ("a: 2026-11-23", "2026-11-23"),
        ("a: 1_000", "1_000"),
        ("a: 1234567890123456789012", "1234567890123456789012"),
        ("a: |\n  one\n  two\n", "one\ntwo\n"),
        ("a: ! x", "x"),
        ("a: {b: {c: 1}}", {"b": {"c": 1}}),
    ],
)
def test_scalars_are_what_they_look_like(text: str, value: object) -> None:
    source = read(text)
    assert source.problems == ()
    assert source.data == {"a": value}


def test_keys_of_mappings_are_always_text() -> None:
    assert read("0049: a\nyes: b\ntrue: c\n12: d").data == {"0049": "a", "yes": "b", "true": "c", "12": "d"}


def test_an_empty_file_holds_nothing_and_is_no_mistake() -> None:
    assert read("").data is None and read("# only a comment\n").problems == ()


@pytest.mark.parametrize("number", ["012", "-07", "+49301234", "0x1F", "0o17", "10:30", "1:30:00"])
def test_numbers_that_can_be_misread_want_quotes(number: str) -> None:
    source = read(f"a: {number}")
    assert [p.message for p in source.problems] == [
        f'{number} can be read as a number in more than one way; write "{number}" in quotes'
    ]


def test_every_mistake_is_reported_with_its_place() -> None:
    text = "a: 012\nb: !!python/object:os.system x\na: 2\n<<: {c: 1}\nd: *e\n{f: g}: h\n[i]: j\n"
    assert said(text) == [
        "1:4 number",
        "2:4 tag",
        "3:1 duplicate_key",
        "4:1 merge_key",
        "5:4 alias",
        "6:1 key",
        "7:1 key",
    ]
    assert read(text).problems[2].message == "'a' is already written in line 1; keep one of them"


def test_a_value_that_is_not_kept_is_searched_for_mistakes_as_well() -> None:
    assert said("a: 1\na: 012") == ["2:1 duplicate_key", "2:4 number"]


def test_the_first_of_two_values_counts() -> None:
    assert read("a: 1\na: 2\nb: 3").data == {"a": 1, "b": 3}


def test_aliases_stand_for_the_same_value() -> None:
    assert read("a: &x [1, 2]\nb: *x").data == {"a": [1, 2], "b": [1, 2]}


def test_an_alias_inside_its_own_value_is_refused() -> None:
    assert said("a: &x [1, *x]") == ["1:11 alias"]


def test_aliases_cannot_be_used_to_blow_up_a_small_file() -> None:
    lines = ["a0: &a0 [" + ", ".join(["x"] * 10) + "]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 10)]
    source = read("\n".join(lines))
    assert [p.rule for p in source.problems] == ["size"]
    assert source.data is None


def test_aliases_cannot_be_used_to_nest_too_deeply() -> None:
    lines = ["a0: &a0 " + "[" * 20 + "]" * 20]
    lines += [f"a{n}: &a{n} " + "[" * 20 + f"*a{n - 1}" + "]" * 20 for n in range(1, 3)]
    assert read("\n".join(lines[:2])).problems == ()
    assert [f"{p.line} {p.rule}" for p in read("\n".join(lines)).problems] == ["3 nesting"]


def test_a_file_with_too_many_values_is_refused() -> None:
    assert [p.rule for p in read("[" + "1," * MAX_NODES + "1]").problems] == ["size"]


def test_a_file_nested_too_deeply_is_refused() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH).problems == ()
    assert [p.rule for p in read("[" * 100_000).problems] == ["nesting"]


def test_a_file_that_is_too_large_is_refused() -> None:
    assert said("#" + " " * MAX_SOURCE_BYTES) == ["1:1 file_size"]


def test_bytes_that_are_not_utf8_are_refused_at_their_place() -> None:
    assert said("a: ü\nb: grü".encode() + b"\xfc") == ["2:7 encoding"]


def test_a_byte_order_mark_is_ignored() -> None:
    assert read("\ufeffa: 1".encode()).data == {"a": 1}
    assert read("\ufeffa: 1").data == {"a": 1}


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("a:\n\t- b\nc:\n\t- d", ["2:1", "4:1"], "a tab in the indentation; use spaces"),
        ("a: *", ["1:4"], "a bare * marks an alias"),
        ("a: &", ["1:4"], "a bare & marks an anchor"),
        ("a: 'x", ["1:4"], "never closed"),
        ('a: "\\q"', ["1:5"], "backslash"),
        ("a: b: c", ["1:5"], "a colon is not expected here"),
        ("a: - b", ["1:4"], "a list item (-) cannot stand here"),
        ("a: 1\nb\nc: 2", ["2:1"], "a key without a colon"),
        ("a: [1, 2\nb: 3", ["1:4"], "a list opened with [ is not closed"),
        ("a: {b: 1\nc: 3", ["1:4"], "a group opened with { is not closed"),
        ("- a\nb: 1", ["2:1"], "a list item beginning with - was expected"),
        ("a: 'it's'", ["1:8"], "something follows a value that has ended"),
        ("a: @b", ["1:4"], "put the text in quotes"),
        ("a: 1\nb: \x01", ["2:4"], "a control character is not allowed here; remove it"),
        ('a: "one\nb: "two"', ["1:4"], "the quote opened here ends only in line 2"),
        ("a: 1\n---\nb: 2", ["2:1"], "a second document begins here"),
    ],
)
def test_where_a_text_stops_being_yaml_the_place_and_the_remedy_are_named(
    text: str, place: list[str], hint: str
) -> None:
    problems = read(text).problems
    assert [f"{p.line}:{p.column}" for p in problems] == place
    assert hint in problems[0].message


def test_mistakes_before_the_place_where_it_stops_being_yaml_are_reported_too() -> None:
    assert said("a: 012\nb: *\n") == ["1:4 number", "2:4 yaml_syntax"]


def test_a_tab_inside_a_text_is_fine() -> None:
    assert read('a: "x\ty"\nb: |\n  x\ty\n').problems == ()


def test_places_of_keys_and_values_are_found_by_path() -> None:
    positions = read("steps:\n  main:\n    say: [one, two]\n").positions
    assert positions.of_key(("steps", "main", "say")) == Position(3, 5)
    assert positions.of_value(("steps", "main", "say", 1)) == Position(3, 16)


def test_a_path_that_is_not_in_the_file_has_the_place_of_its_nearest_parent() -> None:
    positions = read("steps:\n  main:\n    say: hello\n").positions
    assert positions.of_value(("steps", "main", "say", "text", 0)) == Position(3, 10)
    assert positions.of_key(("steps", "main", "next")) == Position(2, 3)
    assert positions.of_value(("other",)) == Position(1, 1)
    assert read("").positions.of_value(("a",)) == Position(1, 1)
