"""Who goes to the queues for the calls of one process: enters, asks and leaves for them, and brings them their offers.

    a call ─ enter, connect, leave … ─► QueueClerk ─► a thread ─► CallQueues (blocks, up to seconds)
       ◄── what came of it; its offers ──┘  └─ tick, every second while there are calls

What the queues must be told even if they are away (that the caller left, that the talk is over) is owed to them, and
done before the next tick that reaches them. Runs on the loop's thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from ivr.acd.floor import NO_LEG, Ring
from ivr.acd.queue import Queues, WaitingCall
from ivr.acd.standing import Standing
from ivr.calls.act_thread import Acts
from ivr.calls.timers import TimerHandle, Timers
from ivr.errors import IvrError, StorageError
from ivr.ports import Clock
from ivr.ports.queues import FORGOTTEN_AT_ONCE, LEASE_S, TALK_WITHOUT_RECORD_DAYS, TICK_S, CallQueues

AWAY_LIMIT_S: Final = 60.0
"""Queues that have not been reached for so long are given up by those who wait in them."""
MOST_OWED: Final = 2000
IDLE_TICK_S: Final = 5.0
"""How often a process without a call in a queue looks for callers to be called back."""

FORGET_EVERY_S: Final = 3600.0
TALKS_WAIT: Final = timedelta(days=TALK_WITHOUT_RECORD_DAYS)
LOOK_AT_START_S: Final = 2 * LEASE_S

CallBack = Callable[[str], None]
"""Begins to call back; gets the id of the call, which is this process's until its offers are refused or it is done."""

_LOG = structlog.get_logger(__name__)


class Customer(Protocol):
    """A call that waits, as the clerk sees it."""

    def offered(self, rings: tuple[Ring, ...]) -> None:
        """All that is offered now."""

    def queues_away(self) -> None:
        """The queues have not been reached for AWAY_LIMIT_S."""

    def queues_back(self) -> None:
        """They are reached again; after a long while they may have taken the process for dead."""


class QueueClerk:
    """Owns the way to the queues of one process."""

    def __init__(
        self,
        queues: CallQueues,
        rules: Queues,
        owner: str,
        acts: Acts,
        clock: Clock,
        timers: Timers,
        keep_days: int = 400,
    ) -> None:
        """`owner` names this process for ever: what an earlier one had under the same name would be taken for ours.
        `keep_days`: older events of the queues are removed.
        """
        self.rules = rules
        self._queues, self._owner, self._acts = queues, owner, acts
        self._clock, self._timers = clock, timers
        self._calls: dict[str, Customer] = {}
        self._owed: list[Callable[[], object]] = []
        self._timer: TimerHandle | None = None
        self._is_idle = False
        """The timer was started when there was nothing to do."""
        self._is_asking = False
        """A tick is on its way."""
        self._away_since_s: float | None = None
        self._keep = timedelta(days=keep_days)
        self._forget_at_s = self._looks_until_s = 0.0
        self._may_call_back = any(each.callback_via is not None for each in rules.values())
        self._call_back: CallBack | None = None

    @property
    def call_count(self) -> int:
        """Calls of this process that are in queues."""
        return len(self._calls)

    def start(self, call_back: CallBack) -> None:
        """Look for callers to be called back, where the settings have a way to them; `call_back` begins with one.

        For a while every process looks: the one that it replaces may have died, and left agents with nobody.
        """
        self._call_back = call_back
        self._looks_until_s = self._clock.monotonic_s() + LOOK_AT_START_S
        self._tick_later()

    def stop(self) -> None:
        """Call nobody back any more; calls go on."""
        self._call_back, self._may_call_back, self._looks_until_s = None, False, 0.0

    # --- for calls ---

    def enter(self, call: WaitingCall, customer: Customer, report: Callable[[str | IvrError | None], None]) -> None:
        """Let the call wait; `report` gets the queue in which it does, None where all are full. `done` has to follow.

        Nothing of a call that could not be entered is left.
        """
        self._calls[call.call_id] = customer
        call = replace(call, owner=self._owner)

        def entered(queue: str | IvrError | None) -> None:
            if isinstance(queue, IvrError):
                self.withdraw(call.call_id)  # it may have been done, and only the answer was lost
            report(queue)
            if isinstance(queue, str):
                self._acts.do(lambda: self._queues.match(self._owner, self._clock.now()), self._matched)

        self._acts.do(lambda: self._queues.enter(call, self._clock.now()), entered)
        self._tick_soon()

    def adopt(self, call_id: str, customer: Customer) -> None:
        """A call of the queues that this process has now: a call back. `done` has to follow."""
        self._calls[call_id] = customer
        self._tick_soon()

    def find(self, call_id: str, report: Callable[[WaitingCall | IvrError | None], None]) -> None:
        """All that is known of a call; None for one that is gone."""

        def found() -> WaitingCall | None:
            return next((call for call in self._queues.scene().calls if call.call_id == call_id), None)

        self._acts.do(found, report)

    def done(self, call_id: str) -> None:
        """The call waits no more, and talks to nobody."""
        self._calls.pop(call_id, None)

    def standing(self, call_id: str, report: Callable[[Standing | IvrError | None], None]) -> None:
        """Where it stands."""
        self._acts.do(lambda: self._queues.standing(call_id, self._clock.now()), report)

    def connect(self, offer_id: str, report: Callable[[bool | IvrError], None]) -> None:
        """The agent is ready."""
        self._acts.do(lambda: self._queues.connect(offer_id, self._clock.now()), report)

    def leave(self, call_id: str, exit_name: str, report: Callable[[bool], None]) -> None:
        """The caller goes elsewhere; `report` as soon as that was tried."""
        now = self._clock.now()
        self._owe(lambda: self._queues.leave(call_id, now, exit_name), report)

    def ask_callback(self, call_id: str, number: str, report: Callable[[bool], None]) -> None:
        """The caller keeps the place without the line; where that is not possible the call leaves the queue."""
        now = self._clock.now()

        def kept(is_kept: bool | IvrError) -> None:
            if is_kept is not True:
                self._owe(lambda: self._queues.leave(call_id, now, "failed"))
            report(is_kept is True)

        self._acts.do(lambda: self._queues.ask_callback(call_id, number, now), kept)

    # --- owed ---

    def refuse(self, offer_id: str, reason: str) -> None:
        """The agent did not take it."""
        now = self._clock.now()
        self._owe(lambda: self._queues.refuse(offer_id, now, reason))

    def end(self, call_id: str) -> None:
        """The talk is over."""
        now = self._clock.now()
        self._owe(lambda: self._queues.end(call_id, now))

    def withdraw(self, call_id: str) -> None:
        """The caller is gone, whether the talk had begun or not."""
        now = self._clock.now()

        def go() -> None:
            if not self._queues.leave(call_id, now):
                self._queues.end(call_id, now)

        self._owe(go)

    def postpone(self, call_id: str) -> None:
        """Who was to be called back was not reached, or found no agent: again later, or never."""
        now = self._clock.now()
        self._owe(lambda: self._queues.postpone(call_id, now))

    def _owe(self, act: Callable[[], object], report: Callable[[bool], None] = lambda is_done: None) -> None:
        def tried(result: object) -> None:
            self._still_owed(act, result)
            report(not isinstance(result, IvrError) and bool(result))

        self._acts.do(act, tried)

    def _still_owed(self, act: Callable[[], object], result: object) -> None:
        if _is_away(result):
            self._owed.append(act)
            del self._owed[:-MOST_OWED]
            self._tick_soon()
        elif isinstance(result, IvrError):
            _LOG.error("queue_act_refused", reason=str(result))

    # --- every second ---

    def _tick_soon(self) -> None:
        """A timer that was started while there was nothing to do may be long."""
        if self._timer is not None and self._is_idle:
            self._timer.cancel()
            self._timer = None
        self._tick_later()

    def _tick_later(self) -> None:
        is_idle = not (self._calls or self._owed)
        looks = self._may_call_back or self._clock.monotonic_s() < self._looks_until_s
        if self._timer is None and (looks or not is_idle):
            self._is_idle = is_idle
            self._timer = self._timers.call_later(IDLE_TICK_S if is_idle else TICK_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if self._is_asking:
            self._tick_later()
            return
        self._is_asking = True
        owed, self._owed = self._owed, []
        self._acts.do(partial(self._pay_and_tick, owed), partial(self._ticked, owed))

    def _pay_and_tick(self, owed: list[Callable[[], object]]) -> tuple[Ring, ...]:
        """In the thread. What is left of `owed` when the queues are away is still owed."""
        while owed:
            try:
                owed[0]()
            except IvrError as error:
                if _is_away(error):
                    raise
                _LOG.error("queue_act_refused", reason=str(error))
            del owed[0]
        return self._queues.tick(self._owner, self._clock.now())

    def _ticked(self, owed: list[Callable[[], object]], rings: tuple[Ring, ...] | IvrError) -> None:
        self._is_asking = False
        self._owed = [*owed, *self._owed]
        self._tick_later()
        if isinstance(rings, IvrError):
            self._away(rings)
        else:
            self._back()
            self._hand_out(rings)
            self._forget()

    def _forget(self) -> None:
        """At most once an hour, unless there is more than can be removed at once."""
        now_s = self._clock.monotonic_s()
        if now_s < self._forget_at_s:
            return
        self._forget_at_s = now_s + FORGET_EVERY_S

        def forgotten(count: int | IvrError) -> None:
            if count == FORGOTTEN_AT_ONCE:
                self._forget_at_s = 0.0

        now = self._clock.now()
        self._acts.do(lambda: self._queues.forget(now - self._keep), forgotten)
        self._acts.do(lambda: self._queues.forget_talks(now - TALKS_WAIT), forgotten)

    def _matched(self, rings: tuple[Ring, ...] | IvrError) -> None:
        if not isinstance(rings, IvrError):
            self._hand_out(rings)

    def _hand_out(self, rings: Sequence[Ring]) -> None:
        for call_id in {ring.call_id for ring in rings if ring.callback} - self._calls.keys():
            if self._call_back is None:
                self._give_back(ring for ring in rings if ring.call_id == call_id)
            else:
                self._call_back(call_id)
        for call_id, customer in list(self._calls.items()):
            customer.offered(tuple(ring for ring in rings if ring.call_id == call_id))

    def _give_back(self, rings: Iterable[Ring]) -> None:
        for ring in rings:
            self.refuse(ring.offer_id, NO_LEG)

    def _away(self, error: IvrError) -> None:
        now_s = self._clock.monotonic_s()
        if self._away_since_s is None:
            self._away_since_s = now_s
            _LOG.warning("queues_away", reason=str(error), remedy="callers go on waiting; it is tried every second")
        elif now_s - self._away_since_s > AWAY_LIMIT_S:
            for customer in list(self._calls.values()):
                customer.queues_away()

    def _back(self) -> None:
        if self._away_since_s is None:
            return
        away_s, self._away_since_s = self._clock.monotonic_s() - self._away_since_s, None
        _LOG.info("queues_back", away_s=round(away_s, 1))
        for customer in list(self._calls.values()):
            customer.queues_back()


def _is_away(error: object) -> bool:
    return isinstance(error, StorageError) and error.retryable
