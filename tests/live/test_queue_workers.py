"""Queues that several workers share, on real calls: one order for all callers, and what a killed worker leaves."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from ivr.acd.agent import Act, AgentState
from ivr.supervisor.control import ask
from ivr.testing.sip_peer import SipPeer
from tests.live.bots import HOLD_HZ, MENU_HZ, LiveBot, answered, hears, live, running_bot
from tests.live.test_queue import PORTS, QUEUES, agent_of, come, desk, opened_queues, queue_flow, soon, talk

pytestmark = pytest.mark.live

PORT, FIRST_WORKER = 5479, 5480


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """Two workers behind a front."""
    folder = tmp_path_factory.mktemp("workers") / "bot"
    settings = {
        "capacity": 8,
        "front": {"inner_port": PORT - 1},
        "workers": {"sip_port": FIRST_WORKER},
        "default_flow": "queues",
        "queues": QUEUES,
    }
    environ = {"NOTIFY_SOCKET": str(folder / "unheard")}
    ports = {"rtp_port": 18200, "rtp_port_count": 400}
    with running_bot(folder, PORT, flows=[queue_flow()], environ=environ, settings=settings, **ports) as running:
        yield running


@live
async def test_callers_of_all_workers_are_served_in_order_and_a_killed_worker_frees_its_agent(bot: LiveBot) -> None:
    status = ask(bot.folder / "var/run", {"do": "status"})
    first_worker, second_worker = [each for each in status["workers"] if each["state"] == "serving"]
    async with AsyncExitStack() as stack:
        queues = stack.enter_context(opened_queues(bot))
        queues.add_agent("anna", f"sip:anna@127.0.0.1:{PORTS['anna']}", {})
        anna = await stack.enter_async_context(desk("anna"))
        calls = []
        for count, worker in enumerate((first_worker, second_worker), 1):
            phone = await stack.enter_async_context(SipPeer(user=f"caller{count}"))
            call = await answered(phone.dial(f"sip:live@{worker['sip']}"))
            await hears(call, MENU_HZ)
            await call.press("1")
            await hears(call, HOLD_HZ, 15)
            await soon(lambda count=count: len(queues.scene().calls) == count, "the caller waits")  # type: ignore[misc]
            calls.append(call)
        first, second = calls
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
