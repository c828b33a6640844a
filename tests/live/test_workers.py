"""More calls than one worker carries: real calls on three workers, and what becomes of them when workers go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr.flow.loader import content_version
from ivr.publishing.worker_state import living_workers
from ivr.supervisor.control import ask
from ivr.testing.sip_peer import PeerCall, SipPeer
from tests.live.bots import (
    HEARD_HZ,
    IVR,
    MENU_HZ,
    LiveBot,
    answered,
    command_line,
    descendants,
    hears,
    live,
    running_bot,
    wait_until,
)
from tests.ports import ports_of

pytestmark = pytest.mark.live

INNER_PORT, PORT, FIRST_WORKER, *_ = ports_of("workers", 20)
WORKERS, LEGS = 3, 4
BACK_S = 2.0
"""A worker that died has a successor within this time."""
HUNG_AFTER_S = 2.0
LIMITS = {"calls_per_s": 100, "requests_per_s": 1000, "half_open_per_source": 100}
"""All callers have one address, and call at the same moment."""


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """Three workers; where a test is about one of them, its port is called straight."""
    with bot_of(WORKERS, tmp_path_factory.mktemp("workers") / "bot") as running:
        yield running


@contextmanager
def bot_of(workers: int, folder: Path, **more: Any) -> Iterator[LiveBot]:
    """So many workers; `more` are further sections of the settings."""
    settings = {
        "capacity": workers * LEGS,
        "front": {"inner_port": INNER_PORT, "limits": LIMITS},
        "workers": {"sip_port": FIRST_WORKER, "hung_after": f"{HUNG_AFTER_S:g}s"},
        **more,
    }
    environ = {"NOTIFY_SOCKET": str(folder / "unheard")}
    ports = {"rtp_port": 16200, "rtp_port_count": 1000}
    with running_bot(folder, PORT, environ=environ, settings=settings, **ports) as running:
        yield running


def status(bot: LiveBot) -> dict[str, Any]:
    """What `ivr status --json` prints, without the second that the command takes."""
    return ask(bot.folder / "var/run", {"do": "status"})


async def command(bot: LiveBot, *arguments: str) -> subprocess.CompletedProcess[str]:
    def run() -> subprocess.CompletedProcess[str]:
        whole = [str(IVR), *arguments, "--config", str(bot.folder / "ivr.yaml")]
        return subprocess.run(whole, capture_output=True, text=True, timeout=20)

    return await asyncio.to_thread(run)


def workers(bot: LiveBot) -> dict[str, dict[str, Any]]:
    return {worker["worker"]: worker for worker in status(bot)["workers"]}


def serving(bot: LiveBot) -> list[dict[str, Any]]:
    return [worker for worker in workers(bot).values() if worker["state"] == "serving"]


def versions(bot: LiveBot) -> list[str]:
    """Of the flow under test, in each worker that lives."""
    return [state.flows["live"].version for state in living_workers(bot.folder / "var/flows")]


async def soon(condition: Callable[[], bool], within_s: float, what: str) -> float:
    """Poll; how long it took."""
    begun_s = time.monotonic()
    while not await asyncio.to_thread(condition):
        assert time.monotonic() - begun_s < within_s, f"{what}: not within {within_s} s"
        await asyncio.sleep(0.05)
    return time.monotonic() - begun_s


async def call_to(stack: AsyncExitStack, user: str, sip: str) -> PeerCall:
    """A caller of one worker who hears the menu."""
    phone = await stack.enter_async_context(SipPeer(user=user))
    call = await answered(phone.dial(f"sip:live@{sip}"))
    await hears(call, MENU_HZ)
    return call


async def goes_on(call: PeerCall) -> None:
    """Its caller is still served."""
    since_s = len(call.received_audio()) / 8000
    await call.press("1")
    await hears(call, HEARD_HZ["sales"], after_s=since_s)


async def is_answered(sip: str) -> None:
    async with AsyncExitStack() as stack:
        await call_to(stack, "next", sip)


async def by_the_front(stack: AsyncExitStack, bot: LiveBot, count: int) -> list[PeerCall]:
    """So many callers at once, wherever the front leads them."""
    calls = [call_to(stack, f"front-{n}", f"127.0.0.1:{PORT}") for n in range(count)]
    return await asyncio.gather(*calls)


async def full(stack: AsyncExitStack, bot: LiveBot, each: int) -> dict[str, list[PeerCall]]:
    """So many callers on each worker that takes calls."""
    found = {worker["worker"]: worker["sip"] for worker in serving(bot)}
    wanted = [(name, f"{name}-{n}", sip) for name, sip in found.items() for n in range(each)]
    calls = await asyncio.gather(*(call_to(stack, user, sip) for _, user, sip in wanted))
    return {name: [call for (of, *_), call in zip(wanted, calls, strict=True) if of == name] for name in found}


@live
async def test_twelve_callers_are_served_by_three_workers_and_status_shows_them(bot: LiveBot) -> None:
    assert not writers(bot), "workers without calls hold processes for the database"
    async with AsyncExitStack() as stack:
        calls = await by_the_front(stack, bot, WORKERS * LEGS)
        await soon(lambda: status(bot)["calls"] == WORKERS * LEGS, 3, "status shows 12 calls")
        assert [worker["calls"] for worker in serving(bot)] == [LEGS] * WORKERS
        shown = json.loads((await command(bot, "status", "--json")).stdout)
        assert (shown["capacity"], shown["calls"]) == (WORKERS * LEGS, WORKERS * LEGS)
        assert status(bot)["front"]["is_up"]
        await asyncio.gather(*(goes_on(call) for call in calls))
        async with SipPeer(user="thirteenth") as phone:
            assert (await phone.dial(bot.uri, timeout_s=3)).status == 503
        await asyncio.gather(*(call.hang_up() for call in calls))
    mode = (bot.folder / "var/run/bot.sock").stat().st_mode & 0o777
    assert mode == 0o600


def test_no_child_can_speak_for_the_bot_to_its_service_manager(bot: LiveBot) -> None:
    given = {pid: Path(f"/proc/{pid}/environ").read_bytes() for pid in descendants(bot.process.pid)}
    assert len(given) > WORKERS
    assert not [command_line(pid) for pid, environ in given.items() if b"NOTIFY_SOCKET" in environ]


@live
async def test_a_killed_worker_costs_its_own_callers_only_and_is_back_soon(bot: LiveBot) -> None:
    async with AsyncExitStack() as stack:
        calls = await full(stack, bot, 1)
        await asyncio.sleep(0.5)  # the record's first line is on its way to disk
        victim = workers(bot)["w2"]
        os.kill(victim["pid"], signal.SIGKILL)
        begun_s = time.monotonic()
        while True:  # a call, not a status: that is what counts
            phone = await stack.enter_async_context(SipPeer(user="after"))
            call = await phone.dial(f"sip:live@{victim['sip']}", timeout_s=0.3)
            if call.is_answered:
                break
            assert time.monotonic() - begun_s < BACK_S, "no successor answers"
        assert time.monotonic() - begun_s < BACK_S
        await by_the_front(stack, bot, 3)
        await asyncio.gather(*(goes_on(call) for name in ("w1", "w3") for call in calls[name]))
        await hears(call, MENU_HZ)
        await goes_on(call)
        new = workers(bot)["w2"]
        assert new["pid"] != victim["pid"]
        assert new["restarts"] == 1
    lost = await asyncio.to_thread(bot.record_of, "w2-0", within_s=8)
    assert lost["end_reason"] == "lost"


@live
async def test_one_process_writes_the_records_of_all_workers_and_its_death_costs_no_call_and_no_record(
    bot: LiveBot,
) -> None:
    async with AsyncExitStack() as stack:
        callers = {f"kept-{worker['worker']}": worker["sip"] for worker in serving(bot)[:2]}
        calls = await asyncio.gather(*(call_to(stack, user, sip) for user, sip in callers.items()))
        await soon(lambda: len(writers(bot)) == 1, 5, "one process writes the records")
        victim = writers(bot)[0]
        assert listening(bot, "database.sock") == {bot.process.pid, victim}, "a worker holds the socket"
        os.kill(victim, signal.SIGKILL)
        await asyncio.gather(*(goes_on(call) for call in calls))
        await asyncio.gather(*(call.hang_up() for call in calls))
        for user in callers:
            record = await asyncio.to_thread(bot.record_of, user, within_s=8)
            assert record["end_reason"] == "caller_hung_up"
            assert [step["step"] for step in record["steps"]] == ["main", "heard_sales", "main"]
        assert len(writers(bot)) == 1 and victim not in writers(bot)


@live
async def test_a_worker_that_hangs_is_noticed_and_replaced(bot: LiveBot) -> None:
    async with AsyncExitStack() as stack:
        calls = await full(stack, bot, 1)
        victim = workers(bot)["w3"]
        os.kill(victim["pid"], signal.SIGSTOP)

        def is_replaced() -> bool:
            found = workers(bot).get("w3")
            return found is not None and found["pid"] != victim["pid"] and found["state"] == "serving"

        await soon(is_replaced, HUNG_AFTER_S + 3 + BACK_S, "a hung worker is replaced")
        await goes_on(calls["w1"][0])
    await is_answered(victim["sip"])


@live
async def test_a_drained_worker_ends_with_its_last_call(bot: LiveBot) -> None:
    async with AsyncExitStack() as stack:
        calls = await full(stack, bot, 1)
        before = {worker["pid"] for worker in serving(bot)}
        assert "replacing w1" in (await command(bot, "drain", "w1")).stdout
        await soon(lambda: workers(bot)["w1"]["state"] == "draining", 5, "w1 drains")
        successors = [worker for worker in serving(bot) if worker["pid"] not in before]
        assert len(serving(bot)) == WORKERS and len(successors) == 1
        await is_answered(successors[0]["sip"])
        async with SipPeer(user="late") as phone:
            assert (await phone.dial(f"sip:live@127.0.0.1:{FIRST_WORKER}", timeout_s=3)).status == 503
        await goes_on(calls["w1"][0])
        await calls["w1"][0].hang_up()
        await soon(lambda: "w1" not in workers(bot), 3, "w1 ends")
        await goes_on(calls["w2"][0])
    failed = await command(bot, "drain", "w99")
    assert failed.returncode == 1 and "there is no worker 'w99'" in failed.stderr


@live
async def test_a_changed_flow_reaches_all_workers_and_one_that_is_started_later(bot: LiveBot) -> None:
    file = bot.folder / "flows/live.yaml"
    before = file.read_bytes()
    flow = yaml.safe_load(before)
    flow["steps"]["heard_sales"]["say"] = flow["steps"]["heard_agent"]["say"]

    async def all_serve(content: bytes) -> None:
        file.write_bytes(content)
        await soon(lambda: versions(bot) == [content_version(content)] * WORKERS, 8, "all serve what is in the file")

    await all_serve(yaml.safe_dump(flow, sort_keys=False).encode())
    pids = {worker["pid"] for worker in serving(bot)}
    os.kill(min(pids), signal.SIGKILL)
    await soon(lambda: len({worker["pid"] for worker in serving(bot)} - {min(pids)}) == WORKERS, 5, "a successor")
    async with AsyncExitStack() as stack:
        for calls in (await full(stack, bot, 1)).values():
            await calls[0].press("1")
            await hears(calls[0], HEARD_HZ["agent"])
    await all_serve(before)


@live
async def test_new_settings_reach_all_workers_one_by_one_and_wrong_ones_change_nothing(bot: LiveBot) -> None:
    file = bot.folder / "ivr.yaml"
    before = {worker["pid"] for worker in serving(bot)}
    written = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**written, "default_flow": 7, "volume": 11}))
    bot.process.send_signal(signal.SIGHUP)
    await soon(lambda: "settings_not_taken" in bot.log(), 3, "wrong settings are told")
    assert {worker["pid"] for worker in serving(bot)} == before
    file.write_text(yaml.safe_dump({**written, "numbers": {"77": {"flow": "live"}}, "default_flow": None}))
    async with AsyncExitStack() as stack:
        calls = await full(stack, bot, 1)
        bot.process.send_signal(signal.SIGHUP)
        least = WORKERS

        def are_replaced() -> bool:
            nonlocal least
            now = serving(bot)
            least = min(least, len(now))
            return len(now) == WORKERS and not before & {worker["pid"] for worker in now}

        await soon(are_replaced, 15, "all workers are replaced")
        assert least == WORKERS, "fewer took calls meanwhile"
        for worker in serving(bot):
            async with SipPeer(user="new") as phone:
                assert (await phone.dial(f"sip:1234@{worker['sip']}", timeout_s=3)).status == 404
        await asyncio.gather(*(goes_on(call) for each in calls.values() for call in each))
    await soon(lambda: len(workers(bot)) == WORKERS, 5, "the old ones end with their calls")


@live
async def test_workers_end_with_their_supervisor_and_say_goodbye(bot: LiveBot) -> None:
    processes = descendants(bot.process.pid)
    assert len(processes) >= WORKERS + 1
    async with AsyncExitStack() as stack:
        phone = await stack.enter_async_context(SipPeer(user="last"))
        call = await answered(phone.dial(f"sip:77@{serving(bot)[0]['sip']}"))
        await soon(lambda: bool(writers(bot)), 5, "a process writes its record")
        processes += writers(bot)
        bot.kill()
        await call.wait_ended(5)
        assert call.requests_of("BYE"), "no BYE"
    wait_until(lambda: not any(map(is_alive, processes)), 10, lambda: f"left: {list(filter(is_alive, processes))}")
    assert bot.record_of("last")["ended_by"] == "bot", "the last record is written without the supervisor"
    done = await command(bot, "status")
    assert done.returncode == 1 and "no bot" in done.stderr


@live
async def test_callers_hear_goodbye_at_the_end_of_a_bot_whose_workers_all_died_once(tmp_path: Path) -> None:
    with bot_of(2, tmp_path / "bot") as bot:
        before = {worker["pid"] for worker in serving(bot)}
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        await soon(lambda: len({worker["pid"] for worker in serving(bot)} - before) == 2, 5, "both are back")
        async with AsyncExitStack() as stack:
            call = await call_to(stack, "last", f"127.0.0.1:{PORT}")
            bot.process.send_signal(signal.SIGTERM)
            await call.wait_ended(5)
            assert call.requests_of("BYE"), "no BYE"
        assert "worker_did_not_end" not in bot.log()


def writers(bot: LiveBot) -> list[int]:
    """Processes that write call records."""
    return [pid for pid in descendants(bot.process.pid) if "database_worker" in command_line(pid)]


def listening(bot: LiveBot, name: str) -> set[int]:
    """Processes of the bot that hold a socket of this name which takes connections (proc_net(5))."""
    sockets = [line.split() for line in Path("/proc/net/unix").read_text().splitlines() if line.endswith("/" + name)]
    inodes = {f"socket:[{inode}]" for _, _, _, flags, _, _, inode, _ in sockets if flags == "00010000"}
    return {pid for pid in (bot.process.pid, *descendants(bot.process.pid)) if inodes & open_files(pid)}


def open_files(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            found.add(os.readlink(entry))
    return found


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
