"""`video`: a room in which caller and agent see each other; the caller waits in the call until somebody is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow import templates
from ivr.flow.jobs import (
    LINK,
    AttendJob,
    GatherJob,
    JobOutcome,
    JobResult,
    MailMessage,
    Message,
    SipMessage,
    WebhookMessage,
)
from ivr.flow.marks import Target, Template
from ivr.flow.model import Flow, Step
from ivr.flow.parts import Part, Prompt
from ivr.flow.run import Run
from ivr.flow.state import Phase
from ivr.flow.steps import job
from ivr.flow.steps.kind import END, Exit, StepKind
from ivr.flow.steps.send import MAX_SUBJECT_CHARACTERS
from ivr.flow.template_rules import is_template
from ivr.units import Duration

RECEIVERS = ("webhook", "mail", "message")
RING_FOR_S = 20.0
"""A room of a PBX answers at once."""


def target_name(room: str, number: int, visit: str) -> str:
    """What a room is called among the targets of transfers: no target of the settings has such a name."""
    return f"{room}/{number}/{visit}"


def room_of(target: str) -> tuple[str, int, str]:
    """Room, number and visit of such a name. Raises KeyError for any other."""
    room, number, visit = [*target.split("/"), "", ""][:3]
    if not (visit and number.isdecimal()):
        raise KeyError(target)
    return room, int(number), visit


def is_room(target: str) -> bool:
    """Whether a target of a transfer is a room."""
    return "/" in target


class Invitation(Part):
    """Somebody who is sent the link to the room's page."""

    webhook: str | None = None
    """Name of a webhook in the settings: a gateway for text messages, which finds `to`, `text` and `link` in it."""
    mail: Template | None = None
    """Name of a recipient in the settings; or a template that gives an address of an allowed domain."""
    message: str | None = None
    """Name of a target in the settings, for a SIP MESSAGE; `caller`: the caller's own telephone."""
    text: Template = LINK
    """`{link}` is where the link stands; it follows the text that has none."""
    subject: Template = "Video"
    """mail only."""

    @model_validator(mode="after")
    def _one_receiver(self) -> Invitation:
        if len([key for key in RECEIVERS if getattr(self, key) is not None]) != 1:
            raise ValueError("an invitation has one receiver; write exactly one of webhook, mail, message")
        return self

    @property
    def kind(self) -> str:
        """webhook, mail or message."""
        return next(key for key in RECEIVERS if getattr(self, key) is not None)


class Video(Part):
    """Which room, and who is told of it."""

    room: str
    """Name under `video:` in the settings."""
    invite: tuple[Invitation, ...] = ()
    """Who gets the link, where the caller's telephone has no video."""
    announce: Prompt | None = None
    """Said to a caller without video before: that a link is on its way."""
    wait_for: Annotated[Duration, Field(ge=1, le=1800)] = 60.0
    """Nobody joins in this time: `nobody`."""
    link_valid: Annotated[Duration, Field(ge=10, le=86_400)] = 600.0
    """How long the link can be used, once."""


class VideoStep(Step):
    """Brings the caller into a video room as soon as somebody has joined it."""

    action: ClassVar[str] = "video"
    video: Video
    waiting: job.Waiting | None = None
    """Heard by the caller until somebody joins; music when empty."""
    nobody: Target | None = None
    """Where the caller goes on when nobody joined; as `failed` when empty."""
    after: Target | None = None
    """Where the caller goes on when all others have left; else the call is over then."""
    failed: Target | None = None
    """No room is free, or it cannot be reached."""


def _enter(run: Run, name: str, found: VideoStep) -> None:
    video, has_video = found.video, _has_video(run)
    if video.announce and not has_video and not run.is_announced:
        run.queue(run.segments(video.announce), "none")
    if run.flush(name, is_announced=True):
        return
    run.state.typed_ahead = ""
    invitations = () if has_video else tuple(_message(run, each, video) for each in video.invite)
    job.begin(run, GatherJob(video.room, invitations, video.wait_for, video.link_valid), _waiting(found))


def _waiting(found: VideoStep) -> job.Waiting:
    return found.waiting or job.music()


def _call(run: Run) -> Mapping[str, object]:
    call = run.state.variables.get("call")
    return call if isinstance(call, Mapping) else {}


def _has_video(run: Run) -> bool:
    return bool(_call(run).get("video"))


def _message(run: Run, invitation: Invitation, video: Video) -> Message:
    """What is sent, with the call's values in it. Raises TemplateFailed."""
    variables, language = run.variables, run.state.language
    text = templates.render(invitation.text, variables, language)
    text = text if LINK in text else f"{text} {LINK}"
    if invitation.webhook is not None:
        data = {"to": _call(run).get("from", ""), "text": text, "link": LINK, "valid_s": round(video.link_valid)}
        return WebhookMessage(invitation.webhook, data)
    if invitation.message is not None:
        return SipMessage(invitation.message, text)
    assert invitation.mail is not None
    recipient = templates.render(invitation.mail, variables, language).strip()
    subject = " ".join(templates.render(invitation.subject, variables, language).split())[:MAX_SUBJECT_CHARACTERS]
    return MailMessage(recipient, subject, text, is_template(invitation.mail))


def _handle(run: Run, found: VideoStep, event: e.Event) -> None:
    if isinstance(event, e.JobDone) and job.is_awaited(run, event):
        if run.state.phase is Phase.WORKING:
            _gathered(run, found, event.result)
        else:
            _left_alone(run, event.result)
    elif isinstance(event, e.TransferEnded) and run.state.phase is Phase.TRANSFERRING:
        _talked(run, found, event)
    else:
        job.handle(run, _waiting(found), event)


def _gathered(run: Run, found: VideoStep, result: JobResult) -> None:
    """Somebody has joined, or nobody will."""
    place = _place_of(result)
    if place is not None:
        _join(run, found, *place)
        return
    outcome = "nobody" if result.outcome is JobOutcome.TIMEOUT else "failed"
    _note(run, found, outcome, result.detail)
    job.leave(run, dict(_ways(run.flow, found))[outcome])


def _place_of(result: JobResult) -> tuple[str, int] | None:
    """Visit and number of the room; None where there is none."""
    value = result.value if result.outcome is JobOutcome.DONE else None
    visit, number = (value.get("visit"), value.get("number")) if isinstance(value, Mapping) else (None, None)
    return (visit, number) if isinstance(visit, str) and isinstance(number, int) else None


def _join(run: Run, found: VideoStep, visit: str, number: int) -> None:
    """The caller's own telephone is sent into the room where it has video; else the bot brings his voice there."""
    _fall_silent(run)
    run.state.phase = Phase.TRANSFERRING
    run.state.typed_ahead = ""
    run.state.input.started_at_s = run.at_s
    callee = c.Callee(target_name(found.video.room, number, visit), RING_FOR_S)
    if _has_video(run):
        run.emit(c.StartTransfer((callee,), "refer", ()))
        return
    run.state.job_id = run.new_id("job")
    run.emit(c.StartTransfer((callee,), "bridge", (), comes_back=found.after is not None))
    run.emit(c.StartJob(run.state.job_id, AttendJob(visit)))


def _fall_silent(run: Run) -> None:
    """The waiting sound ends."""
    run.state.job_id = ""
    run.state.is_waiting_sound = False
    run.cancel_timer()
    if run.state.play_id:
        run.stop_prompt()


def _left_alone(run: Run, result: JobResult) -> None:
    run.state.job_id = ""
    if result.outcome is JobOutcome.DONE:
        run.emit(c.EndTransfer())


def _talked(run: Run, found: VideoStep, event: e.TransferEnded) -> None:
    run.cancel_job()
    if event.outcome not in e.TALKED:
        _note(run, found, "failed", event.detail or event.outcome)
        run.goto(dict(_ways(run.flow, found))["failed"])
    elif event.outcome is e.TransferOutcome.CONNECTED or found.after is None:
        _note(run, found, "joined", event.detail)
        run.end(ended_by="transfer")
    else:
        _note(run, found, "after", event.detail)
        run.goto(found.after)


def _note(run: Run, found: VideoStep, outcome: str, detail: str) -> None:
    started_at_s = run.state.input.started_at_s
    run.note("video", outcome, started_at_s=started_at_s, meaning=found.video.room, detail=detail)


def _caller_left(run: Run, found: VideoStep) -> None:
    if run.state.phase in (Phase.WORKING, Phase.TRANSFERRING):
        _note(run, found, "hung_up", "")


def _ways(flow: Flow, step: VideoStep) -> Iterator[tuple[str, str]]:
    failed = step.failed or flow.defaults.failed or END
    yield "nobody", step.nobody or failed
    yield "failed", failed


def _exits(flow: Flow, step: VideoStep) -> Iterator[Exit]:
    yield from (Exit(key, target) for key, target in _ways(flow, step))
    if step.after:
        yield Exit("after", step.after, without_caller=False)


KIND = StepKind(
    VideoStep,
    _enter,
    _handle,
    _caller_left,
    exits=_exits,
    needs_next=lambda step: False,
    needs_answer=True,
    ends_call=True,
)
