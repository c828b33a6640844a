"""The dashboard shows what there is, and all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ivr.measures.exposition import as_text
from ivr.ports import Kind, metrics

pytestmark = pytest.mark.unit

DASHBOARD: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "deploy/grafana/ivr.json").read_text(encoding="utf-8")
)
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
BY_NAME = {metric.name: metric for metric in metrics.ALL}
GRAFANAS_OWN = {"$__rate_interval", "$datasource", "$flow"}


def expressions() -> Iterator[str]:
    for panel in PANELS:
        yield from (target["expr"] for target in panel["targets"])
    yield from (variable["definition"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query")


def names_in(expression: str) -> list[str]:
    return re.findall(r"\bivr_\w+", expression)


def metric_of(name: str) -> str:
    """A histogram's series have names of their own."""
    bare = re.sub(r"_(bucket|sum|count)$", "", name)
    return bare if bare in BY_NAME and BY_NAME[bare].kind is Kind.HISTOGRAM else name


def test_everything_that_is_drawn_is_told_by_the_bot() -> None:
    told = {family.name for family in text_string_to_metric_families(as_text({}).decode())}
    drawn = {metric_of(name) for expression in expressions() for name in names_in(expression)}
    assert {name.removesuffix("_total") for name in drawn} <= told
    assert drawn == set(BY_NAME), "and everything that is told is drawn"


def test_counters_are_drawn_as_rates_and_gauges_as_they_are() -> None:
    for expression in expressions():
        for name in names_in(expression):
            is_rate = f"rate({name}" in expression or f"increase({name}" in expression
            is_gauge = BY_NAME[metric_of(name)].kind is Kind.GAUGE
            assert is_rate != is_gauge or expression.startswith("label_values("), expression


def test_labels_are_those_of_the_metric() -> None:
    for expression in expressions():
        known = {"le"}.union(*(BY_NAME[metric_of(name)].labels for name in names_in(expression)))
        used = re.findall(r"\bby \(([^)]*)\)", expression) + re.findall(r"(\w+)=~?\"", expression)
        assert {label.strip() for each in used for label in each.split(",")} <= known, expression


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_expressions_are_balanced_and_use_known_variables(expression: str) -> None:
    assert all(expression.count(left) == expression.count(right) for left, right in ("()", "[]", "{}"))
    assert expression.count('"') % 2 == 0
    assert set(re.findall(r"\$\w+", expression)) <= GRAFANAS_OWN


def test_grafana_can_take_it() -> None:
    """What its importer and its schema (kinds/dashboard) ask for."""
    assert DASHBOARD["schemaVersion"] >= 36 and isinstance(DASHBOARD["version"], int)
    assert DASHBOARD["title"] and re.fullmatch(r"[\w-]{1,40}", DASHBOARD["uid"])
    assert "id" not in DASHBOARD, "the number of another installation"
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    for panel in PANELS:
        assert panel["title"] and panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        place = panel["gridPos"]
        assert place["w"] > 0 and place["h"] > 0 and place["x"] >= 0 and place["x"] + place["w"] <= 24
        references = [target["refId"] for target in panel["targets"]]
        assert references and len(set(references)) == len(references)
        assert isinstance(panel["fieldConfig"]["defaults"], dict) and panel["fieldConfig"]["overrides"] == []


def test_no_panel_lies_over_another() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
