"""Who hears whom beside a bridge: a third leg takes part in the talk of two. SIP thread only."""

from __future__ import annotations

from typing import Any

import pjsua2 as pj
import structlog

from ivr.ports import Participation

log = structlog.get_logger(__name__)


class SideRoutes:
    """One leg's further one-way connections; the conference bridge mixes what comes to a leg from several."""

    def __init__(self) -> None:
        """Nobody is heard yet."""
        self._audio: Any = None
        self._hearers: list[SideRoutes] = []
        self._heard: list[SideRoutes] = []

    def attach(self, audio: Any) -> None:
        """The leg's audio came up or was negotiated anew, which cuts every connection: make them again."""
        self._audio = audio
        for other in self._hearers:
            _start(self, other)
        for other in self._heard:
            _start(other, self)

    def detach(self) -> None:
        """No audio for now."""
        self._audio = None

    def takes_part(self, caller: SideRoutes, person: SideRoutes, how: Participation) -> None:
        """This leg hears the two, and is heard as `how` says."""
        hearers = {Participation.LISTEN: [], Participation.WHISPER: [person], Participation.JOIN: [caller, person]}[how]
        for one in (caller, person):
            if one not in self._heard:
                _open(one, self)
            if one in hearers and one not in self._hearers:
                _open(self, one)
            elif one not in hearers and one in self._hearers:
                _close(self, one)

    def clear(self) -> None:
        """Hear nobody, and be heard by nobody."""
        for other in list(self._hearers):
            _close(self, other)
        for other in list(self._heard):
            _close(other, self)


def _open(voice: SideRoutes, ear: SideRoutes) -> None:
    voice._hearers.append(ear)
    ear._heard.append(voice)
    _start(voice, ear)


def _close(voice: SideRoutes, ear: SideRoutes) -> None:
    voice._hearers.remove(ear)
    ear._heard.remove(voice)
    if voice._audio is not None and ear._audio is not None:
        try:
            voice._audio.stopTransmit(ear._audio)
        except pj.Error as error:
            log.debug("sip.media_disconnect_failed", reason=error.reason)


def _start(voice: SideRoutes, ear: SideRoutes) -> None:
    """The other side may have hung up a moment ago: then there is nothing left to connect."""
    if voice._audio is not None and ear._audio is not None:
        try:
            voice._audio.startTransmit(ear._audio)
        except pj.Error as error:
            log.debug("sip.media_connect_failed", reason=error.reason)
