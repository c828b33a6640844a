"""Two nodes: each front leads calls to the workers of both, and one goes on alone when the other is gone.

phones 10.92.0.1 ──┬── 10.92.0.11  node a  10.91.0.1 ──┐
(a switch)         └── 10.92.0.12  node b  10.91.0.2 ──┘ the nodes' own network
"""

from __future__ import annotations

import asyncio
import functools
import shutil
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from ivr.supervisor.control import ask
from ivr.testing.sip_peer import PeerCall, SipPeer
from tests.live.bots import HEARD_HZ, MENU_HZ, LiveBot, answered, hears, running_bot
from tests.live.namespaces import inside, ip, join, machines, power_off

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("kamailio") is None, reason="kamailio is not installed (make test does)"),
]

PHONES = "10.92.0.1"
OUTER = {"a": "10.92.0.11", "b": "10.92.0.12"}
INNER = {"a": "10.91.0.1", "b": "10.91.0.2"}
PORT, WORKER_PORT, FRONT_PORT, NODES_PORT = 5060, 5200, 5199, 5198
LEGS = 4
GONE_S = 4.0
"""A node that went without a word is out of the other front within this time."""
SECRET = "of the two nodes under test"


@dataclass
class Pair:
    """The two nodes."""

    namespaces: dict[str, str]
    bots: dict[str, LiveBot]

    def status(self, node: str) -> dict[str, Any]:
        return ask(self.bots[node].folder / "var/run", {"do": "status"})

    def front(self, node: str) -> dict[str, Any]:
        return self.status(node)["front"]  # type: ignore[no-any-return]

    def legs(self, node: str) -> dict[str, tuple[int, int]]:
        """Worker to the legs that this node's front has given to it, and other fronts have."""
        return {each["name"]: (each["legs"], each["taken_by_others"]) for each in self.front(node)["workers"]}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("nodes")
    with machines("a", "b", "phones") as namespaces, ExitStack() as stack:
        connect(namespaces["a"], namespaces["b"], namespaces["phones"])
        nodes = [node_of(namespaces[node], node, folder / node) for node in ("a", "b")]
        with ThreadPoolExecutor() as starters:
            first, second = starters.map(stack.enter_context, nodes)
        yield Pair(dict(namespaces), {"a": first, "b": second})


def connect(a: str, b: str, phones: str) -> None:
    join((a, "inner", f"{INNER['a']}/24"), (b, "inner", f"{INNER['b']}/24"))
    ip("-n", phones, "link", "add", "switch", "type", "bridge")
    ip("-n", phones, "addr", "add", f"{PHONES}/24", "dev", "switch")
    ip("-n", phones, "link", "set", "switch", "up")
    for node, namespace in (("a", a), ("b", b)):
        join((namespace, "outer", f"{OUTER[node]}/24"), (phones, f"to-{node}", ""))
        ip("-n", phones, "link", "set", f"to-{node}", "master", "switch")


@contextmanager
def node_of(namespace: str, node: str, folder: Path) -> Iterator[LiveBot]:
    """A bot of one worker that knows the other node."""
    nodes = {"addresses": list(INNER.values()), "secret": "${NODES_SECRET}"}
    settings = {
        "capacity": LEGS,
        "front": {"inner_address": INNER[node], "nodes": nodes, "limits": {"calls_per_s": 100, "requests_per_s": 1000}},
        "workers": {"address": INNER[node]},
        "speech": {"recognizer": "none", "synthesizer": "none"},
    }
    environ, sip = {"NODES_SECRET": SECRET}, {"address": OUTER[node], "rtp_port_count": 1000}
    with ExitStack() as stack:
        with inside(namespace):
            bot = stack.enter_context(running_bot(folder, PORT, environ=environ, settings=settings, **sip))
        yield bot


def by_phone(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[[Pair], None]:
    """Run an async test where the phones are."""

    @functools.wraps(test)
    def run(pair: Pair) -> None:
        with inside(pair.namespaces["phones"]):
            asyncio.run(test(pair))

    return run


async def soon(condition: Callable[[], bool], within_s: float, what: Callable[[], str]) -> None:
    give_up_s = time.monotonic() + within_s
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < give_up_s, f"not within {within_s} s: {what()}"
        await asyncio.sleep(0.05)


async def become(pair: Pair, node: str, expected: dict[str, tuple[int, int]]) -> None:
    await soon(lambda: pair.legs(node) == expected, 3, lambda: f"{pair.legs(node)} instead of {expected}")


async def call_by(stack: AsyncExitStack, node: str) -> PeerCall:
    """A caller of one node who hears the menu."""
    phone = await stack.enter_async_context(SipPeer(host=PHONES, user="alice"))
    call = await answered(phone.dial(f"sip:live@{OUTER[node]}", timeout_s=5))
    await hears(call, MENU_HZ)
    return call


async def calls_by(stack: AsyncExitStack, node: str, count: int) -> list[PeerCall]:
    return list(await asyncio.gather(*(call_by(stack, node) for _ in range(count))))


async def status_of_call_by(node: str) -> int:
    async with SipPeer(host=PHONES, user="late") as phone:
        call = await phone.dial(f"sip:live@{OUTER[node]}", timeout_s=5)
        return call.status


async def goes_on(call: PeerCall, method: Literal["rfc4733", "info"]) -> None:
    since_s = len(call.received_audio()) / 8000
    await call.press("1", method=method)
    await hears(call, HEARD_HZ["sales"], after_s=since_s)


@by_phone
async def test_calls_beyond_a_nodes_places_go_to_the_other_ones_and_each_leg_is_counted_once(pair: Pair) -> None:
    far = {"a": f"{INNER['b']}/w1", "b": f"{INNER['a']}/w1"}
    for node in ("a", "b"):
        await become(pair, node, {"w1": (0, 0), far[node]: (0, 0)})
        assert [each["is_heard"] for each in pair.front(node)["nodes"]] == [True]
    async with AsyncExitStack() as stack:
        await calls_by(stack, "a", LEGS)
        await become(pair, "a", {"w1": (LEGS, 0), far["a"]: (0, 0)})
        over = await call_by(stack, "a")
        await soon(lambda: pair.status("b")["calls"] == 1, 3, lambda: str(pair.status("b")))
        await become(pair, "b", {"w1": (0, 1), far["b"]: (0, LEGS)})
        others = await calls_by(stack, "b", LEGS - 1)
        await become(pair, "a", {"w1": (LEGS, 0), far["a"]: (1, LEGS - 1)})
        assert [await status_of_call_by(node) for node in ("a", "b")] == [503, 503]
        assert not pair.front("a")["failovers"] and not pair.front("b")["failovers"], "places were known, not tried"
        await goes_on(over, "info")
        await goes_on(over, "rfc4733")
        await over.press("9")
        await over.wait_ended(10)
        assert over.ended_by == "remote" and over.requests_of("BYE"), "the worker's own requests come through as well"
        seen = [str(over.final), *(str(entry.request) for entry in over.requests)]
        assert not [text for text in seen if INNER["b"] in text], "peers see no worker"
        for call in others:
            await call.hang_up()
        await become(pair, "a", {"w1": (LEGS, 0), far["a"]: (0, 0)})
        await become(pair, "b", {"w1": (0, 0), far["b"]: (0, LEGS)})


@by_phone
async def test_the_world_reaches_neither_the_inner_sockets_nor_the_workers(pair: Pair) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((OUTER["a"], NODES_PORT), timeout=1).close()
    async with SipPeer(host=PHONES) as phone:
        for port in (FRONT_PORT, WORKER_PORT):
            assert (await phone.options((OUTER["a"], port), timeout_s=0.3)).status == 408


def test_workers_and_fronts_answer_nobody_but_each_other_in_the_nodes_own_network(pair: Pair) -> None:
    async def asked() -> list[int]:
        async with SipPeer(host=INNER["b"]) as stranger:
            ports = (FRONT_PORT, WORKER_PORT)
            return [(await stranger.options((INNER["a"], port), timeout_s=0.3)).status for port in ports]

    with inside(pair.namespaces["b"]):
        assert asyncio.run(asked()) == [408, 408]


@by_phone
async def test_a_node_that_goes_without_a_word_costs_its_own_calls_only(pair: Pair) -> None:
    async with AsyncExitStack() as stack:
        kept = (await calls_by(stack, "a", LEGS))[0]
        lost = await call_by(stack, "a")
        await become(pair, "b", {"w1": (0, 1), f"{INNER['a']}/w1": (0, LEGS)})
        bot = pair.bots["b"]
        bot.is_told_to_stop = bot.is_killed = True
        power_off(pair.namespaces["b"], ("inner", "outer"))
        bot.process.wait(5)
        await goes_on(kept, "info")
        await kept.hang_up()
        kept = await call_by(stack, "a")
        await soon(lambda: pair.front("a")["nodes"][0]["is_heard"] is False, GONE_S, lambda: str(pair.front("a")))
        began_s = time.monotonic()
        assert await status_of_call_by("a") == 503, "its own places are taken, and the other node's are gone"
        assert time.monotonic() - began_s < 0.4, "nobody is asked who cannot answer"
        await goes_on(kept, "info")
        lost.abandon()
