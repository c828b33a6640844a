"""The flows that a run of conversations needs: each file is read once, however many conversations lie beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ivr.errors import FlowError
from ivr.flow.loader import LoadedFlow
from ivr.flows import flow_files, load_file, load_files


class FlowFiles:
    """Flow files, as they were when they were asked for first."""

    def __init__(self) -> None:
        self._read: dict[Path, LoadedFlow | FlowError] = {}
        self._below: dict[Path, list[Path]] = {}
        self._flows: dict[Path, Mapping[str, LoadedFlow]] = {}

    def below(self, folder: Path) -> list[Path]:
        """The flow files below a folder, in a fixed order."""
        if folder not in self._below:
            self._below[folder] = flow_files(folder)
        return self._below[folder]

    def flows_below(self, folder: Path) -> Mapping[str, LoadedFlow]:
        """Those that can be read, by the name under which they are served."""
        if folder not in self._flows:
            self._flows[folder] = load_files(self.below(folder), self.load).flows
        return self._flows[folder]

    def load(self, file: Path) -> LoadedFlow:
        """One flow file. Raises FlowError with every problem."""
        if file not in self._read:
            try:
                self._read[file] = load_file(file)
            except FlowError as error:
                self._read[file] = error
        found = self._read[file]
        if isinstance(found, FlowError):
            raise FlowError(found.problems)
        return found
