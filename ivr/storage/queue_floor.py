"""Puts rows of agents, calls and offers on a floor, and keeps what an act has changed there.

Rows are locked as they are read, in one order everywhere (calls, then agents, each by name), so that nobody waits in a
circle. SQLite locks the whole database when a transaction begins, and is asked for no locks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, select, true

from ivr.acd.agent import Agent, AgentState
from ivr.acd.events import EventKind, QueueEvent
from ivr.acd.floor import Floor, Offer
from ivr.acd.queue import CallState, Queues, WaitingCall
from ivr.acd.talk import Talk
from ivr.storage.queue_schema import agents, queue_events, reservations, talks, waiting_calls

Lock = Literal["none", "wait", "skip"]
"""`skip`: rows that somebody else is changing are left out."""

_AGENT_FIELDS, _CALL_FIELDS, _OFFER_FIELDS, _EVENT_FIELDS, _TALK_FIELDS = (
    tuple(each.name for each in fields(kind)) for kind in (Agent, WaitingCall, Offer, QueueEvent, Talk)
)


@dataclass(slots=True)
class Draft:
    """A floor, and what was on it as it was read."""

    connection: Connection
    floor: Floor
    _agents: dict[str, Agent] = field(default_factory=dict)
    _calls: dict[str, WaitingCall] = field(default_factory=dict)
    _offers: dict[str, Offer] = field(default_factory=dict)

    def load_agents(self, where: ColumnElement[bool] = true(), lock: Lock = "wait") -> None:
        """Put them on the floor."""
        statement = _locked(select(agents).where(where).order_by(agents.c.name), lock)
        for row in self.connection.execute(statement).mappings():
            self._agents[row["name"]] = self.floor.agents[row["name"]] = _agent(row)

    def load_calls(self, where: ColumnElement[bool] = true(), lock: Lock = "wait") -> None:
        """Put them on the floor."""
        self._take_calls(_locked(select(waiting_calls).where(where).order_by(waiting_calls.c.call_id), lock))

    def load_first_calls(self, where: ColumnElement[bool], most: int) -> None:
        """Put so many that are first in their order on the floor; they are not locked."""
        order = (waiting_calls.c.priority.desc(), waiting_calls.c.arrived_at, waiting_calls.c.call_id)
        self._take_calls(select(waiting_calls).where(where).order_by(*order).limit(most))

    def _take_calls(self, statement: Select[Any]) -> None:
        for row in self.connection.execute(statement).mappings():
            self._calls[row["call_id"]] = self.floor.calls[row["call_id"]] = _call(row)

    def load_offers(self, where: ColumnElement[bool]) -> None:
        """Put them on the floor; their calls are locked already."""
        for row in self.connection.execute(select(reservations).where(where)).mappings():
            offer = Offer(**{name: row[name] for name in _OFFER_FIELDS})
            self._offers[offer.offer_id] = self.floor.offers[offer.offer_id] = offer

    def load_their_agents(self, *more: str) -> None:
        """Put the agents of all offers on the floor, and others."""
        names = {offer.agent for offer in self.floor.offers.values()} | set(more)
        if names:
            self.load_agents(agents.c.name.in_(names))

    def save(self) -> None:
        """Write what is new, changed or gone. What must be there for something else comes before it."""
        floor = self.floor
        self._delete(reservations, self._offers.keys() - floor.offers.keys())
        self._write(agents, self._agents, floor.agents, _AGENT_FIELDS)
        self._write(waiting_calls, self._calls, floor.calls, _CALL_FIELDS)
        self._write(reservations, self._offers, floor.offers, _OFFER_FIELDS)
        self._delete(waiting_calls, self._calls.keys() - floor.calls.keys())
        if floor.events:
            self.connection.execute(queue_events.insert(), [_values(event, _EVENT_FIELDS) for event in floor.events])
        if floor.talks:
            self.connection.execute(talks.insert(), [_values(talk, _TALK_FIELDS) for talk in floor.talks])

    def _write(
        self, table: Table, before: Mapping[str, object], after: Mapping[str, object], names: tuple[str, ...]
    ) -> None:
        key = table.primary_key.columns[0]
        fresh = [_values(row, names) for name, row in after.items() if name not in before]
        if fresh:
            self.connection.execute(table.insert(), fresh)
        for name, row in after.items():
            if name in before and before[name] != row:
                self.connection.execute(table.update().where(key == name), _values(row, names))

    def _delete(self, table: Table, names: Collection[str]) -> None:
        if names:
            self.connection.execute(table.delete().where(table.primary_key.columns[0].in_(names)))


def empty(connection: Connection, queues: Queues) -> Draft:
    """A floor with nobody on it yet."""
    return Draft(connection, Floor(queues))


def event_of(row: RowMapping) -> QueueEvent:
    """A row of `queue_events`."""
    return QueueEvent(**{name: row[name] for name in _EVENT_FIELDS} | {"kind": EventKind(row["kind"])})


def talk_of(row: RowMapping) -> Talk:
    """A row of `talks`."""
    return Talk(**{name: row[name] for name in _TALK_FIELDS})


def _locked(statement: Select[Any], lock: Lock) -> Select[Any]:
    return statement if lock == "none" else statement.with_for_update(skip_locked=lock == "skip")


def _agent(row: RowMapping) -> Agent:
    values = {name: row[name] for name in _AGENT_FIELDS}
    then = None if row["then"] is None else AgentState(row["then"])
    return Agent(**values | {"state": AgentState(row["state"]), "then": then})


def _call(row: RowMapping) -> WaitingCall:
    values = {name: row[name] for name in _CALL_FIELDS}
    return WaitingCall(**values | {"state": CallState(row["state"]), "refused_by": tuple(row["refused_by"])})


def _values(row: object, names: tuple[str, ...]) -> dict[str, object]:
    values = {name: getattr(row, name) for name in names}
    return {
        name: value.value if isinstance(value, Enum) else list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }
