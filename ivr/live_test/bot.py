"""A bot of its own for conversations as real calls: a process with settings made for the purpose, on free ports."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ivr.config import (
    DatabaseSettings,
    LogSettings,
    NumberSettings,
    PublishingSettings,
    RecordingsSettings,
    Settings,
    SipSettings,
    TargetSettings,
)
from ivr.config_admission import AdmissionSettings
from ivr.errors import IvrError
from ivr.live_test.arrangement import Desk

START_LIMIT_S = 60.0
"""The first start renders every prompt."""
FIRST_RTP_PORT, RTP_PORT_COUNT = 21000, 400
NOBODY = "sip:nobody@127.0.0.1:9"
_COMMAND = (sys.executable, "-c", "from ivr.live_test.process import main; main()")


class BotFailed(IvrError):
    """The bot under test did not start; the text has its last words."""


@dataclass(frozen=True)
class Order:
    """What the process is to serve."""

    settings: Settings
    folder: Path
    """Where the arrangements lie."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot."""

    folder: Path
    port: int
    max_legs: int
    """Calls at once, those to people included."""

    @property
    def database_url(self) -> str:
        """Where it records its calls."""
        return f"sqlite:///{self.folder}/calls.db"

    @property
    def desk(self) -> Desk:
        """Where its calls find their world."""
        return Desk(self.folder)

    def uri(self, flow: str) -> str:
        """To call a flow without a PBX."""
        return f"sip:{flow}@127.0.0.1:{self.port}"


def settings_for(
    folder: Path, settings: Settings, flows: Path, names: Sequence[str], targets: Collection[str], port: int
) -> Settings:
    """Settings of a bot for some flows: by their names as numbers, the first of them for every other number.

    It speaks and listens as the settings say, and knows the names of what flows can reach; what it writes down stays
    below `folder`.
    """
    sip = SipSettings(
        address="127.0.0.1",
        port=port,
        rtp_port=FIRST_RTP_PORT,
        rtp_port_count=RTP_PORT_COUNT,
        codecs=("PCMU", "PCMA"),
    )
    own = {
        "sip": sip,
        "flows": str(flows),
        "numbers": {name: NumberSettings(flow=name) for name in names},
        "default_flow": names[0],
        "targets": {name: TargetSettings(sip=NOBODY) for name in targets},
        "hours_dir": str(folder / "hours"),
        "recordings": RecordingsSettings(dir=str(folder / "recordings")),
        "database": DatabaseSettings(url=f"sqlite:///{folder}/calls.db", spool_dir=str(folder / "spool")),
        "publishing": PublishingSettings(versions_dir=str(folder / "versions"), draft_numbers=False),
        "log": LogSettings(),
        "admission": AdmissionSettings(enabled=False),  # many conversations at once are what it is for
    }
    return settings.model_copy(update=own)


@contextmanager
def running(folder: Path, settings: Settings) -> Iterator[Bot]:
    """A bot, ready for calls; told to end when the context is left. Raises BotFailed."""
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert process.stdin is not None
            process.stdin.write(pickle.dumps(Order(settings, folder)))
            process.stdin.flush()
            yield Bot(folder, *_ready(process, log))
        finally:
            _end(process)


def _ready(process: subprocess.Popen[bytes], log: Path) -> tuple[int, int]:
    """Port and legs."""
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("ready "):
                port, legs = line.split()[1:]
                return int(port), int(legs)
        time.sleep(0.05)
    raise BotFailed(f"the bot for the live tests did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
