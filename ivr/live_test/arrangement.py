"""What a conversation needs of the bot under test, laid ready by who calls and taken up by who answers.

A call names nothing of it: a PBX in between would not let it through. What lies ready belongs to the next call that
comes in, so calls are made one after the other; they then go on at the same time. It lies in files of a folder that
nobody else can read; both sides are this program.

    next           what the next call is to find
    taken-KEY      id of the call that found it
    heard-CALL     how the next utterance of that call is heard
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ivr.rehearsal.model import Given, Mock
from ivr.testing.turns import BEGAN


@dataclass(frozen=True)
class Arrangement:
    """The world of one call."""

    given: Given = field(default_factory=Given)
    begins_at: datetime = BEGAN
    """What the clock shows when the call comes in."""
    mocks: Mapping[str, tuple[Mock, ...]] = field(default_factory=dict)
    person: str = ""
    """SIP URI of whoever takes transferred calls, whatever target they go to."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is made of an utterance that really came."""

    confidence: float
    is_noise: bool = False
    """Whether there are to be no words in it."""


class Desk:
    """The folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    # --- who calls

    def lay(self, key: str, arrangement: Arrangement) -> None:
        """The next call is to find this."""
        self._write("next", (key, arrangement))

    def take_back(self) -> None:
        """There was no call."""
        (self._folder / "next").unlink(missing_ok=True)

    def call_of(self, key: str) -> str | None:
        """Id of the call that found what was laid under this key; None as long as there is none."""
        call_id = self._read(f"taken-{key}")
        return call_id if isinstance(call_id, str) else None

    def hears(self, call_id: str, heard: Heard | None) -> None:
        """How the next utterance is heard; None: as it is."""
        if heard is None:
            (self._folder / f"heard-{call_id}").unlink(missing_ok=True)
        else:
            self._write(f"heard-{call_id}", heard)

    # --- who answers

    def take(self, call_id: str) -> Arrangement:
        """What lies ready; the usual world where nothing does."""
        laid = self._read("next")
        if not isinstance(laid, tuple):
            return Arrangement()
        self.take_back()
        key, arrangement = laid
        self._write(f"taken-{key}", call_id)
        return arrangement if isinstance(arrangement, Arrangement) else Arrangement()

    def heard(self, call_id: str) -> Heard | None:
        """How an utterance that came is heard, once."""
        heard = self._read(f"heard-{call_id}")
        self.hears(call_id, None)
        return heard if isinstance(heard, Heard) else None

    def _write(self, name: str, value: object) -> None:
        draft = self._folder / f".{name}"
        draft.write_bytes(pickle.dumps(value))
        draft.rename(self._folder / name)

    def _read(self, name: str) -> object:
        with contextlib.suppress(FileNotFoundError):
            return pickle.loads((self._folder / name).read_bytes())
        return None
