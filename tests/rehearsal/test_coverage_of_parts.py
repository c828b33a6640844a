"""Coverage of flows that others run: their steps and exits count, under their own names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.check_context import surroundings_of
from ivr.config import Settings
from ivr.rehearsal.coverage import Coverage
from ivr.rehearsal.results import coverage_lines
from ivr.rehearsal.running import chosen, find_suites, run

pytestmark = pytest.mark.unit

SHOP = """
flow: shop
start: main
commands: {bye: {keys: "0", say: [goodbye], go: hang_up}}
variables: {room: ""}
steps:
  main:
    menu:
      prompt: "This is a machine. Say room or bed."
      choices:
        room: {keys: "1", say: [room], go: order_room}
        bed: {keys: "2", say: [bed], go: order_bed}
    failed: hang_up
  order_room: {run: order, given: {what: room}, into: {room: number}, refused: sorry, next: done}
  order_bed: {run: order, given: {what: bed}, refused: sorry, next: hang_up}
  sorry: {say: "A pity.", next: hang_up}
  done: {say: "Room {{ room }}.", next: hang_up}
"""

ORDER = """
flow: order
start: which
variables: {what: "", number: 0}
steps:
  which: {ask: number, minimum: 1, maximum: 9, into: number, prompt: "Which {{ what }}?", failed: no_order, next: fork}
  fork:
    when:
      - {if: "number > 5", go: no_order}
    next: confirm
  confirm: {run: sure, full: no_order, next: fine}
  fine: {return: {values: {number: "{{ number }}"}}}
  no_order: {return: {outcome: refused}}
"""

SURE = """
flow: sure
start: really
variables: {is_sure: false}
steps:
  really: {ask: yes_no, into: is_sure, prompt: "Sure?", denied: full, confirmed: return, failed: full}
  full: {return: {outcome: full}}
"""

ROOM_SEVEN = """
tests:
  - name: no such room
    call: [{press: "1"}, {hear: "Which room"}, {press: "7#"}, {hear: a pity}]
"""

ROOM_THREE = """
  - name: room three
    call: [{press: "1"}, {press: "3#"}, {hear: "Sure"}, {press: "1"}, {hear: "Room 3"}]
"""


def covered(folder: Path, tests: str, **others: str) -> dict[str, Coverage]:
    """By flow."""
    flows = {"shop": SHOP, "order": ORDER, "sure": SURE}
    for name, text in flows.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "shop.test.yaml").write_text(tests, encoding="utf-8")
    for name, text in others.items():
        (folder / f"{name}.test.yaml").write_text(text, encoding="utf-8")
    suites, problems = find_suites([folder], surroundings_of(Settings()).context)
    assert not problems, "\n".join(map(str, problems))
    report = run(chosen(suites, ()))
    assert not report.failed, report.failed[0].played
    return {each.flow: each for each in report.coverage}


def test_flows_that_are_run_are_named_with_what_was_not_tried(tmp_path: Path) -> None:
    found = covered(tmp_path, ROOM_SEVEN)
    assert list(found) == ["shop", "order", "sure"]
    assert found["order"].untried_steps == ("confirm", "fine")
    assert set(found["order"].untried_exits) == {("which", "failed"), ("fork", "next")}
    assert (found["sure"].percent, found["sure"].tried_steps) == (0.0, 0)
    shown = "\n".join(coverage_lines(found["order"]))
    assert "order: " in shown and "steps that no call came to: confirm, fine" in shown


def test_exits_of_the_step_that_runs_it_are_those_that_came_back(tmp_path: Path) -> None:
    found = covered(tmp_path, ROOM_SEVEN)["shop"]
    assert ("order_room", "next") in found.untried_exits and ("order_room", "refused") not in found.untried_exits
    found = covered(tmp_path, ROOM_SEVEN + ROOM_THREE)["shop"]
    assert not [exit_name for step, exit_name in found.untried_exits if step == "order_room"]


def test_a_when_without_a_note_counts_inside_a_flow_too(tmp_path: Path) -> None:
    found = covered(tmp_path, ROOM_SEVEN + ROOM_THREE)
    assert found["order"].untried_steps == ()
    assert set(found["order"].untried_exits) == {("which", "failed"), ("confirm", "full")}
    assert set(found["sure"].untried_exits) == {("really", "denied"), ("really", "failed")}


def test_a_part_that_hangs_up_has_not_come_back(tmp_path: Path) -> None:
    hangs_up = ROOM_SEVEN + '  - name: leaves\n    call: [{press: "2"}, {say: goodbye}]\n'
    found = covered(tmp_path, hangs_up)["shop"]
    assert ("order_bed", "next") in found.untried_exits
    assert found.untried_commands == (), "a command of the flow that was heard in its part"


def test_conversations_of_a_part_count_with_those_of_the_flow_that_runs_it(tmp_path: Path) -> None:
    own = 'tests:\n  - name: unsure\n    call: [{press: "2"}]\n  - name: silent\n    call: [{stay_silent: 90s}]\n'
    found = covered(tmp_path, ROOM_SEVEN + ROOM_THREE, sure=own)
    assert found["sure"].percent == 100.0
