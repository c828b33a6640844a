"""A caller behind a NAT, a real one: what its telephone says of itself leads nowhere, and the call works.

phone 192.168.7.2 ── 192.168.7.1  router (masquerades)  10.93.0.1 ── 10.93.0.2  bot
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Literal

import pytest

from ivr.testing.sip_peer import SipPeer
from tests.live.bots import HEARD_HZ, MENU_HZ, LiveBot, answered, hears, running_bot
from tests.live.namespaces import inside, ip, join, machines

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("kamailio") is None, reason="kamailio is not installed (make test does)"),
    pytest.mark.skipif(shutil.which("iptables") is None, reason="iptables is not installed (make test does)"),
]

PHONE, HOME, OUTSIDE, BOT = "192.168.7.2", "192.168.7.1", "10.93.0.1", "10.93.0.2"
PORTS = {"one worker": 5060, "workers behind the front": 5070}
CAPACITY = {"one worker": 4, "workers behind the front": 8}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The namespace of the telephone, with bots beyond its router."""
    folder = tmp_path_factory.mktemp("nat")
    with machines("home", "router", "bot") as namespaces, ExitStack() as stack:
        _connect(namespaces["home"], namespaces["router"], namespaces["bot"])
        with inside(namespaces["bot"]):
            for kind, port in PORTS.items():
                stack.enter_context(_bot(folder / str(port), kind))
        yield namespaces["home"]


def _connect(home: str, router: str, bot: str) -> None:
    join((home, "card", f"{PHONE}/24"), (router, "inner", f"{HOME}/24"))
    join((router, "outer", f"{OUTSIDE}/24"), (bot, "card", f"{BOT}/24"))
    ip("-n", home, "route", "add", "default", "via", HOME)
    for command in (
        ["sysctl", "-qw", "net.ipv4.ip_forward=1"],
        ["iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "outer", "-j", "MASQUERADE", "--random"],
    ):
        done = subprocess.run(["ip", "netns", "exec", router, *command], capture_output=True, text=True, timeout=10)
        if done.returncode:
            pytest.skip(f"this kernel makes no NAT: {done.stderr.strip()}")


def _bot(folder: Path, kind: str) -> AbstractContextManager[LiveBot]:
    settings = {"capacity": CAPACITY[kind], "speech": {"recognizer": "none", "synthesizer": "none"}}
    return running_bot(folder, PORTS[kind], settings=settings, address=BOT, rtp_port_count=100)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("kind", PORTS)
def test_a_caller_behind_a_nat_hears_is_heard_and_is_told_that_the_call_is_over(
    home: str, kind: str, transport: Literal["udp", "tcp"]
) -> None:
    async def run() -> None:
        async with SipPeer(host=PHONE, user="alice", transport=transport) as phone:
            call = await answered(phone.dial(f"sip:live@{BOT}:{PORTS[kind]}", timeout_s=5))
            await hears(call, MENU_HZ)
            await call.press("1")
            await hears(call, HEARD_HZ["sales"])
            await call.press("9")
            await call.wait_ended(5)
            assert call.ended_by == "remote"

    with inside(home):
        asyncio.run(run())
