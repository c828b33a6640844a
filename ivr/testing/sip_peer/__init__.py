"""An independent SIP and RTP endpoint in pure Python: test caller, agent's telephone, measuring instrument.

It shares no code with the bot's SIP library. Everything runs on one asyncio loop, RTP on one thread per peer.
Instants named `*_at_s` are time.monotonic() seconds; audio is numpy int16 at 8 kHz; a full-scale sine is 0 dBFS.

    async with SipPeer(user="alice") as alice:
        call = await alice.dial("sip:100@127.0.0.1:5080", timeout_s=5)
        await call.wait_sound()                                    # the greeting has begun
        (key,) = await call.press("1")
        quiet_at_s = await call.wait_silence(after_s=key.started_at_s)
        await call.wait_ended(10)
        assert call.ended_by == "remote"

`SipPeer(*, host="127.0.0.1", port=0, user="caller", password=None, registrar=None, transport="udp"|"tcp",
codecs=("PCMU", "PCMA"), telephone_event=True, offers_video=False, incoming=AnswerAfter(), refer=FollowRefer(),
display_name="", rtp_ports=(24000, 32000))`; leaving the context ends all calls (BYE, CANCEL, 480), unregisters, closes
everything.

    await register(expires_s=3600) -> SipResponse                  TelephonyError if refused; 0 unregisters
    await dial(uri, *, codecs, headers, timeout_s=30, from_user, from_name, next_hop, late_offer) -> PeerCall
                                                                   waits for the final response, never raises for it
    await invite(uri, ...same without timeout_s) -> PeerCall       returns at once
    await wait_call(timeout_s=10) -> PeerCall                      the next incoming call, not yet answered
    incoming_policy = AnswerAfter(after_s=0, rings=True) | RingForever() | Reject(status, after_s=0) | BUSY | DECLINE
                      | NOT_FOUND | async callback(call)           using call.ring/progress/answer/reject
    refer_policy = FollowRefer(hangs_up=False) | RefuseRefer(603) | FailRefer(503, after_s=0) | IgnoreRefer()
    uri, address, calls, refused
    invite_text(uri, headers, body) -> bytes; send_raw(data, addr); await raw_response(timeout_s=2, containing=b"")
    await options(addr, timeout_s=2) -> SipResponse                408 if nothing answers

`PeerCall`, the SIP side:

    status, reason, is_answered, is_ended, ended_by ("local" | "remote" | "network"), provisional, final, call_id,
    invited_at_s, answered_at_s, ended_at_s, invite_request, header(name), requests, requests_of(method), notifies,
    replaced, transferred_to, remote_sdp, codec, dialog
    await wait_answered | wait_final | wait_ended(timeout_s=10), wait_provisional(status), wait_request(method)
    await hang_up(headers=None); await cancel(); abandon(); ring(180); progress(183); answer(); reject(status, headers)
    await reinvite(direction) -> SipResponse; await send_request(method, headers, body, content_type) -> SipResponse
    await refer(uri, replaces=other_call) -> SipResponse; await wait_refer_done() -> ReferNotify

and the audio side (silence is sent whenever nothing is queued):

    send_wav(path | int16 array, loop=False, drop_packets=()) -> Sending
    send_tone(hz, duration_s, level_dbfs=-12) -> Sending
    stop_sending(); Sending: await wait(timeout_s), started_at_s, ended_at_s, is_done
    await press(keys, method="rfc4733"|"info", duration_ms=100, gap_ms=100, volume=10, end_packets=3, has_marker=True,
                held_ms=0, drop_packets=()) -> list[Sending]       one per key; started_at_s = its first packet
    received_keys, received_digits, await wait_digits("12#", timeout_s=5)
    await wait_sound(timeout_s=5, after_s=None, threshold_dbfs=-45) -> at_s     arrival of the first loud frame
    await wait_silence(timeout_s=5, after_s=None, threshold_dbfs=-45, sustain_s=0.2) -> at_s
    received_audio(zero_s=None, end_s=None, slack_ms=40), sent_audio(...), since_answer_s(at_s), write_stereo_wav(path)
    rtp_stats(from_s, to_s) -> RtpStats(packets, lost, gap_p50_ms, gap_p99_ms, gap_max_ms, jitter_ms)
    received, sent: list[TimedPacket]; stream.max_late_ms, stream.skipped: the instrument's own error

`measure`: level_dbfs, tone_level_dbfs, first_sound_s, silence_begins_s, spans_of_tone, tone.
"""

from ivr.testing.sip_peer.call import PeerCall
from ivr.testing.sip_peer.call_state import Provisional, ReferNotify, TimedRequest
from ivr.testing.sip_peer.peer import SipPeer
from ivr.testing.sip_peer.policy import (
    BUSY,
    DECLINE,
    NOT_FOUND,
    AnswerAfter,
    FailRefer,
    FollowRefer,
    IgnoreRefer,
    IncomingPolicy,
    ReferPolicy,
    RefuseRefer,
    Reject,
    RingForever,
)
from ivr.testing.sip_peer.recording import ReceivedKey, RtpStats, TimedPacket
from ivr.testing.sip_peer.stream import Sending

__all__ = [
    "BUSY",
    "DECLINE",
    "NOT_FOUND",
    "AnswerAfter",
    "FailRefer",
    "FollowRefer",
    "IgnoreRefer",
    "IncomingPolicy",
    "PeerCall",
    "Provisional",
    "ReceivedKey",
    "ReferNotify",
    "ReferPolicy",
    "RefuseRefer",
    "Reject",
    "RingForever",
    "RtpStats",
    "Sending",
    "SipPeer",
    "TimedPacket",
    "TimedRequest",
]
