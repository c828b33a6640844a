"""Values as the embedded models hear them: every word of the built-in lists, and spoken values of every kind.

The callers are voices of espeak-ng, which the models were trained on for the most part: this shows that a list with
many words is still told apart, not how well real callers are understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ivr.check_context import _words
from ivr.flow.grammar import known_words, match_phrases, normalized
from ivr.flow.languages import LANGUAGES, language_for
from ivr.flow.segments import Speech
from ivr.flow.values.base import Reading
from ivr.flow.values.registry import KINDS, kind_of
from ivr.speech.pcm import pad, read_wav, resample
from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
from ivr.speech.vosk_recognizer import VoskRecognizer
from tests.flow.value_readings import asked
from tests.speech.conftest import ENGLISH_MODEL, GERMAN_MODEL, needed

pytestmark = pytest.mark.adapter

BUILT_IN = {"choice", "free"}
"""Kinds whose words are not built in."""

MISSING = {
    "en": {"bucks", "centimes", "franc", "francs", "hmm", "huh", "mm", "rappen"},
    "de": {
        "achtundzwanzigster",
        "achtzehnter",
        "cents",
        "doppelt",
        "dreifach",
        "dreimal",
        "dreiundzwanzigster",
        "dreizehnter",
        "dreißigster",
        "einunddreißigster",
        "einundzwanzigster",
        "ersteres",
        "euros",
        "franken",
        "freilich",
        "fünfundzwanzigster",
        "fünfzehnter",
        "jaja",
        "jep",
        "letzteres",
        "logisch",
        "möchten",
        "ne",
        "negativ",
        "neunundzwanzigster",
        "neunzehnter",
        "pence",
        "pfund",
        "rappen",
        "sechsundzwanzigster",
        "sechzehnter",
        "siebenundzwanzigster",
        "siebzehnter",
        "vierundzwanzigster",
        "vierzehnter",
        "vormittags",
        "zwanzigster",
        "zweimal",
        "zweitausend",
        "zweiundzwanzigster",
        "äh",
        "ähm",
    },
}
"""Words of the built-in lists that the small models lack: they are left out when it listens."""


def built_in_words(tag: str) -> set[str]:
    """Every word that is listened for without the flow naming it."""
    language = language_for(tag)
    found: set[str] = {*language.fillers, *language.no_leads, *language.against, *language.but, *language.plus}
    found |= {word for words in language.which_words for word in words}
    for kind in KINDS.values():
        if kind.name not in BUILT_IN:
            for currency in language.money.currencies if kind.name == "amount" else ["EUR"]:
                settings = {"currency": currency} if kind.name == "amount" else {}
                question = asked(kind.name, tag, **settings)
                found |= {*kind.words(question)} | {p for phrases in kind.phrases(question).values() for p in phrases}
    return {word for phrase in found for word in normalized(phrase).split()}


@pytest.mark.parametrize(("tag", "model"), [("en", ENGLISH_MODEL), ("de", GERMAN_MODEL)])
def test_the_words_of_the_built_in_lists_that_a_small_model_lacks_are_known(tag: str, model: Path) -> None:
    assert built_in_words(tag) - _words(needed(model)) == MISSING[tag]


def test_the_words_that_carry_a_value_are_all_in_the_english_model() -> None:
    words = _words(ENGLISH_MODEL)
    for kind in ("date", "time", "digits", "number", "rating", "phone"):
        single = {word for phrase in kind_of(kind).words(asked(kind, "en-US")) for word in phrase.split()}
        assert single <= words, single - words


@pytest.fixture(scope="module", params=[150, 180], ids=["slow", "fast"])
def caller(request: pytest.FixtureRequest) -> Iterator[Pyttsx3Synthesizer]:
    """Somebody who calls; another voice than the bot's."""
    engine = Pyttsx3Synthesizer(rate_wpm=request.param, voices={"en": "en-gb", "de": "de"})
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def ears() -> Iterator[VoskRecognizer]:
    models = {"en": ENGLISH_MODEL} | ({"de": GERMAN_MODEL} if GERMAN_MODEL.exists() else {})
    engine = VoskRecognizer(models)
    yield engine
    engine.close()


SPOKEN = {
    (
        "date",
        "en-US",
    ): "tomorrow|next friday|friday|the third of may|may third|in two weeks|on monday|the twenty first of june|"
    "december twenty fifth|the day after tomorrow|october twelfth|the thirtieth of september|friday the fourth|today",
    (
        "time",
        "en-US",
    ): "half past three|quarter to nine|three thirty p m|fifteen hundred|eight o'clock|seven in the evening|"
    "ten past four|noon|at six|twenty to five|nine forty five|eleven in the morning",
    ("amount", "en-US"): "twelve fifty|twelve dollars and fifty cents|a hundred dollars|fifty cents|five dollars|"
    "one hundred and twenty dollars|nineteen ninety nine|two thousand dollars",
    ("phone", "en-US"): "two oh one triple five oh one two three|plus four nine three oh|double one two|"
    "seven one eight|plus one|nine four double two",
    ("rating", "en-US"): "one|two|three|four|five",
    ("digits", "en-US"): "four seven one two|double five|twelve thirty four|nine double oh|"
    "three six nine|oh one two three|seventeen|triple eight",
    ("number", "en-US"): "one hundred and five|twenty five|two thousand",
    ("date", "de-DE"): "morgen|nächsten freitag|freitag|am dritten mai|dritter mai|in zwei wochen|am montag|übermorgen|"
    "am einundzwanzigsten juni|am zwölften oktober|dreißigster september|heute|in einer woche|am vierten dezember",
    ("time", "de-DE"): "halb vier|viertel nach neun|um sieben uhr dreißig|acht uhr abends|fünfzehn uhr|zehn nach vier|"
    "viertel vor sechs|um acht|zwanzig uhr fünfzehn|halb neun morgens",
    (
        "amount",
        "de-DE",
    ): "zwölf euro fünfzig|zwölf fünfzig|hundert euro|fünfzig cent|drei euro neunzig|zweihundert euro",
    ("phone", "de-DE"): "null drei null eins zwo drei|plus vier neun|doppel fünf",
    ("digits", "de-DE"): "vier sieben eins zwo|doppel fünf|einundzwanzig|null null sieben",
}
"""Kind and language to what is said."""


def understood(
    ears: VoskRecognizer, caller: Pyttsx3Synthesizer, said: str, kind: str, tag: str, wav: Path, **settings: Any
) -> tuple[Reading | None, str]:
    """What a question makes of a spoken text, and what was heard."""
    question = asked(kind, tag, **settings)
    caller.synthesize(Speech(said, tag), wav)
    pcm = pad(resample(read_wav(wav), 8000), 0.3).pcm16()
    found = kind_of(kind)
    heard = ears.transcribe(pcm, 8000, tag, found.words(question), allow_unknown=found.allows_unknown(question))
    return found.from_speech(question, known_words(normalized(heard.text))), heard.text


@pytest.mark.parametrize(("kind", "tag"), SPOKEN, ids=lambda value: value)
def test_spoken_values_are_understood(
    kind: str, tag: str, ears: VoskRecognizer, caller: Pyttsx3Synthesizer, tmp_path: Path
) -> None:
    if tag == "de-DE":
        needed(GERMAN_MODEL)
    settings = {"length": 4} if kind == "digits" else {}
    wrong = []
    said_texts = SPOKEN[kind, tag].split("|")
    for said in said_texts:
        meant = kind_of(kind).from_speech(asked(kind, tag, **settings), normalized(said).split())
        got, heard = understood(ears, caller, said, kind, tag, tmp_path / "said.wav", **settings)
        if meant is None or got is None or meant.value != got.value:
            wrong.append(f"{said!r} was heard as {heard!r}")
    assert len(wrong) <= max(1, len(said_texts) // 10), wrong


@pytest.mark.parametrize(
    ("tag", "yes", "no"),
    [("en-US", "yes|yep|sure|that's right|correct|absolutely", "no|nope|not really|that's wrong|no way|nah"),
     ("de-DE", "ja|jo|genau|stimmt|passt|richtig", "nein|nö|nee|auf gar keinen fall|das stimmt nicht")],
)  # fmt: skip
def test_yes_and_no_are_told_apart_from_a_date_that_corrects(
    tag: str, yes: str, no: str, ears: VoskRecognizer, caller: Pyttsx3Synthesizer, tmp_path: Path
) -> None:
    if tag == "de-DE":
        needed(GERMAN_MODEL)
    language = language_for(tag)
    words = (*language.yes, *language.no, *language.no_leads, *kind_of("date").words(asked("date", tag)))
    for meaning, texts in (("yes", yes), ("no", no)):
        for said in texts.split("|"):
            caller.synthesize(Speech(said, tag), tmp_path / "said.wav")
            pcm = pad(resample(read_wav(tmp_path / "said.wav"), 8000), 0.3).pcm16()
            heard = ears.transcribe(pcm, 8000, tag, words)
            found = match_phrases(heard.text, 1.0, {"yes": language.yes, "no": language.no})
            assert found is not None and found.meaning == meaning, (said, heard.text)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_longest_built_in_list_opens_quickly(tag: str) -> None:
    words = kind_of("date").words(asked("date", tag))
    assert len(words) < 250  # 700 phrases took 20 ms to open, on the loop of all calls
