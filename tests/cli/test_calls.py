"""`ivr calls` as a user meets it: real processes, piped and on a terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ivr.config import DatabaseSettings
from ivr.storage.call_log import DatabaseCallLog
from tests.cli.terminal import run_on_a_terminal
from tests.storage.records import started, write_call, write_talk

pytestmark = pytest.mark.adapter

ENVIRONMENT = {**os.environ, "TZ": "Asia/Tokyo", "COLUMNS": "120", "PYTHONPATH": str(Path(__file__).parents[2])}
_STYLES = re.compile(r"\x1b\[[0-9;]*m")


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", "from ivr.cli.main import app; app()", "calls", *arguments]


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(arguments), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60
    )


def _run_on_a_terminal(folder: Path, *arguments: str) -> str:
    return run_on_a_terminal(_command(arguments), folder, ENVIRONMENT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with var/calls.db in it: two finished calls and one in progress."""
    path = tmp_path_factory.mktemp("bot")
    settings = DatabaseSettings(url=f"sqlite:///{path}/var/calls.db", spool_dir=str(path / "spool"))
    with DatabaseCallLog(settings, "host/1") as log:
        write_call(log, "11111111-aaaa")
        write_call(log, "11111111-bbbb")
        log.call_started(started("22222222-cccc", offset_s=60.0))
    write_talk(settings.url, "11111111-aaaa", "solved", "paid\nby card \x1b[31m")
    return path


def test_list_is_json_newest_first(folder: Path) -> None:
    done = _run(folder, "--last", "2", "--json")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert [call["id"] for call in listed] == ["22222222-cccc", "11111111-bbbb"]
    assert (listed[0]["ended_at"], listed[1]["talk_s"], listed[1]["end_reason"]) == (None, 61.25, "transferred")
    assert "steps" not in listed[0] and "talks" not in listed[0]


def test_piped_list_is_plain_and_whole(folder: Path) -> None:
    lines = _run(folder).stdout.splitlines()
    assert lines[0].split("  ")[0].strip() == "id"
    assert re.split(r"\s{2,}", lines[1])[0] == "22222222-cccc"
    assert re.split(r"\s{2,}", lines[2]) == [
        "11111111-bbbb",
        "2026-03-29 09:59:58",
        "+493012345",
        "100",
        "demo",
        "1:01",
        "transferred to sales",
        "caller",
    ]
    assert "\x1b" not in "".join(lines)


def test_list_on_a_terminal_is_a_table_with_short_unique_ids(folder: Path) -> None:
    output = _run_on_a_terminal(folder)
    assert "\x1b[1m" in output
    rows = [_STYLES.sub("", line).split() for line in output.splitlines()]
    assert [row[0] for row in rows] == ["id", "22222222", "11111111-b", "11111111-a"]


def test_show_prints_the_conversation(folder: Path) -> None:
    done = _run(folder, "show", "11111111-a")
    assert done.returncode == 0, done.stderr
    assert "call 11111111-aaaa, 2026-03-29 09:59:58 JST" in done.stdout
    assert "  0:01.0  bot     main_menu  “Sales or “support”? Say it, or press – 1 äöü”" in done.stdout
    assert "  0:04.5  caller  main_menu  said “sales please” (confidence 0.88) → sales" in done.stdout
    assert "  1:01.8  call               ended: transferred to sales, by caller, SIP 200, cause 16" in (done.stdout)
    assert "  0:10.0  call               agent anna of queue sales, after 8 s of waiting" in done.stdout
    assert "  1:00.0  call               talk with agent anna over: solved “paid by card  [31m”" in done.stdout
    assert '  pin = "***"' in done.stdout
    assert "\x1b" not in done.stdout


def test_show_on_a_terminal_has_colors(folder: Path) -> None:
    output = _run_on_a_terminal(folder, "show", "2222")
    assert "\x1b[" in output
    assert "in progress" in output


def test_show_is_json_with_steps_and_talks(folder: Path) -> None:
    call = json.loads(_run(folder, "show", "11111111-aaaa", "--json").stdout)
    assert [step["sequence"] for step in call["steps"]] == [1, 2, 3]
    assert (call["steps"][0]["confidence"], call["variables"]["schön"]) == (0.875, True)
    (talk,) = call["talks"]
    assert (talk["agent"], talk["queue"], talk["waited_s"], talk["disposition"]) == ("anna", "sales", 8.0, "solved")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("1111", "beginning of several calls: 11111111-"),
        ("9", "no call '9' in sqlite:///"),
        ("%", "no call '%' in sqlite:///"),
        ("", "say which call"),
    ],
)
def test_unclear_ids_are_refused(folder: Path, wanted: str, message: str) -> None:
    done = _run(folder, "show", wanted)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr


def test_nothing_recorded_yet_is_no_error(tmp_path: Path) -> None:
    done = _run(tmp_path)
    assert done.returncode == 0
    assert "no call was recorded yet" in done.stdout
    assert "ivr serve" in done.stdout
    assert json.loads(_run(tmp_path, "--json").stdout) == []
    assert list(tmp_path.iterdir()) == []
    assert _run(tmp_path, "show", "1").returncode == 1


def test_database_without_calls_is_no_error(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    with DatabaseCallLog(DatabaseSettings(url=url, spool_dir=str(tmp_path / "spool")), "host/1"):
        pass
    done = _run(tmp_path, "--database", url)
    assert (done.returncode, done.stdout.split(";")[0]) == (0, f"no calls in {url} yet")


def test_settings_name_the_database_and_the_option_wins(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_text(f"database:\n  url: sqlite:///{folder}/var/calls.db\n")
    assert len(json.loads(_run(tmp_path, "--config", "bot.yaml", "--json").stdout)) == 3
    other = _run(tmp_path, "--config", "bot.yaml", "--database", "sqlite:///none.db", "--json")
    assert json.loads(other.stdout) == []


def test_database_away_is_told_with_a_remedy_and_no_secret(tmp_path: Path) -> None:
    done = _run(tmp_path, "--database", "postgresql://ivr:s3cret@127.0.0.1:1/calls")
    assert done.returncode == 1
    assert "cannot read postgresql://ivr:***@127.0.0.1:1/calls" in done.stderr
    assert "start the database" in done.stderr
    assert "s3cret" not in done.stderr
