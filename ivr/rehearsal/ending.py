"""What can be told of a rehearsed call that is over. Its end has the words of call records."""

from __future__ import annotations

from ivr.flow import commands as c
from ivr.flow.events import TransferOutcome
from ivr.flow.run import TEMPORARY_FAILURE
from ivr.testing.conversation import CallScript


def ended_by_bot(call: CallScript) -> str | None:
    """The word for an end that the bot made; None where it made none."""
    if call.refused_with is not None:
        return "rejected"
    if any(note.kind == "transfer" and note.outcome == TransferOutcome.CONNECTED for note in call.record):
        return "transferred"
    hung_up = next((command for command in call.commands if isinstance(command, c.HangUp)), None)
    if hung_up is None:
        return None
    return "failed" if hung_up.hangup_cause == TEMPORARY_FAILURE else "bot_hung_up"


def lines_until_last_words(call: CallScript) -> int:
    """How many lines its record had before the last prompt or transfer. What follows, others may bring about."""
    lines = until = 0
    for command in call.commands:
        lines += isinstance(command, c.NoteStep)
        until = lines if isinstance(command, c.PlayPrompt | c.StartTransfer) else until
    return until


def languages_listened_in(call: CallScript) -> tuple[str, ...]:
    """Every language in which speech was listened for, in order."""
    return tuple(dict.fromkeys(each.language for each in call.commands if isinstance(each, c.StartListening)))
