"""`ivr test` as operators and CI servers use it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner, Result

from ivr.cli import test as command
from tests.rehearsal.files import FLOW, write_project

pytestmark = pytest.mark.unit

GOOD = """flow: small
tests:
  - {name: sales by voice, call: [say: sales, hear: here is sales]}
  - {name: a busy person, mock: {to_agent: busy}, call: [press: "0", hear: all are busy]}
"""
BAD = GOOD + "  - {name: wrong, call: [say: sales, hear: here is support]}\n  - {name: right, call: [hang up]}\n"
CONFIG = "targets: {agent: {sip: 'sip:agent@127.0.0.1:5070'}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with settings, the flow and good conversations; the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IVR_MODELS_DIR", str(tmp_path / "models"))
    (tmp_path / "ivr.yaml").write_text(CONFIG + "speech: {recognizer: none}\n")
    (tmp_path / "flows").mkdir()
    write_project(tmp_path / "flows", GOOD)
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    command.register(app)
    return CliRunner().invoke(app, list(arguments))


def test_conversations_that_go_as_written_give_0(folder: Path) -> None:
    done = run("flows")
    assert done.exit_code == 0 and done.output.startswith("2 conversations: 2 passed in ")


@pytest.mark.parametrize("path", ["flows/small.test.yaml", "flows/small.yaml", "flows"])
def test_a_file_of_conversations_its_flow_or_a_folder_can_be_named(folder: Path, path: str) -> None:
    assert "2 passed" in run(path).output


def test_a_conversation_that_goes_another_way_gives_1_and_is_shown(folder: Path) -> None:
    write_project(folder / "flows", BAD)
    done = run("flows")
    assert done.exit_code == 1 and "4 conversations: 3 passed, 1 failed" in done.output
    assert "flows/small.test.yaml:5:38: wrong" in done.output and 'the bot says "here is support"' in done.output


def test_fail_fast_ends_there(folder: Path) -> None:
    write_project(folder / "flows", BAD)
    assert "3 conversations: 2 passed, 1 failed" in run("flows", "--fail-fast").output


def test_k_chooses(folder: Path) -> None:
    assert "1 conversation: 1 passed" in run("flows", "-k", "BUSY").output
    assert "2 conversations: 2 passed" in run("flows", "-k", "busy", "-k", "voice").output
    none = run("flows", "-k", "nonsense")
    assert none.exit_code == 2 and "no conversation has 'nonsense' in its name" in none.output


def test_mistakes_in_a_file_give_2_and_nothing_is_played(folder: Path) -> None:
    write_project(folder / "flows", GOOD.replace("hear: all", "heer: all"))
    done = run("flows")
    assert done.exit_code == 2 and "did you mean 'hear'?" in done.output
    assert "nothing was played: 1 mistake to correct first" in done.output


def test_a_flow_with_errors_gives_2(folder: Path) -> None:
    write_project(folder / "flows", GOOD, FLOW.replace("failed: bye}", "failed: buy}", 1))
    done = run("flows")
    assert done.exit_code == 2 and "flows/small.yaml:" in done.output and "buy" in done.output


@pytest.mark.parametrize(
    ("make", "path", "message"),
    [
        (lambda flows: None, "nowhere", "no such file or folder"),
        (lambda flows: (flows / "small.test.yaml").unlink(), "flows", "no conversations (*.test.yaml) in this folder"),
        (lambda flows: (flows / "small.test.yaml").unlink(), "flows/small.yaml", "write them in small.test.yaml"),
        (lambda flows: (flows / "small.yaml").unlink(), "flows", "there is no flow 'small' in flows"),
        (lambda flows: (flows / "small.yaml").write_text("flow: ["), "flows", "flows/small.yaml:"),
    ],
)
def test_what_is_missing_gives_2(folder: Path, make, path: str, message: str) -> None:  # type: ignore[no-untyped-def]
    make(folder / "flows")
    done = run(path)
    assert done.exit_code == 2 and message in done.output, done.output


def test_a_file_without_a_flow_s_name_tests_the_flow_beside_it(folder: Path) -> None:
    (folder / "flows" / "small.test.yaml").write_text(GOOD.partition("\n")[2])
    assert run("flows").exit_code == 0


def test_coverage_is_printed_and_can_fail(folder: Path) -> None:
    done = run("flows", "--coverage")
    assert done.exit_code == 0 and "steps that no call came to: pin, thanks, bye" in done.output
    low = run("flows", "--min-coverage", "90")
    assert low.exit_code == 1 and "small is tried less than 90 %" in low.output and "pin, thanks" in low.output
    assert run("flows", "--min-coverage", "50").exit_code == 0


def test_json_and_junit(folder: Path) -> None:
    write_project(folder / "flows", BAD)
    done = run("flows", "--json", "--junit", "out/report.xml")
    report = json.loads(done.output)
    assert done.exit_code == 1 and report["ok"] is False and len(report["tests"]) == 4
    assert ElementTree.parse(folder / "out/report.xml").getroot()[0].get("failures") == "1"
    (folder / "flows" / "small.test.yaml").write_text("tests: []")
    broken = json.loads(run("flows", "--json").output)
    assert broken["ok"] is False and broken["problems"][0]["place"].startswith("flows/small.test.yaml:1:1")


def test_a_report_that_cannot_be_written_gives_2(folder: Path) -> None:
    (folder / "file").write_text("")
    done = run("flows", "--junit", "file/report.xml")
    assert done.exit_code == 2 and "cannot be written" in done.output


def test_a_thousand_conversations_take_seconds(folder: Path) -> None:
    many = "tests:\n" + "".join(
        f"  - {{name: call {n}, call: [say: sales, hear: here is sales]}}\n" for n in range(1000)
    )
    (folder / "flows" / "small.test.yaml").write_text(many)
    report = json.loads(run("flows", "--json").output)
    assert report["ok"] and report["took_s"] < 20, report["took_s"]
