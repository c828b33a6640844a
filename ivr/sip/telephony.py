"""`PjsuaTelephony`: the telephony port on pjsua2. Commands from any thread, events on the event loop's."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

import structlog

from ivr.config import SipSettings
from ivr.errors import TelephonyError
from ivr.ports import (
    AudioSink,
    Clock,
    DialRequest,
    DtmfMethod,
    LegId,
    Measures,
    MessageRequest,
    NoMeasures,
    Participation,
    TelephonyEvent,
)
from ivr.sip import codes
from ivr.sip.agent import UserAgent
from ivr.sip.call import Leg
from ivr.sip.media import Playing
from ivr.sip.peers import TrustedPeers, resolve
from ivr.sip.thread import SipThread

JOIN_LIMIT_S: Final = 5.0

log = structlog.get_logger(__name__)


class SystemClock:
    """The machine's clocks."""

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        return monotonic()

    def now(self) -> datetime:
        """UTC-aware wall clock."""
        return datetime.now(UTC)


class PjsuaTelephony:
    """SIP legs and their audio through pjsua2; one per process at a time.

    `follows_refer` makes it behave as a telephone: a peer's REFER or Replaces is followed (reported as LegReferred)
    instead of being declined. A request that nobody answers at all is given up after `unanswered_limit_s` (RFC 3261
    §17.1.1.2, timer B: 32 s, for the whole process).
    """

    def __init__(
        self,
        settings: SipSettings,
        *,
        clock: Clock | None = None,
        follows_refer: bool = False,
        unanswered_limit_s: float | None = None,
        measures: Measures | None = None,
    ) -> None:
        self.sample_rate_hz: int = settings.sample_rate_hz
        self._settings = settings
        self._clock: Clock = clock or SystemClock()
        self._follows_refer = follows_refer
        self._unanswered_limit_s = unanswered_limit_s
        self._measures = measures or NoMeasures()
        self._jobs = SipThread()
        self._peers = TrustedPeers(settings)
        self._agent: UserAgent | None = None
        self._thread: threading.Thread | None = None
        self._is_stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sink: Callable[[TelephonyEvent], None] = lambda event: None

    @property
    def max_legs(self) -> int:
        """How many legs the library can carry at once, read from it; 0 before `start`."""
        return self._agent.endpoint.max_legs if self._agent else 0

    @property
    def leg_count(self) -> int:
        """How many legs there are now. From any thread."""
        return self._agent.leg_count if self._agent else 0

    @property
    def audio_ticks(self) -> tuple[int, int]:
        """How many ticks of the audio there were since `start`, and how many of them came too late."""
        ticks = self._agent.endpoint.ticks if self._agent else None
        return (ticks.count, ticks.late) if ticks else (0, 0)

    def refuse_new_calls(self, retry_after_s: int) -> None:
        """Refuse them with 503, and have them come again after so long; 0 takes them again."""
        if self._agent is not None:
            self._agent.retry_after_s = retry_after_s

    @property
    def silent_s(self) -> float:
        """For how long the SIP thread has given no sign of life; seconds."""
        return monotonic() - self._jobs.stepped_at_s

    @property
    def port(self) -> int:
        """The SIP port that is listened on; 0 before `start`."""
        return self._agent.endpoint.port if self._agent else 0

    @property
    def sip_uri(self) -> str:
        """How to reach this user agent."""
        host = self._settings.public_address or self._settings.address
        return f"sip:{'127.0.0.1' if host == '0.0.0.0' else host}:{self.port}"

    # --- life

    async def start(self, sink: Callable[[TelephonyEvent], None]) -> None:
        """Open sockets, register accounts. Raises PortInUse, TelephonyError."""
        if self._thread is not None:
            raise TelephonyError("the telephony is running already; stop it first")
        self._loop, self._sink = asyncio.get_running_loop(), sink
        self._is_stopping.clear()
        self._jobs = SipThread()
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(opened,), name="sip", daemon=True)
        self._thread.start()
        try:
            await asyncio.wrap_future(opened)
        except BaseException:
            await self.stop()
            raise
        await self._resolve_peers()

    async def _resolve_peers(self) -> None:
        names = [(host, accounts) for host, accounts in self._peers.names.items()]
        found = await asyncio.gather(*(asyncio.to_thread(resolve, host) for host, _ in names))
        for (host, accounts), addresses in zip(names, found, strict=True):
            if not addresses:
                log.warning("sip.peer_unresolved", host=host)
            self._jobs.post(partial(self._peers.learn, addresses, accounts))

    def _run(self, opened: Future[None]) -> None:
        agent = self._agent = UserAgent(
            self._settings,
            self._jobs,
            report=self._report,
            now_s=self._clock.monotonic_s,
            peers=self._peers,
            follows_refer=self._follows_refer,
            measures=self._measures,
        )
        try:
            agent.open()
            if self._unanswered_limit_s is not None:
                agent.endpoint.unanswered.set(self._unanswered_limit_s)
        except BaseException as error:
            opened.set_exception(error)
        else:
            opened.set_result(None)
            self._jobs.run(agent.endpoint, self._is_stopping.is_set)
        try:
            agent.close()
        except Exception:
            log.exception("sip.close_failed")

    def _report(self, event: TelephonyEvent) -> None:
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._sink, event)
        except RuntimeError:
            log.debug("sip.event_after_loop", event_type=type(event).__name__)

    async def stop(self) -> None:
        """End all legs, unregister, free everything. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._jobs.post(self._is_stopping.set)
        await asyncio.to_thread(thread.join, JOIN_LIMIT_S)
        if thread.is_alive():
            log.error("sip.thread_stuck", limit_s=JOIN_LIMIT_S)
        self._agent = None

    # --- commands

    def _on_leg(self, leg_id: LegId, command: Callable[[Leg], None]) -> None:
        if self._agent is not None:
            self._jobs.post(partial(self._agent.with_leg, leg_id, command))

    def _on_legs(self, leg_id: LegId, other_leg_id: LegId, command: Callable[[Leg, Leg], None]) -> None:
        if self._agent is not None:
            self._jobs.post(partial(self._agent.with_legs, leg_id, other_leg_id, command))

    def ring(self, leg_id: LegId) -> None:
        """Send 180."""
        self._on_leg(leg_id, lambda leg: leg.answer(codes.RINGING))

    def start_early_media(self, leg_id: LegId) -> None:
        """Send 183 with an SDP answer."""
        self._on_leg(leg_id, lambda leg: leg.start_early_media())

    def answer(self, leg_id: LegId) -> None:
        """Send 200 with an SDP answer."""
        self._on_leg(leg_id, lambda leg: leg.answer(codes.OK))

    def reject(self, leg_id: LegId, sip_status: int) -> None:
        """Refuse an offered leg with a final status of 300 or more; a leg that we dialled is only cancelled."""
        self._on_leg(leg_id, lambda leg: leg.hang_up(sip_status if leg.is_incoming else 0))

    def hang_up(self, leg_id: LegId, hangup_cause: int | None = None) -> None:
        """BYE, CANCEL or 603, whichever the leg's state asks for."""
        self._on_leg(leg_id, lambda leg: leg.hang_up(0, hangup_cause))

    def dial(self, request: DialRequest) -> LegId:
        """Start an outgoing leg."""
        if self._agent is None:
            raise TelephonyError("dial before start; start the telephony first")
        leg_id = self._agent.new_leg_id()
        self._jobs.post(partial(self._agent.dial, leg_id, request))
        return leg_id

    def play(
        self,
        leg_id: LegId,
        play_id: str,
        files: Sequence[Path],
        *,
        loop: bool = False,
        lead_in_s: float = 0.0,
        from_s: float = 0.0,
    ) -> None:
        """Play WAV files one after the other, without a gap, after `lead_in_s` of silence."""
        wanted = Playing(play_id, tuple(files), loop, lead_in_s, from_s)
        self._on_leg(leg_id, lambda leg: leg.media.play(wanted))

    def stop_playing(self, leg_id: LegId) -> None:
        """Silence at the next frame."""
        self._on_leg(leg_id, lambda leg: leg.media.stop_playing())

    def listen(self, leg_id: LegId, sink: AudioSink | None) -> None:
        """Send the leg's incoming audio to `sink`; None ends it."""
        self._on_leg(leg_id, lambda leg: leg.media.listen(sink))

    def listen_sent(self, leg_id: LegId, sink: AudioSink | None) -> None:
        """Send what is played to the leg to `sink` as well, frame by frame as it is sent; None ends it."""
        self._on_leg(leg_id, lambda leg: leg.media.listen_sent(sink))

    def join(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """Bridge the audio of two answered legs, both ways."""
        self._on_legs(leg_id, other_leg_id, lambda leg, other: leg.media.join(other.media))

    def let_hear(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """Let the one hear the other, one way."""
        self._on_legs(leg_id, other_leg_id, lambda leg, other: leg.media.hear(other.media))

    def take_part(self, leg_id: LegId, caller_id: LegId, person_id: LegId, how: Participation) -> None:
        """Let a third leg hear two joined ones, and be heard as `how` says."""

        def routed(third: Leg, caller: Leg, person: Leg) -> None:
            third.media.routes.takes_part(caller.media.routes, person.media.routes, how)

        def with_two(third: Leg, caller: Leg) -> None:
            if self._agent is not None:
                self._agent.with_leg(person_id, partial(routed, third, caller))

        self._on_legs(leg_id, caller_id, with_two)

    def refer(self, leg_id: LegId, uri: str) -> None:
        """Blind transfer."""
        self._on_leg(leg_id, lambda leg: leg.refer(uri))

    def refer_replacing(self, leg_id: LegId, other_leg_id: LegId) -> None:
        """Attended transfer."""
        self._on_legs(leg_id, other_leg_id, lambda leg, other: leg.refer_replacing(other))

    def send_digits(self, leg_id: LegId, digits: str, method: DtmfMethod = DtmfMethod.RFC4733) -> None:
        """Send keys by RFC 4733, or by INFO."""
        self._on_leg(leg_id, lambda leg: leg.send_digits(digits, method))

    def send_message(self, request: MessageRequest, report: Callable[[int, str], None]) -> None:
        """Send a SIP MESSAGE outside of calls."""
        if self._agent is None:
            report(codes.SERVICE_UNAVAILABLE, "the telephony is not running")
        else:
            self._jobs.post(partial(self._agent.send_message, request, partial(self._report_status, report)))

    def _report_status(self, report: Callable[[int, str], None], sip_status: int, reason: str) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(report, sip_status, reason)
