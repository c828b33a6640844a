"""Helper process that speaks with Piper: `python -P piper_worker.py`. One JSON object per line in, one per line out.

    -> {"text": "Hello", "model": "/voices/en_US-lessac-medium.onnx", "length": 1.0, "wav": "/tmp/x.wav"}
    <- {"ok": true}   or   {"ok": false, "kind": "library" | "voice" | "engine", "reason": "..."}

`length` stretches what is spoken. After its start it answers one line unasked: whether Piper could be loaded. What it
answers never holds the text. It must not import anything of the bot.
"""

from __future__ import annotations

import json
import os
import sys
import wave
from typing import IO, Any


def main() -> None:
    """Serve requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    try:
        import piper
    except Exception as error:
        _answer(answers, {"ok": False, "kind": "library", "reason": f"{type(error).__name__}: {error}"})
        return
    _answer(answers, {"ok": True})
    voices: dict[str, Any] = {}
    for line in sys.stdin:
        _answer(answers, _speak(piper, voices, json.loads(line)))


def _answer(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _speak(piper: Any, voices: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    try:
        voice = voices[request["model"]] = voices.get(request["model"]) or piper.PiperVoice.load(request["model"])
    except Exception as error:
        return {"ok": False, "kind": "voice", "reason": f"{request['model']}: {type(error).__name__}"}
    try:
        length = request["length"] * voice.config.length_scale
        with wave.open(request["wav"], "wb") as file:
            voice.synthesize_wav(request["text"], file, syn_config=piper.SynthesisConfig(length_scale=length))
    except Exception as error:
        return {"ok": False, "kind": "engine", "reason": type(error).__name__}
    return {"ok": True}


if __name__ == "__main__":
    main()
