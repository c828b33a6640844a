"""Keeps the flows of one worker as the operator wants them: looks for changes, checks, renders, then swaps the set.

Calls take the flows that are there when they begin: a set is never changed, only replaced by another one, so a call
keeps what it started with. Everything slow happens before the swap, on other threads.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import structlog

from ivr.calls.routing import DRAFT_SUFFIX
from ivr.config import Settings
from ivr.errors import ConfigError, Problem, PublishingError
from ivr.flow.model import Flow
from ivr.flow.program import Program
from ivr.flows import programs_of
from ivr.publishing.files import user_name
from ivr.publishing.plan import Check, Flows
from ivr.publishing.prepared import HandedFlows, PreparedFlows, received
from ivr.publishing.rendering import Preparation, Renderer
from ivr.publishing.report import problems_of, state_of, tell_changes, tell_problems
from ivr.publishing.survey import Served, Survey, last_served, survey
from ivr.publishing.versions import REMOVED, Publication, VersionStore
from ivr.publishing.watch import Signature, has_changed_below, look
from ivr.publishing.worker_state import WORKERS, StateFile, WorkerState, shared_text

log = structlog.get_logger(__name__)

SETTLED_S = 0.2
"""Files that did not change for so long are whole: editors empty a file first and write it then."""
SETTLE_LIMIT_S = 3.0
"""A file that changes all the time is not waited for any longer."""
RETRY_S = 30.0
"""A version whose prompts could not be rendered is tried again so often."""
LOOK_SHARE = 200
"""Looking takes a 200th of the time at most, however many files there are."""


@contextmanager
def gentle() -> Iterator[None]:
    """Long work in Python beside live audio. Not to be nested.

    The audio's thread waits for the interpreter, 5 ms each time by default, and 50 ms while the collector goes through
    the parts of a large flow.
    """
    interval_s, collects = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(0.0005)
    gc.disable()
    try:
        yield
    finally:
        sys.setswitchinterval(interval_s)
        if collects:
            gc.enable()


Keep = Callable[[], Callable[[], None]]
"""Keeps the files of prompts; gives back what lets go of those that are not needed any more."""


class Publisher:
    """The flows that new calls take. Runs on the loop's thread; files are read on others."""

    def __init__(
        self,
        settings: Settings,
        make_check: Callable[[], Check],
        renderer: Renderer,
        rest: Callable[[], None],
        say: Callable[[str], None],
        *,
        worker: str,
        oldest_call_s: Callable[[], float | None],
    ) -> None:
        """`make_check` looks at the surroundings anew; `rest` ends what only rendering needs; `oldest_call_s` is when
        the longest call in progress began."""
        self._settings, self._options = settings, settings.publishing
        self._folder, self._sounds = Path(settings.flows), Path(settings.sounds)
        self._make_check, self._renderer, self._say = make_check, renderer, say
        self._oldest_call_s = oldest_call_s
        self._preparation = Preparation(renderer, rest, self._progress)
        self._store = VersionStore(Path(self._options.versions_dir), self._options.keep_versions)
        self._state_file = StateFile(self._store.folder, worker)
        self._worker = worker
        self._state = WorkerState(worker, os.getpid(), self._options.publish)
        self._served: Mapping[str, Served] = {}
        self._flows: Mapping[str, Flow] = MappingProxyType({})
        self._programs: Mapping[str, Program] = MappingProxyType({})
        self._seen: Signature = {}
        self._look_s = 0.0
        self._sound_problem = ""
        self._not_rendered: dict[tuple[str, str], str] = {}
        self._told: frozenset[Problem] = frozenset()
        self._wake = asyncio.Event()
        self._given: tuple[HandedFlows, Keep] | None = None

    @property
    def flows(self) -> Mapping[str, Flow]:
        """The set that new calls take, drafts as `name+draft`; it is never changed, only replaced."""
        return self._flows

    def get(self, name: str) -> Program | None:
        """What a new call is led through, by name or `name+draft`; not a flow that only others can run."""
        program = self._programs.get(name)
        return None if program is None or program.main.takes else program

    def look_now(self) -> None:
        """Take the files as they are, whether they look changed or not."""
        self._wake.set()

    def take_over(self, given: HandedFlows, keep: Keep) -> None:
        """Put into service, instead of the files, what another process has read and rendered; the last one counts.

        `keep` is called, on another thread, when that is done; what it gives back is called when no call is left that
        was led by what was in service before.
        """
        self._given = given, keep
        self._wake.set()

    async def start(self, prepared: PreparedFlows | None = None) -> bool:
        """Put into service what is there; problems of the files go to the log.

        What is `prepared` is taken as it is where no file has changed since; whether it was. Else it is what was in
        service, and what takes the place of a flow that is wrong now.
        """
        self._seen = await asyncio.to_thread(self._look)
        if prepared is not None and prepared.seen == self._seen:
            await asyncio.to_thread(self._adopt, prepared)
            return True
        self._served = await asyncio.to_thread(self._last_served)
        if prepared is not None:
            self._served = {**prepared.served, **self._served}
            self._told = prepared.told
            self._seen = await self._settled(self._seen)
        await self._take(everything=True)
        return False

    def prepared(self) -> PreparedFlows:
        """What is in service, for processes that are forked from this one."""
        return PreparedFlows(
            seen=self._seen,
            served=self._served,
            programs=self._programs,
            ready=self._preparation.ready,
            not_rendered=dict(self._not_rendered),
            told=self._told,
            sound_problem=self._sound_problem,
            state=self._state,
            state_text=shared_text(self._state),
        )

    async def watch(self) -> None:
        """Follow the files until cancelled. What goes wrong costs one round, never a call."""
        pause_s = self._options.look_every or RETRY_S
        tried_s = time.monotonic()
        while True:
            is_told = await self._pause(pause_s)
            begun_s = time.monotonic()
            try:
                is_due = bool(self._not_rendered) and begun_s - tried_s > RETRY_S
                if await self._round(is_told=is_told, is_due=is_due):
                    tried_s = begun_s
            except Exception:
                log.exception("flows_not_read")
            if self._options.look_every:
                pause_s = max(self._options.look_every, self._look_s * LOOK_SHARE)

    def close(self) -> None:
        """The worker ends."""
        self._state_file.close()

    # --- looking

    def _look(self) -> Signature:
        begun_s = time.perf_counter()
        folders = [self._folder, self._sounds]
        if self._is_manual:
            folders.append(self._store.folder)
        seen = {name: found for name, found in look(folders).items() if f"{os.sep}{WORKERS}{os.sep}" not in name}
        self._look_s = time.perf_counter() - begun_s
        return seen

    @property
    def _is_manual(self) -> bool:
        return self._options.publish == "manual"

    async def _pause(self, pause_s: float) -> bool:
        """Wait for the next look; True where somebody asked for it."""
        try:
            await asyncio.wait_for(self._wake.wait(), pause_s)
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    async def _round(self, *, is_told: bool, is_due: bool) -> bool:
        """One look; whether the flows were taken."""
        self._preparation.release(self._programs, self._oldest_call_s())
        if self._given is not None:
            given, self._given = self._given, None
            try:
                await asyncio.to_thread(self._follow, *given)
                return True
            except Exception:  # then it reads them itself
                log.exception("flows_not_taken_over")
        if not (is_told or is_due or self._options.look_every):
            return False
        now = await asyncio.to_thread(self._look)
        if now == self._seen and not is_told and not is_due:
            return False
        now = await self._settled(now)
        before, self._seen = self._seen, now
        sounds_changed = is_told or has_changed_below(self._sounds, before, now)
        self._not_rendered.clear()
        await self._take(everything=sounds_changed)
        return True

    async def _settled(self, now: Signature) -> Signature:
        give_up_s = time.monotonic() + SETTLE_LIMIT_S
        while time.monotonic() < give_up_s:
            await asyncio.sleep(SETTLED_S)
            again = await asyncio.to_thread(self._look)
            if again == now:
                break
            now = again
        return now

    # --- taking

    def _adopt(self, prepared: PreparedFlows) -> None:
        """What another process has read, checked, rendered and told of."""
        self._preparation.ready = prepared.ready or self._preparation.ready
        self._not_rendered = dict(prepared.not_rendered)
        self._sound_problem, self._told = prepared.sound_problem, prepared.told
        self._put_into_service(prepared.served, prepared.programs)
        self._state = replace(prepared.state, worker=self._worker, pid=os.getpid())
        self._state_file.write(self._state, prepared.state_text)
        log.debug("flows_taken_over", flows=sorted(prepared.served))

    def _follow(self, given: HandedFlows, keep: Keep) -> None:
        """In mid-service what `_adopt` does at the start."""
        prepared = received(given, self._served, self._programs)
        let_go = keep()
        self._seen = prepared.seen
        self._adopt(prepared)
        self._preparation.retire_files(let_go, time.monotonic())

    async def _take(self, *, everything: bool) -> None:
        """Check, render what is new (or everything), note the versions, swap."""
        if everything:
            await asyncio.to_thread(self._reload_sounds)
        while True:
            found = await asyncio.to_thread(self._survey)
            changed, _ = found.plan.changes_from(found.serving)
            programs = programs_of({name: each.flow for name, each in found.plan.flows.items()})
            new_programs = programs if everything else _changed(programs, self._programs, changed)
            failed = await self._preparation.prepare(new_programs, anew=everything)
            if not self._hold_back({name: (programs[name].main, reason) for name, reason in failed.items()}):
                break  # else a version stays out for it: what fits together has to be found again
        new, gone = found.plan.changes_from(found.serving)
        await asyncio.to_thread(self._note_versions, found, new, gone)
        self._swap(found)
        problems = problems_of(found, self._sound_problem, str(self._sounds))
        tell_changes(found)
        self._told = tell_problems(found, problems, self._told)
        self._state = state_of(self._worker, self._options.publish, self._served, found, problems)
        await asyncio.to_thread(self._state_file.write, self._state)

    def _survey(self) -> Survey:
        with gentle():
            return survey(
                self._folder,
                self._store,
                is_manual=self._is_manual,
                serving=self._served,
                check=self._check_with_rendering(self._make_check()),
            )

    def _check_with_rendering(self, check: Check) -> Check:
        """The check, and beside it what could not be rendered."""

        def with_rendering(flows: Flows) -> Mapping[str, Sequence[Problem]]:
            verdicts = check(flows)
            return {name: [*found, *self._rendering_problem(name, flows)] for name, found in verdicts.items()}

        return with_rendering

    def _rendering_problem(self, name: str, flows: Flows) -> Iterable[Problem]:
        reason = self._not_rendered.get((name, flows[name].flow.version))
        if reason is not None:
            message = f"its prompts cannot be rendered ({reason}); tried again every {RETRY_S:g} s"
            yield Problem(flows[name].file, 1, 1, "", message, rule="not_rendered")

    def _hold_back(self, failed: Mapping[str, tuple[Flow, str]]) -> bool:
        """Note versions that cannot speak, where an older one can; whether there are any."""
        held = {
            (name, flow.version): reason
            for name, (flow, reason) in failed.items()
            if name in self._served and self._served[name].flow.version != flow.version
        }
        self._not_rendered |= held
        for name in failed.keys() - self._served.keys():
            self._say(f"prompts of {name}: {failed[name][1]}; recordings and what is cached go on")
        return bool(held)

    def _swap(self, found: Survey) -> None:
        before, served = self._programs, found.served()
        self._put_into_service(
            served, MappingProxyType(programs_of({name: each.flow for name, each in served.items()}))
        )
        for name, program in before.items():
            if name not in self._programs or _versions(self._programs[name]) != _versions(program):
                self._preparation.retire(program, time.monotonic())

    def _put_into_service(self, served: Mapping[str, Served], programs: Mapping[str, Program]) -> None:
        self._served, self._programs = served, programs
        self._flows = MappingProxyType({name: each.flow for name, each in served.items()})

    def _reload_sounds(self) -> None:
        try:
            self._renderer.reload_sounds()
            self._sound_problem = ""
        except ConfigError as error:
            self._sound_problem = str(error)

    # --- telling

    def _last_served(self) -> dict[str, Served]:
        try:
            return last_served(self._store)
        except PublishingError as error:
            log.warning("versions_not_read", reason=str(error))
            return {}

    def _note_versions(self, found: Survey, new: Flows, gone: Iterable[str]) -> None:
        """Keep what came into service, also what was there before versions were kept."""
        try:
            known = self._store.published()
            for name, each in found.plan.flows.items():
                if not name.endswith(DRAFT_SUFFIX) and (name in new or name not in known):
                    how = "edited" if name in known else "first seen"
                    self._store.record(name, found.contents[name], self._entry(each.flow.version, each.file, how))
            for name in gone:
                if not name.endswith(DRAFT_SUFFIX):
                    flow = found.serving[name]
                    self._store.record_removed(name, self._entry(flow.flow.version, flow.file, REMOVED))
        except PublishingError as error:
            log.warning("version_not_kept", reason=str(error))

    def _entry(self, version: str, file: str, how: str) -> Publication:
        return Publication(version, datetime.now(UTC), self._options.author or _owner(file), how, file)

    def _progress(self, name: str, done: int, total: int) -> None:
        self._say(f"prompts of {name}: {done} of {total} ready")
        self._state_file.write(replace(self._state, preparing=f"{name}: {done} of {total} prompts"))


def _versions(program: Program) -> list[str]:
    return [flow.version for flow in program.flows]


def _changed(
    programs: Mapping[str, Program], before: Mapping[str, Program], changed: Iterable[str]
) -> dict[str, Program]:
    """Flows that are new, and those that run something new."""
    return {
        name: program
        for name, program in programs.items()
        if name in changed or name not in before or _versions(before[name]) != _versions(program)
    }


def _owner(file: str) -> str:
    """Who owns a file: with most editors, who wrote it last."""
    try:
        return user_name(Path(file).stat().st_uid)
    except OSError:
        return user_name()
