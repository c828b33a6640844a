"""Figures of a bot of several workers: theirs together, and how they are."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ivr.measures.counters import Counters, Snapshot
from ivr.measures.totals import Totals, added
from ivr.ports import metrics
from ivr.supervisor.channel import Message
from ivr.supervisor.fleet import Fleet
from ivr.supervisor.slots import name_of

FRONT_EVERY_S: Final = 5.0
_FRONT: Final = "front"


class BotFigures:
    """`snapshot` may be called from any thread, the rest from the supervisor's."""

    def __init__(self, own: Counters, fleet: Fleet) -> None:
        """`own` are those of the supervisor's process."""
        self._own, self._fleet, self._totals = own, fleet, Totals()
        self._front: Snapshot = {}

    def heard(self, slot: int, beat: Message) -> None:
        """A worker has said how it is."""
        if "figures" in beat:
            self._totals.take(name_of(slot), beat["figures"])

    def ended(self, slot: int, *, is_lost: bool) -> None:
        """A worker is gone; `is_lost`: nobody had asked it to end."""
        self._totals.gone(name_of(slot))
        if is_lost:
            self._own.count(metrics.WORKERS_LOST)

    async def follow_front(self, ask: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        """Ask the front how it is, for ever. `ask` gives what `Gate.figures` does."""
        while True:
            self.front(await ask())
            await asyncio.sleep(FRONT_EVERY_S)

    def front(self, counted: Mapping[str, Any]) -> None:
        """How the front is. One that does not answer may come back with what it had counted, or begin anew."""
        self._front = {**self._front, **front_snapshot(counted)}
        self._totals.take(_FRONT, self._front)

    def snapshot(self) -> Snapshot:
        """All figures of this moment."""
        workers = list(self._fleet.workers.values())
        stages = Counter(str(worker.stage) for worker in workers)
        own: Snapshot = {
            metrics.WORKERS.name: [([stage], [float(count)]) for stage, count in stages.items()],
            metrics.WORKER_LEGS.name: [([name_of(worker.slot)], [float(worker.legs)]) for worker in workers],
        }
        return added([self._totals.snapshot(), self._own.snapshot(), own])


def front_snapshot(counted: Mapping[str, Any]) -> Snapshot:
    """What the front counted; while it is away, only that."""
    snapshot: Snapshot = {metrics.FRONT_UP.name: [([], [float(bool(counted.get("is_up")))])]}
    for metric, key in ((metrics.FRONT_REQUESTS, "requests"), (metrics.FRONT_IN_PROGRESS, "in_progress")):
        if key in counted:
            snapshot[metric.name] = [([], [float(counted[key])])]
    for metric, key in (
        (metrics.FRONT_REPLIES, "replies"),
        (metrics.FRONT_REFUSED, "refused"),
        (metrics.FRONT_FAILOVERS, "failovers"),
        (metrics.FRONT_REGISTERED, "registered"),
    ):
        if key in counted:
            snapshot[metric.name] = [([label], [float(value)]) for label, value in counted[key].items()]
    heard = [([node["node"]], [float(node["is_heard"])]) for node in counted.get("nodes", ())]
    return snapshot | ({metrics.FRONT_NODES.name: heard} if heard else {})
