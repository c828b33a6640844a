"""`send`: a webhook, a mail or a SIP message. The call waits only where the flow wants to know what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field, StrictBool, model_validator

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow import templates
from ivr.flow.jobs import JobOutcome, MailMessage, Message, SendJob, SipMessage, WebhookMessage
from ivr.flow.marks import Target, Template, TemplateValue
from ivr.flow.model import Flow, Step
from ivr.flow.parts import Part, VariableName
from ivr.flow.run import Run
from ivr.flow.steps import job
from ivr.flow.steps.kind import END, RETURN, Exit, StepKind
from ivr.flow.template_rules import is_template
from ivr.units import Duration

KINDS = ("webhook", "mail", "message")
MAX_SUBJECT_CHARACTERS = 200


class Send(Part):
    """What to send, and to whom."""

    webhook: str | None = None
    """Name of a webhook in the settings."""
    mail: Template | None = None
    """Name of a recipient in the settings; or a template that gives an address of an allowed domain."""
    message: str | None = None
    """Name of a target in the settings, for a SIP MESSAGE; `caller`: the caller's own telephone."""
    data: dict[str, TemplateValue] = Field(default_factory=dict)
    """webhook: its JSON; text is a template."""
    variables: tuple[str, ...] = ()
    """webhook: variables that go into its JSON under their own names."""
    subject: Template = ""
    """mail only."""
    text: Template = ""
    """mail and message."""
    attach: VariableName | None = None
    """mail: variable of a `record` step, whose message goes with it."""
    wait: StrictBool = False
    """Whether the call waits for what comes of it; then it leaves by `sent` or `failed`."""
    timeout: Annotated[Duration, Field(ge=0.1, le=60)] = 10.0
    """Longest wait."""

    @model_validator(mode="after")
    def _one_kind(self) -> Send:
        used = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(used) != 1:
            raise ValueError("a send has one receiver; write exactly one of webhook, mail, message")
        if used[0] != "webhook" and not self.text:
            raise ValueError(f"a {used[0]} says something; add text")
        if used[0] == "mail" and not self.subject:
            raise ValueError("a mail has a subject; add subject")
        unused = {"webhook": ("subject", "text", "attach"), "mail": ("data", "variables"),
                  "message": ("data", "variables", "subject", "attach")}[used[0]]  # fmt: skip
        wrong = next((key for key in unused if getattr(self, key)), None)
        if wrong:
            raise ValueError(f"'{wrong}' is not part of a {used[0]}; remove it")
        return self

    @property
    def receiver(self) -> str:
        """Who gets it, as the flow writes it."""
        return self.webhook or self.mail or self.message or ""

    @property
    def kind(self) -> str:
        """webhook, mail or message."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


class SendStep(Step):
    """Sends, and goes on."""

    action: ClassVar[str] = "send"
    send: Send
    waiting: job.Waiting | None = None
    """Heard by the caller while the call waits."""
    sent: Target | None = None
    """With `wait` only; `next` when empty."""
    failed: Target | None = None
    """With `wait` only."""

    @model_validator(mode="after")
    def _exits_of_waiting(self) -> SendStep:
        for key in ("sent", "failed", "waiting"):
            if getattr(self, key) is not None and not self.send.wait:
                raise ValueError(f"'{key}' is only for a send that the call waits for; write wait: true, or remove it")
        return self


def message_of(run: Run, send: Send) -> Message:
    """The message with the call's values in it. Raises TemplateFailed."""
    variables, language = run.variables, run.state.language
    if send.webhook is not None:
        chosen = {name: variables.get(name) for name in send.variables}
        return WebhookMessage(send.webhook, {**chosen, **templates.evaluate_set(send.data, variables, language)})
    text = templates.render(send.text, variables, language)
    if send.message is not None:
        return SipMessage(send.message, text)
    assert send.mail is not None
    recipient = templates.render(send.mail, variables, language).strip()
    subject = " ".join(templates.render(send.subject, variables, language).split())[:MAX_SUBJECT_CHARACTERS]
    attached = run.state.variables.get(send.attach or "")
    file = str(attached.get("file", "")) if isinstance(attached, Mapping) else ""
    return MailMessage(recipient, subject, text, is_template(send.mail), file)


def _enter(run: Run, name: str, found: SendStep) -> None:
    work = SendJob(message_of(run, found.send), found.send.wait, found.send.timeout)
    if found.send.wait:
        job.begin(run, work, found.waiting)
        return
    run.emit(c.StartJob(run.new_id("job"), work, is_kept=True))
    run.note("send", "done", meaning=_shown(found.send))
    run.goto(found.next or RETURN)


def _handle(run: Run, found: SendStep, event: e.Event) -> None:
    if not isinstance(event, e.JobDone) or event.job_id != run.state.job_id:
        job.handle(run, found.waiting, event)
        return
    is_sent = event.result.outcome is JobOutcome.DONE
    outcome, started_at_s = "sent" if is_sent else "failed", run.state.input.started_at_s
    run.note("send", outcome, started_at_s=started_at_s, meaning=_shown(found.send), detail=event.result.detail)
    job.leave(run, dict(_ways(run.flow, found))[outcome])


def _shown(send: Send) -> str:
    return f"{send.kind} {send.receiver}"


def _ways(flow: Flow, step: SendStep) -> Iterator[tuple[str, str]]:
    if step.send.wait:
        yield "sent", step.sent or step.next or RETURN
        yield "failed", step.failed or flow.defaults.failed or END
    else:
        yield "next", step.next or RETURN


def _exits(flow: Flow, step: SendStep) -> Iterator[Exit]:
    yield from (Exit(key, target) for key, target in _ways(flow, step))


KIND = StepKind(
    SendStep,
    _enter,
    _handle,
    lambda run, found: job.caller_left(run, "send", _shown(found.send)),
    exits=_exits,
    needs_caller=False,
    needs_next=lambda step: step.sent is None,
)
