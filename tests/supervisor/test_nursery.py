"""The real process that workers are forked from, and real workers: what is read once, and what becomes of changes."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr.flow.loader import content_version
from ivr.publishing.worker_state import living_workers
from ivr.supervisor.channel import LineChannel, Message
from ivr.supervisor.database import SharedDatabase
from ivr.supervisor.nursery_link import NurseryLink, Reports
from ivr.supervisor.slots import name_of
from ivr.testing.sip_peer.measure import tone
from ivr.testing.sip_peer.recording import write_wav
from tests.waiting import until

pytestmark = pytest.mark.adapter

SIP_PORTS, RTP_PORT = range(6100, 7000, 10), 19000
WORKERS = 3
LIMIT_S = 20.0


def flow_text(sound: str) -> str:
    return f"flow: demo\nlanguage: en-US\nstart: a\nsteps:\n  a: {{say: sounds/{sound}.wav, next: hang_up}}\n"


def are_free(ports: range) -> bool:
    for port in ports:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    return False
    return True


def write_project(folder: Path) -> None:
    (folder / "flows").mkdir()
    (folder / "sounds").mkdir()
    for name, hz in (("one", 600), ("two", 800)):
        write_wav(folder / "sounds" / f"{name}.wav", tone(hz, 0.2))
    (folder / "flows" / "demo.yaml").write_text(flow_text("one"))
    settings: dict[str, Any] = {
        "capacity": WORKERS * 4,
        "sip": {"address": "127.0.0.1", "port": 0, "rtp_port": RTP_PORT},
        "workers": {"sip_port": next(port for port in SIP_PORTS if are_free(range(port, port + WORKERS)))},
        "default_flow": "demo",
        "speech": {"recognizer": "none", "cache_dir": str(folder / "cache")},
        "log": {"level": "debug", "format": "json"},
    }
    (folder / "ivr.yaml").write_text(yaml.safe_dump(settings))


@dataclass
class Parent:
    """Stands for the supervisor."""

    folder: Path
    nursery: NurseryLink = field(init=False)
    database: SharedDatabase = field(init=False)
    channels: dict[int, LineChannel] = field(default_factory=dict)
    ready: set[int] = field(default_factory=set)
    prepared: list[bool] = field(default_factory=list)

    async def start(self) -> None:
        self.database = SharedDatabase(self.folder)
        self.database.open()
        reports = Reports(
            lambda slot, pid: None, lambda nursery: None, lambda _, is_done: self.prepared.append(is_done)
        )
        self.nursery = NurseryLink(reports, self.database)
        await self.nursery.start(str(self.folder / "ivr.yaml"), {}, 4, is_first=True)

    async def fork(self, slot: int) -> None:
        """A worker that is ready for calls."""

        def heard(message: Message) -> None:
            if message["say"] == "ready":
                self.ready.add(slot)

        self.channels[slot] = LineChannel(self.nursery.fork(slot, is_again=False), heard, lambda: None)
        await until(lambda: slot in self.ready, f"{name_of(slot)} is ready", LIMIT_S)

    def served(self) -> dict[str, str]:
        """The version that each living worker serves, by its name."""
        states = living_workers(self.folder / "var" / "flows")
        return {state.worker.partition("ivr-")[2]: state.flows["demo"].version for state in states}

    async def end(self) -> None:
        for channel in self.channels.values():
            channel.send({"do": "stop"})
        self.nursery.close()
        await self.nursery.wait(LIMIT_S)
        for channel in self.channels.values():
            channel.close()
        await self.database.close()


def taken_over(log: str) -> list[str]:
    """Workers that took the flows as they were prepared, in order."""
    lines = (yaml.safe_load(line) for line in log.splitlines() if '"flows_taken_over"' in line)
    return [line["worker"] for line in lines]


def test_what_workers_are_forked_from_does_without_what_no_worker_needs() -> None:
    program = "import sys, ivr.supervisor.nursery; print(sorted({'rich', 'ssl', '_hashlib'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]", "5 MB each: see ivr/cli/worker.py"


def test_a_changed_flow_reaches_workers_that_were_forked_before_and_after_the_change(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_project(tmp_path)
    asyncio.run(_change_a_flow(Parent(tmp_path), capfd))


async def _change_a_flow(parent: Parent, capfd: pytest.CaptureFixture[str]) -> None:
    one, two = (content_version(flow_text(sound).encode()) for sound in ("one", "two"))
    await parent.start()
    try:
        await parent.fork(0)
        assert parent.served() == {"w1": one}
        (parent.folder / "flows" / "demo.yaml").write_text(flow_text("two"))
        await parent.fork(1)
        assert parent.served() == {"w1": one, "w2": two}, "a worker begins with flows that are changed already"
        assert taken_over(capfd.readouterr().err) == ["w1"], "w2 has to read the changed file itself"
        parent.nursery.reload()
        await until(lambda: parent.prepared == [True], "the nursery has read the flow", LIMIT_S)
        parent.channels[0].send({"do": "take", "from": parent.nursery.pid})
        await until(lambda: parent.served()["w1"] == two, "w1 is given it", LIMIT_S)
        await parent.fork(2)
        assert parent.served() == {"w1": two, "w2": two, "w3": two}
        assert taken_over(capfd.readouterr().err) == ["w1", "w3"], "neither has read it"
        (parent.folder / "flows" / "demo.yaml").write_text(flow_text("one"))
        parent.channels[0].send({"do": "take", "from": 1})
        await until(lambda: parent.served()["w1"] == one, "w1 reads what a nursery has that is not its own", LIMIT_S)
        assert not taken_over(capfd.readouterr().err)
    finally:
        await parent.end()
