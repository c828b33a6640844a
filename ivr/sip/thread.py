"""The one thread that may call the SIP library: a queue of jobs, delayed jobs and a poll that is woken, not short.

The poll blocks in the library's own select(). A job from another thread ends the wait at once through `wake`, so the
wait may be long while nothing happens and a command still takes effect within a millisecond.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import structlog

Job = Callable[[], None]
log = structlog.get_logger(__name__)


class Poll(Protocol):
    """What the thread drives."""

    longest_wait_s: float
    """How long one poll may block; short where nothing can wake it."""

    def poll(self, wait_s: float) -> None:
        """Handle what came in from the network, waiting for at most `wait_s`."""

    def wake(self) -> None:
        """End a wait from any thread."""


class SipThread:
    """Runs jobs between two polls, in the order in which they were posted."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._delayed: list[tuple[float, int, Job]] = []
        self._sequence = itertools.count()
        self._wake: Job | None = None
        self._ident: int | None = None
        self._is_waiting = False
        self.stepped_at_s = time.monotonic()
        """When the thread last came back from a poll; it does so at least every `Poll.longest_wait_s`."""

    def post(self, job: Job) -> None:
        """Run a job on the SIP thread soon. From any thread."""
        self._jobs.append(job)
        wake = self._wake
        if wake is not None and self._is_waiting and threading.get_ident() != self._ident:
            wake()

    def after(self, delay_s: float, job: Job) -> None:
        """Run a job on the SIP thread in `delay_s` seconds. Only from the SIP thread."""
        heapq.heappush(self._delayed, (time.monotonic() + delay_s, next(self._sequence), job))

    def run(self, poll: Poll, is_done: Callable[[], bool]) -> None:
        """Poll and run jobs on the calling thread until `is_done`."""
        self._ident, self._wake = threading.get_ident(), poll.wake
        try:
            while not is_done():
                self.step(poll)
        finally:
            self._wake = None

    def step(self, poll: Poll) -> None:
        """One poll and the jobs that are due."""
        self._is_waiting = True
        # A job posted before the flag was set has not woken the poll: it must not be waited for.
        poll.poll(0.0 if self._jobs else min(poll.longest_wait_s, self._next_due_s()))
        self._is_waiting = False
        self.stepped_at_s = time.monotonic()
        self._run_due()

    def _next_due_s(self) -> float:
        if not self._delayed:
            return float("inf")
        return max(0.0, self._delayed[0][0] - time.monotonic())

    def _run_due(self) -> None:
        for _ in range(len(self._jobs)):
            self._run(self._jobs.popleft())
        now_s = time.monotonic()
        while self._delayed and self._delayed[0][0] <= now_s:
            self._run(heapq.heappop(self._delayed)[2])

    @staticmethod
    def _run(job: Job) -> None:
        try:
            job()
        except Exception:
            log.exception("sip.job_failed")

    def clear(self) -> None:
        """Forget all jobs, and what they refer to. Only from the SIP thread."""
        self._jobs.clear()
        self._delayed.clear()
