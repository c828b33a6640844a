"""Prompts without audio: how long a text takes to say, and a prompt store that renders nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ivr.errors import MediaFailed, SynthesisFailed
from ivr.flow.masking import MASK
from ivr.flow.segments import Pause, Recorded, Segment, SoundFile, Speech, Tone

CHARACTERS_PER_S = 15.0
"""English at about 160 words per minute."""

RECORDING_S = 2.0
"""A recording whose length is not known."""


def said_for_s(segments: Sequence[Segment]) -> float:
    """About how long a prompt takes."""
    return sum(_segment_s(segment) for segment in segments)


def _segment_s(segment: Segment) -> float:
    if isinstance(segment, Speech):
        return 0.3 + len(segment.text) / CHARACTERS_PER_S
    return segment.duration_s if isinstance(segment, (Pause, Tone)) else RECORDING_S


def said_text(segments: Sequence[Segment]) -> str:
    """The words of a prompt; recordings appear as `[file]`."""
    return " ".join(_shown(segment) for segment in segments if not isinstance(segment, Pause))


def _shown(segment: Speech | SoundFile | Tone | Recorded) -> str:
    match segment:
        case Speech(text=text):
            return text
        case SoundFile(path=path):
            return f"[{path}]"
        case Recorded(file=file):
            return f"[{file}]"
        case _:
            return "[tone]"


def masked_segments(segments: Sequence[Segment]) -> list[Segment]:
    """The segments with those masked that say something sensitive."""
    return [replace(s, text=MASK) if isinstance(s, Speech) and s.is_sensitive else s for s in segments]


@dataclass
class MemoryPrompts:
    """Implements `ivr.ports.PromptStore`. Everything is cached, unless `is_cold`; `gate` holds rendering up.

    What is sensitive is never cached and made anew each time.
    """

    is_cold: bool = False
    gate: asyncio.Event | None = None
    """Rendering waits for it."""
    broken: set[str] = field(default_factory=set)
    """Texts that cannot be synthesized."""
    missing: set[str] = field(default_factory=set)
    """Recordings that are not there."""
    rendered: list[tuple[Segment, ...]] = field(default_factory=list)
    wakes: int = 0
    """How often it was told that something will have to be made."""
    _files: dict[Path, Segment] = field(default_factory=dict)
    _ready: dict[Segment, Path] = field(default_factory=dict)
    _count: int = 0

    def cached(self, segments: Sequence[Segment]) -> list[Path] | None:
        """Files that are ready."""
        if any(_is_sensitive(segment) or self._failure(segment) is not None for segment in segments):
            return None
        if self.is_cold and any(segment not in self._ready for segment in segments):
            return None
        return [self._path(segment) for segment in segments]

    def wake(self) -> None:
        """Counts it."""
        self.wakes += 1

    async def render(self, segments: Sequence[Segment]) -> list[Path]:
        """Files for the segments. Raises SynthesisFailed for a text in `broken`, MediaFailed for one in `missing`."""
        if self.gate is not None:
            await self.gate.wait()
        for segment in segments:
            if (failure := self._failure(segment)) is not None:
                raise failure
        self.rendered.append(tuple(segments))
        return [self._path(segment) for segment in segments]

    async def render_in_turn(self, segments: Sequence[Segment]) -> AsyncGenerator[list[Path], None]:
        """Segment by segment, each with those behind it that are ready. Raises SynthesisFailed, MediaFailed."""
        left = list(segments)
        while left:
            files = await self.render([left.pop(0)])
            while left and (ready := self.cached(left[:1])):
                files += ready
                del left[0]
            yield files

    def length_s(self, file: Path) -> float:
        """How long one of the files plays; KeyError for a file of somebody else."""
        return _segment_s(self._files[file])

    def texts(self, files: Sequence[Path]) -> str:
        """What the files say."""
        return said_text([self._files[file] for file in files if file in self._files])

    def _failure(self, segment: Segment) -> SynthesisFailed | MediaFailed | None:
        if isinstance(segment, Speech) and segment.text in self.broken:
            return SynthesisFailed("the synthesizer gave no audio")
        if isinstance(segment, SoundFile) and segment.path in self.missing:
            return MediaFailed(f"recording {segment.path}: cannot be read; record it or correct the name")
        return None

    def _path(self, segment: Segment) -> Path:
        if not _is_sensitive(segment) and segment in self._ready:
            return self._ready[segment]
        self._count += 1
        path = Path(f"/prompts/{self._count}.wav")
        self._files[path] = segment
        if not _is_sensitive(segment):
            self._ready[segment] = path
        return path


def _is_sensitive(segment: Segment) -> bool:
    return isinstance(segment, Speech) and segment.is_sensitive
