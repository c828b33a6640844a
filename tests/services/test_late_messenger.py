"""Sending is loaded with the first message, and none is lost on the way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from ivr.flow.jobs import JobOutcome, JobResult, Message, SipMessage
from ivr.late_messenger import MODULE, LateMessenger
from ivr.services.messenger import Messenger

pytestmark = pytest.mark.unit


class Sender:
    """Stands for the real one."""

    def __init__(self) -> None:
        self.posted: list[Message] = []
        self.has_started = self.has_stopped = False

    async def start(self) -> None:
        self.has_started = True

    async def stop(self) -> None:
        self.has_stopped = True

    def post(self, message: Message, call_id: str) -> None:
        self.posted.append(message)

    async def deliver(self, message: Message, call_id: str, timeout_s: float) -> JobResult:
        return JobResult(JobOutcome.DONE, detail=call_id)


def message(text: str) -> Message:
    return SipMessage(target="agent", text=text)


class Bench:
    """A messenger and the senders that it made."""

    def __init__(self, outbox: Path) -> None:
        self.made: list[Sender] = []
        self.late = LateMessenger(self._make, outbox)

    def _make(self) -> Messenger:
        self.made.append(Sender())
        return cast(Messenger, self.made[-1])


def test_nothing_is_loaded_where_nothing_is_sent(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(tmp_path)
        await bench.late.start(will_send=False)
        assert not bench.late.is_loaded
        await bench.late.stop()
        assert not bench.made

    asyncio.run(scene())


@pytest.mark.parametrize("waits", [False, True])
def test_it_is_ready_at_the_start_where_a_flow_sends_or_a_message_waits(tmp_path: Path, waits: bool) -> None:
    async def scene() -> None:
        (tmp_path / "earlier").mkdir()
        if waits:
            (tmp_path / "earlier" / "1.json").write_text("{}")
        bench = Bench(tmp_path)
        await bench.late.start(will_send=not waits)
        assert bench.late.is_loaded
        assert bench.made[0].has_started

    asyncio.run(scene())


def test_what_sending_takes_can_be_loaded_before_a_fork_without_touching_a_message(tmp_path: Path) -> None:
    async def scene() -> None:
        (tmp_path / "earlier").mkdir()
        (tmp_path / "earlier" / "1.json").write_text("{}")
        bench = Bench(tmp_path)
        await bench.late.load()
        assert MODULE in sys.modules
        assert not bench.made and not bench.late.is_loaded

    asyncio.run(scene())


def test_messages_that_come_while_it_is_loaded_are_sent_in_their_order_by_one_sender(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(tmp_path)
        bench.late.post(message("one"), "a")
        bench.late.post(message("two"), "a")
        answers = await asyncio.gather(*(bench.late.deliver(message(call), call, 1.0) for call in ("b", "c")))
        assert [answer.detail for answer in answers] == ["b", "c"]
        (sender,) = bench.made
        assert sender.posted == [message("one"), message("two")]
        bench.late.post(message("three"), "a")
        await bench.late.stop()
        assert len(sender.posted) == 3 and sender.has_stopped

    asyncio.run(scene())


def test_a_caller_who_leaves_does_not_stop_the_loading(tmp_path: Path) -> None:
    async def scene() -> None:
        bench = Bench(tmp_path)
        left = asyncio.ensure_future(bench.late.deliver(message("one"), "a", 1.0))
        bench.late.post(message("two"), "b")
        await asyncio.sleep(0)
        left.cancel()
        await bench.late.stop()
        assert bench.made[0].posted == [message("two")]

    asyncio.run(scene())


def test_targets_of_transfers_load_nothing_that_sends() -> None:
    program = (
        "import sys\n"
        "from ivr.app_services import ServicesOfWorker\n"
        "from ivr.config import Settings, TargetSettings\n"
        "ServicesOfWorker(Settings(targets={'agent': TargetSettings(sip='sip:agent@example.com')}), print)\n"
        "assert not [name for name in sys.modules if name.startswith('ivr.services')]\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
