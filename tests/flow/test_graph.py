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
