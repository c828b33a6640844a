"""The library as one object: made, polled and destroyed on the SIP thread only."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable, Set
from typing import Any, Final

import pjsua2 as pj
import structlog

from ivr.config import SipSettings
from ivr.errors import ConfigError, PortInUse, TelephonyError
from ivr.ports import Measures
from ivr.sip.audio_ticks import AudioTicks
from ivr.sip.behind_front import fronts
from ivr.sip.connections import Places
from ivr.sip.media_clock import MediaClock
from ivr.sip.native import keep_to_udp, library
from ivr.sip.orphan_audio import OrphanAudio
from ivr.sip.strangers import Strangers
from ivr.sip.tcp import TcpConnections
from ivr.sip.unanswered import UnansweredLimit

LOG_VARIABLE: Final = "IVR_PJSIP_LOG"
"""`level` or `level:file`: the library's own log, for debugging."""
_ASKED_CALLS: Final = 1024
_CODEC_IDS: Final = {
    "PCMA": "PCMA/8000/1",
    "PCMU": "PCMU/8000/1",
    "G722": "G722/16000/1",
    "GSM": "GSM/8000/1",
    "iLBC": "iLBC/8000/1",
    "L16": "L16/",
}
_ADDRESS_IN_USE: Final = 120000 + errno.EADDRINUSE
_BIND_ATTEMPTS: Final = 20
_NO_RX_MSG: Final = 1
"""`PJSUA_DESTROY_NO_RX_MSG`: do not wait for answers while destroying; that has been done before."""
_UNWOKEN_WAIT_S: Final = 0.01
_G722_SHIFT_BITS: Final = 1
"""By its default of 2 the library sends G.722 at half the level that others send, and hears it at double."""
# The library's select() has room for 64 sockets of calls, and one that was closed keeps its place for half a second; it
# aborts the process when there is no room. Each INVITE takes two places at once. Connections: see `tcp`.
_PLACES_LIMIT: Final = 20
"""Places taken lately after which nothing more is read for a moment; one poll can add 20 more."""
_PAUSE_S: Final = 0.01

log = structlog.get_logger(__name__)


class _Library(pj.Endpoint):  # type: ignore[misc]  # the library's bindings are untyped
    """Counts what takes a place among the library's sockets, and ends the audio before it does."""

    def __init__(self, clock: MediaClock) -> None:
        pj.Endpoint.__init__(self)
        self.places = Places(_PLACES_LIMIT)
        self.connections = TcpConnections()
        self.clock = clock
        self.on_refused: Callable[[], None] = lambda: None

    def __del__(self) -> None:
        # The library destroys itself now, where that has not been done before.
        self.clock.close()

    def take_places(self) -> None:
        """A call's sockets were opened: one for its audio, one for RTCP."""
        self.places.take(2, time.monotonic())

    def onRejectedIncomingCall(self, prm: Any) -> None:
        self.take_places()
        self.on_refused()

    def onTransportState(self, prm: Any) -> None:
        try:
            if prm.type == "TCP":
                self.connections.state_changed(prm.state, prm.hnd)
        except Exception:
            log.exception("sip.callback_failed", callback="onTransportState")


class Endpoint:
    """Sockets, codecs and the media clock of one process."""

    def __init__(self, settings: SipSettings, measures: Measures | None = None) -> None:
        self._settings = settings
        self._ep: Any = None
        self._wake_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._wake_socket.setblocking(False)
        self._wake_address: tuple[str, int] | None = None
        self._strangers: Strangers | None = None
        audio_address = settings.media_address or settings.address
        self._orphans = OrphanAudio(audio_address, settings.rtp_port, settings.rtp_port_count)
        self.unanswered = UnansweredLimit()
        self.has_clock = False
        self.ticks = AudioTicks(measures)
        self._clock = MediaClock(settings.sample_rate_hz, self.ticks)
        self.longest_wait_s = _UNWOKEN_WAIT_S
        self.port = 0
        """The port that is really listened on."""
        self.max_legs = 0
        self.transport_ids: dict[str, int] = {}

    def open(self) -> None:
        """Start the library. Raises PortInUse, TelephonyError, ConfigError."""
        failure = self._open()
        if failure is not None:
            # Raised here, with no trace of the library's own error: its frames would keep the library's object alive
            # until another thread dropped it.
            raise failure

    def _open(self) -> TelephonyError | ConfigError | None:
        native = library()
        native.pj_log_set_level(0)  # the library prints to stdout before it has read its configuration
        self._ep = _Library(self._clock)
        self._orphans.open()
        try:
            self._ep.libCreate()
            self._ep.libInit(self._config())
            keep_to_udp()
            self.max_legs = int(native.pjsua_call_get_max_count())
            failure = self._keep_strangers_out() or self._open_transports()
            if failure is None:
                self._ep.libStart()
                self._choose_codecs()
                native.pjmedia_codec_g722_set_pcm_shift(_G722_SHIFT_BITS)
                self._clock.open()
                self._orphans.keep_heard()
        except pj.Error as error:
            return TelephonyError(f"the SIP library did not start: {error.reason}")
        return failure

    def _keep_strangers_out(self) -> ConfigError | None:
        if not self._settings.other_fronts:
            return None
        self._strangers = Strangers(fronts(self._settings))
        reason = self._strangers.register()
        return ConfigError(reason) if reason else None

    def _config(self) -> Any:
        config = pj.EpConfig()
        ua, media = config.uaConfig, config.medConfig
        ua.threadCnt, ua.mainThreadOnly, ua.maxCalls = 0, False, _ASKED_CALLS
        ua.userAgent = self._settings.user_agent
        media.clockRate = media.sndClockRate = self._settings.sample_rate_hz
        media.audioFramePtime = 20
        media.noVad, media.ecTailLen = True, 0
        # RTP has a list of sockets of its own, which the audio clock reads from: 200 packets a second with four callers
        # would each wake our poll. The thread that the library makes for it is stopped by the clock.
        media.hasIoqueue, media.threadCnt = True, 1
        level, _, file = os.environ.get(LOG_VARIABLE, "0").partition(":")
        config.logConfig.level = config.logConfig.consoleLevel = int(level) if level.isdigit() else 0
        config.logConfig.msgLogging = 1
        if file:
            config.logConfig.filename, config.logConfig.consoleLevel = file, 0
        return config

    def _open_transports(self) -> TelephonyError | ConfigError | None:
        if not (self._settings.udp or self._settings.tcp):
            return ConfigError("sip: both udp and tcp are off; switch one of them on")
        failure = None
        for _ in range(1 if self._settings.port else _BIND_ATTEMPTS):
            failure = self._open_both()
            if not isinstance(failure, PortInUse):
                break
        self._prepare_wake()
        return failure

    def _open_both(self) -> TelephonyError | None:
        """UDP and TCP on the same port; what was opened is closed again when the second one fails."""
        self.port, failure = self._settings.port, None
        if self._settings.udp:
            failure = self._open_transport("udp", pj.PJSIP_TRANSPORT_UDP)
        if self._settings.tcp and failure is None:
            failure = self._open_transport("tcp", pj.PJSIP_TRANSPORT_TCP)
        if failure is not None:
            for name in list(self.transport_ids):
                self._ep.transportClose(self.transport_ids.pop(name))
        return failure

    def _open_transport(self, name: str, kind: int) -> TelephonyError | None:
        config = pj.TransportConfig()
        config.port = self.port
        if self._settings.address != "0.0.0.0":
            config.boundAddress = self._settings.address
        if self._settings.public_address:
            config.publicAddress = self._settings.public_address
        try:
            transport_id = self._ep.transportCreate(kind, config)
        except pj.Error as error:
            return self._transport_error(name, self.port, error)
        self.transport_ids[name] = transport_id
        self.port = int(self._ep.transportGetInfo(transport_id).localName.rpartition(":")[2]) or self.port
        return None

    def _transport_error(self, name: str, port: int, error: Any) -> TelephonyError:
        where = f"{self._settings.address}:{port} ({name.upper()})"
        if error.status == _ADDRESS_IN_USE:
            return PortInUse(
                f"SIP address {where} is taken by another program; end that program (`ss -lpn | grep {port}` "
                "shows it) or set another `sip: port:` in ivr.yaml"
            )
        return TelephonyError(f"SIP address {where} cannot be opened: {error.reason}; check `sip: address:`")

    def _prepare_wake(self) -> None:
        if "udp" not in self.transport_ids:
            return
        host = self._settings.address
        self._wake_address = ("127.0.0.1" if host == "0.0.0.0" else host, self.port)
        self.longest_wait_s = 1.0

    def _choose_codecs(self) -> None:
        wanted = {_CODEC_IDS[name]: 255 - 5 * place for place, name in enumerate(self._settings.codecs)}
        for codec in self._ep.codecEnum2():
            codec_id = codec.codecId
            priority = next((p for prefix, p in wanted.items() if codec_id.startswith(prefix)), 0)
            if codec_id.startswith("L16/") and codec_id != f"L16/{self._settings.sample_rate_hz}/1":
                priority = 0
            self._ep.codecSetPriority(codec_id, priority)

    # --- driven by SipThread

    def poll(self, wait_s: float) -> None:
        """Handle events, waiting for at most `wait_s`; under a flood the network waits instead."""
        self._ep.connections.finish()
        if self._ep.places.are_full(time.monotonic()):
            time.sleep(min(wait_s, _PAUSE_S))
            return
        self._ep.libHandleEvents(max(0, int(wait_s * 1000 + 0.999)))

    def wake(self) -> None:
        """End the poll's wait: the library drops a datagram this short as a keep-alive. From any thread."""
        if self._wake_address is None:
            return
        try:
            self._wake_socket.sendto(b"\r\n", self._wake_address)
        except OSError as error:
            log.debug("sip.wake_failed", error=str(error))

    def call_started(self) -> None:
        """An INVITE was received or sent: its audio took two sockets."""
        self._ep.take_places()

    def when_refused(self, report: Callable[[], None]) -> None:
        """Call back, inside of the library, when it had no leg for a caller."""
        self._ep.on_refused = report

    # --- connections

    def keep_connections(self, in_use: Callable[[], Set[int]]) -> None:
        """Never close those that `in_use` names."""
        self._ep.connections.in_use = in_use

    def heard(self, connection: int) -> None:
        """A request came by this connection."""
        self._ep.connections.heard(connection)

    def close_overdue(self) -> None:
        """Close TCP connections that have been quiet for too long, and ports that nobody sends to any more."""
        self._orphans.give_back_quiet()
        self._ep.connections.close_overdue()

    # --- media clock

    def start_clock(self) -> None:
        """Let audio flow, in and out."""
        if not self.has_clock:
            self.has_clock = True
            self._clock.start()

    def stop_clock(self) -> None:
        """Save the clock's idle cost while there is no leg."""
        if self.has_clock:
            self.has_clock = False
            self._clock.stop()

    def close(self) -> None:
        """Destroy the library; every call, port and player must be gone before. Idempotent."""
        endpoint, self._ep = self._ep, None
        self._wake_address = None
        self._wake_socket.close()
        self._orphans.close()
        if endpoint is None:
            return
        self._clock.close()
        try:
            endpoint.libDestroy(_NO_RX_MSG)
        except pj.Error as error:
            log.warning("sip.destroy_failed", reason=error.reason)
