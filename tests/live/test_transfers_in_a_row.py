"""Transfers one after the other, in every mode: nothing is left behind by any of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks.soak import settled
from benchmarks.transfers import Ports, transfers, what_is_left
from tests.live.bots import running_bot
from tests.ports import ports_of

pytestmark = pytest.mark.live

FIRST, COUNT = 3, 9
"""Of each mode one, then three."""


def test_transfers_leave_no_leg_no_row_no_thread_and_no_file(tmp_path: Path) -> None:
    ports = Ports.free()
    with running_bot(tmp_path / "bot", *ports_of("transfers_in_a_row", 1), settings=ports.settings()) as bot:
        asyncio.run(transfers(bot, ports, FIRST))
        before = settled(bot)
        asyncio.run(transfers(bot, ports, COUNT))
        assert what_is_left(bot, ports, FIRST + COUNT, before) == []
