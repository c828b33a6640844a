"""The tables of video rooms. Every change here needs a migration beside it.

A call's own row may be written later than these, so that no key leads there.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from ivr.storage.schema import UtcDateTime, metadata

video_visits = Table(
    "video_visits",
    metadata,
    Column("visit", String(64), primary_key=True),
    Column("call_id", String(64), nullable=False),
    Column("room", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("heard_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
)
Index("ix_video_visits_call_id", video_visits.c.call_id)
Index("ix_video_visits_heard_at", video_visits.c.heard_at)

video_links = Table(
    "video_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("visit", String(64), ForeignKey("video_visits.visit", ondelete="CASCADE"), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),
)

video_members = Table(
    "video_members",
    metadata,
    Column("member_hash", String(64), primary_key=True),
    Column("visit", String(64), ForeignKey("video_visits.visit", ondelete="CASCADE"), nullable=False),
    Column("who", String(64), nullable=False),
    Column("joined_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("left_at", UtcDateTime),
)
Index("ix_video_members_visit", video_members.c.visit)
