"""A call centre on virtual time: calls led by the real rules, event by event."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from ivr.acd.floor import Floor, connect, end, enter, leave, offer_all
from ivr.acd.queue import CallState, WaitingCall
from ivr.config_queues import QueueSettings
from tests.acd.scene import agent, at

QUEUE = "support"


@dataclass
class Simulation:
    """Agents who answer at once."""

    agents: int
    rules: QueueSettings
    patience_s: float | None = None
    """Mean of a random (exponential) one; None: callers wait as long as it takes."""
    floor: Floor = field(init=False)
    _coming: list[tuple[float, str, str]] = field(default_factory=list)
    """Second, what happens, to which call."""
    _talks_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [f"a{number:02}" for number in range(self.agents)]
        self.floor = Floor({QUEUE: self.rules}, {name: agent(name) for name in names})

    def run(self, calls: Iterable[tuple[float, float]]) -> datetime:
        """Lead the calls, of which each comes at a second and is talked to for so long; when the last one ended."""
        patience = Random(1)
        for number, (arrives_s, talk_s) in enumerate(calls):
            call_id = f"c{number:07}"
            self._talks_s[call_id] = talk_s
            self._coming.append((arrives_s, "arrives", call_id))
            if self.patience_s is not None:
                self._coming.append((arrives_s + patience.expovariate(1 / self.patience_s), "gives up", call_id))
        heapq.heapify(self._coming)
        now_s = 0.0
        while self._coming:
            now_s, what, call_id = heapq.heappop(self._coming)
            self._happens(what, call_id, at(now_s))
            self._answer(now_s)
        return at(now_s)

    def _happens(self, what: str, call_id: str, now: datetime) -> None:
        if what == "arrives":
            enter(self.floor, WaitingCall(call_id, QUEUE, "p1", now, now), now)
        elif what == "ends":
            end(self.floor, call_id, now)
        elif call_id in self.floor.calls:
            leave(self.floor, call_id, now)

    def _answer(self, now_s: float) -> None:
        offer_all(self.floor, at(now_s), "p1")
        ringing = [offer for offer in self.floor.offers.values() if self._rings(offer.call_id)]
        for offer in ringing:
            if connect(self.floor, offer.offer_id, at(now_s)):
                heapq.heappush(self._coming, (now_s + self._talks_s[offer.call_id], "ends", offer.call_id))

    def _rings(self, call_id: str) -> bool:
        return self.floor.calls[call_id].state is CallState.OFFERED
