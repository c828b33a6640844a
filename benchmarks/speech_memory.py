"""`python -m benchmarks.speech_memory N`: N workers forked from a process that has loaded the model; all have heard.

Prints their proportional set sizes in MB, the parent's first, as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys

import numpy as np

from benchmarks.machine import memory_mb
from benchmarks.speech_cost import MODEL, listen
from benchmarks.spoken import COMMANDS, OWN, transcribed
from ivr.speech.vosk_recognizer import VoskRecognizer
from ivr.testing.sip_peer.g711 import Pcm


def main(workers: int) -> None:
    """Fork, have each hear some words, measure while all are alive."""
    recognizer = VoskRecognizer({"en": MODEL})
    words = np.concatenate([entry.audio for entry in transcribed(OWN, COMMANDS)])
    gc.freeze()
    ready, told = os.pipe()
    children = [_fork(recognizer, words, told) for _ in range(workers)]
    try:
        for _ in children:
            os.read(ready, 1)
        sizes = [memory_mb([pid], "Pss") for pid in (os.getpid(), *children)]
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    sys.stdout.write(json.dumps(sizes) + "\n")


def _fork(recognizer: VoskRecognizer, words: Pcm, told: int) -> int:
    if child := os.fork():
        return child
    listen(recognizer, words, COMMANDS)
    os.write(told, b".")
    signal.pause()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
