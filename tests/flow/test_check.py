"""Every rule of the check, by files that break it; what must pass, passes without a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ivr.errors import FlowCheckFailed, Severity
from ivr.flow.check import CheckContext, check_flow, require_sound
from ivr.flow.loader import load_flow
from tests.flow.checking import WORLD, as_expected, expected_in, problems_of_file, problems_of_text

pytestmark = pytest.mark.unit

DATA = Path(__file__).parent.parent / "data" / "flows"
BAD = sorted((DATA / "bad").glob("*.yaml"))
"""Further mistakes: what each rule is for has a file of its own in `rules` (test_check_rules)."""
GOOD = sorted((DATA / "good").glob("*.yaml"))
SHIPPED = Path(__file__).parents[2] / "flows" / "demo.yaml"

SHORTEST = (DATA / "good" / "shortest.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_mistake_is_reported_with_its_place_and_remedy_and_nothing_else_is(file: Path) -> None:
    expected = expected_in(file)
    assert expected
    assert [as_expected(problem) for problem in problems_of_file(file)] == expected


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_every_message_says_what_is_wrong_and_what_to_do(file: Path) -> None:
    for problem in problems_of_file(file):
        wrong, _, remedy = problem.message.replace(": ", "; ").partition("; ")
        assert wrong and remedy, problem.message
        assert "pydantic" not in problem.message and "validat" not in problem.message


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_a_good_flow_has_no_problem(file: Path) -> None:
    world = CheckContext(WORLD.targets, WORLD.sound_problem, languages_with_model=None, flows=WORLD.flows)
    assert problems_of_text(file.read_text(encoding="utf-8"), world) == []


def test_the_shipped_flow_has_no_problem() -> None:
    world = CheckContext(targets=frozenset({"agent"}), sound_problem=lambda play: None)
    assert problems_of_text(SHIPPED.read_text(encoding="utf-8"), world) == []


def test_what_is_not_known_about_the_world_is_not_judged() -> None:
    text = SHORTEST.replace("{to: agent}", "{to: whoever}").replace('keys: "0",', 'keys: "0", say: xyzzy,')
    text = text.replace('"I did not hear you."', "sounds/en/any.wav")
    assert problems_of_text(text, CheckContext()) == []
    assert {problem.rule for problem in problems_of_text(text)} == {
        "unknown_transfer_target",
        "unknown_word",
        "sound_file",
    }


def test_the_words_of_a_language_are_compared_with_that_languages_model() -> None:
    asked: set[tuple[str, str]] = set()

    def knows(language: str, word: str) -> bool:
        asked.add((language, word))
        return True

    text = (DATA / "good" / "everything.yaml").read_text(encoding="utf-8")
    world = CheckContext(knows_word=knows, languages_with_model=frozenset({"en", "de"}))
    check_flow(load_flow(text, "flow.yaml"), world)
    assert {("en-US", "red"), ("de-DE", "rot")} <= asked
    assert not {("de-DE", "red"), ("en-US", "rot")} & asked


def test_a_word_with_a_substitute_is_a_warning_that_tells_it_and_the_rest_an_error() -> None:
    asked: list[tuple[str, Sequence[str], Sequence[str]]] = []

    def substitutes(language: str, words: Sequence[str], phrases: Sequence[str]) -> dict[str, tuple[str, ...]]:
        asked.append((language, words, phrases))
        return {"kowalczyk": ("co all kick", "co all quick")}

    text = SHORTEST.replace('keys: "0",', 'keys: "0", say: [agent, kowalczyk xyzzy],')
    found = problems_of_text(text, replace(WORLD, substitutes=substitutes))
    assert [(problem.severity, problem.rule) for problem in found] == [
        (Severity.WARNING, "substituted_word"),
        (Severity.ERROR, "unknown_word"),
    ]
    assert "does not know 'xyzzy'; use" in found[1].message
    assert found[0].message.startswith(
        "'kowalczyk' is not in the model of en-US; it will be listened for as 'co all kick' and the like"
    )
    ((language, words, phrases),) = asked
    assert (language, list(words)) == ("en-US", ["kowalczyk", "xyzzy"])
    assert {"agent", "kowalczyk xyzzy"} <= set(phrases)


def test_what_is_listened_for_beside_missing_words_is_worked_out_once() -> None:
    asked: list[Sequence[str]] = []

    def substitutes(language: str, words: Sequence[str], phrases: Sequence[str]) -> dict[str, tuple[str, ...]]:
        asked.append(phrases)
        return {}

    text = SHORTEST.replace('keys: "0",', 'keys: "0", say: [kowalczyk, xyzzy],')
    problems_of_text(text, replace(WORLD, substitutes=substitutes))
    first, second = asked
    assert first is second


def test_words_of_a_region_replace_those_of_the_language() -> None:
    text = SHORTEST.replace('keys: "0",', 'keys: "0", say: {en: xyzzy, en-US: agent},')
    assert problems_of_text(text) == []


def test_every_mistake_of_every_step_is_reported_at_once() -> None:
    text = SHORTEST.replace("failed: hang_up\n  to_agent", "failed: hang_upp\n  to_agent").replace(
        "go: to_agent", "go: to_agant"
    )
    assert [problem.line for problem in problems_of_text(text)] == [8, 11]


def test_a_counted_loop_is_allowed_and_an_uncounted_one_beside_it_is_found() -> None:
    text = SHORTEST.replace("go: to_agent", "go: count") + (
        "  count:\n    set: {n: 1}\n    next: enough\n"
        "  enough:\n    when:\n      - {if: n > 3, go: to_agent}\n      - {else: true, go: again}\n"
        "  again:\n    say: Again.\n    next: count\n"
    )
    assert problems_of_text(text) == []
    problems = problems_of_text(text.replace("next: count", "next: again"))
    assert [(problem.rule, problem.step) for problem in problems if problem.severity is Severity.ERROR] == [
        ("no_path_to_an_end", "again"),
        ("loop_without_caller", "again"),
    ]


def test_a_variable_set_on_every_way_may_be_read() -> None:
    text = SHORTEST.replace("go: to_agent", "go: ask_it") + (
        "  ask_it:\n    ask: digits\n    prompt: Which?\n    length: 2\n    into: code\n"
        "    failed: make_up\n    next: tell\n"
        '    no_input: "Hm."\n    no_match: "Hm."\n'
        '  make_up:\n    set: {code: "12", more: "{{ code }}"}\n    next: tell\n'
        '  tell:\n    say: "{{ code | digits | upper }}{# really #}"\n    next: to_agent\n'
    )
    assert problems_of_text(text) == []


def test_the_text_of_a_default_may_only_read_what_every_step_that_says_it_knows() -> None:
    text = (
        SHORTEST.replace("steps:", 'defaults: {no_match: "Not {{ code }}."}\nsteps:')
        .replace('    no_match: "I did not understand."\n', "")
        .replace("go: to_agent", "go: later")
        + '  later:\n    ask: digits\n    prompt: Which?\n    length: 2\n    into: code\n    no_input: "Hm."\n'
        "    failed: hang_up\n    next: to_agent\n"
    )
    assert [problem.rule for problem in problems_of_text(text)] == ["unset_variable"]


def test_errors_keep_a_flow_out_and_warnings_do_not() -> None:
    greeting_without_disclosure = SHORTEST.replace("I am an automatic assistant. ", "")
    assert [p.severity for p in require_sound(load_flow(greeting_without_disclosure, "f.yaml"))] == [Severity.WARNING]
    with pytest.raises(FlowCheckFailed, match=r"f.yaml:8:33: main: there is no step 'to_agant'"):
        require_sound(load_flow(SHORTEST.replace("go: to_agent", "go: to_agant"), "f.yaml"))


@pytest.mark.parametrize(
    ("language", "prompt", "found"),
    [
        ("en-US", "Press 1 for sales.", True),
        ("en-US", "Press the star to go back.", True),
        ("en-US", "For sales, press 1. For service, press 2.", False),
        ("de-DE", "Drücken Sie die 1 für den Verkauf.", True),
        ("de-DE", "Für den Verkauf drücken Sie die 1.", False),
        ("fr-FR", "Press 1 for sales.", False),
    ],
)
def test_a_key_named_before_its_choice_is_noticed(language: str, prompt: str, found: bool) -> None:
    text = SHORTEST.replace("start:", f"language: {language}\nstart:").replace("For a person, press 0.", prompt)
    assert ("key_before_choice" in {problem.rule for problem in problems_of_text(text)}) is found


@pytest.mark.parametrize(
    ("language", "greeting", "says_so"),
    [
        ("en-US", "This is the virtual receptionist.", True),
        ("en-US", "Hello, this is Robin.", False),
        ("de-DE", "Hier ist der digitale Assistent.", True),
        ("de-DE", "Hier ist Robin.", False),
        ("fr-FR", "Bonjour.", True),
    ],
)
def test_a_greeting_is_searched_for_the_word_that_says_it_is_a_bot(language: str, greeting: str, says_so: bool) -> None:
    text = SHORTEST.replace("start:", f"language: {language}\nstart:").replace("I am an automatic assistant.", greeting)
    rules = {problem.rule for problem in problems_of_text(text)}
    assert ("does_not_say_that_it_is_a_bot" not in rules) is says_so


def test_a_recorded_greeting_cannot_be_judged() -> None:
    text = SHORTEST.replace('"I am an automatic assistant. For a person, press 0."', "sounds/en/hello.wav")
    assert problems_of_text(text) == []


@pytest.mark.parametrize("phrase", ["stop", "opt out", "remove my number", "no thanks"])
def test_a_way_to_say_no_for_good_may_be_a_command_or_a_choice(phrase: str) -> None:
    sales = SHORTEST.replace("start:", "purpose: research\nstart:")
    by_choice = sales.replace('keys: "0",', f'keys: "0", say: {phrase},')
    by_command = sales.replace("steps:", f"commands: {{never: {{say: {phrase}, go: hang_up}}}}\nsteps:")
    for text in (by_choice, by_command):
        assert problems_of_text(text, CheckContext()) == []
    assert [problem.rule for problem in problems_of_text(sales, CheckContext())] == ["no_opt_out"]


# --- what was reported and is no mistake, and what is one and was not reported


WITH_STEP = SHORTEST.replace("go: to_agent", "go: more")


def rules_of(step: str, head: str = "") -> list[str]:
    """Rules that a flow breaks with one step more; without warnings."""
    text = WITH_STEP.replace("steps:", f"{head}steps:", 1) + "".join(f"  {line}\n" for line in step.splitlines())
    return [problem.rule for problem in problems_of_text(text) if problem.severity is Severity.ERROR]


@pytest.mark.parametrize("name", ["error", "step", "call", "heard"])
def test_a_step_may_be_named_like_a_variable_that_every_flow_has(name: str) -> None:
    assert rules_of(f"more: {{tag: x, next: {name}}}\n{name}: {{hours: office, open: to_agent, closed: hang_up}}") == []


def test_the_bands_of_confidence_of_a_forms_field_are_compared() -> None:
    field = 'one: {ask: number, prompt: "How many?", confidence: {accept: 0.2, reject: 0.5}}'
    assert rules_of(f"more:\n  form: {{fields: {{{field}}}}}\n  failed: hang_up\n  next: to_agent") == ["empty_range"]


def test_the_help_of_a_forms_field_is_a_help() -> None:
    field = 'one: {ask: number, prompt: "How many?", help: "Say a number."}'
    head = 'commands: {more: {keys: "9", go: help}}\n'
    assert rules_of(f"more:\n  form: {{fields: {{{field}}}}}\n  failed: hang_up\n  next: to_agent", head) == []


def test_a_step_that_nobody_reaches_is_reported_once_whatever_it_is_made_of() -> None:
    survey = (
        'lost:\n  survey: {thanks: "Thanks.", questions: {one: {ask: number, prompt: "How many?"}}}\n  next: to_agent'
    )
    assert rules_of(f"more: {{tag: x, next: to_agent}}\n{survey}") == ["unreachable_step"]


@pytest.mark.parametrize(
    ("variable", "is_secret"), [("pin_tries: 3", False), ("tan_ok: ''", False), ("pin: 4711", True)]
)
def test_a_count_of_pins_is_no_pin(variable: str, is_secret: bool) -> None:
    found = rules_of("more: {tag: x, next: to_agent}", f"variables: {{{variable}}}\n")
    assert found == (["secret"] if is_secret else [])


def test_a_variable_in_a_list_that_is_set_needs_a_value_too() -> None:
    assert rules_of("more: {set: {a: [1, '{{ nix }}'], b: {c: '{{ a }}'}}, next: to_agent}") == ["unknown_variable"]
