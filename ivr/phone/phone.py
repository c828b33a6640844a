"""The telephone: makes a call, or waits for calls and answers them. Runs on the event loop's thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr.errors import TelephonyError
from ivr.phone.call import PhoneCall
from ivr.phone.plan import CallPlan, PhoneParts
from ivr.phone.ports import PhoneView
from ivr.phone.recording import StereoRecording
from ivr.phone.report import CallReport
from ivr.ports import (
    DialRequest,
    EndedBy,
    LegEnded,
    LegEvent,
    LegId,
    LegOffered,
    LegReferred,
    RegistrationChanged,
    TelephonyEvent,
)

BUSY: Final = 486
REGISTER_LIMIT_S: Final = 6.0


@dataclass(frozen=True, slots=True)
class Manner:
    """What becomes of calls that come in."""

    ring_s: float = 1.0
    refuse_with: int | None = None
    """SIP status; None answers."""
    never_answers: bool = False


class Phone:
    """One user, one call at a time."""

    def __init__(
        self, parts: PhoneParts, plan: CallPlan, make_view: Callable[[], PhoneView], record: Path | None
    ) -> None:
        self._parts, self._plan, self._make_view, self._record = parts, plan, make_view, record
        self._telephony = parts.telephony
        self.call: PhoneCall | None = None
        self._offers: asyncio.Queue[LegOffered] | None = None
        self._registered: asyncio.Future[RegistrationChanged] | None = None
        self._stopped = asyncio.Event()
        self._recorded = 0
        self._withdrawn: set[LegId] = set()

    # --- life

    async def start(self, *, registers: bool) -> None:
        """Open the sockets; wait for the registrar's word if there is one. Raises TelephonyError."""
        self._registered = asyncio.get_running_loop().create_future()
        await self._telephony.start(self._handle)
        if not registers:
            return
        try:
            async with asyncio.timeout(REGISTER_LIMIT_S):
                answer = await self._registered
        except TimeoutError as error:
            raise TelephonyError("the registrar does not answer; check --registrar and the network") from error
        if not answer.is_registered:
            raise TelephonyError(
                f"the registrar refused: SIP {answer.sip_status} {answer.reason}; "
                "check --account, --user and --password-env",
                sip_status=answer.sip_status,
            )

    def stop(self) -> None:
        """Hang up; calls return soon."""
        self._stopped.set()
        if self.call is not None:
            self.call.hang_up()

    # --- calls

    async def dial(self, request: DialRequest, answer_within_s: float) -> CallReport:
        """Call, and return when it is over. Raises MediaFailed where the recording cannot be written."""
        recording = self._new_recording()
        report = CallReport(request.uri, record=str(recording.path) if recording else None)
        leg_id = self._telephony.dial(request)
        call = self.call = PhoneCall(self._parts, self._plan, leg_id, report, self._make_view(), recording)
        if self._stopped.is_set():
            call.hang_up()
        if not await call.wait_decided(answer_within_s):
            call.hang_up()
            await call.wait_over()
            report.ended_by, report.reason = EndedBy.LOCAL, f"no answer within {answer_within_s:g} s"
        try:
            return await call.run()
        finally:
            self.call = None

    async def answer(self, manner: Manner, on_offer: Callable[[LegOffered], None]) -> CallReport | None:
        """Wait for a call, deal with it, return when it is over; None when the telephone was stopped meanwhile."""
        if self._offers is None:
            self._offers = asyncio.Queue()
        offer = await self._next_offer(self._offers)
        if offer is None:
            return None
        on_offer(offer)
        if offer.leg_id in self._withdrawn:
            self._withdrawn.clear()
            return CallReport(offer.ani or offer.remote, is_outgoing=False, headers=offer.headers, sip_status=487)
        report = CallReport(offer.ani or offer.remote, is_outgoing=False, headers=offer.headers)
        recording = self._new_recording() if manner.refuse_with is None and not manner.never_answers else None
        report.record = str(recording.path) if recording else None
        call = self.call = PhoneCall(self._parts, self._plan, offer.leg_id, report, self._make_view(), recording)
        try:
            await self._decide(call, offer.leg_id, manner)
            return await call.run()
        finally:
            self.call = None

    async def _next_offer(self, offers: asyncio.Queue[LegOffered]) -> LegOffered | None:
        stopped = asyncio.ensure_future(self._stopped.wait())
        offered = asyncio.ensure_future(offers.get())
        await asyncio.wait((stopped, offered), return_when=asyncio.FIRST_COMPLETED)
        for task in (stopped, offered):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            return await offered
        return None

    async def _decide(self, call: PhoneCall, leg_id: LegId, manner: Manner) -> None:
        if manner.refuse_with is not None:
            if manner.ring_s > 0:
                self._telephony.ring(leg_id)
                await call.wait_decided(manner.ring_s)
            self._telephony.reject(leg_id, manner.refuse_with)
        else:
            self._telephony.ring(leg_id)
            is_over = await call.wait_decided(None if manner.never_answers else manner.ring_s)
            if not is_over and not manner.never_answers:
                self._telephony.answer(leg_id)
        await call.wait_decided()

    def _new_recording(self) -> StereoRecording | None:
        if self._record is None:
            return None
        self._recorded += 1
        path = self._record
        if self._recorded > 1:
            path = path.with_name(f"{path.stem}-{self._recorded}{path.suffix}")
        return StereoRecording(path, self._telephony.sample_rate_hz)

    # --- events

    def _handle(self, event: TelephonyEvent) -> None:
        call = self.call
        if isinstance(event, RegistrationChanged):
            if self._registered is not None and not self._registered.done():
                self._registered.set_result(event)
        elif isinstance(event, LegOffered):
            self._offered(event)
        elif isinstance(event, LegEvent) and call is not None and call.owns(event.leg_id):
            call.handle(event)
        elif isinstance(event, LegReferred):
            self._telephony.hang_up(event.new_leg_id)
        elif isinstance(event, LegEnded) and self._offers is not None and self._offers.qsize():
            self._withdrawn.add(event.leg_id)

    def _offered(self, offer: LegOffered) -> None:
        is_busy = self.call is not None and not self.call.is_over
        if self._offers is None or self._offers.qsize() or is_busy or self._stopped.is_set():
            self._telephony.reject(offer.leg_id, BUSY)
        else:
            self._offers.put_nowait(offer)
