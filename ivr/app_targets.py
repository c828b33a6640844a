"""Where callers can be brought to: the targets of the settings, and the video rooms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.calls.transfer_driver import TransferTarget
from ivr.config import Settings
from ivr.config_video import VideoSettings
from ivr.flow.steps.video import room_of


def targets_of(settings: Settings) -> Mapping[str, TransferTarget]:
    """All of them, by the names that commands of the engine have."""
    named = {name: TransferTarget(name, each.sip, each.account) for name, each in settings.targets.items()}
    return _Targets(named, settings.video)


class _Targets(Mapping[str, TransferTarget]):
    """Rooms are found and not listed: each visit has an address of its own."""

    def __init__(self, named: Mapping[str, TransferTarget], rooms: Mapping[str, VideoSettings]) -> None:
        self._named, self._rooms = named, rooms

    def __getitem__(self, name: str) -> TransferTarget:
        if name in self._named:
            return self._named[name]
        room, number, visit = room_of(name)
        found = self._rooms[room]
        if number not in found.numbers:
            raise KeyError(name)
        return TransferTarget(f"{room}/{number}", found.uri_of(number, visit), found.account)

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)
