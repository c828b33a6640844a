"""Carries the work that a flow gives away to the services, and what came of it back. One object per call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial

import structlog

from ivr.flow import commands as c
from ivr.flow.jobs import AttendJob, GatherJob, HoursJob, HttpJob, JobOutcome, JobResult, SendJob
from ivr.ports import CalendarService, DataService, MessageService, VideoService

NOT_CONFIGURED = JobResult(JobOutcome.FAILED, detail="nothing of the kind is in the settings")

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Services:
    """What flows can reach beyond the call; None where the settings have nothing of the kind."""

    data: DataService | None = None
    messages: MessageService | None = None
    calendars: CalendarService | None = None
    video: VideoService | None = None
    kept: set[asyncio.Task[None]] = field(default_factory=set)
    """Work that goes on after its call."""


class CallJobs:
    """The work of one call."""

    def __init__(self, services: Services, call_id: str, report: Callable[[str, JobResult], None]) -> None:
        """`report` takes the id of a job and what came of it; it may be called before `start` returns."""
        self._services, self._call_id, self._report = services, call_id, report
        self._running: dict[str, asyncio.Task[None]] = {}

    def start(self, command: c.StartJob) -> None:
        """Begin with a job."""
        job, services = command.job, self._services
        match job:
            case HoursJob():
                calendars = services.calendars
                self._report(command.job_id, calendars.hours(job.calendar) if calendars else NOT_CONFIGURED)
            case SendJob(is_awaited=False):
                if services.messages is None:
                    _LOG.error("send_not_configured", call_id=self._call_id)
                else:
                    services.messages.post(job.message, self._call_id)
            case HttpJob():
                if services.data is None:
                    self._report(command.job_id, NOT_CONFIGURED)
                else:
                    self._run(command, partial(services.data.ask, job))
            case GatherJob() | AttendJob():
                self._video(command, job)
            case SendJob():
                if services.messages is None:
                    self._report(command.job_id, NOT_CONFIGURED)
                else:
                    self._run(command, partial(services.messages.deliver, job.message, self._call_id, job.timeout_s))

    def _video(self, command: c.StartJob, job: GatherJob | AttendJob) -> None:
        video = self._services.video
        if video is None:
            self._report(command.job_id, NOT_CONFIGURED)
        elif isinstance(job, GatherJob):
            self._run(command, partial(video.gather, job, self._call_id))
        else:
            self._run(command, partial(video.attend, job, self._call_id))

    def _run(self, command: c.StartJob, work: Callable[[], Coroutine[None, None, JobResult]]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(self._finish(command.job_id, work))
        tasks = self._services.kept
        if command.is_kept:
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        self._running[command.job_id] = task
        task.add_done_callback(lambda _: self._running.pop(command.job_id, None))

    async def _finish(self, job_id: str, work: Callable[[], Coroutine[None, None, JobResult]]) -> None:
        structlog.contextvars.bind_contextvars(call_id=self._call_id)  # of this task only
        try:
            result = await work()
        except Exception as error:  # a mistake of ours must not leave a caller waiting
            _LOG.exception("job_failed", call_id=self._call_id, job_id=job_id)
            result = JobResult(JobOutcome.FAILED, detail=type(error).__name__)
        if job_id in self._running:
            self._report(job_id, result)

    def cancel(self, job_id: str) -> None:
        """Nobody waits for it any more; work that is kept goes on."""
        task = self._running.pop(job_id, None)
        if task is not None and task not in self._services.kept:
            task.cancel()

    def stop(self) -> None:
        """The call is over."""
        for job_id in list(self._running):
            self.cancel(job_id)
