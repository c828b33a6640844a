"""A bot whose telephony, recognizer, prompts, clock and records are all in memory."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from ivr.acd.queue import Queues
from ivr.calls.call_ports import CallPorts
from ivr.calls.driver import CallDriver
from ivr.calls.jobs import Services
from ivr.calls.monitoring import MonitorRules
from ivr.calls.queue_clerk import QueueClerk
from ivr.calls.record import CallRecord
from ivr.calls.registry import CallRegistry, MakeDriver
from ivr.calls.transfer_driver import TransferTarget
from ivr.config import NumberSettings
from ivr.flow.loader import load_flow
from ivr.flow.model import Flow
from ivr.flow.program import Program
from ivr.measures.counters import Counters
from ivr.ports import LegId
from ivr.testing.call_log import MemoryCallLog
from ivr.testing.clock import ManualClock
from ivr.testing.prompts import MemoryPrompts
from ivr.testing.queues import MemoryQueues
from ivr.testing.recognizer import ScriptedRecognizer
from ivr.testing.recorder import MemoryRecorder
from ivr.testing.services import MemoryCalendars, MemoryDataService, MemoryMessages
from ivr.testing.telephony import FakeTelephony
from tests.calls.manual_acts import ManualActs

TARGETS = ("agent", "office", "mobile", "home")
HOLD = Path("/prompts/hold.wav")

FLOW = """
flow: desk
language: en-US
start: main
on_error: sorry
steps:
  main:
    menu:
      prompt: "Press 1 or 2."
      choices:
        code: {keys: "1", say: [code], go: code}
        person: {keys: "2", say: [person], go: person}
        lost: {keys: "3", go: lost}
        blind: {keys: "4", go: blind}
        twice: {keys: "5", go: twice}
        end: {keys: "9", go: hang_up}
  code: {ask: digits, prompt: "Your code?", length: 2, into: code, sensitive: true, next: told}
  told: {say: "It is {{ code | digits }}.", next: main}
  person: {transfer: {to: agent, mode: auto, hold: "Please hold."}, busy: is_busy, failed: away}
  lost: {transfer: {to: nobody}, unknown: is_busy}
  blind: {transfer: {to: agent, mode: refer}, busy: is_busy, failed: away}
  twice: {transfer: {to: agent, mode: bridge, ring_for: 5s}, failed: repeat}
  is_busy: {say: "It is busy.", next: main}
  away: {say: "Nobody is here.", next: main}
  sorry: {say: "Sorry.", next: main}
"""


class Switchboard:
    """The bot, and everything around it."""

    def __init__(
        self,
        flow: str = FLOW,
        *,
        with_recognizer: bool = True,
        lead_in_s: float = 0.0,
        default_flow: str | None = "desk",
        numbers: Mapping[str, NumberSettings] | None = None,
        timezone: str = "",
        longest_call_s: float = 0.0,
        make_driver: MakeDriver = CallDriver,
        monitoring: MonitorRules = MonitorRules(),
        queues: Queues | None = None,
    ) -> None:
        self.data, self.messages, self.calendars = MemoryDataService(), MemoryMessages(), MemoryCalendars()
        self.clock = ManualClock()
        self.figures = Counters()
        self.prompts = MemoryPrompts()
        self.telephony = FakeTelephony(self.clock, length_s=self.prompts.length_s)
        self.recognizer = ScriptedRecognizer(self.clock)
        self.recorder = MemoryRecorder()
        self.log = MemoryCallLog()
        loaded = load_flow(flow, "desk.yaml").flow
        self.flows: dict[str, Flow] = {loaded.flow: loaded}
        self.programs: dict[str, Program] = {}
        """Flows that run others; they go before those of `flows`."""
        self.queues = MemoryQueues(queues or {})
        acts = ManualActs(self.clock)
        self.clerk = QueueClerk(self.queues, queues, "w1-1", acts, self.clock, self.clock) if queues else None
        ports = CallPorts(
            telephony=self.telephony,
            recognizer=self.recognizer if with_recognizer else None,
            prompts=self.prompts,
            clock=self.clock,
            timers=self.clock,
            call_soon=lambda callback: self.clock.call_later(0.0, callback),
            targets={name: TransferTarget(name, f"sip:{name}@pbx", "trunk") for name in TARGETS},
            hold_sound=HOLD,
            lead_in_s=lead_in_s,
            services=Services(self.data, self.messages, self.calendars),
            recorder=self.recorder,
            timezone=timezone,
            measures=self.figures,
            longest_call_s=longest_call_s,
            monitoring=monitoring,
            queueing=self.clerk,
        )
        self.registry = CallRegistry(
            ports, self.log, self._program, numbers or {}, default_flow, "w1", make_driver=make_driver
        )

    def _program(self, name: str) -> Flow | Program | None:
        return self.programs.get(name) or self.flows.get(name)

    async def settle(self) -> None:
        """Let everything happen that happens now."""
        for _ in range(12):
            self.clock.advance()
            await asyncio.sleep(0)

    async def after(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)
        await self.settle()

    async def offer(self, ani: str = "+4930111", dnis: str = "100", headers: Mapping[str, str] | None = None) -> LegId:
        """A call comes in; what happens at once has happened."""
        leg = self.telephony.offer(ani, dnis, headers=headers)
        await self.settle()
        return leg

    async def answered(self) -> LegId:
        """A call that is in the menu, its prompt over."""
        leg = await self.offer()
        await self.after(3.0)
        return leg

    async def press(self, leg: LegId, keys: str) -> None:
        """The caller presses keys."""
        self.telephony.press(leg, keys)
        await self.settle()

    async def says(self, text: str, confidence: float = 0.95) -> None:
        """The caller speaks."""
        self.recognizer.hears_speech()
        await self.after(0.5)
        self.recognizer.hears(text, confidence)
        await self.settle()

    def said(self, leg: LegId) -> list[str]:
        """Texts of the prompts on a leg, whether they were played at once or part by part."""
        said: dict[tuple[int, str], list[str]] = {}
        plays, before = 0, ""
        for play_id, files, *_ in (asked.details for asked in self.telephony.asked_for("play", leg)):
            plays += play_id != before
            said.setdefault((plays, play_id), []).append(self.prompts.texts(files))
            before = play_id
        return [" ".join(texts) for texts in said.values()]

    @property
    def record(self) -> CallRecord:
        """The first call's record."""
        return next(iter(self.log.calls.values()))

    @property
    def records(self) -> list[CallRecord]:
        """All records, in order."""
        return list(self.log.calls.values())


def on_a_switchboard(
    **settings: Any,
) -> Callable[[Callable[[Switchboard], Coroutine[None, None, None]]], Callable[[], None]]:
    """Run an async test with a bot of its own; afterwards no call and no timer may be left."""

    def decorate(test: Callable[[Switchboard], Coroutine[None, None, None]]) -> Callable[[], None]:
        def run() -> None:
            async def play() -> None:
                bot = Switchboard(**settings)
                await bot.telephony.start(bot.registry.handle)
                await test(bot)
                if bot.clerk is not None:
                    bot.clerk.stop()
                await bot.telephony.stop()
                await bot.after(10.0)
                assert bot.registry.call_count == 0
                assert bot.clock.timer_count == 0, "a timer is left"
                assert len(asyncio.all_tasks()) == 1, "a task is left"
                assert all(stream.is_closed for stream in bot.recognizer.streams)

            asyncio.run(play())

        functools.update_wrapper(run, test)
        del run.__wrapped__  # type: ignore[attr-defined]  # pytest would look for its parameters
        return run

    return decorate
