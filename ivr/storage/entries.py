"""Call records as plain JSON values: what waits in memory and in the spool on its way to the database."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime

from ivr.ports import AnswerRecord, CallEnded, CallStarted, StepRecord

Entry = dict[str, object]
"""`record` (which of them it is) and the fields of a CallStarted, StepRecord, AnswerRecord or CallEnded."""

CALL_STARTED, STEP_DONE, CALL_ENDED, ANSWER_GIVEN = "call_started", "step_done", "call_ended", "answer_given"
_KINDS: dict[type, str] = {
    CallStarted: CALL_STARTED,
    StepRecord: STEP_DONE,
    CallEnded: CALL_ENDED,
    AnswerRecord: ANSWER_GIVEN,
}

STARTED_FIELDS, STEP_FIELDS, ENDED_FIELDS, ANSWER_FIELDS = (
    tuple(field.name for field in fields(kind)) for kind in (CallStarted, StepRecord, CallEnded, AnswerRecord)
)


def encode(record: CallStarted | StepRecord | AnswerRecord | CallEnded) -> Entry:
    """A snapshot that later changes of the record's values do not reach."""
    values = {name: plain(getattr(record, name)) for name in (field.name for field in fields(record))}
    return {"record": _KINDS[type(record)], **values}


def plain(value: object) -> object:
    """A JSON value that both databases accept: no NUL characters, lone surrogates, NaN; unknown types as their text."""
    match value:
        case None | bool():
            return value
        case int():
            return int(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
        case datetime():
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
        case Mapping():
            return {str(plain(str(key))): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case _:
            return plain(str(value))


def to_line(entry: Entry) -> str:
    """One line of a spool file, without its end."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def from_line(line: str) -> Entry:
    """The entry of a spool line. Raises ValueError for a line that is torn or not ours."""
    entry = json.loads(line)
    if not isinstance(entry, dict) or entry.get("record") not in _KINDS.values():
        raise ValueError("not a call record")
    return entry


def instants_parsed(entry: Entry, names: tuple[str, ...]) -> Entry:
    """Those fields of the entry that are in `names`, with instants as datetimes."""
    return {name: _parsed(name, entry[name]) for name in names if name in entry}


def _parsed(name: str, value: object) -> object:
    return datetime.fromisoformat(value) if name.endswith("_at") and isinstance(value, str) else value
