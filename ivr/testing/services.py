"""Services beyond the call, in memory: what they answer is scripted, what they were asked is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.flow.jobs import AttendJob, HoursJob, HttpJob, Job, JobOutcome, JobResult, Message, SendJob


def http_result(job: HttpJob, status: int, json: object = None) -> JobResult:
    """What becomes of an HTTP answer, as the real service makes it."""
    if not any(first <= status <= last for first, last in job.accepted):
        return JobResult(JobOutcome.FAILED, status=status, detail=f"status {status}")
    return JobResult(JobOutcome.DONE, json if job.reads_answer else None, status)


def hours_result(state: str, **more: object) -> JobResult:
    """What a calendar says."""
    said = {"state": state, "reason": "", "next_open": "", "closes": "", "opens_today": False, **more}
    return JobResult(JobOutcome.DONE, said)


@dataclass
class MemoryDataService:
    """Implements `ivr.ports.DataService`. Answers by URL; without an answer for it, the service does not answer."""

    answers: dict[str, tuple[int, object]] = field(default_factory=dict)
    """URL to status and JSON."""
    gate: asyncio.Event | None = None
    """Answers wait for it."""
    asked: list[HttpJob] = field(default_factory=list)
    given_up: list[HttpJob] = field(default_factory=list)

    async def ask(self, job: HttpJob) -> JobResult:
        """The scripted answer."""
        self.asked.append(job)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.given_up.append(job)
            raise
        if job.url not in self.answers:
            return JobResult(JobOutcome.FAILED, detail="does not answer")
        status, json = self.answers[job.url]
        return http_result(job, status, json)


@dataclass
class MemoryMessages:
    """Implements `ivr.ports.MessageService`."""

    result: JobResult = field(default_factory=lambda: JobResult(JobOutcome.DONE))
    """What comes of a message that is waited for."""
    posted: list[Message] = field(default_factory=list)
    delivered: list[Message] = field(default_factory=list)

    def post(self, message: Message, call_id: str) -> None:
        """Keep it."""
        self.posted.append(message)

    async def deliver(self, message: Message, call_id: str, timeout_s: float) -> JobResult:
        """The scripted result."""
        self.delivered.append(message)
        return self.result


@dataclass
class MemoryCalendars:
    """Implements `ivr.ports.CalendarService`."""

    states: dict[str, str] = field(default_factory=dict)
    """Calendar to open, closed, holiday or emergency."""

    def hours(self, calendar: str) -> JobResult:
        """The scripted state."""
        if calendar not in self.states:
            return JobResult(JobOutcome.FAILED, detail=f"no calendar '{calendar}' in the settings")
        return hours_result(self.states[calendar])


@dataclass
class ScriptedJobs:
    """What the jobs of a conversation come to, for `CallScript`."""

    results: Mapping[str, JobResult | tuple[int, object]] = field(default_factory=dict)
    """Step to what comes of its job; of a request also as status and JSON."""
    hours: Mapping[str, str] = field(default_factory=dict)
    """Calendar to state; what is not named is open."""
    after_s: float = 0.3
    """How long a job takes."""

    def answer(self, step: str, job: Job) -> tuple[float, JobResult] | None:
        """Seconds and result; None where the test ends the job itself, or nobody waits for it."""
        if isinstance(job, HoursJob):
            return 0.0, hours_result(self.hours.get(job.calendar, "open"))
        if step not in self.results or isinstance(job, AttendJob) or (isinstance(job, SendJob) and not job.is_awaited):
            return None
        result = self.results[step]
        if isinstance(result, JobResult):
            return self.after_s, result
        assert isinstance(job, HttpJob), f"step {step} asks nobody by HTTP"
        return self.after_s, http_result(job, *result)
