"""One leg: the library's call object on one side, our events on the other. SIP thread only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import pjsua2 as pj
import structlog

from ivr.ports import (
    DtmfMethod,
    EndedBy,
    KeyPressed,
    LegAnswered,
    LegEarlyMedia,
    LegEnded,
    LegEvent,
    LegId,
    LegRinging,
    PlayFailed,
    PlayFinished,
    ReferProgressed,
    RtpStats,
    TextReceived,
)
from ivr.sip import codes, translate
from ivr.sip.call_change import CallChange
from ivr.sip.keys import key_of_info
from ivr.sip.media import LegMedia
from ivr.sip.media_lock import MediaLock

_GOODBYE_LIMIT_S: Final = 40.0
"""A BYE that nobody answers is given up after 32 s (64 times T1, RFC 3261 §17.1.2.2), or earlier by a setting."""

TEXT_LIMIT: Final = 1300
"""Characters of a text that are reported: it comes in one request (RFC 3428 §8)."""

log = structlog.get_logger(__name__)


class LegOwner(Protocol):
    """Who keeps the legs."""

    def emit(self, event: LegEvent) -> None:
        """Report an event to the application."""

    def now_s(self) -> float:
        """Instant for events."""

    def post(self, job: Callable[[], None]) -> None:
        """Do something on the SIP thread soon. From any thread."""

    def status_for_offer(self, sdp: str) -> int:
        """What to answer to an offer within a call."""

    def leg_ended(self, leg: Leg) -> None:
        """The leg's last event was sent; let go of it after the callback."""

    def following_call(self, leg: Leg) -> Any:
        """A call object for the leg that takes this one's place, or None when that is not wanted."""


class Leg:
    """State of one leg. Ends exactly once, whatever the library does."""

    def __init__(
        self, leg_id: LegId, owner: LegOwner, media: LegMedia, lock: MediaLock, *, is_incoming: bool, account: str
    ) -> None:
        self.id = leg_id
        self.owner = owner
        self.media = media
        self.lock = lock
        self.is_incoming = is_incoming
        self.account = account
        self.call: Any = None
        self.connection = 0
        """The library's number of the transport by which the INVITE came; 0 for a leg that we dialled."""
        self.is_ended = False
        self.is_decided = False
        """Somebody has said what becomes of an offered leg."""
        self.transaction = b""
        """Names the library's transaction of the INVITE; empty when it is not to be given up (any more)."""
        self.source = ""
        """Host whose half-open calls are counted; empty where they are not."""
        self.accepted_at_s: float | None = None
        """When we sent 200."""
        self.is_unacknowledged = False
        """It ended, and the ACK of our 200 had not come."""
        self.is_answered = False
        self.is_reported = not is_incoming
        """The application knows of it."""
        self.unreported_end: LegEnded | None = None
        """Set when the leg ended before the application knew of it."""
        self._info_cseq = -1
        self._texts: list[tuple[str, Callable[[int, str], None]]] = []
        """Messages that wait for their answer."""
        self._is_confirmed = False
        self._has_early_media = False
        self._is_ended_by_us = False
        self._is_answering = False
        """The library refuses here what it cannot answer, with a status of its own."""
        self._hung_up_at_s: float | None = None
        self._rtp: RtpStats | None = None
        media.on_finished = lambda play_id: owner.emit(PlayFinished(leg_id, owner.now_s(), play_id))
        media.on_failed = lambda play_id, reason: owner.emit(PlayFailed(leg_id, owner.now_s(), play_id, reason))

    def bind(self, call: Any) -> None:
        """Tie the library's call to this leg."""
        self.call, call.leg = call, self

    @property
    def is_accepted(self) -> bool:
        """We have sent 200."""
        return self.accepted_at_s is not None

    @property
    def is_half_open(self) -> bool:
        """A caller's leg whose answer, if there was one, is not acknowledged."""
        return self.is_incoming and not self.is_ended and not self._is_confirmed

    # --- from the library

    def state_changed(self, change: CallChange) -> None:
        """The call's state moved on."""
        if change.is_disconnected:
            self._disconnected(change)
        elif change.is_confirmed:
            self._is_confirmed = True
            self._report_answer()
        elif change.is_early and not self.is_incoming:
            self.owner.emit(LegRinging(self.id, self.owner.now_s(), change.sip_status))

    def _disconnected(self, change: CallChange) -> None:
        message = translate.parse_message(change.message)
        has_answered = self.is_answered or (self.is_accepted and not self._is_answering)
        status = codes.OK if has_answered else change.sip_status
        ended_by = EndedBy.NETWORK if change.is_network else EndedBy.REMOTE
        if self._is_ended_by_us or self._is_answering:
            ended_by = EndedBy.LOCAL
        self.end(ended_by, status, change.reason, translate.hangup_cause(message))

    def media_changed(self, audio: Any, stream: int, is_unanswered: bool) -> None:
        """Audio was negotiated, for the first time or anew; `stream`: its place among the call's media."""
        if self.is_ended:
            return
        if audio is None:
            self.media.detach()
        else:
            self.media.attach(audio)
            self.lock.begin(lambda: self.call, stream)
            if is_unanswered and not self.is_accepted:
                self._report_early_media()
            self._report_answer()

    def _report_early_media(self) -> None:
        if not self._has_early_media:
            self._has_early_media = True
            self.owner.emit(LegEarlyMedia(self.id, self.owner.now_s(), self._codec()))

    def _report_answer(self) -> None:
        if self._is_confirmed and self.media.is_up and not self.is_answered and not self.is_ended:
            self.is_answered = True
            self.owner.emit(LegAnswered(self.id, self.owner.now_s(), self._codec()))

    def _codec(self) -> str:
        try:
            return str(self.call.getStreamInfo(0).codecName)
        except pj.Error:
            return ""

    def stream_ended(self, rtp: RtpStats) -> None:
        """What an audio stream of it had counted."""
        self._rtp = self._rtp.plus(rtp) if self._rtp else rtp

    def key_pressed(self, raw_digit: str, method: DtmfMethod, duration_ms: int, at_s: float) -> None:
        """A new key press began."""
        digit = translate.dtmf_digit(raw_digit)
        if digit and not self.is_ended:
            held_s = translate.held_s(method, duration_ms)
            self.owner.emit(KeyPressed(self.id, at_s, digit, method, held_s))

    def key_heard(self, digit: str) -> None:
        """A key began in the audio."""
        self.key_pressed(digit, DtmfMethod.IN_AUDIO, 0, self.owner.now_s())

    def info_received(self, cseq: int, content_type: str, body: str) -> int:
        """Take an INFO of this call; the status of the answer. One that is repeated is answered again, not taken."""
        key = key_of_info(content_type, body)
        if key is None:
            return codes.UNSUPPORTED_MEDIA_TYPE if body else codes.OK
        if not key:
            return codes.BAD_REQUEST
        if cseq < self._info_cseq:
            return codes.SERVER_ERROR  # out of order (RFC 3261 §12.2.2)
        if cseq > self._info_cseq:
            self._info_cseq = cseq
            self.key_pressed(key, DtmfMethod.SIP_INFO, 0, self.owner.now_s())
        return codes.OK

    def refer_progressed(self, sip_status: int, reason: str, is_final: bool) -> None:
        """A NOTIFY or a refusal for our REFER."""
        if not self.is_ended:
            text = translate.clean(reason, translate.REASON_LIMIT)
            self.owner.emit(ReferProgressed(self.id, self.owner.now_s(), sip_status, is_final, text))

    def text_received(self, text: str) -> None:
        """A MESSAGE within the call."""
        if not self.is_ended:
            self.owner.emit(TextReceived(self.id, self.owner.now_s(), translate.clean(text, TEXT_LIMIT)))

    def text_answered(self, text: str, sip_status: int, reason: str) -> None:
        """The answer to the oldest of our messages with this text."""
        sent = next((each for each in self._texts if each[0] == text), None)
        if sent is not None:
            self._texts.remove(sent)
            sent[1](sip_status, translate.clean(reason, translate.REASON_LIMIT))

    def end(self, ended_by: EndedBy, sip_status: int, reason: str = "", hangup_cause: int | None = None) -> None:
        """Report the end, once."""
        if self.is_ended:
            return
        self.is_ended = True
        self.lock.end()
        for text, _ in list(self._texts):
            self.text_answered(text, codes.NO_SUCH_CALL, "the call is over")
        self.is_unacknowledged = self.is_accepted and not self._is_confirmed and codes.is_success(sip_status)
        ended = LegEnded(self.id, self.owner.now_s(), ended_by, sip_status, reason, hangup_cause, self._rtp)
        if self.is_reported:
            self.owner.emit(ended)
        else:
            self.unreported_end = ended
        self.owner.leg_ended(self)

    # --- commands

    def hang_up(self, sip_status: int = 0, hangup_cause: int | None = None, *, retry_after_s: int = 0) -> None:
        """End the call with the request or status that its state asks for (0), or refuse it with a status."""
        self.is_decided = self._is_ended_by_us = True
        self._hung_up_at_s = self.owner.now_s()
        self.media.routes.clear()
        # The library aborts the process when asked about a call that it never had.
        if self.call_number < 0:
            self.end(EndedBy.LOCAL, sip_status or codes.REQUEST_TERMINATED, "ended before it was sent")
            return
        parameters = pj.CallOpParam()
        parameters.statusCode = sip_status
        if hangup_cause is not None:
            add_headers(parameters, [("Reason", codes.reason_header_value(hangup_cause))])
        if retry_after_s:
            add_headers(parameters, [("Retry-After", str(retry_after_s))])
        self._try("hang_up", lambda: self.call.hangup(parameters))

    def answer(self, sip_status: int) -> None:
        """Send a provisional status or 200; there is nothing to answer on a leg that we dialled."""
        if self.is_ended or not self.is_incoming or (self.is_accepted and not codes.is_success(sip_status)):
            return
        self.is_decided = True
        if codes.is_success(sip_status) and not self.is_accepted:
            self.accepted_at_s = self.owner.now_s()
        parameters = pj.CallOpParam(True)
        parameters.statusCode = sip_status
        parameters.opt.audioCount, parameters.opt.videoCount = 1, 0
        self._is_answering = True
        self._try("answer", lambda: self.call.answer(parameters))
        self._is_answering = False

    def start_early_media(self) -> None:
        """Send 183 with our answer; to a caller who made no offer, only 180 (RFC 3262 §5: ours could not go by it)."""
        if self.is_alive:
            has_offer = bool(self.call.getInfo().remOfferer)
            self.answer(codes.SESSION_PROGRESS if has_offer else codes.RINGING)

    def refer(self, uri: str) -> None:
        """Blind transfer."""
        if not self._try("refer", lambda: self.call.xfer(uri, pj.CallOpParam())):
            self.refer_progressed(codes.SERVICE_UNAVAILABLE, "REFER could not be sent", True)

    def refer_replacing(self, other: Leg) -> None:
        """Attended transfer."""
        if not self._try("refer", lambda: self.call.xferReplaces(other.call, pj.CallOpParam())):
            self.refer_progressed(codes.SERVICE_UNAVAILABLE, "REFER could not be sent", True)

    def send_digits(self, digits: str, method: DtmfMethod = DtmfMethod.RFC4733) -> None:
        """Keys by RFC 4733, or by INFO."""
        parameters = pj.CallSendDtmfParam()
        is_info = method is DtmfMethod.SIP_INFO
        parameters.method = pj.PJSUA_DTMF_METHOD_SIP_INFO if is_info else pj.PJSUA_DTMF_METHOD_RFC2833
        parameters.digits = digits
        self._try("send_digits", lambda: self.call.sendDtmf(parameters))

    def send_text(self, text: str, report: Callable[[int, str], None]) -> None:
        """A MESSAGE within the call (RFC 3428 §4); `report` is called once."""
        parameters = pj.SendInstantMessageParam()
        parameters.contentType, parameters.content = "text/plain", text
        self._texts.append((text, report))
        if not self._try("send_text", lambda: self.call.sendInstantMessage(parameters)):
            self.text_answered(text, codes.NO_SUCH_CALL, "the call is over")

    def _try(self, command: str, run: Callable[[], None]) -> bool:
        """The other side may have been faster: that is no error. Its end is reported by the library."""
        if self.is_ended or self.call_number < 0:
            return False
        try:
            run()
        except pj.Error as error:
            log.info("sip.command_too_late", leg=self.id, command=command, reason=error.reason)
            if not self.is_alive:
                self.end(EndedBy.NETWORK, codes.NOT_ACCEPTABLE_HERE, translate.clean(error.reason, 128))
            return False
        return True

    @property
    def call_number(self) -> int:
        """The library's number of the call, negative when it has none."""
        return int(self.call.getId()) if self.call is not None else -1

    @property
    def sip_call_id(self) -> str:
        """The Call-ID; empty when the library has no such call."""
        return str(self.call.getInfo().callIdString) if self.is_alive else ""

    @property
    def is_alive(self) -> bool:
        """Whether the library still has the call."""
        return self.call_number >= 0 and bool(self.call.isActive())

    @property
    def is_leaving(self) -> bool:
        """Whether the answer to our BYE or CANCEL can still come; the library counts the call as ended before it."""
        return self._hung_up_at_s is not None and self.owner.now_s() - self._hung_up_at_s < _GOODBYE_LIMIT_S

    def release(self) -> Any:
        """Break the circle of references, and hand the call object over to whoever deletes it."""
        call, self.call = self.call, None
        if call is not None:
            call.leg = None
        return call


def add_headers(parameters: Any, headers: list[tuple[str, str]]) -> None:
    """Extra headers of a request."""
    for name, value in headers:
        header = pj.SipHeader()
        header.hName, header.hValue = name, value
        parameters.txOption.headers.append(header)
