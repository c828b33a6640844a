"""What an agent says about a talk afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ivr.acd import floor as acts
from ivr.acd.agent import AgentState, settled
from ivr.acd.floor import Floor
from ivr.acd.talk import NOTE_LIMIT, NOTED_WITHIN, Talk, is_worked_on, noted
from ivr.config_queues import QueueSettings
from ivr.errors import ActRefused
from tests.acd.scene import agent, at, waiting

pytestmark = pytest.mark.unit

RULES = QueueSettings(dispositions=("solved", "call again"), wrap_up=30.0)
TALK = Talk("anna#1", "c1", "anna", "support", at(14), at(74), 14.0)


def test_a_talk_is_kept_with_what_the_agent_was_told() -> None:
    floor = Floor({"support": RULES}, {"anna": agent()})
    acts.enter(floor, waiting(context={"caller": "+4930"}), at(0))
    acts.offer_all(floor, at(10), "host/1")
    acts.connect(floor, "anna#1", at(14))
    assert floor.talks == []
    acts.end(floor, "c1", at(74))
    assert floor.talks == [Talk("anna#1", "c1", "anna", "support", at(14), at(74), 14.0, {"caller": "+4930"})]
    worker = floor.agents["anna"]
    assert is_worked_on(floor.talks[0], worker)
    assert not is_worked_on(floor.talks[0], settled(worker, at(104)))


def test_only_the_last_talk_is_worked_on() -> None:
    working = agent(state=AgentState.WRAP_UP, since_at=at(200))
    assert not is_worked_on(TALK, working)
    assert not is_worked_on(TALK, agent("bert", AgentState.WRAP_UP, since_at=at(74)))


def test_disposition_and_note_replace_what_was_said_before() -> None:
    first = noted(TALK, RULES, "solved", " paid \r\n by card\x00\u202e! ", at(80))
    assert (first.disposition, first.note) == ("solved", "paid \n by card  !")
    again = noted(first, RULES, "", "", at(90))
    assert again == TALK


@pytest.mark.parametrize(
    ("disposition", "note", "after", "why"),
    [
        ("sold", "", timedelta(), "no disposition 'sold'"),
        ("", "a" * (NOTE_LIMIT + 1), timedelta(), "1000 characters at most, not 1001"),
        ("solved", "", NOTED_WITHIN + timedelta(seconds=1), "over for too long"),
    ],
)
def test_what_cannot_be_said_is_refused(disposition: str, note: str, after: timedelta, why: str) -> None:
    with pytest.raises(ActRefused, match=why):
        noted(TALK, RULES, disposition, note, TALK.ended_at + after)


def test_a_note_of_the_full_length_is_taken_though_its_lines_come_with_two_characters_each() -> None:
    lines = "\r\n".join(["a" * 99] * 10)
    assert len(noted(TALK, RULES, "", lines, at(80)).note) == NOTE_LIMIT - 1
