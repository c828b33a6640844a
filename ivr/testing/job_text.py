"""Work that a flow gives away, in a few words."""

from __future__ import annotations

from ivr.flow.jobs import AttendJob, GatherJob, HoursJob, HttpJob, Job, MailMessage, SendJob, SipMessage, WebhookMessage


def job_text(job: Job) -> str:
    """What is asked or sent, without any value of the call."""
    match job:
        case HttpJob(method=method, shown_url=url):
            return f"asks {method} {url}"
        case HoursJob(calendar=calendar):
            return f"looks at the calendar {calendar}"
        case SendJob(message=WebhookMessage(webhook=name)):
            return f"sends to the webhook {name}"
        case SendJob(message=MailMessage(recipient=name, is_address=is_address)):
            return "sends a mail" if is_address else f"sends a mail to {name}"
        case SendJob(message=SipMessage(target=name)):
            return f"sends a message to {name}"
        case GatherJob(room=room, invitations=invitations):
            told = f", {len(invitations)} invited" if invitations else ""
            return f"opens a video room: {room}{told}"
        case AttendJob():
            return "waits until the others have left the room"
        case _:
            return type(job).__name__
