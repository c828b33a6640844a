"""A caller is brought into a video room: who is invited, who waits for whom, and every way on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ivr.errors import FlowSyntaxError
from ivr.flow import commands as c
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.jobs import (
    AttendJob,
    GatherJob,
    JobOutcome,
    JobResult,
    MailMessage,
    SipMessage,
    WebhookMessage,
)
from ivr.flow.loader import load_flow
from ivr.flow.program import Program
from ivr.flow.state import FlowState, Phase

pytestmark = pytest.mark.unit

JOINED = JobResult(JobOutcome.DONE, {"visit": "v1", "number": 503})
NOBODY = JobResult(JobOutcome.TIMEOUT)

FLOW = """flow: test
start: show
variables: {address: guest@example.org}
steps:
  show:
    video:
      room: support
      announce: "I have sent you a link."
      wait_for: 45s
      link_valid: 5m
      invite:
        - {webhook: sms, text: "Your video: {link} "}
        - {message: reception}
        - {mail: "{{ address }}", subject: "Video", text: "Please join."}
    nobody: alone
    failed: broken
MORE
  alone: {say: "Nobody came."}
  broken: {say: "No room."}
  again: {say: "Welcome back."}
"""


class VideoCall:
    """A call that is told one event after the other."""

    def __init__(self, more: str = "", *, has_video: bool = False, text: str = FLOW) -> None:
        self.program = Program.of(load_flow(text.replace("MORE", more), "flow.yaml").flow)
        self.state = FlowState()
        self.commands: list[c.Command] = []
        self.feed(e.CallOffered(0.0, ani="+49301234", offers_video=has_video))

    def feed(self, event: e.Event) -> VideoCall:
        result = engine.step(self.program, self.state, event)
        self.state, self.commands = result.state, list(result.commands)
        return self

    def prompt_over(self) -> VideoCall:
        return self.feed(e.PromptFinished(1.0, self.state.play_id))

    def job_done(self, result: JobResult) -> VideoCall:
        return self.feed(e.JobDone(2.0, self.state.job_id, result))

    def transfer_ends(self, outcome: e.TransferOutcome) -> VideoCall:
        return self.feed(e.TransferEnded(9.0, outcome))

    def of(self, kind: type[c.Command]) -> list[c.Command]:
        return [command for command in self.commands if isinstance(command, kind)]

    @property
    def gather(self) -> GatherJob:
        (started,) = self.of(c.StartJob)
        assert isinstance(started, c.StartJob) and isinstance(started.job, GatherJob)
        return started.job

    @property
    def notes(self) -> list[str]:
        return [note.outcome for note in self.of(c.NoteStep) if isinstance(note, c.NoteStep) and note.kind == "video"]


def waiting(more: str = "", *, has_video: bool = False) -> VideoCall:
    call = VideoCall(more, has_video=has_video)
    return call if has_video else call.prompt_over()


def test_a_caller_without_video_hears_of_the_link_first_and_then_everybody_is_invited() -> None:
    call = VideoCall()
    assert not call.of(c.StartJob) and call.of(c.PlayPrompt)
    job = call.prompt_over().gather
    assert (job.room, job.wait_for_s, job.link_valid_s) == ("support", 45.0, 300.0)
    webhook, message, mail = job.invitations
    assert isinstance(webhook, WebhookMessage) and isinstance(webhook.data, Mapping)
    assert dict(webhook.data) == {
        "to": "+49301234",
        "text": "Your video: {link} ",
        "link": "{link}",
        "valid_s": 300,
    }
    assert message == SipMessage("reception", "{link}")
    assert mail == MailMessage("guest@example.org", "Video", "Please join. {link}", is_address=True)


def test_a_caller_with_video_gets_no_link_and_waits_at_once() -> None:
    call = waiting(has_video=True)
    assert call.gather.invitations == ()


def test_who_waits_hears_music_and_may_leave() -> None:
    call = waiting()
    assert call.state.phase is Phase.WORKING
    call.feed(e.TimerFired(5.0, call.state.timer_id))
    assert call.of(c.PlayPrompt)
    job_id = call.state.job_id
    call.feed(e.CallerHungUp(6.0))
    assert c.CancelJob(job_id) in call.commands and call.notes == ["hung_up"]


def test_the_bot_brings_the_voice_of_a_caller_without_video_and_stays() -> None:
    call = waiting().job_done(JOINED)
    (transfer,) = call.of(c.StartTransfer)
    assert isinstance(transfer, c.StartTransfer)
    assert (transfer.names, transfer.mode, transfer.comes_back) == ("support/503/v1", "bridge", False)
    (attend,) = call.of(c.StartJob)
    assert isinstance(attend, c.StartJob) and attend.job == AttendJob("v1")


def test_the_telephone_of_a_caller_with_video_is_sent_into_the_room() -> None:
    call = waiting(has_video=True).job_done(JOINED)
    (transfer,) = call.of(c.StartTransfer)
    assert isinstance(transfer, c.StartTransfer)
    assert (transfer.names, transfer.mode) == ("support/503/v1", "refer")
    assert not call.of(c.StartJob)
    call.transfer_ends(e.TransferOutcome.CONNECTED)
    assert call.state.phase is Phase.ENDED and call.notes == ["joined"]


@pytest.mark.parametrize(
    ("result", "outcome", "step"),
    [
        (NOBODY, "nobody", "alone"),
        (JobResult(JobOutcome.FAILED, detail="all rooms are in use"), "failed", "broken"),
        (JobResult(JobOutcome.DONE, {"visit": 1, "number": "x"}), "failed", "broken"),
        (JobResult(JobOutcome.DONE), "failed", "broken"),
    ],
)
def test_a_caller_whom_nobody_joins_is_back_in_the_flow(result: JobResult, outcome: str, step: str) -> None:
    call = waiting().job_done(result)
    assert call.notes == [outcome] and not call.of(c.StartTransfer)
    assert call.state.step == step


def test_when_the_others_have_left_the_caller_is_taken_out_of_the_room() -> None:
    call = waiting("    after: again").job_done(JOINED).job_done(JobResult(JobOutcome.DONE))
    assert call.commands == [c.EndTransfer()]
    call.transfer_ends(e.TransferOutcome.AFTER)
    assert call.state.step == "again" and call.notes == ["after"]


def test_a_database_that_is_away_ends_no_talk() -> None:
    call = waiting().job_done(JOINED).job_done(JobResult(JobOutcome.FAILED))
    assert call.commands == [] and call.state.phase is Phase.TRANSFERRING


def test_the_end_of_the_talk_closes_the_room() -> None:
    call = waiting().job_done(JOINED)
    job_id = call.state.job_id
    call.transfer_ends(e.TransferOutcome.CONNECTED)
    assert c.CancelJob(job_id) in call.commands and call.state.phase is Phase.ENDED


def test_a_room_that_cannot_be_called_is_a_failure() -> None:
    call = waiting().job_done(JOINED).transfer_ends(e.TransferOutcome.UNREACHABLE)
    assert call.notes == ["failed"] and call.state.step == "broken"


def test_keys_in_the_room_are_not_for_the_flow() -> None:
    call = waiting().job_done(JOINED).feed(e.DigitPressed(3.0, "1"))
    assert call.commands == [] and call.state.typed_ahead == ""


@pytest.mark.parametrize("invite", ["[{}]", "[{webhook: a, message: b}]"])
def test_an_invitation_has_one_receiver(invite: str) -> None:
    text = f"flow: t\nstart: s\nsteps:\n  s: {{video: {{room: r, invite: {invite}}}}}\n"
    with pytest.raises(FlowSyntaxError, match="exactly one of webhook, mail, message"):
        load_flow(text, "flow.yaml")
