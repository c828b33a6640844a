"""How a bot takes turns in real calls: answers, interruptions, and what stops it though nobody speaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.bot import running_bot
from benchmarks.callers import Lateness, answered_call
from benchmarks.figures import Spread
from benchmarks.heard_calls import AT_ONCE, TappedBot, tapped_bot
from benchmarks.speech import Reaction, Utterance, read_utterance, talk
from benchmarks.speech_rows import Row, at_most
from benchmarks.spoken import COMMANDS, OWN, as_pcm, street, transcribed
from ivr.testing.sip_peer import PeerCall, SipPeer

SENTENCES = ("queue-thankyou", "vm-undelete", "vm-tocallnum", "please-try-again", "vm-leavemsg", "im-sorry")
ONSET_S = 3.0
"""After the answer, what stops a prompt is told apart: the bot does not know the line yet."""
ECHO_LATE_S, ECHO_DB = 0.2, 15.0


def measure_turns(folder: Path, lateness: Lateness, *, calls: int) -> list[Row]:
    """Answers to a closed list and to free speech, and interruptions."""
    with running_bot(folder, "closed", 16500) as bot:
        reactions = asyncio.run(_reactions(bot.uri, lateness, calls))
    with tapped_bot(folder / "free", (), rtp_port=16600) as free:
        answers = asyncio.run(_free_answers(free, lateness, calls))
    return [
        _spread("end of speech to answer, closed list", [entry.to_answer for entry in reactions], 500),
        _spread("end of speech to answer, free speech", answers, 900),
        _spread("barge-in: beginning of speech to silence", [entry.to_silence for entry in reactions], 200),
    ]


def _spread(name: str, values_ms: list[float], limit_ms: float) -> Row:
    spread = Spread.of(values_ms)
    target, is_met = at_most(limit_ms, "ms", spread.p95)
    return Row(name, "ms", spread.p95, p50=spread.p50, target=target, is_met=is_met, note=f"n={spread.count}")


async def _reactions(uri: str, lateness: Lateness, calls: int) -> list[Reaction]:
    async with SipPeer(codecs=("PCMU",)) as peer:
        return await talk(peer, uri, lateness, calls)


async def _free_answers(bot: TappedBot, lateness: Lateness, calls: int) -> list[float]:
    found: list[float] = []

    async def one(peer: SipPeer) -> None:
        async with answered_call(peer, bot.bot.uri, lateness) as call:
            await call.wait_sound(5)
            for name in SENTENCES:
                await asyncio.sleep(0.8)
                found.append(await _answer_ms(call, read_utterance(name)))

    async with SipPeer(codecs=("PCMU",)) as peer:
        for first in range(0, calls, AT_ONCE):
            await asyncio.gather(*(one(peer) for _ in range(min(AT_ONCE, calls - first))))
    return found


async def _answer_ms(call: PeerCall, utterance: Utterance) -> float:
    sending = call.send_wav(utterance.audio)
    await sending.wait(15)
    assert sending.started_at_s is not None
    ended_at_s = sending.started_at_s + utterance.ends_s
    return (await call.wait_sound(5, after_s=ended_at_s) - ended_at_s) * 1000


def measure_false_stops(
    folder: Path, lateness: Lateness, noises_dbfs: Sequence[float], *, duration_s: float
) -> list[Row]:
    """A prompt of recordings while a line sends it back, or is noisy; four calls at once."""
    pieces = [entry.audio for entry in transcribed(OWN) if entry.text not in COMMANDS]
    prompt = np.concatenate([pieces[place % len(pieces)] for place in range(200)])[: round(duration_s * 8000)]
    acts: dict[str, Callable[[PeerCall], None]] = {f"echo, -{ECHO_DB:g} dB, {ECHO_LATE_S * 1000:g} ms late": _send_back}
    acts |= {"nothing (silence)": lambda _: None}
    acts |= {f"noise of {dbfs:g} dBFS": partial(_send_noise, dbfs) for dbfs in noises_dbfs}
    with tapped_bot(folder / "prompt", COMMANDS, rtp_port=16700, prompt=prompt) as bot:
        return [
            _stop_row(f"false stops by {name}", asyncio.run(_stops(bot, lateness, duration_s, act)), duration_s)
            for name, act in acts.items()
        ]


def _stop_row(name: str, after_s: list[float], duration_s: float) -> Row:
    """`after_s` are the instants of the stops, counted from the beginning of their calls."""
    minutes = AT_ONCE * (duration_s - ONSET_S) / 60
    later = sum(at_s >= ONSET_S for at_s in after_s)
    note = (
        f"{later} in {minutes:.1f} minutes; {len(after_s) - later} more in the first {ONSET_S:g} s of {AT_ONCE} calls"
    )
    is_met = later == 0 if "echo" in name else None
    return Row(name, "/min", later / minutes, target="" if is_met is None else "0", is_met=is_met, note=note)


async def _stops(bot: TappedBot, lateness: Lateness, duration_s: float, act: Callable[[PeerCall], None]) -> list[float]:
    start, answered_s = len(bot.tap.read()), time.monotonic()

    async def one(peer: SipPeer) -> None:
        async with answered_call(peer, bot.bot.uri, lateness) as call:
            act(call)
            await asyncio.sleep(duration_s)

    async with SipPeer(codecs=("PCMU",)) as peer:
        await asyncio.gather(*(one(peer) for _ in range(AT_ONCE)))
    return [record["at_s"] - answered_s for record in bot.tap.read()[start:] if record["kind"] == "speech"]


def _send_back(call: PeerCall) -> None:
    """What a line does that echoes."""
    call.echo(ECHO_LATE_S, ECHO_DB)


def _send_noise(dbfs: float, call: PeerCall) -> None:
    call.send_wav(as_pcm(street(8000 * 20, dbfs, 1)), loop=True)
