"""The `ivr` command itself: every command is there, and none is imported before it is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivr.cli import main

pytestmark = pytest.mark.unit

FOLDER = Path(main.__file__).parent
IMPORTED = "import sys; from ivr.cli.main import app; app(standalone_mode=False); print(*sorted(sys.modules))"


def imported_by(*arguments: str) -> set[str]:
    command = [sys.executable, "-c", IMPORTED, *arguments]
    return set(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split())


@pytest.mark.parametrize("name", main.SUMMARIES)
def test_a_summary_is_how_the_help_of_the_command_begins(name: str) -> None:
    command = main.load(name)
    assert command.name == name
    assert " ".join((command.help or "").split("\n\n")[0].split()) == main.SUMMARIES[name]


def test_every_module_with_a_command_belongs_to_one() -> None:
    with_command = {file.stem for file in FOLDER.glob("*.py") if "\ndef register(" in file.read_text(encoding="utf-8")}
    assert with_command == {module for name in main.SUMMARIES for module in main.MODULES.get(name, (name,))}


def test_help_names_every_command_and_imports_none() -> None:
    shown = CliRunner().invoke(main.app, ["--help"]).output
    assert all(name in shown for name in main.SUMMARIES)
    imported = imported_by("--help")
    assert not {module for module in imported if module.startswith("ivr.cli.")} - {"ivr.cli.main"}
    assert "pydantic" not in imported


def test_a_command_imports_no_other() -> None:
    imported = imported_by("schema")
    assert "ivr.cli.schema" in imported
    assert not imported & {"ivr.cli.check", "ivr.cli.test", "ivr.cli.simulate", "ivr.cli.calls"}


def test_a_misspelt_command_is_told_what_is_near() -> None:
    result = CliRunner().invoke(main.app, ["chek"])
    assert result.exit_code == 2
    assert "check" in result.output
