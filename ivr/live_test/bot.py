"""A bot of its own for conversations as real calls: `ivr serve` in a project made for the purpose, on free ports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ivr.config import Settings
from ivr.errors import IvrError

START_LIMIT_S = 60.0
"""The first start renders every prompt."""
FIRST_RTP_PORT, RTP_PORT_COUNT = 21000, 400
_SERVE = "from ivr.cli.entry import main; main()"


class BotFailed(IvrError):
    """The bot under test did not start; the text has its last words."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot."""

    folder: Path
    port: int

    @property
    def database_url(self) -> str:
        """Where it records its calls."""
        return f"sqlite:///{self.folder}/var/calls.db"

    def uri(self, number: str) -> str:
        """To call it without a PBX."""
        return f"sip:{number}@127.0.0.1:{self.port}"


def write_project(
    folder: Path, settings: Settings, flow: str, flows: Path, targets: Mapping[str, str], port: int
) -> None:
    """Settings of a bot that answers every number with one flow, and finds its targets where the test plays them."""
    speech = settings.speech.model_dump(mode="json", exclude_defaults=True)
    calendars = {name: each.model_dump(mode="json") for name, each in settings.calendars.items()}
    written: dict[str, Any] = {
        "sip": {
            "address": "127.0.0.1",
            "port": port,
            "rtp_port": FIRST_RTP_PORT,
            "rtp_port_count": RTP_PORT_COUNT,
            "codecs": ["PCMU", "PCMA"],
        },
        "flows": str(flows.resolve()),
        "sounds": str(Path(settings.sounds).resolve()),
        "default_flow": flow,
        "targets": {name: {"sip": uri} for name, uri in targets.items()},
        "speech": _with_units(speech),
        "calendars": calendars,
        "database": {"url": f"sqlite:///{folder}/var/calls.db", "spool_dir": str(folder / "spool")},
    }
    (folder / "ivr.yaml").write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")


def _with_units(speech: dict[str, Any]) -> dict[str, Any]:
    """Durations as the settings are written: with their unit."""
    return {
        key: f"{value}s" if isinstance(value, float) and key != "loudness_dbfs" else value
        for key, value in speech.items()
    }


@contextmanager
def running(folder: Path) -> Iterator[Bot]:
    """The bot of a project, ready for calls; told to end when the context is left. Raises BotFailed."""
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, "serve", "--config", str(folder / "ivr.yaml")],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            yield Bot(folder, _ready_port(process, log))
        finally:
            _end(process)


def _ready_port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("ready sip:"):
                return int(line.rpartition(":")[2].partition(";")[0])
        time.sleep(0.05)
    raise BotFailed(f"the bot for the live tests did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
