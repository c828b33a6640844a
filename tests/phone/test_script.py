"""Keys, pauses and the order of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.errors import ConfigError
from ivr.phone.script import KeyPause, Play, Press, Say, Wait, build_script, parse_keys

pytestmark = pytest.mark.unit


def test_keys_and_pauses_are_read_in_order() -> None:
    assert parse_keys("1 2w3,#") == ("1", KeyPause(1.0), "2", KeyPause(0.5), "3", KeyPause(2.0), "#")


def test_letters_of_keys_may_be_lower_case() -> None:
    assert parse_keys("aBcDW*") == ("A", "B", "C", "D", KeyPause(0.5), "*")


@pytest.mark.parametrize(
    ("text", "named"), [("12x", "'x' at place 3"), ("1+", "'+'"), ("", "no key"), ("w ,", "no key")]
)
def test_what_is_no_key_is_refused_and_named(text: str, named: str) -> None:
    with pytest.raises(ConfigError) as failure:
        parse_keys(text)
    assert named in str(failure.value)


def test_endless_keys_are_refused() -> None:
    with pytest.raises(ConfigError):
        parse_keys("1" * 257)


def test_acts_come_in_the_order_of_the_command_line() -> None:
    order = ("record", "say", "press", "wait", "say", "play")
    values: dict[str, list[object]] = {"say": ["sales", "yes"], "press": ["12"], "wait": [1.5], "play": [Path("a.wav")]}
    assert build_script(order, values) == (
        Say(text="sales"),
        Press(strokes=("1", "2")),
        Wait(True, 1.5),
        Say(text="yes"),
        Play(wav=Path("a.wav")),
    )


def test_at_once_concerns_the_act_behind_it() -> None:
    script = build_script(("press", "at_once", "press", "press"), {"press": ["1", "2", "3"]})
    assert [act.is_at_once for act in script] == [False, True, False]


def test_at_once_at_the_end_concerns_all() -> None:
    script = build_script(("press", "say", "at_once"), {"press": ["1"], "say": ["hello"]})
    assert [act.is_at_once for act in script] == [True, True]


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(ConfigError):
        build_script(("say",), {"say": ["  "]})
