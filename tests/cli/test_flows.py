"""`ivr flows` as an operator and a script meet it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from ivr.cli import flows as command
from ivr.config import DatabaseSettings
from ivr.flow.loader import content_version
from ivr.settings import load_settings
from ivr.storage.call_log import DatabaseCallLog
from tests.cli.terminal import run_on_a_terminal
from tests.publishing.conftest import Project, flow_text
from tests.storage.records import started

pytestmark = pytest.mark.adapter

ONE, TWO = (content_version(flow_text(text=text)) for text in ("one", "two"))


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose bot served version one, then two, and ended; its folder is the current one."""
    monkeypatch.chdir(tmp_path)
    settings: dict[str, Any] = {
        "speech": {"recognizer": "none"},
        "database": {"url": f"sqlite:///{tmp_path}/calls.db", "spool_dir": str(tmp_path / "spool")},
        "publishing": {"author": "ann"},
    }
    (tmp_path / "ivr.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "sounds").mkdir()
    project = Project(tmp_path, load_settings(None, {}))
    for text in ("one", "two"):
        project.write(flow_text(text=text))
        serve_once(project)
    return project


def serve_once(project: Project) -> None:
    async def start() -> None:
        publisher = project.publisher()
        await publisher.start()
        publisher.close()

    asyncio.run(start())


def run(*arguments: str) -> Result:
    app = typer.Typer()
    command.register(app)
    app.command("other")(lambda: None)  # with one command only, Typer would drop its name
    return CliRunner().invoke(app, ["flows", *arguments])


def as_json(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_list_shows_what_is_in_service_and_what_is_wrong_with_newer_files(bot: Project) -> None:
    bot.write(flow_text(text="bad").replace("hang_up", "hang_pu"))
    bot.write(flow_text(text="try"), "drafts/demo.yaml")
    lines = run().output.splitlines()
    assert re.split(r"\s{2,}", lines[0]) == ["flow", "version", "since (local)", "by", "calls today", "state"]
    demo, draft = (re.split(r"\s{2,}", line) for line in lines[1:3])
    assert (demo[0], demo[1], demo[3:]) == ("demo", TWO, ["ann", "0", "in service; newer file has 1 error"])
    assert (draft[0], draft[-1]) == ("demo+draft", "draft: call demo+draft, ivr flows publish demo")
    assert re.fullmatch(r".*flows/demo\.yaml:5:\d+: a: there is no step 'hang_pu'; .*", lines[3])
    assert lines[4] == "the bot does not run; this is what it would serve"


def test_the_list_as_json(bot: Project) -> None:
    bot.write("flow: [")
    report = as_json()
    assert (report["publish"], report["workers"]) == ("auto", [])
    (row,) = report["flows"]
    assert (row["name"], row["version"], row["who"], row["calls_today"]) == ("demo", TWO, "ann", 0)
    assert datetime.fromisoformat(row["since"]).tzinfo is not None
    assert [problem["severity"] for problem in row["problems"]] == ["error"]


def test_calls_of_today_are_counted_and_those_of_a_draft_apart(bot: Project) -> None:
    bot.write(flow_text(text="try"), "drafts/demo.yaml")
    draft = content_version(flow_text(text="try"))
    database = DatabaseSettings(url=bot.settings.database.url, spool_dir=bot.settings.database.spool_dir)
    with DatabaseCallLog(database, "host/1") as log:
        for number, version in enumerate((ONE, TWO, TWO, draft)):
            call = started(f"call-{number}")
            log.call_started(replace(call, started_at=datetime.now(UTC), flow="demo", flow_version=version))
    assert {row["name"]: row["calls_today"] for row in as_json()["flows"]} == {"demo": 3, "demo+draft": 1}


def test_a_database_that_is_away_costs_the_count_only(bot: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVR_DATABASE__URL", "postgresql://ivr@127.0.0.1:5999/calls")
    assert as_json()["flows"][0]["calls_today"] is None
    assert "calls today: cannot read postgresql://ivr@127.0.0.1:5999/calls" in run().output


def test_a_running_worker_is_asked_for_what_it_serves(bot: Project) -> None:
    async def look() -> tuple[Any, str]:
        publisher = bot.publisher()
        await publisher.start()
        bot.write(flow_text(text="three"))  # nobody watches: the worker has version two
        listed = await asyncio.to_thread(as_json)
        text = (await asyncio.to_thread(run)).output
        publisher.close()
        return listed, text

    listed, text = asyncio.run(look())
    assert listed["flows"][0]["version"] == TWO
    assert listed["workers"] == [{"worker": "host/ivr", "pid": os.getpid(), "preparing": ""}]
    assert f"served by host/ivr (process {os.getpid()})" in text


def test_versions_newest_first(bot: Project) -> None:
    assert [(entry["version"], entry["how"], entry["is_in_service"]) for entry in as_json("versions", "demo")] == [
        (TWO, "edited", True),
        (ONE, "first seen", False),
    ]
    lines = run("versions", "demo").output.splitlines()
    assert lines[1].startswith(TWO) and "edited (in service)" in lines[1]


def test_diff_as_text_and_as_json(bot: Project) -> None:
    text = run("diff", "demo").output
    assert text.startswith(f"--- demo\t{ONE}\n+++ demo\t{TWO}\n@@ ")
    assert "-  a: {say: 'one', next: hang_up}\n+  a: {say: 'two', next: hang_up}\n" in text
    report = as_json("diff", "demo", TWO[:4], ONE[:4])
    assert (report["a"]["version"], report["b"]["version"]) == (TWO, ONE) and "+  a: {say: 'one'" in report["diff"]
    assert run("diff", "demo", "served", "file").output == "demo and demo file are the same\n"


def test_rollback_and_publish(bot: Project) -> None:
    said = run("rollback", "demo").output
    file = bot.root / "flows" / "demo.yaml"
    assert said == f"demo: rolled back to version {ONE} in {file}; a running bot takes it within two seconds\n"
    assert file.read_text() == flow_text(text="one")
    bot.write(flow_text(text="try"), "drafts/demo.yaml")
    (published,) = as_json("publish", "demo")
    assert (published["name"], published["how"], published["who"]) == ("demo", "published", "ann")
    assert file.read_text() == flow_text(text="try")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("versions", "nobody"), "no version of 'nobody' is kept in"),
        (("rollback", "demo", "zz"), "no version of 'demo' begins with 'zz'; see `ivr flows versions demo`"),
        (("publish", "demo"), "nothing to publish: demo has no draft, and its file is what is in service"),
        (("diff", "demo", "draft"), "demo has no draft in"),
        (("--config", "absent.yaml"), "absent.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_told_and_fails(bot: Project, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1 and told in result.stderr


def test_on_a_terminal_the_diff_is_coloured(bot: Project) -> None:
    script = "from ivr.cli.main import app; app()"
    environment = {**os.environ, "COLUMNS": "120", "PYTHONPATH": str(Path(__file__).parents[2])}
    told = run_on_a_terminal([sys.executable, "-c", script, "flows", "diff", "demo"], bot.root, environment)
    assert "\x1b[31m-  a: {say: 'one'" in told and "\x1b[32m+  a: {say: 'two'" in told
