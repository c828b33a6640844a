"""Tests that run side by side never want the same port."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

from tests.ports import BOTS_PER_FILE, FILES, PER_FILE, RTP_PER_BOT, ports_of, rtp_port_of

EPHEMERAL = 32768
LAB_RTP = range(18000, 20000)
TESTS = Path(__file__).parent
OWN_HOSTS = {"test_nat.py", "test_nodes.py", "test_lab.py"}
"""They listen in network namespaces of their own, or not at all."""
ASSIGNED = re.compile(r"^(?:[A-Z_]*(?:PORTS?|FIRST_WORKER|DESK)\b(?:: \w+)?,? ?)+= .*\b\d{4,5}\b", re.MULTILINE)


def test_every_file_has_ports_of_its_own_below_the_ephemeral_ones() -> None:
    assert len(set(FILES)) == len(FILES)
    ports = list(chain.from_iterable(ports_of(name, PER_FILE) for name in FILES))
    assert len(set(ports)) == len(ports) and max(ports) < 8088, "8088 is the lab's"


def test_every_bot_has_audio_ports_of_its_own() -> None:
    firsts = [rtp_port_of(port) for name in FILES for port in ports_of(name, BOTS_PER_FILE)]
    assert len(set(firsts)) == len(firsts)
    assert min(firsts) >= LAB_RTP.stop and max(firsts) + RTP_PER_BOT <= EPHEMERAL


def test_too_many_ports_are_refused() -> None:
    with pytest.raises(ValueError, match="21 ports are more than the 20 of a file"):
        ports_of("front", PER_FILE + 1)


def test_no_live_test_names_a_port_of_its_own() -> None:
    files = [*(TESTS / "live").glob("*.py"), *(TESTS / "sip").glob("test_strangers.py")]
    found = {file.name: ASSIGNED.findall(file.read_text()) for file in files if file.name not in OWN_HOSTS}
    assert not {name for name, lines in found.items() if lines}, "take them from tests/ports.py"
