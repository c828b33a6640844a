"""Messages of callers: the same cases over the recorder in memory and over the one that writes files."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ivr.flow.events import RecordingEnd
from ivr.ports import LostRecording, RecordingDone, RecordingStream, RecordRequest
from ivr.speech.pcm import read_wav
from ivr.speech.recordings import FileRecorder
from ivr.testing.recorder import MemoryRecorder, MemoryRecording

RATE_HZ = 8000
FRAME = 320
LIMIT_S = 10.0
SPEECH = Path(__file__).parents[1] / "data" / "speech" / "en"

DYING = """
import sys, time
from pathlib import Path
from tests.contract.test_recorder import OnFiles
folder, desk = Path(sys.argv[1]), OnFiles()
desk.begin(folder)
desk.speak(desk.open("call-9", step="order/note", min_length_s=float(sys.argv[2])))
while sum(part.stat().st_size for part in folder.glob("*.part")) < 64_000:
    time.sleep(0.01)
print("speaking", flush=True)
time.sleep(60)
"""


@dataclass
class Desk(ABC):
    """A recorder, callers who speak, and what was reported."""

    done: list[RecordingDone] = field(default_factory=list)

    @abstractmethod
    def begin(self, folder: Path) -> None:
        """A recorder on the folder."""

    @abstractmethod
    def speak(self, stream: RecordingStream) -> None:
        """Five seconds of speech."""

    @abstractmethod
    def finish(self) -> None:
        """All that was asked for is done, and the recorder is closed."""

    @abstractmethod
    def lost(self, folder: Path, *, min_length_s: float = 1.0) -> list[LostRecording]:
        """Somebody speaks to a process that dies over it; what the next process recovers."""

    @property
    @abstractmethod
    def recorder(self) -> MemoryRecorder | FileRecorder:
        """What is tested."""

    def open(self, call_id: str = "call-1", *, step: str = "note", min_length_s: float = 1.0) -> RecordingStream:
        """A recording."""
        request = RecordRequest("r1", call_id, step, 60.0, 1.0, min_length_s, 3.0)
        return self.recorder.open(request, RATE_HZ, self.done.append)


@dataclass
class InMemory(Desk):
    """The fake."""

    def begin(self, folder: Path) -> None:
        """Nothing is needed."""
        self._recorder = MemoryRecorder()

    @property
    def recorder(self) -> MemoryRecorder:
        """It."""
        return self._recorder

    def speak(self, stream: RecordingStream) -> None:
        """By saying so."""
        assert isinstance(stream, MemoryRecording)
        stream.spoken_s += 5.0

    def finish(self) -> None:
        """It is done at once."""

    def lost(self, folder: Path, *, min_length_s: float = 1.0) -> list[LostRecording]:
        """The process is this one."""
        self.speak(self.open("call-9", step="order/note", min_length_s=min_length_s))
        self.recorder.die()
        return self.recorder.recover()


@dataclass
class OnFiles(Desk):
    """The adapter."""

    def begin(self, folder: Path) -> None:
        """On a real folder."""
        self._recorder = FileRecorder(folder)

    @property
    def recorder(self) -> FileRecorder:
        """It."""
        return self._recorder

    def speak(self, stream: RecordingStream) -> None:
        """A person's words."""
        pcm = b"".join(read_wav(SPEECH / name).pcm16() for name in ("vm-leavemsg.wav", "vm-tocallnum.wav"))
        for at in range(0, len(pcm), FRAME):
            while self.is_behind(stream):
                time.sleep(0.001)
            stream.write(pcm[at : at + FRAME])

    def is_behind(self, stream: RecordingStream) -> bool:
        """Whether the writer has work."""
        return bool(stream.is_behind)  # type: ignore[attr-defined]

    def finish(self) -> None:
        """The writer's thread ends when its work is done."""
        self._recorder.close()

    def lost(self, folder: Path, *, min_length_s: float = 1.0) -> list[LostRecording]:
        """A process of its own, killed."""
        command = [sys.executable, "-c", DYING, str(folder), str(min_length_s)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as dying:
            assert dying.stdout is not None and dying.stdout.readline() == "speaking\n"
            assert self.recorder.recover() == [], "taken from a process that lives"
            dying.send_signal(signal.SIGKILL)
        return self.recorder.recover()


@pytest.fixture(
    params=[
        pytest.param(InMemory, id="fake", marks=pytest.mark.unit),
        pytest.param(OnFiles, id="files", marks=pytest.mark.adapter),
    ]
)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    made: Desk = request.param()
    made.begin(tmp_path)
    yield made
    made.finish()


def _ended(desk: Desk, reason: RecordingEnd, *, min_length_s: float = 1.0, speaks: bool = True) -> RecordingDone:
    stream = desk.open(min_length_s=min_length_s)
    if speaks:
        desk.speak(stream)
    stream.stop(reason)
    stream.stop(reason)
    desk.finish()
    (done,) = desk.done
    return done


@pytest.mark.parametrize("reason", [RecordingEnd.STOPPED, RecordingEnd.HUNG_UP])
def test_what_was_said_is_kept_and_reported_once(desk: Desk, reason: RecordingEnd) -> None:
    done = _ended(desk, reason)
    assert (done.record_id, done.reason, done.file) == ("r1", reason, "call-1-note.wav")
    assert done.duration_s == pytest.approx(5.0, abs=1.0)


def test_silence_is_no_message(desk: Desk) -> None:
    done = _ended(desk, RecordingEnd.HUNG_UP, speaks=False)
    assert (done.reason, done.file, done.duration_s) == (RecordingEnd.HUNG_UP, "", 0.0)


def test_what_is_too_short_is_no_message(desk: Desk) -> None:
    assert _ended(desk, RecordingEnd.STOPPED, min_length_s=30.0).file == ""


def test_nothing_is_added_after_the_end(desk: Desk) -> None:
    stream = desk.open()
    desk.speak(stream)
    stream.stop(RecordingEnd.STOPPED)
    for _ in range(50):
        stream.write(bytes(FRAME))
    desk.finish()
    (done,) = desk.done
    assert done.duration_s <= 6.0


def test_messages_of_one_step_have_names_of_their_own(desk: Desk) -> None:
    first = desk.open()
    desk.speak(first)
    first.stop(RecordingEnd.STOPPED)
    deadline_s = time.monotonic() + LIMIT_S
    while not desk.done:
        assert time.monotonic() < deadline_s, "the end was not reported"
        time.sleep(0.01)
    second = desk.open()
    desk.speak(second)
    second.stop(RecordingEnd.STOPPED)
    desk.finish()
    assert [done.file for done in desk.done] == ["call-1-note.wav", "call-1-note-2.wav"]


def test_a_message_whose_process_dies_is_recovered_once(desk: Desk, tmp_path: Path) -> None:
    (lost,) = desk.lost(tmp_path)
    assert (lost.call_id, lost.step) == ("call-9", "order/note")
    assert lost.file.startswith("call-9-order") and lost.file.endswith("note.wav")
    assert lost.duration_s == pytest.approx(5.0, abs=1.5)
    assert (lost.ended_at - lost.started_at).total_seconds() == pytest.approx(lost.duration_s, abs=0.01)
    assert desk.recorder.recover() == []


def test_what_was_too_short_when_the_process_died_is_nothing(desk: Desk, tmp_path: Path) -> None:
    assert desk.lost(tmp_path, min_length_s=30.0) == []
    assert list(tmp_path.iterdir()) == []
