"""The same cases over the telephony in memory, and over pjsua2 with a SIP peer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from ivr.errors import TelephonyError
from ivr.ports import (
    DtmfMethod,
    EndedBy,
    KeyPressed,
    LegAnswered,
    LegEnded,
    LegEvent,
    LegId,
    LegOffered,
    LegRinging,
    PlayFailed,
    PlayFinished,
    ReferProgressed,
)
from tests.contract.lines import Answering, FakeLine, Line, PjsuaLine, Referred, on_a_line
from tests.sip.bot import write_tone


@pytest.fixture(
    params=[
        pytest.param(FakeLine, id="fake", marks=pytest.mark.unit),
        pytest.param(PjsuaLine, id="pjsua2", marks=pytest.mark.adapter),
    ]
)
def line(request: pytest.FixtureRequest) -> Line:
    made: Line = request.param()
    return made


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


# --- playing


@on_a_line
async def test_a_play_is_finished_after_its_silence_and_all_its_files(line: Line, tmp_path: Path) -> None:
    files = [write_tone(tmp_path / "a.wav", 500, 0.2), write_tone(tmp_path / "b.wav", 700, 0.15, 16000)]
    leg_id = await line.answered()
    begun_s = line.now_s()
    line.telephony.play(leg_id, "p1", files, lead_in_s=0.15)
    finished = await line.wait(PlayFinished, leg_id)
    assert finished.play_id == "p1"
    assert finished.at_s - begun_s == pytest.approx(0.5, abs=0.15)
    await line.passes(0.1)
    assert len(line.seen(PlayFinished)) == 1


@on_a_line
async def test_a_stopped_a_replaced_and_a_cut_off_play_are_never_finished(line: Line, tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "a.wav", 500, 0.2)
    leg_id = await line.answered()
    line.telephony.play(leg_id, "stopped", [tone])
    line.telephony.stop_playing(leg_id)
    line.telephony.stop_playing(leg_id)
    await line.passes(0.35)
    line.telephony.play(leg_id, "replaced", [tone])
    line.telephony.play(leg_id, "whole", [tone])
    await line.wait(PlayFinished)
    await line.passes(0.1)
    line.telephony.play(leg_id, "cut off", [tone])
    line.telephony.hang_up(leg_id)
    await line.wait(LegEnded)
    await line.passes(0.3)
    assert [event.play_id for event in line.seen(PlayFinished)] == ["whole"]


@on_a_line
async def test_what_cannot_be_played_is_an_event_and_ends_what_was_playing(line: Line, tmp_path: Path) -> None:
    tone, broken = write_tone(tmp_path / "a.wav", 500, 0.2), tmp_path / "broken.wav"
    broken.write_bytes(b"not audio")
    leg_id = await line.answered()
    for play_id, files in (("gone", [tone, tmp_path / "gone.wav"]), ("broken", [broken]), ("empty", list[Path]())):
        line.telephony.play(leg_id, "before", [tone])
        line.telephony.play(leg_id, play_id, files)
    await line.wait(PlayFailed, count=3)
    await line.passes(0.3)
    assert [event.play_id for event in line.seen(PlayFailed)] == ["gone", "broken", "empty"]
    assert all(event.reason for event in line.seen(PlayFailed))
    assert not line.seen(PlayFinished)


@on_a_line
async def test_a_loop_plays_until_it_is_stopped(line: Line, tmp_path: Path) -> None:
    leg_id = await line.answered()
    line.telephony.play(leg_id, "hold", [write_tone(tmp_path / "a.wav", 500, 0.1)], loop=True, lead_in_s=0.1)
    await line.passes(0.6)
    line.telephony.stop_playing(leg_id)
    await line.passes(0.1)
    assert not line.seen(PlayFinished) and not line.seen(PlayFailed)


@on_a_line
async def test_a_play_that_is_asked_for_early_begins_with_the_answer(line: Line, tmp_path: Path) -> None:
    leg_id = await line.offered()
    line.telephony.play(leg_id, "greeting", [write_tone(tmp_path / "a.wav", 500, 0.2)])
    await line.passes(0.4)
    assert not line.seen(PlayFinished)
    line.telephony.answer(leg_id)
    answered, finished = await line.wait(LegAnswered, leg_id), await line.wait(PlayFinished, leg_id)
    assert finished.play_id == "greeting"
    assert finished.at_s - answered.at_s == pytest.approx(0.2, abs=0.1)


# --- keys and audio of the party


@pytest.mark.parametrize("method", list(DtmfMethod))
@on_a_line
async def test_keys_arrive_once_each_in_order(line: Line, method: DtmfMethod) -> None:
    leg_id = await line.answered()
    await line.presses(leg_id, "1559*#", method)
    await line.wait(KeyPressed, leg_id, count=6)
    await line.passes(0.1)
    keys = line.seen(KeyPressed)
    assert "".join(key.digit for key in keys) == "1559*#"
    assert {key.method for key in keys} == {method}
    assert all(0.0 <= key.held_s < 0.2 for key in keys)


class Sink:
    """Keeps the frames."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, pcm: bytes) -> None:
        self.frames.append(pcm)


class ChunkSink(Sink):
    """Wants more at once."""

    chunk_ms = 60


@pytest.mark.parametrize(("kind", "frame_ms"), [(Sink, 20), (ChunkSink, 60)])
@on_a_line
async def test_frames_of_the_sinks_size_come_until_it_is_taken_away(
    line: Line, kind: type[Sink], frame_ms: int
) -> None:
    leg_id, first, second = await line.answered(), kind(), kind()
    line.telephony.listen(leg_id, first)
    await line.speaks(leg_id, 0.36)
    line.telephony.listen(leg_id, second)
    await line.speaks(leg_id, 0.36)
    line.telephony.listen(leg_id, None)
    await line.passes(0.1)
    counts = len(first.frames), len(second.frames)
    await line.speaks(leg_id, 0.12)
    assert (len(first.frames), len(second.frames)) == counts
    size_bytes = 2 * line.telephony.sample_rate_hz * frame_ms // 1000
    for sink in (first, second):
        assert {len(frame) for frame in sink.frames} == {size_bytes}
        assert len(sink.frames) * frame_ms == pytest.approx(360, abs=130)
        assert any(any(frame) for frame in sink.frames), "the party is heard"


# --- two legs


@on_a_line
async def test_a_join_ends_what_was_played_and_either_leg_may_go(line: Line, tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "a.wav", 500, 0.2)
    caller, target = await line.answered(), await line.connected()
    line.telephony.play(caller, "hold", [tone])
    line.telephony.play(target, "whisper", [tone])
    line.telephony.join(caller, target)
    await line.passes(0.4)
    assert not line.seen(PlayFinished)
    await line.hangs_up(target)
    await line.wait(LegEnded, target)
    assert not line.seen(LegEnded, caller)
    line.telephony.play(caller, "sorry", [tone])
    assert (await line.wait(PlayFinished, caller)).play_id == "sorry"
    line.telephony.join(caller, await line.connected())
    await line.hangs_up(caller)
    await line.wait(LegEnded, caller)


@pytest.mark.parametrize(("referred", "status"), [(Referred.FOLLOWS, 200), (Referred.FAILS, 404)])
@on_a_line
async def test_a_refer_that_is_accepted_progresses_to_one_final_status(
    line: Line, referred: Referred, status: int
) -> None:
    line.referred = referred
    leg_id = await line.answered()
    line.telephony.refer(leg_id, line.third_party)
    await line.until(lambda: any(event.is_final for event in line.seen(ReferProgressed, leg_id)), "end of the REFER")
    await line.passes(0.1)
    *provisional, final = line.seen(ReferProgressed, leg_id)
    assert provisional and all(event.sip_status < 200 and not event.is_final for event in provisional)
    assert (final.sip_status, final.is_final) == (status, True)
    assert not line.seen(LegEnded, leg_id), "the leg stays until we end it"


@on_a_line
async def test_a_refer_that_is_refused_is_final_at_once(line: Line) -> None:
    line.referred = Referred.REFUSES
    leg_id = await line.answered()
    line.telephony.refer(leg_id, line.third_party)
    await line.wait(ReferProgressed, leg_id)
    await line.passes(0.1)
    assert [(event.sip_status, event.is_final) for event in line.seen(ReferProgressed)] == [(603, True)]
    assert not line.seen(LegEnded, leg_id)
