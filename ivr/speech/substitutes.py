"""What is listened for in place of words that a model lacks: words of its own that sound like them.

Found by a helper process, asked on a thread: no caller waits for it, and nothing of it stays in an idle worker.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import structlog

from ivr.flow.checks.sound_index import NEAR
from ivr.helper_process import Answer, HelperProcess
from ivr.speech.espeak_voices import espeak_voice
from ivr.speech.model_store import words_file

log = structlog.get_logger(__name__)

WORKER_COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("substitutes_worker.py")))
MOST_FOR_A_WORD = 10
"""So many are listened for in place of one word: what callers are heard as varies with their voices."""
LIMIT_S = 60.0
"""For one question: 0.02 s a word with a vocabulary of 2,300, 2 s with 200,000."""
REST_AFTER_S = 1.0
_MOST_KEPT = 200

Substitutes = Mapping[str, tuple[str, ...]]
"""Word to what is listened for in its place, the nearest first; words that nothing sounds like are absent."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question: words that the model in a folder lacks, and all phrases that are listened for with them."""

    model: Path
    language: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]


class SubstituteFinder:
    """Remembers what it found. May be asked from any thread; the process (40 MB) starts with the first question."""

    def __init__(self, cache_dir: Path | None = None, command: Sequence[str] = WORKER_COMMAND) -> None:
        """Starts nothing yet. In `cache_dir` is kept how the words of the models are pronounced."""
        self._cache = (cache_dir or Path(platformdirs.user_cache_dir("ivr"))) / "pronunciations"
        self._helper = HelperProcess(command, rest_after_s=REST_AFTER_S)
        self._found: OrderedDict[Wanted, Substitutes] = OrderedDict()
        self._asked: dict[Wanted, threading.Thread] = {}
        self._lock = threading.Lock()
        self._problem = ""

    def known(self, wanted: Wanted) -> Substitutes | None:
        """What was found, at once; None while it is looked for."""
        with self._lock:
            if (found := self._found.get(wanted)) is not None:
                self._found.move_to_end(wanted)
                return found
            if wanted not in self._asked:
                thread = threading.Thread(target=self.find, args=(wanted,), name="substitutes", daemon=True)
                self._asked[wanted] = thread
                thread.start()
        return None

    def find(self, wanted: Wanted) -> Substitutes:
        """What is found, after a while. Empty where nothing can be looked for, which is logged."""
        with self._lock:
            if (found := self._found.get(wanted)) is not None:
                return found
        found = self._ask(wanted)
        with self._lock:
            self._asked.pop(wanted, None)
            self._found[wanted] = found
            while len(self._found) > _MOST_KEPT:
                self._found.popitem(last=False)
        return found

    def _ask(self, wanted: Wanted) -> Substitutes:
        file, voice = words_file(wanted.model), espeak_voice(wanted.language)
        if file is None or not voice:
            return {}
        request = {
            "words_file": str(file), "cache": str(self._cache), "voice": voice, "most": MOST_FOR_A_WORD, "near": NEAR,
            "words": wanted.words, "phrases": wanted.phrases,
        }  # fmt: skip
        answer = self._answer(request)
        if not answer.get("ok"):
            self._tell(str(answer.get("reason", "")))
            return {}
        return {word: tuple(found) for word, found in answer["substitutes"].items() if found}

    def _answer(self, request: Mapping[str, object]) -> Answer:
        try:
            return self._helper.ask(request, LIMIT_S)
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            return {"ok": False, "reason": f"the helper process failed ({type(error).__name__})"}

    def _tell(self, problem: str) -> None:
        if problem != self._problem and not self._helper.is_closed:
            self._problem = problem
            log.warning("no_substitutes", reason=problem, remedy="words that a model lacks are left out until then")

    def close(self) -> None:
        """End the process and the threads that ask it. Idempotent."""
        self._helper.abort()
        with self._lock:
            threads = list(self._asked.values())
        for thread in threads:
            thread.join()
        self._helper.close()
