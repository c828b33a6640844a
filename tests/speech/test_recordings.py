"""Messages on disk, from human speech: what is kept of it, when it ends, and that no half of one is ever left."""

from __future__ import annotations

import os
import stat
import threading
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ivr.errors import MediaFailed
from ivr.flow.events import RecordingEnd
from ivr.ports import Recorded, RecordingDone, RecordRequest, Tone
from ivr.speech.pcm import read_wav
from ivr.speech.prompt_cache import FilePromptStore
from ivr.speech.recordings import WAITING_LIMIT_FRAMES, FileRecorder, path_in
from ivr.speech.wav_files import tone_pcm16

pytestmark = pytest.mark.adapter

RATE_HZ = 8000
LIMIT_S = 10.0


def silence(duration_s: float) -> bytes:
    return bytes(2 * round(duration_s * RATE_HZ))


@pytest.fixture(scope="module")
def speech(english_dir: Path) -> bytes:
    """About five seconds of a person who speaks."""
    return b"".join(read_wav(english_dir / name).pcm16() for name in ("vm-leavemsg.wav", "vm-tocallnum.wav"))


@dataclass
class Desk:
    """A recorder, and what it reported."""

    folder: Path
    recorder: FileRecorder
    done: list[RecordingDone] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    def _report(self, done: RecordingDone) -> None:
        self.done.append(done)
        self._is_over.set()

    def record(
        self,
        pcm: bytes,
        stop: RecordingEnd | None = None,
        *,
        step: str = "voicemail",
        max_length_s: float = 60.0,
        min_length_s: float = 1.0,
    ) -> RecordingDone:
        """One recording from beginning to end."""
        self._is_over.clear()
        request = RecordRequest("r1", "call-1", step, max_length_s, 1.0, min_length_s, 3.0)
        stream = self.recorder.open(request, RATE_HZ, self._report)
        for at in range(0, len(pcm), 320):
            while stream.is_behind:
                time.sleep(0.001)
            stream.write(pcm[at : at + 320])
        if stop is not None:
            stream.stop(stop)
        assert self._is_over.wait(LIMIT_S), "the end was not reported"
        return self.done[-1]

    @property
    def files(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "recordings"
    desk = Desk(folder, FileRecorder(folder))
    yield desk
    desk.recorder.close()


def read(file: Path) -> bytes:
    with wave.open(str(file)) as opened:
        assert (opened.getframerate(), opened.getnchannels(), opened.getsampwidth()) == (RATE_HZ, 1, 2)
        return bytes(opened.readframes(opened.getnframes()))


def test_a_message_is_kept_without_the_silence_around_it(desk: Desk, speech: bytes) -> None:
    done = desk.record(silence(1.0) + speech + silence(2.0))
    assert (done.reason, done.file) == (RecordingEnd.SILENCE, "call-1-voicemail.wav")
    kept = read(desk.folder / done.file)
    assert len(kept) / 16000 == pytest.approx(done.duration_s, abs=0.01)
    spoken_s = len(speech) / 16000
    assert spoken_s - 0.3 <= done.duration_s <= spoken_s + 0.7
    assert kept[8000:40000] in speech, "bit for bit what was said"


def test_only_the_bots_user_can_read_it(desk: Desk, speech: bytes) -> None:
    done = desk.record(speech + silence(2.0))
    assert stat.S_IMODE((desk.folder / done.file).stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.folder.stat().st_mode) == 0o700


def test_silence_is_no_message(desk: Desk) -> None:
    done = desk.record(silence(4.0))
    assert (done.reason, done.file, desk.files) == (RecordingEnd.NOTHING, "", [])


def test_a_word_is_too_short(desk: Desk, english_dir: Path) -> None:
    word = read_wav(english_dir / "hello.wav").pcm16()
    done = desk.record(word, RecordingEnd.HUNG_UP, min_length_s=2.0)
    assert (done.file, done.duration_s, desk.files) == ("", 0.0, [])


def test_the_sound_of_the_key_is_cut_off(desk: Desk, speech: bytes) -> None:
    key = tone_pcm16(Tone(0.1, 1477), RATE_HZ)
    done = desk.record(silence(0.4) + speech + key, RecordingEnd.STOPPED)
    assert done.reason is RecordingEnd.STOPPED
    kept = read(desk.folder / done.file)
    assert kept[-320:] in silence(0.4) + speech and key[320:960] not in kept


def test_the_echo_of_the_tone_is_not_in_it(desk: Desk, speech: bytes) -> None:
    echo = tone_pcm16(Tone(0.2), RATE_HZ)
    done = desk.record(echo + silence(0.3) + speech + silence(2.0))
    assert echo[1600:1920] not in read(desk.folder / done.file)


def test_what_was_said_before_a_hang_up_is_kept(desk: Desk, speech: bytes) -> None:
    done = desk.record(silence(0.5) + speech, RecordingEnd.HUNG_UP)
    assert done.file and done.duration_s >= len(speech) / 16000 - 0.5


def test_a_long_message_ends_at_its_limit(desk: Desk, speech: bytes) -> None:
    done = desk.record(speech * 2, max_length_s=2.0)
    assert done.reason is RecordingEnd.MAX_LENGTH
    assert done.duration_s <= 2.0


def test_messages_of_one_step_have_names_of_their_own(desk: Desk, speech: bytes) -> None:
    for _ in range(2):
        desk.record(speech + silence(2.0), step="../order/note")
    assert desk.files == ["call-1-order-note-2.wav", "call-1-order-note.wav"]


def test_a_message_can_be_removed_and_no_path_leads_out_of_the_folder(desk: Desk, speech: bytes) -> None:
    done = desk.record(speech + silence(2.0))
    other = desk.folder.parent / "other.wav"
    other.write_bytes(b"x")
    desk.recorder.drop("../other.wav")
    desk.recorder.drop(done.file)
    desk.recorder.close()
    assert desk.files == [] and other.exists()
    for name in ("../other.wav", "/etc/passwd", "a/b.wav", ".wav", "x.part"):
        with pytest.raises(MediaFailed):
            path_in(desk.folder, name)


def test_a_full_folder_records_nothing_and_says_so(tmp_path: Path, speech: bytes) -> None:
    (tmp_path / "old.wav").write_bytes(bytes(2000))
    desk = Desk(tmp_path, FileRecorder(tmp_path, limit_bytes=1000))
    done = desk.record(speech)
    desk.recorder.close()
    assert done.reason is RecordingEnd.FAILED and "is full" in done.detail
    assert desk.files == ["old.wav"]


def test_a_file_that_another_worker_renames_meanwhile_stops_no_message(desk: Desk, speech: bytes) -> None:
    desk.folder.mkdir()
    (desk.folder / "other.part").symlink_to("renamed.wav")  # seen in the folder, and gone when it is looked at
    assert desk.record(speech + silence(2.0)).file == "call-1-voicemail.wav"


def test_old_messages_are_removed(tmp_path: Path, speech: bytes) -> None:
    for name, age_days in (("old.wav", 31), ("new.wav", 29), ("half.part", 2), ("notes.txt", 99)):
        (tmp_path / name).write_bytes(b"x")
        at_s = time.time() - age_days * 86400
        os.utime(tmp_path / name, (at_s, at_s))
    desk = Desk(tmp_path, FileRecorder(tmp_path, keep_days=30))
    desk.record(silence(4.0))
    desk.recorder.close()
    assert desk.files == ["new.wav", "notes.txt"]


def test_a_writer_that_is_behind_loses_frames_and_holds_nothing_up(tmp_path: Path) -> None:
    recorder = FileRecorder(tmp_path)
    gate = threading.Event()
    recorder._run()

    def hold() -> None:
        gate.wait(LIMIT_S)

    recorder.post(hold)
    over = threading.Event()
    stream = recorder.open(RecordRequest("r", "c", "s", 60, 1, 1, 3), RATE_HZ, lambda done: over.set())
    for _ in range(WAITING_LIMIT_FRAMES + 7):
        stream.write(bytes(320))
    assert stream.lost_frames == 7
    gate.set()
    assert over.wait(LIMIT_S)
    recorder.close()


async def _render(store: FilePromptStore, file: str) -> list[Path]:
    return await store.render([Recorded(file)])


def test_a_message_is_played_from_where_it_lies(desk: Desk, speech: bytes, tmp_path: Path) -> None:
    import asyncio

    done = desk.record(speech + silence(2.0))
    store = FilePromptStore(None, tmp_path / "cache", recordings=desk.folder)
    assert store.cached([Recorded(done.file)]) == [desk.folder / done.file]
    assert asyncio.run(_render(store, done.file)) == [desk.folder / done.file]
    assert store.cached([Recorded("gone.wav")]) is None
    (tone,) = asyncio.run(store.render([Tone(0.2)]))
    assert len(read(tone)) == 3200
    store.close()
