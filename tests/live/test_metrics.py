"""One call through the lab, and what Prometheus reads of it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ivr.supervisor.control import ask
from ivr.testing.sip_peer import SipPeer
from tests.lab import control
from tests.live.bots import HEARD_HZ, MENU_HZ, LiveBot, answered, caller, hears, running_bot
from tests.ports import ports_of

pytestmark = pytest.mark.live

PORT, INNER_PORT, FRONT_PORT, FIRST_WORKER, *_ = ports_of("metrics", 20)


def figures() -> dict[tuple[str, ...], float]:
    """By name, then values of the labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


async def _call(bot: LiveBot) -> dict[tuple[str, ...], float]:
    """Two seconds of a conversation; the figures in the middle of it."""
    async with caller() as phone:
        call = await answered(phone.dial(control.number("104")))
        await hears(call, MENU_HZ)
        during = await asyncio.to_thread(figures)
        await call.press("1")
        await hears(call, HEARD_HZ["sales"])
        await call.press("9")
        await call.wait_ended(10)
    return during


def test_a_call_shows_in_the_figures_the_record_and_the_log(lab: ModuleType, tmp_path: Path) -> None:
    settings = {"metrics": {"listen": f"127.0.0.1:{PORT}"}, "log": {"format": "json"}}
    with running_bot(tmp_path, control.RTP_TRUNK_PORT, settings=settings) as bot:
        during = asyncio.run(_call(bot))
        assert (during["ivr_calls",], during["ivr_legs",]) == (1, 1)
        assert during["ivr_legs_limit",] >= 4
        deadline_s = time.monotonic() + 5
        while (found := figures())["ivr_calls",] and time.monotonic() < deadline_s:
            time.sleep(0.2)
        (record,) = bot.calls()
    assert found["ivr_calls_started_total", "live"] == 1
    assert found["ivr_calls_ended_total", "live", "bot_hung_up"] == 1
    assert found["ivr_answer_delay_seconds_count",] == found["ivr_first_audio_delay_seconds_count",] == 1
    assert 0.19 < found["ivr_first_audio_delay_seconds_sum",] < 0.5, "the lead-in, and little more"
    assert found["ivr_answer_delay_seconds_sum",] < 0.5
    assert found["ivr_rtp_packets_received_total",] > 20 and found["ivr_rtp_packets_sent_total",] > 20
    assert found["ivr_rtp_packets_lost_total",] == 0
    assert found["ivr_call_mos_count",] == 1 and found["ivr_call_mos_sum",] > 4
    assert (record["rtp_loss"], record["mos"]) == (0.0, pytest.approx(found["ivr_call_mos_sum",], abs=0.01))
    lines = [line for line in bot.log().splitlines() if record["id"] in line]
    assert record["sip_call_id"] in lines[0] and '"call_offered"' in lines[0]
    assert '"call_ended"' in lines[-1] and '"mos"' in lines[-1]


async def _menu_call(bot: LiveBot) -> None:
    async with SipPeer(user="caller") as phone:
        call = await answered(phone.dial(bot.uri))
        await hears(call, MENU_HZ)
        await call.press("9")
        await call.wait_ended(10)


def test_several_workers_have_one_answer_and_lose_no_count_when_they_die(tmp_path: Path) -> None:
    settings = {
        "capacity": 8,
        "front": {"inner_port": INNER_PORT},
        "workers": {"sip_port": FIRST_WORKER},
        "metrics": {"listen": f"127.0.0.1:{PORT}"},
    }
    with running_bot(tmp_path / "bot", FRONT_PORT, settings=settings, rtp_port=17200, rtp_port_count=400) as bot:
        for _ in range(2):
            asyncio.run(_menu_call(bot))
        _until(lambda found: found.get(("ivr_calls_ended_total", "live", "bot_hung_up")) == 2)
        pids = [worker["pid"] for worker in ask(bot.folder / "var/run", {"do": "status"})["workers"]]
        os.kill(pids[0], signal.SIGKILL)
        found = _until(
            lambda found: found["ivr_workers_lost_total",] == 1 and found.get(("ivr_workers", "serving")) == 2
        )
        assert found["ivr_calls_started_total", "live"] == found["ivr_call_mos_count",] == 2
        assert found["ivr_legs_limit",] >= 4
        found = _until(lambda found: found["ivr_front_requests_total",] >= 4)
        assert found["ivr_front_up",] == 1
        assert found["ivr_front_replies_total", "2xx"] >= 2


def _until(is_so: Callable[[dict[tuple[str, ...], float]], bool]) -> dict[tuple[str, ...], float]:
    """The figures, once they are as they should be."""
    deadline_s = time.monotonic() + 10
    while not is_so(found := figures()):
        assert time.monotonic() < deadline_s, f"not so within 10 s: {found}"
        time.sleep(0.3)
    return found
