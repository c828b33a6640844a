"""Who was in the video rooms of a call, as its record shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select

from ivr.calls.record import CallRecord, StepLine
from ivr.ports.video import Member
from ivr.storage.video_schema import video_members as members
from ivr.storage.video_schema import video_visits as visits

KIND = "video"


def members_of(call_id: str) -> Any:
    """A SELECT of the `Member`s of a call, in the order in which they came."""
    left_at = func.coalesce(members.c.left_at, members.c.seen_at, type_=members.c.seen_at.type)
    chosen = select(members.c.who, members.c.joined_at, left_at.label("left_at"))
    own = chosen.join(visits, visits.c.visit == members.c.visit).where(visits.c.call_id == call_id)
    return own.order_by(members.c.joined_at)


def member_of(row: Any) -> Member:
    """A row of that SELECT."""
    return Member(row.who, row.joined_at, row.left_at)


def with_members(record: CallRecord, found: Sequence[Member]) -> CallRecord:
    """The record whose steps tell who was there, and for how long."""
    return replace(record, steps=tuple(_told(step, _there(record, step, found)) for step in record.steps))


def _there(record: CallRecord, step: StepLine, found: Sequence[Member]) -> list[Member]:
    """Those who joined before this step ended, and after the one before; whoever came later came to the last one."""
    if step.kind != KIND:
        return []
    ends = [each.ended_at for each in record.steps if each.kind == KIND]
    before = [end for end in ends if end < step.ended_at]
    is_last = step.ended_at == ends[-1]
    return [
        each
        for each in found
        if (is_last or each.joined_at <= step.ended_at) and (not before or each.joined_at > before[-1])
    ]


def _told(step: StepLine, there: Sequence[Member]) -> StepLine:
    told = [f"{each.who} {max(0.0, (each.left_at - each.joined_at).total_seconds()):.0f} s" for each in there]
    return replace(step, detail="; ".join([*([step.detail] if step.detail else []), *told])) if told else step
