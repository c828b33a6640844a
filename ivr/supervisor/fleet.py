"""What is to be done with the workers: start, replace, end, wait for. Pure: it is told what happened and when.

starting ──ready──► serving ──replaced──► draining ──last call──► gone
    └── ended, or silent and killed: closed in front, started again in its slot, later each time it fails early
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

RESTART_FIRST_S: Final = 0.5
RESTART_LIMIT_S: Final = 30.0
EARLY_S: Final = 10.0
"""A worker that ends so soon after its start is not started again at once."""
START_LIMIT_S: Final = 60.0
"""A worker that is not ready by then hangs."""


def restart_delay_s(failures: int) -> float:
    """How long to wait after so many early ends in a row."""
    return min(RESTART_FIRST_S * 2 ** (failures - 1), RESTART_LIMIT_S) if failures else 0.0


class Stage(StrEnum):
    """Of a worker's life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


@dataclass(slots=True)
class Worker:
    """One worker process, as the supervisor knows it."""

    slot: int
    generation: int
    since_s: float
    heard_s: float
    """When it gave its last sign of life."""
    restarts: int = 0
    replaces: int | None = None
    """Slot of the worker that this one is to take the place of."""
    stage: Stage = Stage.STARTING
    pid: int = 0
    calls: int = 0
    legs: int = 0
    is_killed: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """Fork a worker."""

    slot: int
    generation: int
    is_again: bool = False
    """The one before it in this slot died: its calls are lost."""


@dataclass(frozen=True, slots=True)
class Kill:
    """End a worker that hangs."""

    slot: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Have a worker end with its last call."""

    slot: int


@dataclass(frozen=True, slots=True)
class Open:
    """Let the front give it new calls."""

    slot: int


@dataclass(frozen=True, slots=True)
class Close:
    """Let the front give it no new calls."""

    slot: int
    is_dead: bool


Command = Start | Kill | Drain | Open | Close


@dataclass(frozen=True, slots=True)
class _Due:
    """A worker that is to be started again."""

    at_s: float
    restarts: int
    replaces: int | None


@dataclass(slots=True)
class Fleet:
    """All workers. Instants are seconds of one clock that never jumps."""

    wanted: int
    hung_after_s: float
    generation: int = 1
    """Workers of an earlier one have other settings."""
    is_stopping: bool = False
    _workers: dict[int, Worker] = field(default_factory=dict)
    _due: dict[int, _Due] = field(default_factory=dict)
    _failures: dict[int, int] = field(default_factory=dict)
    _to_replace: list[int] = field(default_factory=list)

    @property
    def workers(self) -> Mapping[int, Worker]:
        """By slot."""
        return MappingProxyType(self._workers)

    @property
    def is_ready(self) -> bool:
        """Whether all that are wanted take calls."""
        return sum(worker.stage is Stage.SERVING for worker in self._workers.values()) >= self.wanted

    @property
    def is_replacing(self) -> bool:
        """Whether some are still to be replaced."""
        return bool(self._to_replace) or self._has_successor()

    # --- what happened

    def begin(self, now_s: float) -> list[Command]:
        """Start all workers."""
        return [self._start(slot, now_s) for slot in range(self.wanted)]

    def forked(self, slot: int, pid: int, now_s: float) -> None:
        """The process is there."""
        if worker := self._workers.get(slot):
            worker.pid, worker.heard_s = pid, now_s

    def ready(self, slot: int, now_s: float) -> list[Command]:
        """The worker takes calls."""
        worker = self._workers.get(slot)
        if worker is None or worker.stage is not Stage.STARTING:
            return []
        worker.stage, worker.heard_s = Stage.SERVING, now_s
        before, worker.replaces = worker.replaces, None
        commands: list[Command] = [Open(slot)]
        if before is not None:
            commands += self._drain(before)
        return commands + self._go_on(now_s)

    def beat(self, slot: int, now_s: float, *, calls: int, legs: int, sip_silent_s: float) -> None:
        """The worker says how it is; its SIP thread has done nothing for `sip_silent_s`."""
        if worker := self._workers.get(slot):
            worker.calls, worker.legs = calls, legs
            if sip_silent_s < self.hung_after_s:
                worker.heard_s = now_s

    def ended(self, slot: int, now_s: float) -> list[Command]:
        """The process is gone, for whatever reason."""
        worker = self._workers.pop(slot, None)
        if worker is None or self.is_stopping:
            return []
        if worker.stage is Stage.DRAINING:
            return self._go_on(now_s)
        if slot in self._to_replace:  # the next one is of the newest generation
            self._to_replace.remove(slot)
        return [Close(slot, is_dead=True), *self._again(worker, now_s)]

    def tick(self, now_s: float) -> list[Command]:
        """Time has passed."""
        if self.is_stopping:
            return []
        hung = [worker for worker in self._workers.values() if self._hangs(worker, now_s)]
        for worker in hung:
            worker.is_killed = True
        due = [slot for slot, each in self._due.items() if each.at_s <= now_s]
        starts = [self._restart(slot, now_s) for slot in due]
        return [*(Kill(worker.slot) for worker in hung), *starts, *self._go_on(now_s)]

    # --- what was asked for

    def replace(self, slots: Iterable[int] | None, now_s: float) -> list[Command]:
        """Give these workers (None: all) successors, one after the other."""
        wished = list(self._workers) if slots is None else slots
        serving = [slot for slot in wished if slot in self._workers and self._workers[slot].stage is not Stage.DRAINING]
        self._to_replace += [slot for slot in serving if slot not in self._to_replace]
        return self._go_on(now_s)

    def renew(self, wanted: int, now_s: float) -> list[Command]:
        """Replace all by workers with new settings, and by as many as are wanted now."""
        self.generation, self.wanted = self.generation + 1, wanted
        active = sorted(slot for slot, worker in self._workers.items() if self._is_counted(worker))
        surplus = active[wanted:]
        commands = [command for slot in surplus for command in self._drain(slot)]
        missing = wanted - len(active) - len(self._due)
        starts = [self._start(self._free_slot(), now_s) for _ in range(missing)]
        return [*starts, *commands, *self.replace(active[:wanted], now_s)]

    def stop(self) -> None:
        """Nothing is started any more."""
        self.is_stopping = True

    # --- parts

    def _start(self, slot: int, now_s: float, *, restarts: int = 0, replaces: int | None = None) -> Start:
        self._workers[slot] = Worker(slot, self.generation, now_s, now_s, restarts, replaces)
        return Start(slot, self.generation, is_again=restarts > 0)

    def _restart(self, slot: int, now_s: float) -> Start:
        due = self._due.pop(slot)
        return self._start(slot, now_s, restarts=due.restarts, replaces=due.replaces)

    def _again(self, worker: Worker, now_s: float) -> Sequence[Command]:
        is_early = worker.stage is Stage.STARTING or now_s - worker.since_s < EARLY_S
        failures = self._failures[worker.slot] = self._failures.get(worker.slot, 0) + 1 if is_early else 0
        delay_s = restart_delay_s(failures)
        self._due[worker.slot] = _Due(now_s + delay_s, worker.restarts + 1, worker.replaces)
        return [self._restart(worker.slot, now_s)] if not delay_s else []

    def _hangs(self, worker: Worker, now_s: float) -> bool:
        limit_s = START_LIMIT_S if worker.stage is Stage.STARTING else self.hung_after_s
        return not worker.is_killed and now_s - worker.heard_s > limit_s

    def _drain(self, slot: int) -> list[Command]:
        worker = self._workers.get(slot)
        if worker is None or worker.stage is Stage.DRAINING:
            return []
        worker.stage = Stage.DRAINING
        return [Close(slot, is_dead=False), Drain(slot)]

    def _go_on(self, now_s: float) -> list[Command]:
        """The next successor, when there is none on its way and there is a slot for it."""
        self._to_replace = [slot for slot in self._to_replace if slot in self._workers]
        if not self._to_replace or self._has_successor() or self._free_slot() >= 2 * self.wanted:
            return []
        return [self._start(self._free_slot(), now_s, replaces=self._to_replace.pop(0))]

    def _has_successor(self) -> bool:
        predecessors = [worker.replaces for worker in self._workers.values()]
        predecessors += [due.replaces for due in self._due.values()]
        return any(slot is not None for slot in predecessors)

    def _free_slot(self) -> int:
        taken = self._workers.keys() | self._due.keys()
        return next(slot for slot in range(len(taken) + 1) if slot not in taken)

    @staticmethod
    def _is_counted(worker: Worker) -> bool:
        return worker.stage is not Stage.DRAINING and worker.replaces is None
