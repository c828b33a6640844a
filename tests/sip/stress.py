"""A side of the stress test: `python -m tests.sip.stress caller|bot COUNT`. Prints one JSON line at its end.

The caller hangs up at random early stages, every second time after the answer; both sides play and listen always.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import threading
from collections import defaultdict
from pathlib import Path

from ivr.ports import DialRequest, LegAnswered, LegEnded, LegId, LegOffered, TelephonyEvent
from ivr.sip.telephony import PjsuaTelephony
from tests.sip.bot import Ear, settings, write_tone

STAGES_S = (0.0, 0.001, 0.003, 0.01, 0.03, 0.06, 0.1, 0.2, 0.3)
WAIT_FOR_ANSWER_EVERY = 2
"""Every so many calls the caller waits for the answer first, so that a slow machine answers calls as well."""
ANSWER_DEADLINE_S = 10


def _rss_mb() -> int:
    """What the process holds now; its peak would begin with that of the process that forked it."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


class Party:
    """One side."""

    def __init__(self, rtp_port: int, tone: Path) -> None:
        self.telephony = PjsuaTelephony(settings(rtp_port=rtp_port))
        self.tone, self.ear = tone, Ear()
        self.open: set[LegId] = set()
        self.answers: defaultdict[LegId, asyncio.Event] = defaultdict(asyncio.Event)
        self.answered = self.ended = 0
        self.surplus = 0
        """Ends of legs that were not open: reported twice, or of a leg that was never reported."""

    def on_event(self, event: TelephonyEvent) -> None:
        """Answer, play and listen on every leg."""
        if isinstance(event, LegOffered):
            self.open.add(event.leg_id)
            self.telephony.answer(event.leg_id)
        elif isinstance(event, LegAnswered):
            self.answered += 1
            self.answers[event.leg_id].set()
            self.telephony.play(event.leg_id, "p", [self.tone], lead_in_s=0.02)
            self.telephony.listen(event.leg_id, self.ear)
        elif isinstance(event, LegEnded):
            self.ended += 1
            self.surplus += event.leg_id not in self.open
            self.open.discard(event.leg_id)

    async def call(self, port: int, count: int) -> None:
        """Call again and again."""
        for number in range(count):
            leg_id = self.telephony.dial(DialRequest(f"sip:1@127.0.0.1:{port}"))
            self.open.add(leg_id)
            if number % WAIT_FOR_ANSWER_EVERY == 0:
                await asyncio.wait_for(self.answers[leg_id].wait(), ANSWER_DEADLINE_S)
            await asyncio.sleep(random.Random(number).choice(STAGES_S))
            self.telephony.hang_up(leg_id)
            await asyncio.sleep(0.02)

    def summary(self) -> dict[str, object]:
        """What came of it."""
        agent = self.telephony._agent
        assert agent is not None
        return {
            "answered": self.answered,
            "ended": self.ended,
            "open": len(self.open),
            "surplus": self.surplus,
            "legs": len(agent._legs),
            "frame_ports": agent._ports.made,
            "heard_bytes": len(self.ear.pcm),
            "rss_mb": _rss_mb(),
        }


async def main(role: str, count: int) -> None:
    """Play the role, then stop and report what is left."""
    with tempfile.TemporaryDirectory() as folder:
        party = Party(16000 if role == "bot" else 17000, write_tone(Path(folder) / "t.wav", 500, 0.2))
        await party.telephony.start(party.on_event)
        loop = asyncio.get_running_loop()
        if role == "bot":
            sys.stdout.write(f"{party.telephony.port}\n")
            sys.stdout.flush()
            await loop.run_in_executor(None, sys.stdin.readline)
        else:
            await party.call(int(sys.stdin.readline()), count)
        await asyncio.sleep(1.0)
        summary = party.summary()
        await party.telephony.stop()
    sip_threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("sip")]
    summary |= {"sip_threads": sip_threads, "files": len(os.listdir("/proc/self/fd"))}
    sys.stdout.write(json.dumps(summary) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
