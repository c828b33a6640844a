"""When the process of the desk ends by itself."""

from __future__ import annotations

import asyncio
import socket
import time

import httpx
import pytest

from ivr.web import serving
from ivr.web.app import make_app
from tests.web.desks import TestDesk

pytestmark = pytest.mark.adapter


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "REST_AFTER_S", 0.05)
    monkeypatch.setattr(serving, "LOOK_EVERY_S", 0.01)


def test_it_rests_when_nobody_has_looked_for_a_while(desk: TestDesk) -> None:
    asyncio.run(asyncio.wait_for(_serve(desk), 10))


def test_it_stays_while_a_browser_is_connected(desk: TestDesk) -> None:
    async def work() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            serving_it = asyncio.create_task(serving.serve(make_app(desk.desk), desk.desk, listener, asyncio.Event()))
            async with httpx.AsyncClient() as client:
                for _ in range(10):
                    answer = await client.get(url + "/health", headers={"host": "127.0.0.1:8080"})
                    assert answer.status_code == 200 and "server" not in answer.headers
                    await asyncio.sleep(0.02)
                assert not serving_it.done()
            await asyncio.wait_for(serving_it, 10)

    asyncio.run(work())


def test_it_does_not_rest_while_failed_logins_count(desk: TestDesk) -> None:
    async def work() -> None:
        stop = asyncio.Event()
        desk.desk.limit.failed("sven", "10.0.0.1", time.monotonic())
        serving_it = asyncio.create_task(_serve(desk, stop))
        assert not (await asyncio.wait([serving_it], timeout=0.3))[0]
        stop.set()
        await asyncio.wait_for(serving_it, 10)

    asyncio.run(work())


async def _serve(desk: TestDesk, stop: asyncio.Event | None = None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await serving.serve(make_app(desk.desk), desk.desk, listener, stop or asyncio.Event())
