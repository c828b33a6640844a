"""German and English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ivr.ports import EndReason
from ivr.web.words import GERMAN, translated, wished

pytestmark = pytest.mark.unit

WEB = Path(__file__).parents[2] / "ivr" / "web"
TEXTS = (r"""_\(["'](.+?)["'][,)]""", r'fact\("([^"]+)"', r'[\[(, ]"([A-Z][a-z ]+)"')
"""Looked up at once; names of facts; names in lists, which are looked up in a loop."""
OWN_NAMES = {"Deutsch", "English"}


def texts() -> set[str]:
    templates = [file.read_text(encoding="utf-8") for file in (WEB / "templates").glob("*.html")]
    return {text for source in templates for pattern in TEXTS for text in re.findall(pattern, source)} - OWN_NAMES


def test_every_text_of_a_template_has_its_german() -> None:
    assert len(texts()) > 50
    assert not {text for text in texts() if text not in GERMAN}


def test_every_message_of_the_code_has_its_german() -> None:
    said = {
        text
        for file in WEB.glob("*.py")
        for text in re.findall(r'(?<!")"([A-Z][^"\n]+\.)"(?!")', file.read_text(encoding="utf-8"))
        if file.name != "words.py"
    }
    assert len(said) > 5
    assert not {text for text in said if text not in GERMAN}


def test_every_way_a_call_ends_has_its_german() -> None:
    assert not {reason for reason in EndReason if reason.replace("_", " ") not in GERMAN}


def test_placeholders_are_the_same_in_both_languages() -> None:
    fields = re.compile(r"\{\w+\}")
    assert all(sorted(fields.findall(text)) == sorted(fields.findall(german)) for text, german in GERMAN.items())


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,en;q=0.4,de;q=0.6", "de"),
        ("en-GB,de;q=0.9", "en"),
        ("fr, *", "en"),
        ("de;q=0", "en"),
        ("de;q=x,;;,=", "en"),
    ],
)
def test_the_browsers_wish_decides(header: str, language: str) -> None:
    assert wished(header) == language


def test_what_has_no_german_stays_as_it_is() -> None:
    assert translated("dialled by hand", "de") == "dialled by hand"
    assert translated("Calls", "en") == "Calls"
