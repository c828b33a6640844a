"""`ivr serve` with more calls than one worker carries: starts the workers, watches them, replaces them, ends them.

It decides nothing itself (`ivr.supervisor.fleet` does) and touches no call. It holds neither models nor the SIP
library; workers come from a nursery.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from ivr.admission_watch import AdmissionWatch
from ivr.calls.admission import Counted
from ivr.config import Settings
from ivr.errors import ConfigError, IvrError
from ivr.measures.counters import Counters
from ivr.service_manager import ServiceManager
from ivr.settings import load_settings
from ivr.supervisor.channel import LineChannel, Message
from ivr.supervisor.control import ControlSocket
from ivr.supervisor.database import SharedDatabase
from ivr.supervisor.desk import DeskProcess
from ivr.supervisor.figures import BotFigures
from ivr.supervisor.file_watch import watch
from ivr.supervisor.fleet import Close, Command, Drain, Fleet, Kill, Open, Stage, Start
from ivr.supervisor.gate import Gate, Refuse
from ivr.supervisor.monitoring import AskedWorkers
from ivr.supervisor.nursery_link import NurseryLink, Reports
from ivr.supervisor.slots import Slots, divide, name_of, port_of
from ivr.supervisor.worker_counts import WorkerCounts

TICK_S: Final = 0.5
STOP_LIMIT_S: Final = 8.0
NURSERY_LIMIT_S: Final = 3.0
RELOAD_EVERY_S: Final = 0.1
TAKE_EVERY_S: Final = 0.01

log = structlog.get_logger(__name__)


class Supervisor:
    """One bot of several workers."""

    def __init__(
        self,
        config: Path | None,
        overrides: dict[str, object],
        settings: Settings,
        legs: int,
        say: Callable[[str], None],
        counters: Counters,
    ) -> None:
        """`config` and `overrides` are where `settings` came from; `legs` of one worker; `counters` are those of this
        process. Raises ConfigError.
        """
        self._config, self._overrides, self._settings = config, overrides, settings
        self._say, self._legs = say, legs
        self._slots: Slots = divide(settings, legs)
        self._fleet = Fleet(self._slots.workers, settings.workers.hung_after)
        self.figures = BotFigures(counters, self._fleet)
        self._gate = Gate(settings, self._slots)
        self._counts = WorkerCounts()
        self._admission = AdmissionWatch(
            settings.admission, lambda: self._counts.total, lambda is_on: self._gate.tell(Refuse(is_on)), counters
        )
        self._nursery: NurseryLink | None = None
        self._retired: set[NurseryLink] = set()
        self._channels: dict[int, LineChannel] = {}
        self._origins: dict[int, NurseryLink] = {}
        self._waiting: list[Start] = []
        self._asked = AskedWorkers()
        self._failure = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._ready = asyncio.Event()
        self._all_ended = asyncio.Event()
        self._control = ControlSocket(Path(settings.workers.run_dir), self._answer)
        self._database = SharedDatabase(Path(settings.workers.run_dir))
        self._desk = DeskProcess(settings.web, config, overrides, self._desk_status, say, self._monitor)
        self._since = datetime.now(UTC)

    # --- life

    async def run(self) -> None:
        """Serve until told to stop. Raises IvrError where the workers cannot start."""
        manager = ServiceManager()  # before any child, none of which is to speak for this process
        await self._control.open()
        try:
            self._database.open()
            await self._gate.start()
            self._nursery = await self._new_nursery(self._settings)
            ticking = asyncio.create_task(self._tick())
            if self._settings.metrics.listen:
                self._spawn(self.figures.follow_front(self._gate.figures))
            self._perform(self._fleet.begin(time.monotonic()))
            await self._until_ready()
            self._tell_how_to_call()
            self._spawn(self._admission.run())
            manager.ready(f"answering with {self._slots.workers} workers")
            others = [
                asyncio.create_task(manager.keep_alive()),
                asyncio.create_task(watch(lambda: self._settings, self._flows_changed)),
                asyncio.create_task(self._desk.run()),
            ]
            await self._stop.wait()
            manager.stopping()
            self._say(f"stopping; calls in progress: {self._calls}")
            for task in (ticking, *others):
                task.cancel()
        finally:
            await self._end()

    def stop(self) -> None:
        """End all calls and workers."""
        self._stop.set()
        self._ready.set()

    def renew(self) -> None:
        """Read the settings again and replace all workers, one after the other; wrong ones change nothing."""
        self._spawn(self._renew())

    async def _until_ready(self) -> None:
        await self._ready.wait()
        if self._failure:
            raise IvrError(self._failure)
        await self._gate.settled()

    async def _renew(self) -> None:
        try:
            settings = load_settings(self._config, overrides=self._overrides)
            slots = divide(settings, self._legs)
            nursery = await self._new_nursery(settings)
        except IvrError as error:
            log.error("settings_not_taken", reason=str(error), remedy="the workers go on as they are; correct the file")
            return
        before, self._nursery, self._settings, self._slots = self._nursery, nursery, settings, slots
        self._admission.renew(settings.admission)
        if before is not None:
            self._retired.add(before)
            before.retire()
        log.info("workers_are_replaced", workers=slots.workers)
        self._perform(self._fleet.renew(slots.workers, time.monotonic()))

    async def _end(self) -> None:
        self._fleet.stop()
        await self._control.close()
        await self._desk.close()
        for task in self._tasks:
            task.cancel()
        self._all_ended.clear()  # all may have died at once before
        for channel in self._channels.values():
            channel.send({"do": "stop"})
        if self._channels:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_ended.wait(), STOP_LIMIT_S)
        for slot in list(self._channels):
            log.error("worker_did_not_end", worker=name_of(slot))
            self._kill(slot)
            self._channels.pop(slot).close()
        await self._gate.stop()
        nurseries = [*self._retired, *([self._nursery] if self._nursery else [])]
        for nursery in nurseries:
            nursery.close()
        await asyncio.gather(*(nursery.wait(NURSERY_LIMIT_S) for nursery in nurseries))
        await self._database.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._perform(self._fleet.tick(time.monotonic()))

    # --- nurseries

    async def _new_nursery(self, settings: Settings) -> NurseryLink:
        nursery = NurseryLink(Reports(self._forked, self._nursery_ended, self._flows_prepared), self._database)
        overrides = {**self._overrides, "capacity": settings.capacity}
        config = str(self._config) if self._config else None
        await nursery.start(config, overrides, self._legs, is_first=not self._channels)
        return nursery

    def _nursery_ended(self, nursery: NurseryLink) -> None:
        self._spawn(nursery.wait(NURSERY_LIMIT_S))
        if nursery is self._nursery and not self._fleet.is_stopping:
            self._nursery = None
            log.error("nursery_ended", remedy="another one is started; calls go on")
            if nursery.is_preparing:
                self._spawn(self._reload_all())
            self._spawn(self._replace_nursery())
        self._retired.discard(nursery)

    async def _replace_nursery(self) -> None:
        while self._nursery is None:
            try:
                self._nursery = await self._new_nursery(self._settings)
            except IvrError as error:
                log.error("nursery_failed", reason=str(error))
                await asyncio.sleep(NURSERY_LIMIT_S)
        waiting, self._waiting = self._waiting, []
        self._perform(waiting)

    # --- workers

    def _perform(self, commands: Iterable[Command]) -> None:
        for command in commands:
            match command:
                case Start():
                    self._start(command)
                case Kill(slot):
                    log.error("worker_hangs", worker=name_of(slot), remedy="it is ended and replaced")
                    self._kill(slot)
                case Drain(slot):
                    self._tell(slot, {"do": "drain"})
                case Open() | Close():
                    self._gate.tell(command)
        if self._fleet.is_ready:
            self._ready.set()

    def _start(self, start: Start) -> None:
        try:
            if self._nursery is None:
                raise BrokenPipeError
            ours = self._nursery.fork(start.slot, is_again=start.is_again)
        except OSError:
            self._waiting.append(start)
            return
        slot = start.slot
        self._origins[slot] = self._nursery
        self._channels[slot] = LineChannel(ours, partial(self._heard, slot), partial(self._ended, slot))

    def _forked(self, slot: int, pid: int) -> None:
        self._fleet.forked(slot, pid, time.monotonic())

    def _heard(self, slot: int, message: Message) -> None:
        now_s = time.monotonic()
        match message:
            case {"say": "ready"}:
                self._perform(self._fleet.ready(slot, now_s))
            case {"say": "failed", "reason": reason}:
                log.error("worker_failed", worker=name_of(slot), reason=reason)
                if not self._ready.is_set():
                    self._failure = str(reason)
                    self.stop()
            case {"say": "monitor"}:
                self._asked.heard(slot, message)
            case {"say": "beat", "calls": calls, "legs": legs, "sip_silent_s": silent_s, "counted": counted}:
                self._counts.heard(slot, Counted(*counted))
                self.figures.heard(slot, message)
                self._asked.beat(slot, message)
                self._fleet.beat(slot, now_s, calls=calls, legs=legs, sip_silent_s=silent_s)

    def _ended(self, slot: int) -> None:
        self._channels.pop(slot, None)
        self._origins.pop(slot, None)
        self._counts.ended(slot)
        self._asked.ended(slot)
        commands = self._fleet.ended(slot, time.monotonic())
        is_lost = any(isinstance(command, Close) for command in commands)
        self.figures.ended(slot, is_lost=is_lost)
        if is_lost:
            log.error("worker_died", worker=name_of(slot), remedy="its calls are lost; another one is started")
        self._perform(commands)
        if not self._channels:
            self._all_ended.set()

    def _flows_changed(self) -> None:
        if self._nursery is not None:
            self._nursery.reload()
        else:
            self._spawn(self._reload_all())

    def _flows_prepared(self, nursery: NurseryLink, is_done: bool) -> None:
        if nursery is self._nursery:
            self._spawn(self._reload_all(nursery if is_done else None))

    async def _reload_all(self, nursery: NurseryLink | None = None) -> None:
        """One after the other, so that checking the flows takes no call its processor; the workers of the `nursery`
        take what that has checked.
        """
        for slot in sorted(self._channels):
            if nursery is not None and self._origins.get(slot) is nursery:
                self._tell(slot, {"do": "take", "from": nursery.pid})
                await asyncio.sleep(TAKE_EVERY_S)
            else:
                self._tell(slot, {"do": "reload"})
                await asyncio.sleep(RELOAD_EVERY_S)

    def _kill(self, slot: int) -> None:
        worker = self._fleet.workers.get(slot)
        if worker is not None and worker.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)

    def _tell(self, slot: int, message: Message) -> None:
        if channel := self._channels.get(slot):
            channel.send(message)

    # --- what operators see and ask

    @property
    def _calls(self) -> int:
        return sum(worker.calls for worker in self._fleet.workers.values())

    def _tell_how_to_call(self) -> None:
        if self._stop.is_set():
            return
        settings, slots = self._settings, self._slots
        number = next(iter(settings.numbers), settings.default_flow or "")
        first, last = port_of(settings, 0), port_of(settings, slots.workers - 1)
        self._say(f"workers: {slots.workers} on {settings.workers.address}, ports {first} to {last}")
        self._say("ready " + self._gate.uri.replace("sip:", f"sip:{number}@").removesuffix(":5060"))

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"do": "status"}:
                return {**self._status(), "front": await self._gate.figures()}
            case {"do": "drain", "worker": str(name)}:
                self._perform(self._fleet.replace([self._slot_of(name)], time.monotonic()))
                return {"replacing": [name]}
            case {"do": "drain"}:
                self.renew()
                return {"replacing": [name_of(slot) for slot in sorted(self._fleet.workers)]}
            case {"do": "monitor"}:
                return await self._monitor(request)
        raise IvrError("this bot does not know the request; use the `ivr` of the same release")

    async def _monitor(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return await self._asked.ask(self._channels, request)

    def _slot_of(self, name: str) -> int:
        slots = {name_of(slot): slot for slot in self._fleet.workers}
        if name not in slots:
            raise ConfigError(f"there is no worker {name!r}; there are: {', '.join(sorted(slots)) or 'none'}")
        return slots[name]

    def _status(self) -> dict[str, Any]:
        now_s, now = time.monotonic(), datetime.now(UTC).timestamp()
        workers = [
            {
                "worker": name_of(worker.slot),
                "pid": worker.pid,
                "state": str(worker.stage),
                "calls": worker.calls,
                "legs": worker.legs,
                "since": datetime.fromtimestamp(now - (now_s - worker.since_s), UTC).isoformat(timespec="seconds"),
                "restarts": worker.restarts,
                "sip": f"{self._settings.workers.address}:{port_of(self._settings, worker.slot)}",
            }
            for _, worker in sorted(self._fleet.workers.items())
        ]
        return {
            "since": self._since.isoformat(timespec="seconds"),
            "capacity": self._slots.workers * self._slots.calls_per_worker,
            "calls": self._calls,
            "workers": workers,
            "is_replacing": self._fleet.is_replacing,
            "admission": self._admission.figures(),
        }

    async def _desk_status(self) -> dict[str, object]:
        status = self._status()
        return {
            **{key: status[key] for key in ("calls", "capacity", "since")},
            "is_up": any(worker.stage is Stage.SERVING for worker in self._fleet.workers.values()),
            "problem": "",
            "talks": self._asked.talks,
        }

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
