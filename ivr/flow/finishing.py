"""The key that says "I have finished": it ends an entry, what the caller says, or a question for free speech.

While the caller speaks it ends the turn (as `dtmfterm` ends a recording, VoiceXML 2.0 §2.3.6): what was said so far is
the answer. Free speech has no entry that the key could end: before a word was said it leaves the question.
"""

from __future__ import annotations

from ivr.flow import commands as c
from ivr.flow import form
from ivr.flow.asking import note_open, open_question, opened, waiting_of
from ivr.flow.question import Question
from ivr.flow.run import Run
from ivr.flow.values.base import SKIP

SPEECH_GRACE_S = 4.0
"""A recognizer that is silent for so long after the longest utterance, or after one that a key ended, is given up."""


def expect_terminator(run: Run, question: Question) -> None:
    """The answer is whole without the key; callers may press it all the same, and mean nothing by it any more."""
    if key := _terminator_of(question):
        run.state.swallow_key = key
        run.state.swallow_until_s = run.at_s + waiting_of(run).inter_digit_timeout_s


def _terminator_of(question: Question) -> str:
    if question.rules is not None:
        return question.rules.terminator
    return next((key for key, meaning in question.keys.items() if meaning == SKIP), "")


def swallow(run: Run) -> None:
    """The key came behind an answer that was complete without it."""
    run.state.swallowed_key, run.state.swallow_key = run.state.swallow_key, ""


def given_back(run: Run, question: Question, key: str) -> str:
    """The terminator swallowed before this key, where the two are one command (`##`) and the key alone is nothing.

    Callers who ended the entry and gave the command as well press it once more; that one is swallowed instead.
    """
    swallowed, run.state.swallowed_key = run.state.swallowed_key, ""
    if not swallowed or run.at_s > run.state.swallow_until_s:
        return ""
    if question.keys.get(key, SKIP) != SKIP or swallowed + key not in question.keys:
        return ""
    run.state.swallow_key = swallowed
    return swallowed


def ends_turn(run: Run, question: Question, key: str) -> bool:
    """Whether the key ends what the caller is saying. The recognizer has yet to tell what that was."""
    held, rules = run.state.input, question.rules
    ends_entry = rules is not None and key == rules.terminator and key not in question.keys
    if not held.is_speaking or held.is_finished or not (ends_entry or question.keys.get(key) == SKIP):
        return False
    run.stop_prompt()
    run.emit(c.EndUtterance())
    run.start_timer(SPEECH_GRACE_S)
    held.is_finished = True
    run.state.swallowed_key = key
    run.state.swallow_until_s = run.at_s + waiting_of(run).inter_digit_timeout_s
    return True


def skip(run: Run) -> None:
    """The caller has nothing to say."""
    asked = opened(run)
    note_open(run, "skipped", heard=_terminator_of(open_question(run)))
    form.gives_up(run)
    run.quiet()
    own = asked.asks.skipped if asked.asks is not None else None
    run.goto(own or asked.waiting.failed or "hang_up")
