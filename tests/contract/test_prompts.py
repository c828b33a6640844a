"""The same cases over the prompts in memory, and over files spoken by the real synthesizer."""

from __future__ import annotations

import asyncio
import wave
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.errors import MediaFailed, SynthesisFailed
from ivr.ports import Pause, PromptStore, Segment, SoundFile, Speech
from ivr.testing.prompts import MemoryPrompts

HELLO, AGAIN, HIDDEN = Speech("Hello.", "en"), Speech("Again.", "en"), Speech("1 2", "en", is_sensitive=True)
BREAK = Pause(0.3)
RECORDED = SoundFile("sounds/en/welcome.wav")
NOT_RECORDED = SoundFile("sounds/en/nobody.wav")
UNSPEAKABLE = Speech("Nobody has a voice for this.", "xx")


class Shelf(ABC):
    """A store in which nothing is rendered yet. It has a recording, and lacks a voice and another recording."""

    store: PromptStore

    @abstractmethod
    def length_s(self, file: Path) -> float:
        """How long a file plays."""

    @abstractmethod
    def close(self) -> None:
        """Free what it has."""

    def render(self, *segments: Segment) -> list[Path]:
        """On a loop of its own."""

        async def ask() -> list[Path]:
            return await self.store.render(segments)

        return asyncio.run(ask())


class MemoryShelf(Shelf):
    """On `MemoryPrompts`."""

    def __init__(self) -> None:
        self.store = self.memory = MemoryPrompts(is_cold=True)
        self.memory.broken.add(UNSPEAKABLE.text)
        self.memory.missing.add(NOT_RECORDED.path)

    def length_s(self, file: Path) -> float:
        """As it is thought to be."""
        return self.memory.length_s(file)

    def close(self) -> None:
        """Nothing."""


class FileShelf(Shelf):
    """On `FilePromptStore` with pyttsx3."""

    def __init__(self, folder: Path) -> None:
        from ivr.speech.prompt_cache import FilePromptStore
        from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer
        from ivr.speech.sounds import SoundLibrary
        from tests.sip.bot import write_tone

        (folder / "sounds" / "en").mkdir(parents=True)
        write_tone(folder / "sounds" / "en" / "welcome.wav", 500, 0.4)
        self._engine = Pyttsx3Synthesizer()
        sounds = SoundLibrary(folder / "sounds")
        self.store = self.files = FilePromptStore(self._engine, folder / "cache", sounds=sounds)

    def length_s(self, file: Path) -> float:
        """Measured; it must be what a telephone can play."""
        with wave.open(str(file)) as opened:
            assert (opened.getnchannels(), opened.getsampwidth(), opened.getframerate()) == (1, 2, 8000)
            return float(opened.getnframes() / 8000)

    def close(self) -> None:
        """Ends threads and the helper process."""
        self.files.close()
        self._engine.close()


@pytest.fixture(
    params=[
        pytest.param("memory", marks=pytest.mark.unit),
        pytest.param("files", marks=pytest.mark.adapter),
    ]
)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    made: Shelf = MemoryShelf() if request.param == "memory" else FileShelf(tmp_path)
    yield made
    made.close()


def test_nothing_is_cached_before_it_was_rendered_and_all_of_it_afterwards(shelf: Shelf) -> None:
    assert shelf.store.cached([HELLO, BREAK]) is None
    files = shelf.render(HELLO, BREAK)
    assert len(files) == 2
    assert shelf.store.cached([HELLO, BREAK]) == files
    assert shelf.store.cached([BREAK, HELLO]) == files[::-1]
    assert shelf.store.cached([HELLO, AGAIN]) is None


def test_each_segment_is_a_file_that_plays(shelf: Shelf) -> None:
    speech, pause, recording = shelf.render(HELLO, BREAK, RECORDED)
    assert shelf.length_s(pause) == pytest.approx(0.3)
    assert shelf.length_s(speech) > 0.2 and shelf.length_s(recording) > 0.2


def test_the_same_segment_is_the_same_file_however_often_it_is_asked_for(shelf: Shelf) -> None:
    first, between, last = shelf.render(HELLO, AGAIN, HELLO)
    assert first == last != between
    assert shelf.render(HELLO) == [first]


def test_a_prompt_asked_for_several_times_at_once_is_one_file(shelf: Shelf) -> None:
    async def ask() -> list[list[Path]]:
        return await asyncio.gather(*(shelf.store.render([HELLO, RECORDED]) for _ in range(4)))

    answers = asyncio.run(ask())
    assert len({tuple(files) for files in answers}) == 1


def test_part_by_part_it_is_the_same(shelf: Shelf) -> None:
    async def ask() -> list[Path]:
        return [file async for files in shelf.store.render_in_turn([HELLO, BREAK, RECORDED]) for file in files]

    assert asyncio.run(ask()) == shelf.store.cached([HELLO, BREAK, RECORDED])


def test_nothing_is_needed_for_an_empty_prompt(shelf: Shelf) -> None:
    assert shelf.store.cached([]) == [] == shelf.render()


def test_what_is_sensitive_is_never_cached_and_made_anew(shelf: Shelf) -> None:
    first, second = shelf.render(HELLO, HIDDEN), shelf.render(HELLO, HIDDEN)
    assert shelf.store.cached([HIDDEN]) is None and shelf.store.cached([HELLO, HIDDEN]) is None
    assert first[0] == second[0] and first[1] != second[1]
    assert shelf.length_s(second[1]) > 0.2
    assert shelf.store.cached([Speech(HIDDEN.text, HIDDEN.language)]) is None, "nor under another name"


@pytest.mark.parametrize(("segment", "kind"), [(UNSPEAKABLE, SynthesisFailed), (NOT_RECORDED, MediaFailed)])
def test_what_cannot_be_made_is_an_error_and_never_cached(
    shelf: Shelf, segment: Segment, kind: type[Exception]
) -> None:
    for _ in range(2):
        assert shelf.store.cached([segment]) is None
        with pytest.raises(kind):
            shelf.render(HELLO, segment)
    assert len(shelf.render(HELLO, RECORDED)) == 2, "the rest is not harmed"
