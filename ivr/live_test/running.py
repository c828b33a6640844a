"""Conversations as real calls: starts a bot for each flow, plays the caller and the people, reports."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ivr.config import Settings
from ivr.flow.model import Flow, TransferStep
from ivr.flow.program import Program
from ivr.flow.prompts import languages_of
from ivr.live_test.bot import Bot, running, write_project
from ivr.live_test.caller import LiveCaller
from ivr.live_test.people import People
from ivr.live_test.record import LiveRecord
from ivr.live_test.speech import CallersVoice, callers_voice
from ivr.rehearsal import acts as a
from ivr.rehearsal.fitting import steps_of
from ivr.rehearsal.model import Conversation
from ivr.rehearsal.player import Played, play
from ivr.rehearsal.reading import PlacedConversation
from ivr.rehearsal.results import Report, Result
from ivr.rehearsal.running import Suite
from ivr.storage.calls import CallRepository
from ivr.testing.sip_peer import SipPeer


@dataclass(frozen=True, slots=True)
class Way:
    """How the bot is called."""

    through: str = ""
    """URI that leads to the bot by way of a PBX; empty: straight to it."""
    bot_port: int = 0
    """Where the PBX sends the calls; 0 takes any port."""
    user: str = ""
    """The caller's name at the PBX."""
    password: str = ""
    voice: str = ""
    """The caller's espeak-ng voice."""


def why_not_live(test: Conversation, program: Program) -> str:
    """Why a conversation cannot be had by telephone; empty where it can."""
    given = test.given
    for name, is_given in (
        ("now", given.now is not None),
        ("language", given.language is not None),
        ("variables", bool(given.variables)),
        ("speech", not given.speech),
    ):
        if is_given:
            return f"given.{name} cannot be arranged in a real call"
    steps = steps_of(program)
    for name in test.mock:
        if not isinstance(steps.get(name.rpartition("/")[2]), TransferStep):
            return f"the mock of '{name}' cannot be arranged in a real call"
    for act in test.call:
        if isinstance(act, a.MakeNoise):
            return "make_noise cannot be arranged in a real call"
        if isinstance(act, a.Say | a.Interrupt) and act.confidence != a.CLEARLY:
            return "a confidence cannot be arranged in a real call"
    return ""


def run_live(
    wanted: Sequence[tuple[Suite, PlacedConversation]],
    settings: Settings,
    way: Way,
    *,
    stops_at_failure: bool = False,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Play all of them, one call at a time. Raises BotFailed, SpeechError."""
    began_s = time.perf_counter()
    results: list[Result] = []
    for suite in dict.fromkeys(suite.flow.file for suite, _ in wanted):
        own = [(each, placed) for each, placed in wanted if each.flow.file == suite]
        for result in _Flow(own, settings, way, stops_at_failure=stops_at_failure, on_result=on_result).run():
            results.append(result)
        if stops_at_failure and any(result.has_failed for result in results):
            break
    return Report(results, (), time.perf_counter() - began_s)


class _Flow:
    """The conversations of one flow, and its bot."""

    def __init__(
        self,
        wanted: Sequence[tuple[Suite, PlacedConversation]],
        settings: Settings,
        way: Way,
        *,
        stops_at_failure: bool,
        on_result: Callable[[Result], None],
    ) -> None:
        self._suite = wanted[0][0]
        self._tests = [placed for _, placed in wanted]
        self._settings, self._way = settings, way
        self._stops_at_failure, self._on_result = stops_at_failure, on_result
        self._results: list[Result] = []

    @property
    def _flow(self) -> Flow:
        return self._suite.flow.flow

    def run(self) -> list[Result]:
        callable_tests = []
        for placed in self._tests:
            because = why_not_live(placed.conversation, self._suite.program)
            if because:
                self._add(Result(self._flow.flow, placed, None, skipped_because=because, is_live=True))
            else:
                callable_tests.append(placed)
        if callable_tests:
            asyncio.run(self._run(callable_tests))
        return self._results

    def _add(self, result: Result) -> None:
        self._results.append(result)
        self._on_result(result)

    async def _run(self, tests: Sequence[PlacedConversation]) -> None:
        people = People()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ivr-test-live-")))
            voice = stack.enter_context(callers_voice(self._settings, languages_of(self._flow), self._way.voice))
            async with SipPeer(user="person", incoming=people.take) as telephone:
                targets = dict.fromkeys(self._targets(), telephone.uri)
                flows = Path(self._suite.flow.file).parent
                write_project(folder, self._settings, self._flow.flow, flows, targets, self._way.bot_port)
                bot = await asyncio.to_thread(stack.enter_context, running(folder))
                repository = stack.enter_context(CallRepository(bot.database_url))
                for placed in tests:
                    await self._play(placed, bot, people, voice, LiveRecord(repository))
                    if self._stops_at_failure and self._results[-1].has_failed:
                        return

    def _targets(self) -> set[str]:
        flows = self._suite.program.flows
        transfers = (step for flow in flows for step in flow.steps.values() if isinstance(step, TransferStep))
        return {*self._settings.targets, *(step.transfer.to for step in transfers)}

    async def _play(
        self, placed: PlacedConversation, bot: Bot, people: People, voice: CallersVoice, record: LiveRecord
    ) -> None:
        began_s = time.perf_counter()
        test, flow = placed.conversation, self._flow
        wanted = play(test, flow, runs=tuple(self._suite.program.parts.values()))
        if wanted.end == "caller_hung_up" and not wanted.is_answered:
            because = "the caller leaves before the answer; that is not arranged in a real call"
            self._add(Result(flow.flow, placed, None, skipped_because=because, is_live=True))
            return
        played: Played = wanted
        if wanted.difference is None:
            password = self._way.password or None
            async with SipPeer(user=self._way.user or "caller", password=password) as peer:
                uri = self._way.through or bot.uri(test.given.called)
                from_user = None if self._way.user else test.given.caller
                caller = LiveCaller(test, flow, wanted, peer, people, voice, record, uri, from_user)
                played = await caller.play()
        self._add(Result(flow.flow, placed, played, time.perf_counter() - began_s, is_live=True))
