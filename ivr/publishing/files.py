"""Files that other processes read meanwhile: written whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import pwd
import uuid
from pathlib import Path


def write_atomically(file: Path, content: bytes) -> None:
    """Put `content` in place of the file in one step; mode and owner stay, a link still leads to it. Raises OSError."""
    target = file.resolve()
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        with contextlib.suppress(OSError):  # a new file, or one of somebody else
            status = target.stat()
            temporary.chmod(status.st_mode & 0o7777)
            os.chown(temporary, status.st_uid, status.st_gid)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def user_name(uid: int | None = None) -> str:
    """Name of a user of this machine; the one who runs this program when left out, through sudo as well."""
    if uid is None and (behind := os.environ.get("SUDO_USER")):
        return behind
    number = os.getuid() if uid is None else uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
