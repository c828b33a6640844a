"""Services beyond the call: the same cases over those in memory and over the real ones with real servers."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ivr.config_services import CalendarSettings, RequestsSettings, SendSettings, WebhookSettings
from ivr.flow.jobs import HttpJob, JobOutcome, JobResult, WebhookMessage
from ivr.ports import CalendarService, DataService, MessageService
from ivr.services.data import HttpDataService
from ivr.services.hours import HoursService
from ivr.services.messenger import Messenger
from ivr.testing.services import MemoryCalendars, MemoryDataService, MemoryMessages
from tests.scenario import scenario
from tests.services.http_server import HttpServer, answer, is_silent
from tests.waiting import until

pytestmark = pytest.mark.adapter


class World(ABC):
    """A data service and a message service, and the servers behind them."""

    data: DataService
    messages: MessageService

    def url(self, path: str) -> str:
        """Address of a path."""
        return f"https://crm.example.com{path}"

    @abstractmethod
    async def open(self, folder: Path) -> None:
        """Servers are up: `/good` answers 200 and JSON, `/unknown` 404, `/slow` nothing; the webhook takes messages."""

    @abstractmethod
    async def close(self) -> None:
        """All is gone."""

    @abstractmethod
    def delivered(self) -> int:
        """Messages that have arrived."""


class InMemory(World):
    """The fakes."""

    async def open(self, folder: Path) -> None:
        """Scripted."""
        answers: dict[str, tuple[int, object]] = {self.url("/good"): (200, {"a": 1}), self.url("/unknown"): (404, None)}
        self.data = self._data = MemoryDataService(answers)
        self.messages = self._messages = MemoryMessages()

    async def close(self) -> None:
        """Nothing."""

    def delivered(self) -> int:
        """What was asked for."""
        return len(self._messages.posted) + len(self._messages.delivered)


class OverTheWire(World):
    """The adapters."""

    def url(self, path: str) -> str:
        """At the server."""
        return self._server.url(path)

    async def open(self, folder: Path) -> None:
        """A real server."""
        self._server = HttpServer().on("/good", answer(200, {"a": 1})).on("/slow", is_silent).on("/hook", answer(204))
        await self._server.__aenter__()
        hosts = {f"127.0.0.1:{self._server.port}": {"allow_http": True}}
        settings = RequestsSettings.model_validate({"hosts": hosts, "allow_private": True})
        self.data = self._data = HttpDataService(settings)
        hook = WebhookSettings(url=self._server.url("/hook"), allow_private=True)
        send = SendSettings(outbox_dir=str(folder), webhooks={"crm": hook})
        self.messages = self._messenger = Messenger(send, {}, lambda request, report: None)

    async def close(self) -> None:
        """Connections and server."""
        await self._messenger.stop()
        await self._data.close()
        await self._server.__aexit__()

    def delivered(self) -> int:
        """What arrived."""
        return sum(got.target == "/hook" for got in self._server.received)


WORLDS = pytest.mark.parametrize("world", [InMemory(), OverTheWire()], ids=["memory", "wire"])
MESSAGE = WebhookMessage("crm", {"a": 1})


@WORLDS
def test_questions_and_their_outcomes(world: World, tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        await world.open(tmp_path)
        good, unknown = world.url("/good"), world.url("/unknown")
        results = [
            await world.data.ask(HttpJob("GET", good, reads_answer=True)),
            await world.data.ask(HttpJob("GET", good)),
            await world.data.ask(HttpJob("GET", good, reads_answer=True, accepted=((404, 404),))),
            await world.data.ask(HttpJob("GET", unknown, reads_answer=True)),
        ]
        await world.close()
        assert results == [
            JobResult(JobOutcome.DONE, {"a": 1}, 200),
            JobResult(JobOutcome.DONE, None, 200),
            JobResult(JobOutcome.FAILED, None, 200, "status 200"),
            JobResult(JobOutcome.FAILED, None, 404, "status 404"),
        ]

    play()


@WORLDS
def test_a_question_can_be_given_up(world: World, tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        await world.open(tmp_path)
        if isinstance(world.data, MemoryDataService):
            world.data.gate = asyncio.Event()
        task = asyncio.ensure_future(world.data.ask(HttpJob("GET", world.url("/slow"))))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        await world.close()

    play()


@WORLDS
def test_messages_now_and_later(world: World, tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        await world.open(tmp_path)
        world.messages.post(MESSAGE, "call1")
        assert await world.messages.deliver(MESSAGE, "call1", 5.0) == JobResult(JobOutcome.DONE)
        await until(lambda: world.delivered() == 2, "two messages")
        await world.close()

    play()


def test_calendars_say_the_same_things(tmp_path: Path) -> None:
    settings = {
        "here": CalendarSettings(open={"mon-sun": ("00:00-24:00",)}),
        "away": CalendarSettings(),
    }
    services: list[CalendarService] = [
        MemoryCalendars({"here": "open", "away": "closed"}),
        HoursService(settings, tmp_path, lambda: datetime(2026, 3, 2, tzinfo=UTC)),
    ]
    for name in ("here", "away", "nowhere"):
        one, other = (service.hours(name) for service in services)
        assert one == other
