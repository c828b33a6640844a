"""Where callers can be brought to: the targets of the settings, and the video rooms."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.calls.transfer_driver import TransferTarget
from ivr.config import Settings
from ivr.flow.steps.video import target_name


def targets_of(settings: Settings) -> Mapping[str, TransferTarget]:
    """All of them, by the names that commands of the engine have."""
    named = {name: TransferTarget(name, each.sip, each.account) for name, each in settings.targets.items()}
    for name, rooms in settings.video.items():
        for number in rooms.numbers:
            room = target_name(name, number)
            named[room] = TransferTarget(room, rooms.uri_of(number), rooms.account)
    return named
