"""Asking: what an open step says, and how it begins to listen and to wait."""

from __future__ import annotations

from typing import Any

from ivr.flow import commands as c
from ivr.flow.masking import MASK
from ivr.flow.model import AskStep, InputStep, Menu, MenuStep, Prompt, PromptItem
from ivr.flow.question import Question, Waiting, confirmation, question_of, waiting_for
from ivr.flow.run import Run
from ivr.flow.segments import Segment


def open_step(run: Run) -> InputStep:
    found = run.flow.steps[run.state.step]
    assert isinstance(found, InputStep)
    return found


def waiting_of(run: Run) -> Waiting:
    return waiting_for(run.flow, open_step(run))


def open_question(run: Run) -> Question:
    tag, language = run.state.language, run.language
    if run.state.input.pending is not None:
        return confirmation(run.flow, open_step(run), tag, language)
    return question_of(run.flow, open_step(run), tag, language)


def is_deaf(run: Run) -> bool:
    return run.state.language in run.state.is_deaf


def asked_of(found: InputStep) -> Menu | AskStep:
    """The part of the step that has the prompts."""
    if isinstance(found, MenuStep):
        return found.menu
    assert isinstance(found, AskStep)
    return found


def prompt_of(run: Run, found: InputStep) -> Prompt:
    asked = asked_of(found)
    return asked.keys_prompt if asked.keys_prompt is not None and is_deaf(run) else asked.prompt


def ask(
    run: Run, found: InputStep, lead: tuple[Segment, ...] = (), lead_text: str = "", only_lead: bool = False
) -> None:
    """Play `lead` and the prompt, and listen as the barge-in kind allows."""
    run.set_input(lead=lead, lead_text=lead_text, is_only_lead=only_lead)
    prompt = prompt_of(run, found)
    text = "" if only_lead else run.text(prompt)
    run.set_input(prompt_text=" ".join(part for part in (lead_text, text) if part), started_at_s=run.at_s)
    say_and_listen(run, found, lead if only_lead else lead + run.segments(prompt))


def say_and_listen(run: Run, found: InputStep, segments: tuple[Segment, ...]) -> None:
    run.quiet()
    run.play(segments)
    if not segments:
        prompt_over(run)
    elif waiting_of(run).barge_in in ("speech", "any", "match"):
        open_ears(run, found)


def open_ears(run: Run, found: InputStep) -> None:
    """Start to recognize, where the language can be and there is anything to say."""
    question = open_question(run)
    phrases = question.listens_for
    if is_deaf(run) or not phrases:
        return
    waiting = waiting_of(run)
    run.set(listen_id=run.new_id("listen"))
    run.emit(
        c.StartListening(
            run.state.listen_id,
            run.state.language,
            phrases,
            question.allows_unknown,
            waiting.final_silence_s,
            waiting.max_speech_duration_s,
            isinstance(found, AskStep) and found.sensitive,
        )
    )


def wait(run: Run) -> None:
    """Start the timer that fits: between digits, or for the first input."""
    waiting = waiting_of(run)
    run.start_timer(waiting.inter_digit_timeout_s if run.state.input.typed else waiting.first_input_timeout_s)


def prompt_over(run: Run) -> None:
    """The prompt was heard to its end: listen if that has not begun, and wait."""
    if not run.state.listen_id:
        open_ears(run, open_step(run))
    if not run.state.input.is_speaking:
        wait(run)


def note_open(run: Run, outcome: str, **more: Any) -> None:
    """Write the open attempt to the record."""
    found, held = open_step(run), run.state.input
    values = {"prompt": held.prompt_text, "mode": held.mode, "attempt": held.attempt, **more}
    run.note(found.action, outcome, started_at_s=held.started_at_s, **values)


def shown(run: Run, heard: str) -> str:
    """What was heard, as it may be written down."""
    found = open_step(run)
    return MASK if isinstance(found, AskStep) and found.sensitive and heard else heard


def plain(text: str) -> Prompt:
    return Prompt(items=(PromptItem(text={"": text}),))
