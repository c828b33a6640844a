"""The longest time of a call: who neither speaks nor hangs up, or goes round in a menu, keeps no leg for ever."""

from __future__ import annotations

from collections.abc import Callable

from ivr.calls.timers import TimerHandle, Timers

GOODBYE_LIMIT_S = 15.0
"""The goodbye gets so long; then the bot hangs up, whatever the flow does."""


class CallLimit:
    """Ends a call that takes too long, in two steps: a goodbye, and the end."""

    def __init__(
        self,
        timers: Timers,
        longest_s: float,
        *,
        is_with_others: Callable[[], bool],
        say_goodbye: Callable[[], None],
        hang_up: Callable[[], None],
    ) -> None:
        """No limit where `longest_s` is 0. A caller who `is_with_others` stays; his time starts anew."""
        self._timers, self._longest_s = timers, longest_s
        self._is_with_others, self._say_goodbye, self._hang_up = is_with_others, say_goodbye, hang_up
        self._timer: TimerHandle | None = None

    def start(self) -> None:
        """The call was answered."""
        if self._longest_s > 0:
            self._timer = self._timers.call_later(self._longest_s, self._reached)

    def _reached(self) -> None:
        if self._is_with_others():
            self.start()
            return
        self._timer = self._timers.call_later(GOODBYE_LIMIT_S, self._hang_up)
        self._say_goodbye()

    def stop(self) -> None:
        """The caller is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
