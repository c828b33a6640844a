"""The transfers of one call, one at a time: gets the sounds ready, runs the transfer, tells what came of it."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ivr.calls.call_context import context_headers
from ivr.calls.call_ports import CallPorts, CallTasks
from ivr.calls.hunting import Hunt
from ivr.calls.prompt_player import PromptPlayer
from ivr.calls.reaching import Attempt, Welcome, unknown
from ivr.calls.transfer import TransferMachine
from ivr.calls.transfer_commands import Report
from ivr.calls.transfer_driver import NO_TALK, TransferDriver, TransferSounds
from ivr.calls.transfer_sounds import make_sounds, ready_sounds
from ivr.flow import commands as c
from ivr.flow.events import TALKED
from ivr.ports import LegEvent, LegId, LegOffered


class CallTransfers:
    """Hands one caller to persons. Runs on the event loop's thread only."""

    def __init__(
        self,
        ports: CallPorts,
        call_id: str,
        offered: LegOffered,
        claim: Callable[[LegId], None],
        over: Callable[[Report], None],
        player: PromptPlayer,
        tasks: CallTasks,
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        """`claim` registers the person's leg as one of this call; `over` is told how a transfer ended."""
        self.target = ""
        """Name of the target that the caller was joined with last."""
        self._ports, self._call_id, self._offered = ports, call_id, offered
        self._claim, self._over = claim, over
        self._player, self._tasks, self._log = player, tasks, log
        self._running: TransferDriver | None = None

    @property
    def is_running(self) -> bool:
        """Whether a person is being called, or talks with the caller."""
        return self._running is not None

    @property
    def talk(self) -> tuple[LegId | None, str]:
        """Leg of the person who talks with the caller through the bot; else None, and why there is no such talk."""
        return (None, NO_TALK) if self._running is None else self._running.talk

    def caller_event(self, event: LegEvent) -> None:
        """An event of the caller's leg."""
        if self._running is not None:
            self._running.caller_event(event)

    def target_event(self, event: LegEvent) -> None:
        """An event of another leg."""
        if self._running is not None:
            self._running.target_event(event)

    def end(self) -> None:
        """Take the caller out of the talk; what is not yet begun is not to be ended."""
        if self._running is not None:
            self._running.end()

    def start(self, command: c.StartTransfer) -> None:
        """Begin as soon as the sounds are ready."""
        self._player.forget()
        sounds = ready_sounds(self._ports, command.hold, command.whisper)
        if sounds is None:
            self._tasks.start(self._render_and_begin(command))
        else:
            self._begin(command, sounds)

    async def _render_and_begin(self, command: c.StartTransfer) -> None:
        self._begin(command, await make_sounds(self._ports, self._player, command.hold, command.whisper))

    def _begin(self, command: c.StartTransfer, sounds: TransferSounds) -> None:
        self._running = TransferDriver(
            self._ports.telephony,
            self._ports.timers,
            self._offered.leg_id,
            [self._ports.targets.get(callee.target) for callee in command.callees],
            TransferMachine(
                command.mode,
                self._hunt(command, has_whisper=bool(sounds.whisper)),
                comes_back=command.comes_back,
                return_key=command.return_key,
            ),
            sounds,
            self._ended,
            self._claim,
            context_headers(self._call_id, command.context, command.answers),
        )
        self._log.info("transfer_started", target=command.names, mode=command.mode)
        self._running.start()

    def _hunt(self, command: c.StartTransfer, *, has_whisper: bool) -> Hunt:
        welcome = Welcome(has_whisper, command.needs_key, command.accept_within_s, command.is_heard_early)
        attempts = [Attempt(number, each.ring_for_s, welcome) for number, each in enumerate(command.callees)]
        for number, callee in enumerate(command.callees):
            if callee.target not in self._ports.targets:
                self._log.error("unknown_target", target=callee.target)
                attempts[number] = unknown(attempts[number], "target is not configured")
        return Hunt(tuple(attempts), len(attempts) if command.rings_all else 1)

    def _ended(self, report: Report) -> None:
        assert self._running is not None
        person, self._running = self._running.person, None
        if report.outcome in TALKED:
            self.target = person
        self._log.info("transfer_ended", target=person, outcome=report.outcome, detail=report.detail)
        self._over(report)
