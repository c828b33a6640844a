"""The flow that the calls of `test_listening.py` go through: its menus and questions listen in different ways."""

from __future__ import annotations

from typing import Any

from tests.live.bots import HEARD_HZ, MENU_HZ, NO_MATCH_HZ, NUMBER_HZ

NAMES, TWINS = ["goldstein", "kowalczyk", "okonkwo"], ["mail", "male"]
SAID_HZ, NAME_HZ, SECOND_HZ, GERMAN_HZ, WRONG_HZ = 410, 1310, 1360, 1410, 1460
TONES = (SAID_HZ, NAME_HZ, SECOND_HZ, GERMAN_HZ, WRONG_HZ)
"""What tells a test where a call is."""


BEHIND_KEYS = ("matching", "name", "twins", "german", "loose", "strict", "words", "by_keys", "mixed")
"""What the keys of the first menu lead to, from 1 on."""


def sound(hz: int) -> str:
    return f"sounds/t{hz}.wav"


def free(hz: int) -> dict[str, Any]:
    """A question that silence ends so late that it must have been the key."""
    return {"ask": "free", "prompt": sound(hz), "final_silence": "5s", "inter_digit_timeout": "1s", "confirm": "never"}


SPOKEN = {
    name: {"say": {"en": [name], "de": [word]}, "go": f"heard_{name}"}
    for name, word in (("agent", "vermittlung"), ("message", "oktober"))
}
"""Choices of the menus that are heard in both languages."""


def menus() -> dict[str, Any]:
    """Menus that listen in another way than the first one."""
    return {
        "matching": {"menu": {"prompt": sound(MENU_HZ), "choices": SPOKEN}, "barge_in": "match"},
        "loose": {
            "menu": {
                "prompt": sound(NUMBER_HZ),
                "choices": {
                    "both": {"say": {"en": ["message for an agent"], "de": ["oktober"]}, "go": "heard_name"},
                    "other": {"say": {"en": ["goodbye"], "de": ["vermittlung"]}, "go": "wrong"},
                },
            }
        },
        "strict": {
            "menu": {"prompt": sound(NUMBER_HZ), "choices": {"agent": {**SPOKEN["agent"], "go": "wrong"}}},
            "confidence": {"accept": 1, "reject": 1},
            "no_match": sound(NO_MATCH_HZ),
            "max_speech_duration": "2s",
        },
        "by_keys": {
            "menu": {"prompt": sound(NUMBER_HZ), "choices": {"on": {"keys": "1", "go": "by_voice"}}},
            "barge_in": "digits",
        },
        "by_voice": {
            "menu": {"prompt": sound(NUMBER_HZ), "choices": {"off": {"keys": "2", "go": "wrong"}, **SPOKEN}},
            "barge_in": "speech",
        },
    }


def flow() -> dict[str, Any]:
    """A menu whose keys lead to what a test needs."""
    keys = {name: {"keys": str(place), "go": name} for place, name in enumerate(BEHIND_KEYS, 1)}
    steps: dict[str, Any] = {
        "main": {"menu": {"prompt": sound(MENU_HZ), "choices": {**SPOKEN, **keys}}},
        **menus(),
        "name": {"ask": "choice", "choices_from": "names", "prompt": sound(NUMBER_HZ), "into": "name", "next": "which"},
        "which": {"when": [{"if": "name == 'goldstein'", "go": "heard_name"}, {"else": True, "go": "wrong"}]},
        "twins": {
            "ask": "choice",
            "choices_from": "twin_names",
            "prompt": sound(NUMBER_HZ),
            "confirm_prompt": [{"play": sound(SAID_HZ)}, "{{ heard }}"],
            "into": "name",
            "next": "second",
        },
        "second": {"say": sound(SECOND_HZ), "next": "main"},
        "german": {"language": "de-DE", "next": "day"},
        "day": {
            "ask": "choice",
            "choices": {"friday": {"say": {"de": ["freitag"], "en": ["friday"]}}},
            "prompt": sound(NUMBER_HZ),
            "into": "name",
            "next": "heard_german",
        },
        "words": {**free(NUMBER_HZ), "into": "words", "next": "more", "skipped": "wrong"},
        "more": {**free(SAID_HZ), "into": "words", "next": "wrong", "skipped": "heard_name"},
        "mixed": {
            "ask": "digits",
            "min_length": 2,
            "max_length": 5,
            "prompt": sound(NUMBER_HZ),
            "into": "number",
            "confirm": "never",
            "next": "heard_name",
        },
        "heard_name": {"say": sound(NAME_HZ), "next": "main"},
        "heard_german": {"say": sound(GERMAN_HZ), "next": "bye"},
        "wrong": {"say": sound(WRONG_HZ), "next": "main"},
        "bye": {"hang_up": True},
    }
    steps |= {f"heard_{name}": {"say": sound(HEARD_HZ[name]), "next": "main"} for name in SPOKEN}
    return {
        "flow": "ears",
        "language": "en-US",
        "languages": ["en-US", "de-DE"],
        "start": "main",
        "variables": {"names": NAMES, "twin_names": TWINS, "name": "", "words": "", "number": ""},
        "defaults": {"first_input_timeout": "12s", "failed": "bye"},
        "steps": steps,
    }
