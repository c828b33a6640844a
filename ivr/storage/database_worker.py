"""Helper process that writes call records: `python -P database_worker.py`. One JSON object per line in and out.

    -> {"do": "migrate", "url": "sqlite:///calls.db"}
    -> {"do": "write", "url": …, "entries": […]}                          one transaction
    -> {"do": "close_lost", "url": …, "worker": "host/ivr", "own_call_ids": […]}
    <- {"ok": true, "count": 0}   or   {"ok": false, "kind": "away" | "refused" | "fatal", "reason": "…"}

`away`: later may be better. `refused`: one of the entries is at fault. `fatal`: no waiting will mend it. Nothing secret
is in a reason. Each request names the database, so that a process started anew needs not be told before.

After its start it answers one line unasked: whether the libraries could be loaded. It ends with its standard input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the program that started it, wherever that lies

if TYPE_CHECKING:
    from ivr.storage.session import Session

_NICENESS = 5
"""A record can wait for the processor; the audio of a call cannot."""


def main() -> None:
    """Serve requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # told to all processes of a bot; its last records are still to come
    with suppress(OSError):
        os.nice(_NICENESS)
    try:
        from ivr.storage.session import Session
    except ImportError as error:
        reason = f"call records cannot be written ({error}); install the project again: pip install -e ."
        _answer(answers, {"ok": False, "kind": "fatal", "reason": reason})
        return
    _answer(answers, {"ok": True})
    sessions: dict[str, Session] = {}
    for line in sys.stdin.buffer:
        request = json.loads(line)
        url = request["url"]
        if url not in sessions:
            sessions[url] = Session(url)
        _answer(answers, sessions[url].answer(request))


def _answer(answers: IO[bytes], answer: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # the bot is gone; standard input tells so next
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
