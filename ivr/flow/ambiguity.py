"""Words that may mean two values: the caller is asked which."""

from __future__ import annotations

from dataclasses import replace

from ivr.flow import templates
from ivr.flow.asking import asked_of, open_step, plain, say_and_listen, shown
from ivr.flow.model import AskStep
from ivr.flow.run import Run
from ivr.flow.state import Pending
from ivr.flow.values.registry import kind_of


def ask_which(run: Run, pending: Pending) -> None:
    """Ask which of the values is meant that the same words may mean."""
    step = open_step(run)
    assert isinstance(step, AskStep)
    kind, asked = kind_of(step.ask), asked_of(run, step)
    both = sorted(str(value) for value in (pending.value, *pending.others))[:2]
    pending = replace(pending, value=both[0], others=tuple(both[1:]))
    names = [kind.spoken(asked, value) for value in both]
    spoken = templates.render(run.language.which_one, dict(zip(("first", "second"), names, strict=True)), "en")
    run.quiet()
    run.state.input.begin_reply(pending)
    run.state.input.started_at_s = run.at_s
    prompt = plain("{{ heard }}")
    written = shown(run, spoken)
    said = run.said(prompt, {"heard": spoken}, {"heard": written})
    run.state.input.prompt_text = said.text
    say_and_listen(run, said.segments)
