"""A caller who waits in a queue for an agent: the pure state machine of one visit.

    ENTERING ─ Entered ─► WAITING ⇄ RINGING ─ an agent is ready ─► CONNECTING ─ the offer is still ours ─► TALKING
        │ full, failed       │  ▲     │  ▲ nobody took it                │                                   │
        ▼                    │  │     │  └──── offer over: others ring ──┤                                   ▼
      DONE ◄─ left ─ LEAVING ◄──────┘        offer over: nobody rings ──┘                                 DONE

An offer is an agent who is called; with `ring_all` there are several, and the first who is ready is connected. The
queues decide: only when they say that the offer still holds are the two joined. The caller may hang up at any point.
Everything about transitions is in TRANSITIONS; a pair that is absent changes nothing, and neither does news of an agent
who is not called any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ivr.acd.events import TOO_LONG
from ivr.acd.floor import Ring
from ivr.acd.queue import CallState, Queues, rules_of
from ivr.calls import queueing_commands as c
from ivr.calls import queueing_events as e
from ivr.calls.reaching import AttemptState, Welcome
from ivr.calls.ringing import Rung, advance_rung, let_go, ring_agent
from ivr.calls.transfer_commands import HangUpCaller, HangUpTarget, JoinLegs
from ivr.calls.transfer_events import CallerEnded, TargetEnded, TargetEvent, TargetPressed
from ivr.flow.events import QueueOutcome

LATE_LOOKS: Final = 3
"""So often a caller is found to have waited too long before the overflow counts as full."""

LEFT_EARLY: Final = "left"
"""Why a second agent who was ready, with `ring_all`, did not take it: hung up before the first one had it."""


class QueueingState(StrEnum):
    """Where a caller stands."""

    ENTERING = "entering"
    WAITING = "waiting"
    RINGING = "ringing"
    """Agents are called, and told who is calling."""
    CONNECTING = "connecting"
    """An agent is ready; the queues are asked."""
    TALKING = "talking"
    LEAVING = "leaving"
    """The queues are told that the caller goes elsewhere."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class QueueMachine:
    """State of one caller's visit to a queue."""

    queues: Queues
    welcome: Welcome
    comes_back: bool = False
    """The flow goes on with the caller when the agent hangs up first."""
    return_key: str = ""
    """Key by which the agent sends the caller back; empty for none."""
    state: QueueingState = QueueingState.ENTERING
    rung: tuple[Rung, ...] = ()
    """Agents who are called."""
    agent: Rung | None = None
    """Who is ready, or talks with the caller."""
    settled: frozenset[str] = frozenset()
    """Offers that have been refused, or were over: the queues may name them once more before they know."""
    next_number: int = 0
    wish: e.WantsOut | e.WantsCallback | None = None
    """What the caller wanted while something else was to be told first."""
    late_looks: int = 0
    outcome: QueueOutcome = QueueOutcome.LEFT
    """Of leaving."""

    def ring_of(self, number: int) -> Ring:
        """The offer for which an agent's leg is called."""
        known = self.rung if self.agent is None else (*self.rung, self.agent)
        return next(rung.ring for rung in known if rung.number == number)


Step = tuple[QueueMachine, tuple[c.QueueingCommand, ...]]
_Rule = Callable[[QueueMachine, e.QueueingEvent], Step]


def advance(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    """The next state and what is to be done. Total: a pair without a rule changes nothing."""
    kind = TargetEvent if isinstance(event, TargetEvent) else type(event)
    rule = TRANSITIONS.get((machine.state, kind))
    return rule(machine, event) if rule else (machine, ())


# --- rules -----------------------------------------------------------------------------------------------------------


def _over(machine: QueueMachine, over: c.Over, *commands: c.QueueingCommand) -> Step:
    return replace(machine, state=_S.DONE), (*commands, over)


def _all_let_go(machine: QueueMachine) -> tuple[QueueMachine, tuple[c.QueueingCommand, ...]]:
    commands = tuple(command for rung in machine.rung for command in let_go(rung))
    gone = frozenset(rung.ring.offer_id for rung in machine.rung)
    return replace(machine, rung=(), settled=machine.settled | gone), commands


def _entered(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    assert isinstance(event, e.Entered)
    if event.queue is None:
        return _over(machine, c.Over(QueueOutcome.FULL))
    return _waits_on(machine)


def _entry_failed(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    assert isinstance(event, e.EntryFailed)
    return _over(machine, c.Over(QueueOutcome.FAILED, event.detail))


def _enters_again(machine: QueueMachine, *commands: c.QueueingCommand) -> Step:
    machine, more = _all_let_go(machine)
    return replace(machine, state=_S.ENTERING, agent=None), (*commands, *more, c.Enter())


def _waits_on(machine: QueueMachine, *commands: c.QueueingCommand) -> Step:
    """Whatever comes first: the caller's wish, an agent who is ready, those who are called."""
    if machine.wish is not None:
        after, more = _leaves(machine, machine.wish)
        return after, (*commands, *more)
    ready = next((rung for rung in machine.rung if rung.is_ready), None)
    if ready is not None:
        return replace(machine, state=_S.CONNECTING, agent=ready), (*commands, c.Connect(ready.ring.offer_id))
    return replace(machine, state=_S.RINGING if machine.rung else _S.WAITING, agent=None), commands


def _offered(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    assert isinstance(event, e.Offered)
    offers = {ring.offer_id for ring in event.rings}
    commands: list[c.QueueingCommand] = []
    for rung in machine.rung:
        if rung.ring.offer_id not in offers:
            commands += let_go(rung)
    machine = replace(machine, rung=tuple(rung for rung in machine.rung if rung.ring.offer_id in offers))
    known = machine.settled | {rung.ring.offer_id for rung in machine.rung}
    for ring in event.rings:
        if ring.offer_id not in known:
            machine = _rings(machine, ring, commands)
    return _waits_on(machine, *commands)


def _rings(machine: QueueMachine, ring: Ring, commands: list[c.QueueingCommand]) -> QueueMachine:
    ring_for_s = rules_of(machine.queues, ring.queue).ring_for
    rung, more = ring_agent(ring, machine.next_number, ring_for_s, machine.welcome)
    commands += more
    return replace(machine, rung=(*machine.rung, rung), next_number=machine.next_number + 1)


def _of_agent(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    """While it rings, and while the queues are asked about one who is ready."""
    assert isinstance(event, TargetEvent)
    rung = next((rung for rung in machine.rung if rung.number == event.number), None)
    if rung is None:
        return machine, ()
    if rung.is_ready:
        return _of_ready(machine, rung, event)
    others = [each for each in machine.rung if each is not rung and each.attempt.state is not AttemptState.NO_LEG]
    after, news, reason = advance_rung(rung, event, others_ring=bool(others))
    machine = replace(machine, rung=tuple(after if each is rung else each for each in machine.rung))
    commands: tuple[c.QueueingCommand, ...] = news
    if reason:
        machine = _without(machine, after)
        commands = (*news, c.Refuse(rung.ring.offer_id, reason))
    return (machine, commands) if machine.state is _S.CONNECTING else _waits_on(machine, *commands)


def _of_ready(machine: QueueMachine, rung: Rung, event: TargetEvent) -> Step:
    """The agent may hang up before the queues have answered."""
    if not isinstance(event, TargetEnded):
        return machine, ()
    if rung is machine.agent:
        return replace(machine, rung=tuple(each for each in machine.rung if each is not rung)), ()
    return _without(machine, rung), (c.Refuse(rung.ring.offer_id, LEFT_EARLY),)


def _without(machine: QueueMachine, rung: Rung) -> QueueMachine:
    left = tuple(each for each in machine.rung if each.number != rung.number)
    return replace(machine, rung=left, settled=machine.settled | {rung.ring.offer_id})


def _connect_told(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    assert isinstance(event, e.ConnectTold) and machine.agent is not None
    agent = machine.agent
    is_there = agent in machine.rung
    if event.is_ours:
        return _joined(machine, agent) if is_there else _enters_again(machine, c.EndTalk())
    gone = let_go(agent) if is_there else ()
    if event.is_ours is None:  # asked again with the next offer, which may be the same
        machine = replace(machine, rung=tuple(each for each in machine.rung if each is not agent))
    else:
        machine = _without(machine, agent)
    return _waits_on(machine, *gone)


def _joined(machine: QueueMachine, agent: Rung) -> Step:
    others, commands = _all_let_go(replace(machine, rung=tuple(each for each in machine.rung if each is not agent)))
    talking = replace(others, state=_S.TALKING, agent=agent, wish=None)
    return talking, (*commands, JoinLegs(agent.number), c.TalkBegins(agent.number))


def _standing_told(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    assert isinstance(event, e.StandingTold)
    if event.standing is None:  # taken for dead, as after a long sleep of this process: the place is kept
        return _enters_again(machine)
    if event.standing.state is CallState.CONNECTED:  # an answer got lost on the way
        return _enters_again(machine, c.EndTalk())
    if not event.standing.has_waited_too_long:
        return replace(machine, late_looks=0), ()
    looks = machine.late_looks + 1
    if rules_of(machine.queues, event.standing.queue).overflow is not None and looks < LATE_LOOKS:
        return replace(machine, late_looks=looks), ()
    return _leaving(machine, QueueOutcome.TOO_LONG, c.Leave(TOO_LONG))


def _wants(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    assert isinstance(event, e.WantsOut | e.WantsCallback)
    return _leaves(machine, event)


def _wants_later(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    assert isinstance(event, e.WantsOut | e.WantsCallback)
    return replace(machine, wish=event), ()


def _leaves(machine: QueueMachine, wish: e.WantsOut | e.WantsCallback) -> Step:
    if isinstance(wish, e.WantsOut):
        return _leaving(machine, QueueOutcome.LEFT, c.Leave(wish.exit_name))
    return _leaving(machine, QueueOutcome.CALLBACK, c.AskCallback(wish.number))


def _leaving(machine: QueueMachine, outcome: QueueOutcome, command: c.QueueingCommand) -> Step:
    machine, commands = _all_let_go(machine)
    leaving = replace(machine, state=_S.LEAVING, agent=None, wish=None, outcome=outcome)
    return leaving, (*commands, command)


def _leave_told(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    """Nobody talks yet, so the caller is free to go, whatever the queues say; a call back has to be promised."""
    assert isinstance(event, e.LeaveTold)
    if machine.outcome is QueueOutcome.CALLBACK and not event.is_done:
        return _over(machine, c.Over(QueueOutcome.FAILED, "the queue calls nobody back"))
    return _over(machine, c.Over(machine.outcome))


def _away(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    machine, commands = _all_let_go(machine)
    return _over(machine, c.Over(QueueOutcome.FAILED, "the queues cannot be reached"), *commands, c.Withdraw())


def _caller_left(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    machine, commands = _all_let_go(machine)
    return replace(machine, state=_S.DONE), (*commands, c.Withdraw())


def _caller_left_leaving(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    """The queues have been told already; who asked to be called back is."""
    return replace(machine, state=_S.DONE), ()


def _caller_left_talk(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    assert machine.agent is not None
    over = c.Over(QueueOutcome.CONNECTED, ended_by="caller")
    return _over(machine, over, HangUpTarget(machine.agent.number), c.EndTalk())


def _of_talk(machine: QueueMachine, event: e.QueueingEvent) -> Step:
    assert isinstance(event, TargetEvent) and machine.agent is not None
    if event.number != machine.agent.number:
        return machine, ()
    if isinstance(event, TargetPressed) and event.digit == machine.return_key:
        over = c.Over(QueueOutcome.RETURNED, ended_by="agent")
        return _over(machine, over, HangUpTarget(event.number), c.EndTalk())
    if isinstance(event, TargetEnded):
        return _agent_left(machine)
    return machine, ()


def _agent_left(machine: QueueMachine) -> Step:
    if machine.comes_back:
        return _over(machine, c.Over(QueueOutcome.AFTER, ended_by="agent"), c.EndTalk())
    return _over(machine, c.Over(QueueOutcome.CONNECTED, ended_by="agent"), c.EndTalk(), HangUpCaller())


_S = QueueingState

TRANSITIONS: Final[Mapping[tuple[QueueingState, type[object]], _Rule]] = {
    (_S.ENTERING, e.Entered): _entered,
    (_S.ENTERING, e.EntryFailed): _entry_failed,
    (_S.ENTERING, e.WantsOut): _wants_later,
    (_S.ENTERING, e.WantsCallback): _wants_later,
    (_S.ENTERING, CallerEnded): _caller_left,
    **{
        (state, kind): rule
        for state in (_S.WAITING, _S.RINGING)
        for kind, rule in {
            e.Offered: _offered,
            TargetEvent: _of_agent,
            e.StandingTold: _standing_told,
            e.WantsOut: _wants,
            e.WantsCallback: _wants,
            e.QueuesAway: _away,
            CallerEnded: _caller_left,
        }.items()
    },
    (_S.CONNECTING, TargetEvent): _of_agent,
    (_S.CONNECTING, e.ConnectTold): _connect_told,
    (_S.CONNECTING, e.WantsOut): _wants_later,
    (_S.CONNECTING, e.WantsCallback): _wants_later,
    (_S.CONNECTING, CallerEnded): _caller_left,
    (_S.TALKING, TargetEvent): _of_talk,
    (_S.TALKING, CallerEnded): _caller_left_talk,
    (_S.LEAVING, e.LeaveTold): _leave_told,
    (_S.LEAVING, CallerEnded): _caller_left_leaving,
}
