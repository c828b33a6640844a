"""The line between two nodes, over real sockets: who is heard, and what becomes of silence."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ivr.errors import ConfigError
from ivr.supervisor import nodes
from ivr.supervisor.node_report import NodeReport, WorkerReport
from ivr.supervisor.nodes import Nodes
from tests.sip.bot import scenario
from tests.waiting import until

pytestmark = pytest.mark.adapter

A, B, STRANGER = "127.0.0.2", "127.0.0.3", "127.0.0.4"
SECRET = "of sixteen or more"


class End:
    """One node."""

    def __init__(self, own: str, other: str, port: int, secret: str = SECRET) -> None:
        self.report = NodeReport((WorkerReport("w1", own, 5200, 4, True, "a.1"),), {})
        self.heard: list[tuple[str, NodeReport | None]] = []
        self.nodes = Nodes((own, port), [other], secret, self._report, lambda *news: self.heard.append(news))

    async def _report(self) -> NodeReport:
        return self.report


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """Until the other end has closed the line."""
    try:
        return await asyncio.wait_for(reader.read(), 1.0)
    except ConnectionResetError:
        return b""


def free_port() -> int:
    with socket.create_server((A, 0)) as server:
        return int(server.getsockname()[1])


@asynccontextmanager
async def running(*ends: End) -> AsyncIterator[None]:
    try:
        for end in ends:
            await end.nodes.start()
        yield
    finally:
        for end in ends:
            await end.nodes.stop()


@scenario
async def test_two_nodes_hear_each_other_and_news_at_once() -> None:
    port = free_port()
    a, b = End(A, B, port), End(B, A, port)
    async with running(a, b):
        await until(lambda: (B, b.report) in a.heard and (A, a.report) in b.heard, "both are heard", 3)
        b.report = NodeReport((), {"x": 1})
        b.nodes.say_now()
        await until(lambda: a.heard[-1] == (B, b.report), "news before the second is over", 0.5)
        await b.nodes.stop()
        await until(lambda: a.heard[-1] == (B, None), "a closed line is silence", 0.5)


@scenario
async def test_a_node_with_another_secret_is_not_heard() -> None:
    port = free_port()
    a, b = End(A, B, port), End(B, A, port, "one that is not the same")
    async with running(a, b):
        await until(lambda: b.nodes._unreached == {A}, "it is thrown out", 3)
        assert not a.heard and not b.heard


@scenario
async def test_strangers_learn_nothing_and_are_not_heard() -> None:
    port = free_port()
    a = End(A, B, port)
    async with running(a):
        reader, writer = await asyncio.open_connection(A, port, local_addr=(STRANGER, 0))
        assert await rest_of(reader) == b""
        writer.close()
        assert not a.heard


@scenario
async def test_who_proves_nothing_does_not_end_the_line_of_who_does() -> None:
    port = free_port()
    a, b = End(A, B, port), End(B, A, port)
    async with running(a, b):
        await until(lambda: len(a.heard) > 0, "b is heard", 3)
        reader, writer = await asyncio.open_connection(A, port, local_addr=(B, 0))
        assert len(bytes.fromhex((await reader.readline()).decode())) == 16
        writer.write(b"0" * 64 + b" {}\n")
        assert await rest_of(reader) == b""
        writer.close()
        b.report = NodeReport((), {"x": 1})
        b.nodes.say_now()
        await until(lambda: a.heard[-1] == (B, b.report), "b is still heard", 0.5)


@scenario
async def test_a_node_whose_line_stands_but_carries_nothing_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "SPEAK_EVERY_S", 0.05)
    monkeypatch.setattr(nodes, "SILENT_AFTER_S", 0.3)
    port = free_port()
    a, b = End(A, B, port), End(B, A, port)
    async with running(a, b):
        await until(lambda: len(a.heard) > 0, "b is heard", 3)
        stuck = asyncio.Event()

        async def hangs() -> NodeReport:
            await stuck.wait()
            raise AssertionError

        b.nodes._report = hangs
        await until(lambda: a.heard[-1] == (B, None), "silence", 1.0)


@scenario
async def test_an_address_that_is_taken_is_told_with_the_keys_to_change() -> None:
    with socket.create_server((A, 0)) as taken:
        end = End(A, B, taken.getsockname()[1])
        with pytest.raises(ConfigError, match="nodes: port:` free"):
            await end.nodes.start()
