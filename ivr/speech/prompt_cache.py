"""`ivr.ports.PromptStore` on files: every segment of a prompt becomes a telephone-ready WAV, made once and kept.

Recordings go before speech: a text that `sounds/<language>/sounds.yaml` lists is played from its recording. Recordings
are brought to the telephone's rate and the common level once as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import threading
import time
from collections import ChainMap, deque
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path

import structlog

from ivr.errors import MediaFailed, SynthesisFailed
from ivr.ports import (
    HOLD_MUSIC,
    Measures,
    NoMeasures,
    Pause,
    Recorded,
    Segment,
    SoundFile,
    Speech,
    Synthesizer,
    Tone,
    metrics,
)
from ivr.speech.cache_files import CacheFolder, PinnedFiles
from ivr.speech.hold import write_hold_sound
from ivr.speech.leveller import Leveller
from ivr.speech.manner import manner_of
from ivr.speech.private_files import PrivateFiles
from ivr.speech.recordings import path_in
from ivr.speech.sentences import parts_of
from ivr.speech.sounds import SoundLibrary
from ivr.speech.wav_files import silence_pcm16, tone_pcm16, write_pcm16

log = structlog.get_logger(__name__)

HOLD_GAIN_DB = -4.0
"""Music, beside speech: callers listen to it for long."""

_FORMAT = 2  # part of every key: raise it when what is written for the same input changes


@dataclass(frozen=True, slots=True)
class MadePrompts:
    """What a store knows of the prompts that it keeps, for the stores of processes that are forked from its own."""

    sounds: SoundLibrary | None
    digests: dict[tuple[str, int, int], str]
    files: PinnedFiles


class FilePromptStore:
    """Renders on threads of its own; the same prompt asked for twice is made once. Bound to no event loop."""

    def __init__(
        self,
        synthesizer: Synthesizer | None,
        cache_dir: Path,
        *,
        sounds: SoundLibrary | None = None,
        sample_rate_hz: int = 8000,
        loudness_dbfs: float = -20.0,
        limit_bytes: int = 500_000_000,
        thread_count: int = 2,
        recordings: Path | None = None,
        measures: Measures | None = None,
    ) -> None:
        """`recordings` is where messages of callers lie: played as they are, and never copied.

        Without a synthesizer only recordings can be played. Raises MediaFailed where `cache_dir` is unusable."""
        self._synthesizer = synthesizer
        self._measures = measures or NoMeasures()
        self._measures.watch(metrics.PROMPTS_WAITING, lambda: len(self._in_progress))
        self._sounds = sounds
        self._sample_rate_hz = sample_rate_hz
        self._recordings = recordings
        self._loudness_dbfs = loudness_dbfs
        self._folder = CacheFolder(cache_dir, limit_bytes)
        self._private = PrivateFiles()
        self._leveller = Leveller(sample_rate_hz, loudness_dbfs)
        self._executor = ThreadPoolExecutor(thread_count, thread_name_prefix="prompts")
        self._in_progress: dict[str, Future[Path]] = {}
        self._lock = threading.Lock()
        self._digests = ChainMap[tuple[str, int, int], str]({})  # path, mtime_ns, size of a recording to its digest
        self._taken: MadePrompts | None = None

    def cached(self, segments: Sequence[Segment]) -> list[Path] | None:
        """Files for the segments if all are ready now."""
        if any(_is_sensitive(segment) for segment in segments):
            return None
        try:
            files = [self._ready_files(segment) for segment in segments]
        except (SynthesisFailed, MediaFailed):
            return None  # `render` says what is wrong
        return [file for part in files for file in part] if all(files) else None

    def _ready_files(self, segment: Segment) -> list[Path]:
        """What the segment is heard from: one file, or those of its sentences; none where something is missing."""
        if whole := self._ready(segment):
            return [whole]
        parts = [part for parts in parts_of(segment) for part in parts]
        files = [self._ready(part) for part in parts] if len(parts) > 1 else []
        return [file for file in files if file] if all(files) else []

    def _ready(self, segment: Segment) -> Path | None:
        return self._message(segment) if isinstance(segment, Recorded) else self._folder.get(self._key(segment))

    def _message(self, segment: Recorded) -> Path:
        """A message of a caller. Raises MediaFailed."""
        file = path_in(self._recordings, segment.file) if self._recordings else None
        if file is None or not file.is_file():
            raise MediaFailed(f"recording {segment.file}: is not there any more; see `recordings` in ivr.yaml")
        return file

    async def render(self, segments: Sequence[Segment]) -> list[Path]:
        """Files for the segments. Raises SynthesisFailed, MediaFailed."""
        return list(await asyncio.gather(*(self._render(segment) for segment in segments)))

    async def render_in_turn(self, segments: Sequence[Segment]) -> AsyncGenerator[list[Path], None]:
        """Files for the segments, part by part as they become ready. Raises SynthesisFailed, MediaFailed."""
        left = deque(part for segment in segments for part in self._parts(segment))
        while left:
            files = await self.render(left.popleft())
            while left and (ready := self.cached(left[0])):  # heard in one go with what is before
                files += ready
                left.popleft()
            yield files

    def _parts(self, segment: Segment) -> Sequence[Sequence[Segment]]:
        """Sentence by sentence, unless there is a recording of the text, or the text is ready as a whole."""
        if not isinstance(segment, Speech) or self._recording(segment):
            return ((segment,),)
        if not segment.is_sensitive and self._ready(segment):
            return ((segment,),)
        return parts_of(segment)

    async def render_all(
        self, prompts: Iterable[Sequence[Segment]], progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Render and pin what a flow says; `progress` is told (done, total). Raises SynthesisFailed, MediaFailed."""
        wanted = list(dict.fromkeys(segment for prompt in prompts for segment in prompt))
        self._folder.pin([self._key(segment) for segment in wanted])
        done: list[Segment] = []

        async def render(segment: Segment) -> None:
            await self._render(segment)
            done.append(segment)
            if progress:
                progress(len(done), len(wanted))

        await asyncio.gather(*(render(segment) for segment in wanted))

    def release(self, prompts: Iterable[Sequence[Segment]]) -> None:
        """The flow that was rendered with `render_all` is gone: its files may go when room is needed."""
        self._folder.unpin([self._key(segment) for prompt in prompts for segment in prompt])

    def made(self) -> MadePrompts:
        """What it keeps; to be asked for before it is closed."""
        return MadePrompts(self._sounds, dict(self._digests), self._folder.pinned())

    def take_over(self, made: MadePrompts) -> bool:
        """Keep what the store of another process kept. False where a file of it is gone."""
        self._taken, self._sounds, self._digests = made, made.sounds, ChainMap({}, made.digests)
        return self._folder.take_over(made.files)

    def follow(self, made: MadePrompts) -> Callable[[], None]:
        """Keep what the store of another process keeps now; what lets go of what it kept before."""
        before = self._taken
        self.take_over(made)
        return lambda: self._folder.let_go(before.files) if before else None

    def reload_sounds(self) -> None:
        """Read the lists of recordings again. Raises ConfigError with every mistake; the old lists hold then."""
        if self._sounds is not None:
            self._sounds = SoundLibrary(self._sounds.folder)

    def wake(self) -> None:
        """Start the helper processes, which takes some tenths of a second, while the caller listens or speaks."""
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self._executor.submit(self._wake)

    def _wake(self) -> None:
        self._leveller.wake()
        if self._synthesizer is not None:
            self._synthesizer.wake()

    def rest(self) -> None:
        """End the helper process until there is something to render. Waits for what it does now."""
        self._leveller.rest()

    def close(self) -> None:
        """End the threads, let go of the pins; the synthesizer is the caller's. Idempotent."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._leveller.close()
        self._folder.close()
        self._private.close()

    async def _render(self, segment: Segment) -> Path:
        if isinstance(segment, Recorded):
            return self._message(segment)
        if _is_sensitive(segment):
            make = self._on_thread(lambda: self._private.make(lambda path: self._write(segment, path)))
            return await asyncio.wrap_future(make)
        key = await asyncio.to_thread(self._key, segment) if isinstance(segment, SoundFile) else self._key(segment)
        if file := self._folder.get(key):
            return file
        # Shielded: a caller who hangs up must not take the prompt from others who wait for it.
        return await asyncio.shield(asyncio.wrap_future(self._submit(key, segment)))

    def _submit(self, key: str, segment: Segment) -> Future[Path]:
        with self._lock:
            if running := self._in_progress.get(key):
                return running
            future = self._on_thread(lambda: self._make(key, segment))
            self._in_progress[key] = future
        future.add_done_callback(lambda _: self._in_progress.pop(key, None))
        return future

    def _on_thread(self, work: Callable[[], Path]) -> Future[Path]:
        """What it logs there names the call that asked first."""
        return self._executor.submit(copy_context().run, work)

    def _make(self, key: str, segment: Segment) -> Path:
        if file := self._folder.get(key):  # made by another process, or between the question and now
            return file
        return self._folder.put(key, lambda path: self._write(segment, path))

    def _write(self, segment: Segment, path: Path) -> None:
        begun_s = time.monotonic()
        self._render_to(segment, path)
        self._measures.observe(metrics.RENDER_TIME, time.monotonic() - begun_s)
        self._measures.count(metrics.PROMPTS_RENDERED, self._kind_of(segment))

    def _kind_of(self, segment: Segment) -> str:
        if self._recording(segment):
            return "recording"
        return "speech" if isinstance(segment, Speech) else "other"

    def _render_to(self, segment: Segment, path: Path) -> None:
        if isinstance(segment, Pause):
            write_pcm16(path, silence_pcm16(segment.duration_s, self._sample_rate_hz), self._sample_rate_hz)
        elif isinstance(segment, Tone):
            write_pcm16(path, tone_pcm16(segment, self._sample_rate_hz), self._sample_rate_hz)
        elif recording := self._recording(segment):
            gain_db = HOLD_GAIN_DB if segment == HOLD_MUSIC else 0.0
            self._leveller.make_ready(recording, path, is_trimmed=False, gain_db=gain_db)
        elif segment == HOLD_MUSIC:
            write_hold_sound(path, self._sample_rate_hz)
        elif isinstance(segment, Speech):
            self._speak(segment, path)

    def _speak(self, segment: Speech, path: Path) -> None:
        spoken = path.with_suffix(".spoken.tmp")
        self._leveller.wake()
        try:
            self._engine().synthesize(segment, spoken)
            self._leveller.make_ready(spoken, path, is_trimmed=True, gain_db=manner_of(segment).gain_db)
        finally:
            spoken.unlink(missing_ok=True)

    def _engine(self) -> Synthesizer:
        if self._synthesizer is None:
            raise SynthesisFailed(
                "a text has no recording and no synthesizer is configured; "
                "set speech.synthesizer, or list a recording in sounds/<language>/sounds.yaml"
            )
        return self._synthesizer

    def _key(self, segment: Segment) -> str:
        common = [_FORMAT, self._sample_rate_hz]
        if isinstance(segment, Pause):
            return _digest([*common, "pause", round(segment.duration_s * 1000)])
        if isinstance(segment, Tone):
            return _digest([*common, "tone", segment.frequency_hz, round(segment.duration_s * 1000)])
        if recording := self._recording(segment):
            level_dbfs = self._loudness_dbfs + (HOLD_GAIN_DB if segment == HOLD_MUSIC else 0.0)
            return _digest([*common, "recording", level_dbfs, self._content(recording)])
        if segment == HOLD_MUSIC:
            return _digest([*common, "hold"])
        assert isinstance(segment, Speech)
        engine, language = self._engine(), segment.language.lower()
        voice = engine.voice_for(segment.language)
        said = [mark for mark in (segment.text, segment.rate, segment.emphasis) if mark]
        return _digest([*common, "speech", self._loudness_dbfs, engine.name, voice, language, *said])

    def _recording(self, segment: Segment) -> Path | None:
        if segment == HOLD_MUSIC:
            music = self._below_sounds(HOLD_MUSIC.path) if self._sounds else None
            return music if music and music.is_file() else None
        if isinstance(segment, SoundFile):
            return self._below_sounds(segment.path)
        if isinstance(segment, Speech) and self._sounds:
            text, language = segment.text, segment.language
            sound = self._sounds.for_text(text, language) or self._sounds.for_key(text, language)
            return sound.path if sound else None
        return None

    def _below_sounds(self, name: str) -> Path:
        """`sounds/en/x.wav` relative to the folder that holds `sounds/`, whatever that folder is called here."""
        if self._sounds is None:
            raise MediaFailed(f"recording {name}: there is no folder of sounds; set `sounds` in ivr.yaml")
        folder = self._sounds.folder.resolve()
        parts = Path(name).parts
        path = folder.joinpath(*parts[1:] if parts[:1] in (("sounds",), (folder.name,)) else parts).resolve()
        if not path.is_relative_to(folder):
            raise MediaFailed(f"recording {name}: lies outside {folder}; recordings must be below it")
        return path

    def _content(self, path: Path) -> str:
        try:
            status = path.stat()
            known = (str(path), status.st_mtime_ns, status.st_size)
            if known not in self._digests:
                self._digests[known] = hashlib.sha256(path.read_bytes()).hexdigest()
            return self._digests[known]
        except OSError as error:
            raise MediaFailed(
                f"recording {path}: cannot be read ({error.strerror}); record it or correct the name"
            ) from error


def _is_sensitive(segment: Segment) -> bool:
    return isinstance(segment, Speech) and segment.is_sensitive


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()
