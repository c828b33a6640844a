"""Log set-up: one line per event, to standard error, for people or as JSON."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TextIO, cast

import structlog

from ivr.config import LogSettings


class StandardError:
    """Today's standard error, whatever it is then: a log line that cannot be written must not stop a call."""

    def write(self, text: str) -> int:
        """Write, or let it go: the terminal may be closed."""
        with contextlib.suppress(ValueError, OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that is possible."""
        with contextlib.suppress(ValueError, OSError):
            sys.stderr.flush()


def log_to_standard_error() -> None:
    """For commands whose standard output is their result."""
    structlog.configure(logger_factory=_factory(), cache_logger_on_first_use=False)


def _factory() -> structlog.PrintLoggerFactory:
    return structlog.PrintLoggerFactory(cast(TextIO, StandardError()))


def configure_logs(settings: LogSettings) -> None:
    """Send the program's events to standard error. Digits, words and numbers of callers are never event fields."""
    renderer: structlog.typing.Processor
    if settings.format == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=_factory(),
        cache_logger_on_first_use=False,
    )
