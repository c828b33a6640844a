"""Log lines of a bot that is made of several processes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import structlog

from ivr.config import LogSettings
from ivr.logs import configure_logs, name_process
from ivr.measures.counters import Counters
from ivr.ports import metrics

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    configure_logs(LogSettings(format="json"), "nursery")
    yield
    structlog.reset_defaults()
    name_process("", None)


def test_a_forked_process_puts_its_own_name_on_its_lines_and_counts_for_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log, counters = structlog.get_logger("made before the fork"), Counters()
    log.info("loaded")
    name_process("w2", counters)
    log.warning("line_is_bad")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["worker"], line["event"]) for line in lines] == [("nursery", "loaded"), ("w2", "line_is_bad")]
    assert counters.snapshot()[metrics.ERRORS.name] == [(["warning", "line_is_bad"], [1.0])]


def test_a_single_process_needs_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogSettings(format="json"))
    structlog.get_logger().info("loaded")
    assert "worker" not in json.loads(capsys.readouterr().err)
