"""Which conversations can be had by telephone, and what the output says of the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.flow.loader import load_flow
from ivr.live_test.suitability import legs_for, why_not_called, why_not_live
from ivr.rehearsal.played import Played
from ivr.rehearsal.player import play
from ivr.rehearsal.reading import load_conversations
from ivr.rehearsal.world import Handover

pytestmark = pytest.mark.unit

FLOW = """
flow: desk
language: en-US
languages: [de-DE]
start: main
steps:
  main:
    menu:
      prompt: {en: "Say German or agent.", de: "Sagen Sie Ende."}
      choices:
        german: {keys: "1", say: {en: [german], de: [deutsch]}, go: to_german}
        agent: {keys: "2", say: {en: [agent], de: [mensch]}, go: to_agent}
        bye: {keys: "9", say: {en: [goodbye], de: [ende]}, go: hang_up}
  to_german: {language: de-DE, next: main}
  to_agent: {transfer: {to: agent}, failed: main}
"""


def why_not(
    call: str, understood: set[str] | None, *, has_voice: bool = False, given: str = "{}"
) -> tuple[str, Played]:
    text = f"flow: desk\ntests: [{{name: one, given: {given}, call: {call}}}]\n"
    loaded = load_conversations(text, "desk.test.yaml")
    assert not loaded.problems
    (placed,) = loaded.conversations
    played = play(placed.conversation, load_flow(FLOW, "desk.yaml").flow)
    assert played.difference is None, played.difference
    return why_not_live(placed.conversation, played, understood, has_voice=has_voice), played


@pytest.mark.parametrize("call", ["[say: german, say: ende]", "[say: german, press: '9']", "[press: '1', hear: Ende]"])
def test_a_call_in_a_language_without_a_model_is_told_because_the_bot_speaks_otherwise_then(call: str) -> None:
    because, _ = why_not(call, {"en"})
    assert because == "the bot does not understand de-DE: name a model under speech.models (`ivr models`)"


@pytest.mark.parametrize(
    ("call", "understood"),
    [
        ("[say: german, say: ende]", {"en", "de"}),
        ("[say: goodbye]", {"en"}),
        ("[say: german, say: ende]", None),
    ],
)
def test_what_is_understood_can_be_had(call: str, understood: set[str] | None) -> None:
    assert why_not(call, understood)[0] == ""


def test_a_language_that_nobody_speaks_needs_a_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivr.live_test.suitability.espeak_voice", lambda language: None)
    assert why_not("[say: goodbye]", {"en"})[0] == "no voice speaks en-US: name one with --voice"
    assert why_not("[say: goodbye]", {"en"}, has_voice=True)[0] == ""


def test_who_is_transferred_takes_a_leg_for_the_person_as_well() -> None:
    assert legs_for(why_not("[press: '2']", None)[1]) == 2
    assert legs_for(why_not("[press: '9']", None)[1]) == 1


def test_all_who_are_called_at_once_take_a_leg_each() -> None:
    played = why_not("[press: '9']", None)[1]
    everybody = (Handover(("a", "b", "c"), None, rings_all=True), Handover(("a",), None))
    assert legs_for(replace(played, transfers=everybody)) == 4


def test_with_keys_only_no_language_has_to_be_understood() -> None:
    assert why_not("[press: '1', press: '9']", {"en"}, given="{speech: false}")[0] == ""


def test_no_call_comes_to_a_flow_that_takes_values() -> None:
    desk = load_flow(FLOW, "desk.yaml").flow
    assert why_not_called(desk) == ""
    taking = desk.model_copy(update={"takes": ("reason",)})
    assert why_not_called(taking) == "desk takes values, so no number leads to it: play a flow that runs it"
