"""Helper process that writes call records: `python -P database_worker.py`. One JSON object per line in and out.

    -> {"do": "migrate", "url": "sqlite:///calls.db"}
    -> {"do": "write", "url": …, "entries": […]}                          one transaction
    -> {"do": "close_lost", "url": …, "worker": "host/ivr", "own_call_ids": […]}
    -> {"do": "queues", "url": …, "queues": {settings}, "act": "enter", "arguments": {…}}   see `ivr.storage.queue_wire`
    -> {"do": "video", "url": …, "act": "open", "now": …, "arguments": {…}}   see `ivr.storage.remote_video`
    <- {"ok": true, "count": 0}   or   {"ok": false, "kind": "away" | "refused" | "fatal", "reason": "…"}

`away`: later may be better. `refused`: one of the entries is at fault. `fatal`: no waiting will mend it. Nothing secret
is in a reason. Each request names the database, so that a process started anew needs not be told before.

With the number of a listening socket as argument it serves several workers, each by a connection and a thread of its
own, and says an empty line every second by standard output as long as it does not hang. It ends when there has been no
connection for a while, and at once when a request goes on long after its worker has given it up: the database hangs,
and each further try would leave a thread and a connection behind. Its standard input ends with the last process that
may have something to write.

After its start it answers one line unasked: whether the libraries could be loaded. It ends with its standard input.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the program that started it, wherever that lies

if TYPE_CHECKING:
    from ivr.storage.session import Session

_NICENESS = 5
"""A record can wait for the processor; the audio of a call cannot."""
_IDLE_S = 10.0
"""Without a connection; the next one has it started again."""
_STUCK_S = 30.0
"""After the worker's own limit; the limits of a database that answers at all are shorter (`ivr.storage.database`)."""
_BEAT_S = 1.0
_LAST_BEAT_S = 0.1
"""When everybody is gone: how often it looks whether their last records are written."""


def main() -> None:
    """Serve requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # told to all processes of a bot; its last records are still to come
    with suppress(OSError):
        os.nice(_NICENESS)
    if len(sys.argv) > 1:
        _serve_all(socket.socket(fileno=int(sys.argv[1])), answers.fileno())
    else:
        _serve(sys.stdin.buffer, answers)


def _serve_all(listener: socket.socket, signs: int) -> None:
    """Serve whoever connects; give signs of life."""
    os.set_blocking(signs, False)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # hundreds of connections, and a database's files for each
    guests = _Guests()
    is_needed, idle_since_s = True, time.monotonic()
    while guests.look() or (is_needed and time.monotonic() - idle_since_s < _IDLE_S):
        with suppress(OSError):  # nobody listens any more
            os.write(signs, b"\n")
        watched = [listener.fileno(), *([0] if is_needed else [])]
        ready = select.select(watched, [], [], _BEAT_S if is_needed else _LAST_BEAT_S)[0]
        if listener.fileno() in ready:
            guests.take(listener.accept()[0])
        if 0 in ready and not os.read(0, 4096):
            is_needed = False
        if guests.look():
            idle_since_s = time.monotonic()


class _Guests:
    """Workers that are connected, each with a thread."""

    def __init__(self) -> None:
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._left_at_s: dict[threading.Thread, float] = {}

    def take(self, connection: socket.socket) -> None:
        """Serve it from now on."""
        thread = threading.Thread(target=_serve_one, args=(connection,), daemon=True)
        self._connections[thread] = connection
        thread.start()

    def look(self) -> int:
        """How many there are. Ends the process where one that has left is still being served after the limit."""
        self._connections = {thread: each for thread, each in self._connections.items() if thread.is_alive()}
        now_s = time.monotonic()
        left = [thread for thread, connection in self._connections.items() if _has_left(connection)]
        self._left_at_s = {thread: self._left_at_s.get(thread, now_s) for thread in left}
        if any(now_s - at_s > _STUCK_S for at_s in self._left_at_s.values()):
            os._exit(1)  # a thread cannot be ended
        return len(self._connections)


def _has_left(connection: socket.socket) -> bool:
    looks = select.poll()
    try:
        looks.register(connection, 0)  # poll(2): that the other end is closed is told unasked
    except ValueError:  # closed by its thread, which ends
        return True
    return bool(looks.poll(0))


def _serve_one(connection: socket.socket) -> None:
    makefile = connection.makefile
    with suppress(OSError, ValueError), connection, makefile("rb") as requests, makefile("wb") as answers:
        _serve(requests, answers)


def _serve(requests: Iterable[bytes], answers: IO[bytes] | BufferedWriter) -> None:
    try:
        from ivr.storage.session import Session
    except ImportError as error:
        reason = f"call records cannot be written ({error}); install the project again: pip install -e ."
        _answer(answers, {"ok": False, "kind": "fatal", "reason": reason})
        return
    _answer(answers, {"ok": True})
    sessions: dict[str, Session] = {}
    try:
        for line in requests:
            request = json.loads(line)
            url = request["url"]
            if url not in sessions:
                sessions[url] = Session(url)
            _answer(answers, sessions[url].answer(request))
    finally:
        for session in sessions.values():
            session.close()


def _answer(answers: IO[bytes] | BufferedWriter, answer: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # the bot is gone; standard input tells so next
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
