"""Helper process that speaks: `python -P pyttsx3_worker.py`. One JSON object per line in, one per line out.

    -> {"text": "Hello", "voice": "en-us", "rate_wpm": 160, "pitch": 50, "wav": "/tmp/x.wav"}
    <- {"ok": true}   or   {"ok": false, "kind": "library" | "voice" | "engine", "reason": "..."}

It is a process of its own because the engine hangs now and then and cannot be ended from within. After its start it
answers one line unasked: whether the engine could be loaded. It must not import anything of the bot.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import IO, Any

_ATTEMPTS = 3
_HEADER_BYTES = 44


def main() -> None:
    """Serve requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # the engine prints on standard output
    try:
        import pyttsx3
        from pyttsx3.drivers import _espeak

        engine = pyttsx3.init("espeak")
        engine.proxy.setBusy(False)  # from now on properties are set when they are given
        voices = _voice_names(engine)
    except Exception as error:
        _answer(answers, {"ok": False, "kind": "library", "reason": f"{type(error).__name__}: {error}"})
        return
    _answer(answers, {"ok": True})
    for line in sys.stdin:
        _answer(answers, _speak(engine, _espeak.Synchronize, voices, json.loads(line)))


def _answer(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _voice_names(engine: Any) -> dict[str, str]:
    """Every name of a voice to the one that espeak-ng loads it by.

    By a language that is not the name of a file ("en-gb") it takes the voice, and keeps sounds of the one before: after
    a German text, an English "yes" is nearer to "eighth".
    """
    names: dict[str, str] = {}
    for voice in engine.getProperty("voices"):
        languages = [tag.rstrip("\0").split("\0")[0] for tag in voice.languages or []]
        for name in (voice.id, voice.id.rsplit("/", 1)[-1], voice.name, *languages):
            if name:
                names.setdefault(name.lower(), voice.id)
    return names


def _speak(engine: Any, settle: Callable[[], Any], voices: dict[str, str], request: dict[str, Any]) -> dict[str, Any]:
    """Speak one text.

    espeak-ng works its commands off on a thread of its own. While it does, pyttsx3 (2.99) takes it for playing and, on
    its way to the end of the text, cancels: the rate just set is lost, or the text (one in twelve came out empty). So
    `settle` waits for that thread before and after.
    """
    base, plus, variant = request["voice"].partition("+")
    if base.lower() not in voices:  # the engine would go on silently with the voice before
        return {"ok": False, "kind": "voice", "reason": f"espeak-ng has no voice {request['voice']!r}"}
    voice = voices[base.lower()] + plus + variant
    try:
        for _ in range(_ATTEMPTS):
            engine.setProperty("voice", voice)
            engine.setProperty("rate", request["rate_wpm"])
            engine.setProperty("pitch", request["pitch"])
            settle()
            engine.save_to_file(request["text"], request["wav"])
            engine.runAndWait()
            settle()
            if os.path.getsize(request["wav"]) > _HEADER_BYTES:
                break
    except Exception as error:
        return {"ok": False, "kind": "engine", "reason": f"{type(error).__name__}: {error}"}
    return {"ok": True}


if __name__ == "__main__":
    main()
