"""Helper process that knows how words are pronounced: `python -I -S pronunciation_worker.py`. One JSON object per line.

    -> {"voice": "en-us", "texts": ["sales", "my order"]}
    <- {"ok": true, "ipa": ["seɪlz", "maɪɔːɹdɚ"]}   or   {"ok": false, "reason": "..."}

It asks the espeak-ng library (speak_lib.h, espeak_TextToPhonemes) for the International Phonetic Alphabet. After its
start it answers one line unasked: whether the library is there. It is a process of its own so that neither the library
nor its thread stays in a worker; it must not import anything of the bot.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
from typing import Any

_LIBRARIES = ("libespeak-ng.so.1", "libespeak-ng.so", "libespeak-ng.dylib", "libespeak-ng.dll")
_NO_AUDIO = 1  # AUDIO_OUTPUT_RETRIEVAL
_DO_NOT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT
_UTF8, _IPA = 1, 0x02

_MARKS = re.compile(r"\([a-z-]+\)|[ˈˌ\s_‿]")
"""Stress, gaps, and `(en)` before a word that is read in another language: no recognizer tells words apart by them."""


def main() -> None:
    """Serve requests until standard input ends."""
    library = espeak_library()
    if library is None:
        _answer({"ok": False, "reason": "the espeak-ng library is not installed; install libespeak-ng1"})
        return
    _answer({"ok": True})
    for line in sys.stdin:
        _answer(pronounced(library, json.loads(line)))


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def espeak_library() -> Any:
    """The library, ready for questions; None where it is not installed."""
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int]
        return library if library.espeak_Initialize(_NO_AUDIO, 0, None, _DO_NOT_EXIT) > 0 else None
    return None


def pronounced(library: Any, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request."""
    if library.espeak_SetVoiceByName(request["voice"].encode()) != 0:
        return {"ok": False, "reason": f"espeak-ng has no voice {request['voice']}"}
    return {"ok": True, "ipa": [_MARKS.sub("", _ipa(library, text)) for text in request["texts"]]}


def _ipa(library: Any, text: str) -> str:
    """All clauses of a text: the library takes one per call, and moves the pointer to the next."""
    written = ctypes.create_string_buffer(text.encode())
    rest = ctypes.c_void_p(ctypes.addressof(written))
    clauses = []
    while rest.value:
        clauses.append((library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA) or b"").decode())
    return " ".join(clauses)


if __name__ == "__main__":
    main()
