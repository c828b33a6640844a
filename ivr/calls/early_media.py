"""What a caller hears before the answer. Where he cannot hear anything, the call does not wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from ivr.calls.call_ports import CallPorts
from ivr.calls.timers import TimerHandle
from ivr.ports import LegId

EARLY_MEDIA_LIMIT_S: Final = 1.0
"""Audio that has not come up by then does not: the caller's INVITE had no offer (RFC 3261 §13.2.1)."""
UNHEARD_S: Final = 1.0
"""A prompt that nobody can hear is over after this time."""


class EarlyMedia:
    """The audio of one call between the first word and the answer."""

    def __init__(
        self,
        ports: CallPorts,
        leg_id: LegId,
        unheard: Callable[[str], None],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        """`unheard` is told the id of a prompt that is over without having been heard; empty: the one that runs."""
        self._ports, self._leg_id, self._unheard, self._log = ports, leg_id, unheard, log
        self._timer: TimerHandle | None = None
        self._is_mute = False

    def start(self) -> None:
        """Let the caller hear us."""
        self._ports.telephony.start_early_media(self._leg_id)
        self._timer = self._ports.timers.call_later(EARLY_MEDIA_LIMIT_S, self._not_possible)

    def is_up(self) -> None:
        """It works."""
        self._stop_timer()

    def played(self, play_id: str) -> None:
        """A prompt was begun."""
        if self._is_mute:
            self._stop_timer()
            self._timer = self._ports.timers.call_later(UNHEARD_S, lambda: self._unheard(play_id))

    def over(self) -> None:
        """The call is answered, or has ended."""
        self._is_mute = False
        self._stop_timer()

    def _not_possible(self) -> None:
        self._log.warning("early_media_not_possible", reason="the caller sent no session description")
        self._is_mute = True
        self._unheard("")

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
