"""The process behind `ivr serve`. Does without the libraries of the command line, which would stay in memory."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ivr.memory import limit_arenas, settle, with_plain_names, without, without_plugins

# 4 MB for tracebacks in colour; 5 MB for OpenSSL, which nothing here needs: SIP over TLS and PostgreSQL bring their
# own, and Python has its own SHA-256. asyncio of this process cannot speak TLS.
with without("rich"), without("ssl"), without("_hashlib"):
    import asyncio
    import hashlib  # noqa: F401
    import hmac  # noqa: F401

    import structlog  # noqa: F401

without_plugins()
with_plain_names()

if TYPE_CHECKING:
    from collections.abc import Callable

    from ivr.app import Bot
    from ivr.config import Settings
    from ivr.measures.counters import Counters, Snapshot
    from ivr.supervisor.control import ControlSocket
    from ivr.supervisor.supervisor import Supervisor


def run(config: Path | None, capacity: int | None = None) -> int:
    """Answer calls until SIGTERM or Ctrl-C; the exit status. `capacity` goes before what the settings say."""
    from ivr.errors import IvrError
    from ivr.logs import configure_logs
    from ivr.measures.counters import Counters
    from ivr.settings import load_settings

    limit_arenas()
    try:
        overrides: dict[str, object] = {"capacity": capacity}
        settings, counters = load_settings(config, overrides=overrides), Counters()
        configure_logs(settings.log, measures=counters)
        supervisor = _supervised(config, overrides, settings, counters)
        with _metrics(settings, supervisor.figures.snapshot if supervisor else counters.snapshot):
            asyncio.run(_supervise(supervisor) if supervisor else _serve(config, overrides, settings, counters))
    except IvrError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def _metrics(settings: Settings, read: Callable[[], Snapshot]) -> Iterator[None]:
    """Figures for Prometheus, where the settings ask for them. Raises ConfigError."""
    if settings.metrics.address is None:
        yield
        return
    from ivr.measures.server import MetricsServer

    server = MetricsServer(*settings.metrics.address, read)
    server.start()
    try:
        yield
    finally:
        server.close()


def _supervised(
    config: Path | None, overrides: dict[str, object], settings: Settings, counters: Counters
) -> Supervisor | None:
    """What leads workers, where one does not carry the capacity or is to help other nodes. Raises ConfigError,
    TelephonyError.
    """
    if settings.capacity in (None, 1) and not settings.front.other_nodes:  # any worker carries that
        return None
    from ivr.supervisor.library import legs_of_worker
    from ivr.supervisor.slots import calls_of_worker

    legs = legs_of_worker()
    if (settings.capacity or 1) <= calls_of_worker(settings.sip, legs) and not settings.front.other_nodes:
        return None
    from ivr.supervisor.supervisor import Supervisor

    return Supervisor(config, overrides, settings, legs, _say, counters)


async def _supervise(supervisor: Supervisor) -> None:
    _follow_signals(supervisor.renew, supervisor.stop)
    await supervisor.run()


async def _serve(config: Path | None, overrides: dict[str, object], settings: Settings, counters: Counters) -> None:
    from ivr.app import Bot
    from ivr.service_manager import ServiceManager
    from ivr.supervisor.desk import DeskProcess
    from ivr.supervisor.monitoring import asked_of_one

    stop, manager = asyncio.Event(), ServiceManager()
    bot = Bot(settings, _say, measures=counters)
    desk = DeskProcess(settings.web, config, overrides, bot.status, _say, partial(asked_of_one, bot.monitor))
    control = _control(settings, bot)
    _follow_signals(bot.reload, stop.set)
    try:
        if control is not None:
            await control.open()
        await bot.start()
        settle()
        _tell_how_to_call(bot.sip_uri, settings)
        manager.ready(f"answering at {bot.sip_uri}")
        others = [asyncio.create_task(manager.keep_alive()), asyncio.create_task(desk.run())]
        await stop.wait()
        for task in others:
            task.cancel()
        manager.stopping()
        _say(f"stopping; calls in progress: {bot.call_count}")
    finally:
        if control is not None:
            await control.close()
        await bot.stop()
        await desk.close()


def _control(settings: Settings, bot: Bot) -> ControlSocket | None:
    """A bot of one process listens for commands only where there is one for it."""
    if not settings.monitoring.allowed:
        return None
    from ivr.supervisor.control import ControlSocket
    from ivr.supervisor.sole import answers_of

    return ControlSocket(Path(settings.workers.run_dir), answers_of(bot))


def _follow_signals(reload: Callable[[], None], stop: Callable[[], None]) -> None:
    loop, has_terminal = asyncio.get_running_loop(), _has_terminal()

    def hung_up() -> None:
        """SIGHUP asks for the flows, and also comes when the terminal of a bot is closed."""
        (stop if has_terminal and not _has_terminal() else reload)()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, hung_up)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _tell_how_to_call(sip_uri: str, settings: Settings) -> None:
    number = next(iter(settings.numbers), settings.default_flow or "")
    scheme, _, host = sip_uri.partition(":")
    address = f"{scheme}:{number}@{host}".removesuffix(":5060")
    _say(f"call it: ivr call {address}    or any SIP telephone: {address}")
    if len(settings.numbers) > 1:
        _say(f"numbers: {', '.join(settings.numbers)}")
    _say(f"ready {address}")
