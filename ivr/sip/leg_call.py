"""The library's call object, which copies what callbacks bring for its leg. SIP thread only, but for keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pjsua2 as pj
import structlog

from ivr.ports import DtmfMethod, RtpStats
from ivr.sip import codes
from ivr.sip.call import Leg
from ivr.sip.call_change import call_change
from ivr.sip.keys import KeyPresses

_IS_END: Final = 2
"""`PJMEDIA_STREAM_DTMF_IS_END`: the key was released."""
_AUDIO_STATES: Final = (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD)

log = structlog.get_logger(__name__)


class LegCall(pj.Call):  # type: ignore[misc]  # the library's bindings are untyped
    """Copies callback values for its leg. No exception leaves a callback: its traceback would keep the call alive."""

    def __init__(self, account: Any, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        pj.Call.__init__(self, account, call_id)
        self.leg: Leg | None = None
        self._presses = KeyPresses()

    def onCallState(self, prm: Any) -> None:
        self._guard("onCallState", lambda leg: leg.state_changed(call_change(self.getInfo(), prm.e)))

    def onCallMediaState(self, prm: Any) -> None:
        self._guard("onCallMediaState", lambda leg: leg.media_changed(*self._audio()))

    def _audio(self) -> tuple[Any, int, bool]:
        """The first audio stream that is up, else None; its place; and whether the call is not answered yet."""
        info = self.getInfo()  # its list of media lives only as long as it does
        is_unanswered = info.state < pj.PJSIP_INV_STATE_CONNECTING
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status in _AUDIO_STATES:
                return self.getAudioMedia(index), index, is_unanswered
        return None, -1, is_unanswered

    def onDtmfEvent(self, prm: Any) -> None:
        """On the media thread, each packet of an RFC 4733 key; keys by INFO are not left to the library."""
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
        jitter_ms, round_trip_ms = received.jitterUsec.mean / 1000, stats.rttUsec.mean / 1000
        return RtpStats(int(sent.pkt), int(received.pkt), int(received.loss), jitter_ms, round_trip_ms)

    def onCallTransferStatus(self, prm: Any) -> None:
        status, reason, is_final = int(prm.statusCode), str(prm.reason), bool(prm.finalNotify)
        prm.cont = not is_final
        self._guard("onCallTransferStatus", lambda leg: leg.refer_progressed(status, reason, is_final))

    def onCallTransferRequest(self, prm: Any) -> None:
        prm.statusCode = codes.DECLINE
        self._guard("onCallTransferRequest", lambda leg: _follow(leg, prm, codes.ACCEPTED))

    def onInstantMessage(self, prm: Any) -> None:
        text = str(prm.msgBody) if str(prm.contentType).startswith("text/plain") else ""
        self._guard("onInstantMessage", lambda leg: leg.text_received(text))

    def onInstantMessageStatus(self, prm: Any) -> None:
        text, status, reason = str(prm.msgBody), int(prm.code), str(prm.reason)
        if status >= codes.OK:
            self._guard("onInstantMessageStatus", lambda leg: leg.text_answered(text, status, reason))

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
