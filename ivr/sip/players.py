"""What plays a piece of audio from memory to a leg: once, or again and again. SIP thread only.

`OncePlayer.onEof2` runs on the media thread and only hands a value on. Players are deleted a moment after
their last frame: the media thread may still be in one.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pjsua2 as pj
import structlog

from ivr.sip.native import POINTER, Text, function

log = structlog.get_logger(__name__)

_NUMBER: Final = ctypes.c_int


class OncePlayer(pj.AudioMediaPlayer):  # type: ignore[misc]  # the library's bindings are untyped
    """Plays one piece of audio to its end. Raises pj.Error, OSError."""

    def __init__(self, wav: bytes, on_end: Callable[[], None]) -> None:
        pj.AudioMediaPlayer.__init__(self)
        self._on_end: Callable[[], None] | None = on_end
        with _in_memory(wav) as path:
            self.createPlayer(path, pj.PJMEDIA_FILE_NO_LOOP)

    def onEof2(self) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end()


class LoopPlayer:
    """Plays one piece of audio again and again, without a gap. Raises OSError.

    The bindings' own player has the library tell the end of every round, and for each end that it tells the library
    leaves out a frame (`file_get_frame` in pjmedia's `wav_player.c`): a click. So this one is made without them.
    """

    def __init__(self, wav: bytes) -> None:
        player_id = _NUMBER(-1)
        with _in_memory(wav) as path:
            name = ctypes.create_string_buffer(path.encode())
            text = Text(ctypes.addressof(name), len(name.value))
            create = function("pjsua_player_create", _NUMBER, POINTER, ctypes.c_uint, POINTER)
            if status := create(ctypes.byref(text), 0, ctypes.byref(player_id)):
                raise OSError(f"the SIP library cannot play it (status {status})")
        self._player_id = player_id.value
        self._slot = function("pjsua_player_get_conf_port", _NUMBER, _NUMBER)(self._player_id)

    def startTransmit(self, sink: Any) -> None:
        """As the bindings' players have it."""
        self._connect("pjsua_conf_connect", sink)

    def stopTransmit(self, sink: Any) -> None:
        """As the bindings' players have it."""
        self._connect("pjsua_conf_disconnect", sink)

    def _connect(self, how: str, sink: Any) -> None:
        slot = sink.getPortId()
        if slot >= 0 and (status := function(how, _NUMBER, _NUMBER, _NUMBER)(self._slot, slot)):
            log.debug("sip.media_connect_failed", status=status)

    def __del__(self) -> None:
        player_id = getattr(self, "_player_id", -1)
        # The library that ends has destroyed its players already.
        if player_id >= 0 and function("pjsua_get_state", _NUMBER)() == pj.PJSUA_STATE_RUNNING:
            function("pjsua_player_destroy", _NUMBER, _NUMBER)(player_id)


@contextmanager
def _in_memory(wav: bytes) -> Iterator[str]:
    """A path of a file that holds it, for as long as it takes to open that."""
    descriptor = os.memfd_create("prompt")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(wav)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
