"""Acts on queues without a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ivr.errors import IvrError, StorageError
from ivr.testing.clock import ManualClock

_Result = TypeVar("_Result")


class ManualActs:
    """Implements `ivr.calls.act_thread.Acts` on a manual clock."""

    def __init__(self, clock: ManualClock) -> None:
        self.is_away = False
        """The database is."""
        self._clock = clock

    def do(self, act: Callable[[], _Result], report: Callable[[_Result | IvrError], None]) -> None:
        """Done with the next moment of the clock."""
        self._clock.call_later(0.0, lambda: report(self._outcome(act)))

    def _outcome(self, act: Callable[[], _Result]) -> _Result | IvrError:
        if self.is_away:
            return StorageError("the database is away")
        try:
            return act()
        except IvrError as error:
            return error
