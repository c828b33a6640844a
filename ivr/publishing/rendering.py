"""Prompts of flows that are about to be served: made before the first caller, let go after the last one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from ivr.errors import IvrError
from ivr.flow.program import Program
from ivr.flow.prompts import fixed_prompts
from ivr.flow.segments import Segment

log = structlog.get_logger(__name__)

PROGRESS_EVERY_S = 2.0
SLICE = 50
"""Prompts that are rendered, or found in the cache, before calls have their turn again."""

Prompts = Sequence[Sequence[Segment]]
Progress = Callable[[str, int, int], None]
"""Is told the flow, and how many of its prompts are done, of how many."""


class Renderer(Protocol):
    """What is needed of the prompt store."""

    async def render_all(self, prompts: Prompts) -> None:
        """Render and keep. Raises SynthesisFailed, MediaFailed."""

    def release(self, prompts: Prompts) -> None:
        """These need not be kept any longer."""

    def reload_sounds(self) -> None:
        """Read the lists of recordings again. Raises ConfigError; the old lists hold then."""


def _prompts_of(flow: Program) -> Prompts:
    """What can be made before a call. Whether more is made in calls is looked up as well: no caller waits for that."""
    _ = flow.speaks_values
    return fixed_prompts(flow)


class Preparation:
    """Renders flows and remembers whose prompts are kept."""

    def __init__(self, renderer: Renderer, rest: Callable[[], None], progress: Progress) -> None:
        """`rest` ends what only rendering needs; it may block."""
        self._renderer, self._rest, self._progress = renderer, rest, progress
        self.ready: frozenset[Sequence[Segment]] = frozenset()
        """Prompts that are made, here or before this process was forked; never changed, only replaced."""
        self._retired: list[tuple[float, Prompts]] = []
        self._kept: list[tuple[float, Callable[[], None]]] = []

    async def prepare(self, flows: Mapping[str, Program], *, anew: bool) -> dict[str, str]:
        """Make the prompts of these flows, `anew` also those that were made before; by name, why that failed."""
        failed = {}
        for name, flow in flows.items():
            prompts = await asyncio.to_thread(_prompts_of, flow)
            try:
                await self._render(name, [prompt for prompt in prompts if anew or prompt not in self.ready])
            except IvrError as error:
                log.warning("prompts_not_rendered", flow=name, version=flow.main.version, reason=str(error))
                failed[name] = str(error)
        if flows:
            await asyncio.to_thread(self._rest)
        return failed

    async def _render(self, name: str, prompts: Prompts) -> None:
        told_s = time.monotonic()
        for done in range(0, len(prompts), SLICE):
            if time.monotonic() - told_s >= PROGRESS_EVERY_S:
                told_s = time.monotonic()
                self._progress(name, done, len(prompts))
            some = prompts[done : done + SLICE]
            await self._renderer.render_all(some)
            self.ready = self.ready.union(some)

    def retire(self, flow: Program, at_s: float) -> None:
        """No call that begins from now on takes this flow."""
        self._retired.append((at_s, fixed_prompts(flow)))

    def retire_files(self, let_go: Callable[[], None], at_s: float) -> None:
        """No call that begins from now on is led by what was in service: then `let_go` of what only that needs."""
        self._kept.append((at_s, let_go))

    def release(self, in_service: Mapping[str, Program], oldest_call_s: float | None) -> None:
        """Let go of prompts that no call can ask for any more; `oldest_call_s` is when the longest one began."""
        for each in [each for each in self._kept if oldest_call_s is None or each[0] < oldest_call_s]:
            self._kept.remove(each)
            each[1]()
        due = [each for each in self._retired if oldest_call_s is None or each[0] < oldest_call_s]
        if due:
            used: set[Sequence[Segment]] = {prompt for flow in in_service.values() for prompt in fixed_prompts(flow)}
            self._retired = [each for each in self._retired if each not in due]
            used |= {prompt for _, prompts in self._retired for prompt in prompts}
            gone = [prompt for _, prompts in due for prompt in prompts if prompt not in used]
            self.ready = self.ready.difference(gone)
            self._renderer.release(gone)
