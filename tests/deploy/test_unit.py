"""The unit of systemd: what systemd itself says of it, and that it names what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ivr.cli.entry import _plain_serve

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "ivr.service"
TEXT = UNIT.read_text(encoding="utf-8")
MOST_EXPOSED = 2.0
"""Of 10, as `systemd-analyze security` counts; a unit without any of it has 9.6."""


def value_of(key: str) -> str:
    """The one value of a key."""
    found = re.findall(rf"^{key}=(.*)$", TEXT, re.MULTILINE)
    assert len(found) == 1, f"{key}: {found}"
    return str(found[0])


def analysed(*arguments: str) -> str:
    """What `systemd-analyze` says; the test is skipped where there is none."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_systemd_finds_no_mistake(tmp_path: Path) -> None:
    installed = tmp_path / UNIT.name
    installed.write_text(TEXT.replace("/opt/ivr/bin/ivr", "/bin/true"))
    assert analysed("verify", str(installed)) == ""


def test_little_is_left_to_whoever_takes_the_bot_over() -> None:
    said = analysed("security", "--offline=true", "--no-pager", str(UNIT))
    found = re.search(r"exposure level for ivr\.service: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= MOST_EXPOSED


def test_the_bot_is_started_without_the_libraries_of_the_command_line_and_says_when_it_is_ready() -> None:
    program, *arguments = value_of("ExecStart").split()
    assert program == "/opt/ivr/bin/ivr"
    assert _plain_serve(arguments) == (Path("/etc/ivr/ivr.yaml"), None)
    assert value_of("Type") == "notify"
    assert value_of("WatchdogSec")


def test_the_page_names_every_folder_of_the_unit() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    for path in ("/opt/ivr", "/etc/ivr", "/var/lib/ivr", "/var/cache/ivr", value_of("EnvironmentFile").lstrip("-")):
        assert path in page
