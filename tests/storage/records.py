"""Records to write, and a way to wait for what came of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from ivr.acd.agent import Act
from ivr.acd.queue import WaitingCall
from ivr.config_queues import QueueSettings
from ivr.ports import CallEnded, CallLog, CallStarted, EndReason, StepRecord
from ivr.storage.queues import DatabaseQueues

BEGIN = datetime(2026, 3, 29, 0, 59, 58, 250_000, tzinfo=UTC)
BERLIN_SUMMER = timezone(timedelta(hours=2))


def at(offset_s: float) -> datetime:
    return BEGIN + timedelta(seconds=offset_s)


def started(call_id: str = "call-1", worker: str = "host/1", offset_s: float = 0.0) -> CallStarted:
    return CallStarted(
        call_id=call_id,
        started_at=at(offset_s),
        ani="+493012345",
        dnis="100",
        account="trunk",
        flow="demo",
        flow_version="a1b2c3d4e5",
        sip_call_id=f"{call_id}@10.0.0.1",
        worker=worker,
    )


def menu_step(call_id: str = "call-1", sequence: int = 1) -> StepRecord:
    return StepRecord(
        call_id=call_id,
        sequence=sequence,
        step="main_menu",
        kind="menu",
        started_at=at(1.0),
        ended_at=at(4.5).astimezone(BERLIN_SUMMER),
        attempt=1,
        outcome="match",
        mode="voice",
        prompt="Sales or “support”?\nSay it, or press – 1 äöü",
        heard="sales please",
        meaning="sales",
        confidence=0.875,
    )


def ended(call_id: str = "call-1", reason: EndReason = EndReason.TRANSFERRED) -> CallEnded:
    return CallEnded(
        call_id=call_id,
        answered_at=at(0.5),
        ended_at=at(61.75),
        end_reason=reason,
        ended_by="caller",
        sip_status=200,
        hangup_cause=16,
        transfer_target="sales",
        rtp_loss=0.0125,
        rtp_jitter_ms=2.5,
        mos=4.25,
        variables={"amount": 12.5, "items": ["a", {"b": None}], "pin": "***", "schön": True},
    )


def write_call(log: CallLog, call_id: str, steps: int = 3, worker: str = "host/1") -> None:
    log.call_started(started(call_id, worker))
    for sequence in range(1, steps + 1):
        log.step_done(menu_step(call_id, sequence))
    log.call_ended(ended(call_id))


def write_talk(url: str, call_id: str, disposition: str, note: str) -> None:
    """With agent anna of the queue sales, from 10 s to 60 s of the call, into a database that is there."""
    opened = DatabaseQueues(url, {"sales": QueueSettings(dispositions=(disposition,))})
    opened.add_agent("anna", "sip:anna@pbx", {})
    opened.agent_acts("anna", Act.LOG_IN, at(0))
    opened.enter(WaitingCall(call_id, "sales", "host/1", at(2), at(2)), at(2))
    (ring,) = opened.match("host/1", at(3))
    opened.connect(ring.offer_id, at(10))
    opened.end(call_id, at(60))
    opened.note_talk(ring.offer_id, "anna", disposition, note, at(65))
    opened.close()
