"""Calls through the front: a real Kamailio before real workers."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from ivr.front.figures import FrontFigures
from ivr.front.kamailio import Front
from ivr.front.workers import WorkerAddress
from ivr.testing.sip_peer import DECLINE, PeerCall, RingForever, SipPeer
from tests.lab import control
from tests.live.bots import (
    HEARD_HZ,
    MENU_HZ,
    LiveBot,
    answered,
    caller,
    hears,
    key_for,
    live,
    running_bot,
    wait_until,
)
from tests.live.fronts import INNER_PORT, PORT, URI, Workers, come_to, front_of, legs, places, settings
from tests.live.sip_stream import StreamCaller, read_message
from tests.ports import ports_of
from tests.waiting import until

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("kamailio") is None, reason="kamailio is not installed (make test does)"),
]

TLS_PORT, WEBSOCKET_PORT, MEMBER_PORT, NOBODYS_PORT, *WORKER_PORTS = ports_of("front", 19)[13:]
"""Where the lab sees no trunk, but a telephone that registers."""
OK = "SIP/2.0 200 OK"


@pytest.fixture(scope="module")
def bots(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[LiveBot]]:
    """Two workers, as `ivr serve` starts them."""
    folder = tmp_path_factory.mktemp("workers")
    with ExitStack() as stack:
        yield [
            stack.enter_context(running_bot(folder / f"{port}", port, front=f"127.0.0.1:{INNER_PORT}"))
            for port in WORKER_PORTS
        ]


@pytest.fixture
def workers(bots: list[LiveBot]) -> Workers:
    return [WorkerAddress(f"w{bot.port}", "127.0.0.1", bot.port, 4) for bot in bots]


@live
async def test_a_call_is_led_through_and_sees_no_worker(workers: Workers) -> None:
    async with front_of(workers) as front, SipPeer(user="alice") as phone:
        call = await answered(phone.dial(URI, timeout_s=5))
        assert sorted(await legs(front)) == [0, 1]
        await hears(call, MENU_HZ)
        await call.press("1")
        await hears(call, HEARD_HZ["sales"])
        await call.press("2", method="info")
        await hears(call, HEARD_HZ["agent"])
        await call.press("9")
        await call.wait_ended(10)
        assert call.ended_by == "remote" and call.requests_of("BYE")
        seen = [str(call.final), *(str(entry.request) for entry in call.requests_of("BYE"))]
        assert not [port for port in WORKER_PORTS for text in seen if f":{port}" in text], seen
        await come_to(front, [0, 0])


@live
async def test_a_front_without_a_worker_that_takes_calls_is_not_ready(workers: Workers) -> None:
    async with front_of([]) as front, SipPeer(user="trunk") as trunk:
        refused = await trunk.options(("127.0.0.1", PORT))
        assert refused.status == 503 and refused.headers.get("Retry-After") == "5"
        await front.set_workers(workers)
        assert (await trunk.options(("127.0.0.1", PORT))).status == 200
        await front.drain(workers[0].name)
        await front.mark_down(workers[1].name)
        assert (await trunk.options(("127.0.0.1", PORT))).status == 503


@live
async def test_calls_are_spread_and_beyond_all_places_there_is_503_with_retry_after(workers: Workers) -> None:
    async with front_of(places(workers, 1)) as front, SipPeer(user="alice") as phone:
        calls = [await answered(phone.dial(URI, timeout_s=5)) for _ in workers]
        assert await legs(front) == [1, 1]
        refused = await phone.dial(URI, timeout_s=5)
        assert refused.status == 503 and refused.header("Retry-After") == "5"
        await calls[0].hang_up()
        calls[0] = await answered(phone.dial(URI, timeout_s=5))
        for call in calls:
            await call.hang_up()
        await come_to(front, [0, 0])
        assert (await front.figures()).refused == {"full": 1}


@live
async def test_a_worker_that_is_fuller_than_the_front_thinks_passes_the_call_on(workers: Workers) -> None:
    first, second = workers
    async with front_of([first]) as front, SipPeer(user="alice") as phone:
        calls = [await answered(phone.dial(URI, timeout_s=5)) for _ in range(4)]
        await front.set_workers([*places([first], 20), second])
        calls.append(await answered(phone.dial(URI, timeout_s=5)))
        assert (await front.figures()).failovers == {"full": 1} and await legs(front) == [4, 1]
        for call in calls:
            await call.hang_up()
        await come_to(front, [0, 0])


@live
async def test_a_node_with_too_much_to_do_leads_its_callers_to_another_one(workers: Workers) -> None:
    nodes = {"addresses": ["127.0.0.2"], "secret": "of sixteen or more"}
    own, far = workers[0], replace(workers[1], name="127.0.0.2/w1", is_far=True)
    async with front_of([own, far], settings(nodes=nodes)) as front, SipPeer(user="alice") as phone:
        calls = [await answered(phone.dial(URI, timeout_s=5)) for _ in range(2)]
        assert await legs(front) == [2, 0], "the own ones come first"
        await front.refuse_new_calls(True)
        calls.append(await answered(phone.dial(URI, timeout_s=5)))
        assert await legs(front) == [2, 1]
        await front.set_taken_by_others({far.address: 3})
        refused = await phone.dial(URI, timeout_s=5)
        assert refused.status == 503 and (await front.figures()).refused == {"overload": 1}
        await front.refuse_new_calls(False)
        calls.append(await answered(phone.dial(URI, timeout_s=5)))
        assert await legs(front) == [3, 1]
        for call in calls:
            await call.hang_up()
        await come_to(front, [0, 0])


@live
async def test_a_silent_worker_costs_one_call_half_a_second_and_the_next_one_nothing(workers: Workers) -> None:
    dead = WorkerAddress("dead", "127.0.0.1", NOBODYS_PORT, 9)
    async with front_of([dead, workers[0]]) as front, SipPeer(user="alice") as phone:
        for within_s in (0.8, 0.4):
            asked_s = time.monotonic()
            call = await answered(phone.dial(URI, timeout_s=5))
            assert time.monotonic() - asked_s < within_s
            await call.hang_up()
        assert (await front.figures()).failovers == {"silent": 1}
        await come_to(front, [0, 0])


@live
async def test_a_drained_worker_keeps_its_call_and_gets_no_other(workers: Workers) -> None:
    async with front_of(workers) as front, SipPeer(user="alice") as phone:
        call = await answered(phone.dial(URI, timeout_s=5))
        busy = workers[(await legs(front)).index(1)]
        await hears(call, MENU_HZ)
        await front.drain(busy.name)
        others = [await answered(phone.dial(URI, timeout_s=5)) for _ in range(3)]
        assert sorted(await legs(front)) == [1, 3]
        await call.press("1")
        await hears(call, HEARD_HZ["sales"])
        for each in (call, *others):
            await each.hang_up()
        await front.restore(busy.name)
        assert all(worker.takes_calls for worker in (await front.figures()).workers)


@live
async def test_the_load_of_a_dead_worker_is_forgotten_once(workers: Workers) -> None:
    async with front_of(workers[:1]) as front, SipPeer(user="alice") as phone:
        lost, kept = await answered(phone.dial(URI, timeout_s=5)), await answered(phone.dial(URI, timeout_s=5))
        await front.mark_down(workers[0].name)
        assert await legs(front) == [0]
        assert (await phone.dial(URI, timeout_s=5)).status == 503
        await front.restore(workers[0].name)
        new = await answered(phone.dial(URI, timeout_s=5))
        await lost.hang_up()
        await kept.hang_up()
        assert await legs(front) == [1], "calls of before free no place of now"
        await new.hang_up()
        await come_to(front, [0])


@live
async def test_a_call_that_is_given_up_or_refused_frees_its_place() -> None:
    worker = WorkerAddress("w", "127.0.0.1", NOBODYS_PORT, 4)
    async with (
        SipPeer(user="w", port=NOBODYS_PORT, incoming=RingForever()) as bot,
        front_of([worker]) as front,
        SipPeer(user="alice") as phone,
    ):
        call = await phone.invite(URI)
        await call.wait_provisional(180)
        assert await legs(front) == [1]
        await call.cancel()
        await come_to(front, [0])
        bot.incoming_policy = DECLINE
        assert (await phone.dial(URI, timeout_s=5)).status == 603, "what the bot decides is not asked of another worker"
        await come_to(front, [0])


def _message(method: str, *, agent: str = "test", number: int = 0) -> bytes:
    return (
        f"{method} {URI} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx{number};rport\r\nMax-Forwards: 70\r\n"
        f"From: <sip:x@127.0.0.1>;tag=t{number}\r\nTo: <{URI}>\r\nCall-ID: x{number}\r\nCSeq: 1 {method}\r\n"
        f"User-Agent: {agent}\r\nContact: <sip:x@127.0.0.1>\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def _from(address: str) -> socket.socket:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((address, 0))
    sender.setblocking(False)
    return sender


@live
async def test_scanners_and_floods_get_no_answer_and_callers_notice_nothing(workers: Workers) -> None:
    given = settings(limits={"requests_per_s": 40, "calls_per_s": 3, "ban": "2s"})
    async with front_of(workers, given) as front, SipPeer(user="alice") as phone:
        call = await answered(phone.dial(URI, timeout_s=5))
        with _from("127.0.0.2") as scanner, _from("127.0.0.3") as flood:
            scanner.sendto(_message("OPTIONS", agent="friendly-scanner"), ("127.0.0.1", PORT))
            for number in range(400):
                flood.sendto(_message("INVITE", number=number), ("127.0.0.1", PORT))
            scanner.sendto(_message("OPTIONS"), ("127.0.0.1", PORT))
            second = await answered(phone.dial(URI, timeout_s=5))
            await hears(second, MENU_HZ)
            with pytest.raises(BlockingIOError):
                scanner.recv(4096)
        await call.press("1")
        await hears(call, HEARD_HZ["sales"])
        refused = (await front.figures()).refused
        assert refused["scanner"] == 1 and refused["flood"] > 100 and refused["banned"] >= 1 and refused["pace"] > 0
        await call.hang_up()
        await second.hang_up()


@live
async def test_beyond_the_pace_of_a_source_there_is_503_for_a_second(workers: Workers) -> None:
    async with front_of(workers, settings(limits={"calls_per_s": 2})) as front, SipPeer(user="alice") as phone:
        calls = [await phone.invite(URI) for _ in range(5)]
        for call in calls:
            await call.wait_final(5)
        assert sorted(call.status for call in calls).count(503) >= 2
        assert (await front.figures()).refused["pace"] >= 2
        for call in calls:
            await call.hang_up()
        await asyncio.sleep(2.1)  # the pace of a second is over
        await (await answered(phone.dial(URI, timeout_s=5))).hang_up()


@live
async def test_calls_of_a_source_that_it_does_not_acknowledge_are_limited(workers: Workers) -> None:
    given = settings(limits={"calls_per_s": 20, "half_open_per_source": 2})
    async with front_of(workers, given) as front, SipPeer(user="alice") as phone:
        for _ in range(3):  # acknowledged: they do not count
            await (await answered(phone.dial(URI, timeout_s=5))).hang_up()
        async with SipPeer(user="half", host="127.0.0.7") as attacker:
            for _ in range(2):
                attacker.send_raw(attacker.invite_text(URI), ("127.0.0.1", PORT))
                await attacker.raw_response(5, containing=b"SIP/2.0 200")
            attacker.send_raw(attacker.invite_text(URI), ("127.0.0.1", PORT))
            assert (await attacker.raw_response(5, containing=b"SIP/2.0 503")).data
            await (await answered(phone.dial(URI, timeout_s=5))).hang_up()
        assert (await front.figures()).refused == {"half_open": 1}


@live
async def test_only_trunks_may_call_where_the_settings_say_so(workers: Workers) -> None:
    trunks = {"us": {"addresses": ["127.0.0.1"]}}
    async with front_of(workers, settings(callers="trunks", trunks=trunks)), SipPeer(user="alice") as phone:
        await (await answered(phone.dial(URI, timeout_s=5))).hang_up()
    async with front_of(workers, settings(callers="trunks")), SipPeer(user="alice") as phone:
        assert (await phone.dial(URI, timeout_s=5)).status == 403


@live
async def test_a_route_leads_nowhere_but_to_workers(workers: Workers) -> None:
    async with front_of(workers) as front, SipPeer(user="alice") as phone, SipPeer(user="victim") as victim:
        call = await answered(phone.dial(URI, timeout_s=5))
        assert call.dialog is not None
        call.dialog.target = victim.uri
        assert (await call.send_request("INFO")).status == 481
        assert (await front.figures()).refused == {"relay": 1}
        await front.mark_down(workers[0].name)


@live
async def test_calls_go_on_when_the_front_is_killed(workers: Workers) -> None:
    async with front_of(workers) as front, SipPeer(user="alice") as phone:
        call = await answered(phone.dial(URI, timeout_s=5))
        await hears(call, MENU_HZ)
        assert front.pid is not None
        os.kill(front.pid, signal.SIGKILL)
        await until(lambda: front.restarts == 1 and front.is_up, "the front is back", 5)
        await call.press("1", method="info")
        await hears(call, HEARD_HZ["sales"])
        other = await answered(phone.dial(URI, timeout_s=5))
        await call.press("9", method="info")
        await call.wait_ended(10)
        await other.hang_up()


async def _registered(front: Front) -> FrontFigures:
    give_up_s = time.monotonic() + 8
    while not (figures := await front.figures()).registered.get("office"):
        assert time.monotonic() < give_up_s, "the account is not registered"
        await asyncio.sleep(0.1)
    return figures


@live
async def test_an_account_is_registered_once_and_its_calls_reach_a_worker(workers: Workers, lab: ModuleType) -> None:
    account = {"uri": control.BOT.uri, "registrar": control.REGISTRAR, "password": control.BOT.password}
    async with front_of(workers, settings({"port": MEMBER_PORT, "accounts": {"office": account}})) as front:
        await _registered(front)
        assert control.asterisk_cli("pjsip show contacts").count("Contact:  ivr/") == 1
        async with caller() as phone:
            call = await answered(phone.dial(control.number(100), timeout_s=8))
            await hears(call, MENU_HZ)
            await call.hang_up()
    wait_until(lambda: not control.is_registered(control.BOT), 5, lambda: control.asterisk_cli("pjsip show contacts"))


@live
@pytest.mark.parametrize("mode", ["bridge", "auto", "refer"])
async def test_transfers_lead_through_the_front(workers: Workers, lab: ModuleType, mode: str) -> None:
    async with front_of(workers) as front, caller() as phone:
        call = await answered(phone.dial(control.number(104), timeout_s=8))
        await hears(call, MENU_HZ)
        await call.press(key_for("answers", mode), duration_ms=60, gap_ms=60)
        await hears(call, control.TONE_HZ)
        if mode != "bridge":
            await come_to(front, [0, 0])
        await call.hang_up()
        await come_to(front, [0, 0])


@live
async def test_requests_of_a_call_that_come_close_together_keep_their_order(workers: Workers) -> None:
    """One that is overtaken is refused: a PBX whose first NOTIFY is refused sends no word of how the transfer ended."""
    async with front_of(workers) as front, SipPeer(user="alice") as phone:
        call = await answered(phone.dial(URI, timeout_s=5))
        key, kind = b"Signal=7\r\nDuration=100\r\n", "application/dtmf-relay"
        replies = await asyncio.gather(*(call.send_request("INFO", body=key, content_type=kind) for _ in range(25)))
        assert {reply.status for reply in replies} == {200}
        await call.hang_up()
        await come_to(front, [0, 0])


def _certificates(folder: Path) -> tuple[dict[str, Any], ssl.SSLContext]:
    authority = trustme.CA()
    identity = authority.issue_cert("127.0.0.1")
    identity.private_key_pem.write_to_path(folder / "key.pem")
    identity.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    files = {"certificate_file": str(folder / "certificate.pem"), "key_file": str(folder / "key.pem")}
    return {**files, "port": TLS_PORT}, context


@live
async def test_a_call_over_tls_and_one_of_a_browser(workers: Workers, tmp_path: Path) -> None:
    tls, context = _certificates(tmp_path)
    websocket = {"port": WEBSOCKET_PORT, "origins": ["https://a.example"]}
    async with front_of(workers, settings(tls=tls, websocket=websocket)) as front:
        reader, writer = await asyncio.open_connection("127.0.0.1", TLS_PORT, ssl=context)

        async def send(text: str) -> None:
            writer.write(text.encode())
            await writer.drain()

        phone = StreamCaller("TLS", f"sip:live@127.0.0.1:{TLS_PORT}", send, lambda: read_message(reader))
        assert await phone.call() == OK
        assert (await phone.request("BYE")).startswith(OK)
        writer.close()
        await writer.wait_closed()
        await _browser_calls(context)
        await come_to(front, [0, 0])


async def _browser_calls(context: ssl.SSLContext) -> None:
    address, protocols = f"wss://127.0.0.1:{WEBSOCKET_PORT}", [Subprotocol("sip")]
    with pytest.raises(InvalidStatus):
        await connect(address, ssl=context, subprotocols=protocols, origin="https://b.example")  # type: ignore[arg-type]
    async with connect(address, ssl=context, subprotocols=protocols, origin="https://a.example") as link:  # type: ignore[arg-type]

        async def receive() -> str:
            message = await link.recv()
            return message if isinstance(message, str) else message.decode()

        browser = StreamCaller("WSS", URI, link.send, receive)
        assert (await browser.request("OPTIONS")).startswith(OK)
        browser = StreamCaller("WSS", URI, link.send, receive)
        assert await browser.call() == OK
        await asyncio.sleep(1)  # a key of the first moment is no answer
        assert await browser.press("9") == OK
        await browser.wait_bye()  # over the connection that there is: the Contact of a browser leads nowhere


@live
async def test_a_killed_worker_costs_the_next_call_half_a_second(bots: list[LiveBot], workers: Workers) -> None:
    first, second = workers
    async with front_of([*places([first], 9), second]), SipPeer(user="alice") as phone:
        bots[0].kill()
        asked_s = time.monotonic()
        call: PeerCall = await answered(phone.dial(URI, timeout_s=5))
        assert time.monotonic() - asked_s < 0.8
        await call.hang_up()
