"""Helper process that speaks: `python -P pyttsx3_worker.py`. One JSON object per line in, one per line out.

    -> {"text": "Hello", "voice": "en-us", "rate_wpm": 160, "wav": "/tmp/x.wav"}
    <- {"ok": true}   or   {"ok": false, "kind": "library" | "voice" | "engine", "reason": "..."}

It is a process of its own because the engine hangs now and then and cannot be ended from within. After its start it
answers one line unasked: whether the engine could be loaded. It must not import anything of the bot.
"""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

_ATTEMPTS = 3
_HEADER_BYTES = 44


def main() -> None:
    """Serve requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # the engine prints on standard output
    try:
        import pyttsx3

        engine = pyttsx3.init("espeak")
        voices = _voice_names(engine)
    except Exception as error:
        _answer(answers, {"ok": False, "kind": "library", "reason": f"{type(error).__name__}: {error}"})
        return
    _answer(answers, {"ok": True})
    for line in sys.stdin:
        _answer(answers, _speak(engine, voices, json.loads(line)))


def _answer(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _voice_names(engine: Any) -> set[str]:
    names: set[str] = set()
    for voice in engine.getProperty("voices"):
        languages = [tag.rstrip("\0").split("\0")[0] for tag in voice.languages or []]
        names.update(name.lower() for name in (voice.id, voice.id.rsplit("/", 1)[-1], voice.name, *languages) if name)
    return names


def _speak(engine: Any, voices: set[str], request: dict[str, Any]) -> dict[str, Any]:
    voice = request["voice"]
    if voice.split("+")[0].lower() not in voices:  # the engine would go on silently with the voice before
        return {"ok": False, "kind": "voice", "reason": f"espeak-ng has no voice {voice!r}"}
    try:
        for _ in range(_ATTEMPTS):
            _forget_stop(engine)
            engine.setProperty("voice", voice)
            engine.setProperty("rate", request["rate_wpm"])
            engine.save_to_file(request["text"], request["wav"])
            engine.runAndWait()
            if os.path.getsize(request["wav"]) > _HEADER_BYTES:
                break
    except Exception as error:
        return {"ok": False, "kind": "engine", "reason": f"{type(error).__name__}: {error}"}
    return {"ok": True}


def _forget_stop(engine: Any) -> None:
    """Clear the driver's order to stop: at the end of a text pyttsx3 (2.99) may leave one behind for the next.

    Whether it does depends on whether espeak-ng still counts as playing when its last callback comes. The next text is
    then cut off at its beginning: one in twelve comes out empty.
    """
    driver = getattr(engine.proxy, "_driver", None)
    if driver is not None:
        driver._stopping = False


if __name__ == "__main__":
    main()
