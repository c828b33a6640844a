"""Speech synthesis, and prompts made of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Protocol

from ivr.flow.segments import Segment, Speech


class Synthesizer(Protocol):
    """A text-to-speech engine. Blocking, run off the loop; may be called from several threads."""

    name: str
    """With all that changes its sound; part of the cache key."""

    def voice_for(self, language: str) -> str:
        """The voice that would speak the language; part of the cache key. Raises SynthesisFailed."""

    def synthesize(self, speech: Speech, wav: Path) -> None:
        """Write mono 16-bit speech to `wav`, at the engine's own rate. Raises SynthesisFailed, never hangs.

        An engine makes of the marks (`rate`, `emphasis`) what it can; the level is the prompt store's affair.
        """

    def wake(self) -> None:
        """A text comes soon: start helper processes, and do not wait for them."""

    def rest(self) -> None:
        """End helper processes until the next text."""

    def close(self) -> None:
        """End helper processes. Idempotent."""


class PromptStore(Protocol):
    """Turns prompts into telephone-ready WAV files (mono, 16-bit, the telephony's rate, about -20 dBFS)."""

    def cached(self, segments: Sequence[Segment]) -> list[Path] | None:
        """Files for the segments if all are ready now; never blocks on synthesis. What is sensitive never is."""

    def wake(self) -> None:
        """Something will have to be made soon. Returns at once."""

    async def render(self, segments: Sequence[Segment]) -> list[Path]:
        """Files for the segments, synthesizing what is missing. Raises SynthesisFailed, MediaFailed."""

    def render_in_turn(self, segments: Sequence[Segment]) -> AsyncGenerator[list[Path], None]:
        """The same part by part as they become ready, long texts sentence by sentence, in the order of hearing.

        Nothing is waited for behind the last part; what is not made yet when the generator is closed is never made.
        Raises SynthesisFailed, MediaFailed.
        """
