"""For a bot in whose PYTHONPATH this folder comes first: its recognition engine fails as the file ENGINE_ORDER says.

`lost`: the decoder says what Vosk says when its C++ part has thrown. `hangs`: it does not come back while the file is
there. Without the file all is well.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import vosk

ORDER = Path(os.environ["ENGINE_ORDER"])
accept = vosk.KaldiRecognizer.AcceptWaveform


def accept_as_ordered(self: Any, data: bytes) -> bool:
    """In place of `AcceptWaveform`."""
    if ORDER.exists() and ORDER.read_text() == "lost":
        raise Exception("Failed to process waveform")
    while ORDER.exists():
        time.sleep(0.02)
    return bool(accept(self, data))


vosk.KaldiRecognizer.AcceptWaveform = accept_as_ordered
