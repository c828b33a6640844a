"""Answers of surveys as they are read back: the last one of each question of a call, and what they come to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ivr.ports import AnswerRecord

ANSWER_COLUMNS = ("survey", "call_id", "question", "outcome", "answer", "confidence", "mode", "asked_at")
"""Fields of an exported answer, in order."""


def latest(answers: Iterable[AnswerRecord]) -> list[AnswerRecord]:
    """Of each question of a call its last row, in the order of the first ones: callers may go back."""
    found: dict[tuple[str, str, str], AnswerRecord] = {}
    for answer in answers:
        found[(answer.survey, answer.call_id, answer.question)] = answer
    return list(found.values())


def answer_row(answer: AnswerRecord) -> dict[str, object]:
    """The fields of an exported answer."""
    row = {name: getattr(answer, name) for name in ANSWER_COLUMNS}
    return {**row, "asked_at": answer.asked_at.isoformat()}


def survey_summaries(answers: Sequence[AnswerRecord]) -> Iterator[str]:
    """Lines for people: each survey, its questions, how many answered and what."""
    for survey in dict.fromkeys(answer.survey for answer in answers):
        own = [answer for answer in answers if answer.survey == survey]
        calls = len({answer.call_id for answer in own})
        yield f"{survey}: {calls} {'call' if calls == 1 else 'calls'}"
        for question in dict.fromkeys(answer.question for answer in own):
            rows = [answer for answer in own if answer.question == question]
            yield f"  {question}: {_told(rows)}"


def _told(rows: Sequence[AnswerRecord]) -> str:
    given = [row.answer for row in rows if row.outcome == "answered"]
    others = Counter(row.outcome.replace("_", " ") for row in rows if row.outcome != "answered")
    facts = [f"{len(given)} answered"]
    numbers = [value for value in given if isinstance(value, int | float) and not isinstance(value, bool)]
    if numbers and len(numbers) == len(given):
        facts.append(f"mean {sum(numbers) / len(numbers):.2f}")
    facts += [f"{count} {what}" for what, count in sorted(others.items())]
    shown = Counter("yes" if value is True else "no" if value is False else str(value) for value in given)
    common = ", ".join(f"{value} ({count})" for value, count in shown.most_common(5))
    return ", ".join(facts) + (f": {common}" if common else "")
