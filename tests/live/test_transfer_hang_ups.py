"""A caller who hangs up at each point of a transfer, in each mode: no leg is left, the record says what happened."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from ivr.testing.sip_peer import FailRefer, IgnoreRefer, PeerCall, RingForever, SipPeer
from tests.live.bots import (
    HOLD_HZ,
    MENU_HZ,
    WHISPER_HZ,
    LiveBot,
    answered,
    hears,
    live,
    running_bot,
    wait_until,
)
from tests.ports import ports_of

pytestmark = pytest.mark.live

MODES: Final = {"auto": "1", "bridge": "2", "attended": "3"}
"""Mode to the key of the menu."""
PORT, PERSON_PORT, FIGURES_PORT = ports_of("transfer_hang_ups", 3)


@dataclass(frozen=True)
class Point:
    """When the caller hangs up, in which modes, and what comes of it: end of the record, who ended it, exit."""

    modes: tuple[str, ...]
    end: tuple[str, str, str]


BEFORE: Final = ("caller_hung_up", "caller", "hung_up")
AFTER: Final = ("transferred", "caller", "connected")
POINTS: Final = {
    "rings": Point(tuple(MODES), BEFORE),
    "whisper": Point(tuple(MODES), BEFORE),
    "key": Point(tuple(MODES), BEFORE),
    "joined": Point(("auto", "bridge"), AFTER),
    "refer": Point(("auto",), AFTER),
    "refer alone": Point(("attended",), BEFORE),
    "refer taken": Point(("auto",), AFTER),
    "refer taken alone": Point(("attended",), BEFORE),
}
"""`refer`: before any news of it came; `taken`: after a NOTIFY said that it is being followed; `alone`: caller and
person are joined by it only, and so have not met."""


def hang_up_flow() -> dict[str, Any]:
    """A transfer in each mode to somebody who is told first, and has to press a key."""
    choices = {mode: {"keys": key, "go": f"to_{mode}"} for mode, key in MODES.items()}
    transfer = {
        "to": "person",
        "hold": f"sounds/t{HOLD_HZ}.wav",
        "whisper": f"sounds/t{WHISPER_HZ}.wav",
        "accept": "key",
        "accept_within": "20s",
        "ring_for": "20s",
    }
    steps: dict[str, Any] = {"main": {"menu": {"prompt": f"sounds/t{MENU_HZ}.wav", "choices": choices}}}
    steps |= {
        f"to_{mode}": {"transfer": {**transfer, "mode": mode}, "failed": "main", "not_accepted": "main"}
        for mode in MODES
    }
    defaults = {"no_input": "sounds/t460.wav", "no_match": "sounds/t520.wav", "failed": "hang_up"}
    return {"flow": "leaving", "language": "en-US", "start": "main", "defaults": defaults, "steps": steps}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot that people call without a PBX: it would answer our REFER at once."""
    settings = {
        "default_flow": "leaving",
        "targets": {"person": {"sip": f"sip:person@127.0.0.1:{PERSON_PORT}"}},
        "metrics": {"listen": f"127.0.0.1:{FIGURES_PORT}"},
    }
    folder = tmp_path_factory.mktemp("leaving")
    with running_bot(folder, PORT, flows=[hang_up_flow()], settings=settings) as running:
        yield running


def _legs() -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{FIGURES_PORT}/metrics", timeout=5) as answer:
        found = re.search(r"^ivr_legs(?:\{[^}]*\})? (\S+)$", answer.read().decode(), re.MULTILINE)
    assert found
    return float(found[1])


async def _reach(point: str, call: PeerCall, person: PeerCall) -> None:
    """Until the moment at which the caller hangs up."""
    if point == "rings":
        await hears(call, HOLD_HZ)
        return
    person.answer()
    await hears(person, WHISPER_HZ)
    if point == "whisper":
        return
    await asyncio.sleep(0.8)  # the whisper takes 0.6 s
    if point == "key":
        return
    await person.press("1")
    if point == "joined":
        person.send_tone(1330, 2.0)
        await hears(call, 1330)
        return
    await call.wait_request("REFER")
    await asyncio.sleep(0.3)  # and what follows it


@pytest.mark.parametrize(("point", "mode"), [(point, mode) for point in POINTS for mode in POINTS[point].modes])
@live
async def test_whenever_the_caller_hangs_up_nothing_is_left(bot: LiveBot, point: str, mode: str) -> None:
    refer = FailRefer(after_s=30.0) if "taken" in point else IgnoreRefer()
    async with (
        SipPeer(user="leaver", refer=refer) as phone,
        SipPeer(user="person", port=PERSON_PORT, incoming=RingForever()) as desk,
    ):
        call = await answered(phone.dial(bot.uri, timeout_s=5))
        await hears(call, MENU_HZ)
        await call.press(MODES[mode])
        person = await desk.wait_call(8)
        await _reach(point, call, person)
        await call.hang_up()
        await person.wait_ended(8)
        await asyncio.to_thread(wait_until, lambda: _legs() == 0, 8, lambda: f"{_legs()} legs are left")
        record = await asyncio.to_thread(bot.record_of, "leaver")
    exit_name = next(line["outcome"] for line in record["steps"] if line["kind"] == "transfer")
    assert (record["end_reason"], record["ended_by"], exit_name) == POINTS[point].end
    assert record["transfer_target"] == ("person" if POINTS[point].end is AFTER else "")
