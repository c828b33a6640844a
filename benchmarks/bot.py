"""The bot under measurement: `ivr serve` as a process of its own, in a project made for the purpose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks import machine
from ivr.testing.sip_peer.measure import tone
from ivr.testing.sip_peer.recording import write_wav

IVR = Path(sys.executable).with_name("ivr")
PROMPT_HZ, ANSWER_HZ, NO_MATCH_HZ = 600, 800, 500
PROMPT_S, QUIET_S = 15.0, 0.4
START_LIMIT_S = 30.0
FIRST_RTP_PORT = 16000
"""Below those of the lab's Asterisk, outside the kernel's ephemeral ports."""
BEHIND_FRONT_PORT = 5260
TRUNK = {"addresses": ["127.0.0.1"]}
"""All callers of the benchmark have one address: without this they would be held back by the limits of a source."""

WORDS = {
    "agent": "spy-agent",
    "message": "vm-message",
    "extension": "extension",
    "password": "vm-password",
    "goodbye": "goodbye",
    "tuesday": "digits_day-2",
    "friday": "digits_day-5",
    "september": "digits_mon-8",
    "call forwarding": "call-forwarding",
    "do not disturb": "do-not-disturb",
}
"""Words of the menu, and the recording of a person who says them."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """The prompts, the same files for the bot and for Asterisk."""

    prompt: Path
    quiet: Path
    """The reply to a key: silence, so that the end of the prompt can be heard, then a tone."""
    answer: Path
    """The reply to speech: a tone at once."""
    no_match: Path


def write_sounds(folder: Path) -> Sounds:
    """Make them."""
    folder.mkdir(parents=True)
    silence = np.zeros(round(QUIET_S * 8000), dtype=np.int16)
    contents = {
        "prompt": tone(PROMPT_HZ, PROMPT_S),
        "quiet": np.concatenate([silence, tone(ANSWER_HZ, 0.2)]),
        "answer": tone(ANSWER_HZ, 0.4),
        "no_match": tone(NO_MATCH_HZ, 0.4),
    }
    paths = {name: folder / f"{name}.wav" for name in contents}
    for name, audio in contents.items():
        write_wav(paths[name], audio)
    return Sounds(**paths)


def _flow() -> dict[str, Any]:
    choices: dict[str, Any] = {"quiet": {"keys": "1", "go": "quiet"}}
    choices |= {name.replace(" ", "_"): {"say": [name], "go": "answer"} for name in WORDS}
    return {
        "flow": "bench",
        "language": "en-US",
        "start": "main",
        "defaults": {
            "no_input": "sounds/no_match.wav",
            "no_match": "sounds/no_match.wav",
            "max_attempts": 10,
            "failed": "bye",
        },
        "steps": {
            "main": {
                "menu": {"prompt": "sounds/prompt.wav", "keys_prompt": "sounds/prompt.wav", "choices": choices},
            },
            "quiet": {"say": "sounds/quiet.wav", "next": "main"},
            "answer": {"say": "sounds/answer.wav", "next": "main"},
            "bye": {"hang_up": True},
        },
    }


@dataclass(slots=True)
class BenchBot:
    """A running bot."""

    name: str
    uri: str
    process: subprocess.Popen[bytes]

    @property
    def pids(self) -> list[int]:
        """Its process and all that it started."""
        return machine.tree(self.process.pid)


@contextmanager
def running_bot(
    folder: Path, name: str, rtp_port: int = FIRST_RTP_PORT, *, capacity: int | None = None, **speech: Any
) -> Iterator[BenchBot]:
    """A bot ready for calls on a free port; `speech` are settings of that section. Ended when the context is left."""
    project = write_project(folder / name, rtp_port, capacity=capacity, **speech)
    with started(project):  # as on every day but the first: the database is there and the prompts are rendered
        pass
    with started(project) as (process, uri):
        yield BenchBot(name, uri, process)
        if process.poll() is not None:
            raise RuntimeError(f"the bot ended during the measurement: {(project / 'log.txt').read_text()[-2000:]}")


def write_project(project: Path, rtp_port: int = FIRST_RTP_PORT, *, capacity: int | None = None, **speech: Any) -> Path:
    """The folder of a bot with the benchmark's menu; `speech` are settings of that section."""
    sounds = project / "sounds"
    write_sounds(sounds)
    (project / "flows").mkdir()
    (project / "flows" / "bench.yaml").write_text(yaml.safe_dump(_flow(), sort_keys=False))
    settings: dict[str, Any] = {
        "sip": {"address": "127.0.0.1", "port": 0, "rtp_port": rtp_port, "rtp_port_count": 100, "codecs": ["PCMU"]},
        "default_flow": "bench",
        "speech": {"cache_dir": str(project / "cache"), **speech},
    }
    if capacity is not None:
        del settings["sip"]["rtp_port_count"]  # worked out of the capacity
        settings["sip"]["port"] = BEHIND_FRONT_PORT
        settings |= {"capacity": capacity, "front": {"trunks": {"callers": TRUNK}}}
        settings["admission"] = {"enabled": False}  # what is measured is what the machine carries
    (project / "ivr.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return project


@contextmanager
def started(project: Path, module: str = "", **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`ivr serve` in a project's folder, or a module that serves so: its process and address."""
    command = [sys.executable, "-m", module] if module else [IVR]
    root = str(Path(__file__).resolve().parents[1])
    with (project / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [*command, "serve", "--config", "ivr.yaml"],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=project,
            env={**os.environ, "IVR_WEB__LISTEN": "", "PYTHONUNBUFFERED": "1", "PYTHONPATH": root, **environment},
        )
        try:
            yield process, _ready_uri(process, project / "log.txt")
        finally:
            _end(process)


def _ready_uri(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("ready sip:"):
                return line.removeprefix("ready ").strip()
        time.sleep(0.05)
    raise RuntimeError(f"the bot did not start: {log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
