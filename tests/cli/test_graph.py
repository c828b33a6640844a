"""`ivr graph` with the real Graphviz, and with none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner, Result

from ivr.cli import graph as command
from ivr.config import DatabaseSettings
from ivr.ports import StepRecord
from ivr.storage.call_log import DatabaseCallLog
from tests.storage.records import BEGIN, ended, started

pytestmark = pytest.mark.adapter

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "flows" / "demo.yaml")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def _graphviz() -> None:
    if shutil.which("dot") is None:
        reason = "Graphviz is not installed; install it: apt-get install -y graphviz"
        (pytest.fail if os.environ.get("IVR_REQUIRE_ALL") == "1" else pytest.skip)(reason)


def run(*arguments: str) -> Result:
    app = typer.Typer()
    command.register(app)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["graph", *arguments])


@pytest.mark.usefixtures("_graphviz")
def test_an_svg_shows_every_step_and_how_its_exits_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "new" / "demo.svg"
    assert run(DEMO, "-o", str(file)).exit_code == 0
    words = {text.text for text in ElementTree.parse(file).iter(f"{SVG}text")}
    assert {"welcome", "main", "order_number", "to_agent", "goodbye", "in every question"} <= words
    assert {"1 · opening hours,", "no answer", "→ to_agent"} <= words
    assert "<!--" not in file.read_text()


@pytest.mark.usefixtures("_graphviz")
def test_the_same_flow_gives_the_same_picture() -> None:
    first, second = run(DEMO), run(DEMO)
    assert first.stdout_bytes == second.stdout_bytes
    assert first.stdout_bytes.startswith(b"<?xml")


@pytest.mark.usefixtures("_graphviz")
def test_a_png_is_an_image(tmp_path: Path) -> None:
    assert run(DEMO, "-o", str(tmp_path / "demo.png")).exit_code == 0
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")


def test_mermaid_and_dot_need_no_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(DEMO, "--format", "mermaid").stdout.startswith("flowchart TD\n")
    assert run(DEMO, "--format", "dot").stdout.startswith("digraph demo {")
    lacking = run(DEMO)
    assert lacking.exit_code == 1
    assert "Graphviz is not installed; install it (Debian: apt-get install graphviz), or try" in lacking.stderr


def test_mermaid_names_exits_and_hides_what_it_would_read_as_its_own(tmp_path: Path) -> None:
    file = tmp_path / "demo.mmd"
    assert run(DEMO, "-o", str(file)).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert '  s_main -- "hours (1 · opening hours, hours, when are you open)" --> s_hours\n' in text
    assert '  s_anything_else -- "yes (1)" --> s_main\n' in text
    assert "{{" not in text and "#123;#123; order #124; digits" in text


def test_a_step_that_many_lead_to_is_named_instead_of_reached_by_long_arrows(tmp_path: Path) -> None:
    steps = "".join(f"  s{n}: {{when: [{{if: 'x > {n}', go: far}}], next: s{n + 1}}}\n" for n in range(20))
    flow = tmp_path / "many.yaml"
    flow.write_text(f"flow: many\nstart: s0\nvariables: {{x: 1}}\nsteps:\n{steps}  s20: {{say: a, next: far}}\n"
                    "  far: {say: b, next: hang_up}\n")  # fmt: skip
    text = run(str(flow), "--format", "dot").stdout
    assert text.count('-> "step far"') == 1
    assert text.count('label="→ far"') == 20


def test_a_flow_with_mistakes_is_drawn_with_them_and_one_that_cannot_be_read_is_not(tmp_path: Path) -> None:
    flow = tmp_path / "wrong.yaml"
    text = Path(DEMO).read_text(encoding="utf-8")
    flow.write_text(text.replace("next: main", "next: mian"), encoding="utf-8")
    drawn = run(str(flow), "--format", "dot")
    assert drawn.exit_code == 0
    assert "there is no step “mian”" in drawn.stdout
    flow.write_text(text.replace("next: main", "nxet: main"), encoding="utf-8")
    refused = run(str(flow))
    assert refused.exit_code == 1
    assert "wrong.yaml:35:5: welcome: unknown key 'nxet'; did you mean 'next'?" in refused.stderr


def test_a_name_that_is_no_picture_is_told(tmp_path: Path) -> None:
    result = run(DEMO, "-o", str(tmp_path / "demo.docx"))
    assert result.exit_code == 1
    assert "no picture has such a name; let it end in .svg, .png" in result.stderr
    assert "cannot be written" in run(DEMO, "--format", "mermaid", "-o", str(tmp_path)).stderr


# --- calls -----------------------------------------------------------------------------------------------------------


def write_way(log: DatabaseCallLog, call: str, offset_s: float, *steps: str) -> None:
    log.call_started(started(call, offset_s=offset_s))
    for sequence, step in enumerate(steps, 1):
        name, _, kind = step.partition(":")
        log.step_done(StepRecord(call, sequence, name, kind or "say", BEGIN, BEGIN, attempt=1, outcome="done"))
    log.call_ended(ended(call))


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/calls.db"
    with DatabaseCallLog(DatabaseSettings(url=url, spool_dir=str(tmp_path / "spool")), "host/1") as log:
        write_way(log, "a", 0, "welcome", "main", "hours", "anything_else")
        write_way(log, "b", 1, "welcome", "main", "main:command", "to_agent")
    return url


def test_counted_calls_are_on_the_arrows(database: str) -> None:
    text = run(DEMO, "--calls", "all", "--database", database, "--format", "mermaid").stdout
    assert '  s_welcome -- "2" --> s_main\n' in text
    assert '-- "hours (1 · opening hours, hours, when are you open) · 1" --> s_hours\n' in text
    assert '  s_main -. "1" .-> s_to_agent\n' in text
    dot = run(DEMO, "--database", database, "--format", "dot").stdout
    assert "2 visits" in dot and "penwidth=5.50" in dot


def test_calls_of_another_time_do_not_count(database: str) -> None:
    assert "0 visits" in run(DEMO, "--calls", "1h", "--database", database, "--format", "dot").stdout


def test_a_database_without_calls_is_told(tmp_path: Path) -> None:
    result = run(DEMO, "--calls", "all", "--database", f"sqlite:///{tmp_path}/none.db")
    assert result.exit_code == 1
    assert "no call was recorded yet" in result.stderr


def test_periods() -> None:
    now = datetime(2026, 3, 29, 15, 30, tzinfo=timezone(timedelta(hours=2)))
    assert command.since("today", now) == now.replace(hour=0, minute=0)
    assert command.since("7d", now) == now - timedelta(days=7)
    assert command.since("12h", now) == now - timedelta(hours=12)
    assert command.since("all", now) is None
    with pytest.raises(command.GraphError, match="'yesterday' is no period; write today"):
        command.since("yesterday", now)


def test_the_program_draws_on_standard_output() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from ivr.cli.main import app; app()", "graph", DEMO, "--format", "mermaid"],
        capture_output=True, text=True, cwd=ROOT, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith("flowchart TD")


def test_a_flow_of_the_settings_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "flows", tmp_path / "flows")
    monkeypatch.chdir(tmp_path)
    assert run("demo", "--format", "mermaid").stdout.startswith("flowchart")
    unknown = run("demmo", "--format", "mermaid")
    assert unknown.exit_code == 1
    assert "no flow 'demmo'" in unknown.output and "demo" in unknown.output
