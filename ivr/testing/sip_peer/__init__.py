"""An independent SIP and RTP endpoint in pure Python: test caller, agent's telephone, measuring instrument."""

from ivr.testing.sip_peer.call import PeerCall, Provisional, ReferNotify, TimedRequest
from ivr.testing.sip_peer.media import Sending
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
