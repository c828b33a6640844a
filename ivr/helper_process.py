"""A helper process that is asked over pipes, one JSON object per line: started when needed, ended when it rests."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import IO, Any

Answer = dict[str, Any]
"""`{"ok": true, …}`, or `{"ok": false, "kind": …, "reason": …}`."""

_END_LIMIT_S = 1.0


class HelperProcess:
    """Answers one request at a time; safe to be called from several threads.

    After its start the process answers one line unasked: whether it can work at all. It is ended when it fails, when it
    takes too long and when there has been no request for a while; the next request starts it again. Its standard input
    ends with this process, whatever ends that: it should then end as well.
    """

    def __init__(
        self, command: Sequence[str], *, start_limit_s: float = 20.0, rest_after_s: float | None = 60.0
    ) -> None:
        """Starts nothing yet. `rest_after_s` None: whoever asks sees to the rest."""
        self._command = tuple(command)
        self._start_limit_s = start_limit_s
        self._rest_after_s = rest_after_s
        self._rest_timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._process: Lines | None = None
        self._has_greeted = False
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether no request is taken any more."""
        return self._is_closed

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        process = self._process
        return None if process is None else process.pid

    def wake(self) -> None:
        """Start the process, and do not wait for it. Does nothing where that fails: the request will tell."""
        if not self._lock.acquire(blocking=False):
            return  # it is awake: there is a request in progress
        try:
            with contextlib.suppress(OSError):
                if not self._is_closed:
                    self._started()
                    self._rest_later()
        finally:
            self._lock.release()

    def ask(self, request: Mapping[str, object], limit_s: float) -> Answer:
        """The answer, or the greeting of a process that cannot work.

        Raises TimeoutError, OSError (the process ended, or cannot be started), ValueError (it answered nonsense).
        """
        with self._lock:
            if self._is_closed:
                raise BrokenPipeError("the helper process is closed")
            try:
                return self._ask(request, limit_s)
            except (OSError, ValueError):
                self._end()
                raise

    def _ask(self, request: Mapping[str, object], limit_s: float) -> Answer:
        process = self._started()
        if self._is_closed:  # by `abort`, which may have come too early to see the process
            raise BrokenPipeError("the helper process is closed")
        if not self._has_greeted:
            greeting = process.read(self._start_limit_s)
            if not greeting.get("ok"):
                self._end()
                return greeting
            self._has_greeted = True
        deadline_s = time.monotonic() + limit_s
        process.send(request, deadline_s)
        answer = process.read(deadline_s - time.monotonic())
        self._rest_later()
        return answer

    def _started(self) -> Lines:
        if self._process is not None and self._has_greeted and self._process.has_ended:
            self._end()  # somebody ended it while it had nothing to do: no request suffers
        if self._process is None:
            self._process = self._opened()
            self._has_greeted = False
        return self._process

    def _opened(self) -> Lines:
        return _LineProcess(self._command)

    def rest(self) -> None:
        """End the process until the next request. Waits for a request in progress."""
        with self._lock:
            self._end()

    def _rest_later(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
        if self._rest_after_s is None:
            return
        self._rest_timer = threading.Timer(self._rest_after_s, self.rest)
        self._rest_timer.daemon = True
        self._rest_timer.start()

    def _end(self) -> None:
        timer, self._rest_timer = self._rest_timer, None
        if timer is not None:
            timer.cancel()
        process, self._process = self._process, None
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process for good. Idempotent; waits for a request in progress."""
        with self._lock:
            self._is_closed = True
            self._end()

    def abort(self) -> None:
        """End the process for good and at once; a request in progress raises OSError. Waits for nothing."""
        self._is_closed = True
        process = self._process
        if process is not None:
            process.signal_kill()


class Lines(ABC):
    """Requests and answers by two streams that are not buffered; the first does not block."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests, self._answers, self._buffer = requests, answers, b""

    @property
    @abstractmethod
    def pid(self) -> int:
        """The process at the other end; 0 where that is not known."""

    @property
    @abstractmethod
    def has_ended(self) -> bool:
        """Whether nobody is at the other end any more."""

    @abstractmethod
    def signal_kill(self) -> None:
        """Have a request in progress fail, from any thread; `kill` has still to follow."""

    @abstractmethod
    def kill(self) -> None:
        """End it and close the streams."""

    def send(self, request: Mapping[str, object], deadline_s: float) -> None:
        """Write one line. Raises TimeoutError, OSError (the process is gone)."""
        left = memoryview(json.dumps(request).encode() + b"\n")
        with selectors.DefaultSelector() as selector:
            selector.register(self._requests, selectors.EVENT_WRITE)
            while left:
                if not selector.select(max(deadline_s - time.monotonic(), 0)):
                    raise TimeoutError
                left = left[self._requests.write(left) or 0 :]

    def read(self, limit_s: float) -> Answer:
        """Wait for one line. Raises TimeoutError, OSError (the process is gone), ValueError."""
        deadline_s = time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(deadline_s - time.monotonic(), 0)):
                    raise TimeoutError
                piece = self._answers.read(4096)
                if not piece:
                    raise BrokenPipeError("the helper process ended")
                self._buffer += piece
        line, self._buffer = self._buffer.split(b"\n", 1)
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("the helper process answered nonsense")
        return answer


class _LineProcess(Lines):
    """A process of our own and its two pipes."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        super().__init__(self._process.stdin, self._process.stdout)
        os.set_blocking(self._requests.fileno(), False)  # a process that hangs leaves a long request in the pipe

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def signal_kill(self) -> None:
        self._process.kill()

    def kill(self) -> None:
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # held by a dead network disk: it goes once that is back
            self._process.wait(_END_LIMIT_S)
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()
