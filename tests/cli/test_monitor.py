"""`ivr monitor` before it reaches a bot."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivr.cli.main import app

pytestmark = pytest.mark.unit


def _said(folder: Path, settings: str, *arguments: str) -> tuple[int, str]:
    config = folder / "ivr.yaml"
    config.write_text(f"database: {{url: sqlite:///{folder}/calls.db}}\nworkers: {{run_dir: {folder}/run}}\n{settings}")
    done = CliRunner().invoke(app, ["monitor", "c1", *arguments, "--config", str(config)])
    return done.exit_code, done.output


def test_it_is_off_until_the_settings_allow_it(tmp_path: Path) -> None:
    status, said = _said(tmp_path, "", "--as", "eva")
    assert status == 1 and "set `monitoring: {allowed: true}`" in said


def test_the_supervisor_has_to_be_an_agent(tmp_path: Path) -> None:
    status, said = _said(tmp_path, "monitoring: {allowed: true}\n", "--as", "eva")
    assert status == 1 and "'eva'" in said and "ivr agents add" in said


def test_without_a_bot_that_is_said(tmp_path: Path) -> None:
    config = "monitoring: {allowed: true}\n"
    _said(tmp_path, config, "--as", "eva")
    added = CliRunner().invoke(
        app, ["agents", "add", "eva", "--sip", "sip:eva@pbx", "--config", str(tmp_path / "ivr.yaml")]
    )
    assert added.exit_code == 0, added.output
    status, said = _said(tmp_path, config, "--as", "eva", "--mode", "join")
    assert status == 1 and "no bot that can be asked runs here" in said
