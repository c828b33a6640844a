"""Callers who keep their place without the line: which numbers are called, how, and what is said to them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ivr.calls.reaching import Attempt, Welcome
from ivr.config_queues import CALLBACK_TEXTS, CallbackSettings, QueueSettings
from ivr.language_tags import primary_language

_NUMBER: Final = re.compile(r"\+?[0-9]{3,20}", re.ASCII)
DEFAULT_LANGUAGE: Final = "en"


def callback_uri(rules: QueueSettings, number: str) -> str | None:
    """Where a caller is called back; None where the queue calls nobody back, or not that number.

    The number may come from the caller: nothing but digits, and a plus before them, gets into the URI.
    """
    via = rules.callback_via
    if via is None or not rules.callback_tries or not _NUMBER.fullmatch(number):
        return None
    if via.numbers and not number.startswith(via.numbers):
        return None
    return via.sip.replace("{number}", number)


def attempt_at_caller(via: CallbackSettings) -> Attempt:
    """The caller as a person who is reached: told why it rings, and asked for the key."""
    return Attempt(0, via.ring_for, Welcome(has_whisper=True, needs_key=True, accept_within_s=via.press_within))


def text_in(via: CallbackSettings, language: str) -> tuple[str, str]:
    """What is said, and the language that it is in."""
    for texts in (via.texts, CALLBACK_TEXTS):
        for tag in (language, primary_language(language) if language else ""):
            if tag in texts:
                return texts[tag], language
    return _first(via.texts) or (CALLBACK_TEXTS[DEFAULT_LANGUAGE], DEFAULT_LANGUAGE)


def _first(texts: Mapping[str, str]) -> tuple[str, str] | None:
    return next(((text, tag) for tag, text in texts.items()), None)
