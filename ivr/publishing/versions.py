"""The versions of every flow that were in service: a folder, shared by all workers and commands of one bot.

    var/flows/NAME/index.json        what was in service since when, oldest first
    var/flows/NAME/VERSION.yaml      the content, named by its hash

A folder and not the database: it works while the database is away, and can be read with an editor. Files are replaced
in one step, writers take turns by a lock on `var/flows/.lock`, readers need none.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import structlog

from ivr.errors import PublishingError
from ivr.flow.loader import content_version
from ivr.publishing.files import write_atomically

log = structlog.get_logger(__name__)

INDEX = "index.json"
SET_ASIDE = "set aside"
"""`how` of a content that was never in service: unpublished work that a rollback or a publication replaced."""
REMOVED = "removed"
"""`how` of the end of a flow."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One line of a flow's history."""

    version: str
    at: datetime
    """UTC."""
    who: str
    how: str
    """`first seen`, `edited`, `published`, `rolled back`, `removed` or `set aside`."""
    file: str
    """Where the content came from."""


class VersionStore:
    """Kept versions. Every method raises PublishingError where the folder cannot be used."""

    def __init__(self, folder: Path, keep: int = 50) -> None:
        """Makes nothing yet; `keep` lines of history per flow."""
        self.folder = folder
        self._keep = keep

    def names(self) -> list[str]:
        """Flows that have a history."""
        with self._told("read"):
            return sorted(index.parent.name for index in self.folder.glob(f"*/{INDEX}"))

    def history(self, name: str) -> list[Publication]:
        """Of one flow, newest first; empty where there is none."""
        with self._told("read"):
            return list(reversed(self._read(name)))

    def published(self) -> dict[str, Publication]:
        """What was last in service, by name; without flows that were removed, or whose history is damaged."""
        found: dict[str, Publication] = {}
        for name in self.names():
            try:
                entry = served(self.history(name))
            except PublishingError as error:
                log.warning("history_not_read", flow=name, reason=str(error))
            else:
                found |= {name: entry} if entry else {}
        return found

    def content(self, name: str, version: str) -> bytes:
        """The file as it was, byte for byte."""
        file = self._content_file(name, version)
        with self._told("read"):
            content = file.read_bytes()
        if content_version(content) != version:
            raise PublishingError(f"{file} was changed by hand; it is not version {version} any more, remove it")
        return content

    def find(self, name: str, beginning: str) -> str:
        """The version whose hash begins so. Raises PublishingError where there is none, or several."""
        history = self.history(name)
        if not history:
            raise PublishingError(f"no version of {name!r} is kept in {self.folder}; `ivr flows` lists the flows")
        found = list(dict.fromkeys(entry.version for entry in history if entry.version.startswith(beginning.lower())))
        if len(found) == 1:
            return found[0]
        problem = "no version" if not found else f"more than one version ({', '.join(found)})"
        raise PublishingError(f"{problem} of {name!r} begins with {beginning!r}; see `ivr flows versions {name}`")

    def record(self, name: str, content: bytes, entry: Publication) -> bool:
        """Keep a version; False where it is what is in service already (another worker was faster)."""
        with self._told("written"), self._locked():
            history = self._read(name)
            now = served(reversed(history))
            if entry.how != SET_ASIDE and now is not None and now.version == entry.version:
                return False
            file = self._content_file(name, entry.version)
            file.parent.mkdir(exist_ok=True)
            write_atomically(file, content)
            self._write(name, [*history, entry])
        return True

    def record_removed(self, name: str, entry: Publication) -> None:
        """The flow is out of service; its versions stay."""
        with self._told("written"), self._locked():
            history = self._read(name)
            if served(reversed(history)) is not None:
                self._write(name, [*history, entry])

    # --- files

    def _content_file(self, name: str, version: str) -> Path:
        return self.folder / name / f"{version}.yaml"

    def _read(self, name: str) -> list[Publication]:
        file = self.folder / name / INDEX
        try:
            return [_publication(line) for line in json.loads(file.read_text(encoding="utf-8"))["history"]]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise PublishingError(
                f"{file} cannot be read ({error}); correct it or remove it: the history begins anew"
            ) from error

    def _write(self, name: str, history: list[Publication]) -> None:
        kept = history[-self._keep :]
        if (now := served(reversed(history))) is not None and now not in kept:
            kept = [now, *kept[1:]]
        lines = [{**asdict(entry), "at": entry.at.isoformat()} for entry in kept]
        text = json.dumps({"flow": name, "history": lines}, ensure_ascii=False, indent=1)
        write_atomically(self.folder / name / INDEX, text.encode())
        versions = {entry.version for entry in kept}
        for file in (self.folder / name).glob("*.yaml"):
            if file.stem not in versions:
                file.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = error.filename or self.folder
            raise PublishingError(
                f"{place}: kept versions cannot be {done} ({error.strerror}); "
                "check the rights, or set publishing.versions_dir"
            ) from error


def served(newest_first: Iterator[Publication] | list[Publication]) -> Publication | None:
    """The line of a history that is in service; None where the flow was removed, or never was."""
    for entry in newest_first:
        if entry.how != SET_ASIDE:
            return None if entry.how == REMOVED else entry
    return None


def _publication(line: Mapping[str, str]) -> Publication:
    return Publication(line["version"], datetime.fromisoformat(line["at"]), line["who"], line["how"], line["file"])
