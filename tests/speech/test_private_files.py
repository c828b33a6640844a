"""Files that hold something confidential: who is killed leaves none for long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ivr.speech.private_files import PrivateFiles

pytestmark = pytest.mark.adapter

KILLED = """
import os, sys
from pathlib import Path
from ivr.speech.private_files import PrivateFiles
files = PrivateFiles(parent=Path(sys.argv[1]))
print(files.make(lambda path: path.write_bytes(b"secret")), flush=True)
os.kill(os.getpid(), 9)
"""


def test_only_this_user_can_read_them_and_they_go_with_the_owner(tmp_path: Path) -> None:
    files = PrivateFiles(parent=tmp_path)
    path = files.make(lambda path: path.touch())
    assert path.is_file() and path.parent.stat().st_mode & 0o777 == 0o700
    files.close()
    files.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_made_long_ago_is_removed_with_the_next(tmp_path: Path) -> None:
    files = PrivateFiles(keep_s=0.0, parent=tmp_path)
    first = files.make(lambda path: path.touch())
    second = files.make(lambda path: path.touch())
    assert not first.exists() and second.exists()
    files.close()


def test_the_next_process_removes_what_a_killed_one_left_and_nothing_else(tmp_path: Path) -> None:
    alive = PrivateFiles(parent=tmp_path)
    kept = alive.make(lambda path: path.touch())
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], capture_output=True, text=True, check=False)
    left = Path(done.stdout.strip())
    assert left.is_file() and kept.is_file()
    (tmp_path / "ivr-of-somebody-else").mkdir()
    files = PrivateFiles(parent=tmp_path)
    files.make(lambda path: path.touch())
    assert not left.parent.exists()
    assert kept.is_file() and (tmp_path / "ivr-of-somebody-else").is_dir()
    files.close()
    alive.close()
