"""The queue in which the caller of a played call waits: how the wait ends is known beforehand, or told by a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ivr.flow import events as e
from ivr.testing.clock import ManualClock, ManualTimer
from ivr.testing.turns import Answered


class PlayedQueue:
    """One wait at a time."""

    def __init__(self, clock: ManualClock, feed: Callable[[e.Event], None], remark: Callable[[str], None]) -> None:
        """`feed` tells the engine, `remark` whoever watches."""
        self._clock, self._feed, self._remark = clock, feed, remark
        self._since_s = 0.0
        self._waited_s = 0.0
        self._timer: ManualTimer | None = None
        self.is_open = False
        self.is_talking = False
        self._is_leaving = False

    @property
    def is_busy(self) -> bool:
        """Whether something goes on in which the caller has no part: a talk, or the way out."""
        return self.is_talking or self._is_leaving

    @property
    def will_end(self) -> bool:
        """Whether time alone brings the wait to an end."""
        return self._timer is not None

    def enter(self, answered: Answered | None) -> None:
        """The caller waits; `answered` is what comes of it, None where a test says that later."""
        self.gone()
        self.is_open, self._since_s, self._waited_s = True, self._clock.monotonic_s(), 0.0
        self._expect(answered)

    def leave(self, outcome: e.QueueOutcome) -> None:
        """The caller wants to go; too late once an agent is there."""
        if self.is_open and not self.is_busy:
            self._stop()
            self._is_leaving = True
            self._expect(Answered(e.QueueEnded(0.0, outcome)))

    def connects(self, agent: str) -> None:
        """An agent answers."""
        self._stop()
        self._happens(Answered(e.QueueConnected(0.0, agent, 0.0)))

    def ends(self, outcome: e.QueueOutcome, agent: str = "", detail: str = "") -> None:
        """It is over like this."""
        self._stop()
        self._happens(Answered(e.QueueEnded(0.0, outcome, detail, agent)))

    def gone(self) -> None:
        """The call is over; nothing of it happens any more."""
        self._stop()
        self.is_open = self.is_talking = self._is_leaving = False

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expect(self, answered: Answered | None) -> None:
        if answered is not None:
            self._timer = self._clock.call_later(answered.after_s, partial(self._happens, answered))

    def _happens(self, answered: Answered) -> None:
        self._timer = None
        now_s = self._clock.monotonic_s()
        if answered.remark:
            self._remark(answered.remark)
        if not self.is_talking:
            self._waited_s = now_s - self._since_s
        if isinstance(answered.event, e.QueueConnected):
            self.is_talking, self._is_leaving = True, False
            self._expect(answered.then)
            self._feed(replace(answered.event, at_s=now_s, waited_s=self._waited_s))
        else:
            assert isinstance(answered.event, e.QueueEnded)
            self.gone()
            self._feed(replace(answered.event, at_s=now_s, waited_s=self._waited_s))
