"""`ivr surveys`: answers out of the database."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivr.cli.main import app
from ivr.config import DatabaseSettings
from ivr.ports import AnswerRecord
from ivr.storage.call_log import DatabaseCallLog
from tests.storage.records import at, started

pytestmark = pytest.mark.adapter


def given(
    call_id: str, sequence: int, question: str, outcome: str, answer: object, survey: str = "desk"
) -> AnswerRecord:
    return AnswerRecord(call_id, sequence, survey, question, at(sequence), outcome, "dtmf" if answer else "", answer)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'calls.db'}"
    with DatabaseCallLog(DatabaseSettings(url=url, spool_dir=str(tmp_path / "spool")), "host/1") as log:
        log.call_started(started("call-1"))
        log.answer_given(given("call-1", 1, "service", "answered", 4))
        log.answer_given(given("call-1", 1, "service", "answered", 4))
        log.answer_given(given("call-1", 2, "again", "answered", True))
        log.answer_given(given("call-1", 3, "service", "answered", 1))
        log.answer_given(given("call-2", 1, "service", "answered", 5))
        log.answer_given(given("call-2", 2, "again", "hung_up", None))
        log.answer_given(given("call-2", 3, "why", "answered", "=1+2", "other"))
    return url


def run(url: str, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["surveys", *arguments, "--database", url])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_surveys_are_summed_up(url: str) -> None:
    assert run(url).splitlines() == [
        "desk: 2 calls",
        "  service: 2 answered, mean 3.00: 1 (1), 5 (1)",
        "  again: 1 answered, 1 hung up: yes (1)",
        "other: 1 call",
        "  why: 1 answered: =1+2 (1)",
    ]


def test_json_has_the_last_answer_of_each_question_of_a_call(url: str) -> None:
    rows = json.loads(run(url, "desk", "--json"))
    assert [(row["call_id"], row["question"], row["outcome"], row["answer"]) for row in rows] == [
        ("call-1", "service", "answered", 1),
        ("call-1", "again", "answered", True),
        ("call-2", "service", "answered", 5),
        ("call-2", "again", "hung_up", None),
    ]
    assert rows[0]["asked_at"] == at(3).isoformat() and rows[0]["mode"] == "dtmf"


def test_csv_is_for_spreadsheets_and_holds_no_formula(url: str) -> None:
    rows = list(csv.DictReader(io.StringIO(run(url, "--csv"))))
    assert [row["answer"] for row in rows] == ["1", "true", "5", "", "'=1+2"]


def test_nothing_yet(tmp_path: Path, url: str) -> None:
    assert "no answers of 'none' yet" in run(url, "none")
    assert run(f"sqlite:///{tmp_path / 'missing.db'}", "--json").strip() == "[]"
    result = CliRunner().invoke(app, ["surveys", "--json", "--csv", "--database", url])
    assert result.exit_code == 2
