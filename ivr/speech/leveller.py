"""Makes audio ready for the telephone in a helper process, so that a worker need not hold the libraries for samples."""

from __future__ import annotations

import sys
from pathlib import Path

import structlog

from ivr.errors import MediaFailed
from ivr.helper_process import Answer, HelperProcess

log = structlog.get_logger(__name__)

WORKER_COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("leveller_worker.py")))
LIMIT_S = 30.0
"""For one recording; a minute of audio takes 0.1 s."""


class Leveller:
    """Safe to be called from several threads. The process (35 MB) starts with a file and ends after a while."""

    def __init__(self, sample_rate_hz: int, loudness_dbfs: float) -> None:
        """What all files are brought to."""
        self._sample_rate_hz = sample_rate_hz
        self._loudness_dbfs = loudness_dbfs
        self._helper = HelperProcess(WORKER_COMMAND)

    def wake(self) -> None:
        """Have the process started while something else is done: a file comes soon."""
        self._helper.wake()

    def make_ready(self, source: Path, target: Path, *, is_trimmed: bool, gain_db: float = 0.0) -> None:
        """Write `source`, any WAV, to `target` at the telephone's rate and level.

        `is_trimmed` takes a synthesizer's silence from both ends; `gain_db` is added to the level. Raises MediaFailed.
        """
        request = {
            "source": str(source.absolute()),
            "target": str(target.absolute()),
            "sample_rate_hz": self._sample_rate_hz,
            "loudness_dbfs": self._loudness_dbfs + gain_db,
            "is_trimmed": is_trimmed,
        }
        answer = self._ask(request)
        if not answer.get("ok"):
            raise MediaFailed(str(answer.get("reason", f"{source}: cannot be converted; save it as PCM WAV")))

    def _ask(self, request: dict[str, object]) -> Answer:
        try:
            return self._helper.ask(request, LIMIT_S)
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            log.warning("leveller_restarted", error=type(error).__name__, limit_s=LIMIT_S)
            raise MediaFailed(
                "the helper process that levels audio ended or hung and is started again; try once more",
                retryable=True,
            ) from error

    def rest(self) -> None:
        """End the process until the next file."""
        self._helper.rest()

    def close(self) -> None:
        """End the process for good. Idempotent."""
        self._helper.close()
