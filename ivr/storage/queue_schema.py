"""The tables of agents and queues. Every change here needs a migration beside it.

Columns have the names of the fields that they keep (`ivr.acd`).
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from ivr.storage.schema import UtcDateTime, metadata


def _name(name: str, *, is_key: bool = False) -> Column[str]:
    return Column(name, String(64), primary_key=True) if is_key else Column(name, String(64), nullable=False)


def _instant(name: str) -> Column[object]:
    return Column(name, UtcDateTime, nullable=False)


agents = Table(
    "agents",
    metadata,
    _name("name", is_key=True),
    Column("sip", String(255), nullable=False),
    Column("skills", JSON, nullable=False),
    _name("state"),
    _instant("since_at"),
    Column("reason", String(255), nullable=False),
    Column("until_at", UtcDateTime),
    Column("then", String(64)),
    _name("queue"),
    _instant("idle_since_at"),
    _instant("offered_at"),
    Column("offers_made", Integer, nullable=False),
    Column("calls_taken", Integer, nullable=False),
)

waiting_calls = Table(
    "waiting_calls",
    metadata,
    _name("call_id", is_key=True),
    _name("queue"),
    Column("owner", String(255), nullable=False),
    _instant("arrived_at"),
    _instant("entered_at"),
    Column("priority", Integer, nullable=False),
    Column("skills", JSON, nullable=False),
    _name("state"),
    Column("connected_at", UtcDateTime),
    Column("refused_by", JSON, nullable=False),
    Column("context", JSON, nullable=False, server_default="{}"),
    Column("callback", String(255), nullable=False),
    Column("tries", Integer, nullable=False),
    _instant("not_before_at"),
)
Index("ix_waiting_calls_owner", waiting_calls.c.owner)

reservations = Table(
    "reservations",
    metadata,
    Column("offer_id", String(128), primary_key=True),
    Column("call_id", String(64), ForeignKey("waiting_calls.call_id"), nullable=False),
    Column("agent", String(64), ForeignKey("agents.name"), nullable=False),
    Column("owner", String(255), nullable=False),
    _instant("offered_at"),
)
Index("ix_reservations_agent", reservations.c.agent, unique=True)
Index("ix_reservations_call_id", reservations.c.call_id)
Index("ix_reservations_owner", reservations.c.owner)

talks = Table(
    "talks",
    metadata,
    Column("talk_id", String(128), primary_key=True),
    _name("call_id"),
    _name("agent"),
    _name("queue"),
    _instant("began_at"),
    _instant("ended_at"),
    Column("waited_s", Float, nullable=False),
    Column("context", JSON, nullable=False),
    Column("disposition", String(64), nullable=False),
    Column("note", Text, nullable=False),
)
Index("ix_talks_call_id", talks.c.call_id)
Index("ix_talks_agent", talks.c.agent, talks.c.ended_at)

queue_leases = Table(
    "queue_leases",
    metadata,
    Column("owner", String(255), primary_key=True),
    _instant("until_at"),
)

queue_events = Table(
    "queue_events",
    metadata,
    Column("id", Integer, primary_key=True),
    _instant("at"),
    _name("kind"),
    _name("queue"),
    _name("call_id"),
    _name("agent"),
    Column("detail", String(255), nullable=False),
    Column("seconds", Float, nullable=False),
)
Index("ix_queue_events_at", queue_events.c.at)
Index("ix_queue_events_queue", queue_events.c.queue, queue_events.c.at)
