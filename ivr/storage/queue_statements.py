"""What is asked of the tables of queues, and how two who ask are kept apart."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, exists, or_, select, text

from ivr.acd.agent import AgentState
from ivr.acd.floor import Ring
from ivr.acd.queue import CallState, Queues, rules_of
from ivr.acd.talk import Talk
from ivr.storage.queue_floor import Draft, talk_of
from ivr.storage.queue_schema import agents, queue_leases, reservations, talks, waiting_calls
from ivr.storage.rows import insert_for
from ivr.storage.schema import calls

_MATCH_LOCK: Final = 0x49565202
_COUNT_LOCK: Final = 0x49565203
"""Name our locks among the advisory locks of a PostgreSQL database."""
_RING_COLUMNS: Final = (
    reservations.c.offer_id,
    reservations.c.call_id,
    waiting_calls.c.queue,
    reservations.c.agent,
    agents.c.sip,
    waiting_calls.c.callback,
    reservations.c.offered_at,
)
"""In the order of the fields of Ring."""


def load_of_agent(draft: Draft, name: str) -> None:
    """The agent, the call that is offered or talked to, and its other offers with their agents."""
    calls = draft.connection.scalars(select(reservations.c.call_id).where(reservations.c.agent == name)).all()
    if calls:
        draft.load_calls(waiting_calls.c.call_id.in_(calls))
        draft.load_offers(reservations.c.call_id.in_(calls))
    draft.load_their_agents(name)


def has_all_offers(draft: Draft, name: str) -> bool:
    """Whether nothing was offered to the agent, or taken away, between the look at the offers and the lock."""
    has_one = any(offer.agent == name for offer in draft.floor.offers.values())
    return has_one or draft.floor.agents[name].state not in (AgentState.RESERVED, AgentState.ON_CALL)


def way_of(queues: Queues, queue: str) -> list[str]:
    """The queue, and those into which it overflows."""
    way = [queue]
    while (after := rules_of(queues, way[-1]).overflow) is not None and after not in way:
        way.append(after)
    return way


def renew(connection: Connection, owner: str, until_at: datetime) -> None:
    """A process lives, and is taken for alive until then."""
    statement = insert_for(connection, queue_leases).values(owner=owner, until_at=until_at)
    connection.execute(
        statement.on_conflict_do_update(index_elements=[queue_leases.c.owner], set_={"until_at": until_at})
    )


def is_ours(connection: Connection) -> bool:
    """Whether it is we who match, until the end of the transaction; else somebody else does, and looks again after it.

    Nobody waits for that: on a busy machine whoever matches may be slow. SQLite has one writer at a time anyway.
    """
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _MATCH_LOCK}))


def lock_counting(connection: Connection) -> None:
    """Until the end of the transaction nobody else counts calls to see whether there is room for one."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _COUNT_LOCK})


def rings_of(connection: Connection, owner: str) -> tuple[Ring, ...]:
    """What a process has to ring. By one statement: between two, an offer could be over."""
    ringing = (
        select(*_RING_COLUMNS)
        .join_from(reservations, waiting_calls)
        .join(agents)
        .where(reservations.c.owner == owner, waiting_calls.c.state == CallState.OFFERED.value)
        .order_by(reservations.c.offer_id)
    )
    return tuple(Ring(*row) for row in connection.execute(ringing))


def talks_worked_on(connection: Connection) -> tuple[Talk, ...]:
    """By agent; as `ivr.acd.talk.is_worked_on`."""
    is_last = (talks.c.agent == agents.c.name) & (talks.c.ended_at == agents.c.since_at)
    chosen = (
        select(talks).join(agents, is_last).where(agents.c.state == AgentState.WRAP_UP.value).order_by(agents.c.name)
    )
    return tuple(talk_of(row) for row in connection.execute(chosen).mappings())


def talk_for_noting(connection: Connection, talk_id: str, agent: str) -> Talk | None:
    """The agent's talk, locked; None where there is no such one."""
    chosen = select(talks).where(talks.c.talk_id == talk_id, talks.c.agent == agent).with_for_update()
    row = connection.execute(chosen).mappings().first()
    return talk_of(row) if row else None


def is_forgotten(before: datetime) -> ColumnElement[bool]:
    """Of a talk: it is old, and its call has no record (any more)."""
    return (talks.c.ended_at < before) & ~exists().where(calls.c.id == talks.c.call_id)


def is_dead(now: datetime) -> ColumnElement[bool]:
    """Of a lease."""
    return queue_leases.c.until_at <= now


def is_due(now: datetime) -> ColumnElement[bool]:
    """Of a call: as `ivr.acd.queue.is_due`."""
    return (waiting_calls.c.state == CallState.WAITING.value) & (waiting_calls.c.not_before_at <= now)


def is_free(now: datetime) -> ColumnElement[bool]:
    """Of an agent, whose wrap-up may be over by now."""
    is_over = (agents.c.state == AgentState.WRAP_UP.value) & (agents.c.until_at <= now)
    return or_(agents.c.state == AgentState.AVAILABLE.value, is_over)


def can_match(connection: Connection, now: datetime) -> bool:
    """Whether there is a call and an agent, which spares most of the locking."""
    return bool(connection.scalar(select(exists().where(is_due(now)) & exists().where(is_free(now)))))
