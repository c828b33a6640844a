"""The process that workers are forked from: it has loaded libraries, models, flows and prompts, and runs nothing else.

It is single-threaded and has no event loop, so that a fork of it is clean at any time. It stays when the supervisor's
other work goes wrong, and a new one is made for new settings: `python -m ivr.supervisor.nursery DESCRIPTOR`.

    -> {"config": …, "overrides": {…}, "legs": 4, "is_first": true, "database": …}     once
    -> {"do": "fork", "slot": 3, "is_again": false} and the worker's end of its channel
    -> {"do": "reload"}                                       look at the flows, for all workers
    -> {"do": "retire"}                                       end with the last of the workers
    <- {"say": "loaded"} or {"say": "failed", "reason": …} · {"say": "forked", "slot": 3, "pid": 4711}
    <- {"say": "prepared", "is_done": true, "is_last": true}  workers take the flows, or read them themselves
"""

from __future__ import annotations

import ivr.cli.worker  # noqa: F401  # before asyncio and structlog: it sees to it that they are small

# isort: split
import asyncio
import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import structlog

from ivr.app import Bot, Prepared, make_recognizer
from ivr.app_services import ServicesOfWorker
from ivr.config import Settings
from ivr.errors import IvrError
from ivr.logs import configure_logs
from ivr.memory import limit_arenas, settle
from ivr.ports import Recognizer
from ivr.settings import load_settings
from ivr.storage.call_log import make_ready, worker_name
from ivr.supervisor.gaps import FilledGaps
from ivr.supervisor.handover import Handover
from ivr.supervisor.slots import Slots, divide, name_of, settings_of
from ivr.supervisor.worker import Task, ignore_terminal, leave, records_name, run

MESSAGE_LIMIT: Final = 65_536
LEFT_LIMIT_S: Final = 8.0
"""Workers end by themselves when the supervisor is gone; what is left after this time hangs."""

log = structlog.get_logger(__name__)


class Nursery:
    """Loads once, forks when told to."""

    def __init__(
        self,
        line: socket.socket,
        settings: Settings,
        slots: Slots,
        recognizer: Recognizer | None,
        prepared: Prepared | None,
        *,
        database: Path,
        database_is_ready: bool,
    ) -> None:
        self._line, self._settings, self._slots, self._recognizer = line, settings, slots, recognizer
        self._database, self._database_is_ready = database, database_is_ready
        self._prepared = prepared
        self._gaps = FilledGaps()
        self._handover = Handover()
        self._children: set[int] = set()
        self._scout = self._scout_status = 0
        self._is_outdated = False
        self._is_retired = False

    def serve(self) -> None:
        """Fork until the supervisor is gone; then see to it that no worker is left."""
        woken, wakes = socket.socketpair()
        woken.setblocking(False)
        wakes.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._line, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            is_led = True
            while is_led and not (self._is_retired and not self._children):
                ready = {key.fileobj for key, _ in selector.select()}
                with contextlib.suppress(BlockingIOError):
                    woken.recv(MESSAGE_LIMIT)
                self._bury()
                self._follow_scout((woken, wakes, selector))
                is_led = self._line not in ready or self._obey((woken, wakes, selector))
        self._end_left()

    def _obey(self, own: tuple[Any, ...]) -> bool:
        """One order; False when nobody gives any more."""
        data, descriptors, _, _ = socket.recv_fds(self._line, MESSAGE_LIMIT, 1)
        if not data:
            return False
        order = json.loads(data)
        if order["do"] == "retire":
            self._is_retired = True
            return True
        if order["do"] == "reload":
            self._is_outdated = True
            self._follow_scout(own)
            return True
        settings = settings_of(self._settings, self._slots, int(order["slot"]))
        channel = socket.socket(fileno=descriptors[0])
        is_ready = self._database_is_ready and not order["is_again"]  # else it has lost calls to close
        name, recognizer = name_of(order["slot"]), self._recognizer
        task = Task(name, settings, recognizer, channel, self._database, is_ready, self._prepared, self._handover)
        pid = self._fork(lambda: run(task), own)
        channel.close()
        self._line.send(json.dumps({"say": "forked", "slot": order["slot"], "pid": pid}).encode())
        return True

    def _fork(self, work: Callable[[], int], own: tuple[Any, ...]) -> int:
        """The new process, which does the work and ends with the status that it gives."""
        if pid := os.fork():
            self._children.add(pid)
            return pid
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            for each in (*own, self._line):
                each.close()
            status = work()
        except Exception:
            log.exception("worker_failed")
        finally:
            leave(status)

    def _follow_scout(self, own: tuple[Any, ...]) -> None:
        """Take changed flows, once a process of its own has rendered their prompts: no fork is to wait for that."""
        if self._scout in self._children:
            return
        if self._scout:
            self._scout = 0
            self._gaps.release()
            if is_done := self._scout_status == 0:  # else workers find that the files are others, and read them
                self._prepared = _taken(self._handover, self._prepared, self._settings)
            settle()
            self._gaps = FilledGaps()
            self._line.send(
                json.dumps({"say": "prepared", "is_done": is_done, "is_last": not self._is_outdated}).encode()
            )
        if self._is_outdated:
            self._is_outdated = False
            self._scout = self._fork(lambda: _scouted(self._settings, self._prepared, self._handover), own)

    def _bury(self) -> None:
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._children.discard(pid)
                self._scout_status = status if pid == self._scout else self._scout_status

    def _end_left(self) -> None:
        give_up_s = time.monotonic() + LEFT_LIMIT_S
        while self._children and time.monotonic() < give_up_s:
            time.sleep(0.05)
            self._bury()
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Load what the first message names; then serve."""
    ignore_terminal()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    limit_arenas()
    line = socket.socket(fileno=int(sys.argv[1]))
    try:
        nursery = _loaded(line, json.loads(line.recv(MESSAGE_LIMIT)))
    except IvrError as error:
        line.send(json.dumps({"say": "failed", "reason": str(error)}).encode())
        sys.exit(1)
    line.send(json.dumps({"say": "loaded"}).encode())
    nursery.serve()


def _loaded(line: socket.socket, what: dict[str, Any]) -> Nursery:
    settings = load_settings(Path(what["config"]) if what["config"] else None, overrides=what["overrides"])
    configure_logs(settings.log, "nursery")
    slots = divide(settings, what["legs"])
    # Later ones find workers of these names alive, whose calls are not lost.
    names = [worker_name(records_name(name_of(slot))) for slot in range(slots.count)] if what["is_first"] else []
    with ThreadPoolExecutor(1) as aside:  # it waits for another process, for a second
        making_ready = aside.submit(make_ready, settings.database, names)
        recognizer = make_recognizer(settings, _say)
        prepared = asyncio.run(_prepare(settings, _say))
        database_is_ready = making_ready.result()
    settle()
    database = Path(what["database"])
    return Nursery(line, settings, slots, recognizer, prepared, database=database, database_is_ready=database_is_ready)


def _scouted(settings: Settings, before: Prepared | None, handover: Handover) -> int:
    """Read, check and render the flows as they are now; the exit status."""
    try:
        handover.write(asyncio.run(_prepare(settings, lambda line: None, before)))
    except Exception:
        log.exception("flows_not_prepared", remedy="each worker reads them itself")
        return 1
    log.debug("flows_prepared")
    return 0


def _taken(handover: Handover, before: Prepared | None, settings: Settings) -> Prepared | None:
    """What was handed over, for the workers that are forked from now on; what it needs is loaded."""
    try:
        if given := handover.read():
            prepared = given.unpacked(before)
            asyncio.run(_load_services(settings, prepared))
            return prepared
    except Exception:
        log.exception("flows_not_taken_over", remedy="workers that are started from now on read them themselves")
    return before


def _use_no_threads() -> None:
    asyncio.get_running_loop().set_default_executor(_NoThreads())


async def _load_services(settings: Settings, prepared: Prepared) -> None:
    _use_no_threads()
    services = ServicesOfWorker(settings, lambda *_: None)
    await services.load(each.flow for each in prepared.flows.served.values())
    await services.stop()


class _NoThreads(ThreadPoolExecutor):
    """Does everything at once, on the loop's own thread.

    What another thread makes lies in a heap of its own among what it let go, and the first thread of each worker would
    go on there: 1 MB of shared pages that each would take for itself.
    """

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        done = Future[Any]()
        try:
            done.set_result(work(*given, **named))
        except Exception as error:
            done.set_exception(error)
        return done


async def _prepare(settings: Settings, say: Callable[[str], None], before: Prepared | None = None) -> Prepared:
    """Read and check the flows and render their prompts, once for all workers, and load what that takes."""
    _use_no_threads()
    bot = Bot(settings, say, recognizer=lambda *_: None, worker="ivr-nursery")
    try:
        return await bot.prepare(before)
    finally:
        await bot.stop()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
