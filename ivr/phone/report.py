"""What came of a call, for programs and for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ivr.ports import EndedBy, RtpStats

_REFUSALS: Final[Mapping[int, str]] = {
    401: "the other side wants a password; give --account, --registrar and --password-env",
    403: "the other side does not let us call",
    404: "not found: there is nobody of that name or number",
    407: "the other side wants a password; give --account, --registrar and --password-env",
    408: "nobody answers at that address",
    410: "that name or number is no longer in use",
    480: "not reachable at the moment",
    484: "the number is not complete",
    486: "busy",
    487: "given up before it was answered",
    488: "no codec in common; try --codec",
    502: "no route to that host",
    503: "the other side cannot take calls now, or cannot be reached",
    600: "busy everywhere",
    603: "declined",
    604: "does not exist anywhere",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance of the other side."""

    at_s: float
    """When it began, from the answer on (negative before it); in a call without an answer, from the first audio on."""
    text: str
    confidence: float


@dataclass(slots=True)
class CallReport:
    """Grows during the call."""

    uri: str
    """Who was called, or who called."""
    is_outgoing: bool = True
    answered: bool = False
    sip_status: int = 0
    reason: str = ""
    codec: str = ""
    duration_s: float = 0.0
    """From answer to end."""
    early_media_s: float = 0.0
    """So long the other side could be heard before the answer."""
    ended_by: EndedBy | None = None
    heard: list[Heard] = field(default_factory=list)
    pressed: str = ""
    said: list[str] = field(default_factory=list)
    played: list[str] = field(default_factory=list)
    keys_heard: str = ""
    transferred: bool = False
    """Whether it followed the other side's REFER, or an INVITE with Replaces."""
    record: str | None = None
    rtp: RtpStats | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """X-* and similar headers of a call that came in."""
    problems: list[str] = field(default_factory=list)
    """What did not work and why; the call went on."""


def as_json(report: CallReport) -> dict[str, object]:
    """The object that `--json` prints."""
    rtp = report.rtp
    return {
        "uri": report.uri,
        "answered": report.answered,
        "sip_status": report.sip_status,
        "reason": report.reason,
        "duration_s": round(report.duration_s, 3),
        "early_media_s": round(report.early_media_s, 3),
        "ended_by": str(report.ended_by) if report.ended_by else None,
        "codec": report.codec or None,
        "heard": [
            {"at_s": round(item.at_s, 2), "text": item.text, "confidence": round(item.confidence, 3)}
            for item in report.heard
        ],
        "keys_heard": report.keys_heard,
        "pressed": report.pressed,
        "said": list(report.said),
        "played": list(report.played),
        "transferred": report.transferred,
        "record": report.record,
        "rtp": None
        if rtp is None
        else {"sent": rtp.sent, "received": rtp.received, "lost": rtp.lost, "jitter_ms": round(rtp.jitter_ms, 2)},
        "headers": dict(report.headers),
        "problems": list(report.problems),
    }


def refusal(report: CallReport, host: str) -> str:
    """Why a call was not answered: one sentence with the SIP status."""
    reason = f" {report.reason}" if report.reason else ""
    status = f"SIP {report.sip_status}{reason}" if report.sip_status else "no SIP status"
    if report.ended_by is EndedBy.NETWORK and report.sip_status in (408, 503):
        return f"{report.uri}: nobody answers at {host} ({status}); check the address, and that the bot runs there"
    text = _REFUSALS.get(report.sip_status, "the call was not answered")
    return f"{report.uri}: {text} ({status})"


def summary(report: CallReport) -> list[str]:
    """Lines for people, at the end of an answered call."""
    lines = [f"call of {report.duration_s:.1f} s" + (f", {report.codec}" if report.codec else "") + f"; {_end(report)}"]
    if report.transferred:
        lines.append("the other side handed the call over, and it went on")
    if report.rtp is not None:
        rtp = report.rtp
        lines.append(
            f"audio: {rtp.received} packets in, {rtp.lost} lost, jitter {rtp.jitter_ms:.1f} ms, {rtp.sent} out"
        )
    if report.pressed:
        lines.append(f"pressed: {report.pressed}")
    if report.early_media_s:
        lines.append(f"heard for {report.early_media_s:.1f} s before the answer")
    lines += [f"said: {text}" for text in report.said]
    lines += _heard_lines(report)
    if report.keys_heard:
        lines.append(f"keys heard: {report.keys_heard}")
    lines += _recording_lines(report)
    return lines + [f"note: {text}" for text in report.problems]


def early_summary(report: CallReport) -> list[str]:
    """Lines for people, of a call that was not answered and yet could be heard."""
    if not report.early_media_s:
        return []
    first = f"heard for {report.early_media_s:.1f} s without an answer"
    return [first, *_heard_lines(report), *_recording_lines(report)]


def _heard_lines(report: CallReport) -> list[str]:
    return [f"heard {item.at_s:6.1f} s: {item.text}" for item in report.heard]


def _recording_lines(report: CallReport) -> list[str]:
    return [f"recording: {report.record} (left: sent, right: heard)"] if report.record else []


def _end(report: CallReport) -> str:
    if report.ended_by is EndedBy.LOCAL:
        return "we hung up"
    return "the other side hung up" if report.ended_by is EndedBy.REMOTE else "the connection was lost"
