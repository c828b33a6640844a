"""What is in the picture of a flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.errors import FlowSyntaxError
from ivr.flow.check import check_flow
from ivr.flow.checks.subject import Subject
from ivr.flow.graph import Card, FlowGraph, Traffic, graph_of, traffic_of
from ivr.flow.loader import load_flow

pytestmark = pytest.mark.unit

DEMO = (Path(__file__).parents[2] / "flows" / "demo.yaml").read_text(encoding="utf-8")
BROKEN = """
flow: broken
start: main
defaults: {no_input: "Hm?", no_match: "Hm?", failed: to_agent}
steps:
  main:
    menu:
      prompt: {en: "For sales, press 1.", en-US: "For sales, really, press 1."}
      choices:
        sales: {keys: "1", go: mian}
        again: {keys: "2", go: repeat}
        bye: {keys: "3"}
        adieu: {keys: "4"}
    next: hang_up
  lost:
    set: {tries: 1}
    next: fork
  fork:
    when: [{if: "tries > 1", go: to_agent}]
    next: main
  to_agent:
    transfer: {to: agent, announce: "One moment."}
    failed: hang_up
"""


def graph(text: str, traffic: Traffic | None = None) -> FlowGraph:
    loaded = load_flow(text, "f.yaml")
    return graph_of(loaded.flow, Subject(loaded).reachable, check_flow(loaded), traffic)


def card(name: str, picture: FlowGraph) -> Card:
    return next(card for card in picture.cards if card.name == name)


def exits(name: str, picture: FlowGraph) -> dict[str, list[str]]:
    return {arrow.target: [way.name for way in arrow.ways] for arrow in card(name, picture).arrows}


def test_a_step_is_a_card_with_what_it_says_in_the_flows_language() -> None:
    picture = graph(DEMO)
    assert [card.name for card in picture.cards][:2] == ["welcome", "main"]
    assert card("order_number", picture).text == "Please say or key in your order number. It has four digits."
    assert card("main", graph(BROKEN)).text == "For sales, really, press 1."


@pytest.mark.parametrize(
    ("step", "kind", "text"),
    [("to_agent", "transfer", "to agent"), ("lost", "set", "tries = 1"), ("fork", "when", ""), ("main", "menu", None)],
)
def test_a_card_says_what_its_step_does(step: str, kind: str, text: str | None) -> None:
    found = card(step, graph(BROKEN))
    assert found.kind == kind
    assert text in (None, found.text)


def test_exits_are_named_as_callers_take_them() -> None:
    picture = graph(DEMO)
    assert exits("main", picture) == {"hours": ["hours"], "order_number": ["order"], "to_agent": ["person"]}
    assert card("main", picture).arrows[1].ways[0].signal == "2 · my order, order, check an order …"
    assert exits("anything_else", picture) == {"main": ["yes"], "goodbye": ["no", "failed"]}
    assert exits("to_agent", picture) == {"agent_busy": ["busy"], "agent_away": ["no answer", "failed"]}
    assert exits("fork", graph(BROKEN)) == {"to_agent": ["tries > 1"], "main": ["else"]}


def test_exits_of_one_target_share_an_arrow() -> None:
    assert exits("main", graph(BROKEN)) == {"mian": ["sales"], "repeat": ["again"], "hang_up": ["bye", "adieu"]}


def test_what_holds_everywhere_stands_apart() -> None:
    found = [(each.way.name, each.way.signal.split(" ")[0], each.target) for each in graph(DEMO).anywhere]
    assert found == [
        ("agent", "0", "to_agent"),
        ("again", "*", "repeat"),
        ("back", "##", "back"),
        ("failed", "after", "to_agent"),
        ("on error", "something", "to_agent"),
    ]
    assert all("agent" not in each for each in exits("order_number", graph(DEMO)).values())


def test_what_is_wrong_is_marked() -> None:
    picture = graph(BROKEN)
    assert [card.name for card in picture.cards if not card.is_reachable] == ["lost", "fork"]
    assert [card.name for card in picture.cards if card.errors] == ["main"]
    assert picture.unknown == ("mian",)
    assert graph(DEMO).unknown == ()


def test_calls_are_counted_step_by_step() -> None:
    lines = [
        ("a", "welcome", "say"),
        ("a", "main", "menu"),
        ("a", "main", "menu"),
        ("a", "to_agent", "transfer"),
        ("b", "welcome", "say"),
        ("b", "main", "menu"),
        ("b", "main", "command"),
        ("b", "to_agent", "transfer"),
        ("b", "", "hang_up"),
    ]
    traffic = traffic_of(lines)
    assert traffic.calls == 2
    assert traffic.visits == {"welcome": 2, "main": 2, "to_agent": 2}
    assert traffic.ways == {("welcome", "main"): 2, ("main", "to_agent"): 1}
    assert traffic.detours == {("main", "to_agent"): 1}


def test_counts_are_on_arrows_and_ways_without_an_arrow_are_detours() -> None:
    traffic = Traffic(
        visits={"main": 7},
        ways={("main", "hours"): 4, ("order_number", "to_agent"): 2, ("gone", "main"): 1},
        detours={("main", "to_agent"): 1},
    )
    picture = graph(DEMO, traffic)
    assert [arrow.calls for arrow in card("main", picture).arrows] == [4, 0, 0]
    assert (card("main", picture).calls, card("hours", picture).calls) == (7, 0)
    found = [(detour.source, detour.target, detour.calls) for detour in picture.detours]
    assert found == [("main", "to_agent", 1), ("order_number", "to_agent", 2)]
    assert card("main", graph(DEMO)).arrows[0].calls is None


PARTS = """
flow: parts
start: order
on_hang_up: {go: note, always: true}
defaults: {failed: hang_up}
steps:
  order: {run: ask_code, given_up: bye, done: feedback}
  feedback:
    survey:
      questions:
        mark: {ask: rating, prompt: {1: "How was it?", 2: "Your mark?"}}
        why: {ask: free, prompt: "Why?", if: "mark < 3"}
      opt_out: {keys: "*9"}
    opted_out: bye
    next: look_up
  look_up: {request: {get: "https://crm.example.com/a", into: answer}, waiting: "One moment.", error: bye, next: bye}
  bye: {say: "Bye.", next: hang_up}
  note: {tag: seen, next: return}
"""


def test_what_a_survey_keeps_its_answers_by_is_no_card_and_its_exits_are_named() -> None:
    picture = graph(PARTS)
    assert {each.name for each in picture.cards if "." in each.name} == {"feedback.mark", "feedback.why"}
    assert exits("feedback", picture) == {"feedback.mark": [""]}
    assert exits("feedback.mark", picture) == {"feedback.why": ["", "failed"], "bye": ["opt out"]}
    assert card("feedback.mark", picture).text == "How was it?"


def test_a_run_that_names_its_outcomes_has_no_further_arrow() -> None:
    assert exits("order", graph(PARTS)) == {"bye": ["given up"], "feedback": ["done"]}


def test_a_request_shows_whom_it_asks() -> None:
    assert card("look_up", graph(PARTS)).text.startswith("get https://crm.example.com/a")


def test_what_is_done_afterwards_has_an_entry_of_its_own_in_place_of_detours() -> None:
    lines = [("a", "order", "run"), ("a", "order/ask", "ask"), ("a", "feedback.mark", "survey"), ("a", "note", "tag")]
    picture = graph(PARTS, traffic_of([*lines, ("b", "order", "run"), ("b", "note", "tag")]))
    assert picture.afterwards is not None
    assert (picture.afterwards.target, picture.afterwards.always, picture.afterwards.calls) == ("note", True, 2)
    assert [(each.source, each.target) for each in picture.detours] == [("order", "feedback.mark")]
    assert card("order", picture).calls == 2, "what goes on in a flow that is run belongs to the step that runs it"


def test_every_flow_of_the_tests_can_be_drawn() -> None:
    drawn = 0
    for file in sorted((Path(__file__).parents[1] / "data" / "flows").rglob("*.yaml")):
        try:
            picture = graph(file.read_text(encoding="utf-8"))
        except FlowSyntaxError:
            continue
        drawn += 1
        assert picture.cards, file
    assert drawn > 50
