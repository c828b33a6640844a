"""What is told about a call."""

from __future__ import annotations

import json

import pytest

from ivr.phone.report import CallReport, Heard, as_json, refusal, summary
from ivr.ports import EndedBy, RtpStats

pytestmark = pytest.mark.unit


def answered_call() -> CallReport:
    return CallReport(
        "sip:demo@127.0.0.1",
        answered=True,
        sip_status=200,
        codec="PCMA",
        duration_s=12.3456,
        ended_by=EndedBy.REMOTE,
        heard=[Heard(0.256, "hello", 0.98765)],
        pressed="12",
        said=["sales"],
        record="a.wav",
        rtp=RtpStats(600, 599, 1, 0.5),
    )


def test_json_has_everything_of_the_call() -> None:
    assert json.loads(json.dumps(as_json(answered_call()))) == {
        "uri": "sip:demo@127.0.0.1",
        "answered": True,
        "sip_status": 200,
        "reason": "",
        "duration_s": 12.346,
        "early_media_s": 0.0,
        "ended_by": "remote",
        "codec": "PCMA",
        "heard": [{"at_s": 0.26, "text": "hello", "confidence": 0.988}],
        "keys_heard": "",
        "pressed": "12",
        "said": ["sales"],
        "played": [],
        "transferred": False,
        "record": "a.wav",
        "rtp": {"sent": 600, "received": 599, "lost": 1, "jitter_ms": 0.5},
        "headers": {},
        "problems": [],
    }


def test_summary_tells_duration_codec_who_hung_up_and_what_was_heard() -> None:
    text = "\n".join(summary(answered_call()))
    for part in ("12.3 s", "PCMA", "the other side hung up", "hello", "pressed: 12", "a.wav", "1 lost"):
        assert part in text


@pytest.mark.parametrize(
    ("status", "ended_by", "words"),
    [
        (486, EndedBy.REMOTE, "busy (SIP 486"),
        (404, EndedBy.REMOTE, "not found"),
        (603, EndedBy.REMOTE, "declined"),
        (408, EndedBy.NETWORK, "nobody answers at host:5060"),
        (503, EndedBy.NETWORK, "nobody answers at host:5060"),
        (502, EndedBy.NETWORK, "no route"),
        (499, EndedBy.REMOTE, "was not answered (SIP 499"),
    ],
)
def test_a_refusal_says_why_with_the_status(status: int, ended_by: EndedBy, words: str) -> None:
    report = CallReport("sip:x@host", sip_status=status, ended_by=ended_by)
    assert words in refusal(report, "host:5060")
