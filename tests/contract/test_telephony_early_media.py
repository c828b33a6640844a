"""Audio before the answer: the same cases over the telephony in memory and over pjsua2 with a SIP peer."""

from __future__ import annotations

from pathlib import Path

from ivr.ports import EndedBy, LegAnswered, LegEarlyMedia, LegEnded, LegEvent, LegOffered, LegRinging, PlayFinished
from tests.contract.lines import Answering, Line, Sink, on_a_line
from tests.sip.bot import write_tone


@on_a_line
async def test_a_caller_hears_what_is_played_before_the_answer(line: Line, tmp_path: Path) -> None:
    leg_id = await line.offered()
    line.telephony.ring(leg_id)
    line.telephony.play(leg_id, "early", [write_tone(tmp_path / "a.wav", 500, 0.4)])
    line.telephony.start_early_media(leg_id)
    assert not line.seen(LegEarlyMedia), "events come after the command has returned"
    line.telephony.start_early_media(leg_id)
    early = await line.wait(LegEarlyMedia, leg_id)
    assert early.codec == "PCMA"
    assert await line.hears(leg_id)
    await line.wait(PlayFinished, leg_id)
    line.telephony.answer(leg_id)
    await line.wait(LegAnswered, leg_id)
    kinds = [type(event) for event in line.seen(LegEvent, leg_id)]
    assert kinds == [LegOffered, LegEarlyMedia, PlayFinished, LegAnswered]


@on_a_line
async def test_a_play_goes_on_across_the_answer(line: Line, tmp_path: Path) -> None:
    leg_id = await line.offered()
    line.telephony.start_early_media(leg_id)
    await line.wait(LegEarlyMedia, leg_id)
    line.telephony.play(leg_id, "p", [write_tone(tmp_path / "a.wav", 500, 0.6)])
    await line.passes(0.2)
    line.telephony.answer(leg_id)
    await line.wait(LegAnswered, leg_id)
    assert await line.hears(leg_id)
    await line.wait(PlayFinished, leg_id)
    line.telephony.start_early_media(leg_id)
    line.telephony.ring(leg_id)
    await line.passes(0.1)
    assert len(line.seen(LegEarlyMedia)) == 1


@on_a_line
async def test_a_refusal_after_early_media_has_its_status(line: Line) -> None:
    leg_id = await line.offered()
    line.telephony.start_early_media(leg_id)
    await line.wait(LegEarlyMedia, leg_id)
    line.telephony.reject(leg_id, 486)
    ended = await line.wait(LegEnded, leg_id)
    assert (ended.sip_status, ended.ended_by) == (486, EndedBy.LOCAL)


@on_a_line
async def test_a_caller_may_give_up_during_early_media(line: Line) -> None:
    leg_id = await line.offered()
    line.telephony.start_early_media(leg_id)
    await line.wait(LegEarlyMedia, leg_id)
    await line.hangs_up(leg_id)
    ended = await line.wait(LegEnded, leg_id)
    assert (ended.sip_status, ended.ended_by) == (487, EndedBy.REMOTE)


@on_a_line
async def test_a_caller_without_an_offer_hears_nothing_before_the_answer(line: Line, tmp_path: Path) -> None:
    leg_id = await line.offered_late()
    line.telephony.start_early_media(leg_id)
    line.telephony.play(leg_id, "p", [write_tone(tmp_path / "a.wav", 500, 0.2)])
    await line.passes(0.4)
    assert not line.seen(LegEarlyMedia) and not line.seen(PlayFinished)
    line.telephony.answer(leg_id)
    await line.wait(LegAnswered, leg_id)
    await line.wait(PlayFinished, leg_id)


@on_a_line
async def test_a_dialled_leg_is_heard_before_it_is_answered(line: Line) -> None:
    leg_id = await line.dialled(Answering.IS_HEARD_EARLY)
    sink = Sink()
    line.telephony.listen(leg_id, sink)
    await line.wait(LegEarlyMedia, leg_id)
    await line.passes(0.3)
    line.telephony.start_early_media(leg_id)
    await line.passes(0.1)
    assert [type(event) for event in line.seen(LegEvent, leg_id)] == [LegRinging, LegEarlyMedia]
    assert line.seen(LegRinging)[0].sip_status == 183


@on_a_line
async def test_a_caller_hears_a_leg_that_is_not_answered_until_something_is_played(line: Line, tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "a.wav", 500, 0.2)
    caller = await line.answered()
    line.telephony.play(caller, "hold", [tone], loop=True)
    rung = await line.dialled(Answering.IS_HEARD_EARLY)
    await line.wait(LegEarlyMedia, rung)
    line.telephony.let_hear(caller, rung)
    await line.passes(0.3)
    assert not line.seen(PlayFinished)
    line.telephony.play(caller, "sorry", [tone])
    line.telephony.hang_up(rung)
    await line.wait(LegEnded, rung)
    assert (await line.wait(PlayFinished, caller)).play_id == "sorry"
    assert not line.seen(LegEnded, caller)
