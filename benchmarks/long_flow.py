"""A flow as long as somebody could wish, made of what flows are made of: menus, questions, texts, decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml

STEPS_PER_PART = 10
STRIDE = 37
GERMAN = (
    "konto", "rechnung", "lieferung", "termin", "vertrag", "auskunft", "zahlung", "kündigung", "bestellung", "adresse",
    "garantie", "reparatur", "versicherung", "mitglied", "gutschein", "anmeldung", "störung", "umzug", "angebot",
    "technik",
)  # fmt: skip
MODEL = Path(__file__).parents[1] / "ivr" / "speech" / "models" / "vosk-model-ivr-en-8k-test"


def english_words() -> list[str]:
    """What callers can say here: words that the embedded model knows, the short ones left out.

    Not in the order of the alphabet: neighbours there are forms of one word, and sound alike.
    """
    lines = (MODEL / "graph" / "words.txt").read_text(encoding="utf-8").splitlines()
    words = [word for line in lines if len(word := line.split()[0]) > 4 and word.isalpha() and word.islower()]
    return [word for first in range(STRIDE) for word in words[first::STRIDE]]


def long_flow(steps: int, *, bilingual: bool = False, name: str = "long") -> str:
    """YAML of a flow without mistakes. `steps` is rounded down to full parts of ten steps."""
    words = _phrases(cycle(english_words()))
    foreign = _phrases(cycle(GERMAN))
    parts = range(1, steps // STEPS_PER_PART + 1)
    text = _Texts(bilingual)
    found: dict[str, Any] = {}
    for part in parts:
        follows = f"p{part + 1}_intro" if part < parts[-1] else "hang_up"
        found |= _part(part, follows, text, list(islice(words, 8)), list(islice(foreign, 8)))
    flow = {
        "flow": name,
        "language": "en-US",
        **({"languages": ["de-DE"]} if bilingual else {}),
        "start": "p1_intro",
        "defaults": {
            "no_input": [text("I did not hear anything.", "Ich habe nichts gehört."), text("Nothing.", "Nichts.")],
            "no_match": text("I did not understand that.", "Das habe ich nicht verstanden."),
            "failed": "hang_up",
        },
        "commands": {
            "operator": {"keys": "0", "say": text.said(["operator", "human"], ["mitarbeiter"]), "go": "hang_up"},
            "again": {"keys": "*", "say": text.said(["repeat", "again"], ["wiederholen"]), "go": "repeat"},
        },
        "variables": {"customer": "nobody", "balance": 0, "visits": 1},
        "steps": found,
    }  # fmt: skip
    return yaml.safe_dump(flow, sort_keys=False, allow_unicode=True, width=110)


def _phrases(words: Iterator[str]) -> Iterator[str]:
    """Two words each, no phrase like the one before."""
    while True:
        yield f"{next(words)} {next(words)}"


class _Texts:
    """A text in one language or in both."""

    def __init__(self, bilingual: bool) -> None:
        self._bilingual = bilingual

    def __call__(self, english: str, german: str) -> Any:
        return {"en": english, "de": german} if self._bilingual else english

    def said(self, english: Sequence[str], german: Sequence[str]) -> Any:
        return {"en": list(english), "de": list(german)} if self._bilingual else list(english)


def _part(part: int, follows: str, text: _Texts, said: list[str], gesagt: list[str]) -> dict[str, Any]:
    p = f"p{part}"
    return {
        f"{p}_intro": {
            "say": text(
                f"I am an automatic assistant, {{{{ customer }}}}. This is department {part}.",
                f"Ich bin ein automatischer Assistent, {{{{ customer }}}}. Dies ist Abteilung {part}.",
            ),
            "next": f"{p}_menu",
        },
        f"{p}_menu": _menu(p, follows, text, said, gesagt),
        **_questions(part, p, text),
        **_decision(part, p),
        f"{p}_told": {
            "say": text(
                f"Your balance in {part} is {{{{ balance | money('EUR') }}}}, after {{{{ visits | number }}}} steps.",
                f"Ihr Guthaben in {part}: {{{{ balance | money('EUR') }}}}, nach {{{{ visits | number }}}} Schritten.",
            ),
            "next": f"{p}_sure",
        },
        f"{p}_sure": {
            "ask": "yes_no",
            "prompt": text(f"Shall we go on after {part}?", f"Sollen wir nach {part} weitermachen?"),
            "into": "goes_on",
            "confirmed": f"{p}_thanks",
            "denied": f"{p}_menu",
        },
        f"{p}_thanks": {"say": text(f"Thank you for part {part}.", f"Danke für Teil {part}."), "next": follows},
    }  # fmt: skip


def _menu(p: str, follows: str, text: _Texts, said: list[str], gesagt: list[str]) -> dict[str, Any]:
    goes = [f"{p}_account", f"{p}_amount", f"{p}_day", follows]
    choices = {
        f"choice{index + 1}": {
            "keys": str(index + 1),
            "say": text.said(said[2 * index : 2 * index + 2], gesagt[2 * index : 2 * index + 2]),
            "go": go,
        }
        for index, go in enumerate(goes)
    }
    offer = " ".join(f"For {said[2 * index]}, press {index + 1}." for index in range(4))
    angebot = " ".join(f"Für {gesagt[2 * index]} drücken Sie die {index + 1}." for index in range(4))
    return {
        "menu": {"prompt": text(offer, angebot), "keys_prompt": text(offer, angebot), "choices": choices},
        "into": "topic",
    }


def _questions(part: int, p: str, text: _Texts) -> dict[str, Any]:
    return {
        f"{p}_account": {
            "ask": "digits",
            "length": 6,
            "prompt": text(f"What is your account number for case {part}?", f"Ihre Kontonummer im Fall {part}, bitte?"),
            "into": "account",
            "confirm": "always",
            "confirm_prompt": text("I understood {{ heard }}. Is that right?", "Ich verstand {{ heard }}. Richtig?"),
            "next": f"{p}_keep",
        },
        f"{p}_amount": {
            "ask": "number",
            "minimum": 1,
            "maximum": 500,
            "prompt": text(f"How many do you want in {part}?", f"Wie viele möchten Sie in {part}?"),
            "no_match": [text("A number, please.", "Eine Zahl, bitte."), text("From 1 to 500.", "Von 1 bis 500.")],
            "into": "amount",
            "next": f"{p}_keep",
        },
        f"{p}_day": {
            "ask": "date",
            "prompt": text(f"Which day suits you for {part}?", f"Welcher Tag passt Ihnen für {part}?"),
            "into": "day",
            "next": f"{p}_keep",
        },
    }  # fmt: skip


def _decision(part: int, p: str) -> dict[str, Any]:
    return {
        f"{p}_keep": {
            "set": {
                "balance": f"{{{{ balance + {part} }}}}",
                "customer": f"caller {part}",
                "visits": "{{ visits + 1 }}",
            },
            "next": f"{p}_route",
        },
        f"{p}_route": {
            "when": [
                {"if": f"balance > {part * 100} and customer != 'nobody'", "go": f"{p}_told"},
                {"if": f"visits >= {part} or step.visits > 2", "go": f"{p}_sure"},
                {"otherwise": True, "go": f"{p}_told"},
            ]
        },
    }
