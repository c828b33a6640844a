"""Queues that several workers share, on real calls: one order for all callers, and what a killed worker leaves."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from ivr.acd.agent import Act, AgentState
from ivr.storage.queues import DatabaseQueues
from ivr.supervisor.control import ask
from ivr.testing.sip_peer import PeerCall, SipPeer
from tests.live.bots import HOLD_HZ, MENU_HZ, LiveBot, answered, hears, live, running_bot
from tests.live.test_queue import PORTS, QUEUES, agent_of, come, desk, opened_queues, queue_flow, soon, talk
from tests.ports import ports_of

pytestmark = pytest.mark.live

INNER_PORT, PORT, FIRST_WORKER, *_ = ports_of("queue_workers", 20)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """Two workers behind a front."""
    folder = tmp_path_factory.mktemp("workers") / "bot"
    settings = {
        "capacity": 8,
        "front": {"inner_port": INNER_PORT},
        "workers": {"sip_port": FIRST_WORKER},
        "default_flow": "queues",
        "queues": QUEUES,
    }
    environ = {"NOTIFY_SOCKET": str(folder / "unheard")}
    ports = {"rtp_port": 31600, "rtp_port_count": 400}
    with running_bot(folder, PORT, flows=[queue_flow()], environ=environ, settings=settings, **ports) as running:
        yield running


def serving(bot: LiveBot) -> list[dict[str, Any]]:
    """The workers that take calls."""
    status = ask(bot.folder / "var/run", {"do": "status"})
    return [each for each in status["workers"] if each["state"] == "serving"]


async def waits(stack: AsyncExitStack, queues: DatabaseQueues, user: str, worker: dict[str, Any]) -> PeerCall:
    """A caller of one worker, behind those who are there."""
    before = len(queues.scene().calls)
    phone = await stack.enter_async_context(SipPeer(user=user))
    call = await answered(phone.dial(f"sip:live@{worker['sip']}"))
    await hears(call, MENU_HZ)
    await call.press("1")
    await hears(call, HOLD_HZ, 15)
    await soon(lambda: len(queues.scene().calls) == before + 1, f"{user} waits")
    return call


@live
async def test_a_worker_whose_legs_are_all_taken_holds_up_no_caller_of_another(bot: LiveBot) -> None:
    full, other = serving(bot)
    async with AsyncExitStack() as stack:
        queues = stack.enter_context(opened_queues(bot))
        queues.add_agent("anna", f"sip:anna@127.0.0.1:{PORTS['anna']}", {})
        anna = await stack.enter_async_context(desk("anna"))
        crowd = [await waits(stack, queues, f"crowd{number}", full) for number in range(4)]
        last = await waits(stack, queues, "last", other)
        await asyncio.to_thread(come, queues, "anna")
        rung = await anna.wait_call(20)
        await rung.wait_answered(5)
        await talk(last, rung)
        await last.hang_up()
        await rung.wait_ended(8)
        await crowd[3].hang_up()
        await soon(lambda: agent_of(queues, "anna").state is AgentState.WRAP_UP, "the talk is over")
        await asyncio.to_thread(queues.agent_acts, "anna", Act.READY, datetime.now(UTC))
        again = await anna.wait_call(20)
        await again.wait_answered(5)
        await talk(crowd[0], again)
        for call in crowd[:3]:
            await call.hang_up()
        await soon(lambda: not queues.scene().calls, "nobody waits")
        await soon(lambda: agent_of(queues, "anna").state is AgentState.WRAP_UP, "the talk is over")
        queues.agent_acts("anna", Act.LOG_OUT, datetime.now(UTC))


@live
async def test_callers_of_all_workers_are_served_in_order_and_a_killed_worker_frees_its_agent(bot: LiveBot) -> None:
    first_worker, second_worker = serving(bot)
    async with AsyncExitStack() as stack:
        queues = stack.enter_context(opened_queues(bot))
        queues.add_agent("anna", f"sip:anna@127.0.0.1:{PORTS['anna']}", {})
        anna = await stack.enter_async_context(desk("anna"))
        first = await waits(stack, queues, "first", first_worker)
        second = await waits(stack, queues, "second", second_worker)
        await asyncio.to_thread(come, queues, "anna")
        rung = await anna.wait_call(15)
        await rung.wait_answered(5)
        await talk(first, rung)
        await first.hang_up()
        await rung.wait_ended(8)
        await soon(lambda: agent_of(queues, "anna").state is AgentState.WRAP_UP, "the first talk is over")
        await asyncio.to_thread(queues.agent_acts, "anna", Act.READY, datetime.now(UTC))
        again = await anna.wait_call(15)
        await again.wait_answered(5)
        await talk(second, again)
        os.kill(second_worker["pid"], signal.SIGKILL)
        await soon(lambda: agent_of(queues, "anna").state is AgentState.WRAP_UP, "the agent is free again", 45)
        scene = queues.scene()
        assert not scene.calls and not scene.offers
