"""What the steps that give work away have in common: the caller waits, hears something meanwhile, keys are kept."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.jobs import Job
from ivr.flow.parts import Part, Prompt
from ivr.flow.run import Run
from ivr.flow.segments import HOLD_MUSIC
from ivr.flow.state import Phase
from ivr.units import Duration

MUSIC_AFTER_S = 2.0
"""Where a flow names no sound of waiting, there is music when it takes so long."""

TEXT_AGAIN_AFTER_S = 6.0
"""A spoken text is said again after so long; a recording follows itself at once."""


class Waiting(Part):
    """What is heard while something lasts."""

    prompt: Prompt
    after: Annotated[Duration, Field(ge=0, le=60)] = 1.0
    """Nothing is heard of a quick answer."""
    every: Annotated[Duration, Field(ge=0, le=60)] | None = None
    """Pause before it is heard again."""

    @model_validator(mode="before")
    @classmethod
    def _from_yaml(cls, value: Any) -> Any:
        """`{play: …, after: 1s}`, `{text: …}`, or only what is heard."""
        if not isinstance(value, dict):
            return {"prompt": value} if isinstance(value, str | list) else value
        heard = {key: value[key] for key in ("play", "text") if key in value}
        if not heard or "prompt" in value:
            return value
        text = heard.get("text")
        prompt = {"play": heard["play"]} if "play" in heard else text
        return {"prompt": prompt, **{key: given for key, given in value.items() if key not in heard}}

    @property
    def pause_s(self) -> float:
        """Seconds between the end of it and its next beginning."""
        if self.every is not None:
            return self.every
        return TEXT_AGAIN_AFTER_S if any(item.text for item in self.prompt.items) else 0.0


def music() -> Waiting:
    """What is heard where nothing else is named."""
    return Waiting(prompt=Prompt.model_validate(HOLD_MUSIC.path), after=MUSIC_AFTER_S)


def begin(run: Run, job: Job, waiting: Waiting | None, *, is_kept: bool = False) -> None:
    """Give the work away and wait. What is queued is said meanwhile."""
    job_id = run.new_id("job")
    run.state.phase = Phase.WORKING
    run.state.job_id = job_id
    run.state.is_waiting_sound = False
    run.state.input.started_at_s = run.at_s
    run.emit(c.StartJob(job_id, job, is_kept))
    if run.state.queued.segments:
        barge_in = run.state.queued.barge_in
        run.play(run.take_queue())
        run.queue((), barge_in)
    elif waiting and not run.state.has_left:
        run.start_timer(waiting.after)


def is_awaited(run: Run, event: e.Event) -> bool:
    """Whether the event is the end of the work that is waited for."""
    return isinstance(event, e.JobDone) and event.job_id == run.state.job_id


def handle(run: Run, waiting: Waiting | None, event: e.Event) -> None:
    """Keys, time and prompts while the work lasts."""
    if run.state.phase is not Phase.WORKING:
        return
    match event:
        case e.DigitPressed(digit=digit):
            _key(run, digit, waiting)
        case e.PromptFinished() | e.PromptFailed() if waiting:
            pause_s = waiting.pause_s if run.state.is_waiting_sound else waiting.after
            is_broken = isinstance(event, e.PromptFailed) and run.state.is_waiting_sound
            if not is_broken:
                _sound_after(run, waiting, pause_s)
        case e.TimerFired(timer_id=timer_id) if waiting and timer_id == run.state.timer_id:
            run.state.timer_id = ""
            _sound(run, waiting)


def _key(run: Run, digit: str, waiting: Waiting | None) -> None:
    """The key is meant for the question that follows. It ends what was said before, not the sound of waiting."""
    run.state.typed_ahead = run.state.typed_ahead + digit
    if run.state.play_id and not run.state.is_waiting_sound and run.state.queued.barge_in in ("any", "digits", "match"):
        run.stop_prompt()
        if waiting:
            run.start_timer(waiting.after)


def _sound_after(run: Run, waiting: Waiting, pause_s: float) -> None:
    if pause_s > 0:
        run.start_timer(pause_s)
    else:
        _sound(run, waiting)


def _sound(run: Run, waiting: Waiting) -> None:
    run.state.is_waiting_sound = True
    run.play(run.segments(waiting.prompt))


def leave(run: Run, target: str) -> None:
    """Go on; what was said before the work is heard to its end first, the sound of waiting stops."""
    run.state.job_id = ""
    run.cancel_timer()
    if run.state.is_waiting_sound:
        run.stop_prompt()
        run.state.is_waiting_sound = False
    if run.state.play_id:
        run.state.phase = Phase.SPEAKING
        run.state.resume_at = target
    else:
        run.goto(target)


def caller_left(run: Run, kind: str, shown: str) -> None:
    """Write down that the caller did not wait."""
    if run.state.phase is Phase.WORKING:
        run.note(kind, "hung_up", started_at_s=run.state.input.started_at_s, meaning=shown)
