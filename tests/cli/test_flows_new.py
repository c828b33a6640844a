"""`ivr flows new`: what it writes is a good flow, and it overwrites nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from jsonschema import Draft7Validator
from typer.testing import CliRunner, Result

from ivr.cli import check, flows_new
from ivr.yaml_source import read_yaml

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ivr.yaml").write_text("targets: {sales: {sip: 'sip:sales@127.0.0.1'}}\n")
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    check.register(app)
    flows_new.register(app)
    return CliRunner().invoke(app, list(arguments))


def test_it_makes_a_flow_that_passes_the_strict_check_and_its_conversations(folder: Path) -> None:
    made = run("flows", "new", "reception")
    assert made.exit_code == 0, made.output
    assert made.output.startswith("made flows/reception.yaml and flows/reception.test.yaml\n")
    checked = run("check", "--strict", "flows")
    assert checked.output == "1 flow read, 0 errors, 0 warnings\n"
    conversations = read_yaml((folder / "flows" / "reception.test.yaml").read_bytes(), "t").data
    assert isinstance(conversations, dict) and len(conversations["tests"]) == 2
    assert conversations["flow"] == "reception"


def test_it_hands_callers_to_a_target_of_the_settings(folder: Path) -> None:
    assert "targets" not in run("flows", "new", "reception").output
    assert "to: sales " in (folder / "flows" / "reception.yaml").read_text()
    (folder / "ivr.yaml").write_text("{}")
    assert (
        "it hands callers to 'agent': name whom that is in ivr.yaml, under targets:" in run("flows", "new", "b").output
    )


def test_a_german_one_speaks_german(folder: Path) -> None:
    assert run("flows", "new", "empfang", "--language", "de").exit_code == 0
    text = (folder / "flows" / "empfang.yaml").read_text(encoding="utf-8")
    assert "language: de-DE" in text and "Öffnungszeiten" in text
    assert "1 flow read, 0 errors, 1 warning" in run("check", "flows").output, "the speech model is not installed"


def test_editors_find_the_schema_beside_it_or_in_the_project(folder: Path) -> None:
    run("flows", "new", "reception")
    data = read_yaml((folder / "flows" / "reception.yaml").read_bytes(), "r").data
    assert Draft7Validator(json.loads((folder / "flows" / "flow.schema.json").read_text())).is_valid(data)
    assert "$schema=flow.schema.json" in (folder / "flows" / "reception.yaml").read_text()
    (folder / "docs" / "schema").mkdir(parents=True)
    (folder / "docs" / "schema" / "flow.schema.json").write_text("{}")
    run("flows", "new", "second")
    assert "$schema=../docs/schema/flow.schema.json" in (folder / "flows" / "second.yaml").read_text()


@pytest.mark.parametrize("existing", ["reception.yaml", "reception.test.yaml"])
def test_it_overwrites_nothing(folder: Path, existing: str) -> None:
    (folder / "flows").mkdir()
    (folder / "flows" / existing).write_text("mine")
    result = run("flows", "new", "reception")
    assert result.exit_code == 1
    assert result.stderr == f"flows/{existing} exists already; give the new flow another name\n"
    assert [file.name for file in (folder / "flows").iterdir()] == [existing]
    assert (folder / "flows" / existing).read_text() == "mine"


def test_a_name_that_another_file_has_or_that_is_none_is_refused(folder: Path) -> None:
    run("flows", "new", "reception")
    (folder / "flows" / "reception.yaml").rename(folder / "flows" / "other.yaml")
    (folder / "flows" / "reception.test.yaml").unlink()
    assert "a flow named 'reception' is already in flows/other.yaml" in run("flows", "new", "reception").stderr
    assert "'../x' is not a name; write lower case letters" in run("flows", "new", "../x").stderr


def test_it_joins_a_group_that_is_there(folder: Path) -> None:
    app = typer.Typer()
    group = typer.Typer()
    group.command("list")(lambda: typer.echo("listed"))
    app.add_typer(group, name="flows")
    flows_new.register(app)
    assert CliRunner().invoke(app, ["flows", "list"]).output == "listed\n"
    assert CliRunner().invoke(app, ["flows", "new", "reception"]).exit_code == 0
