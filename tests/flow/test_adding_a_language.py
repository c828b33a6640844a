"""The language of docs/languages.md, written as the page says, leads a conversation."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from ivr.flow import languages
from ivr.flow.languages import LANGUAGES, language_for
from ivr.flow.languages.base import Language
from ivr.flow.languages.moments import DayMonth, InDays, SpokenTime, Weekday
from ivr.testing.conversation import CallScript

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "languages.md"
FLOW = """
flow: accueil
language: fr-FR
start: main
steps:
  main:
    menu:
      prompt: "Pour une facture, tapez 1. Pour un rendez-vous, tapez 2."
      choices:
        facture: {keys: "1", say: [ma facture], go: number}
        rendez_vous: {keys: "2", say: [un rendez-vous], go: day}
    failed: hang_up
  number:
    {ask: digits, prompt: "Votre numéro ?", length: 3, into: number, confirm: always, failed: hang_up, next: merci}
  day: {ask: date, prompt: "Quel jour ?", into: day, failed: hang_up, next: hour}
  hour: {ask: time, prompt: "À quelle heure ?", into: hour, failed: hang_up, next: merci}
  merci: {say: "Merci. {{ 12.5 | money }}.", next: hang_up}
"""


@pytest.fixture
def french(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Language]:
    """The page's file in the folder of languages, for one test."""
    block = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    (tmp_path / "fr.py").write_text(block[1], encoding="utf-8")
    monkeypatch.setattr(languages, "__path__", [*languages.__path__, str(tmp_path)])
    for name in [key for key in vars(LANGUAGES)["_known"] if key == "fr"]:
        monkeypatch.delitem(vars(LANGUAGES)["_known"], name)
    language_for.cache_clear()
    yield LANGUAGES["fr"]
    vars(LANGUAGES)["_known"].pop("fr", None)
    sys.modules.pop("ivr.flow.languages.fr", None)
    language_for.cache_clear()


def test_it_is_found_by_its_name(french: Language) -> None:
    assert language_for("fr-FR") is french and set(LANGUAGES) == {"de", "en", "fr"}


@pytest.mark.parametrize("tag", ["", "xx", "base", "../de", "en_money", "FR", "f r"])
def test_what_is_no_language_is_none(tag: str) -> None:
    assert tag not in LANGUAGES


def test_numbers_days_and_times_are_understood(french: Language) -> None:
    read, calendar = french.read_number, french.calendar
    assert read(["deux", "cent", "quatre", "vingt", "onze"]) == 291 and read(["sept", "trois", "un"]) == 731
    assert read(["pomme"]) is None
    for said, meant in (("demain", InDays(1)), ("vendredi", Weekday(4)), ("le trois mai", DayMonth(3, 5))):
        assert calendar.read_date(said.split(), False) == meant
    assert calendar.read_date(["lundi", "pomme"], False) is None
    for said, at in (("à quinze heures trente", SpokenTime(15, 30, "24")), ("vers huit heures", SpokenTime(8))):
        assert calendar.read_time(said.split()) == at


def test_days_and_times_are_said(french: Language) -> None:
    assert french.calendar.say_date(date(2026, 12, 4), "FR", False) == "vendredi 4 décembre"
    assert french.calendar.say_date(date(2026, 12, 4), "FR", True) == "vendredi 4 décembre 2026"
    assert french.calendar.say_time(time(15, 30), "FR") == "15 heures 30"


def test_a_conversation(french: Language) -> None:
    call = CallScript(FLOW).offered(now=NOW).says("bananes").hears("je n'ai pas compris")
    call.says("ma facture").hears("votre numéro")
    call.says("un deux trois").hears("est-ce exact").says("non").says("deux cent quatre").hears("est-ce exact")
    call.says("c'est ça").hears("douze euros et cinquante cents")
    assert call.variables["number"] == "204"


def test_a_day_and_a_time(french: Language) -> None:
    call = CallScript(FLOW).offered(now=NOW).says("un rendez-vous").hears("quel jour")
    call.says("vendredi").hears("quelle heure").says("quinze heures trente").hears("merci")
    assert (call.variables["day"], call.variables["hour"]) == ("2026-11-27", "15:30")
