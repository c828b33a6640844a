"""Fixtures of the live tests: the lab, and bots that stay up for a module."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.lab import control
from tests.lab.fixture import lab
from tests.live.bots import LiveBot, running_bot, wait_until

__all__ = ["bot", "info_bot", "lab", "switch_is_empty"]


@pytest.fixture
def switch_is_empty(lab: ModuleType) -> Iterator[None]:
    """Every leg of a test is gone from Asterisk after it."""
    yield
    wait_until(
        lambda: control.channels() == 0, 8, lambda: f"channels left: {control.asterisk_cli('core show channels')}"
    )


@pytest.fixture(scope="module")
def bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot behind the trunk that sends keys as RFC 4733 (104, 1041 to 1049)."""
    with running_bot(tmp_path_factory.mktemp("bot"), control.RTP_TRUNK_PORT) as running:
        yield running


@pytest.fixture(scope="module")
def info_bot(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot behind the trunk that sends keys as SIP INFO (101, 1001 to 1009)."""
    with running_bot(tmp_path_factory.mktemp("info"), control.TRUNK_PORT) as running:
        yield running
