"""Getting ready what is played while a person is called, for a transfer or out of a queue."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.calls.call_ports import CallPorts
from ivr.calls.prompt_player import PromptPlayer
from ivr.calls.transfer_driver import TransferSounds
from ivr.flow.segments import Segment


def ready_sounds(ports: CallPorts, hold: Sequence[Segment], whisper: Sequence[Segment]) -> TransferSounds | None:
    """None where some of it has to be made first; the packaged music where the flow has none."""
    hold_files, whisper_files = (ports.prompts.cached(part) if part else [] for part in (hold, whisper))
    if hold_files is None or whisper_files is None:
        return None
    return TransferSounds(hold_files or [ports.hold_sound], whisper_files)


async def make_sounds(
    ports: CallPorts, player: PromptPlayer, hold: Sequence[Segment], whisper: Sequence[Segment]
) -> TransferSounds:
    """What cannot be made is left out: the packaged music is there, and a person can be told nothing."""
    hold_files, whisper_files = await player.files(hold), await player.files(whisper)
    return TransferSounds(hold_files or [ports.hold_sound], whisper_files)
