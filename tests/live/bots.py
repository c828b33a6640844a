"""A real bot for live tests: `ivr serve` as a process of its own, with a flow whose prompts are measurable tones."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec

import yaml

from ivr.calls.record import as_json
from ivr.storage.calls import CallRepository
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone, tone
from ivr.testing.sip_peer.recording import write_wav
from tests.lab import control
from tests.ports import RTP_PER_BOT, rtp_port_of

P = ParamSpec("P")
IVR = Path(sys.executable).with_name("ivr")
SPEECH = Path(__file__).parents[1] / "data" / "speech" / "en"

MENU_HZ, MENU_S = 600, 4.0
NUMBER_HZ = 650
NO_INPUT_HZ, NO_MATCH_HZ = 460, 520
HEARD_HZ = {"sales": 710, "agent": 760, "message": 810, "number": 860}
EXIT_HZ = {"busy": 910, "no_answer": 960, "refused": 1060, "unknown": 1110, "unreachable": 1160, "failed": 1210}
HOLD_HZ = 300
WHISPER_HZ = 380

TARGETS = {
    "answers": "2012",
    "slow": "2022",
    "echoes": "2017",
    "leaves": "2018",
    "rings": "2013",
    "busy": "2010",
    "declines": "2014",
    "away": "2003",
    "no_line": "2015",
    "nowhere": "2999",
    "moved": "2019",
    "phone": "2001",
}
"""Name in the flow to number in the lab."""
MODES = ("auto", "bridge", "attended", "refer")


def key_for(target: str, mode: str) -> str:
    """The menu keys that transfer to a target in a mode."""
    return f"{5 + MODES.index(mode)}{list(TARGETS).index(target):02d}"


def sound(hz: int) -> str:
    """Name of the recording of a tone."""
    return f"sounds/t{hz}.wav"


def live_flow() -> dict[str, Any]:
    """The flow under test."""
    choices: dict[str, Any] = {
        "sales": {"keys": "1", "say": ["sales"], "go": "heard_sales"},
        "agent": {"keys": "2", "say": ["agent"], "go": "heard_agent"},
        "message": {"keys": "3", "say": ["message"], "go": "heard_message"},
        "number": {"keys": "4", "say": ["extension"], "go": "number"},
        "bye": {"keys": "9", "say": ["goodbye"], "go": "bye"},
    }
    steps: dict[str, Any] = {
        "main": {"menu": {"prompt": sound(MENU_HZ), "choices": choices}},
        "number": {"ask": "digits", "length": 4, "into": "number", "prompt": sound(NUMBER_HZ), "sensitive": True},
        "bye": {"hang_up": True},
    }
    steps["number"]["next"] = "heard_number"
    steps |= {f"heard_{name}": {"say": sound(hz), "next": "main"} for name, hz in HEARD_HZ.items()}
    steps |= {f"exit_{name}": {"say": sound(hz), "next": "main"} for name, hz in EXIT_HZ.items()}
    for mode in MODES:
        for target in TARGETS:
            name = f"to_{target}_{mode}"
            choices[name] = {"keys": key_for(target, mode), "go": name}
            steps[name] = {
                "transfer": {"to": target, "mode": mode, "ring_for": "4s", "hold": sound(HOLD_HZ)},
                **{outcome: f"exit_{outcome}" for outcome in EXIT_HZ},
            }
    steps["to_phone_bridge"]["transfer"]["whisper"] = sound(WHISPER_HZ)
    return {
        "flow": "live",
        "language": "en-US",
        "start": "main",
        "variables": {"number": ""},
        "defaults": {
            "first_input_timeout": "2s",
            "inter_digit_timeout": "1500ms",
            "no_input": sound(NO_INPUT_HZ),
            "no_match": sound(NO_MATCH_HZ),
            "failed": "bye",
        },
        "steps": steps,
    }


@dataclass
class LiveBot:
    """A running bot."""

    folder: Path
    port: int
    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)
    is_told_to_stop: bool = False
    is_killed: bool = False

    @property
    def uri(self) -> str:
        """To call it without a PBX."""
        return f"sip:live@127.0.0.1:{self.port}"

    def calls(self, last: int = 20) -> list[dict[str, Any]]:
        """Its call records, newest first."""
        return self._json("calls", "--last", str(last))  # type: ignore[no-any-return]

    def record_of(self, ani: str, *, within_s: float = 5.0) -> dict[str, Any]:
        """The record of a caller's newest call, finished, with its steps; polls: records are written in the background,
        and where what writes them has rested, by a second later."""
        deadline = time.monotonic() + within_s
        with CallRepository(f"sqlite:///{self.folder}/var/calls.db") as repository:
            while True:
                written = repository.last(50)
                found = [call for call in written if call.ani == ani]
                is_complete = not (offered := self.offered()) or offered[-1] in {call.id for call in written}
                if is_complete and found and found[0].ended_at:
                    return as_json(repository.get(found[0].id))
                if time.monotonic() > deadline:
                    raise AssertionError(f"no finished record of {ani} within {within_s} s: {found}")
                time.sleep(0.1)

    def offered(self) -> list[str]:
        """Ids of the calls so far."""
        return re.findall(r"call_offered +call_id=(\S+)", self.log())

    def log(self) -> str:
        """What it printed and logged."""
        return (self.folder / "out.txt").read_text() + (self.folder / "err.txt").read_text()

    def rss_mb(self) -> float:
        """Memory of the process, its helpers not counted."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def resources(self) -> tuple[int, int]:
        """Threads and open files of the process."""
        proc = Path(f"/proc/{self.process.pid}")
        return len(list((proc / "task").iterdir())), len(list((proc / "fd").iterdir()))

    def _json(self, *arguments: str) -> Any:
        done = subprocess.run(
            [IVR, *arguments, "--json", "--config", str(self.folder / "ivr.yaml")],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return json.loads(done.stdout)

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        self.is_told_to_stop = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def kill(self) -> None:
        """SIGKILL: it can put nothing in order."""
        self.is_told_to_stop = self.is_killed = True
        self.process.kill()
        self.process.wait(10)


def write_project(
    folder: Path,
    port: int,
    *,
    flows: Sequence[dict[str, Any]] = (),
    settings: Mapping[str, Any] | None = None,
    **sip: Any,
) -> None:
    """Settings, flow and tones of a bot. `flows` come beside the flow under test, `settings` replace whole sections."""
    (folder / "flows").mkdir(parents=True)
    (folder / "sounds").mkdir()
    for hz, seconds in [(MENU_HZ, MENU_S), (NUMBER_HZ, 2.0), (HOLD_HZ, 1.0)] + [
        (hz, 0.6) for hz in (NO_INPUT_HZ, NO_MATCH_HZ, WHISPER_HZ, *HEARD_HZ.values(), *EXIT_HZ.values())
    ]:
        write_wav(folder / "sounds" / f"t{hz}.wav", tone(hz, seconds))
    (folder / "flows" / "live.yaml").write_text(yaml.safe_dump(live_flow(), sort_keys=False))
    for flow in flows:
        (folder / "flows" / f"{flow['flow']}.yaml").write_text(yaml.safe_dump(flow, sort_keys=False))
    written = {
        "sip": {
            "address": "127.0.0.1",
            "port": port,
            "rtp_port": rtp_port_of(port),
            "rtp_port_count": RTP_PER_BOT,
            **sip,
        },
        "default_flow": "live",
        "targets": {name: {"sip": control.number(number)} for name, number in TARGETS.items()},
        "speech": {"cache_dir": str(folder / "cache")},
        **(settings or {}),
    }
    (folder / "ivr.yaml").write_text(yaml.safe_dump(written, sort_keys=False))


@contextmanager
def running_bot(folder: Path, port: int, *, environ: dict[str, str] | None = None, **project: Any) -> Iterator[LiveBot]:
    """A bot on a port, ready for calls; ended with SIGTERM, which must be clean. `project`: see `write_project`."""
    write_project(folder, port, **project)
    with serving(folder, port, environ=environ) as bot:
        yield bot


@contextmanager
def serving(folder: Path, port: int, *, environ: dict[str, str] | None = None) -> Iterator[LiveBot]:
    """A bot of a project that is written already."""
    with (folder / "out.txt").open("w") as out, (folder / "err.txt").open("w") as err:
        process = subprocess.Popen(
            [IVR, "serve", "--config", str(folder / "ivr.yaml")],
            stdout=out,
            stderr=err,
            text=True,
            cwd=folder,
            env={**os.environ, **(environ or {})},
        )
        bot = LiveBot(folder, port, process)
        try:
            wait_until(lambda: "\nready sip:" in "\n" + bot.log(), 30, lambda: f"the bot is not ready: {bot.log()}")
            yield bot
            assert bot.is_told_to_stop or process.poll() is None, (
                f"the bot died with {process.returncode}: {bot.log()[-3000:]}"
            )
            assert bot.is_killed or bot.stop() == 0, f"the bot did not end cleanly: {bot.log()[-3000:]}"
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def wait_until(condition: Callable[[], bool], within_s: float, message: Callable[[], str]) -> None:
    """Poll with a deadline."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(message())
        time.sleep(0.05)


def live(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def caller(user: str = "caller", **options: Any) -> SipPeer:
    """A telephone of the lab."""
    return SipPeer(user=user, password=f"{user}-secret", registrar=control.REGISTRAR, **options)


async def greeted(bot: LiveBot, *, user: str = "next") -> None:
    """A call straight to the bot gets through and hears the menu: the bot is well."""
    async with SipPeer(user=user) as phone:
        call = await answered(phone.dial(bot.uri, timeout_s=5))
        await hears(call, MENU_HZ)


async def hears(call: PeerCall, hz: float, within_s: float = 15.0, *, after_s: float = 0.0) -> float:
    """Wait until a tone is heard; its start, in seconds since the answer."""
    deadline = time.monotonic() + within_s
    while True:
        audio = call.received_audio()
        spans = [span for span in spans_of_tone(audio, hz) if span[1] > after_s]
        if spans:
            return max(spans[0][0], after_s)
        if time.monotonic() > deadline or call.is_ended:
            heard = {f: spans_of_tone(audio, f) for f in _all_tones()}
            raise AssertionError(
                f"{hz} Hz not heard after {after_s} s; heard { ({k: v for k, v in heard.items() if v}) }"
            )
        await asyncio.sleep(0.05)


def _all_tones() -> list[int]:
    fixed = [MENU_HZ, NUMBER_HZ, NO_INPUT_HZ, NO_MATCH_HZ, HOLD_HZ, control.TONE_HZ, control.HOLD_HZ]
    return [*fixed, *HEARD_HZ.values(), *EXIT_HZ.values()]


def now_s(call: PeerCall) -> float:
    """This moment, in seconds since the answer."""
    return call.since_answer_s(time.monotonic())


async def answered(call: Awaitable[PeerCall]) -> PeerCall:
    """The call, which must be answered."""
    made = await call
    assert made.is_answered, f"not answered: {made.status}"
    return made


def descendants(pid: int) -> list[int]:
    """Processes that a process started, on whichever thread, and those that they started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for file in tasks for child in read_of_proc(file).split()]
    return [*children, *(each for child in children for each in descendants(child))]


def command_line(pid: int) -> str:
    return read_of_proc(Path(f"/proc/{pid}/cmdline"))


def read_of_proc(file: Path) -> str:
    """What a file of /proc says; nothing where the process or thread has just ended."""
    try:
        return file.read_text()
    except OSError:
        return ""
