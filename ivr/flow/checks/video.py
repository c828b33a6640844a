"""Rules about steps that bring callers into video rooms."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.errors import Problem
from ivr.flow.checks.services import mail_problems, message_problems, unknown_name
from ivr.flow.checks.subject import Subject
from ivr.flow.steps.video import Invitation, VideoStep
from ivr.model_errors import did_you_mean
from ivr.yaml_source import DataPath


def _videos(subject: Subject) -> Iterator[tuple[DataPath, VideoStep]]:
    for name, step in subject.flow.steps.items():
        if isinstance(step, VideoStep):
            yield ("steps", name), step


def unknown_video_room(subject: Subject) -> Iterator[Problem]:
    """A room that the settings do not have."""
    services = subject.context.services
    for path, step in _videos(subject) if services else ():
        room = step.video.room
        if services is not None and room not in services.video:
            hint = did_you_mean(room, sorted(services.video)) or "add it to video: of the settings"
            message = f"there are no video rooms '{room}'; {hint}"
            yield subject.error((*path, "video", "room"), message, "unknown_video_room")


def unknown_invited(subject: Subject) -> Iterator[Problem]:
    """An invitation to a webhook, recipient or target that the settings do not have."""
    for path, step in _videos(subject):
        for index, each in enumerate(step.video.invite):
            yield from _invited(subject, (*path, "video", "invite", index, each.kind), each)


def _invited(subject: Subject, place: DataPath, invitation: Invitation) -> Iterator[Problem]:
    services = subject.context.services
    yield from message_problems(subject, place, invitation.message)
    if services is None:
        return
    if invitation.webhook is not None:
        yield from unknown_name(subject, place, "webhook", invitation.webhook, services.webhooks, "send: webhooks:")
    elif invitation.mail is not None:
        yield from mail_problems(subject, place, invitation.mail, services)


def video_without_exits(subject: Subject) -> Iterator[Problem]:
    """Nothing said about what happens when nobody joins, or no room is free."""
    for path, step in _videos(subject):
        if step.failed is None:
            missing = "nobody, failed" if step.nobody is None else "failed"
            message = f"nothing says where the caller goes on {missing}; add `failed:` for all of them"
            yield subject.error((*path, "video"), message, "video_without_exits", at_key=True)


def link_to_nobody(subject: Subject) -> Iterator[Problem]:
    """A caller is told of a link that is sent to nobody."""
    for path, step in _videos(subject):
        if step.video.announce is not None and not step.video.invite:
            message = "the announcement is for callers who get a link, and nobody gets one; add `invite:`"
            yield subject.warning((*path, "video", "announce"), message, "link_to_nobody", at_key=True)
