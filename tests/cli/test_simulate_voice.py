"""`ivr simulate --voice` with a loudspeaker and a microphone that are programs of the test."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ivr.cli.simulate_sound import FRAME_BYTES, RATE_HZ, PortAudio, open_sound
from tests.cli.test_simulate import programs, simulate
from tests.rehearsal.files import FLOW

pytestmark = pytest.mark.adapter

SPEECH = Path(__file__).parents[1] / "data" / "speech" / "en" / "spy-agent.wav"
"""A person who says "agent"."""

MICROPHONE = """
import sys, time, wave
with wave.open(sys.argv[1]) as opened:
    speech = opened.readframes(opened.getnframes())
silence = bytes(320)
audio = silence * 400 + speech + bytes(-len(speech) % 320) + silence * 3000
started_s = time.monotonic()
for index in range(len(audio) // 320):
    time.sleep(max(started_s + index * 0.02 - time.monotonic(), 0))
    sys.stdout.buffer.write(audio[index * 320 : index * 320 + 320])
    sys.stdout.buffer.flush()
"""


def test_the_bot_is_heard_and_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    (tmp_path / "small.yaml").write_text(FLOW)
    (tmp_path / "mock.yaml").write_text("to_agent: connected\n")
    (tmp_path / "microphone.py").write_text(MICROPHONE)
    microphone = f'[ "$1" = -l ] && exec echo "card 0: a test"\nexec "{sys.executable}" microphone.py "{SPEECH}"'
    monkeypatch.setenv("PATH", programs(tmp_path, microphone, "exec cat >> played.raw"))
    done = simulate("small.yaml", "--voice", "--mock", "mock.yaml")
    assert done.returncode == 0, done.stderr
    assert "bot: This is a machine. Say sales or pin." in done.stdout and "use headphones" in done.stdout
    assert "caller: agent   [confidence" in done.stdout and "bot: One moment." in done.stdout
    assert "ended: transferred" in done.stdout
    played = np.frombuffer((tmp_path / "played.raw").read_bytes(), dtype="<i2")
    assert len(played) > 2 * RATE_HZ and np.abs(played).max() > 1000


def test_portaudio_plays_cuts_and_records(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[tuple[int, int]] = []
    opened: list[SimpleNamespace] = []

    def stream(**options: object) -> SimpleNamespace:
        opened.append(SimpleNamespace(**options, start=lambda: None, close=lambda: opened.clear()))
        return opened[-1]

    library = SimpleNamespace(
        query_devices=lambda: ["a device"],
        play=lambda samples, rate: played.append((len(samples), rate)),
        stop=lambda: played.append((0, 0)),
        RawInputStream=stream,
    )
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    sound, heard = open_sound(), list[bytes]()
    assert isinstance(sound, PortAudio)
    sound.play(bytes(FRAME_BYTES))
    sound.record(heard.append)
    assert opened[0].samplerate == RATE_HZ and opened[0].channels == 1
    opened[0].callback(bytes(FRAME_BYTES), 160, None, None)
    sound.close()
    assert played == [(160, RATE_HZ), (0, 0)] and heard == [bytes(FRAME_BYTES)] and not opened


def test_a_machine_with_portaudio_and_no_device_falls_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(query_devices=list))
    monkeypatch.setenv("PATH", programs(tmp_path, 'echo "card 0: a test"') + os.pathsep)
    assert type(open_sound()).__name__ == "Alsa"
