"""Many pages look at the same agents and queues: they share what is read of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from ivr.acd.wishes import Wish
from ivr.errors import StorageError
from ivr.ports.queues import QueueScene
from ivr.testing.queues import MemoryQueues
from ivr.web.floor import FloorView
from tests.scenario import scenario
from tests.web.desks import RULES

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
HOURS = (NOW.replace(hour=0),)
LONG_S = 3600.0


class CountedQueues(MemoryQueues):
    """Say how often they were read."""

    readings = 0
    is_away = False

    def scene(self) -> QueueScene:
        """All agents and calls."""
        self.readings += 1
        if self.is_away:
            raise StorageError("away", retryable=True)
        return super().scene()


def floor(fresh_s: float = LONG_S) -> tuple[CountedQueues, FloorView]:
    queues = CountedQueues(RULES)
    queues.add_agent("anna", "sip:anna@pbx", {})
    return queues, FloorView(queues, RULES, lambda: NOW, fresh_s=fresh_s)


@scenario
async def test_fifty_pages_at_once_share_one_reading() -> None:
    queues, view = floor()
    seen = await asyncio.gather(*(view.figures(HOURS) for _ in range(50)))
    assert queues.readings == 1 and all(each is seen[0] for each in seen) and seen[0] is not None


@scenario
async def test_what_is_older_than_the_limit_is_read_anew() -> None:
    queues, view = floor(fresh_s=0.0)
    await view.figures(HOURS)
    await view.figures(HOURS)
    assert queues.readings == 2


@scenario
async def test_what_an_agent_does_at_this_desk_is_seen_at_once() -> None:
    _, view = floor()
    await view.figures(HOURS)
    await view.wish("anna", Wish.AVAILABLE, "")
    seen = await view.figures(HOURS)
    assert seen is not None and seen.agents[0].state == "available"


@scenario
async def test_pages_do_not_ask_a_database_that_is_away_one_after_the_other() -> None:
    queues, view = floor()
    queues.is_away = True
    assert await asyncio.gather(*(view.figures(HOURS) for _ in range(50))) == [None] * 50
    assert queues.readings == 1


@scenario
async def test_another_day_is_read_anew() -> None:
    queues, view = floor()
    await view.figures(HOURS)
    await view.figures((NOW,))
    assert queues.readings == 2
