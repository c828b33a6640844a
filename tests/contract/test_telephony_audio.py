"""Playing, keys, frames, bridges and REFER: the same cases over the telephony in memory and over pjsua2."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.ports import (
    DtmfMethod,
    KeyPressed,
    LegAnswered,
    LegEnded,
    Participation,
    PlayFailed,
    PlayFinished,
    ReferProgressed,
)
from tests.contract.lines import Line, Referred, Sink, on_a_line
from tests.sip.bot import write_tone

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
async def test_a_play_from_later_on_leaves_its_beginning_out(line: Line, tmp_path: Path) -> None:
    files = [write_tone(tmp_path / "a.wav", 500, 0.4), write_tone(tmp_path / "b.wav", 700, 0.4)]
    leg_id = await line.answered()
    begun_s = line.now_s()
    line.telephony.play(leg_id, "p1", files, from_s=0.5)
    finished = await line.wait(PlayFinished, leg_id)
    assert finished.at_s - begun_s == pytest.approx(0.3, abs=0.15)


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


@pytest.mark.parametrize("method", [DtmfMethod.RFC4733, DtmfMethod.SIP_INFO])
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


@on_a_line
async def test_a_sink_that_is_given_early_is_served_from_the_answer_to_the_end(line: Line) -> None:
    leg_id, sink = await line.offered(), Sink()
    line.telephony.listen(leg_id, sink)
    await line.passes(0.1)
    assert not sink.frames
    line.telephony.answer(leg_id)
    await line.wait(LegAnswered, leg_id)
    await line.speaks(leg_id, 0.2)
    line.telephony.hang_up(leg_id)
    await line.wait(LegEnded, leg_id)
    heard = len(sink.frames)
    await line.passes(0.1)
    assert heard >= 5 and len(sink.frames) <= heard + 1, "at most the frame that was on its way"


@on_a_line
async def test_a_join_with_a_third_leg_ends_the_first_one(line: Line) -> None:
    caller, first, second = await line.answered(), await line.connected(), await line.connected()
    line.telephony.join(caller, first)
    line.telephony.join(caller, second)
    await line.passes(0.05)
    await line.hangs_up(first)
    await line.wait(LegEnded, first)
    await line.hangs_up(second)
    await line.wait(LegEnded, second)
    assert not line.seen(LegEnded, caller)


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


@on_a_line
async def test_a_third_leg_takes_part_and_goes_and_the_two_are_none_the_wiser(line: Line) -> None:
    caller, person, third = await line.answered(), await line.connected(), await line.connected()
    line.telephony.join(caller, person)
    for how in Participation:
        line.telephony.take_part(third, caller, person, how)
    await line.passes(0.05)
    line.telephony.hang_up(third)
    await line.wait(LegEnded, third)
    await line.hangs_up(person)
    await line.wait(LegEnded, person)
    line.telephony.take_part(third, caller, person, Participation.LISTEN)
    await line.passes(0.05)
    assert not line.seen(LegEnded, caller)
