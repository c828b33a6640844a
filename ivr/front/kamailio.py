"""The front as a running process: Kamailio, started, told about workers, watched, started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from ivr.config import Settings
from ivr.front.addresses import host_that_leads_out, registrar_addresses
from ivr.front.config import MAX_WORKERS, Surroundings, public_host, render
from ivr.front.figures import (
    FrontFigures,
    failovers_of,
    refused_of,
    replies_of,
    statistics_of,
    table_of,
)
from ivr.front.fleet import Fleet
from ivr.front.registration import Registration, registrations
from ivr.front.rpc import ControlSocket, FrontFailed
from ivr.front.workers import WorkerAddress

PACKAGES: Final = "kamailio kamailio-tls-modules kamailio-websocket-modules"
_START_LIMIT_S: Final = 10.0
_STOP_LIMIT_S: Final = 3.0
_LOOK_EVERY_S: Final = 0.05
_RESTART_AFTER_S: Final = 0.2
_LONGEST_RESTART_DELAY_S: Final = 10.0
_VERSION_TABLE: Final = "table_name(string) table_version(int) \nuacreg:5\n"
_EMPTY_TABLE: Final = (
    "id(int,auto) l_uuid(string) l_username(string) l_domain(string) r_username(string) r_domain(string) realm(string) "
    "auth_username(string) auth_password(string) auth_ha1(string) auth_proxy(string) expires(int) flags(int) "
    "reg_delay(int) contact_addr(string) socket(string) \n"
)
"""Kamailio registers only where it has a table of accounts; ours stays empty, passwords go over the control socket."""

log = structlog.get_logger(__name__)


class Front:
    """Kamailio in front of the workers. All methods belong to one event loop.

    How a supervisor uses it:

        front = Front(settings)
        async with front:                                   # start(), stop()
            await front.set_workers([WorkerAddress("w1", "127.0.0.1", 5200, 4), …])
            await front.drain("w1")                         # no new call; those that it has go on
            await front.mark_down("w1")                     # it died: no new call, and its load is forgotten
            await front.restore("w1")                       # calls again
            print(await front.figures())

    Each worker must have `sip.front` set to `front.inner_address`: it then dials through the front, does not register,
    and believes the front about where a call comes from. What is said about workers is kept here and said again to a
    Kamailio that had to be restarted.
    """

    def __init__(self, settings: Settings) -> None:
        """Starts nothing."""
        self._settings = settings
        self._mask_key = secrets.token_hex(16)
        self._fleet = Fleet()
        self._registrations: tuple[Registration, ...] = ()
        self._run_dir: Path | None = None
        self._control: ControlSocket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._is_up = asyncio.Event()
        self.restarts = 0
        """How often Kamailio had to be started again."""

    @property
    def inner_address(self) -> str:
        """`host:port` at which workers reach the front: their outbound proxy (`sip.front`)."""
        return f"{self._settings.front.inner_address}:{self._settings.front.inner_port}"

    @property
    def public_uri(self) -> str:
        """Where callers reach it, as `sip:host:port`."""
        return f"sip:{public_host(self._settings.sip, host_that_leads_out())}:{self._settings.sip.port}"

    @property
    def is_up(self) -> bool:
        """Whether it answers: false while it starts and between a crash and the restart."""
        return self._is_up.is_set()

    @property
    def pid(self) -> int | None:
        """Kamailio's main process."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> Front:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Returns when Kamailio answers. Raises FrontFailed (not installed, address in use, …), ConfigError."""
        if shutil.which("kamailio") is None:
            raise FrontFailed(
                f"more calls than one worker takes need Kamailio, which is not installed: apt-get install {PACKAGES}"
            )
        self._run_dir = Path(tempfile.mkdtemp(prefix="ivr-front-"))  # 0700
        try:
            await self._write_files(self._run_dir)
            self._control = ControlSocket(self._run_dir / "rpc.sock")
            self._control.open()
            await self._begin()
        except BaseException:
            await self.stop()
            raise
        self._tasks.append(asyncio.create_task(self._watch(), name="front-watch"))

    async def stop(self) -> None:
        """Unregister the accounts, end Kamailio, remove its files. Idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._is_up.is_set():
            await self._unregister()
        await self._end()
        if self._control is not None:
            self._control.close()
        if self._run_dir is not None:
            shutil.rmtree(self._run_dir, ignore_errors=True)
            self._run_dir = None

    # --- workers

    async def set_workers(self, workers: Sequence[WorkerAddress]) -> None:
        """These, and no others, take new calls; calls of the others go on. Those known before keep their state.

        Raises ValueError where there are more than 8000.
        """
        if len(workers) > MAX_WORKERS:
            raise ValueError(f"{len(workers)} workers are more than a front can list ({MAX_WORKERS})")
        await self._tell(self._fleet.set_workers(workers))

    async def mark_down(self, name: str) -> None:
        """The worker is dead: no new call, and the calls that it had are gone. Raises KeyError."""
        await self._tell(self._fleet.mark_down(name))

    async def drain(self, name: str) -> None:
        """No new call; the calls that it has go on. Raises KeyError."""
        await self._tell(self._fleet.drain(name))

    async def restore(self, name: str) -> None:
        """New calls again. Raises KeyError."""
        await self._tell(self._fleet.restore(name))

    async def refuse_new_calls(self, is_on: bool) -> None:
        """Refuse them all with 503 and Retry-After, or lead them to the workers again; calls in progress go on."""
        await self._tell(self._fleet.refuse_new_calls(is_on))

    async def set_taken_by_others(self, legs: Mapping[str, int]) -> None:
        """Places that fronts of other nodes have given away, by the worker's `host:port`; none of the others."""
        await self._tell(self._fleet.set_taken_by_others(legs))

    async def legs(self) -> dict[str, int]:
        """What this front has given to each listed worker, by `host:port`. Raises FrontFailed while it is away."""
        loads = table_of(await self._ask("htable.dump", "w_load"))
        return {place.worker.address: int(loads.get(str(place.number), 0)) for place in self._fleet.places()}

    async def figures(self) -> FrontFigures:
        """What was counted. Raises FrontFailed while the front is away."""
        counts = table_of(await self._ask("htable.dump", "counts"))
        legs = await self.legs()
        statistics = statistics_of(await self._ask("stats.get_statistics", "core:", "tmx:"))
        return FrontFigures(
            requests=statistics.get("rcv_requests", 0),
            replies=replies_of(statistics),
            in_progress=statistics.get("inuse_transactions", 0),
            refused=refused_of(counts),
            failovers=failovers_of(counts),
            workers=self._fleet.loads(legs),
            registered=await self._registered(),
        )

    async def _tell(self, commands: Sequence[tuple[str, str, str | int]]) -> None:
        """Write into Kamailio's tables; a Kamailio that is away is told everything when it is back."""
        if self._is_up.is_set():
            await self._write(commands)

    async def _write(self, commands: Sequence[tuple[str, str, str | int]]) -> None:
        for table, key, value in commands:
            await self._ask("htable.seti" if isinstance(value, int) else "htable.sets", table, key, value)

    async def _ask(self, method: str, *parameters: str | int) -> Any:
        if self._control is None:
            raise FrontFailed("the front has not been started")
        return await self._control.ask(method, *parameters)

    # --- accounts

    async def _register(self) -> None:
        for registration in self._registrations:
            await self._ask("uac.reg_add", *registration.parameters())

    async def _unregister(self) -> None:
        for registration in self._registrations:
            with contextlib.suppress(FrontFailed):
                await self._ask("uac.reg_unregister", "l_uuid", registration.user)
        if self._registrations:
            await asyncio.sleep(0.3)  # the request is sent by another process

    async def _registered(self) -> dict[str, bool]:
        if not self._registrations:
            return {}
        found = {str(item["l_uuid"]): int(item["flags"]) for item in await self._ask("uac.reg_dump") or ()}
        return {entry.account: entry.is_online(found.get(entry.user, 0)) for entry in self._registrations}

    # --- the process

    async def _write_files(self, run_dir: Path) -> None:
        host = host_that_leads_out()
        registrars = await asyncio.to_thread(registrar_addresses, self._settings)
        surroundings = Surroundings(str(run_dir), host, self._mask_key, registrars)
        self._registrations = registrations(self._settings, public_host(self._settings.sip, host))
        (run_dir / "db").mkdir()
        (run_dir / "db" / "version").write_text(_VERSION_TABLE)
        (run_dir / "db" / "uacreg").write_text(_EMPTY_TABLE)
        (run_dir / "front.cfg").write_text(render(self._settings, surroundings))

    def _command(self, run_dir: Path) -> list[str]:
        memory = ["-m", str(self._settings.front.memory_mb), "-M", "8"]
        kamailio = ["kamailio", "-DD", "-E", "-f", str(run_dir / "front.cfg"), "-Y", str(run_dir), *memory]
        with_us = shutil.which("setpriv")  # of util-linux: the front ends with this process, whatever ends that
        return [with_us, "--pdeathsig", "TERM", *kamailio] if with_us else kamailio

    async def _begin(self) -> None:
        """Start Kamailio and tell it all that it has to know."""
        assert self._run_dir is not None
        (self._run_dir / "rpc.sock").unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *self._command(self._run_dir),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the supervisor, which lets calls end first
        )
        said: list[str] = []
        self._tasks.append(asyncio.create_task(self._read_log(self._process, said), name="front-log"))
        await self._until_it_answers(self._process, said)
        await self._write(self._fleet.everything())
        await self._register()
        self._is_up.set()
        log.info("front.up", pid=self._process.pid, inner=self.inner_address)

    async def _until_it_answers(self, process: asyncio.subprocess.Process, said: list[str]) -> None:
        give_up_s = asyncio.get_running_loop().time() + _START_LIMIT_S
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if process.returncode is not None:
                raise FrontFailed(f"Kamailio did not start: {_reason(said)}")
            with contextlib.suppress(FrontFailed):
                await self._ask("core.uptime")
                return
            if asyncio.get_running_loop().time() > give_up_s:
                raise FrontFailed(f"Kamailio did not answer within {_START_LIMIT_S:g} s: {_reason(said)}")

    async def _read_log(self, process: asyncio.subprocess.Process, said: list[str]) -> None:
        """Its log becomes ours; the last lines are kept, to say why it did not start."""
        assert process.stderr is not None
        async for line in process.stderr:
            text = line.decode(errors="replace").strip()
            said.append(text)
            del said[:-50]
            if "ERROR" in text or "CRITICAL" in text:
                log.error("front.says", text=text)
            elif "WARNING" in text and self._is_up.is_set():
                log.warning("front.says", text=text)
            elif text:
                log.debug("front.says", text=text)

    async def _watch(self) -> None:
        """Start it again whenever it ends; calls that go on need nothing of what the process knew."""
        delay_s = _RESTART_AFTER_S
        while True:
            assert self._process is not None
            await _exit_of(self._process.pid)
            await self._end()
            self.restarts += 1
            log.error("front.ended", status=self._process.returncode, restarts_in_s=delay_s)
            await asyncio.sleep(delay_s)
            try:
                await self._begin()
                delay_s = _RESTART_AFTER_S
            except FrontFailed as error:
                log.error("front.does_not_start", reason=str(error))
                delay_s = min(2 * delay_s, _LONGEST_RESTART_DELAY_S)

    async def _end(self) -> None:
        """End the process with all its children."""
        self._is_up.clear()
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, TimeoutError):
                process.terminate()
                await asyncio.wait_for(_exit_of(process.pid), _STOP_LIMIT_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)  # what it left behind, when it was killed
        await process.wait()


async def _exit_of(pid: int) -> None:
    """Until the process has ended. `wait()` would go on until its children have closed their end of the log, too."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _reason(said: Sequence[str]) -> str:
    wrong = [line for line in said if "ERROR" in line or "CRITICAL" in line]
    return (wrong or list(said) or ["it said nothing"])[0]


def masked_config(settings: Settings) -> str:
    """The configuration as `ivr front config` shows it. Names are not looked up. Raises ConfigError."""
    return render(settings, Surroundings("/run/ivr-front", host_that_leads_out()))
