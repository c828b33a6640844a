"""One leg: the library's call object on one side, our events on the other. SIP thread only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
)
from ivr.sip import codes, translate
from ivr.sip.keys import KeyPresses, key_of_info
from ivr.sip.media import LegMedia

_GOODBYE_LIMIT_S: Final = 40.0
"""A BYE that nobody answers is given up after 32 s (64 times T1, RFC 3261 §17.1.2.2), or earlier by a setting."""
_IS_END: Final = 2
"""`PJMEDIA_STREAM_DTMF_IS_END`: the key was released."""
_AUDIO_STATES: Final = (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallChange:
    """What a change of the call's state was, copied out of the callback."""

    is_early: bool
    is_confirmed: bool
    is_disconnected: bool
    sip_status: int
    reason: str
    message: str
    """The SIP message that brought it; empty for a timer or a transport error."""
    is_network: bool
    """Nobody said so: a timer ran out or the transport failed."""


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


class LegCall(pj.Call):  # type: ignore[misc]  # the library's bindings are untyped
    """Copies callback values for its leg. No exception leaves a callback: its traceback would keep the call alive."""

    def __init__(self, account: Any, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        pj.Call.__init__(self, account, call_id)
        self.leg: Leg | None = None
        self._presses = KeyPresses()

    def onCallState(self, prm: Any) -> None:
        self._guard("onCallState", lambda leg: leg.state_changed(_call_change(self.getInfo(), prm.e)))

    def onCallMediaState(self, prm: Any) -> None:
        self._guard("onCallMediaState", lambda leg: leg.media_changed(*self._audio()))

    def _audio(self) -> tuple[Any, bool]:
        """The first audio stream that is up, else None; and whether the call is not answered yet."""
        info = self.getInfo()  # its list of media lives only as long as it does
        is_unanswered = info.state < pj.PJSIP_INV_STATE_CONNECTING
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status in _AUDIO_STATES:
                return self.getAudioMedia(index), is_unanswered
        return None, is_unanswered

    def onDtmfEvent(self, prm: Any) -> None:
        """On the library's media thread, each packet of an RFC 4733 key; keys by INFO are not left to the library."""
        if prm.method == pj.PJSUA_DTMF_METHOD_SIP_INFO:
            return
        report = (str(prm.digit), int(prm.timestamp), int(prm.duration), bool(prm.flags & _IS_END))
        self._guard("onDtmfEvent", lambda leg: self._key_reported(leg, *report))

    def _key_reported(self, leg: Leg, digit: str, timestamp_ms: int, duration_ms: int, is_end: bool) -> None:
        at_s = leg.owner.now_s()
        if self._presses.is_new(digit, timestamp_ms, duration_ms, is_end=is_end, at_s=at_s):
            leg.owner.post(partial(leg.key_pressed, digit, DtmfMethod.RFC4733, duration_ms, at_s))

    def onStreamDestroyed(self, prm: Any) -> None:
        index = int(prm.streamIdx)
        self._guard("onStreamDestroyed", lambda leg: leg.stream_ended(self._rtp_stats(index)))

    def _rtp_stats(self, index: int) -> RtpStats:
        stats = self.getStreamStat(index).rtcp
        received, sent = stats.rxStat, stats.txStat
        return RtpStats(int(sent.pkt), int(received.pkt), int(received.loss), received.jitterUsec.mean / 1000)

    def onCallTransferStatus(self, prm: Any) -> None:
        status, reason, is_final = int(prm.statusCode), str(prm.reason), bool(prm.finalNotify)
        prm.cont = not is_final
        self._guard("onCallTransferStatus", lambda leg: leg.refer_progressed(status, reason, is_final))

    def onCallTransferRequest(self, prm: Any) -> None:
        prm.statusCode = codes.DECLINE
        self._guard("onCallTransferRequest", lambda leg: _follow(leg, prm, codes.ACCEPTED))

    def onCallRxOffer(self, prm: Any) -> None:
        sdp = str(prm.offer.wholeSdp)
        self._guard("onCallRxOffer", lambda leg: _judge(leg, prm, sdp))

    def onCallReplaceRequest(self, prm: Any) -> None:
        prm.statusCode, prm.reason = codes.DECLINE, "Replaces not accepted"
        self._guard("onCallReplaceRequest", lambda leg: _follow(leg, prm, codes.OK))

    def _guard(self, name: str, report: Callable[[Leg], None]) -> None:
        leg = self.leg
        if leg is None:
            return
        try:
            report(leg)
        except pj.Error as error:
            log.debug("sip.call_gone", callback=name, reason=error.reason)
        except Exception:
            log.exception("sip.callback_failed", callback=name)


def _judge(leg: Leg, prm: Any, sdp: str) -> None:
    prm.statusCode = leg.owner.status_for_offer(sdp)


def _follow(leg: Leg, prm: Any, sip_status: int) -> None:
    call = leg.owner.following_call(leg)
    if call is not None:
        prm.newCall, prm.statusCode, prm.reason = call, sip_status, ""


def _call_change(info: Any, event: Any) -> CallChange:
    message, is_network = "", False
    if event.type == pj.PJSIP_EVENT_TSX_STATE:
        change = event.body.tsxState
        if change.type == pj.PJSIP_EVENT_RX_MSG:
            message = str(change.src.rdata.wholeMsg)
        is_network = change.type in (pj.PJSIP_EVENT_TIMER, pj.PJSIP_EVENT_TRANSPORT_ERROR)
    elif event.type in (pj.PJSIP_EVENT_TIMER, pj.PJSIP_EVENT_TRANSPORT_ERROR):
        is_network = True
    return CallChange(
        is_early=info.state == pj.PJSIP_INV_STATE_EARLY,
        is_confirmed=info.state == pj.PJSIP_INV_STATE_CONFIRMED,
        is_disconnected=info.state == pj.PJSIP_INV_STATE_DISCONNECTED,
        sip_status=int(info.lastStatusCode),
        reason=translate.clean(info.lastReason, translate.REASON_LIMIT),
        message=message,
        is_network=is_network,
    )


class Leg:
    """State of one leg. Ends exactly once, whatever the library does."""

    def __init__(self, leg_id: LegId, owner: LegOwner, media: LegMedia, *, is_incoming: bool, account: str) -> None:
        self.id = leg_id
        self.owner = owner
        self.media = media
        self.is_incoming = is_incoming
        self.account = account
        self.call: Any = None
        self.connection = 0
        """The library's number of the transport by which the INVITE came; 0 for a leg that we dialled."""
        self.is_ended = False
        self.is_decided = False
        """Somebody has said what becomes of an offered leg."""
        self.is_accepted = False
        """We have sent 200."""
        self.is_answered = False
        self.is_reported = not is_incoming
        """The application knows of it."""
        self.unreported_end: LegEnded | None = None
        """Set when the leg ended before the application knew of it."""
        self._info_cseq = -1
        self._is_confirmed = False
        self._has_early_media = False
        self._is_ended_by_us = False
        self._hung_up_at_s: float | None = None
        self._rtp: RtpStats | None = None
        media.on_finished = lambda play_id: owner.emit(PlayFinished(leg_id, owner.now_s(), play_id))
        media.on_failed = lambda play_id, reason: owner.emit(PlayFailed(leg_id, owner.now_s(), play_id, reason))

    def bind(self, call: LegCall) -> None:
        """Tie the library's call to this leg."""
        self.call, call.leg = call, self

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
        status = codes.OK if self.is_accepted or self.is_answered else change.sip_status
        ended_by = EndedBy.NETWORK if change.is_network else EndedBy.REMOTE
        if self._is_ended_by_us:
            ended_by = EndedBy.LOCAL
        self.end(ended_by, status, change.reason, translate.hangup_cause(message))

    def media_changed(self, audio: Any, is_unanswered: bool) -> None:
        """Audio was negotiated, for the first time or anew."""
        if self.is_ended:
            return
        if audio is None:
            self.media.detach()
        else:
            self.media.attach(audio)
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
        """What its audio stream had counted."""
        self._rtp = rtp

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

    def end(self, ended_by: EndedBy, sip_status: int, reason: str = "", hangup_cause: int | None = None) -> None:
        """Report the end, once."""
        if self.is_ended:
            return
        self.is_ended = True
        ended = LegEnded(self.id, self.owner.now_s(), ended_by, sip_status, reason, hangup_cause, self._rtp)
        if self.is_reported:
            self.owner.emit(ended)
        else:
            self.unreported_end = ended
        self.owner.leg_ended(self)

    # --- commands

    def hang_up(self, sip_status: int = 0, hangup_cause: int | None = None) -> None:
        """End the call with the request or status that its state asks for (0), or refuse it with a status."""
        self.is_decided = self._is_ended_by_us = True
        self._hung_up_at_s = self.owner.now_s()
        # The library aborts the process when asked about a call that it never had.
        if self.call_number < 0:
            self.end(EndedBy.LOCAL, sip_status or codes.REQUEST_TERMINATED, "ended before it was sent")
            return
        parameters = pj.CallOpParam()
        parameters.statusCode = sip_status
        if hangup_cause is not None:
            add_headers(parameters, [("Reason", codes.reason_header_value(hangup_cause))])
        self._try("hang_up", lambda: self.call.hangup(parameters))

    def answer(self, sip_status: int) -> None:
        """Send a provisional status or 200; there is nothing to answer on a leg that we dialled."""
        if self.is_ended or not self.is_incoming or (self.is_accepted and not codes.is_success(sip_status)):
            return
        self.is_decided, self.is_accepted = True, self.is_accepted or codes.is_success(sip_status)
        parameters = pj.CallOpParam(True)
        parameters.statusCode = sip_status
        parameters.opt.audioCount, parameters.opt.videoCount = 1, 0
        self._try("answer", lambda: self.call.answer(parameters))

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
