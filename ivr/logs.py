"""Log set-up: one line per event, to standard error, for people or as JSON."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Final, TextIO, cast

import structlog
from structlog.typing import EventDict

from ivr.calls.record import MASK
from ivr.config import LogSettings
from ivr.ports import Measures, NoMeasures, metrics

PERSONAL: Final = frozenset({"caller", "heard"})
"""The only fields of events that tell who somebody is or what he said."""
_COUNTED: Final = frozenset({"warning", "error", "critical"})


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


def configure_logs(settings: LogSettings, worker: str = "", measures: Measures | None = None) -> None:
    """Send the program's events to standard error.

    Numbers and words of callers are in the fields `PERSONAL` and nowhere else, keys in none. For the others see
    `name_process`.
    """
    name_process(worker, measures)
    renderer: structlog.typing.Processor
    if settings.format == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _process,
            _hide_personal if settings.personal == "hidden" else _keep,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=_factory(),
        cache_logger_on_first_use=False,
    )


class _Process:
    """Puts the process on every line, and counts what goes wrong by the name of its event, a word of the program."""

    worker = ""
    measures: Measures = NoMeasures()

    def __call__(self, _: object, __: str, event: EventDict) -> EventDict:
        if self.worker:
            event["worker"] = self.worker
        if event["level"] in _COUNTED:
            self.measures.count(metrics.ERRORS, event["level"], str(event["event"]))
        return event


_process = _Process()


def name_process(worker: str, measures: Measures | None) -> None:
    """`worker` is put on every line of a bot that is made of several; what is a warning or worse is counted in
    `measures`. All that a process has to say anew that was forked from one whose logs are configured.
    """
    _process.worker, _process.measures = worker, measures or NoMeasures()


def _hide_personal(_: object, __: str, event: EventDict) -> EventDict:
    for name in PERSONAL & event.keys():
        event[name] = MASK
    return event


def _keep(_: object, __: str, event: EventDict) -> EventDict:
    return event
