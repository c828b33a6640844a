"""What all workers have counted of themselves together, as they come, go and are replaced. Pure."""

from __future__ import annotations

from ivr.calls.admission import Counted


class WorkerCounts:
    """Only grows. What a worker had counted before it was heard for the first time, such as its start, is left out."""

    def __init__(self) -> None:
        self._last: dict[int, Counted] = {}
        self.total = Counted()

    def heard(self, slot: int, now: Counted) -> None:
        """The worker in this slot has counted so much since its start."""
        before, self._last[slot] = self._last.get(slot, now), now
        total = self.total
        self.total = Counted(
            total.ticks + max(0, now.ticks - before.ticks),
            total.late_ticks + max(0, now.late_ticks - before.late_ticks),
            total.cpu_s + max(0.0, now.cpu_s - before.cpu_s),
        )

    def ended(self, slot: int) -> None:
        """The worker is gone. Idempotent."""
        self._last.pop(slot, None)
