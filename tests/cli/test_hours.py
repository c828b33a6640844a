"""`ivr hours` as an operator uses it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from ivr.cli.hours import described, instant_of
from ivr.cli.main import app
from ivr.errors import ConfigError
from ivr.flow.calendar import Hours, HoursState

pytestmark = pytest.mark.adapter

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ALWAYS = """
calendars:
  office: {timezone: Europe/Berlin, open: {mon-sun: ["00:00-24:00"]}}
  shop: {open: {}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ivr.yaml"
    file.write_text(ALWAYS, encoding="utf-8")
    return file


def ivr(*arguments: str, config: Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["hours", *arguments, "--config", str(config)])
    return result.exit_code, result.output


def test_the_state_of_every_calendar(config: Path) -> None:
    assert ivr(config=config) == (0, "office: open\nshop: closed\n")
    status, output = ivr("--json", config=config)
    assert status == 0 and json.loads(output)["office"]["state"] == "open"


def test_closing_and_opening_by_hand(config: Path) -> None:
    status, output = ivr("close", "office", "--reason", "burst pipe", config=config)
    assert (status, output) == (0, "office: closed by hand (burst pipe), until `ivr hours open`\n")
    assert "closed by hand" in ivr(config=config)[1]
    assert ivr("open", "office", config=config) == (0, "office: open\n")
    status, output = ivr("open", "shop", "--until", "2099-01-01 12:00", config=config)
    assert status == 0 and output.startswith("shop: open until Thu 1 Jan 12:00")
    assert not list(config.parent.glob("var/hours/.*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["close", "ofice"], "did you mean 'office'?"),
        (["close", "office", "--until", "soon"], "is not a time"),
        (["close", "office", "--until", "2020-01-01 10:00"], "is over already"),
    ],
)
def test_mistakes_are_told(config: Path, arguments: list[str], said: str) -> None:
    status, output = ivr(*arguments, config=config)
    assert status == 1 and said in output


def test_without_calendars_it_says_where_they_go(tmp_path: Path) -> None:
    file = tmp_path / "ivr.yaml"
    file.write_text("log: {level: info}\n", encoding="utf-8")
    status, output = ivr(config=file)
    assert status == 1 and "calendars:" in output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18:00", datetime(2026, 3, 2, 17, 0, tzinfo=UTC)),
        ("9:30", datetime(2026, 3, 3, 8, 30, tzinfo=UTC)),
        ("2026-12-24 18:00", datetime(2026, 12, 24, 17, 0, tzinfo=UTC)),
        ("2026-12-24", datetime(2026, 12, 23, 23, 0, tzinfo=UTC)),
        ("2026-12-24T18:00Z", datetime(2026, 12, 24, 18, 0, tzinfo=UTC)),
    ],
)
def test_a_time_is_the_next_one_on_the_calendars_clock(text: str, expected: datetime) -> None:
    assert instant_of(text, BERLIN, NOW) == expected


@pytest.mark.parametrize("text", ["25:00", "6pm", "", "2026-13-01"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a time"):
        instant_of(text, BERLIN, NOW)


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (Hours(HoursState.OPEN, closes=datetime(2026, 3, 2, 18, 0, tzinfo=BERLIN)), "open until 18:00"),
        (
            Hours(HoursState.HOLIDAY, "May Day", next_open=datetime(2026, 5, 4, 9, 0, tzinfo=BERLIN)),
            "closed, holiday (May Day), opens Mon 4 May 09:00",
        ),
        (Hours(HoursState.CLOSED), "closed"),
    ],
)
def test_a_state_in_words(hours: Hours, said: str) -> None:
    assert described(hours, NOW) == said
