"""How legs begin and end: the same cases over the telephony in memory and over pjsua2 with a SIP peer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from ivr.errors import TelephonyError
from ivr.ports import (
    EndedBy,
    LegAnswered,
    LegEnded,
    LegEvent,
    LegId,
    LegOffered,
    LegRinging,
)
from tests.contract.lines import Answering, Line, Sink, on_a_line


async def _offered(line: Line) -> LegId:
    return await line.offered()


async def _rung(line: Line) -> LegId:
    leg_id = await line.offered()
    line.telephony.ring(leg_id)
    await line.passes(0.05)
    return leg_id


async def _ringing(line: Line) -> LegId:
    leg_id = await line.dialled(Answering.RINGS)
    await line.wait(LegRinging, leg_id)
    return leg_id


async def _just_dialled(line: Line) -> LegId:
    return line.telephony.dial(line.target)


STATES: Mapping[str, Callable[[Line], Awaitable[LegId]]] = {
    "offered": _offered,
    "rung": _rung,
    "answered": Line.answered,
    "just dialled": _just_dialled,
    "ringing": _ringing,
    "connected": Line.connected,
}


# --- how legs begin and end


@on_a_line
async def test_an_offer_is_answered_once_however_often_that_is_asked_for(line: Line) -> None:
    leg_id = await line.offered()
    line.telephony.answer(leg_id)
    assert not line.seen(LegAnswered), "events come after the command has returned"
    line.telephony.answer(leg_id)
    await line.wait(LegAnswered, leg_id)
    line.telephony.answer(leg_id)
    await line.passes(0.1)
    assert [type(event) for event in line.seen(LegEvent, leg_id)] == [LegOffered, LegAnswered]


@on_a_line
async def test_a_refused_offer_ends_with_its_status(line: Line) -> None:
    leg_id = await line.offered()
    line.telephony.reject(leg_id, 486)
    line.telephony.reject(leg_id, 480)
    ended = await line.wait(LegEnded, leg_id)
    assert (ended.sip_status, ended.ended_by, ended.rtp) == (486, EndedBy.LOCAL, None)


@on_a_line
async def test_an_answered_leg_that_is_refused_is_hung_up(line: Line) -> None:
    leg_id = await line.answered()
    line.telephony.reject(leg_id, 486)
    ended = await line.wait(LegEnded, leg_id)
    assert (ended.sip_status, ended.ended_by) == (200, EndedBy.LOCAL)


@pytest.mark.parametrize(
    ("state", "status"),
    [("offered", 603), ("rung", 603), ("answered", 200), ("just dialled", 487), ("ringing", 487), ("connected", 200)],
)
@on_a_line
async def test_a_leg_can_be_hung_up_in_every_state(line: Line, state: str, status: int) -> None:
    leg_id = await STATES[state](line)
    line.telephony.hang_up(leg_id, 17)
    line.telephony.hang_up(leg_id)
    ended = await line.wait(LegEnded, leg_id)
    await line.passes(0.1)
    assert (ended.sip_status, ended.ended_by) == (status, EndedBy.LOCAL)
    assert ended.hangup_cause is None, "the cause is the one that came, not the one that was sent"


@pytest.mark.parametrize(("state", "status"), [("offered", 487), ("rung", 487), ("answered", 200), ("connected", 200)])
@on_a_line
async def test_a_party_can_hang_up_in_every_state(line: Line, state: str, status: int) -> None:
    leg_id = await STATES[state](line)
    await line.hangs_up(leg_id)
    ended = await line.wait(LegEnded, leg_id)
    assert (ended.sip_status, ended.ended_by) == (status, EndedBy.REMOTE)


@on_a_line
async def test_a_dialled_leg_cannot_be_answered_or_refused_by_us(line: Line) -> None:
    first, second = await _ringing(line), await _ringing(line)
    line.telephony.ring(first)
    line.telephony.answer(first)
    await line.passes(0.1)
    assert not line.seen(LegAnswered)
    line.telephony.hang_up(first)
    line.telephony.reject(second, 486)
    for leg_id in (first, second):
        ended = await line.wait(LegEnded, leg_id)
        assert (ended.sip_status, ended.ended_by) == (487, EndedBy.LOCAL)


@on_a_line
async def test_a_dialled_leg_rings_and_is_answered(line: Line) -> None:
    leg_id = await line.connected()
    kinds = [type(event) for event in line.seen(LegEvent, leg_id)]
    assert kinds == [LegRinging, LegAnswered]
    assert line.seen(LegRinging)[0].sip_status == 180


@on_a_line
async def test_a_busy_target_ends_the_leg(line: Line) -> None:
    leg_id = await line.dialled(Answering.BUSY)
    ended = await line.wait(LegEnded, leg_id)
    assert (ended.sip_status, ended.ended_by) == (486, EndedBy.REMOTE)
    assert not line.seen(LegAnswered)


@on_a_line
async def test_without_a_free_leg_dialling_fails_and_the_others_live(line: Line) -> None:
    legs = [await line.dialled(Answering.RINGS) for _ in range(line.telephony.max_legs)]
    leg_id = line.telephony.dial(line.target)
    assert not line.seen(LegEnded), "events come after the command has returned"
    ended = await line.wait(LegEnded, leg_id)
    assert (ended.sip_status, ended.ended_by, ended.reason) == (503, EndedBy.LOCAL, "no free leg")
    assert len(line.seen(LegEnded)) == 1
    line.telephony.hang_up(legs[0])
    await line.wait(LegEnded, legs[0])
    await line.connected()


@on_a_line
async def test_commands_for_a_leg_that_is_gone_or_never_was_are_ignored(line: Line, tmp_path: Path) -> None:
    ended, other = await line.answered(), await line.answered()
    await line.hangs_up(ended)
    await line.wait(LegEnded, ended)
    before = len(line.events)
    for leg_id in (ended, LegId("nobody")):
        _ask_for_everything(line, leg_id, other, tmp_path)
    await line.passes(0.2)
    assert len(line.events) == before, line.events[before:]


def _ask_for_everything(line: Line, leg_id: LegId, other: LegId, folder: Path) -> None:
    telephony = line.telephony
    telephony.ring(leg_id)
    telephony.answer(leg_id)
    telephony.reject(leg_id, 486)
    telephony.hang_up(leg_id)
    telephony.play(leg_id, "p", [folder / "gone.wav"])
    telephony.stop_playing(leg_id)
    telephony.listen(leg_id, Sink())
    telephony.listen(leg_id, None)
    telephony.join(leg_id, other)
    telephony.join(other, leg_id)
    telephony.refer(leg_id, line.target.uri)
    telephony.refer_replacing(leg_id, other)
    telephony.refer_replacing(other, leg_id)
    telephony.send_digits(leg_id, "1")


# --- start and stop


@on_a_line
async def test_stopping_ends_every_leg_and_can_be_repeated(line: Line) -> None:
    offered, answered, ringing = await line.offered(), await line.answered(), await _ringing(line)
    await line.telephony.stop()
    statuses = {event.leg_id: event.sip_status for event in line.seen(LegEnded)}
    assert statuses == {offered: 503, answered: 200, ringing: 487}
    assert {event.ended_by for event in line.seen(LegEnded)} == {EndedBy.LOCAL}
    before = len(line.events)
    await line.telephony.stop()
    line.telephony.answer(offered)
    line.telephony.hang_up(answered)
    await line.passes(0.05)
    assert len(line.events) == before


@on_a_line
async def test_legs_are_never_named_again_even_after_a_restart(line: Line) -> None:
    legs = [await line.offered(), line.telephony.dial(line.target)]
    await line.telephony.stop()
    await line.telephony.start(line.events.append)
    legs += [await line.offered(), line.telephony.dial(line.target)]
    assert len(set(legs)) == 4, legs


@on_a_line
async def test_starting_twice_is_refused_and_harms_nothing(line: Line) -> None:
    with pytest.raises(TelephonyError):
        await line.telephony.start(line.events.append)
    await line.answered()


@on_a_line
async def test_dialling_needs_a_start(line: Line) -> None:
    await line.telephony.stop()
    with pytest.raises(TelephonyError):
        line.telephony.dial(line.target)
    assert not line.events
