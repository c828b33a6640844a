"""No order of events makes the engine raise, go round without an end, wait for nothing, or ask for what makes no sense.

Hypothesis makes up the events, and the flows as well. The examples are the same in every run; to look for new ones:
`IVR_EXAMPLES=20000 pytest tests/flow/test_any_order.py`.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Step
from hypothesis import strategies as st

from ivr.flow.check import CheckContext, check_flow
from ivr.flow.loader import load_flow
from ivr.flow.program import Program, linked
from ivr.flow.state import Phase
from ivr.flow.steps.registry import STEP_KINDS
from ivr.flows import LIBRARY, flow_files, load_file, programs_of
from tests.flow.any_order import WHAT, AnyCall, Happening
from tests.flow.made_flows import MAKERS, programs

pytestmark = pytest.mark.unit

EXAMPLES = int(os.environ.get("IVR_EXAMPLES", "0"))
LONGEST_S = 24 * 3600.0
MOST_EVENTS = 6000
"""A caller who does nothing has been led to an end by then: 200 steps, each with its attempts and prompts."""


def tries(count: int) -> settings:
    """So many examples, the same ones each time, unless more are asked for."""
    return settings(
        max_examples=EXAMPLES or count,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        phases=[Step.explicit, Step.generate],  # a failure shows the call; to make it shorter may take minutes
        suppress_health_check=list(HealthCheck),
    )


happenings = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 999)), max_size=60)

noise = st.sampled_from([0, 1, 3])


@cache
def shipped() -> dict[str, Program]:
    """Every flow that comes with the project, packaged ones too."""
    folder = Path(__file__).parents[2] / "flows"
    files = [*flow_files(folder), *flow_files(LIBRARY)]
    flows = {loaded.flow.flow: loaded.flow for loaded in map(load_file, files)}
    return programs_of(flows)


def program_of(texts: list[str]) -> Program:
    main, *parts = [load_flow(text, "made.yaml").flow for text in texts]
    return linked(main, {part.flow: part for part in parts})


def call_with(program: Program, events: list[Happening]) -> AnyCall:
    """A call in which all this happens."""
    call = AnyCall(program).offered()
    for what, how in events:
        call.happens(what, how)
    return call


def led_to_its_end(call: AnyCall) -> None:
    """The caller hangs up; what a flow does then comes to its end, and nothing is left."""
    call.hangs_up()
    for _ in range(MOST_EVENTS):
        if not call.silence():
            break
    assert call.state.phase is Phase.ENDED, "\n".join(call.log[-60:])
    assert not call.timers and not call.jobs and not call.recording


def waited_for(call: AnyCall) -> None:
    """The caller does nothing any more; that comes to an end by itself."""
    for _ in range(MOST_EVENTS):
        if call.state.phase is Phase.ENDED:
            return
        assert call.silence()
    raise AssertionError("\n".join(["it goes on for ever", *call.log[-60:]]))


def noise_for_ever(call: AnyCall, every: int) -> None:
    """Where the caller stands it is loud: speech begins and never ends, or ends in nothing each `every` seconds."""
    began_s, count = call.now_s, 0
    while call.state.phase is not Phase.ENDED:
        count += 1
        assert call.now_s - began_s < LONGEST_S and count < 20 * MOST_EVENTS, "\n".join(call.log[-60:])
        next_s = min([*call.timers.values(), *([call.prompt_ends_s] if call.playing else [])], default=call.now_s)
        if call.listening and next_s > call.now_s + 1.0:
            call.now_s += 1.0
            call.happens("speech", 1)
            if every and count % every == 0:
                call.happens("utterance", 1)
        else:
            assert call.silence()


def test_each_kind_of_step_is_made() -> None:
    assert set(MAKERS) == set(STEP_KINDS)


@pytest.mark.parametrize("name", sorted(shipped()))
@tries(12)
@given(events=happenings)
def test_any_order_of_events_in_a_shipped_flow(name: str, events: list[Happening]) -> None:
    led_to_its_end(call_with(shipped()[name], events))


@pytest.mark.parametrize("name", sorted(shipped()))
@tries(4)
@given(events=happenings)
def test_a_caller_who_falls_silent_in_a_shipped_flow_is_led_to_an_end(name: str, events: list[Happening]) -> None:
    waited_for(call_with(shipped()[name], events))


@pytest.mark.parametrize("name", sorted(shipped()))
@tries(3)
@given(events=happenings, every=noise)
def test_endless_noise_in_a_shipped_flow_comes_to_an_end(name: str, events: list[Happening], every: int) -> None:
    noise_for_ever(call_with(shipped()[name], events), every)


@tries(120)
@given(texts=programs(), events=happenings)
def test_any_order_of_events_in_any_flow(texts: list[str], events: list[Happening]) -> None:
    led_to_its_end(call_with(program_of(texts), events))


@tries(40)
@given(texts=programs(), events=happenings)
def test_a_caller_who_falls_silent_in_any_flow_is_led_to_an_end(texts: list[str], events: list[Happening]) -> None:
    waited_for(call_with(program_of(texts), events))


@tries(40)
@given(texts=programs(), every=noise)
def test_endless_noise_in_any_flow_comes_to_an_end(texts: list[str], every: int) -> None:
    noise_for_ever(AnyCall(program_of(texts)).offered(), every)


@tries(20)
@given(texts=programs())
def test_any_flow_can_be_checked_and_again_with_the_same_outcome(texts: list[str]) -> None:
    loaded = [load_flow(text, "made.yaml") for text in texts]
    flows = {each.flow.flow: each.flow for each in loaded}
    world = CheckContext(targets=frozenset({"agent"}), flows=flows)
    first = [check_flow(each, world) for each in loaded]
    assert [check_flow(each, world) for each in loaded] == first
    assert [check_flow(load_flow(text, "made.yaml"), world) for text in texts] == first
    for problems in first:
        for problem in problems:
            assert problem.line >= 1 and any(sign in problem.message for sign in ("; ", ": ")), problem
