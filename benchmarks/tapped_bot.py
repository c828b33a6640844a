"""`python -m benchmarks.tapped_bot`: `ivr serve` that also tells a file what its recognizer was asked and reported.

One JSON object a line in the file named by `IVR_BENCH_TAP`. The calls and all else are the bot's own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ivr.cli.entry import main
from ivr.ports import ListenRequest, RecognizerEvent, SpeechDetected, TranscriptReady
from ivr.speech.vosk_recognizer import Report, VoskRecognizer, VoskStream

TAP = "IVR_BENCH_TAP"


def tap(path: Path) -> None:
    """From now on every listening of this process is told to `path`."""
    file = path.open("a", buffering=1, encoding="utf-8")
    opened = VoskRecognizer.open

    def tell(kind: str, request: ListenRequest, **fields: Any) -> None:
        file.write(json.dumps({"kind": kind, "line": request.line, **fields}) + "\n")

    def open_tapped(self: VoskRecognizer, request: ListenRequest, sample_rate_hz: int, report: Report) -> VoskStream:
        def told(event: RecognizerEvent) -> None:
            match event:
                case TranscriptReady():
                    n_best = [list(reading) for reading in event.n_best]
                    tell("heard", request, text=event.text, confidence=event.confidence, n_best=n_best)
                case SpeechDetected():
                    tell("speech", request, at_s=event.at_s)
            report(event)

        tell("listening", request, phrases=list(request.phrases), allow_unknown=request.allow_unknown)
        return opened(self, request, sample_rate_hz, told)

    VoskRecognizer.open = open_tapped  # type: ignore[method-assign]


if __name__ == "__main__":
    tap(Path(os.environ[TAP]))
    main()
