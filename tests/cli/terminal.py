"""A command as it is on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_on_a_terminal(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    """All that it wrote, colours included; it must have ended well."""
    ours, theirs = pty.openpty()
    coloured = {**environment, "TERM": "xterm-256color"}
    with subprocess.Popen(command, cwd=folder, env=coloured, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        output = b""
        try:
            while chunk := os.read(ours, 65536):
                output += chunk
        except OSError:
            pass  # Linux reports the end of a terminal so
        os.close(ours)
    assert process.returncode == 0, output.decode()
    return output.decode()
