"""Caller and person talk: a tone from each, heard by the other."""

from __future__ import annotations

from typing import Final

from ivr.testing.sip_peer import PeerCall
from tests.live.bots import hears

CALLER_HZ: Final = 440
AGENT_HZ: Final = 1330


async def talk_both_ways(call: PeerCall, agent: PeerCall) -> None:
    """Each hears the other."""
    call.send_tone(CALLER_HZ, 3.0)
    agent.send_tone(AGENT_HZ, 3.0)
    await hears(call, AGENT_HZ)
    await hears(agent, CALLER_HZ)
