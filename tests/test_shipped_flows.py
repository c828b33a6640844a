"""The flows that come with the project, packaged ones too: each is sound, and has conversations that go through nearly
all of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ivr.check_context import check_set, surroundings_of
from ivr.cli.rehearsing import calendars_of
from ivr.flow.state import Phase
from ivr.flow.steps.transfer_model import TransferStep
from ivr.flows import LIBRARY, flow_files, load_file, load_files
from ivr.rehearsal.acts import StaySilent
from ivr.rehearsal.model import Conversation
from ivr.rehearsal.player import play
from ivr.rehearsal.reading import PlacedConversation
from ivr.rehearsal.results import failure_lines
from ivr.rehearsal.running import Suite, chosen, find_suites, run
from ivr.rehearsal.trail import place_of
from ivr.rehearsal.world import World
from ivr.settings import load_settings
from ivr.testing.conversation import CallScript
from tests.flow.test_engine_liveness import random_step
from tests.speech.conftest import GERMAN_MODEL, needed

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
FOLDERS = [ROOT / "flows", LIBRARY]
LEAST_PERCENT = 90.0

SETTINGS = load_settings(ROOT / "ivr.yaml")
CALENDARS = calendars_of(SETTINGS)
SUITES, PROBLEMS = find_suites(FOLDERS, surroundings_of(SETTINGS).context)


def test_flows_and_conversations_have_no_mistakes() -> None:
    assert not PROBLEMS, "\n".join(map(str, PROBLEMS))


def test_every_flow_has_conversations() -> None:
    files = [file for folder in FOLDERS for file in flow_files(folder)]
    assert {suite.flow.flow.flow for suite in SUITES} == {load_file(file).flow.flow for file in files}


def test_every_flow_answers_a_number_of_its_own() -> None:
    assert {entry.flow for entry in SETTINGS.numbers.values()} == {
        load_file(file).flow.flow for file in flow_files(ROOT / "flows")
    }


def test_all_that_callers_may_say_is_known_in_english_and_german() -> None:
    speech = SETTINGS.speech.model_copy(update={"models": {"en-US": "", "de-DE": str(needed(GERMAN_MODEL))}})
    surroundings = surroundings_of(SETTINGS.model_copy(update={"speech": speech}))
    flows = load_files(file for folder in FOLDERS for file in flow_files(folder)).flows
    found = check_set(flows, surroundings.context)
    surroundings.close()
    assert surroundings.context.languages_with_model == frozenset({"en", "de"})
    assert [problem for problems in found.values() for problem in problems] == []


@pytest.mark.parametrize(
    ("suite", "placed"), chosen(SUITES, ()), ids=lambda value: getattr(getattr(value, "conversation", None), "name", "")
)
def test_a_conversation_goes_as_written(suite: Suite, placed: PlacedConversation) -> None:
    report = run([(suite, placed)], calendars=CALENDARS)
    assert not report.failed, "\n" + "\n".join(failure_lines(report.failed[0]))


def test_conversations_go_through_nearly_all_of_each_flow() -> None:
    coverage = {each.flow: each.percent for each in run(chosen(SUITES, ()), calendars=CALENDARS).coverage}
    assert coverage and min(coverage.values()) >= LEAST_PERCENT, coverage


NO_AUDIO = ("no audio", "details left out")
"""How a prompt breaks here, whatever is in the flow."""
ACCOUNT = {"balance": 42.5, "paid": {"amount": 38.2, "on": "2026-11-02"}}
BY_DAY, BY_NIGHT = "2026-11-23 10:00-05:00", "2026-11-23 23:00-05:00"


@pytest.mark.parametrize("now", [BY_DAY, BY_NIGHT], ids=["by day", "by night"])
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.flow.flow.flow)
def test_a_caller_who_says_nothing_is_led_out_even_where_nobody_answers(suite: Suite, now: str) -> None:
    flows = suite.program.flows
    people = [name for flow in flows for name, step in flow.steps.items() if isinstance(step, TransferStep)]
    given = {"now": now, "variables": dict.fromkeys(suite.flow.flow.takes, "4711")}
    mock = {name: ["no_answer"] for name in people}
    silence = Conversation.model_validate({"name": "silence", "given": given, "mock": mock})
    call = (StaySilent(lasting=600.0),)
    played = play(
        silence.model_copy(update={"call": call}),
        suite.program,
        calendars=CALENDARS,
    )
    assert played.difference is None and played.end == "bot_hung_up", played.turns


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.flow.flow.flow)
def test_nothing_that_happens_breaks_a_flow_or_leaves_its_caller_in_silence_for_ever(suite: Suite, seed: int) -> None:
    chance = random.Random(seed)
    mocks = {"look_up": [{"status": 200, "json": ACCOUNT}, "not_found", "error"]}
    world = World(
        Conversation.model_validate({"name": "any", "mock": mocks}).mock,
        step=lambda: place_of(call.state),
        now=lambda: call.clock.now(),
        calendars=CALENDARS,
        leaves_transfers_open=True,
    )
    call = CallScript(suite.flow.flow, runs=tuple(suite.program.parts.values()), outside=world)
    call.offered(variables=dict.fromkeys(suite.flow.flow.takes, "4711"))
    for _ in range(150):
        random_step(call, chance)
        assert call.can_wake, call.transcript
        broken = [note for note in call.record if note.outcome == "error" and not note.detail.startswith(NO_AUDIO)]
        assert not broken, (broken, call.transcript)
    call.hangs_up()
    assert call.phase is Phase.ENDED and call.clock.timer_count == 0 and not call.is_speaking
