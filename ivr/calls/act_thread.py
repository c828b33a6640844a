"""Acts that block, one after the other in a thread of their own; what came of them is told on the loop's thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Protocol, TypeVar

import structlog

from ivr.errors import IvrError, StorageError

_LOG = structlog.get_logger(__name__)
_Result = TypeVar("_Result")


class Acts(Protocol):
    """Does what blocks without holding anybody up."""

    def do(self, act: Callable[[], _Result], report: Callable[[_Result | IvrError], None]) -> None:
        """After what was asked for before. `report` is called once, later, on the loop's thread."""


class ActThread:
    """Implements `Acts`. The thread begins with the first act."""

    def __init__(self, name: str, call_soon: Callable[[Callable[[], None]], object]) -> None:
        """`call_soon` runs a callback on the loop's thread."""
        self._name, self._call_soon = name, call_soon
        self._acts: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, act: Callable[[], _Result], report: Callable[[_Result | IvrError], None]) -> None:
        """Queue it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._acts.put(lambda: self._tell(partial(report, _outcome(act))))

    def close(self, within_s: float) -> None:
        """Finish what was asked for, as far as there is time. To be called from another thread than the loop's."""
        if self._thread is not None:
            self._acts.put(None)
            self._thread.join(within_s)

    def _run(self) -> None:
        while (act := self._acts.get()) is not None:
            act()

    def _tell(self, told: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know
            self._call_soon(told)


def _outcome(act: Callable[[], _Result]) -> _Result | IvrError:
    try:
        return act()
    except IvrError as error:
        return error
    except Exception as error:  # a mistake of ours must not end the thread that all callers need
        _LOG.exception("act_failed")
        return StorageError(f"{type(error).__name__} in the queues", retryable=False)
