"""Fixed ports of bots, fronts, people and pages in tests: each file has its own, as test processes run side by side.

Below the kernel's ephemeral ports (32768 to 60999), so that no other socket happens to sit on one.
"""

from __future__ import annotations

from typing import Final

FIRST: Final = 6000
PER_FILE: Final = 20
FIRST_RTP: Final = 20000
RTP_PER_BOT: Final = 40
BOTS_PER_FILE: Final = 6
"""So many ports of a file, the first ones, have a range for audio of their own."""

FILES: Final = (
    "admission",
    "attacks",
    "bad_sip",
    "capacity",
    "codecs",
    "desk",
    "front",
    "hang_up",
    "keys",
    "longest_call",
    "message_by_front",
    "metrics",
    "monitoring",
    "monitoring_workers",
    "phone_page",
    "publishing",
    "queue",
    "queue_workers",
    "reaching",
    "record",
    "registration",
    "sensitive",
    "serve",
    "soak",
    "steps",
    "strangers",
    "torture",
    "transfer_hang_ups",
    "transfers_in_a_row",
    "video",
    "workers",
    "walk_through",
    "video_invitations",
    "turn",
)
"""Test files, without `test_` and `.py`, that listen on fixed ports. A new one comes to the end."""


def ports_of(file: str, count: int) -> list[int]:
    """`count` ports in a row, of nobody else's. Raises ValueError for more than PER_FILE or a file not in FILES."""
    if count > PER_FILE:
        raise ValueError(f"{count} ports are more than the {PER_FILE} of a file")
    first = FIRST + PER_FILE * FILES.index(file)
    return list(range(first, first + count))


def rtp_port_of(port: int) -> int:
    """First of RTP_PER_BOT ports for the audio of the bot at a SIP port."""
    block, place = divmod(port - FIRST, PER_FILE)
    if not 0 <= block < len(FILES):
        return 12000 + port % 100 * RTP_PER_BOT  # a bot where the lab looks for it
    return FIRST_RTP + (block * BOTS_PER_FILE + place % BOTS_PER_FILE) * RTP_PER_BOT
