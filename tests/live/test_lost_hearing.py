"""Real calls through Asterisk that lose what hears them: an engine that fails in the bot, a server after the other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ivr.testing.sip_peer import PeerCall
from ivr.testing.sip_peer.measure import tone
from ivr.testing.sip_peer.recording import write_wav
from tests.lab import control
from tests.live.bots import (
    HEARD_HZ,
    NUMBER_HZ,
    LiveBot,
    answered,
    caller,
    hears,
    live,
    now_s,
    serving,
    wait_until,
    write_project,
)
from tests.live.listening_flow import sound
from tests.live.test_listening import MODEL, recording
from tests.vosk_server import VoskServer

pytestmark = pytest.mark.live

PROJECT = Path(__file__).resolve().parents[2]
FAILING_ENGINE = PROJECT / "tests" / "data" / "failing_engine"
KEYS_HZ = 1310
"""The prompt for callers who have keys only."""
SECRET = "goodbye"


def flow() -> dict[str, Any]:
    """A menu of two words, in a language that the bot hears itself, and behind key 9 in one that servers hear."""
    choices: dict[str, Any] = {
        name: {"keys": key, "say": {"en": [name], "de": [name]}, "go": f"heard_{name}"}
        for key, name in (("1", "agent"), ("2", "message"))
    }
    choices |= {name: {"keys": key, "go": name} for key, name in (("7", "secret"), ("8", "own"), ("9", "other"))}
    steps: dict[str, Any] = {
        "main": {"menu": {"prompt": sound(NUMBER_HZ), "keys_prompt": sound(KEYS_HZ), "choices": choices}},
        "secret": {
            "ask": "choice",
            "choices": {"it": {"keys": "1", "say": {"en": [SECRET], "de": [SECRET]}}},
            "sensitive": True,
            "prompt": sound(NUMBER_HZ),
            "into": "secret",
            "next": "heard_message",
        },
        "own": {"language": "en-US", "next": "main"},
        "other": {"language": "de-DE", "next": "main"},
        **{f"heard_{name}": {"say": sound(HEARD_HZ[name]), "next": "main"} for name in ("agent", "message")},
    }
    heads = {"flow": "loses", "language": "en-US", "languages": ["en-US", "de-DE"], "start": "main"}
    return {
        **heads,
        "variables": {"secret": ""},
        "defaults": {"failed": "hang_up", "max_speech_duration": "1s"},
        "steps": steps,
    }


class Losing:
    """A bot with an engine that fails when it is told to, and two servers that hear the other language."""

    def __init__(self, bot: LiveBot, servers: list[VoskServer], order: Path) -> None:
        self.bot, self.servers, self._order = bot, servers, order

    def engine(self, is_to: str) -> None:
        """`lost`, `hangs`, or `works`."""
        if is_to == "works":
            self._order.unlink(missing_ok=True)
        else:
            self._order.write_text(is_to)

    async def hearing(self) -> list[tuple[str, str]]:
        """What the record of the newest call says of recognition: outcome and detail."""
        record = await asyncio.to_thread(self.bot.record_of, "caller")
        return [(step["outcome"], step["detail"]) for step in record["steps"] if step["kind"] == "hearing"]


@pytest.fixture(scope="module")
def losing(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Losing]:
    folder: Path = tmp_path_factory.mktemp("losing")
    with VoskServer(MODEL) as first, VoskServer(MODEL) as second:
        speech = {
            "cache_dir": str(folder / "cache"),
            "models": {"en": str(MODEL)},
            "servers": {"de": [first.url, second.url]},
        }
        settings = {"default_flow": "loses", "speech": speech}
        write_project(folder / "bot", control.RTP_TRUNK_PORT, flows=[flow()], settings=settings)
        write_wav(folder / "bot" / sound(KEYS_HZ), tone(KEYS_HZ, 0.6))
        paths = [str(FAILING_ENGINE), os.environ.get("PYTHONPATH", "")]
        environ = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "ENGINE_ORDER": str(folder / "order")}
        with serving(folder / "bot", control.RTP_TRUNK_PORT, environ=environ) as bot:
            yield Losing(bot, [first, second], folder / "order")


async def says(call: PeerCall, name: str, hz: int, within_s: float = 5.0) -> float:
    """Say a word; when the tone that follows it was heard."""
    from_s = now_s(call)
    call.send_wav(recording(name))
    return await hears(call, hz, within_s, after_s=from_s)


async def presses(call: PeerCall, key: str, hz: int) -> None:
    from_s = now_s(call)
    await call.press(key)
    await hears(call, hz, 4, after_s=from_s)


@live
async def test_an_engine_that_fails_in_mid_word_leaves_the_caller_keys(losing: Losing) -> None:
    losing.engine("works")
    async with caller(codecs=("PCMU",)) as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, NUMBER_HZ)
        await says(call, "spy-agent", HEARD_HZ["agent"])
        await menu_again(call)
        losing.engine("lost")
        await says(call, "vm-message", KEYS_HZ, 3)
        await presses(call, "2", HEARD_HZ["message"])
    assert await losing.hearing() == [("keys_only", "Vosk stopped with Exception")]


@live
async def test_an_engine_that_hangs_leaves_the_caller_keys(losing: Losing) -> None:
    losing.engine("works")
    async with caller(codecs=("PCMU",)) as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, NUMBER_HZ)
        await asyncio.sleep(2.2)
        losing.engine("hangs")
        await says(call, "spy-agent", KEYS_HZ, 7)  # 1 s is the longest that may be said, and 4 s more
        await presses(call, "1", HEARD_HZ["agent"])
        losing.engine("works")
    assert await losing.hearing() == [("keys_only", "the recognizer came to no end")]


@live
async def test_another_server_goes_on_and_without_one_there_are_keys(losing: Losing) -> None:
    losing.engine("works")
    async with caller(codecs=("PCMU",)) as phone:
        call = await answered(phone.dial(control.number(1041)))
        await hears(call, NUMBER_HZ)
        await presses(call, "9", NUMBER_HZ)
        await says(call, "spy-agent", HEARD_HZ["agent"])
        await menu_again(call)
        await presses(call, "7", NUMBER_HZ)
        await loses_its_server(call, losing, "goodbye", HEARD_HZ["message"])
        await menu_again(call)
        await says(call, "spy-agent", HEARD_HZ["agent"])
        await menu_again(call)
        await loses_its_server(call, losing, "vm-message", KEYS_HZ)
        await presses(call, "2", HEARD_HZ["message"])
        await hears(call, KEYS_HZ, after_s=now_s(call))
        await presses(call, "8", NUMBER_HZ)
        await says(call, "spy-agent", HEARD_HZ["agent"])
    elsewhere, nowhere = await losing.hearing()
    assert elsewhere == ("elsewhere", "a recognition server was lost, another one heard it")
    assert nowhere[0] == "keys_only" and nowhere[1].startswith("no recognition server for de answers")
    kept = [path for path in losing.bot.folder.rglob("*") if path.is_file() and path.suffix != ".yaml"]
    assert kept and [path for path in kept if SECRET.encode() in path.read_bytes()] == [], "said in confidence"


async def menu_again(call: PeerCall) -> None:
    """Wait for its prompt, after what was heard."""
    await hears(call, NUMBER_HZ, 4, after_s=now_s(call))


async def loses_its_server(call: PeerCall, losing: Losing, name: str, hz: int) -> None:
    """Say a word whose server dies before its end; a tone follows."""
    from_s, asked = now_s(call), [len(server.requests) for server in losing.servers]

    def hearing() -> list[VoskServer]:
        return [server for server, count in zip(losing.servers, asked, strict=True) if len(server.requests) > count]

    call.send_wav(recording(name))
    await asyncio.to_thread(wait_until, lambda: bool(hearing()), 3, lambda: "no server was asked")
    await asyncio.to_thread(hearing()[0].kill)
    await hears(call, hz, 4, after_s=from_s)
