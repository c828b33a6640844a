"""Helper process that finds what sounds like words which a model lacks: `python -P substitutes_worker.py`.

One JSON object per line in, one per line out:

    -> {"words_file": "model/graph/words.txt", "cache": "folder", "voice": "en-us", "most": 10, "near": 0.25,
        "words": ["kowalczyk"], "phrases": ["kowalczyk", "sales", "main menu"]}
    <- {"ok": true, "substitutes": {"kowalczyk": ["co all kick", ...]}}   or   {"ok": false, "reason": "..."}

`phrases` is all that is listened for at the same time. How the words of a model are pronounced is asked of espeak-ng
once, and kept in the folder `cache`. After its start it answers one line unasked: whether it can work.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the program that started it, wherever that lies
if TYPE_CHECKING:
    from ivr.speech.sound_alikes import Vocabulary

_FORMAT = 1
"""Of the files in the cache; raise it when they, or what is asked of espeak-ng, change."""
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*'?")
"""What else the list of a model holds (`<eps>`, `#0`, `[unk]`) is nothing that callers say."""


def main() -> None:
    """Serve requests until standard input ends."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import ivr.speech.sound_alikes  # noqa: F401
        from ivr.speech.pronunciation_worker import espeak_library
    except ImportError as error:
        _answer({"ok": False, "reason": f"no substitutes can be looked for ({error}); install the project anew"})
        return
    library = espeak_library()
    if library is None:
        _answer({"ok": False, "reason": "the espeak-ng library is not installed; install libespeak-ng1"})
        return
    _answer({"ok": True})
    finder = _Finder(library)
    for line in sys.stdin:
        _answer(finder.answer(json.loads(line)))


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


class _Finder:
    """Vocabularies stay in memory as long as the process."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._vocabulary = lru_cache(maxsize=4)(self._read_vocabulary)
        self._known: dict[tuple[str, str], str] = {}
        """Pronunciations by voice and text: one question after the other comes with the same phrases."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        from ivr.speech.sound_alikes import distinct

        voice, phrases = request["voice"], request["phrases"]
        try:
            vocabulary = self._vocabulary(request["words_file"], request["cache"], voice)
            listened_for = dict.fromkeys([*phrases, *(word for phrase in phrases for word in phrase.split())])
            ipa = self._pronounced(voice, [*request["words"], *listened_for])
        except (OSError, ValueError) as error:
            return {"ok": False, "reason": str(error)}
        written = [f" {phrase} " for phrase in phrases]
        found: dict[str, list[str]] = {}
        for word in request["words"]:
            others = [ipa[each] for each in listened_for if word not in each.split()]
            unwritten = (
                alike
                for alike in vocabulary.nearest(ipa[word], 2 * request["most"])
                if not any(f" {alike.words} " in phrase for phrase in written)
            )
            apart = distinct(unwritten, ipa[word], others, request["near"])
            found[word] = [alike.words for alike in apart[: request["most"]]]
        return {"ok": True, "substitutes": found}

    def _pronounced(self, voice: str, texts: Sequence[str]) -> dict[str, str]:
        """Raises ValueError where there is no such voice."""
        from ivr.speech.pronunciation_worker import pronounced

        new = list(dict.fromkeys(text for text in texts if (voice, text) not in self._known))
        answer = pronounced(self._library, {"voice": voice, "texts": new})
        if not answer["ok"]:
            raise ValueError(answer["reason"])
        self._known |= {(voice, text): ipa for text, ipa in zip(new, answer["ipa"], strict=True)}
        return {text: self._known[voice, text] for text in texts}

    def _read_vocabulary(self, words_file: str, cache: str, voice: str) -> Vocabulary:
        from ivr.speech.sound_alikes import Vocabulary

        status = os.stat(words_file)
        made_of = f"{_FORMAT} {os.path.realpath(words_file)} {status.st_size} {status.st_mtime_ns} {voice}"
        kept = Path(cache) / f"{hashlib.sha256(made_of.encode()).hexdigest()[:32]}.json"
        with contextlib.suppress(OSError, ValueError):
            return Vocabulary(json.loads(kept.read_text(encoding="utf-8")))
        pronunciations = self._pronounced(voice, list(_words_in(Path(words_file))))
        with contextlib.suppress(OSError):  # a folder that cannot be written costs time only
            _keep(kept, pronunciations)
        return Vocabulary(pronunciations)


def _words_in(words_file: Path) -> Iterator[str]:
    for line in words_file.read_text(encoding="utf-8").splitlines():
        word = line.split(" ", 1)[0]
        if _WORD.fullmatch(word) and word == word.lower():
            yield word


def _keep(file: Path, pronunciations: Mapping[str, str]) -> None:
    """Whole or not at all, whoever else does the same."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(json.dumps(pronunciations, ensure_ascii=False), encoding="utf-8")
    new.replace(file)


if __name__ == "__main__":
    main()
