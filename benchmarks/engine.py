"""How quick the dialog engine is: events a second on one core, and conversations of `ivr test` a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.long_flow import long_flow
from ivr.cli.rehearsing import calendars_of, zone_of
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.check import CheckContext
from ivr.flow.program import Program
from ivr.flow.state import FlowState
from ivr.rehearsal import running
from ivr.settings import load_settings
from ivr.testing.conversation import CallScript

FLOWS = Path(__file__).parents[1] / "flows"
EVENTS_LIMIT, CONVERSATIONS_LIMIT = 50_000, 1000
PARTS = 20
"""Parts of the long flow that a call goes through."""


class _Recorder(CallScript):
    """A conversation that keeps its events."""

    def feed(self, event: e.Event) -> None:
        self.__dict__.setdefault("events", []).append(event)
        super().feed(event)


@dataclass(frozen=True, slots=True)
class Sample:
    """A call, ready to be led again."""

    name: str
    program: Program
    events: Sequence[e.Event]


def shipped() -> Sample:
    """The demonstration: keys, speech, silence, mistakes, a person who is busy."""
    call = _Recorder(FLOWS / "demo.yaml").offered()
    call.hears("press 1").says("opening hours").hears("anything else").says("yes")
    call.hears("press 2").stays_silent(7).hears("did not hear").says("blah blah").hears("do not understand")
    call.presses("2").presses("4712").hears("right").says("no").says("four seven one two").says("yes")
    call.hears("anything else").presses("1").presses("3")
    call.transfer_ends("busy").hears("sorry").presses("2").waits(20)
    return Sample("the demo flow", call.program, tuple(call.__dict__["events"]))


def long() -> Sample:
    """A flow of 1,000 steps in two languages, each part of it gone through."""
    call = _Recorder(long_flow(1000, bilingual=True)).offered()
    for part in range(PARTS):
        call.hears("press 1")
        if part % 2:
            call.presses("1").presses("471200").says("yes")
        else:
            call.presses("2").says("twenty")
        call.hears("go on").says("yes")
    call.hangs_up()
    return Sample("a flow of 1,000 steps", call.program, tuple(call.__dict__["events"]))


def events_per_s(sample: Sample, duration_s: float) -> float:
    """Events that the engine handles in a second of CPU time."""
    handled, began_s = 0, time.process_time()
    while time.process_time() - began_s < duration_s:
        state = FlowState()
        for event in sample.events:
            state = engine.step(sample.program, state, event).state
        handled += len(sample.events)
    return handled / (time.process_time() - began_s)


def conversations_per_s(duration_s: float) -> tuple[float, int]:
    """Conversations that `ivr test` plays in a second of CPU time, its start aside, and how many there are."""
    settings = load_settings(FLOWS.parent / "ivr.yaml")
    zone, calendars = zone_of(settings), calendars_of(settings)
    suites, problems = running.find_suites([FLOWS], CheckContext())
    wanted = running.chosen(suites, [])
    if problems or not wanted:
        raise RuntimeError(f"the shipped conversations cannot be played: {problems}")
    played, began_s = 0, time.process_time()
    while time.process_time() - began_s < duration_s:
        report = running.run(wanted, zone=zone, calendars=calendars)
        if any(result.has_failed for result in report.results):
            raise RuntimeError("a shipped conversation went another way than written")
        played += len(wanted)
    return played / (time.process_time() - began_s), len(wanted)


def measure_engine(*, duration_s: float) -> list[Figure]:
    """The best of three for each: the others were held up by what shares the core."""
    figures = []
    for sample in (shipped(), long()):
        rates = sorted(events_per_s(sample, duration_s / 3) for _ in range(3))
        note = f"{sample.name}, {len(sample.events)} events a call"
        figures.append(Figure("engine", "events/s", rates[-1], p50=rates[1], least=EVENTS_LIMIT, note=note))
    played = [conversations_per_s(duration_s / 3) for _ in range(3)]
    note = f"the {played[0][1]} shipped ones"
    return [*figures, Figure("ivr test", "conversations/s", max(played)[0], least=CONVERSATIONS_LIMIT, note=note)]
