"""`ivr ping` as a health check calls it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ivr.cli.main import app
from ivr.cli.phone_options import split_address
from ivr.errors import ConfigError
from ivr.testing.sip_peer import SipPeer
from tests.sip.bot import scenario

pytestmark = pytest.mark.adapter


def ivr(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["ping", *arguments])
    return result.exit_code, result.output


@scenario
async def test_what_answers_is_told_with_exit_status_0() -> None:
    async with SipPeer(user="here") as peer:
        status, output = await asyncio.to_thread(ivr, f"sip:127.0.0.1:{peer.address[1]}")
    assert status == 0
    assert f"127.0.0.1:{peer.address[1]} answers: 200 OK, after " in output


class _NotReady(asyncio.DatagramProtocol):
    """Answers as a front without workers does."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        via = data[data.index(b"Via:") : data.index(b"Max-Forwards")]
        self._transport.sendto(b"SIP/2.0 503 Not Ready\r\n" + via + b"Content-Length: 0\r\n\r\n", addr)


@scenario
async def test_a_front_whose_workers_are_not_ready_is_no_healthy_one() -> None:
    made = await asyncio.get_running_loop().create_datagram_endpoint(_NotReady, ("127.0.0.1", 0))
    port = made[0].get_extra_info("sockname")[1]
    status, output = await asyncio.to_thread(ivr, f"sip:127.0.0.1:{port}")
    made[0].close()
    assert status == 1
    assert f"127.0.0.1:{port} answers: 503 Not Ready" in output


def test_without_an_address_the_bot_of_the_settings_is_asked(tmp_path: Path) -> None:
    config = tmp_path / "ivr.yaml"
    config.write_text("sip: {address: 0.0.0.0, port: 9, udp: false}\n")
    status, output = ivr("--config", str(config))
    assert status == 1
    assert output == "127.0.0.1:9 by TCP: Connection refused; is the bot started?\n"


@pytest.mark.parametrize("arguments", [["not an address"], ["sips:127.0.0.1"], ["sip:127.0.0.1", "--within", "2"]])
def test_what_cannot_be_asked_is_named(arguments: list[str]) -> None:
    status, output = ivr(*arguments)
    assert status == 1
    assert "; write " in output


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("127.0.0.1", ("127.0.0.1", 5060, False)),
        ("sip:demo@pbx.example:5070", ("pbx.example", 5070, False)),
        ("sip:[::1]:5070;transport=tcp", ("::1", 5070, True)),
    ],
)
def test_an_address_is_read_as_people_write_it(uri: str, expected: tuple[str, int, bool]) -> None:
    assert split_address(uri) == expected
    with pytest.raises(ConfigError):
        split_address(uri.replace("sip:", "") + " x")
