"""How `ivr serve` starts: with what it needs, and no more."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr.cli.entry import _plain_serve
from ivr.memory import without

pytestmark = pytest.mark.adapter

FLOW = {
    "flow": "hello",
    "language": "en-US",
    "start": "welcome",
    "steps": {"welcome": {"say": "Welcome.", "next": "bye"}, "bye": {"hang_up": True}},
}
UNNEEDED = {
    "typer",
    "rich",
    "numpy",
    "soxr",
    "vosk",
    "alembic",
    "sqlalchemy",
    "sqlite3",
    "email",
    "num2words",
    "babel",
    "httpx",
    "psycopg",
    "ssl",
    "_hashlib",
    "fastapi",
    "starlette",
    "uvicorn",
    "argon2",
}
STOPS_WHEN_READY = """
import json, os, signal, sys
from pathlib import Path
from ivr.cli import worker

def ready(settle=worker.settle):
    settle()
    print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
    os.kill(os.getpid(), signal.SIGTERM)

worker.settle = ready
sys.exit(worker.run(Path(sys.argv[1])))
"""


def start_once(config: Path, environ: Mapping[str, str] | None = None) -> tuple[set[str], str]:
    """The packages that are loaded once calls are accepted, and all that was said."""
    done = subprocess.run(
        [sys.executable, "-c", STOPS_WHEN_READY, str(config)],
        cwd=config.parent,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        timeout=60,
    )
    output = done.stdout.decode()
    assert done.returncode == 0, output + done.stderr.decode()
    loaded = next(line for line in output.splitlines() if line.startswith("["))
    return set(json.loads(loaded)), output


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "hello.yaml").write_text(yaml.safe_dump(FLOW, sort_keys=False))
    settings: dict[str, Any] = {
        "sip": {"address": "127.0.0.1", "port": 0},
        "default_flow": "hello",
        "speech": {"recognizer": "none", "cache_dir": str(tmp_path / "cache")},
        "database": {"url": f"sqlite:///{tmp_path}/calls.db", "spool_dir": str(tmp_path / "spool")},
    }
    (tmp_path / "ivr.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return tmp_path / "ivr.yaml"


def test_a_worker_loads_only_what_calls_need(config: Path) -> None:
    first, _ = start_once(config)
    assert "numpy" not in first, "prompts are levelled in a helper process"
    assert "alembic" not in first, "tables are made in a helper process"
    loaded, output = start_once(config)
    assert not loaded & UNNEEDED
    assert "ready sip:hello@127.0.0.1" in output
    assert {"pjsua2", "structlog"} <= loaded


def test_a_service_manager_hears_when_calls_are_accepted_and_when_the_bot_stops(config: Path) -> None:
    address = str(config.with_name("notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(5)
        start_once(config, {"NOTIFY_SOCKET": address})
        heard = [manager.recv(1000).decode().splitlines() for _ in range(2)]
    assert heard[0][0] == "READY=1"
    assert heard[0][1].startswith("STATUS=answering at sip:")
    assert heard[1] == ["STOPPING=1"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["serve"], (None, None)),
        (["serve", "--config", "a.yaml"], (Path("a.yaml"), None)),
        (["serve", "--config=a.yaml"], (Path("a.yaml"), None)),
        (["serve", "--capacity", "12"], (None, 12)),
        (["serve", "--capacity=12", "--config", "a.yaml"], (Path("a.yaml"), 12)),
        (["serve", "--capacity"], None),
        (["serve", "--capacity", "many"], None),
        (["serve", "--capacity=0"], None),
        (["serve", "--help"], None),
        (["serve", "--config"], None),
        (["serve", "--config="], None),
        (["serve", "--config", "--help"], None),
        (["serve", "extra"], None),
        (["check"], None),
        ([], None),
    ],
)
def test_only_a_plain_serve_passes_by_the_command_line(
    arguments: list[str], expected: tuple[Path | None, int | None] | None
) -> None:
    assert _plain_serve(arguments) == expected


def test_wrong_settings_end_the_start_with_a_reason(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from ivr.cli.entry import main; main()", "serve", "--config", "absent.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=30)
    assert done.returncode == 1
    assert b"absent.yaml" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_wrong_database_address_ends_the_start_with_a_reason(config: Path) -> None:
    text = config.read_text().replace("sqlite:///", "sqlite//")
    config.write_text(text)
    command = [sys.executable, "-c", "from ivr.cli.entry import main; main()", "serve", "--config", str(config)]
    done = subprocess.run(command, cwd=config.parent, capture_output=True, timeout=30)
    assert done.returncode == 1
    assert b"database.url is not a database address" in done.stderr
    assert b"Traceback" not in done.stderr


def test_pydantic_looks_for_no_plugins_and_others_find_theirs() -> None:
    program = """
import sys
from ivr.memory import without_plugins
without_plugins()
from ivr.config import Settings
Settings()
assert "importlib.metadata" not in sys.modules
from importlib.metadata import entry_points
assert "ivr" in entry_points(group="console_scripts").names
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode()


def test_a_library_that_was_done_without_is_there_later() -> None:
    with without("this"), pytest.raises(ImportError):
        __import__("this")
    assert "this" not in sys.modules
