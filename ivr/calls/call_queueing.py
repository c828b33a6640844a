"""The visits of one call to queues, one at a time: gets the sounds ready, lets the caller wait, tells how it ended.

Without queues in the settings nothing more of them is loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from ivr.calls.call_ports import CallPorts, CallTasks
from ivr.calls.prompt_player import PromptPlayer
from ivr.calls.transfer_driver import TransferSounds
from ivr.calls.transfer_sounds import make_sounds, ready_sounds
from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.ports import LegEnded, LegEvent, LegId, LegOffered, metrics

if TYPE_CHECKING:
    from ivr.calls.queue_clerk import QueueClerk
    from ivr.calls.queue_visit import QueueVisit

ABANDONED = "abandoned"
QueueCommand = c.EnterQueue | c.AskStanding | c.LeaveQueue | c.AskCallback


class CallQueueing:
    """Lets one caller wait for agents. Runs on the event loop's thread only."""

    def __init__(
        self,
        ports: CallPorts,
        call_id: str,
        offered: LegOffered,
        claim: Callable[[LegId], None],
        feed: Callable[[e.Event], None],
        over: Callable[[e.QueueEnded, str], None],
        player: PromptPlayer,
        tasks: CallTasks,
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        """`claim`, `feed` and `over` as `QueueVisit` has them."""
        self.agent = ""
        """Name of the agent whom the caller talked to last."""
        self._ports, self._call_id, self._offered = ports, call_id, offered
        self._claim, self._feed, self._over = claim, feed, over
        self._player, self._tasks, self._log = player, tasks, log
        self._asked: c.EnterQueue | None = None
        """What the flow waits for."""
        self._is_standing_asked = False
        self._visit: QueueVisit | None = None
        self._rendering: asyncio.Task[None] | None = None

    @property
    def is_talking(self) -> bool:
        """Whether caller and agent are joined."""
        return self._visit is not None and self._visit.is_talking

    @property
    def agent_leg(self) -> LegId | None:
        """Of the agent who talks with the caller, while they talk."""
        return self._visit.agent_leg if self._visit is not None else None

    def caller_event(self, event: LegEvent) -> None:
        """An event of the caller's leg."""
        if isinstance(event, LegEnded) and self._visit is not None:
            visit, asked = self._visit, self._asked
            visit.caller_ended()
            if self._asked is asked:  # no talk: nobody is told but the figures
                self._is_over(ABANDONED)

    def agent_event(self, event: LegEvent) -> None:
        """An event of another leg."""
        if self._visit is not None:
            self._visit.agent_event(event)

    def stop(self) -> None:
        """The call is to end: wait no longer, and tell the flow nothing. A talk goes on."""
        if self._visit is not None and not self._visit.is_talking:
            self._visit.caller_ended()
            self._is_over(ABANDONED)
            self._player.end_hold()

    def perform(self, command: QueueCommand) -> None:
        """What the flow asks for."""
        if isinstance(command, c.EnterQueue):
            self._enter(command)
        elif self._visit is not None:
            _pass_on(command, self._visit)
        elif self._asked is not None:
            self._asked_early(command)

    def _asked_early(self, command: QueueCommand) -> None:
        """The sounds are not ready yet."""
        match command:
            case c.AskStanding():
                self._is_standing_asked = True
            case c.LeaveQueue():
                self._ended(e.QueueEnded(self._now_s(), e.QueueOutcome.LEFT), "")
            case c.AskCallback():
                self._feed(e.QueueStays(self._now_s()))

    def _now_s(self) -> float:
        return self._ports.clock.monotonic_s()

    def _enter(self, command: c.EnterQueue) -> None:
        self._asked, self._is_standing_asked, clerk = command, False, self._ports.queueing
        if clerk is None or command.queue not in clerk.rules:
            self._log.error("unknown_queue", queue=command.queue)
            failed = e.QueueEnded(self._now_s(), e.QueueOutcome.FAILED, "the queue is not configured")
            self._ended(failed, "")
            return
        sounds = ready_sounds(self._ports, command.hold, command.whisper)
        if sounds is None:
            self._rendering = self._tasks.start(self._render_and_begin(command, clerk))
        else:
            self._begin(command, clerk, sounds)

    async def _render_and_begin(self, command: c.EnterQueue, clerk: QueueClerk) -> None:
        sounds = await make_sounds(self._ports, self._player, command.hold, command.whisper)
        self._rendering = None
        self._begin(command, clerk, sounds)

    def _begin(self, command: c.EnterQueue, clerk: QueueClerk, sounds: TransferSounds) -> None:
        self._log.info("queue_entered", queue=command.queue)
        from ivr.calls.queue_visit import QueueVisit, visitor_of

        self._visit = QueueVisit(
            self._ports,
            clerk,
            visitor_of(self._call_id, self._offered.leg_id, command, clerk.rules, self._ports.clock.now()),
            sounds,
            self._player,
            self._claim,
            self._told,
            self._ended,
        )
        self._visit.start()
        if self._is_standing_asked:
            self._visit.ask_standing()

    def _told(self, event: e.Event) -> None:
        if isinstance(event, e.QueueConnected):
            self.agent = event.agent
            self._log.info("queue_connected", queue=event.queue, agent=event.agent, waited_s=round(event.waited_s, 1))
        self._feed(event)

    def _ended(self, event: e.QueueEnded, ended_by: str) -> None:
        self._is_over(event.outcome.value, event.detail)
        self._over(event, ended_by)

    def _is_over(self, outcome: str, detail: str = "") -> None:
        asked, self._asked, self._visit = self._asked, None, None
        rendering, self._rendering = self._rendering, None
        if rendering is not None:
            rendering.cancel()
        if asked is not None:
            self._ports.measures.count(metrics.QUEUE_ENDED, asked.queue, outcome)
            self._log.info("queue_ended", queue=asked.queue, outcome=outcome, detail=detail, agent=self.agent)


def _pass_on(command: QueueCommand, visit: QueueVisit) -> None:
    match command:
        case c.AskStanding():
            visit.ask_standing()
        case c.LeaveQueue(exit_name=exit_name):
            visit.leave(exit_name)
        case c.AskCallback(number=number):
            visit.ask_callback(number)
