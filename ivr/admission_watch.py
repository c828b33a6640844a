"""Measures once a second, and has new calls refused while there is too much work; `ivr.calls.admission` decides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog

from ivr.calls.admission import MEASURE_EVERY_S, Admission, Counted, Reading
from ivr.config_admission import AdmissionSettings
from ivr.ports import Measures, metrics
from ivr.processors import read_processors

log = structlog.get_logger(__name__)


class AdmissionWatch:
    """One for a bot, however many workers it has."""

    def __init__(
        self,
        settings: AdmissionSettings,
        count: Callable[[], Counted],
        refuse: Callable[[bool], None],
        measures: Measures,
    ) -> None:
        """`count` gives what the bot has counted of itself; `refuse` is told when new calls are refused, or not."""
        self._admission, self._count, self._refuse = Admission(settings), count, refuse
        measures.watch(metrics.ADMISSION_CLOSED, lambda: self._admission.is_closed)
        measures.watch(metrics.CPU_BUSY, lambda: self._admission.load.cpu)
        measures.watch(metrics.CPU_OWN, lambda: self._admission.load.own_cpu)

    def renew(self, settings: AdmissionSettings) -> None:
        """Other limits from now on."""
        self._admission.limits = settings

    def figures(self) -> dict[str, Any]:
        """What was measured last, and what comes of it."""
        load = self._admission.load
        return {
            "is_closed": self._admission.is_closed,
            "reasons": list(self._admission.reasons),
            "late_audio": round(load.late_audio or 0.0, 3),
            "cpu": round(load.cpu, 3),
            "own_cpu": round(load.own_cpu, 3),
        }

    async def run(self) -> None:
        """For ever."""
        while True:
            if self._admission.limits.enabled or self._admission.is_closed:
                self._look()
            await asyncio.sleep(MEASURE_EVERY_S)

    def _look(self) -> None:
        reading = Reading(time.monotonic(), self._count(), *read_processors())
        if self._admission.measured(reading):
            self._refuse(self._admission.is_closed)
            self._tell()

    def _tell(self) -> None:
        figures = self.figures()
        if figures.pop("is_closed"):
            log.warning(
                "new_calls_refused", **figures, remedy="calls in progress go on; this machine has enough of them"
            )
        else:
            log.info("new_calls_taken_again", **figures)
