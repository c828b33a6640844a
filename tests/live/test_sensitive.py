"""What callers type and say in confidence is found nowhere afterwards, whichever engine spoke it."""

from __future__ import annotations

import asyncio
import re
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest

from ivr.speech.pcm import Audio, read_wav, write_wav
from ivr.testing.sip_peer import SipPeer
from tests.live.bots import HEARD_HZ, MENU_HZ, NUMBER_HZ, SPEECH, LiveBot, answered, hears, running_bot, sound
from tests.ports import ports_of
from tests.speech.conftest import PROJECT_DIR

pytestmark = pytest.mark.adapter

PORT, METRICS_PORT = ports_of("sensitive", 2)
KEYED, SAID = "739184", "286150"
SAID_WORDS = ("two", "eight", "six", "one", "five", "zero")
TOLD_HZ, FAILED_HZ = HEARD_HZ["sales"], HEARD_HZ["agent"]
FAILS = "import sys; text = sys.stdin.read(); print(text); print(text, file=sys.stderr); sys.exit(3)"
FLITE = ["flite", "-voice", "{voice}", "-o", "{file}"]
ENGINES: dict[str, dict[str, Any]] = {
    "pyttsx3": {},
    "piper": {"piper": {"voices_dir": str(PROJECT_DIR / "tests/data/piper"), "voices": {"en": "xx_XX-tone-low"}}},
    "flite": {"commands": {"flite": {"run": FLITE, "voices": {"en": "slt"}}}},
    "by_argument": {"commands": {"by_argument": {"run": [*FLITE, "-t", "{text}"], "voices": {"en": "slt"}}}},
    "fails": {"commands": {"fails": {"run": [sys.executable, "-c", FAILS], "voices": {"en": "x"}}}},
}
SPEAKS = ("pyttsx3", "piper", "flite")


def _flow() -> dict[str, Any]:
    secret = {"ask": "digits", "sensitive": True, "failed": "hang_up"}
    told = (
        "Your number is {{ code | digits }}, in one word {{ code }}. Please keep it secret. We never ask for it again."
    )
    steps: dict[str, Any] = {
        "keyed": {**secret, "prompt": sound(MENU_HZ), "length": 6, "into": "code", "next": "told"},
        "told": {"say": [told, sound(TOLD_HZ)], "next": "said"},
        "untold": {"say": sound(FAILED_HZ), "next": "said"},
        "said": {**secret, "prompt": sound(NUMBER_HZ), "length": 6, "into": "pin", "confirm": "always", "next": "bye"},
        "bye": {"say": "You said {{ pin | digits }}, thank you very much for that. Good bye.", "next": "hang_up"},
    }
    return {"flow": "secret", "language": "en-US", "start": "keyed", "on_error": "untold", "steps": steps}


def spoken_digits(path: Path) -> Path:
    """A person who says the six digits."""
    pause = np.zeros(800, dtype=np.float32)
    parts = [part for digit in SAID for part in (read_wav(SPEECH / f"digits_{digit}.wav").samples, pause)]
    write_wav(path, Audio(np.concatenate(parts), 8000))
    return path


def traces() -> re.Pattern[bytes]:
    """Every way in which one of the two may be written."""
    ways = [between.join(digits) for digits in (KEYED, SAID) for between in ("", " ", ", ", '", "')]
    grouped = ["7 3 9, 1 8 4", "2 8 6, 1 5 0", " ".join(SAID_WORDS), '", "'.join(SAID_WORDS)]
    return re.compile("|".join(map(re.escape, [*ways, *grouped])).encode())


def files_below(*folders: Path) -> list[Path]:
    return [file for folder in folders for file in folder.rglob("*") if file.is_file()]


def found_in_processes() -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes().replace(b"\0", b" ")
        except OSError:  # gone meanwhile
            continue
        found += [line.decode()] if traces().search(line) else []
    return found


def private_folders(pid: int) -> list[Path]:
    """Where a bot keeps audio that nobody else may hear."""
    opened = [descriptor.readlink() for descriptor in Path(f"/proc/{pid}/fd").iterdir() if descriptor.is_symlink()]
    return [path.parent for path in opened if path.name == "lock" and path.is_relative_to("/dev/shm")]


async def _watch_processes(found: list[str]) -> None:
    while True:
        found += found_in_processes()
        await asyncio.sleep(0.01)


async def _call(bot: LiveBot, engine: str, voice: Path) -> None:
    async with SipPeer(user="caller") as phone:
        call = await answered(phone.dial(bot.uri))
        await hears(call, MENU_HZ)
        await call.press(KEYED)
        told_s = await hears(call, TOLD_HZ if engine in SPEAKS else FAILED_HZ, 40)
        await hears(call, NUMBER_HZ, 10, after_s=told_s)
        call.send_wav(voice)
        await asyncio.sleep(5.0)
        await call.press("1")
        await call.wait_ended(60)


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_of_it_is_left(engine: str, tmp_path: Path) -> None:
    if engine == "piper" and find_spec("piper") is None:
        pytest.skip("Piper is not installed: pip install 'ivr[piper]'")
    if engine in ("flite", "by_argument") and which("flite") is None:
        pytest.skip("flite is not installed: apt install flite")
    folder, voice, seen = tmp_path / "bot", spoken_digits(tmp_path / "digits.wav"), list[str]()
    speech = {"synthesizer": engine, "cache_dir": str(folder / "cache"), **ENGINES[engine]}
    settings = {"default_flow": "secret", "speech": speech, "log": {"level": "debug", "personal": "shown"}}
    settings["metrics"] = {"listen": f"127.0.0.1:{METRICS_PORT}"}
    private: set[Path] = set()

    async def play(bot: LiveBot) -> dict[str, Any]:
        watching = asyncio.create_task(_watch_processes(seen))
        await _call(bot, engine, voice)
        watching.cancel()
        private.update(private_folders(bot.process.pid))
        return await asyncio.to_thread(bot.record_of, "caller")

    with running_bot(folder, PORT, flows=[_flow()], settings=settings) as bot:
        cached = set(files_below(folder / "cache"))
        record = asyncio.run(play(bot))
        told = urllib.request.urlopen(f"http://127.0.0.1:{METRICS_PORT}/metrics", timeout=5).read()
        left = {file: found for file in files_below(folder) if (found := traces().findall(file.read_bytes()))}
        new = [file for file in set(files_below(folder / "cache")) - cached if file.suffix == ".wav"]
        added = [f"{read_wav(file).duration_s:.2f} s" for file in new if read_wav(file).samples.any()]
    assert [step["heard"] for step in record["steps"] if step["step"] == "keyed"] == ["***"], "it was understood"
    assert "***" in {step["heard"] for step in record["steps"] if step["step"] == "said"}
    assert not left, f"found in {left}"
    assert b'ivr_calls_started_total{flow="secret"} 1.0' in told
    named = b"\n".join(line.rpartition(b" ")[0] for line in told.splitlines())  # digits of a value are chance
    assert not traces().search(named), "found in the figures"
    assert not seen, f"seen in the list of processes: {seen}"
    assert not added, "the cache has no audio of it"
    assert private and not [folder for folder in private if folder.exists()], "audio in memory goes with the bot"
    assert traces().search(b"x 7 3 9, 1 8 4 y") and traces().search(b"739184"), "it would be found"
