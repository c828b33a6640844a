"""A person's voice over a prompt: to silence, and from its end to the answer. Recordings of people, a closed list."""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.bot import ANSWER_HZ, NO_MATCH_HZ, WORDS, BenchBot
from benchmarks.callers import Lateness, answered_call, side_by_side, telephone
from benchmarks.figures import Figure, spread_figure
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.g711 import Pcm
from ivr.testing.sip_peer.measure import first_sound_s, tone_level_dbfs
from ivr.testing.sip_peer.recording import read_wav
from ivr.testing.sip_peer.rtp import FRAME_S

RECORDINGS = Path(__file__).parents[1] / "tests" / "data" / "speech" / "en"


@dataclass(frozen=True, slots=True)
class Reaction:
    """What one utterance led to, in milliseconds."""

    to_silence: float
    to_answer: float
    was_understood: bool


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recording, and where in it the voice is."""

    audio: Pcm
    begins_s: float
    """Beginning of the packet that holds the first sound."""
    ends_s: float
    """Beginning of the packet that holds the last sound."""


def read_utterance(name: str) -> Utterance:
    """Sound is what is above -45 dBFS for 20 ms, from either end."""
    audio = read_wav(RECORDINGS / f"{name}.wav")
    first_s, rest_s = first_sound_s(audio), first_sound_s(audio[::-1])
    if first_s is None or rest_s is None:
        raise ValueError(f"{name}.wav holds no sound")
    last_s = len(audio) / 8000 - rest_s
    return Utterance(audio, _packet_s(first_s), _packet_s(last_s))


def _packet_s(at_s: float) -> float:
    return math.floor(at_s / FRAME_S + 1e-6) * FRAME_S


async def _say(call: PeerCall, utterance: Utterance) -> Reaction:
    sending = call.send_wav(utterance.audio)
    await sending.wait(10)
    assert sending.started_at_s is not None
    begins_s, ends_s = sending.started_at_s + utterance.begins_s, sending.started_at_s + utterance.ends_s
    silent_s = await call.wait_silence(5, after_s=begins_s, sustain_s=0.1)
    answer_s = await call.wait_sound(5, after_s=silent_s)
    await asyncio.sleep(max(0.0, answer_s + 0.25 - sending.started_at_s - utterance.ends_s))
    return Reaction((silent_s - begins_s) * 1000, (answer_s - ends_s) * 1000, _is_answer(call, answer_s))


def _is_answer(call: PeerCall, answer_s: float) -> bool:
    heard = call.received_audio(answer_s, answer_s + 0.2)
    return tone_level_dbfs(heard, ANSWER_HZ) > tone_level_dbfs(heard, NO_MATCH_HZ) + 10


async def _conversation(peer: SipPeer, uri: str, names: list[str], lateness: Lateness) -> list[Reaction]:
    found = []
    async with answered_call(peer, uri, lateness) as call:
        await call.wait_sound(5)
        for name in names:
            await asyncio.sleep(0.9 + random.uniform(0, 0.02))
            found.append(await _say(call, read_utterance(name)))
    return found


async def talk(peer: SipPeer, uri: str, lateness: Lateness, calls: int) -> list[Reaction]:
    """So many calls to a bot that listens while it speaks. Each says half of the words."""
    names = list(WORDS.values())
    halves = [names[::2], names[1::2]]
    return await side_by_side(
        [partial(_conversation, peer, uri, halves[index % 2], lateness) for index in range(calls)]
    )


async def measure_speech(bot: BenchBot, lateness: Lateness, *, calls: int) -> list[Figure]:
    """`bot` listens while it speaks."""
    async with telephone() as peer:
        reactions = await talk(peer, bot.uri, lateness, calls)
    understood = sum(reaction.was_understood for reaction in reactions)
    return [
        spread_figure("speech to silence", [entry.to_silence for entry in reactions], goal=200.0),
        spread_figure(
            "end of speech to answer",
            [entry.to_answer for entry in reactions],
            goal=500.0,
            note=f"closed list, {understood} of {len(reactions)} understood; final_silence as shipped",
        ),
    ]
