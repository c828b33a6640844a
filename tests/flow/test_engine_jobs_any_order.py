"""Jobs among events in any order: none is lost, and no timer."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from ivr.flow import commands as c
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.jobs import (
    JobOutcome,
    JobResult,
)
from ivr.flow.loader import load_flow
from ivr.flow.state import FlowState, Phase

pytestmark = pytest.mark.unit

RESULTS = [
    JobResult(JobOutcome.DONE, {"customer": {"balance": 1}}, 200),
    JobResult(JobOutcome.DONE, {"state": "open"}),
    JobResult(JobOutcome.DONE, {"state": "holiday"}),
    JobResult(JobOutcome.DONE, [1], 200),
    JobResult(JobOutcome.FAILED, None, 404),
    JobResult(JobOutcome.FAILED),
    JobResult(JobOutcome.TIMEOUT),
]


def _event(chance: Random, at_s: float, state: FlowState) -> e.Event:
    events: list[e.Event] = [
        e.DigitPressed(at_s, chance.choice("0123456789*#")),
        e.PromptFinished(at_s, state.play_id or "none"),
        e.PromptFailed(at_s, state.play_id or "none", "broken"),
        e.TimerFired(at_s, state.timer_id or "none"),
        e.JobDone(at_s, state.job_id or "none", chance.choice(RESULTS)),
        e.JobDone(at_s, "job1", chance.choice(RESULTS)),
        e.UtteranceHeard(at_s, state.listen_id or "none", "one two three four five six", 0.9),
        e.TransferEnded(at_s, e.TransferOutcome.BUSY),
        e.CallerHungUp(at_s),
    ]
    return chance.choices(events, [8, 8, 2, 8, 8, 2, 4, 4, 1])[0]


@pytest.mark.parametrize("seed", range(150))
def test_no_order_of_events_loses_the_call_a_job_or_a_timer(seed: int) -> None:
    file = Path(__file__).parents[1] / "data/flows/good/services.yaml"
    flow, chance = load_flow(file.read_bytes(), str(file)).flow, Random(seed)
    at_s, running, timers = 0.0, set[str](), set[str]()
    result = engine.step(flow, FlowState(), e.CallOffered(at_s))
    for _ in range(80):
        state = result.state
        for command in result.commands:
            if isinstance(command, c.StartTimer):
                timers.add(command.timer_id)
            elif isinstance(command, c.CancelTimer):
                timers.discard(command.timer_id)
            elif isinstance(command, c.StartJob) and not command.is_kept:
                running.add(command.job_id)
            elif isinstance(command, c.CancelJob):
                running.discard(command.job_id)
        assert timers <= {state.timer_id}, "a timer that nobody waits for"
        assert running <= {state.job_id}, "a job that nobody waits for"
        assert state.phase is not Phase.WORKING or state.job_id, "waits for nothing"
        if state.phase is Phase.ENDED:
            break
        at_s += chance.random() * 3
        event = _event(chance, at_s, state)
        if isinstance(event, e.TimerFired):
            timers.discard(event.timer_id)
        elif isinstance(event, e.JobDone):
            running.discard(event.job_id)
        result = engine.step(flow, state, event)
