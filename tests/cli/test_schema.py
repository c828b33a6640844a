"""`ivr schema`, and the files that editors are pointed to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ivr.cli import schema as command
from ivr.flows import TEST_SUFFIX

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")


def run(*arguments: str) -> Result:
    app = typer.Typer()
    command.register(app)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["schema", *arguments])


@pytest.mark.parametrize("kind", command.SCHEMAS)
def test_the_shipped_schemas_are_up_to_date(kind: str) -> None:
    file = ROOT / "docs" / "schema" / f"{kind}.schema.json"
    assert file.read_text(encoding="utf-8") == command.schema_text(kind), f"make it anew: ivr schema … -o {file}"


def test_the_schema_of_the_flow_language_is_printed() -> None:
    result = run()
    assert result.exit_code == 0
    assert "say" in json.loads(result.stdout)["definitions"]["Step"]["properties"]


def test_the_schema_of_the_settings_is_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "new" / "settings.json"
    assert run("--settings", "-o", str(file)).exit_code == 0
    assert "sip" in json.loads(file.read_text())["properties"]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    result = run("-o", str(tmp_path))
    assert result.exit_code == 1
    assert "cannot be written (Is a directory); name another file" in result.output


def test_shipped_files_point_editors_to_the_schemas() -> None:
    flows = [file for file in (ROOT / "flows").rglob("*.yaml") if not file.name.endswith(TEST_SUFFIX)]
    for file in [ROOT / "ivr.yaml", *flows]:
        found = MODELINE.search(file.read_text(encoding="utf-8"))
        assert found, f"{file} has no modeline"
        assert (file.parent / found[1]).is_file(), f"{file}: {found[1]}"
