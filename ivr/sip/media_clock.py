"""The clock of all audio of a process: every 20 ms it reads what callers have sent, and has the bridge send to them.

The library would do that with two threads, one that ticks and one that waits for packets, which wakes for each packet
and 50 to 100 times a second beside. Here one thread wakes once for everything: with four callers a quarter of the
wake-ups, without one none. It needs Python twice in a tick, and no callback of its own to watch the time.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from typing import ClassVar, Final

import pjsua2 as pj

from ivr.sip.audio_ticks import TICK_S, AudioTicks
from ivr.sip.native import POINTER, function, library

_BYTES_PER_SAMPLE: Final = 2
_MOST_EVENTS: Final = 16
"""`PJ_IOQUEUE_MAX_EVENTS_IN_SINGLE_POLL`: after so many there may be more."""


class _Frame(ctypes.Structure):
    """`pjmedia_frame`."""

    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("buffer", POINTER),
        ("size", ctypes.c_size_t),
        ("timestamp", ctypes.c_uint64),
        ("bit_info", ctypes.c_uint32),
    ]


class _Duration(ctypes.Structure):
    """`pj_time_val`."""

    _fields_: ClassVar = [("sec", ctypes.c_long), ("msec", ctypes.c_long)]


class MediaClock:
    """A thread that ticks while it is needed. SIP thread only; `ticks` counts."""

    def __init__(self, rate_hz: int, ticks: AudioTicks) -> None:
        self._frame_bytes = round(rate_hz * TICK_S) * _BYTES_PER_SAMPLE
        self._ticks = ticks
        self._bridge = self._queue = ctypes.c_void_p()
        self._is_on = self._is_closing = False
        self._is_needed = threading.Event()
        self._is_at_rest = threading.Event()
        self._is_at_rest.set()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """After the library was started: take its bridge and its sockets over."""
        self._bridge = ctypes.c_void_p(function("pjsua_set_no_snd_dev", POINTER)())
        media = function("pjsua_get_pjmedia_endpt", POINTER)()
        function("pjmedia_endpt_stop_threads", ctypes.c_int, POINTER)(media)
        self._queue = ctypes.c_void_p(function("pjmedia_endpt_get_ioqueue", POINTER, POINTER)(media))

    def start(self) -> None:
        """Let audio flow."""
        if self._thread is None:  # a worker that never had a call spares its memory
            self._thread = threading.Thread(target=self._run, name="media", daemon=True)
            self._thread.start()
        self._is_at_rest.clear()
        self._is_on = True
        self._is_needed.set()

    def stop(self) -> None:
        """Nothing of the audio runs any more when this returns, after at most a tick."""
        self._is_on = False
        self._is_needed.clear()
        if not sys.is_finalizing():  # at the interpreter's end no thread goes on
            self._is_at_rest.wait()

    def close(self) -> None:
        """Before the library is destroyed. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self.stop()
            self._is_closing = True
            self._is_needed.set()
            if not sys.is_finalizing():
                thread.join()

    def _run(self) -> None:
        pj.Endpoint.instance().libRegisterThread("media")
        while True:
            self._is_needed.wait()
            if self._is_closing:
                return
            self._tick()
            self._is_at_rest.set()

    def _tick(self) -> None:
        """Until the clock is stopped. The rest of the program runs while the library does, and while this sleeps."""
        buffer = ctypes.create_string_buffer(self._frame_bytes)
        # No time in the frame: the library's streams count their samples themselves.
        frame = ctypes.byref(_Frame(buffer=ctypes.addressof(buffer), size=self._frame_bytes))
        no_wait = ctypes.byref(_Duration())
        # Without types of their arguments, which would be looked at in each call.
        read, send = library()["pj_ioqueue_poll"], library()["pjmedia_port_get_frame"]
        queue, bridge = self._queue, self._bridge
        ticks, now_s, sleep = self._ticks, time.monotonic, time.sleep
        ticks.restart(now_s())
        while self._is_on:
            ahead_s = ticks.due_s - now_s()
            if ahead_s > 0:
                sleep(ahead_s)
            ticks.tick(now_s())
            while read(queue, no_wait) >= _MOST_EVENTS:
                pass
            send(bridge, frame)
