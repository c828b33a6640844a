"""Words that sound alike: what is compared with what, and how much of it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.flow import edit_distance
from ivr.flow.check import CheckContext, check_flow
from ivr.flow.checks import sounds
from ivr.flow.checks.sound_index import SoundIndex, most_edits
from ivr.flow.loader import load_flow

pytestmark = pytest.mark.unit

HEAD = """
flow: alike
start: main
languages: [de-DE]
defaults: {no_input: sounds/x.wav, no_match: sounds/x.wav, failed: to_agent, confirm: %s}
commands:
  agent: {keys: "0", say: {en: [agent], de: [mensch]}, go: to_agent}
steps:
"""
MENU = """
  {name}:
    menu:
      prompt: sounds/x.wav
      choices:
        one: {{keys: "1", say: {{en: [{one}], de: [{german}]}}, go: {next}}}
        two: {{keys: "2", say: {{en: [{two}]}}, go: {next}}}
    {more}
"""
TAIL = "  to_agent: {transfer: {to: agent}, failed: hang_up}\n"


def menu(name: str = "main", one: str = "sales", two: str = "service", **others: str) -> str:
    values = {"german": "verkauf", "next": "to_agent", "more": ""} | others
    return MENU.format(name=name, one=one, two=two, **values)


def flow_of(*menus: str, confirm: str = "low_confidence") -> str:
    return HEAD % confirm + "".join(menus) + TAIL


def found(text: str, spoken: dict[str, str]) -> list[str]:
    """Messages of the rule in a world where phrases sound as `spoken` says, and others as they are written."""

    def pronounce(language: str, phrases: Sequence[str]) -> dict[str, str]:
        return {phrase: spoken.get(phrase, phrase) for phrase in phrases}

    problems = check_flow(load_flow(text, "f.yaml"), CheckContext(pronounce=pronounce))
    return [f"{p.severity} {p.step}: {p.message.split(';')[0]}" for p in problems if p.rule == "sounds_alike"]


def test_words_that_differ_pass() -> None:
    assert found(flow_of(menu()), {}) == []


def test_two_choices_with_one_pronunciation_are_an_error() -> None:
    spoken = {"mail": "meɪl", "male": "meɪl"}
    line = "error main: 'male' sounds exactly like 'mail', the choice one, line 14 (both in main)"
    assert found(flow_of(menu(one="mail", two="male")), spoken) == [line]


def test_a_sound_more_is_a_warning_in_a_long_word_and_passes_in_a_short_one() -> None:
    assert [line.split()[0] for line in found(flow_of(menu(one="orders", two="order")), {})] == ["warning"]
    assert found(flow_of(menu(one="go", two="no")), {}) == []


def test_two_phrases_for_the_same_thing_may_sound_alike() -> None:
    assert found(flow_of(menu(one="mail, male")), {"mail": "meɪl", "male": "meɪl"}) == []


def test_a_command_is_compared_with_every_choice_it_is_active_with() -> None:
    assert found(flow_of(menu(two="agents")), {}) == [
        "warning agent: 'agent' sounds almost like 'agents', the choice two, line 15 (both in main)"
    ]
    assert found(flow_of(menu(two="agents", more="commands: []")), {}) == []


def test_languages_are_compared_each_by_itself() -> None:
    spoken = {"verkauf": "X", "sales": "X"}
    assert found(flow_of(menu()), spoken) == []
    assert found(flow_of(menu(german="agents")), {}) == []
    assert len(found(flow_of(menu(german="menschen")), {})) == 1


def test_yes_and_no_count_where_an_answer_may_be_confirmed() -> None:
    spoken = {"agent": "noʊ", "no": "noʊ"}
    line = "error agent: 'agent' sounds exactly like 'no', an answer of no (both in the confirmation of main)"
    assert found(flow_of(menu()), spoken) == [line]
    assert found(flow_of(menu(), confirm="never"), spoken) == []


def test_the_words_of_a_command_are_not_those_of_a_number_that_is_asked() -> None:
    text = flow_of(menu(next="count"), "  count: {ask: number, prompt: sounds/x.wav, into: n, next: to_agent}\n")
    assert found(text.replace("en: [agent]", "en: [two]"), {}) == [
        "error agent: 'two' is also a word of the answer (both in count)"
    ]


def test_a_language_without_a_speech_model_is_left_out() -> None:
    text = flow_of(menu(one="mail", two="male"))
    world = CheckContext(pronounce=lambda *_: pytest.fail("asked"), languages_with_model=frozenset({"fr"}))
    assert "sounds_alike" not in {problem.rule for problem in check_flow(load_flow(text, "f.yaml"), world)}


def test_a_thousand_steps_are_asked_once_and_hardly_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    compared: list[tuple[str, str]] = []
    edits = edit_distance.edits

    def counted(first: str, second: str) -> int:
        compared.append((first, second))
        return edits(first, second)

    def pronounce(language: str, phrases: Sequence[str]) -> dict[str, str]:
        asked.append(len(phrases))
        return {phrase: phrase for phrase in phrases}

    names = [*(f"s{number}" for number in range(1000)), "to_agent"]
    menus = [
        menu(name, one=f"{number:b}xy".replace("0", "a").replace("1", "b"), two=f"second {number}", next=following)
        for number, (name, following) in enumerate(pairwise(names))
    ]
    monkeypatch.setattr(edit_distance, "edits", counted)
    text = flow_of(*menus).replace("start: main", "start: s0")
    check_flow(load_flow(text, "f.yaml"), CheckContext(pronounce=pronounce))
    assert len(asked) == 2, "once for each language"
    assert len(compared) < 100


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "ab", 1), ("abc", "axc", 1), ("abc", "xabc", 1), ("kitten", "sitting", 3)],
)
def test_edits_are_counted(first: str, second: str, distance: int) -> None:
    assert edit_distance.edits(first, second) == edit_distance.edits(second, first) == distance
    assert edit_distance.within(first, second, distance)
    assert distance == 0 or not edit_distance.within(first, second, distance - 1)


def edits_by_table(first: str, second: str) -> int:
    """Levenshtein's distance as it is defined."""
    above = list(range(len(second) + 1))
    for row, one in enumerate(first, 1):
        line = [row]
        for column, other in enumerate(second, 1):
            line.append(min(above[column] + 1, line[-1] + 1, above[column - 1] + (one != other)))
        above = line
    return above[-1]


SOUNDS = st.text("abc", max_size=24)


@given(SOUNDS, SOUNDS)
def test_edits_are_those_of_the_table(first: str, second: str) -> None:
    assert edit_distance.edits(first, second) == edits_by_table(first, second)


@given(st.lists(SOUNDS, max_size=12), SOUNDS)
def test_the_index_finds_every_sound_that_is_near(known: list[str], sound: str) -> None:
    found = SoundIndex(known).may_be_near(sound)
    for place, other in enumerate(known):
        if sound and other and edit_distance.within(sound, other, most_edits(max(len(sound), len(other)))):
            assert place in found
    assert found == sorted(found)


def test_many_commands_in_many_questions_are_compared_where_they_may_be_near(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    likeness = sounds._likeness

    def counted(pair: sounds._Pair, spoken: Mapping[str, str]) -> str:
        compared.append(pair)
        return likeness(pair, spoken)

    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=12)) for _ in range(600)]
    commands = "".join(
        f'  c{number}: {{keys: "*{number:03d}", say: {{en: [{word}], de: [{word}]}}, go: to_agent}}\n'
        for number, word in enumerate(words[:200])
    )
    names = [*(f"s{number}" for number in range(200)), "to_agent"]
    menus = [
        menu(name, one=words[200 + number], two=words[400 + number], next=following)
        for number, (name, following) in enumerate(pairwise(names))
    ]
    monkeypatch.setattr(sounds, "_likeness", counted)
    text = flow_of(*menus).replace("start: main", "start: s0").replace("steps:\n", commands + "steps:\n", 1)
    assert found(text, {}) == []
    assert len(compared) < 2_000, "of the 200,000 pairs that are active together in two languages"
