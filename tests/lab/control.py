"""The lab from Python: start it, ask Asterisk, take it away and give it back. Thin over `lab.sh`."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LAB_SH: Final = Path(__file__).with_name("lab.sh")

HOST: Final = "127.0.0.1"
PORT: Final = 5080
REGISTRAR: Final = f"sip:{HOST}:{PORT}"

TRUNK_PORT: Final = 5091
"""A bot at this port is the trunk `ivr-trunk` (101, 1001 to 1009): no registration, keys as SIP INFO."""
FIXED_TRUNK_PORT: Final = 5093
"""A bot at this port is the trunk whose REFER is refused (103, 1031 to 1039)."""
RTP_TRUNK_PORT: Final = 5095
"""A bot at this port is the trunk that gets keys as RFC 4733 (104, 1041 to 1049)."""

WEBSOCKET: Final = f"ws://{HOST}:8088/ws"
"""Where browsers reach it."""
BROWSER_HOST: Final = "10.77.0.1"
"""The one address that it offers to browsers: it never offers one of 127.0.0.0/8 (`lab.sh` makes it, as root)."""

TONE_HZ: Final = 1000
"""What people without a phone and 401 send."""
HOLD_HZ: Final = 800
"""Asterisk's music on hold."""
EARLY_MEDIA_HZ: Final = 425
"""What 2016 sends before it answers."""

START_LIMIT_S: Final = 600.0
"""Long enough to install packages and build the image."""
COMMAND_LIMIT_S: Final = 60.0
UNLOAD_LIMIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Login:
    """A SIP user of the lab."""

    username: str
    password: str

    @property
    def uri(self) -> str:
        """Address of record."""
        return f"sip:{self.username}@{HOST}:{PORT}"


def _login(username: str) -> Login:
    return Login(username, f"{username}-secret")


BOT: Final = _login("ivr")
BOT_2: Final = _login("ivr2")
CALLER: Final = _login("caller")
CALLER_2: Final = _login("caller2")
CALLER_PCMA: Final = _login("caller-pcma")
CALLER_PCMU: Final = _login("caller-pcmu")
CALLER_G722: Final = _login("caller-g722")
CALLER_SRTP: Final = _login("caller-srtp")
BROWSER: Final = _login("guest")
"""Calls the rooms only, 500 to 509; any number of browsers at once."""
AGENT_1: Final = _login("agent1")
AGENT_2: Final = _login("agent2")
WEB_AGENT_1: Final = _login("agent-web1")
WEB_AGENT_2: Final = _login("agent-web2")
"""People at 2101 and 2102, by a browser."""


class LabError(Exception):
    """The lab could not be started or did not answer; the text is what `lab.sh` said."""


def number(extension: str | int) -> str:
    """SIP URI of a number of the lab's dialplan."""
    return f"sip:{extension}@{HOST}:{PORT}"


def ensure_up() -> None:
    """Start the lab unless it runs already (some 20 ms then). Raises LabError with the reason."""
    _lab("up", limit_s=START_LIMIT_S)


def asterisk_cli(command: str) -> str:
    """What Asterisk's command line answers."""
    return _lab("cli", command)


def channels() -> int:
    """How many channels Asterisk has now; two per bridged call."""
    match = re.search(r"^(\d+) active channel", asterisk_cli("core show channels count"), re.MULTILINE)
    if match is None:
        raise LabError("Asterisk does not tell its channel count")
    return int(match[1])


def hang_up_all() -> None:
    """End every call, so that a test starts on an empty switch."""
    asterisk_cli("channel request hangup all")


def is_registered(login: Login) -> bool:
    """Whether the user has a contact at the registrar."""
    return f"{login.username}/sip:" in asterisk_cli("pjsip show contacts")


def takes_browsers() -> bool:
    """Whether their audio and video can get here."""
    addresses = Path("/proc/net/fib_trie")  # to bind one proves nothing: some kernels take any address
    return addresses.exists() and f"-- {BROWSER_HOST}\n" in addresses.read_text("ascii")


@contextmanager
def takes_texts(extension: str, login: Login) -> Iterator[None]:
    """Meanwhile a MESSAGE to a number goes on to somebody's registered telephone; else the lab takes none."""
    asterisk_cli("module load res_pjsip_messaging.so")
    asterisk_cli(f"dialplan add extension {extension},1,MessageSend(pjsip:{login.username}) into lab")
    try:
        yield
    finally:
        asterisk_cli(f"dialplan remove extension {extension}@lab")
        _unload("res_pjsip_messaging.so")


def _unload(module: str) -> None:
    """Take a module away as soon as nothing uses it: what the last text was sent by goes on for half a minute."""
    deadline = time.monotonic() + UNLOAD_LIMIT_S
    while "0 modules loaded" not in asterisk_cli(f"module show like {module}"):
        if time.monotonic() > deadline:
            raise LabError(f"{module} is still in use")
        asterisk_cli(f"module unload {module}")
        time.sleep(0.5)


@contextmanager
def rooms_with_digits(count: int) -> Iterator[None]:
    """Meanwhile the rooms have numbers that are longer by so many digits, any; else there are 500 to 509 only."""
    pattern = "_50X" + "X" * count
    steps = ("Answer()", "ConfBridge(${EXTEN},room,member)", "Hangup()")
    for priority, step in enumerate(steps, start=1):
        asterisk_cli(f"dialplan add extension {pattern},{priority},{step} into rooms")
    asterisk_cli(f"dialplan add extension {pattern},1,Goto(rooms,${{EXTEN}},1) into lab")
    try:
        yield
    finally:
        for context in ("rooms", "lab"):
            asterisk_cli(f"dialplan remove extension {pattern}@{context}")


def people_in_rooms() -> dict[str, int]:
    """How many are in each video room, by its number."""
    return {name: int(count) for name, count in re.findall(r"^(\d+) +(\d+) ", asterisk_cli("confbridge list"), re.M)}


def last_digits() -> str:
    """The keys that extension 403 collected last."""
    match = re.search(r"LAST_DIGITS=(\S*)", asterisk_cli("dialplan show globals"))
    return match[1] if match else ""


def put_sound(wav: Path, name: str) -> None:
    """Make a WAV (8 kHz, mono, 16 bit) known to the dialplan as `lab/<name>`; 402 plays `menu` and `answer`."""
    _lab("put", str(wav), name)


def stop() -> None:
    """Take Asterisk away as an outage does: port closed, calls and registrations lost."""
    _lab("stop")


def start() -> None:
    """Give it back after `stop`; returns when it answers."""
    _lab("start")


def logs() -> str:
    """The last thousand lines of Asterisk's console."""
    return _lab("logs")


def _lab(*arguments: str, limit_s: float = COMMAND_LIMIT_S) -> str:
    try:
        done = subprocess.run([LAB_SH, *arguments], capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"lab.sh {' '.join(arguments)} took longer than {limit_s:.0f} s") from error
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip()
        raise LabError(f"lab.sh {' '.join(arguments)}: {reason or f'exit status {done.returncode}'}")
    return done.stdout
