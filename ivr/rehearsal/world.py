"""The world outside a call without telephone: transfers, queues and jobs end as a conversation's `mock` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.jobs import AttendJob, GatherJob, HoursJob, HttpJob, JobOutcome, JobResult, SendJob
from ivr.flow.steps.video import is_room
from ivr.immutable import immutable
from ivr.rehearsal.model import Mock
from ivr.testing.turns import Answered

CONNECTED = Mock(outcome=e.TransferOutcome.CONNECTED)

REQUEST_OUTCOMES = ("done", "not_found", "timeout", "error")
"""What a mock may say of a request besides its status."""
SEND_OUTCOMES = ("sent", "failed", "timeout")

VIDEO_OUTCOMES = ("joined", "nobody", "failed")

VIDEO_WORDS = dict(zip((JobOutcome.DONE, JobOutcome.TIMEOUT, JobOutcome.FAILED), VIDEO_OUTCOMES, strict=True))

QUEUE_OUTCOMES = ("connected", "after", "returned", "full", "too_long", "failed")
"""What a mock may say of the wait for an agent."""

RECORD_OUTCOMES = {
    "done": (e.RecordingEnd.SILENCE, True),
    "no_input": (e.RecordingEnd.NOTHING, False),
    "failed": (e.RecordingEnd.FAILED, False),
}
"""What a mock may say of a recording."""

AGENT = "agent"
"""Name of the agent for whom a mock gives none."""

MESSAGE_S = 5.0
"""Length of a message for which a mock gives none with `after`."""

_REMEDY = {"request": "{status: 200, json: {…}}", "hours": "open"}


@immutable
class Handover:
    """A transfer of a conversation."""

    callees: tuple[str, ...]
    mock: Mock | None
    """What became of it; None where a line of the conversation says it."""
    rings_all: bool = False

    @property
    def taken_by(self) -> str:
        """Who takes the call, where somebody does."""
        return (self.mock and self.mock.target) or self.callees[0]


Calendars = Callable[[str, datetime], JobResult]
"""What a calendar of the settings says at an instant."""


@dataclass
class World:
    """Answers what a `CallScript` cannot know."""

    mocks: Mapping[str, tuple[Mock, ...]]
    step: Callable[[], str]
    """Where the call stands."""
    now: Callable[[], datetime]
    """The virtual clock."""
    calendars: Calendars | None = None
    """None: opening hours are known from mocks only."""
    leaves_transfers_open: bool = False
    """Whether a line of the conversation ends transfers that have no mock."""
    used: dict[str, int] = field(default_factory=dict)
    transfers: list[Handover] = field(default_factory=list)
    """Each transfer, in order."""
    waits_as: Mock = CONNECTED
    """What is known of the queue in which the caller waits."""
    missing: dict[str, str] = field(default_factory=dict)
    """Steps that asked and got no answer, and what to write into `mock` for them."""
    notes: list[str] = field(default_factory=list)
    """What the operator should know: commands that nobody plays here."""

    def __call__(self, command: c.Command) -> Answered | None:
        """What becomes of a command; None where nothing does, or not yet."""
        step = self.step()
        if isinstance(command, c.StartTransfer):
            return self._video(command) if is_room(command.names) else self._transfer(step, command)
        if isinstance(command, c.EnterQueue):
            return self.enters_queue(self.mock_for(step))
        if isinstance(command, c.AskStanding):
            return Answered(e.QueueStanding(0.0, self.waits_as.position or 1, self.waits_as.wait))
        if isinstance(command, c.StartJob):
            return self._job(step, command)
        if isinstance(command, c.StartRecording):
            return self._recording(step, command)
        if isinstance(command, c.NoteAnswer):
            return None  # what a survey keeps
        note = f"step '{step}' asked for {type(command).__name__}, which is not played here"
        if note not in self.notes:
            self.notes.append(note)
        return None

    def mock_for(self, step: str) -> Mock | None:
        """The next answer that a step gets; the last one repeats."""
        found = self._mocks_of(step)
        if not found:
            return None
        used = self.used.get(step, 0)
        self.used[step] = used + 1
        return found[min(used, len(found) - 1)]

    def has_mock(self, step: str) -> bool:
        """Whether something is written for a step."""
        return bool(self._mocks_of(step))

    def _mocks_of(self, step: str) -> tuple[Mock, ...]:
        """By the whole place (`order/look_up`), else by the step's own name."""
        return self.mocks.get(step) or self.mocks.get(step.rpartition("/")[2]) or ()

    def _transfer(self, step: str, command: c.StartTransfer) -> Answered | None:
        mock = self.mock_for(step)
        callees = tuple(callee.target for callee in command.callees)
        if mock is None and self.leaves_transfers_open:
            self.transfers.append(Handover(callees, None, command.rings_all))
            return None
        remark = "" if mock is not None else "; no mock says otherwise"
        mock = mock or CONNECTED
        self.transfers.append(handover := Handover(callees, mock, command.rings_all))
        outcome = e.TransferOutcome(mock.outcome or "failed")
        target = handover.taken_by if outcome in e.TALKED else ""
        event = e.TransferEnded(0.0, outcome, mock.detail, target)
        return Answered(event, mock.after, f"transfer: {outcome}{remark}")

    def _video(self, command: c.StartTransfer) -> Answered:
        """Who has joined a room talks with the caller, and leaves first."""
        handover = Handover((command.names,), CONNECTED)
        self.transfers.append(handover)
        outcome = e.TransferOutcome.AFTER if command.comes_back else e.TransferOutcome.CONNECTED
        return Answered(e.TransferEnded(0.0, outcome, "", handover.taken_by), 0.0, "they talk in the room")

    def enters_queue(self, mock: Mock | None) -> Answered:
        """How the wait ends; without a mock an agent answers at once."""
        remark = "" if mock is not None else "; no mock says otherwise"
        self.waits_as = mock = mock or CONNECTED
        outcome = e.QueueOutcome(mock.outcome or e.QueueOutcome.CONNECTED)
        if str(outcome) not in e.TALKED:
            return Answered(e.QueueEnded(0.0, outcome, mock.detail), mock.after, f"queue: {outcome}{remark}")
        agent = mock.agent or AGENT
        over = Answered(e.QueueEnded(0.0, outcome, mock.detail, agent), mock.talk or 0.0, f"queue: {outcome}")
        return Answered(e.QueueConnected(0.0, agent, 0.0), mock.after, f"{agent} answers{remark}", over)

    def _recording(self, step: str, command: c.StartRecording) -> Answered | None:
        """A mock stands for the caller's message; without one the conversation says what is said after the tone."""
        mock = self.mock_for(step)
        if mock is None:
            return None
        outcome = mock.outcome or "done"
        reason, is_kept = RECORD_OUTCOMES.get(outcome, (e.RecordingEnd.FAILED, False))
        length_s = mock.after or MESSAGE_S
        file = f"{command.step.replace('/', '-')}.wav" if is_kept else ""
        event = e.RecordingEnded(0.0, command.record_id, reason, file, length_s if is_kept else 0.0, mock.detail)
        return Answered(event, length_s, f"recording: {outcome}")

    def _job(self, step: str, command: c.StartJob) -> Answered | None:
        job = command.job
        if isinstance(job, AttendJob) or (isinstance(job, SendJob) and not job.is_awaited):
            return None
        mock = self.mock_for(step)
        if mock is not None:
            result = result_of(job, mock)
        elif isinstance(job, HoursJob) and self.calendars is not None:
            result = self.calendars(job.calendar, self.now())
        elif isinstance(job, GatherJob):
            result = _gathered(VIDEO_OUTCOMES[0])
        elif isinstance(job, SendJob):
            result = JobResult(JobOutcome.DONE)
        else:
            self.missing[step] = _REMEDY["hours" if isinstance(job, HoursJob) else "request"]
            result = JobResult(JobOutcome.FAILED, detail="no mock")
        return Answered(e.JobDone(0.0, command.job_id, result), mock.after if mock else 0.0, result_text(job, result))


def result_of(job: object, mock: Mock) -> JobResult:
    """What a job gets from a mock."""
    if isinstance(job, HoursJob):
        more = mock.body if isinstance(mock.body, Mapping) else {}
        return JobResult(JobOutcome.DONE, {**more, "state": mock.outcome or "closed"}, detail=mock.detail)
    if isinstance(job, HttpJob):
        return _http_result(job, mock)
    if isinstance(job, GatherJob):
        return _gathered(mock.outcome or VIDEO_OUTCOMES[0], mock.detail)
    outcomes = {"sent": JobOutcome.DONE, "timeout": JobOutcome.TIMEOUT}
    return JobResult(outcomes.get(mock.outcome or "sent", JobOutcome.FAILED), detail=mock.detail)


def _gathered(outcome: str, detail: str = "") -> JobResult:
    """What becomes of a caller who waits for somebody to join a room."""
    if outcome == "joined":
        return JobResult(JobOutcome.DONE, {"visit": "rehearsed", "number": 0}, detail=detail)
    return JobResult(JobOutcome.TIMEOUT if outcome == "nobody" else JobOutcome.FAILED, detail=detail)


def _http_result(job: HttpJob, mock: Mock) -> JobResult:
    if mock.outcome == "timeout":
        return JobResult(JobOutcome.TIMEOUT, detail=mock.detail)
    status = mock.status or {"not_found": 404, "error": None}.get(mock.outcome or "done", 200)
    is_good = status is not None and any(first <= status <= last for first, last in job.accepted)
    if not is_good:
        return JobResult(JobOutcome.FAILED, status=status, detail=mock.detail)
    return JobResult(JobOutcome.DONE, mock.body if job.reads_answer else None, status, mock.detail)


def result_text(job: object, result: JobResult) -> str:
    """What came of a job, in a few words and without its data."""
    if isinstance(job, HoursJob) and isinstance(result.value, Mapping):
        return f"the calendar says: {result.value.get('state')}"
    if isinstance(job, GatherJob):
        return f"video: {VIDEO_WORDS[result.outcome]}"
    status = "" if result.status is None else f", status {result.status}"
    return f"answer: {result.outcome}{status}"
