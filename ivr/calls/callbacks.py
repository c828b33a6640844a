"""The calls back of one process: begun when the queues offer one, ended with the process."""

from __future__ import annotations

from collections.abc import Callable

from ivr.calls.call_monitoring import CallMonitoring
from ivr.calls.call_ports import CallPorts
from ivr.calls.callback_call import CallbackCall
from ivr.calls.callback_record import OpenNotes
from ivr.ports import LegId


class Callbacks:
    """Runs on the event loop's thread only."""

    def __init__(
        self,
        ports: CallPorts,
        open_notes: OpenNotes,
        claim: Callable[[LegId, CallbackCall], None],
        ended: Callable[[CallbackCall], None],
    ) -> None:
        """`claim` registers a leg whose events belong to a call back; `ended` is told of each one's end."""
        self._ports, self._open_notes, self._claim, self._told = ports, open_notes, claim, ended
        self._calls: set[CallbackCall] = set()
        if ports.queueing is not None:
            ports.queueing.start(self._begin)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._calls)

    @property
    def talks(self) -> list[str]:
        """Ids of the calls in which a supervisor can take part now; two for each."""
        possible = (call for call in self._calls if call.monitoring is not None and call.monitoring.is_possible)
        return [call_id for call in possible for call_id in call.call_ids]

    def monitoring_of(self, call_id: str) -> CallMonitoring | None:
        """Of a call in progress."""
        return next((call.monitoring for call in self._calls if call_id in call.call_ids), None)

    def stop(self) -> None:
        """Begin with no more."""
        if self._ports.queueing is not None:
            self._ports.queueing.stop()

    def hang_up(self) -> None:
        """End all."""
        for call in list(self._calls):
            call.hang_up()

    def _begin(self, call_id: str) -> None:
        assert self._ports.queueing is not None
        call = CallbackCall(self._ports, self._ports.queueing, call_id, self._open_notes, self._claim, self._ended)
        self._calls.add(call)
        call.start()

    def _ended(self, call: CallbackCall) -> None:
        self._calls.discard(call)
        self._told(call)
