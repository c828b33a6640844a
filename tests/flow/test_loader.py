"""Text to a flow: what is read, what is refused, in which words."""

from __future__ import annotations

import pytest

from ivr.errors import FlowSyntaxError
from ivr.flow.loader import content_version, load_flow
from ivr.flow.model import AskStep, MenuStep, SayStep

pytestmark = pytest.mark.unit

FLOW = """\
flow: small
start: hello
commands:
  agent: {keys: "0", say: [agent, yes], go: hang_up}
steps:
  hello:
    say: [{en: "Hello.", de: "Hallo."}, sounds/en/jingle.wav, {pause: 500ms}]
    next: main
  main:
    menu:
      prompt: "What may I do?"
      choices:
        yes: {keys: "1", say: {en: [yes, yeah], de: ja}, go: number}
    no_input: ["Once.", "Twice."]
    first_input_timeout: 1m30s
  number:
    ask: number
    prompt: "Which?"
    into: number
    sensitive: true
    next: hang_up
"""


def refusals(text: str | bytes) -> list[str]:
    with pytest.raises(FlowSyntaxError) as refused:
        load_flow(text, "f.yaml")
    return [str(problem) for problem in refused.value.problems]


def changed(old: str, new: str) -> list[str]:
    assert old in FLOW
    return refusals(FLOW.replace(old, new, 1))


def test_a_flow_is_read_with_its_steps_as_models() -> None:
    flow = load_flow(FLOW, "f.yaml").flow
    hello, main, number = flow.steps["hello"], flow.steps["main"], flow.steps["number"]
    assert isinstance(hello, SayStep) and isinstance(main, MenuStep) and isinstance(number, AskStep)
    assert [item.text for item in hello.say.items] == [{"en": "Hello.", "de": "Hallo."}, {}, {}]
    assert (hello.say.items[1].play, hello.say.items[2].pause) == ("sounds/en/jingle.wav", 0.5)
    assert main.menu.choices["yes"].say is not None
    assert main.menu.choices["yes"].say.for_language("en-US") == ("yes", "yeah")
    assert main.no_input is not None and len(main.no_input) == 2
    assert main.first_input_timeout == 90.0
    assert number.sensitive is True


def test_places_are_kept_beside_the_flow() -> None:
    loaded = load_flow(FLOW, "flows/f.yaml")
    assert loaded.file == "flows/f.yaml"
    assert loaded.source.positions.of_value(("steps", "main", "menu", "choices", "yes", "go")).line == 13


def test_the_version_follows_the_content_only() -> None:
    version = load_flow(FLOW, "a.yaml").flow.version
    assert version == load_flow(FLOW.encode(), "b.yaml").flow.version == content_version(FLOW)
    assert len(version) == 12
    assert version != load_flow(FLOW.replace("Hello.", "Hello!"), "a.yaml").flow.version


def test_the_mistakes_of_all_steps_and_of_the_flow_come_at_once() -> None:
    text = (
        FLOW.replace("start: hello", "strat: hello")
        .replace("next: main", "nxt: main")
        .replace("ask: number", "ask: numbr")
    )
    assert refusals(text.replace("go: hang_up", "goto: hang_up")) == [
        "f.yaml:1:1: 'start' is missing; add it",
        "f.yaml:2:1: strat: unknown key 'strat'; did you mean 'start'?",
        "f.yaml:4:41: agent: unknown key 'goto'; did you mean 'go'?",
        "f.yaml:8:5: hello: unknown key 'nxt'; did you mean 'next'?",
        "f.yaml:17:10: number: 'numbr' does not fit 'ask'; did you mean 'number'?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("into: number", "into: Number", "19:11: number: 'Number' is not a name; write lower case"),
        ("sensitive: true", "sensitive: yes", "20:16: number: 'yes' does not fit 'sensitive'; write true or false"),
        ("sensitive: true", "minimum: low", "20:14: number: 'low' does not fit 'minimum'; write a number"),
        ("sensitive: true", "max_length: 1.5", "20:17: number: 1.5 does not fit 'max_length'; write a whole number"),
        ("sensitive: true", "length: 0", "20:13: number: 0 does not fit 'length'; write at least 1"),
        (
            "sensitive: true",
            "confidence: {accept: high}",
            "20:26: number: 'high' does not fit 'accept'; write a number",
        ),
        (
            "sensitive: true",
            "confidence: high",
            "20:17: number: 'high' does not fit 'confidence'; write a group of `key: value` lines",
        ),
        ("sensitive: true", "commands: agent", "20:15: number: 'agent' does not fit 'commands'; write a list"),
        (
            "sensitive: true",
            "terminator: 'x'",
            "20:17: number: 'x' does not fit 'terminator'; write one of: #, *, \"\"",
        ),
        (
            "sensitive: true",
            "confirm: true",
            "20:14: number: true does not fit 'confirm'; write one of: always, low_confidence, never",
        ),
        (
            '"Which?"',
            "[[1]]",
            "18:14: number: this is no prompt; write text, a text per language, a file below sounds/",
        ),
        ("de: ja}", "de: 5}", "13:53: main: 5 does not fit 'de'; write a list"),
        (
            "say: {en: [yes, yeah], de: ja}",
            "say: 5",
            "13:31: main: these are no words; write a list of phrases, or such a list per language",
        ),
        ("{pause: 500ms}", "{pause: 5}", "7:71: hello: 5 is not a duration; write a number with its unit"),
        (
            "start: hello",
            "start: hello\nlanguage: de_DE",
            "3:11: language: 'de_DE' is not a language; write a tag such as en-US or de",
        ),
        (
            "start: hello",
            "start: hello\nlanguage:",
            "3:1: language: nothing is written after 'language'; write a value",
        ),
        (
            "commands:\n",
            "commands: [agent]\nextra:\n",
            "3:11: commands: a list does not fit 'commands'; write a group of `key: value` lines",
        ),
        (
            "commands:\n",
            "commands:\n  no good: {keys: '1'}\n",
            "4:3: no good: 'no good' is not a name; write lower case",
        ),
    ],
)
def test_a_wrong_value_is_refused_in_the_operators_words(old: str, new: str, expected: str) -> None:
    assert any(line.startswith(f"f.yaml:{expected}") for line in changed(old, new))


def test_a_branch_that_says_else_says_true() -> None:
    text = FLOW + "  fork:\n    when:\n      - {else: yes, go: hang_up}\n      - {if: {a: 1}, go: [b]}\n"
    assert refusals(text) == [
        "f.yaml:24:16: fork: 'yes' does not fit 'else'; write true",
        "f.yaml:25:14: fork: a group of keys does not fit 'if'; write text; put it in quotes",
        "f.yaml:25:26: fork: a list does not fit 'go'; write text; put it in quotes",
    ]


def test_a_long_wrong_value_is_shown_shortened() -> None:
    (line,) = changed("sensitive: true", f"sensitive: {'very ' * 20}secret")
    assert "'very very" in line and "very v…' does not fit 'sensitive'; write true or false" in line
    assert len(line) < 120


def test_what_may_be_an_empty_value_is_left_alone() -> None:
    text = FLOW.replace("steps:", "variables: {account: }\nsteps:").replace(
        "  number:\n", "  wipe:\n    set: {account: null}\n  number:\n"
    )
    assert load_flow(text, "f.yaml").flow.variables == {"account": None}


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n- b\n", "hello", "{}"])
def test_what_is_no_flow_is_told_so(text: str) -> None:
    assert refusals(text) == ["f.yaml:1:1: this is not a flow; write at least `flow:`, `start:` and `steps:`"]


@pytest.mark.parametrize("steps", ["steps:", "steps: []", "steps: {}", "steps: none"])
def test_a_flow_without_steps_is_told_so(steps: str) -> None:
    assert refusals(f"flow: f\nstart: a\n{steps}\n") == [
        "f.yaml:3:1: steps: there are no steps here; write each as `name:` with its keys below"
    ]


def test_a_flow_that_forgot_its_steps_is_told_so() -> None:
    assert refusals("flow: f\nstart: a\n") == ["f.yaml:1:1: 'steps' is missing; add it"]


def test_a_step_has_one_action() -> None:
    assert changed("    say: [{en", "    sya: [{en")[0] == (
        "f.yaml:6:3: hello: nothing says what this step does; did you mean 'say'?"
    )
    assert changed("    next: main", "    hang_up: true") == [
        "f.yaml:8:5: hello: a step does one thing, and this one has say and hang_up; make them steps of their own"
    ]


def test_an_empty_step_is_told_so() -> None:
    assert refusals(FLOW + "  last:\n") == [
        "f.yaml:22:3: last: nothing is written after 'last'; write a value (text that begins with # goes in quotes)"
    ]


def test_where_it_is_not_yaml_the_step_is_named() -> None:
    assert changed("next: main", "next: *")[0].startswith("f.yaml:8:11: hello: a bare * marks an alias")
    assert refusals(b"\xff") == ["f.yaml:1:1: this character is not UTF-8; save the file as UTF-8"]
