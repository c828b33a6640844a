"""Texts outside of calls and within: the same cases over the telephony in memory and over pjsua2 with a SIP peer."""

from __future__ import annotations

import pytest

from ivr.ports import LegEnded, LegId, MessageRequest
from tests.contract.fake_line import FakeLine
from tests.contract.lines import Line, on_a_line
from tests.contract.pjsua_line import PjsuaLine


async def _answer_to(line: Line, text: str, leg_id: LegId | None = None) -> int:
    answers: list[int] = []
    request = MessageRequest("" if leg_id else line.target.uri, text, leg_id=leg_id)
    line.telephony.send_message(request, lambda status, reason: answers.append(status))
    assert not answers, "never before it returns"
    await line.until(lambda: bool(answers), "answer to the message")
    await line.passes(0.1)
    assert len(answers) == 1, "answered once"
    return answers[0]


@on_a_line
async def test_a_message_is_taken(line: Line) -> None:
    assert await _answer_to(line, "Grüße, 12 €") == 200
    assert line.messages() == ["Grüße, 12 €"]


@on_a_line
async def test_a_refused_message_says_how(line: Line) -> None:
    line.answers_messages(404)
    assert await _answer_to(line, "hello") == 404


@on_a_line
async def test_two_messages_with_the_same_text_are_answered_one_by_one(line: Line) -> None:
    assert await _answer_to(line, "twice") == 200
    line.answers_messages(486)
    assert await _answer_to(line, "twice") == 486
    assert line.messages() == ["twice", "twice"]


@on_a_line
async def test_a_text_within_a_call_is_taken_by_its_party(line: Line) -> None:
    leg_id = await line.answered()
    assert await _answer_to(line, "Grüße, 12 €", leg_id) == 200
    assert line.messages() == ["Grüße, 12 €"]
    assert await _answer_to(line, "Grüße, 12 €", leg_id) == 200
    assert line.messages() == ["Grüße, 12 €"] * 2


@on_a_line
async def test_a_text_for_a_leg_that_is_over_is_sent_to_nobody(line: Line) -> None:
    leg_id = await line.answered()
    await line.hangs_up(leg_id)
    await line.until(lambda: bool(line.seen(LegEnded)), "end of the call")
    assert await _answer_to(line, "too late", leg_id) == 481


@pytest.mark.parametrize("line_type", [FakeLine, PjsuaLine])
@pytest.mark.adapter
def test_before_the_start_a_message_is_refused(line_type: type[Line]) -> None:
    line, answers = line_type(), list[int]()
    line.telephony.send_message(MessageRequest("sip:a@127.0.0.1", "x"), lambda status, reason: answers.append(status))
    if isinstance(line, FakeLine):
        line.clock.advance()
    assert answers == [503]
