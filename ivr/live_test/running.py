"""Conversations as real calls: starts a bot for the flows of a folder, plays callers and people, reports."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from ivr.config import Settings
from ivr.flow.model import Flow
from ivr.flow.prompts import languages_of
from ivr.flow.steps.transfer_model import TransferStep
from ivr.live_test.arrangement import Arrangement
from ivr.live_test.bot import Bot, running, settings_for
from ivr.live_test.caller import LiveCaller
from ivr.live_test.dialling import Dialling
from ivr.live_test.legs import Legs
from ivr.live_test.people import People
from ivr.live_test.speech import CallersVoice, callers_voice
from ivr.live_test.suitability import legs_for, understood_languages, why_not_called, why_not_live
from ivr.rehearsal.played import Played
from ivr.rehearsal.player import begins_at, play
from ivr.rehearsal.reading import PlacedConversation
from ivr.rehearsal.results import Report, Result
from ivr.rehearsal.running import Suite, coverages
from ivr.rehearsal.world import Calendars
from ivr.storage.calls import CallRepository
from ivr.testing.sip_peer import SipPeer

Wanted = Sequence[tuple[Suite, PlacedConversation]]


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
    at_once: int = 0
    """Legs of a bot in use at the same time; 0: as many as it has."""
    bots: int = 1
    """How many share the conversations of a folder."""


def run_live(
    wanted: Wanted,
    settings: Settings,
    way: Way,
    *,
    zone: tzinfo | None = None,
    calendars: Calendars | None = None,
    stops_at_failure: bool = False,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Play all of them, as many at once as there are legs. `on_result` is told of each in the order of `wanted`.

    Raises BotFailed, SpeechError.
    """
    began_s = time.perf_counter()
    results: list[Result] = []

    def add(result: Result) -> None:
        results.append(result)
        on_result(result)

    for tests in _by_bot(wanted, way):
        rehearsal = _Rehearsal([_Test(suite, placed, zone, calendars) for suite, placed in tests], settings, way)
        rehearsal.run(add, stops_at_failure=stops_at_failure)
        if stops_at_failure and any(result.has_failed for result in results):
            break
    went_well = [result for result in results if result.played is not None and not result.has_failed]
    return Report(results, coverages(wanted, went_well), time.perf_counter() - began_s)


def _by_bot(wanted: Wanted, way: Way) -> Iterator[Wanted]:
    """One bot has the flows of a folder, each at a number of its own; through a PBX all numbers lead to one flow."""
    where = [str(Path(suite.flow.file) if way.through else Path(suite.flow.file).parent) for suite, _ in wanted]
    for place in dict.fromkeys(where):
        yield [each for each, found in zip(wanted, where, strict=True) if found == place]


class _Test:
    """A conversation, and how it goes on virtual time."""

    def __init__(
        self, suite: Suite, placed: PlacedConversation, zone: tzinfo | None, calendars: Calendars | None
    ) -> None:
        self.suite, self.placed, self.test = suite, placed, placed.conversation
        self.flow = suite.flow.flow
        self.wanted = play(self.test, suite.program, zone=zone, calendars=calendars)
        self.begins_at = begins_at(self.test.given, zone)

    def result(self, played: Played | None, took_s: float = 0.0, because: str = "") -> Result:
        return Result(self.flow.flow, self.placed, played, took_s, skipped_because=because, is_live=True)

    def arrangement(self, person: str) -> Arrangement:
        return Arrangement(self.test.given, self.begins_at, self.test.mock, person)


@dataclass(frozen=True)
class _Hall:
    """What the calls to one bot share."""

    bot: Bot
    repository: CallRepository
    voice: CallersVoice
    legs: Legs
    dialling: asyncio.Lock


class _Rehearsal:
    """The conversations with one bot."""

    def __init__(self, tests: Sequence[_Test], settings: Settings, way: Way) -> None:
        self._tests, self._settings, self._way = tests, settings, way
        self._understood = understood_languages(settings)

    def run(self, add: Callable[[Result], None], *, stops_at_failure: bool) -> None:
        known = [self._without_a_call(test) for test in self._tests]
        if all(result is not None for result in known):
            for result in known:
                assert result is not None
                add(result)
            return
        asyncio.run(self._run(known, add, stops_at_failure=stops_at_failure))

    def _without_a_call(self, test: _Test) -> Result | None:
        """What is known without a call: it went wrong on virtual time already, or it cannot be had."""
        if test.wanted.difference is not None:
            return test.result(test.wanted)
        because = why_not_called(test.flow) or why_not_live(
            test.test, test.wanted, self._understood, has_voice=bool(self._way.voice)
        )
        return test.result(None, because=because) if because else None

    async def _run(
        self, known: Sequence[Result | None], add: Callable[[Result], None], *, stops_at_failure: bool
    ) -> None:
        with ExitStack() as stack:
            halls = await asyncio.to_thread(self._halls, stack)
            tasks = [
                None if result is not None else asyncio.create_task(self._call(halls[index % len(halls)], index))
                for index, result in enumerate(known)
            ]
            try:
                for result, task in zip(known, tasks, strict=True):
                    done = result or (await task if task is not None else None)
                    assert done is not None
                    add(done)
                    if stops_at_failure and done.has_failed:
                        return
            finally:
                open_tasks = [task for task in tasks if task is not None]
                for task in open_tasks:
                    task.cancel()
                await asyncio.gather(*open_tasks, return_exceptions=True)

    def _halls(self, stack: ExitStack) -> list[_Hall]:
        """One for each bot."""
        voice = stack.enter_context(callers_voice(self._settings, self._languages(), self._way.voice))
        bots = min(self._way.bots, len(self._tests))
        with ThreadPoolExecutor(bots) as starting:
            running_bots = list(starting.map(lambda _: self._bot(stack), range(bots)))
        return [self._hall(stack, bot, voice) for bot in running_bots]

    def _bot(self, stack: ExitStack) -> Bot:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ivr-test-live-")))
        names = list(dict.fromkeys(test.flow.flow for test in self._tests))
        flows = Path(self._tests[0].suite.flow.file).parent
        settings = settings_for(folder, self._settings, flows, names, self._targets(), self._way.bot_port)
        return stack.enter_context(running(folder, settings))

    def _hall(self, stack: ExitStack, bot: Bot, voice: CallersVoice) -> _Hall:
        repository = stack.enter_context(CallRepository(bot.database_url))
        legs = min(self._way.at_once or bot.max_legs, bot.max_legs)
        return _Hall(bot, repository, voice, Legs(legs), asyncio.Lock())

    def _languages(self) -> list[str]:
        flows = [flow for test in self._tests for flow in test.suite.program.flows]
        spoken = (moment.language for test in self._tests for moment in test.wanted.moments)
        return list(dict.fromkeys([*(tag for flow in flows for tag in languages_of(flow)), *spoken]))

    def _targets(self) -> set[str]:
        flows = [flow for test in self._tests for flow in test.suite.program.flows]
        return {*self._settings.targets, *(callee.target for step in _transfers(flows) for callee in step.transfer.to)}

    async def _call(self, hall: _Hall, index: int) -> Result:
        test, way = self._tests[index], self._way
        needs_key = any(step.transfer.accept == "key" for step in _transfers(test.suite.program.flows))
        return_keys = (step.transfer.return_key for step in _transfers(test.suite.program.flows))
        return_key = next(filter(None, return_keys), "")
        people = People(list(test.wanted.transfers), needs_key, return_key)
        async with (
            hall.legs.taken(legs_for(test.wanted)),
            SipPeer(user="person", incoming=people.take) as telephone,
            SipPeer(user=way.user or "caller", password=way.password or None) as peer,
        ):
            began_s = time.perf_counter()
            dialling = Dialling(
                peer,
                way.through or hall.bot.uri(test.flow.flow),
                None if way.user else test.test.given.caller,
                test.arrangement(telephone.uri),
                str(index),
                hall.bot.desk,
                hall.repository,
                hall.dialling,
            )
            played = await LiveCaller(test.test, test.wanted, dialling, people, hall.voice).play()
            return test.result(played, time.perf_counter() - began_s)


def _transfers(flows: Iterable[Flow]) -> Iterator[TransferStep]:
    return (step for flow in flows for step in flow.steps.values() if isinstance(step, TransferStep))
