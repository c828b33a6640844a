"""A lasting Python identity for the library's media thread.

Python makes a thread state for a foreign thread at each call into Python and deletes it afterwards, with a piece of
memory that is mapped and unmapped. One that is kept makes the next call cheaper (docs/benchmarks.md): Python counts how
often `PyGILState_Ensure` was asked, and deletes at zero.
"""

from __future__ import annotations

import ctypes
import threading

_api = ctypes.pythonapi
_api.PyThreadState_Get.restype = ctypes.c_void_p
_api.PyThreadState_Clear.argtypes = [ctypes.c_void_p]
_api.PyThreadState_Delete.argtypes = [ctypes.c_void_p]


class KeptThreadState:
    """Keeps the thread state of one foreign thread at a time, from its first call into Python until it has ended."""

    def __init__(self) -> None:
        self._state: int | None = None

    def keep(self) -> None:
        """Keep the calling thread's state. Cheap when that has been done; the library calls from one thread."""
        if self._state is None and threading.get_ident() not in {thread.ident for thread in threading.enumerate()}:
            _api.PyGILState_Ensure()
            self._state = _api.PyThreadState_Get()

    def free(self) -> None:
        """Delete it. Only after the thread has ended."""
        state, self._state = self._state, None
        if state is not None:
            _api.PyThreadState_Clear(state)
            _api.PyThreadState_Delete(state)


media_thread = KeptThreadState()
"""That of the media clock: the library has one per process."""
