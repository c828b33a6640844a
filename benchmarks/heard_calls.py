"""Calls in which recordings are said to a bot, and what its recognizer made of each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.bot import BenchBot, started
from benchmarks.callers import Lateness, answered_call
from benchmarks.spoken import Spoken, lost_packets, packets
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.g711 import Pcm
from ivr.testing.sip_peer.measure import tone
from ivr.testing.sip_peer.recording import write_wav

AT_ONCE = 4
PATIENCE_S = 4.0
"""From the end of an utterance to what was heard; then it was not noticed."""
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the bot heard in one utterance; empty where it noticed none."""

    spoken: Spoken
    text: str = ""
    confidence: float = 0.0
    n_best: tuple[tuple[str, float], ...] = ()
    phrases: tuple[str, ...] = ()
    """What it listened for."""


class TapReader:
    """Follows the file of a tapped bot."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0
        self.records: list[Record] = []

    def read(self) -> list[Record]:
        """All records up to now."""
        with self._path.open(encoding="utf-8") as file:
            file.seek(self._offset)
            for line in iter(file.readline, ""):
                if not line.endswith("\n"):
                    break
                self._offset += len(line.encode())
                self.records.append(json.loads(line))
        return self.records

    async def wait(self, is_it: Callable[[Record], bool], start: int, limit_s: float) -> Record | None:
        """The first such record from place `start` on; None if it does not come."""
        deadline_s = time.monotonic() + limit_s
        while True:
            if found := next((record for record in self.read()[start:] if is_it(record)), None):
                return found
            if time.monotonic() > deadline_s:
                return None
            await asyncio.sleep(0.02)


@dataclass(slots=True)
class TappedBot:
    """A running bot and what it hears."""

    bot: BenchBot
    tap: TapReader


def flow_of(words: Sequence[str], language: str) -> dict[str, Any]:
    """A menu of the words that takes whatever comes and asks again at once; free speech without words."""
    choices = {f"word_{place}": {"say": [word], "go": "main"} for place, word in enumerate(words)}
    menu = {"menu": {"prompt": "sounds/go.wav", "choices": choices}}
    free = {"ask": "free", "into": "said", "prompt": "sounds/go.wav", "next": "main"}
    return {
        "flow": "bench",
        "language": language,
        "start": "main",
        "defaults": {
            "no_input": "sounds/go.wav",
            "no_match": "sounds/go.wav",
            "max_attempts": 10,
            "failed": "bye",
            "confirm": "never",
            "first_input_timeout": "60s",
        },
        "steps": {"main": menu if words else free, "bye": {"hang_up": True}},
    }


@contextmanager
def tapped_bot(
    folder: Path,
    words: Sequence[str],
    language: str = "en-US",
    model: str = "",
    rtp_port: int = 16300,
    prompt: Pcm | None = None,
) -> Iterator[TappedBot]:
    """A bot that listens for the words. Ended when the context is left."""
    (folder / "sounds").mkdir(parents=True)
    (folder / "flows").mkdir()
    write_wav(folder / "sounds" / "go.wav", tone(600, 0.1) if prompt is None else prompt)
    (folder / "flows" / "bench.yaml").write_text(yaml.safe_dump(flow_of(words, language), sort_keys=False))
    speech = {"cache_dir": str(folder / "cache")} | ({"models": {language[:2]: model}} if model else {})
    sip = {"address": "127.0.0.1", "port": 0, "rtp_port": rtp_port, "rtp_port_count": 100, "codecs": ["PCMU"]}
    settings = {"sip": sip, "default_flow": "bench", "speech": speech}
    (folder / "ivr.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    tap = folder / "tap.jsonl"
    tap.touch()
    with started(folder, "benchmarks.tapped_bot", IVR_BENCH_TAP=str(tap)) as (process, uri):
        yield TappedBot(BenchBot(folder.name, uri, process), TapReader(tap))


async def say_all(
    bot: TappedBot, said: Sequence[Spoken], loss: float, lateness: Lateness, done: Callable[[], None]
) -> list[Reading]:
    """Say each utterance in one of four calls side by side."""
    async with SipPeer(codecs=("PCMU",)) as peer:
        queue = iter(enumerate(said))
        gate = asyncio.Lock()
        calls = min(AT_ONCE, len(said))
        parts = await asyncio.gather(*(_caller(peer, bot, queue, loss, lateness, gate, done) for _ in range(calls)))
    return [reading for part in parts for reading in part]


async def _caller(
    peer: SipPeer,
    bot: TappedBot,
    queue: Iterator[tuple[int, Spoken]],
    loss: float,
    lateness: Lateness,
    gate: asyncio.Lock,
    done: Callable[[], None],
) -> list[Reading]:
    readings = []
    async with contextlib.AsyncExitStack() as stack:
        call, line = None, ""
        for number, spoken in queue:
            if call is None or call.is_ended:  # after ten answers in a row that were not understood
                async with gate:
                    call, line = await _new_call(stack, peer, bot, lateness)
            readings.append(await _said(call, bot.tap, line, spoken, _dropped(spoken, loss, number)))
            done()
    return readings


async def _new_call(
    stack: contextlib.AsyncExitStack, peer: SipPeer, bot: TappedBot, lateness: Lateness
) -> tuple[PeerCall, str]:
    """A call, and the name of its line; for one caller at a time, so that it is known whose the new line is."""
    before = {record["line"] for record in bot.tap.read()}
    call = await stack.enter_async_context(answered_call(peer, bot.bot.uri, lateness))
    first = await bot.tap.wait(lambda record: record["line"] not in before, 0, PATIENCE_S)
    if first is None:
        raise RuntimeError(f"{bot.bot.name}: the bot answered and does not listen")
    return call, str(first["line"])


def _dropped(spoken: Spoken, loss: float, seed: int) -> set[int]:
    return {place for place, is_lost in enumerate(lost_packets(packets(spoken.audio), loss, seed)) if is_lost}


async def _said(call: PeerCall, tap: TapReader, line: str, spoken: Spoken, dropped: set[int]) -> Reading:
    start = len(tap.read())
    await call.send_wav(spoken.audio, drop_packets=dropped).wait(10)
    heard = await tap.wait(lambda record: record["kind"] == "heard" and record["line"] == line, start, PATIENCE_S)
    listening = [record for record in tap.records[: start + 1] if record["line"] == line and "phrases" in record]
    phrases = tuple(listening[-1]["phrases"]) if listening else ()
    if heard is None:
        return Reading(spoken, phrases=phrases)
    again = tap.records.index(heard, start)
    await tap.wait(lambda record: record["kind"] == "listening" and record["line"] == line, again, PATIENCE_S)
    readings = tuple((text, share) for text, share in heard["n_best"])
    return Reading(spoken, heard["text"], heard["confidence"], readings, phrases)
