"""Whatever another process sends: it is read, or refused in the way that the reader is prepared for."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
from collections.abc import Callable, Coroutine, Iterable
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.errors import IvrError
from ivr.front.figures import refused_of, replies_of, statistics_of, table_of
from ivr.front.rpc import ControlSocket as FrontSocket
from ivr.front.rpc import FrontFailed
from ivr.json_object import read_object
from ivr.sip.keys import KeyPresses
from ivr.speech.vosk_server import SERVER_ERRORS, read_answer
from ivr.supervisor.channel import LineChannel
from ivr.supervisor.control import SOCKET, ControlSocket
from ivr.testing.sip_peer.rtp import RtpPacket, pack_rtp, parse_event, parse_rtp
from ivr.yaml_source import read_yaml
from tests.any_bytes import MESSAGES, VALUES, tries

pytestmark = pytest.mark.unit

FEW = 40
SIGNS = [
    "a: ",
    "- ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    "&x ",
    "*x",
    "<<: ",
    "|\n",
    "'",
    '"',
    "\t",
    "!!python/",
    "---\n",
    "\0",
]
YAML = st.lists(st.sampled_from(SIGNS) | st.text(max_size=6), max_size=30).map("".join)
KEYS = st.sampled_from("0123456789*#ABCD")
REPORTS = st.tuples(KEYS, st.integers(-(2**31), 2**33), st.integers(-1, 2**16), st.booleans(), st.floats(0, 1e6))


@given(MESSAGES)
@tries(300)
def test_a_message_is_one_object_or_a_value_error(message: bytes) -> None:
    try:
        value = read_object(message)
    except ValueError:
        return
    assert isinstance(value, dict)


@given(MESSAGES | VALUES.map(lambda value: json.dumps({"partial": value, "result": value}).encode()))
@tries(300)
def test_a_recognition_server_gives_words_or_counts_as_lost(answer: bytes) -> None:
    try:
        partial, words = read_answer(answer)
    except SERVER_ERRORS:
        return
    assert isinstance(partial, str)
    assert all(0.0 <= word.confidence <= 1.0 and isfinite(word.start_s) and isfinite(word.end_s) for word in words)


def test_words_of_a_server_are_numbers_that_can_be_reckoned_with() -> None:
    word = {"word": "agent", "conf": float("nan"), "start": 0.1, "end": 0.4}
    with pytest.raises(ValueError, match="nan is no number"):
        read_answer(json.dumps({"result": [word]}))
    assert read_answer(json.dumps({"result": [word | {"conf": -3}]}))[1][0].confidence == 0.0


@pytest.mark.parametrize("answer", ["[]", "3", '"agent"', "[" * 100_000])
def test_a_server_whose_answer_is_no_object_counts_as_lost(answer: str) -> None:
    with pytest.raises(SERVER_ERRORS):
        read_answer(answer)


@given(st.lists(MESSAGES, min_size=1, max_size=3))
@tries(FEW)
def test_the_front_answers_or_has_failed(messages: list[bytes]) -> None:
    """Kamailio's part is played by a socket that says anything, with the right number or without."""

    async def ask(folder: Path) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as kamailio:
            kamailio.bind(str(folder / "rpc.sock"))
            front = FrontSocket(folder / "rpc.sock")
            front.open()
            for message in [*messages, b'{"id": 1, "error": 7}']:
                kamailio.sendto(message[:60_000], str(folder / "client.sock"))
            try:
                await front.ask("core.uptime")
            except FrontFailed:
                pass
            finally:
                front.close()

    _in_folder(ask)


def _in_folder(work: Callable[[Path], Coroutine[Any, Any, None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(work(Path(folder)))


@given(VALUES, VALUES)
@tries(200)
def test_what_the_front_counts_is_read_or_refused(dump: Any, lines: Any) -> None:
    expected = (TypeError, ValueError, KeyError, AttributeError)
    for read, given_value in ((table_of, dump), (statistics_of, lines)):
        try:
            found = read(given_value)
        except expected:
            continue
        assert isinstance(found, dict)
    assert replies_of({}) == dict.fromkeys(("2xx", "3xx", "4xx", "5xx", "6xx"), 0)
    assert refused_of({"refused_full": 2, "dropped_flood": 3, "x": 1}) == {"full": 2, "flood": 3}


@given(MESSAGES)
@tries(FEW)
def test_the_bots_own_socket_answers_or_closes_and_answers_the_next(message: bytes) -> None:
    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        if request.get("do") == "status":
            return {"calls": 0}
        raise IvrError("no such request")

    async def ask(folder: Path) -> None:
        failures: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
        control = ControlSocket(folder, answer)
        await control.open()
        for sent in (message.replace(b"\n", b" "), b'{"do": "status"}'):
            reader, writer = await asyncio.open_unix_connection(str(folder / SOCKET))
            writer.write(sent + b"\n")
            found = await asyncio.wait_for(reader.read(), 5)
            writer.close()
        await control.close()
        assert json.loads(found) == {"ok": True, "calls": 0}
        assert not failures, failures

    _in_folder(ask)


@given(st.lists(MESSAGES, max_size=4))
@tries(FEW)
def test_a_line_between_processes_that_nobody_understands_is_left_out(messages: list[bytes]) -> None:
    async def talk() -> list[Any]:
        ours, theirs = socket.socketpair()
        heard: list[Any] = []
        ended = asyncio.Event()
        channel = LineChannel(ours, heard.append, ended.set)
        for line in [*messages, b'{"say": "last"}']:
            theirs.sendall(line.replace(b"\n", b" ")[:50_000] + b"\n")
            await asyncio.sleep(0)
        theirs.close()
        await asyncio.wait_for(ended.wait(), 5)
        channel.close()
        return heard

    heard = asyncio.run(talk())
    assert heard[-1] == {"say": "last"} and all(isinstance(message, dict) for message in heard)


@given(st.binary(max_size=80))
@tries(300)
def test_a_datagram_is_an_rtp_packet_or_none(data: bytes) -> None:
    packet = parse_rtp(data)
    assert packet is None or (len(packet.payload) <= len(data) and parse_rtp(pack_rtp(packet)) == packet)
    event = parse_event(data)
    assert event is None or (0 <= event.code <= 255 and event.digit in {"", *"0123456789*#ABCD"})


def test_an_rtp_packet_is_read_as_it_was_packed() -> None:
    packet = RtpPacket(8, 65_535, 2**32 - 1, 7, b"x" * 160, True)
    assert parse_rtp(pack_rtp(packet)) == packet


@given(st.lists(REPORTS, max_size=30))
@tries(200)
def test_reports_of_keys_in_any_order_are_presses_or_repetitions(reports: Iterable[Any]) -> None:
    presses = KeyPresses()
    for digit, timestamp_ms, duration_ms, is_end, at_s in reports:
        presses.is_new(digit, timestamp_ms, duration_ms, is_end=is_end, at_s=at_s)
        again = presses.is_new(digit, timestamp_ms, duration_ms, is_end=True, at_s=at_s)
        assert not again, "a report that comes twice is one press"


@given(YAML | st.binary(max_size=60))
@tries(300)
def test_a_yaml_file_is_data_or_has_problems(text: str | bytes) -> None:
    source = read_yaml(text, "any.yaml")
    assert all(problem.line >= 1 for problem in source.problems)
