"""The flows that the calls of `test_speaking.py` go through, and what they say."""

from __future__ import annotations

from typing import Any

from tests.live.bots import HEARD_HZ, HOLD_HZ, MENU_HZ

TEXT = (
    "Your order for {{ call.from }} has left our house today. It weighs 3.5 kilograms and comes in two boxes. "
    "The driver will ring at your door tomorrow before noon. Please keep your order number at hand for him. "
    "If nobody is at home, he leaves a card in your letter box. You can choose another day on the card. "
    "Returns are free of charge within thirty days. Thank you very much for your order, and goodbye."
)
SENTENCES = 8
ENGLISH, GERMAN = "Please enter your account number now.", "Ihr Termin ist am Freitag um neun Uhr."
SOFT, LOUD = "sounds/soft.wav", "sounds/loud.wav"
"""Recordings of a person: 25 dB below the rest, and overdriven."""
SPELLED = "hello"
APART = {"pause": "700ms"}
"""Longer than any pause within a text, so that what was heard can be divided there."""
FIRST_HZ, SECOND_HZ, PAUSE_S = HEARD_HZ["sales"], HEARD_HZ["agent"], 1.0

FLITE = {
    "run": ["flite", "-voice", "{voice}", "--setf", "duration_stretch={stretch}", "-o", "{file}"],
    "voices": {"en-gb": "slt"},
}
SPEECH_LIMIT_S = 2.0
SPEECH = {"synthesizer": "flite", "commands": {"flite": FLITE}, "synthesis_limit": f"{SPEECH_LIMIT_S:g}s"}
"""English of Britain is spoken by a program, everything else by pyttsx3."""
NUMBERS = {"1042": {"flow": "voices"}, "1043": {"flow": "marks"}, "1044": {"flow": "held"}}


def flows(port: int) -> list[dict[str, Any]]:
    """`port` is that of a service that is slow."""
    return [waiting(port), voices(), marks(), held()]


def waiting(port: int) -> dict[str, Any]:
    """A menu whose keys lead to what takes long, or does not come to an end."""
    keys = {"work": "1", "person": "2", "long": "3", "greeted": "4"}
    choices = {name: {"keys": key, "go": name} for name, key in keys.items()}
    steps: dict[str, Any] = {
        "main": {"menu": {"prompt": f"sounds/t{MENU_HZ}.wav", "choices": choices}, "failed": "hang_up"},
        "work": {"request": {"get": f"http://127.0.0.1:{port}/", "timeout": "8s"}, "error": "main", "next": "main"},
        "person": {"transfer": {"to": "rings", "mode": "bridge", "ring_for": "4s"}, "failed": "main"},
        "long": {"say": TEXT, "next": "hang_up"},
        "greeted": {"say": "Good day {{ call.from }}.", "next": "hang_up", "on_error": "main"},
    }
    return {"flow": "speaking", "language": "en-US", "start": "main", "steps": steps}


def voices() -> dict[str, Any]:
    """Recordings, then a text in three languages."""
    text = {"en": ENGLISH, "de": GERMAN}
    steps: dict[str, Any] = {
        "american": {"say": [SOFT, APART, LOUD, APART, text], "next": "to_british"},
        "to_british": {"language": "en-GB", "next": "british"},
        "british": {"say": [APART, text], "next": "to_german"},
        "to_german": {"language": "de-DE", "next": "german"},
        "german": {"say": [APART, text], "next": "hang_up"},
    }
    languages = ["en-US", "en-GB", "de-DE"]
    return {"flow": "voices", "language": "en-US", "languages": languages, "start": "american", "steps": steps}


def marks() -> dict[str, Any]:
    """A pause between two tones, the same text with more and with less weight, and a word letter by letter."""
    texts = [ENGLISH, {"text": ENGLISH, "emphasis": "strong"}, {"text": ENGLISH, "emphasis": "reduced"}]
    parts = [part for text in [*texts, "{{ word | spell }}"] for part in (APART, text)]
    pause = {"pause": f"{PAUSE_S:g}s"}
    say = [f"sounds/t{FIRST_HZ}.wav", pause, f"sounds/t{SECOND_HZ}.wav", *parts]
    return {
        "flow": "marks",
        "language": "en-US",
        "start": "all",
        "variables": {"word": SPELLED},
        "steps": {"all": {"say": say, "next": "hang_up"}},
    }


def held() -> dict[str, Any]:
    """Somebody is rung who does not answer, with a second of a tone as music."""
    transfer = {"to": "rings", "mode": "bridge", "ring_for": "4s", "hold": f"sounds/t{HOLD_HZ}.wav"}
    steps = {"person": {"transfer": transfer, "failed": "hang_up"}}
    return {"flow": "held", "language": "en-US", "start": "person", "steps": steps}
