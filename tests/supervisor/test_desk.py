"""The desk's process: started when somebody looks, ended with the bot, and of no matter to calls."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml
from structlog.testing import capture_logs

from ivr.calls.monitoring import MonitorWish, Participation
from ivr.desk_process import BotOverChannel
from ivr.errors import IvrError
from ivr.settings import load_settings
from ivr.supervisor import desk as desk_module
from ivr.supervisor.channel import LineChannel
from ivr.supervisor.desk import DeskProcess
from ivr.supervisor.monitoring import read_request
from tests.storage.helpers import is_running, niceness
from tests.waiting import until

pytestmark = pytest.mark.adapter

START_LIMIT_S = 60.0
"""It has the lowest priority: tests beside it come first."""
STATUS = {"is_up": True, "calls": 1, "capacity": 4, "since": "2026-03-01T08:00:00+00:00", "problem": ""}


@dataclass
class Served:
    """A bot's end of a desk."""

    url: str
    process: DeskProcess
    said: list[str] = field(default_factory=list)

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(timeout=START_LIMIT_S) as client:
            return await client.get(self.url + path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(folder: Path, port: int) -> AsyncIterator[Served]:
    config = folder / "ivr.yaml"
    written = {"web": {"listen": f"127.0.0.1:{port}"}, "database": {"url": f"sqlite:///{folder}/calls.db"}}
    config.write_text(yaml.safe_dump(written))
    settings, said = load_settings(config, environ={}).web, list[str]()

    async def status() -> Mapping[str, object]:
        return STATUS

    async def monitor(request: Mapping[str, object]) -> None:
        raise IvrError(f"{request['who']} may not")

    process = DeskProcess(settings, config, {"web.listen": settings.listen}, status, said.append, monitor)
    running = asyncio.create_task(process.run())
    try:
        yield Served(settings.url, process, said)
    finally:
        running.cancel()
        await asyncio.wait([running])
        await process.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "START_AFTER_S", 0.0)


def test_it_tells_the_first_login_once_shows_the_bot_and_is_started_again_when_it_died(tmp_path: Path) -> None:
    async def work() -> None:
        async with served(tmp_path, free_port()) as desk:
            await until(lambda: len(desk.said) == 3, "the first login", START_LIMIT_S, shown=lambda: desk.said)
            assert desk.said[0] == f"desk: {desk.url}"
            assert re.fullmatch(r"desk: first login: operator, password: \S{16}", desk.said[1])
            health = await desk.get("/health")
            assert (health.status_code, health.json()["status"], health.json()["calls"]) == (200, "ok", 1)
            first = desk.process.pid
            assert first is not None and niceness(first) == min(19, os.nice(0) + 10)
            with capture_logs() as logged:
                os.kill(first, signal.SIGKILL)
                await until(lambda: bool(logged), "its end is noticed")
            assert [line["event"] for line in logged] == ["desk_ended"]
            assert (await desk.get("/login")).status_code == 200
            second = desk.process.pid
            assert second not in (None, first)
        assert second is not None and not is_running(second)
        assert len(desk.said) == 3, "the first login is told once"

    asyncio.run(work())


def test_a_port_in_use_is_named_once_and_taken_when_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "BIND_AGAIN_S", 0.01)

    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(DeskProcess, "_served", lambda self, listener: never())

    async def work() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as logged:
            async with served(tmp_path, taken.getsockname()[1]) as desk:
                await until(lambda: bool(logged), "it is named")
                for _ in range(5):
                    await asyncio.sleep(0.01)
                assert [line["event"] for line in logged] == ["desk_not_served"]
                assert "web.listen" in logged[0]["remedy"] and desk.said == []
                taken.close()
                await until(lambda: desk.said == [f"desk: {desk.url}"], "the port is taken")

    asyncio.run(work())


def test_a_supervisors_wish_is_asked_of_the_bot_and_its_answer_told() -> None:
    async def work() -> None:
        bot = BotOverChannel()
        ours, theirs = socket.socketpair()
        told = asyncio.Queue[dict[str, object]]()
        bot.channel, far = LineChannel(ours, bot.heard, bot.ended), LineChannel(theirs, told.put_nowait, lambda: None)
        asking = asyncio.create_task(bot.monitor("c1", MonitorWish("eva", "sip:eva@pbx", Participation.JOIN)))
        request = await told.get()
        assert read_request(request) == ("c1", MonitorWish("eva", "sip:eva@pbx", Participation.JOIN))
        far.send({"say": "monitored", "id": int(str(request["id"])) + 1, "reason": "of another question"})
        far.send({"say": "monitored", "id": request["id"], "reason": "eva may not"})
        assert await asyncio.wait_for(asking, 5) == "eva may not"
        bot.channel.close()
        far.close()

    asyncio.run(work())
