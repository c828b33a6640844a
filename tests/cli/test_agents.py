"""`ivr agents` and `ivr queues`: people who take calls, and the calls that wait for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ivr.acd.queue import WaitingCall
from ivr.cli.main import app
from ivr.config_queues import QueueSettings
from ivr.storage.queues import DatabaseQueues

pytestmark = pytest.mark.adapter

QUEUES = {"support": QueueSettings(), "german": QueueSettings(skills={"german": 3})}


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "bot.yaml"
    file.write_text("database: {url: 'sqlite:///calls.db'}\nqueues: {support: {}, german: {skills: {german: 3}}}\n")
    return file


def run(settings: Path, *arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, [*arguments, "--config", str(settings)])
    assert result.exit_code == status, result.output
    return result.output


def objects(settings: Path, *arguments: str) -> Any:
    return json.loads(run(settings, *arguments, "--json"))


def test_before_the_first_agent_nothing_is_made(settings: Path) -> None:
    assert "no agents yet; add one: ivr agents add" in run(settings, "agents")
    assert objects(settings, "agents", "list") == []
    assert [(queue["queue"], queue["waiting"], queue["agents"]) for queue in objects(settings, "queues")] == [
        ("support", 0, {}),
        ("german", 0, {}),
    ]
    assert not (settings.parent / "calls.db").exists()
    assert "there is no agent 'anna'; `ivr agents` lists them" in run(
        settings, "agents", "state", "anna", "available", status=1
    )


def test_an_agent_from_the_first_day_to_a_pause(settings: Path) -> None:
    added = objects(
        settings, "agents", "add", "anna", "--sip", "sip:anna@pbx", "--skill", "german=5", "--skill", "billing=1"
    )
    assert added == {
        "agent": "anna",
        "sip": "sip:anna@pbx",
        "skills": {"german": 5, "billing": 1},
        "state": "logged_out",
        "since": None,
        "reason": "",
        "then": None,
        "queue": "",
        "calls_taken": 0,
    }
    assert objects(settings, "agents", "state", "anna", "logged_out")["since"] is None
    assert objects(settings, "agents", "state", "anna", "available")["state"] == "available"
    assert objects(settings, "agents", "state", "anna", "paused", "--reason", "lunch")["reason"] == "lunch"
    heading, row = run(settings, "agents").splitlines()
    assert heading.split()[:2] == ["agent", "state"]
    assert row.startswith("anna   paused") and row.endswith("billing=1 german=5  sip:anna@pbx")
    assert objects(settings, "agents", "list") == objects(settings, "agents")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Anna!", "--sip", "sip:a@b"], "'Anna!' is no name for an agent; write up to 40 small letters"),
        (["anna", "--sip", "anna@pbx"], "'anna@pbx' is not a SIP address; write it as sip:user@host"),
        (
            ["anna", "--sip", "sip:a@b", "--skill", "german"],
            "'german' is not a skill with its level; write for example",
        ),
        (["anna", "--sip", "sip:a@b", "--skill", "german=11"], "'german=11' is not a skill with its level"),
    ],
)
def test_what_cannot_be_an_agent_is_refused(settings: Path, arguments: list[str], message: str) -> None:
    assert message in run(settings, "agents", "add", *arguments, status=1)


def test_an_act_that_the_state_does_not_allow_says_so(settings: Path) -> None:
    run(settings, "agents", "add", "anna", "--sip", "sip:anna@pbx")
    refused = run(settings, "agents", "state", "anna", "paused", status=1)
    assert refused.startswith("agent anna is logged_out: pause needs available or")


def test_the_queues_with_their_figures_of_today(settings: Path) -> None:
    run(settings, "agents", "add", "anna", "--sip", "sip:anna@pbx", "--skill", "german=5")
    run(settings, "agents", "add", "bert", "--sip", "sip:bert@pbx")
    run(settings, "agents", "state", "anna", "available")
    now = datetime.now(UTC)
    queues = DatabaseQueues(f"sqlite:///{settings.parent / 'calls.db'}", QUEUES)
    for number in range(3):
        arrived_at = now - timedelta(seconds=30 - number)
        queues.enter(WaitingCall(f"c{number}", "support", "host/1", arrived_at, arrived_at), now)
    (ring,) = queues.match("host/1", now)
    queues.connect(ring.offer_id, now)
    queues.leave("c1", now)
    queues.enter(WaitingCall("c9", "old", "host/1", now, now), now)
    queues.close()
    support, german, old = objects(settings, "queues")
    assert (support["waiting"], support["talking"], support["agents"]) == (1, 1, {"on_call": 1, "logged_out": 1})
    assert support["longest_wait_s"] >= 28
    today = support["today"]
    assert (today["entered"], today["answered"], today["abandoned"], today["service_level"]) == (3, 1, 1, 0)
    assert (german["agents"], german["today"]["answered"]) == ({"on_call": 1}, 0)
    assert (old["queue"], old["waiting"]) == ("old", 1)
    heading, first, *_ = run(settings, "queues").splitlines()
    assert heading.split()[0] == "queue" and first.split()[:4] == ["support", "1", "0", "1"]
