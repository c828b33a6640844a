"""Plays the prompts of one call: at once where they are rendered, else as soon as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

import structlog

from ivr.calls.call_ports import CallPorts, CallTasks
from ivr.errors import IvrError
from ivr.flow.commands import RESUME_BACK_S
from ivr.flow.segments import Segment
from ivr.ports import LegId

GREETING_LIMIT_S = 2.0
"""A greeting that is not rendered by then does not hold the answer up any longer."""


@dataclass(frozen=True, slots=True)
class _Passage:
    """Something that is played, or was until it was stopped."""

    segments: Sequence[Segment]
    began_at_s: float
    """When its first sample was due, or would have been had it been played from the beginning."""
    stopped_at_s: float = inf

    @property
    def resumes_from_s(self) -> float:
        """Where it goes on."""
        return max(0.0, self.stopped_at_s - self.began_at_s - RESUME_BACK_S)


class PromptPlayer:
    """What the caller hears. `play_id` names the running prompt; it is empty when there is none."""

    def __init__(
        self,
        ports: CallPorts,
        leg_id: LegId,
        tasks: CallTasks,
        failed: Callable[[str, str], None],
        log: structlog.typing.FilteringBoundLogger,
    ) -> None:
        """`failed` is told the play id and the reason when a prompt cannot be rendered."""
        self.play_id = ""
        self._ports, self._leg_id, self._tasks = ports, leg_id, tasks
        self._failed, self._log = failed, log
        self._audio_up_at_s = 0.0
        self._passage: _Passage | None = None
        """What plays, or played last."""

    def audio_up(self, at_s: float) -> None:
        """The caller can hear something since this instant."""
        self._audio_up_at_s = at_s

    async def prepare(self, segments: Sequence[Segment], *, rings: bool) -> None:
        """Render the greeting while the call rings, so that it is heard without delay after the answer."""
        if self._ports.prompts.cached(segments) is not None:
            return
        if rings:
            self._ports.telephony.ring(self._leg_id)
        try:
            await asyncio.wait_for(self._ports.prompts.render(segments), GREETING_LIMIT_S)
        except (IvrError, TimeoutError) as error:
            self._log.warning("greeting_not_ready", reason=str(error))

    def play(self, play_id: str, segments: Sequence[Segment], *, is_resumed: bool = False) -> None:
        """Play in place of what is running; what was stopped before may go on where it was."""
        self.play_id = play_id
        stopped, self._passage = self._passage, None
        is_same = is_resumed and stopped is not None and stopped.segments == segments
        from_s = stopped.resumes_from_s if is_same and stopped is not None else 0.0
        files = self._ports.prompts.cached(segments)
        if files is None:
            self._tasks.start(self._render_and_play(play_id, segments, from_s))
        else:
            self._play_files(play_id, segments, files, from_s)

    def stop(self) -> None:
        """Silence."""
        self.play_id = ""
        if self._passage is not None:
            self._passage = replace(self._passage, stopped_at_s=self._ports.clock.monotonic_s())
        self._ports.telephony.stop_playing(self._leg_id)

    async def files(self, segments: Sequence[Segment]) -> list[Path]:
        """Files for something that is played elsewhere; none where they cannot be made."""
        try:
            return await self._ports.prompts.render(segments)
        except IvrError as error:
            self._log.warning("prompt_not_rendered", reason=str(error))
            return []

    async def _render_and_play(self, play_id: str, segments: Sequence[Segment], from_s: float) -> None:
        try:
            files = await self._ports.prompts.render(segments)
        except IvrError as error:
            self._log.warning("prompt_not_rendered", reason=str(error))
            if self.play_id == play_id:
                self._failed(play_id, str(error))
            return
        if self.play_id == play_id:
            self._play_files(play_id, segments, files, from_s)

    def _play_files(self, play_id: str, segments: Sequence[Segment], files: Sequence[Path], from_s: float) -> None:
        now_s = self._ports.clock.monotonic_s()
        lead_in_s = max(0.0, self._ports.lead_in_s - (now_s - self._audio_up_at_s))
        self._passage = _Passage(segments, now_s + lead_in_s - from_s)
        self._ports.telephony.play(self._leg_id, play_id, files, lead_in_s=lead_in_s, from_s=from_s)
