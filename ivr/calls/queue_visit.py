"""Carries what a caller's visit to a queue asks for to the queues and the telephony, and the news back. One object per
visit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ivr.acd.floor import Ring
from ivr.acd.queue import Queues, WaitingCall, rules_of
from ivr.acd.standing import Standing
from ivr.calls import queueing_commands as c
from ivr.calls import queueing_events as e
from ivr.calls.call_context import context_headers
from ivr.calls.call_ports import CallPorts
from ivr.calls.calling_back import callback_uri
from ivr.calls.person_legs import PersonLegs
from ivr.calls.prompt_player import PromptPlayer
from ivr.calls.queue_clerk import QueueClerk
from ivr.calls.queueing import QueueingState, QueueMachine, advance
from ivr.calls.reaching import Welcome
from ivr.calls.timers import NamedTimers
from ivr.calls.transfer_commands import HangUpCaller, TargetCommand
from ivr.calls.transfer_driver import TransferSounds
from ivr.calls.transfer_events import CallerEnded
from ivr.errors import IvrError
from ivr.flow import commands as flow_commands
from ivr.flow import events as flow_events
from ivr.ports import DialRequest, LegEvent, LegId, metrics

LOOK_S: Final = 5.0
"""When the longest wait is over it is looked so often what becomes of the caller."""
SLOW_LOOK_S: Final = 60.0
"""Before, it is looked so often whether the queues still know him: of a thousand callers each look costs."""

_WAITS: Final = (QueueingState.WAITING, QueueingState.RINGING)

_CALLS: Final = (QueueingState.RINGING, QueueingState.CONNECTING)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who waits, and for what."""

    call: WaitingCall
    leg_id: LegId
    asked: flow_commands.EnterQueue


def visitor_of(call_id: str, leg_id: LegId, asked: flow_commands.EnterQueue, rules: Queues, now: datetime) -> Visitor:
    """A caller who comes now."""
    told = {name: value for name, value in asked.context.items() if name != "wait_s"}
    call = WaitingCall(
        call_id,
        asked.queue,
        "",
        arrived_at=now,
        entered_at=now,
        priority=rules_of(rules, asked.queue).priority if asked.priority is None else asked.priority,
        skills=asked.skills,
        context={**told, **_way_back(asked), "answers": dict(asked.answers)},
    )
    return Visitor(call, leg_id, asked)


def _way_back(asked: flow_commands.EnterQueue) -> dict[str, object]:
    """What the agent's page says of it."""
    return {"return_key": asked.return_key, "returns_to": asked.returns_to} if asked.return_key else {}


class QueueVisit:
    """One caller in a queue, until the talk with the agent is over. Must be driven on the loop's thread."""

    def __init__(
        self,
        ports: CallPorts,
        clerk: QueueClerk,
        visitor: Visitor,
        sounds: TransferSounds,
        player: PromptPlayer,
        claim: Callable[[LegId], None],
        feed: Callable[[flow_events.Event], None],
        over: Callable[[flow_events.QueueEnded, str], None],
        alone: Callable[[], None] = lambda: None,
    ) -> None:
        """`claim` tells which new leg's events belong here; `feed` takes what the flow is told, and `over`, once, the
        end: with who hung up, caller or agent, after a talk. It is not called for a caller who left without one.
        `alone`: agents were called, and there is none left.
        """
        self.agent = ""
        """Name of the agent who talks, or talked, with the caller."""
        self._ports, self._clerk, self._visitor = ports, clerk, visitor
        self._player, self._feed, self._over, self._alone = player, feed, over, alone
        self._queue_now = visitor.asked.queue
        """In which queue the call is, as far as is known."""
        self._sounds = sounds
        self._began_at_s = self._entered_at_s = ports.clock.monotonic_s()
        self._is_asked = False
        """Where the caller stands is to be told as soon as he has entered."""
        self._waited_s: float | None = None
        """Until the talk began."""
        self._timers = NamedTimers(ports.timers)
        self._legs = PersonLegs(
            ports.telephony, self._timers, visitor.leg_id, sounds.whisper, self._request, claim, self._advance
        )
        asked = visitor.asked
        welcome = Welcome(bool(sounds.whisper), asked.needs_key, asked.accept_within_s)
        self._machine = QueueMachine(clerk.rules, welcome, asked.comes_back, asked.return_key)

    @property
    def is_talking(self) -> bool:
        """Whether caller and agent are joined."""
        return self._machine.state is QueueingState.TALKING

    @property
    def agent_leg(self) -> LegId | None:
        """Of the agent who talks with the caller, while they talk."""
        agent = self._machine.agent
        return self._legs.leg_of(agent.number) if agent is not None and self.is_talking else None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to do."""
        return self._machine.state is QueueingState.DONE

    def start(self) -> None:
        """Begin to wait."""
        self._ports.measures.count(metrics.QUEUE_WAITING, self._queue)
        self._player.hold(self._sounds.hold)
        self._look_later()
        self._perform(c.Enter())

    def go_on(self, rings: tuple[Ring, ...], waited_s: float) -> None:
        """Begin with a call that the queues have already, and for which it rings."""
        self._began_at_s -= waited_s
        self._ports.measures.count(metrics.QUEUE_WAITING, self._queue)
        self._player.hold(self._sounds.hold)
        self._machine = replace(self._machine, state=QueueingState.WAITING)
        self.offered(rings)

    def drop(self) -> None:
        """Wait no longer, and leave what becomes of the call to others. Nobody may be called."""
        self._machine = replace(self._machine, state=QueueingState.DONE)
        self._player.end_hold()
        self._close()

    # --- from the call

    def ask_standing(self) -> None:
        """Tell the flow where the caller stands, while he waits."""
        self._is_asked = self._machine.state is QueueingState.ENTERING
        if self._machine.state in _WAITS:
            self._clerk.standing(self._call_id, self._tell_standing)

    def leave(self, exit_name: str) -> None:
        """The caller wants to go on elsewhere."""
        self._advance(e.WantsOut(exit_name))

    def ask_callback(self, number: str) -> None:
        """The caller wants to be called back; where the settings do not allow it, he waits on."""
        if callback_uri(rules_of(self._clerk.rules, self._queue_now), number) is None:
            self._feed(flow_events.QueueStays(self._now_s()))
            return
        self._advance(e.WantsCallback(number))

    def caller_ended(self) -> None:
        """The caller's leg is over."""
        self._advance(CallerEnded())

    def agent_event(self, event: LegEvent) -> None:
        """News of a leg that is not the caller's."""
        self._legs.event(event)

    # --- from the clerk

    def offered(self, rings: tuple[Ring, ...]) -> None:
        """All that is offered now."""
        self._advance(e.Offered(rings))

    def queues_away(self) -> None:
        """Waiting has no sense any more."""
        self._advance(e.QueuesAway())

    def queues_back(self) -> None:
        """They may have lost the call."""
        self._look_now()

    def _tell_standing(self, standing: Standing | IvrError | None) -> None:
        if isinstance(standing, Standing) and self._machine.state in _WAITS:
            told = standing.position, standing.estimated_wait_s, standing.queue
            self._feed(flow_events.QueueStanding(self._now_s(), *told))
        self._look(standing)

    def _look(self, standing: Standing | IvrError | None) -> None:
        if isinstance(standing, IvrError):
            return
        if standing is not None and standing.queue != self._queue_now:
            self._queue_now, self._entered_at_s = standing.queue, self._now_s()
        self._advance(e.StandingTold(standing))

    def _look_later(self) -> None:
        limit_s = rules_of(self._clerk.rules, self._queue_now).max_wait or SLOW_LOOK_S
        left_s = self._entered_at_s + limit_s - self._now_s()
        self._timers.cancel("look")
        self._timers.start("look", min(max(left_s, LOOK_S), SLOW_LOOK_S), self._look_now)

    def _look_now(self) -> None:
        self._look_later()
        if self._machine.state in _WAITS:
            self._clerk.standing(self._call_id, self._look)

    # --- the machine

    @property
    def _call_id(self) -> str:
        return self._visitor.call.call_id

    @property
    def _queue(self) -> str:
        return self._visitor.asked.queue

    def _now_s(self) -> float:
        return self._ports.clock.monotonic_s()

    def _advance(self, event: e.QueueingEvent) -> None:
        before, (self._machine, commands) = self._machine.state, advance(self._machine, event)
        for command in commands:
            self._perform(command)
        state = self._machine.state
        if state is QueueingState.DONE and before is not state:
            self._close()
        elif state is QueueingState.WAITING and before in _CALLS:
            self._alone()

    def _close(self) -> None:
        self._timers.cancel_all()
        self._clerk.done(self._call_id)
        if self._waited_s is None:
            self._ports.measures.count(metrics.QUEUE_WAITING, self._queue, by=-1)

    def _perform(self, command: c.QueueingCommand) -> None:
        clerk, call_id = self._clerk, self._call_id
        match command:
            case TargetCommand():
                self._legs.perform(command)
            case HangUpCaller():
                self._ports.telephony.hang_up(self._visitor.leg_id)
            case c.Enter():
                clerk.enter(self._visitor.call, self, self._entered)
            case c.Connect(offer_id=offer_id):
                clerk.connect(offer_id, self._connect_told)
            case c.Refuse(offer_id=offer_id, reason=reason):
                clerk.refuse(offer_id, reason)
            case c.Leave(exit_name=exit_name):
                clerk.leave(call_id, exit_name, self._leave_told)
            case c.AskCallback(number=number):
                clerk.ask_callback(call_id, number, self._leave_told)
            case c.Withdraw():
                clerk.withdraw(call_id)
            case c.EndTalk():
                clerk.end(call_id)
            case c.TalkBegins(number=number):
                self._talk_begins(self._machine.ring_of(number))
            case c.Over():
                self._tell_over(command)

    def _leave_told(self, is_done: bool) -> None:
        self._advance(e.LeaveTold(is_done))

    def _entered(self, queue: str | IvrError | None) -> None:
        self._queue_now = queue if isinstance(queue, str) else self._queue_now
        self._advance(e.EntryFailed(str(queue)) if isinstance(queue, IvrError) else e.Entered(queue))
        if self._is_asked:
            self.ask_standing()

    def _connect_told(self, is_ours: bool | IvrError) -> None:
        self._advance(e.ConnectTold(None if isinstance(is_ours, IvrError) else is_ours))

    def _talk_begins(self, ring: Ring) -> None:
        self._player.end_hold(is_joined=True)
        self.agent, self._waited_s = ring.agent, self._now_s() - self._began_at_s
        self._ports.measures.count(metrics.QUEUE_WAITING, self._queue, by=-1)
        self._ports.measures.observe(metrics.QUEUE_WAIT, self._waited_s, self._queue)
        self._feed(flow_events.QueueConnected(self._now_s(), ring.agent, self._waited_s, ring.queue))

    def _tell_over(self, over: c.Over) -> None:
        self._player.end_hold(is_joined=bool(over.ended_by))
        waited_s = self._now_s() - self._began_at_s if self._waited_s is None else self._waited_s
        ended = flow_events.QueueEnded(self._now_s(), over.outcome, over.detail, self.agent, waited_s)
        self._over(ended, over.ended_by)

    def _request(self, number: int) -> DialRequest:
        ring, asked = self._machine.ring_of(number), self._visitor.asked
        context = {**asked.context, "queue": ring.queue, "wait_s": round(self._now_s() - self._began_at_s)}
        account = rules_of(self._clerk.rules, ring.queue).account
        headers = context_headers(self._call_id, context, asked.answers)
        del headers["User-to-User"]  # with all of them an INVITE does not fit into one datagram
        return DialRequest(ring.sip, account, headers=headers)
