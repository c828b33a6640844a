"""Plays the prompts of one call: at once where they are rendered, else as soon as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

import structlog

from ivr.calls.call_measures import CallMeasures
from ivr.calls.call_ports import CallPorts, CallTasks
from ivr.calls.hold_sound import HoldSound
from ivr.errors import IvrError
from ivr.flow.commands import RESUME_BACK_S
from ivr.flow.segments import Segment
from ivr.ports import LegId

GREETING_LIMIT_S = 2.0
"""A greeting that is not rendered by then does not hold the answer up any longer."""


@dataclass(frozen=True, slots=True)
class _Passage:
    """What is heard of some segments; times as if they had been played without a gap."""

    segments: Sequence[Segment]
    from_s: float = 0.0
    """What is left out of their beginning."""
    began_at_s: float = inf
    """When their first sample was due, or would have been with nothing left out."""
    silent_since_s: float = inf

    @property
    def resumes_from_s(self) -> float:
        """Where they go on after they were stopped."""
        return max(0.0, self.silent_since_s - self.began_at_s - RESUME_BACK_S)

    def sounds(self, now_s: float, lead_in_s: float) -> _Passage:
        """It begins, or goes on after a gap."""
        if self.began_at_s == inf:
            return replace(self, began_at_s=now_s + lead_in_s - self.from_s)
        gap_s = max(0.0, now_s - self.silent_since_s)
        return replace(self, from_s=0.0, began_at_s=self.began_at_s + gap_s, silent_since_s=inf)


class PromptPlayer:
    """What the caller hears. `play_id` names the running prompt; it is empty when there is none."""

    def __init__(
        self,
        ports: CallPorts,
        leg_id: LegId,
        tasks: CallTasks,
        failed: Callable[[str, str], None],
        log: structlog.typing.FilteringBoundLogger,
        measures: CallMeasures,
        *,
        speaks_values: bool = False,
    ) -> None:
        """`failed` is told the play id and the reason when a prompt cannot be rendered. `speaks_values`: prompts are
        made in the call, so what makes them is kept awake.
        """
        self.play_id = ""
        self._ports, self._leg_id, self._tasks = ports, leg_id, tasks
        self._failed, self._log, self._measures = failed, log, measures
        self._speaks_values = speaks_values
        self._audio_up_at_s = 0.0
        self._passage = _Passage(())
        """What plays, or played last."""
        self._making: asyncio.Task[None] | None = None
        self._ready: list[Path] = []
        """Made while an earlier part of the prompt is heard."""
        self._is_heard = False
        self._trouble = ""
        """Why the rest cannot be made, while what is ready is heard."""
        self._hold = HoldSound(ports.telephony, ports.clock, leg_id)
        self._is_on = False
        """A prompt is heard, or about to be."""

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
            await asyncio.wait_for(self._first_part(segments), GREETING_LIMIT_S)
        except (IvrError, TimeoutError) as error:
            self._log.warning("greeting_not_ready", reason=str(error))

    async def _first_part(self, segments: Sequence[Segment]) -> None:
        async with aclosing(self._ports.prompts.render_in_turn(segments)) as parts:
            await anext(parts, None)

    def play(self, play_id: str, segments: Sequence[Segment], *, is_resumed: bool = False) -> None:
        """Play in place of what is running; what was stopped before may go on where it was."""
        self.forget()
        self.play_id, self._is_on, stopped = play_id, True, self._passage
        is_same = is_resumed and stopped.segments == segments
        self._passage = _Passage(segments, stopped.resumes_from_s if is_same else 0.0)
        files = self._ports.prompts.cached(segments)
        self._measures.prompt(is_ready=files is not None)
        if files is None:
            self._making = self._tasks.start(self._render_and_play(play_id, segments))
        else:
            self._play_files(play_id, files)

    def goes_on(self) -> bool:
        """What was played is over: play what has become ready since. False where that was the whole prompt."""
        ready, self._ready = self._ready, []
        self._is_heard = bool(ready)
        if ready:
            self._play_files(self.play_id, ready)
        else:
            self._falls_silent()
        is_more = self._is_heard or self._making is not None or self._has_failed()
        if not is_more:
            self._off()
        return is_more

    def stop(self) -> None:
        """Silence, or the hold sound again."""
        self._falls_silent()
        self.forget()
        if not self._hold.resume():
            self._ports.telephony.stop_playing(self._leg_id)

    def failed(self) -> None:
        """What was to be played cannot be."""
        self.forget()
        self._off()

    def hold(self, files: Sequence[Path]) -> None:
        """Play this whenever there is no prompt, again and again, until `end_hold`."""
        self._hold.start(files)
        if not self._is_on:
            self._hold.resume()

    def end_hold(self, *, is_joined: bool = False) -> None:
        """No more of it. `is_joined`: neither is any prompt, the caller talks to somebody."""
        was_heard = self._hold.stop()
        if is_joined:
            self.forget()
        elif was_heard:
            self._ports.telephony.stop_playing(self._leg_id)

    def _off(self) -> None:
        self._is_on = False
        self._hold.resume()

    def _falls_silent(self) -> None:
        self._passage = replace(self._passage, silent_since_s=self._ports.clock.monotonic_s())

    def forget(self) -> None:
        """What is heard is no prompt any more; what is not made of it yet is not needed."""
        self.play_id, self._ready, self._is_heard, self._trouble = "", [], False, ""
        self._is_on = False
        making, self._making = self._making, None
        if making is not None:
            making.cancel()

    async def files(self, segments: Sequence[Segment]) -> list[Path]:
        """Files for something that is played elsewhere; none where they cannot be made."""
        try:
            return await self._ports.prompts.render(segments)
        except IvrError as error:
            self._log.warning("prompt_not_rendered", reason=str(error))
            return []

    async def _render_and_play(self, play_id: str, segments: Sequence[Segment]) -> None:
        try:
            async with aclosing(self._ports.prompts.render_in_turn(segments)) as parts:
                async for files in parts:
                    self._take(play_id, files)
        except IvrError as error:
            self._log.warning("prompt_not_rendered", reason=str(error))
            self._trouble = str(error)
        self._making = None
        if not self._is_heard:
            self._has_failed()

    def _has_failed(self) -> bool:
        """Tell of a rest that could not be made, once what was ready is over."""
        play_id, trouble = self.play_id, self._trouble
        if trouble:
            self.failed()
            self._failed(play_id, trouble)
        return bool(trouble)

    def _take(self, play_id: str, files: Sequence[Path]) -> None:
        """A part is ready: heard at once, or behind the part that is heard now."""
        if self._is_heard:
            self._ready += files
        else:
            self._is_heard = True
            self._play_files(play_id, files)

    def _play_files(self, play_id: str, files: Sequence[Path]) -> None:
        now_s = self._ports.clock.monotonic_s()
        lead_in_s = max(0.0, self._ports.lead_in_s - (now_s - self._audio_up_at_s))
        self._passage = self._passage.sounds(now_s, lead_in_s)
        self._measures.sounds(now_s + lead_in_s)
        self._hold.pause()
        self._ports.telephony.play(self._leg_id, play_id, files, lead_in_s=lead_in_s, from_s=self._passage.from_s)
        if self._speaks_values:
            self._ports.prompts.wake()
