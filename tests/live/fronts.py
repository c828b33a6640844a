"""A front of its own for a test: a real Kamailio, told of workers by the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ivr.config import Settings
from ivr.front.kamailio import Front
from ivr.front.workers import WorkerAddress
from tests.lab import control
from tests.ports import ports_of

PORT = control.RTP_TRUNK_PORT
(INNER_PORT,) = ports_of("front", 1)
URI = f"sip:live@127.0.0.1:{PORT}"
Workers = list[WorkerAddress]


def settings(sip: dict[str, Any] | None = None, **front: Any) -> Settings:
    sip = {"address": "127.0.0.1", "port": PORT, **(sip or {})}
    return Settings.model_validate({"sip": sip, "front": {"inner_port": INNER_PORT, **front}})


@asynccontextmanager
async def front_of(workers: Workers, given: Settings | None = None) -> AsyncIterator[Front]:
    async with Front(given or settings(limits={"calls_per_s": 20})) as front:
        await front.set_workers(workers)
        yield front


async def legs(front: Front) -> list[int]:
    return [worker.legs for worker in (await front.figures()).workers]


async def come_to(front: Front, expected: list[int]) -> None:
    give_up_s = time.monotonic() + 5
    while (found := await legs(front)) != expected:
        assert time.monotonic() < give_up_s, f"legs {found} instead of {expected}"
        await asyncio.sleep(0.05)


def places(workers: Workers, count: int) -> Workers:
    return [WorkerAddress(worker.name, worker.host, worker.port, count) for worker in workers]
