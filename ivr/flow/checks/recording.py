"""Rules about steps that record callers."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject
from ivr.flow.steps.record import RecordStep


def record_options(subject: Subject) -> Iterator[Problem]:
    """Options that cannot be, or not together; a message without a way out."""
    for name, step in subject.flow.steps.items():
        if not isinstance(step, RecordStep):
            continue
        record, path = step.record, ("steps", name, "record")
        if record.sensitive:
            message = "a message is a file and cannot be masked; remove sensitive, and ask for no secrets here"
            yield subject.error((*path, "sensitive"), message, "record_sensitive", at_key=True)
        if record.min_length > record.max_length:
            message = "min_length is more than max_length; exchange them"
            yield subject.error((*path, "min_length"), message, "empty_range", at_key=True)
        if record.review_prompt is not None and not record.review:
            message = "`review_prompt` is only said with a review; write `review: true`, or remove it"
            yield subject.error((*path, "review_prompt"), message, "option_does_not_fit", at_key=True)
        if step.failed is None and subject.flow.defaults.failed is None:
            message = "nothing says where the caller goes who leaves no message; write `failed:` here or under defaults"
            yield subject.error(("steps", name), message, "missing_failed", at_key=True)
