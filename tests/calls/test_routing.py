"""Which flow answers a dialled number."""

from __future__ import annotations

import pytest

from ivr.calls.routing import flow_for
from ivr.config import NumberSettings

pytestmark = pytest.mark.unit

NUMBERS = {
    "+49 30 1234": NumberSettings(flow="berlin", account="trunk"),
    "+49301234": NumberSettings(flow="anyone"),
    "100": NumberSettings(flow="desk"),
    "Demo": NumberSettings(flow="demo"),
    "7": NumberSettings(flow="secret", account="other"),
}


@pytest.mark.parametrize(
    ("dnis", "account", "flow"),
    [
        ("+49301234", "trunk", "berlin"),
        ("+49-30/1234", "trunk", "berlin"),
        ("+49301234", "", "anyone"),
        ("100", "trunk", "desk"),
        ("demo", "", "demo"),
        ("7", "", "fallback"),
        ("7", "other", "secret"),
        ("49301234", "", "fallback"),
        ("999", "", "fallback"),
        ("", "", "fallback"),
    ],
)
def test_number_to_flow(dnis: str, account: str, flow: str) -> None:
    assert flow_for(dnis, account, NUMBERS, "fallback") == flow


@pytest.mark.parametrize(
    ("dnis", "flow"),
    [
        ("demo+draft", "demo+draft"),
        ("Demo+Draft", "demo+draft"),
        ("100+draft", "desk+draft"),
        ("+49 30 1234+draft", "anyone+draft"),
        ("unmapped+draft", "unmapped+draft"),
        ("901", "desk+draft"),
        ("901+draft", "desk+draft"),
        ("+draft", "+draft"),
    ],
)
def test_a_draft_is_dialled_behind_a_number_or_a_name(dnis: str, flow: str) -> None:
    numbers = {**NUMBERS, "901": NumberSettings(flow="desk+draft")}
    assert flow_for(dnis, "", numbers, "fallback") == flow


def test_drafts_can_be_kept_from_callers() -> None:
    assert flow_for("demo+draft", "", NUMBERS, "fallback", takes_drafts=False) == "fallback"


def test_without_a_default_nobody_answers_an_unknown_number() -> None:
    assert flow_for("999", "", NUMBERS, None) is None
