"""Helper process that levels: `python -P leveller_worker.py`. One JSON object per line in, one per line out.

    -> {"source": "x.wav", "target": "y.wav", "sample_rate_hz": 8000, "loudness_dbfs": -20, "is_trimmed": true}
    <- {"ok": true}   or   {"ok": false, "reason": "..."}

After its start it answers one line unasked: whether the libraries could be loaded.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the program that started it, wherever that lies


def main() -> None:
    """Serve requests until standard input ends."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import ivr.speech.pcm  # noqa: F401
    except ImportError as error:
        _answer({"ok": False, "reason": f"audio cannot be levelled ({error}); install the project: pip install -e ."})
        return
    _answer({"ok": True})
    for line in sys.stdin:
        _answer(_make_ready(json.loads(line)))


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _make_ready(request: dict[str, Any]) -> dict[str, Any]:
    from ivr.errors import MediaFailed
    from ivr.speech.pcm import read_wav, telephone_ready, write_wav

    try:
        audio = telephone_ready(
            read_wav(Path(request["source"])),
            request["sample_rate_hz"],
            request["loudness_dbfs"],
            is_trimmed=request["is_trimmed"],
        )
        write_wav(Path(request["target"]), audio)
    except MediaFailed as error:
        return {"ok": False, "reason": str(error)}
    return {"ok": True}


if __name__ == "__main__":
    main()
