"""Agents, waiting calls and offers in SQLite or PostgreSQL: each act of `ivr.ports.queues.CallQueues` a transaction.

Calls and agents are matched by one process at a time, which others leave it to (an advisory lock that nobody waits
for); rows that somebody is changing meanwhile are skipped, and matched with the next tick. All other acts lock the call
that they are about, its offers and their agents, and nothing else: a second process that wants the same waits, then
finds what the first one has made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, ScalarSelect, exists, false, func, or_, select, true
from sqlalchemy.exc import SQLAlchemyError

from ivr.acd import floor as acts
from ivr.acd.agent import Act, Agent, AgentState, unknown
from ivr.acd.events import EventKind, QueueEvent
from ivr.acd.floor import Floor, Ring
from ivr.acd.queue import CallState, Queues, WaitingCall, order_of, rules_of
from ivr.acd.routing import Pairing, match
from ivr.acd.standing import Standing, standing
from ivr.acd.talk import no_such_talk, noted
from ivr.errors import StorageError
from ivr.ports.queues import FORGOTTEN_AT_ONCE, LEASE_S, QueueScene
from ivr.storage.database import make_folder, masked_url, open_engine, parse_url, reason, sqlite_file
from ivr.storage.migrate import is_usable, migrate
from ivr.storage.queue_floor import Draft, empty, event_of
from ivr.storage.queue_schema import agents, queue_events, queue_leases, reservations, talks, waiting_calls
from ivr.storage.queue_statements import (
    can_match,
    has_all_offers,
    is_dead,
    is_due,
    is_forgotten,
    is_free,
    is_ours,
    load_of_agent,
    lock_counting,
    renew,
    rings_of,
    talk_for_noting,
    talks_worked_on,
    way_of,
)

_MOST_ROUNDS: Final = 3
"""Of matching in one act; what is left then is for the next tick."""
_MEASURED_S: Final = 3600.0
_FEWEST_TALKS: Final = 5
"""Handle times of the last hour count once there are so many."""

_CALLS_SEEN_FIRST: Final = 4
"""For each free agent, when calls and agents are matched; more where these have nobody who fits."""
_MOST_LOOKS: Final = 10
"""At the offers of an agent to whom something is offered between look and lock."""

_Result = TypeVar("_Result")


class DatabaseQueues:
    """Implements `CallQueues`. For one thread; connects when it is first asked."""

    def __init__(self, url: str, queues: Queues, lease_s: float = LEASE_S, engine: Engine | None = None) -> None:
        """All processes need the same lease; `engine` is one for this URL that is open already.

        Raises StorageError for a URL that cannot be used.
        """
        self._url = parse_url(url)
        self._engine = engine or open_engine(self._url, pings=False)
        self._queues = queues
        self._lease = timedelta(seconds=lease_s)

    def migrate(self) -> None:
        """Make the database, or bring it up to date. Raises StorageError."""
        with self._told():
            make_folder(self._url)
            migrate(self._engine, masked_url(self._url))

    def is_there(self) -> bool:
        """Whether there is a database of this program's version to read; False where nothing was ever written.

        Creates nothing. Raises StorageError for one of another version.
        """
        file = sqlite_file(self._url)
        if file is not None and not file.exists():
            return False
        with self._reading() as connection:
            return is_usable(connection, masked_url(self._url))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    # --- agents ---

    def add_agent(self, name: str, sip: str, skills: Mapping[str, int]) -> Agent:
        """A new agent, or a known one's address and skills."""
        with self._draft() as draft:
            draft.load_agents(agents.c.name == name)
            known = draft.floor.agents.get(name, Agent(name, sip))
            draft.floor.agents[name] = replace(known, sip=sip, skills=dict(skills))
            return draft.floor.agents[name]

    def agent_acts(self, name: str, act: Act, now: datetime, reason: str = "") -> Agent:
        """Raises AgentUnknown, ActRefused."""
        for _ in range(_MOST_LOOKS):
            with self._draft() as draft:
                load_of_agent(draft, name)
                if name not in draft.floor.agents:
                    raise unknown(name)
                if has_all_offers(draft, name):
                    return acts.agent_acts(draft.floor, name, act, now, reason)
        raise StorageError(f"what is offered to agent {name} changes too quickly to be looked at; try again")

    # --- calls ---

    def enter(self, call: WaitingCall, now: datetime) -> str | None:
        """Let it wait."""
        with self._draft() as draft:
            renew(draft.connection, call.owner, now + self._lease)
            way = way_of(self._queues, call.queue)
            if any(rules_of(self._queues, name).max_length for name in way):
                lock_counting(draft.connection)
                draft.load_calls(waiting_calls.c.queue.in_(way), "none")
            draft.load_calls(waiting_calls.c.call_id == call.call_id)
            return acts.enter(draft.floor, call, now)

    def standing(self, call_id: str, now: datetime) -> Standing | None:
        """Place and estimated wait, by the handle times of the last hour where there are some."""
        with self._reading() as connection:
            draft = empty(connection, self._queues)
            queue = connection.scalar(select(waiting_calls.c.queue).where(waiting_calls.c.call_id == call_id))
            if queue is None:
                return None
            draft.load_calls(waiting_calls.c.queue == queue, "none")
            draft.load_agents(agents.c.state != AgentState.LOGGED_OUT.value, "none")
            return standing(draft.floor, call_id, now, self._handle_time_s(connection, queue, now))

    def leave(self, call_id: str, now: datetime, exit_name: str = "") -> bool:
        """The caller goes."""
        return self._on_call(call_id, lambda floor: acts.leave(floor, call_id, now, exit_name), False)

    def ask_callback(self, call_id: str, number: str, now: datetime) -> bool:
        """The caller hangs up and keeps the place."""
        return self._on_call(call_id, lambda floor: acts.ask_callback(floor, call_id, number, now), False)

    def end(self, call_id: str, now: datetime) -> None:
        """The talk is over."""
        self._on_call(call_id, lambda floor: acts.end(floor, call_id, now), None)

    def postpone(self, call_id: str, now: datetime) -> None:
        """Who was to be called back did not answer."""
        self._on_call(call_id, lambda floor: acts.postpone(floor, call_id, now), None)

    # --- offers ---

    def tick(self, owner: str, now: datetime) -> tuple[Ring, ...]:
        """The process lives."""
        with self._begun() as connection:
            renew(connection, owner, now + self._lease)
            looks = select(exists().where(is_dead(now)), exists().where(self._is_overdue(now)))
            has_dead, has_overdue = connection.execute(looks).one()
        if has_dead:
            self._lose_the_dead(now)
        if has_overdue:
            self._move_overdue(now)
        return self.match(owner, now)

    def match(self, owner: str, now: datetime) -> tuple[Ring, ...]:
        """Offer calls to agents."""
        for _ in range(_MOST_ROUNDS):
            with self._reading() as connection:
                if not can_match(connection, now):
                    return rings_of(connection, owner)
            with self._begun() as connection:
                if not self._match(connection, owner, now):
                    return rings_of(connection, owner)
        with self._reading() as connection:
            return rings_of(connection, owner)

    def _match(self, connection: Connection, owner: str, now: datetime) -> bool:
        """Whether it is worth looking again: whoever came meanwhile has left it to us."""
        if not is_ours(connection):
            return False
        draft, pairings = empty(connection, self._queues), self._pairings(connection, now)
        called = [pairing.call_id for pairing in pairings]
        names = [name for pairing in pairings for name in pairing.agents]
        draft.load_calls(is_due(now) & waiting_calls.c.call_id.in_(called), "skip")
        draft.load_agents(is_free(now) & agents.c.name.in_(names), "skip")
        acts.offer_all(draft.floor, now, owner)
        draft.save()
        return bool(draft.floor.offers)

    def _pairings(self, connection: Connection, now: datetime) -> tuple[Pairing, ...]:
        """Who should be offered what. Looks at the first calls only, and at all where those leave agents free.

        Locks nothing: of a thousand callers who wait, most are not concerned, and may hang up meanwhile.
        """
        scout = empty(connection, self._queues)
        scout.load_agents(is_free(now), "none")
        free = scout.floor.agents
        most = _CALLS_SEEN_FIRST * (1 + len(free))
        scout.load_first_calls(is_due(now), most)
        found = match(scout.floor.calls.values(), free.values(), self._queues, now)
        is_enough = len(scout.floor.calls) < most or sum(len(pairing.agents) for pairing in found) == len(free)
        if is_enough:
            return found
        scout.load_calls(is_due(now), "none")
        return match(scout.floor.calls.values(), free.values(), self._queues, now)

    def connect(self, offer_id: str, now: datetime) -> bool:
        """The agent has answered."""
        return self._on_offer(offer_id, lambda floor: acts.connect(floor, offer_id, now), False)

    def refuse(self, offer_id: str, now: datetime, reason: str) -> None:
        """The agent did not take it. Without a leg all that the same process has in queues has to stand back."""
        its_call = waiting_calls.c.call_id == _call_of(offer_id)
        with self._draft() as draft:
            draft.load_calls(its_call)
            draft.load_offers(reservations.c.call_id.in_(draft.floor.calls))
            draft.load_their_agents()
            if reason == acts.NO_LEG:
                owners = {call.owner for call in draft.floor.calls.values()}
                is_waiting = waiting_calls.c.state == CallState.WAITING.value
                draft.load_calls(waiting_calls.c.owner.in_(owners) & is_waiting, "skip")
            acts.refuse(draft.floor, offer_id, now, reason)

    # --- after the talk ---

    def note_talk(self, talk_id: str, agent: str, disposition: str, note: str, now: datetime) -> None:
        """Keep what the agent says. Raises ActRefused."""
        with self._begun() as connection:
            talk = talk_for_noting(connection, talk_id, agent)
            if talk is None:
                raise no_such_talk(talk_id, agent)
            after = noted(talk, rules_of(self._queues, talk.queue), disposition, note, now)
            said = {"disposition": after.disposition, "note": after.note}
            connection.execute(talks.update().where(talks.c.talk_id == talk_id).values(said))

    # --- what there is ---

    def scene(self) -> QueueScene:
        """All agents and calls."""
        with self._reading() as connection:
            draft = empty(connection, self._queues)
            draft.load_agents(lock="none")
            draft.load_calls(lock="none")
            draft.load_offers(true())
            return QueueScene(
                tuple(draft.floor.agents.values()),
                tuple(sorted(draft.floor.calls.values(), key=order_of)),
                tuple(sorted(draft.floor.offers.values(), key=lambda offer: offer.offer_id)),
                talks_worked_on(connection),
            )

    def events(self, since: datetime) -> list[QueueEvent]:
        """What happened since."""
        chosen = select(queue_events).where(queue_events.c.at >= since).order_by(queue_events.c.id)
        with self._reading() as connection:
            return [event_of(row) for row in connection.execute(chosen).mappings()]

    def forget(self, before: datetime) -> int:
        """Remove old events, so many at once that nobody waits for it for long."""
        old = select(queue_events.c.id).where(queue_events.c.at < before).limit(FORGOTTEN_AT_ONCE)
        with self._begun() as connection:
            return connection.execute(queue_events.delete().where(queue_events.c.id.in_(old))).rowcount

    def forget_talks(self, before: datetime) -> int:
        """Remove old talks whose call has no record. They are looked for without keeping anybody from writing."""
        with self._reading() as connection:
            found = connection.scalars(select(talks.c.talk_id).where(is_forgotten(before)).limit(FORGOTTEN_AT_ONCE))
            old = found.all()
        if not old:
            return 0
        with self._begun() as connection:
            chosen = talks.c.talk_id.in_(old) & is_forgotten(before)
            return connection.execute(talks.delete().where(chosen)).rowcount

    # --- within ---

    def _lose_the_dead(self, now: datetime) -> None:
        with self._draft() as draft:
            found = select(queue_leases.c.owner).where(is_dead(now)).with_for_update(skip_locked=True)
            dead = set(draft.connection.scalars(found))
            draft.load_calls(waiting_calls.c.owner.in_(dead))
            draft.load_offers(reservations.c.owner.in_(dead))
            draft.load_their_agents()
            acts.lose(draft.floor, dead, now)
            draft.connection.execute(queue_leases.delete().where(queue_leases.c.owner.in_(dead)))

    def _move_overdue(self, now: datetime) -> None:
        with self._draft() as draft:
            lock_counting(draft.connection)
            draft.load_calls(lock="skip")
            acts.move_overdue(draft.floor, now)

    def _is_overdue(self, now: datetime) -> ColumnElement[bool]:
        """Waits too long in a queue that has an overflow."""
        limits = {name: rules.max_wait for name, rules in self._queues.items() if rules.overflow and rules.max_wait}
        late = [
            (waiting_calls.c.queue == name) & (waiting_calls.c.entered_at <= now - timedelta(seconds=limit_s))
            for name, limit_s in limits.items()
        ]
        return (waiting_calls.c.state == CallState.WAITING.value) & or_(false(), *late)

    def _on_call(self, call_id: str, act: Callable[[Floor], _Result], absent: _Result) -> _Result:
        return self._on(waiting_calls.c.call_id == call_id, act, absent)

    def _on_offer(self, offer_id: str, act: Callable[[Floor], _Result], absent: _Result) -> _Result:
        return self._on(waiting_calls.c.call_id == _call_of(offer_id), act, absent)

    def _on(self, where: ColumnElement[bool], act: Callable[[Floor], _Result], absent: _Result) -> _Result:
        """Do something about a call, with its offers and their agents; `absent` where it is gone."""
        with self._draft() as draft:
            draft.load_calls(where)
            if not draft.floor.calls:
                return absent
            draft.load_offers(reservations.c.call_id.in_(draft.floor.calls))
            draft.load_their_agents()
            return act(draft.floor)

    def _handle_time_s(self, connection: Connection, queue: str, now: datetime) -> float:
        kind, detail = queue_events.c.kind, queue_events.c.detail
        is_talk = kind == EventKind.ENDED.value
        is_wrap_up = (kind == EventKind.AGENT.value) & (detail == AgentState.WRAP_UP.value)
        is_recent = (queue_events.c.queue == queue) & (queue_events.c.at > now - timedelta(seconds=_MEASURED_S))
        count = func.count().filter(is_talk)
        total = func.sum(queue_events.c.seconds).filter(or_(is_talk, is_wrap_up))
        talks, total_s = connection.execute(select(count, total).where(is_recent)).one()
        return total_s / talks if talks >= _FEWEST_TALKS else rules_of(self._queues, queue).expected_handle_time

    @contextmanager
    def _draft(self) -> Iterator[Draft]:
        """A floor in a transaction, kept at the end unless something is raised."""
        with self._begun() as connection:
            draft = empty(connection, self._queues)
            yield draft
            draft.save()

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        with self._told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Each statement sees what is there when it begins."""
        with self._told(), self._engine.connect() as connection:
            is_sqlite = connection.dialect.name == "sqlite"
            options = {"reads_only": True} if is_sqlite else {"isolation_level": "AUTOCOMMIT"}
            yield connection.execution_options(**options)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            raise StorageError(
                f"agents and queues cannot be reached in {masked_url(self._url)}: {reason(self._url, error)}; "
                "start the database or correct database.url"
            ) from error


def _call_of(offer_id: str) -> ScalarSelect[str]:
    return select(reservations.c.call_id).where(reservations.c.offer_id == offer_id).scalar_subquery()
