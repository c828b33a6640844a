"""A call as it was recorded: derived durations, masking, and its timeline as plain lines.

Knows nothing of databases or terminals; durations are computed here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final

MASK = "***"
"""Stands for what must not be kept."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One recorded step of a call; the fields mean what they mean in `ivr.ports.StepRecord`."""

    sequence: int
    step: str
    kind: str
    started_at: datetime
    ended_at: datetime
    attempt: int
    outcome: str
    mode: str = ""
    prompt: str = ""
    heard: str = ""
    meaning: str = ""
    confidence: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TalkLine:
    """One talk with an agent of a queue; the fields mean what they mean in `ivr.acd.talk.Talk`."""

    agent: str
    queue: str
    began_at: datetime
    ended_at: datetime
    waited_s: float
    disposition: str = ""
    note: str = ""

    @property
    def talk_s(self) -> float:
        """Without the wrap-up."""
        return max(0.0, (self.ended_at - self.began_at).total_seconds())


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call; what nobody reported yet is None. Instants are UTC-aware."""

    id: str
    started_at: datetime
    """The INVITE."""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ani: str = ""
    dnis: str = ""
    account: str = ""
    flow: str = ""
    flow_version: str = ""
    end_reason: str | None = None
    ended_by: str | None = None
    sip_status: int | None = None
    hangup_cause: int | None = None
    transfer_target: str = ""
    rtp_loss: float | None = None
    """Share of the caller's RTP packets that did not come, 0 to 1."""
    rtp_jitter_ms: float | None = None
    mos: float | None = None
    """Estimated quality of the caller's audio, 1 to 4.5."""
    sip_call_id: str = ""
    worker: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, object] = field(default_factory=dict)
    """Name to `true` or to a value."""
    steps: tuple[StepLine, ...] = ()
    talks: tuple[TalkLine, ...] = ()
    """With agents of queues, in order of time."""

    @property
    def ring_s(self) -> float | None:
        """From the INVITE to the answer, or to the end of a call that was never answered; None while it rings."""
        return _between_s(self.started_at, self.answered_at or self.ended_at)

    @property
    def talk_s(self) -> float | None:
        """From the answer to the end; 0 for a call that was never answered; None for a call in progress."""
        if self.ended_at is None:
            return None
        return _between_s(self.answered_at or self.ended_at, self.ended_at)

    @property
    def total_s(self) -> float | None:
        """From the INVITE to the end; None for a call in progress."""
        return _between_s(self.started_at, self.ended_at)


CALL_FIELDS: Final = tuple(each.name for each in fields(CallRecord) if each.name not in ("steps", "talks"))
"""Those of the call itself."""


def _between_s(begin: datetime, end: datetime | None) -> float | None:
    # A wall clock that was set back must not make a duration negative.
    return None if end is None else round(max(0.0, (end - begin).total_seconds()), 3)


# --- masking ---------------------------------------------------------------------------------------------------------


def masked(text: str, *, is_sensitive: bool) -> str:
    """The text, or the mask where it is sensitive and not empty. The mask's length tells nothing."""
    return MASK if is_sensitive and text else text


def masked_variables(variables: Mapping[str, object], sensitive: Collection[str]) -> dict[str, object]:
    """A copy in which the values of the sensitive names are masked."""
    return {name: MASK if name in sensitive and value is not None else value for name, value in variables.items()}


def masked_number(number: str, visible_digits: int = 3) -> str:
    """A telephone number for logs: only its last digits, and none of a short one."""
    return MASK + number[-visible_digits:] if len(number) >= 2 * visible_digits else MASK if number else ""


def printable(text: str) -> str:
    """Text from the network made safe for a terminal: control characters become spaces."""
    return "".join(character if character.isprintable() else " " for character in text)


# --- as JSON ---------------------------------------------------------------------------------------------------------


def summary_as_json(record: CallRecord) -> dict[str, object]:
    """The call without steps and talks: the fields of docs/call-records.md, in that order."""
    values = {name: _json(getattr(record, name)) for name in CALL_FIELDS}
    variables, tags = values.pop("variables"), values.pop("tags")
    durations = {"ring_s": record.ring_s, "talk_s": record.talk_s, "total_s": record.total_s}
    return {**values, **durations, "tags": tags, "variables": variables}


def as_json(record: CallRecord) -> dict[str, object]:
    """The call with its steps, and with its talks."""
    return {**summary_as_json(record), "steps": _lines(record.steps), "talks": _lines(record.talks)}


def _lines(lines: Iterable[StepLine | TalkLine]) -> list[dict[str, object]]:
    return [{name.name: _json(getattr(line, name.name)) for name in fields(line)} for line in lines]


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return dict(value) if isinstance(value, Mapping) else value


# --- timeline --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One line of a call's timeline."""

    offset_s: float
    """From the start of the call."""
    who: str
    """call | bot | caller."""
    text: str
    step: str = ""
    """Name of the step it belongs to; empty for the call itself."""


CALLBACK_OF: Final = "callback_of"
"""Tag of a call to somebody who wanted to be called back: the id of the call in which that was asked for."""


def timeline(record: CallRecord) -> list[TimelineLine]:
    """What happened, in order of time; lines of the same instant keep their logical order."""
    lines = [*_beginning(record), *(line for step in record.steps for line in _step_lines(record, step))]
    lines += [line for talk in record.talks for line in _talk_lines(record, talk)]
    return [*sorted(lines, key=lambda line: line.offset_s), _ending(record, lines)]


def _beginning(record: CallRecord) -> Iterator[TimelineLine]:
    caller = record.ani or "unknown number"
    account = f" by {record.account}" if record.account else ""
    called = f"{caller} calls {record.dnis or 'an unknown number'}{account}"
    if first := record.tags.get(CALLBACK_OF):
        called = f"{caller} is called back{account}, as asked for in call {first}"
    yield TimelineLine(0.0, "call", called)
    version = f" (version {record.flow_version[:8]})" if record.flow_version else ""
    flow = f", flow {record.flow}{version}" if record.flow else ""
    if record.answered_at is not None:
        yield TimelineLine(_offset_s(record, record.answered_at), "call", f"answered{flow}")
    elif record.ended_at is not None:
        yield TimelineLine(0.0, "call", f"never answered{flow}")


def _ending(record: CallRecord, lines: list[TimelineLine]) -> TimelineLine:
    if record.ended_at is None:
        return TimelineLine(max(line.offset_s for line in lines), "call", "in progress, or not closed yet")
    reason = (record.end_reason or "unknown reason").replace("_", " ")
    target = f" to {record.transfer_target}" if record.transfer_target else ""
    facts = [f"ended: {reason}{target}"]
    if record.ended_by:
        facts.append(f"by {record.ended_by}")
    if record.sip_status:
        facts.append(f"SIP {record.sip_status}")
    if record.hangup_cause is not None:
        facts.append(f"cause {record.hangup_cause}")
    if record.mos is not None:
        facts.append(f"audio {record.mos:.1f} of 4.5")
    return TimelineLine(_offset_s(record, record.ended_at), "call", ", ".join(facts))


def _step_lines(record: CallRecord, step: StepLine) -> Iterator[TimelineLine]:
    begin_s, end_s = _offset_s(record, step.started_at), _offset_s(record, step.ended_at)
    attempt = f" (attempt {step.attempt})" if step.attempt > 1 else ""
    if step.prompt:
        yield TimelineLine(begin_s, "bot", f"“{step.prompt}”{attempt}", step.step)
    if step.heard or step.outcome == "no_input":
        yield TimelineLine(end_s, "caller", _heard(step), step.step)
    elif not step.prompt or step.outcome != "done":
        yield TimelineLine(end_s, "bot", _done(step), step.step)


def _talk_lines(record: CallRecord, talk: TalkLine) -> Iterator[TimelineLine]:
    begin_s, end_s = _offset_s(record, talk.began_at), _offset_s(record, talk.ended_at)
    yield TimelineLine(
        begin_s, "call", f"agent {talk.agent} of queue {talk.queue}, after {talk.waited_s:.0f} s of waiting"
    )
    said = f": {talk.disposition}" if talk.disposition else ""
    note = f" “{talk.note}”" if talk.note else ""
    yield TimelineLine(end_s, "call", f"talk with agent {talk.agent} over{said}{note}")


def _heard(step: StepLine) -> str:
    if not step.heard:
        return "silence"
    verb = "pressed {}" if step.mode == "dtmf" else "answered “{}”" if step.mode == "mixed" else "said “{}”"
    text = verb.format(step.heard)
    if step.confidence is not None and step.mode != "dtmf":
        text += f" (confidence {step.confidence:.2f})"
    if step.meaning and step.meaning != step.heard:
        text += f" → {step.meaning}"
    outcome = "" if step.outcome in ("match", "") else f": {_words(step.outcome)}"
    return text + outcome + (f" ({step.detail})" if step.detail else "")


def _done(step: StepLine) -> str:
    """`transfer: no answer (sales)`; the plain kind where all there is to say is that it was done."""
    outcome = f": {_words(step.outcome)}" if step.outcome not in ("", "done") else ""
    detail = " ".join(part for part in (step.meaning, step.detail) if part)
    return f"{_words(step.kind)}{outcome}" + (f" ({detail})" if detail else "")


def _words(name: str) -> str:
    return "not understood" if name == "no_match" else name.replace("_", " ")


def _offset_s(record: CallRecord, instant: datetime) -> float:
    return _between_s(record.started_at, instant) or 0.0
