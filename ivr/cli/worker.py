"""The process behind `ivr serve`. Does without the libraries of the command line, which would stay in memory."""

from __future__ import annotations

import os
import signal
import sys
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
    from ivr.app import Bot
    from ivr.config import Settings


def run(config: Path | None) -> int:
    """Answer calls until SIGTERM or Ctrl-C; the exit status."""
    from ivr.errors import IvrError
    from ivr.logs import configure_logs
    from ivr.settings import load_settings

    limit_arenas()
    try:
        settings = load_settings(config)
        configure_logs(settings.log)
        asyncio.run(_serve(settings))
    except IvrError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _serve(settings: Settings) -> None:
    from ivr.app import Bot

    stop = asyncio.Event()
    bot = Bot(settings, _say)
    _follow_signals(bot, stop)
    try:
        await bot.start()
        settle()
        _tell_how_to_call(bot.sip_uri, settings)
        await stop.wait()
        _say(f"stopping; calls in progress: {bot.call_count}")
    finally:
        await bot.stop()


def _follow_signals(bot: Bot, stop: asyncio.Event) -> None:
    loop, has_terminal = asyncio.get_running_loop(), _has_terminal()

    def hung_up() -> None:
        """SIGHUP asks for the flows, and also comes when the terminal of a bot is closed."""
        (stop.set if has_terminal and not _has_terminal() else bot.reload)()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
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
