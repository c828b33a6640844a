"""Callers in queues that are kept in memory, and agents' telephones: everything of a bot but the dialog."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import structlog

from ivr.acd.agent import Act, AgentState
from ivr.acd.queue import WaitingCall
from ivr.calls.call_measures import CallMeasures
from ivr.calls.call_ports import CallPorts, CallTasks
from ivr.calls.call_queueing import CallQueueing
from ivr.calls.callback_call import CallbackCall
from ivr.calls.callbacks import Callbacks
from ivr.calls.note import CallNotes
from ivr.calls.prompt_player import PromptPlayer
from ivr.calls.queue_clerk import QueueClerk
from ivr.config_queues import CallbackSettings, QueueSettings
from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.segments import Speech
from ivr.measures.counters import Counters
from ivr.ports import (
    CallStarted,
    DialRequest,
    LegEnded,
    LegEvent,
    LegId,
    LegOffered,
    Metric,
    PlayFinished,
    TelephonyEvent,
)
from ivr.testing.call_log import MemoryCallLog
from ivr.testing.clock import ManualClock
from ivr.testing.prompts import MemoryPrompts
from ivr.testing.queues import MemoryQueues
from ivr.testing.telephony import FakeTelephony
from tests.calls.manual_acts import ManualActs
from tests.calls.switchboard import HOLD

MUSIC = (Speech("La la la, this is a very long piece of music that goes on and on.", "en-US"),)
QUEUES = {
    "sales": QueueSettings(ring_for=12.0, wrap_up=30.0, account="trunk"),
    "all": QueueSettings(ring_for=12.0, strategy="ring_all"),
    "short": QueueSettings(max_wait=10.0),
    "small": QueueSettings(max_length=1),
    "silent": QueueSettings(),
    "back": QueueSettings(
        ring_for=12.0,
        callback_again_after=600.0,
        callback_via=CallbackSettings(sip="sip:{number}@trunk", account="trunk", numbers=("+49", "0")),
    ),
}


class Caller:
    """One call: what its flow asks for, and what it is told."""

    def __init__(self, hall: Hall, call_id: str) -> None:
        self.leg = hall.telephony.offer()
        self.told: list[e.Event] = []
        self.ended_by = ""
        log = structlog.get_logger(__name__)
        tasks = CallTasks(call_id, lambda: None)
        measures = CallMeasures(hall.figures, hall.clock, "desk", 0.0)
        self.player = PromptPlayer(hall.ports, self.leg, tasks, lambda *_: None, log, measures)
        offered = LegOffered(self.leg, 0.0, "+4930111", "", "100", "", "192.0.2.1:5060", "x", {})
        self._hall = hall
        self.queueing = CallQueueing(
            hall.ports, call_id, offered, self._claim, self.told.append, self._over, self.player, tasks, log
        )
        hall.owners[self.leg] = self
        hall.telephony.answer(self.leg)

    def _claim(self, leg_id: LegId) -> None:
        self._hall.owners[leg_id] = self

    def _over(self, ended: e.QueueEnded, ended_by: str) -> None:
        self.ended_by = ended_by
        self.told.append(ended)

    def handle(self, event: LegEvent) -> None:
        """As the driver of a call does."""
        if event.leg_id != self.leg:
            self.queueing.agent_event(event)
            return
        self.queueing.caller_event(event)
        if isinstance(event, PlayFinished) and event.play_id == self.player.play_id:
            self.player.goes_on()

    @property
    def outcome(self) -> str:
        """How the visit ended; empty while it goes on."""
        ended = [event for event in self.told if isinstance(event, e.QueueEnded)]
        return ended[-1].outcome.value if ended else ""

    @property
    def detail(self) -> str:
        """Of the end."""
        return next(event.detail for event in reversed(self.told) if isinstance(event, e.QueueEnded))


class Hall:
    """The queues, the agents, and the process that has the calls."""

    def __init__(self) -> None:
        self.clock, self.figures, self.prompts = ManualClock(), Counters(), MemoryPrompts()
        self.telephony = FakeTelephony(self.clock, max_legs=12, length_s=self._length_s)
        self.queues, self.acts = MemoryQueues(QUEUES), ManualActs(self.clock)
        self.clerk = QueueClerk(self.queues, QUEUES, "w1-1", self.acts, self.clock, self.clock)
        self.owners: dict[LegId, Caller | CallbackCall] = {}
        self.ports = CallPorts(
            telephony=self.telephony,
            recognizer=None,
            prompts=self.prompts,
            clock=self.clock,
            timers=self.clock,
            call_soon=lambda callback: self.clock.call_later(0.0, callback),
            targets={},
            hold_sound=HOLD,
            lead_in_s=0.0,
            measures=self.figures,
            queueing=self.clerk,
        )
        self.log = MemoryCallLog()
        self.callbacks = Callbacks(self.ports, self._notes, self._claim, lambda call: None)

    def _notes(self, call: WaitingCall, account: str) -> tuple[str, CallNotes]:
        call_id = f"back-{len(self.log.calls) + 1}"
        started = CallStarted(call_id, self.clock.now(), call.callback, "", account, "", "", "", "w1")
        return call_id, CallNotes(self.log, self.clock, started)

    def _claim(self, leg_id: LegId, call: CallbackCall) -> None:
        self.owners[leg_id] = call

    def _length_s(self, file: Path) -> float:
        return 30.0 if file == HOLD else self.prompts.length_s(file)

    def handle(self, event: TelephonyEvent) -> None:
        """As the registry does."""
        if isinstance(event, LegEvent) and event.leg_id in self.owners:
            self.owners[event.leg_id].handle(event)
            if isinstance(event, LegEnded):
                self.owners.pop(event.leg_id)

    async def after(self, seconds: float = 0.0) -> None:
        """Time passes; what happens at once has happened."""
        self.clock.advance(seconds)
        for _ in range(8):
            await asyncio.sleep(0)
            self.clock.advance()

    async def agent(self, name: str, **skills: int) -> None:
        """Somebody who is there."""
        self.queues.add_agent(name, f"sip:{name}@pbx", skills)
        self.queues.agent_acts(name, Act.LOG_IN, self.clock.now())

    async def caller(self, queue: str = "sales", **asked: Any) -> Caller:
        """Somebody who waits."""
        caller = Caller(self, f"call{len(self.owners)}")
        await self.after()
        caller.queueing.perform(c.EnterQueue(queue, **{"hold": MUSIC, **asked}))
        await self.after()
        return caller

    def state_of(self, agent: str) -> AgentState:
        return self.queues.floor.agents[agent].state

    def dialled(self) -> list[tuple[LegId, DialRequest]]:
        """Agents' telephones that were called, in order."""
        return [(LegId(asked.leg_id), asked.details[0]) for asked in self.telephony.asked_for("dial")]

    def plays(self, leg: LegId) -> list[tuple[str, float]]:
        """What was played to a leg: its id, and where it began, in seconds."""
        return [(asked.details[0], round(asked.details[-1], 3)) for asked in self.telephony.asked_for("play", leg)]

    def figure(self, metric: Metric, *labels: str) -> float:
        series = self.figures.snapshot().get(metric.name, [])
        return next((numbers[0] for names, numbers in series if names == list(labels)), 0.0)


def in_a_hall(test: Callable[[Hall], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Run an async test with a hall of its own; afterwards no call, no offer and no timer may be left."""

    def run() -> None:
        async def play() -> None:
            hall = Hall()
            await hall.telephony.start(hall.handle)
            await test(hall)
            hall.acts.is_away = False
            hall.callbacks.stop()
            await hall.telephony.stop()
            await hall.after(10.0)
            assert not hall.queues.floor.calls and not hall.queues.floor.offers
            assert hall.clerk.call_count == 0 and hall.callbacks.count == 0
            assert hall.clock.timer_count == 0, "a timer is left"
            assert len(asyncio.all_tasks()) == 1, "a task is left"

        asyncio.run(play())

    functools.update_wrapper(run, test)
    del run.__wrapped__  # type: ignore[attr-defined]  # pytest would look for its parameters
    return run
