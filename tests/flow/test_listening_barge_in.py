"""Who may interrupt what: every kind of `barge_in`, by key, by words and by noise."""

from __future__ import annotations

import pytest

from tests.flow.dialogs import HEAD, menu, offered

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("barge_in", "stops"), [("none", False), ("digits", True), ("speech", False), ("any", True), ("match", True)]
)
def test_a_key_during_the_prompt(barge_in: str, stops: bool) -> None:
    call = menu(barge_in=barge_in).interrupts(keys="1", after_s=0.5)
    assert call.prompts[0].was_cut is stops
    assert (call.step == "sales") is stops
    if not stops:
        call.presses("1").hears("here is sales")


@pytest.mark.parametrize(
    ("barge_in", "stops"), [("none", False), ("digits", False), ("speech", True), ("any", True), ("match", True)]
)
def test_an_answer_by_voice_during_the_prompt(barge_in: str, stops: bool) -> None:
    call = menu(barge_in=barge_in).interrupts("sales", after_s=0.5)
    assert (call.step == "sales") is stops
    if not stops:
        call.says("sales").hears("here is sales")


@pytest.mark.parametrize("barge_in", ["speech", "any"])
def test_speech_stops_the_prompt_at_once(barge_in: str) -> None:
    call = menu(barge_in=barge_in).interrupts("bananas", after_s=0.5)
    assert call.prompts[0].heard_s == pytest.approx(0.5)
    call.hears("did not understand")


def test_with_match_other_words_do_not_stop_the_prompt() -> None:
    call = menu(barge_in="match").interrupts("bananas", after_s=0.5)
    assert call.is_speaking and not call.record
    call.listens().stays_silent(6.1).hears("did not hear")


def test_with_match_an_answer_too_unsure_to_take_does_not_stop_the_prompt() -> None:
    call = menu(barge_in="match").interrupts("sales", after_s=0.5, confidence=0.2)
    assert call.is_speaking and not call.record


def test_with_match_noise_does_not_stop_the_prompt() -> None:
    call = menu(barge_in="match").is_interrupted_by_noise()
    assert call.is_speaking and len(call.prompts) == 1


def test_with_match_speech_that_outlasts_the_prompt_is_still_an_answer() -> None:
    call = menu(barge_in="match").waits(3.0).begins_to_speak().listens()
    assert not call.is_speaking
    call.says("bananas").hears("did not understand")


def test_with_match_a_group_of_digits_stops_the_prompt() -> None:
    flow = (
        HEAD
        + "start: q\nsteps:\n"
        + '  q: {ask: digits, prompt: "Say the six digits of your code.", length: 6, into: v, barge_in: match}\n'
    )
    call = offered(flow).interrupts("one two three", after_s=0.3)
    assert not call.is_speaking and call.state.input.typed == "123"
    assert call.says("four five six").has_ended and call.variables["v"] == "123456"


GREETED = (
    HEAD
    + """
start: hello
steps:
  hello: {say: "Hello and welcome.", KIND next: main}
  main: {menu: {prompt: "Press 1.", choices: {one: {keys: "1", say: [one], go: one}}}}
  one: {say: "One it is.", next: hang_up}
"""
)


def test_greeting_and_menu_are_one_prompt_that_a_key_or_words_interrupt() -> None:
    for interruption in ({"text": "one"}, {"keys": "1"}):
        call = offered(GREETED.replace("KIND", ""))
        assert call.prompts_heard == ["Hello and welcome. Press 1."]
        call.interrupts(**interruption, after_s=0.4).hears("one it is")  # type: ignore[arg-type]
        assert call.prompts[0].was_cut


def test_a_greeting_with_rules_of_its_own_is_a_prompt_of_its_own() -> None:
    call = offered(GREETED.replace("KIND", "barge_in: none,"))
    assert call.prompts_heard == ["Hello and welcome."]
    call.interrupts("one", after_s=0.2).hears("press 1")
    assert not call.prompts[0].was_cut


def test_a_say_with_other_rules_than_the_one_before_is_said_after_it() -> None:
    flow = GREETED.replace("KIND", "").replace(
        "next: main", 'next: more}\n  more: {say: "Listen well.", barge_in: none, next: main', 1
    )
    call = offered(flow).hears("press 1")
    assert call.prompts_heard == ["Hello and welcome.", "Listen well.", "Press 1."]
    assert [note.step for note in call.record] == ["hello", "more"]
