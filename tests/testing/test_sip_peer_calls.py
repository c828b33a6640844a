"""Peers that call each other over loopback: real sockets, real time."""

from __future__ import annotations

import asyncio
import time
import wave
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from ivr.errors import TelephonyError
from ivr.testing.sip_peer import (
    AnswerAfter,
    PeerCall,
    Reject,
    RingForever,
    SipPeer,
)
from ivr.testing.sip_peer.measure import spans_of_tone, tone, tone_level_dbfs
from ivr.testing.sip_peer.message import SipRequest, parse_message
from ivr.testing.sip_peer.recording import read_wav
from ivr.testing.sip_peer.sdp import parse_sdp
from ivr.testing.sip_peer.waiting import poll
from tests.testing.peers import connected, run
from tests.waiting import until

pytestmark = [pytest.mark.adapter, pytest.mark.usefixtures("nothing_is_left")]

Kind = Literal["udp", "tcp"]


@pytest.mark.parametrize("kind", ["udp", "tcp"])
@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_tones_and_keys_travel_both_ways(kind: Kind, codec: str) -> None:
    async def work() -> None:
        async with SipPeer(user="bob", transport=kind) as bob, SipPeer(user="alice", transport=kind) as alice:
            call = await alice.dial(bob.uri, codecs=(codec,), timeout_s=5)
            other = await bob.wait_call()
            assert call.codec == other.codec == codec
            sending = call.send_tone(440, 0.6)
            await other.send_tone(1000, 0.6).wait()
            await sending.wait()
            await call.press("19*#D0", duration_ms=80, gap_ms=60)
            await other.wait_digits("19*#D0", 1)
            await other.press("4", method="info", duration_ms=160, gap_ms=0)
            await call.wait_digits("4", 1)
            (start, end) = spans_of_tone(other.received_audio(), 440)[0]
            assert end - start == pytest.approx(0.6, abs=0.05)
            began_s = other.answered_at_s or 0.0
            assert start + began_s == pytest.approx(sending.started_at_s, abs=0.06)
            assert tone_level_dbfs(call.received_audio()[1600:4000], 1000) == pytest.approx(-12, abs=1)
            assert {key.duration_ms for key in other.received_keys} == {80}
            await call.hang_up()
            await other.wait_ended(2)
            assert (call.ended_by, other.ended_by, call.status, other.status) == ("local", "remote", 200, 200)
            assert other.rtp_stats().lost == 0

    run(work)


def test_the_called_side_can_hang_up() -> None:
    async def work() -> None:
        async with SipPeer(user="bob") as bob, SipPeer(user="alice") as alice:
            call, other = await connected(alice, bob)
            await other.hang_up()
            await call.wait_ended(2)
            assert (call.ended_by, other.ended_by) == ("remote", "local")

    run(work)


def test_leaving_the_peer_hangs_up() -> None:
    async def work() -> None:
        async with SipPeer(user="bob") as bob:
            async with SipPeer(user="alice") as alice:
                _, other = await connected(alice, bob)
            await other.wait_ended(1)
            assert other.ended_by == "remote"

    run(work)


@pytest.mark.parametrize("status", [486, 603, 404])
def test_a_refused_call_says_so(status: int) -> None:
    async def work() -> None:
        async with SipPeer(incoming=Reject(status)) as bob, SipPeer() as alice:
            call = await alice.dial(bob.uri)
            assert (call.status, call.is_answered, call.ended_by) == (status, False, "remote")
            with pytest.raises(TelephonyError, match=str(status)):
                await call.wait_answered()

    run(work)


def test_provisional_responses_are_kept_with_their_times() -> None:
    async def work() -> None:
        async with SipPeer(incoming=AnswerAfter(0.3)) as bob, SipPeer() as alice:
            call = await alice.dial(bob.uri)
            assert [entry.status for entry in call.provisional] == [180]
            assert (call.answered_at_s or 0) - call.provisional[0].at_s == pytest.approx(0.3, abs=0.1)

    run(work)


def test_a_cancelled_call_ends_with_487_on_both_sides() -> None:
    async def work() -> None:
        async with SipPeer(incoming=RingForever()) as bob, SipPeer() as alice:
            call = await alice.invite(bob.uri)
            other = await bob.wait_call()
            await call.cancel()
            assert (call.status, call.ended_by, other.status, other.ended_by) == (487, "local", 487, "remote")

    run(work)


def test_dial_gives_up_after_its_time() -> None:
    async def work() -> None:
        async with SipPeer(incoming=RingForever()) as bob, SipPeer() as alice:
            call = await alice.dial(bob.uri, timeout_s=0.2)
            assert (call.status, call.ended_by) == (487, "local")

    run(work)


def test_silence_of_the_network_is_408() -> None:
    async def work() -> None:
        async with SipPeer() as alice:
            alice.transactions.t1_s = 0.01
            call = await alice.dial("sip:nobody@127.0.0.1:9", timeout_s=5)
            assert (call.status, call.ended_by) == (408, "network")

    run(work)


def test_a_lost_ack_makes_the_200_come_again_and_is_repeated() -> None:
    async def work() -> None:
        async with SipPeer(user="bob") as bob, SipPeer(user="alice") as alice:
            bob.transactions.t1_s = 0.05
            invite = alice.invite_text(bob.uri)
            alice.send_raw(invite, bob.address)
            first = await alice.raw_response(containing=b"SIP/2.0 200")
            second = await alice.raw_response(containing=b"SIP/2.0 200")
            assert first.data == second.data
            assert second.at_s - first.at_s == pytest.approx(0.05, abs=0.04)

    run(work)


def test_the_callback_decides_and_early_media_is_heard() -> None:
    async def decide(call: PeerCall) -> None:
        call.progress()
        await call.send_tone(600, 0.3).wait()
        call.reject(480, headers={"Reason": "Q.850;cause=19"})

    async def work() -> None:
        async with SipPeer(incoming=decide) as bob, SipPeer() as alice:
            call = await alice.dial(bob.uri, headers={"X-Test": "yes"})
            other = await bob.wait_call()
            assert other.header("X-Test") == "yes"
            assert [(entry.status, entry.has_sdp) for entry in call.provisional] == [(183, True)]
            assert (call.status, call.header("Reason")) == (480, "Q.850;cause=19")
            assert len(spans_of_tone(call.received_audio(), 600)) == 1

    run(work)


def test_a_late_offer_is_answered_in_the_ack() -> None:
    async def work() -> None:
        async with SipPeer(user="bob") as bob, SipPeer(user="alice") as alice:
            call = await alice.dial(bob.uri, late_offer=True)
            other = await bob.wait_call()
            await until(lambda: other.codec != "", "no answer in the ACK")
            call.send_tone(440, 0.3)
            await other.wait_sound(2)

    run(work)


def test_hold_stops_the_audio_and_resuming_starts_it() -> None:
    async def work() -> None:
        async with SipPeer(user="bob") as bob, SipPeer(user="alice") as alice:
            call, other = await connected(alice, bob)
            other.send_wav(tone(500, 0.5), loop=True)
            await call.wait_sound(2)
            answer = await call.reinvite("sendonly")
            assert parse_sdp(answer.body).direction == "recvonly"
            await asyncio.sleep(0.05)
            held_at = len(call.received)
            await asyncio.sleep(0.2)
            assert len(call.received) == held_at
            await call.reinvite("sendrecv")
            await call.wait_sound(2)
            assert [entry.request.method for entry in other.requests] == ["INVITE", "INVITE"]

    run(work)


def test_sound_and_silence_are_noticed_when_they_come() -> None:
    async def work() -> None:
        async with SipPeer(user="bob") as bob, SipPeer(user="alice") as alice:
            call, other = await connected(alice, bob)
            sending = other.send_tone(440, 5)
            heard_at_s = await call.wait_sound(2)
            other.stop_sending()
            stopped_at_s = time.monotonic()
            quiet_at_s = await call.wait_silence(2)
            assert sending.started_at_s == pytest.approx(heard_at_s, abs=0.02)
            assert quiet_at_s - stopped_at_s < 0.06

    run(work)


def test_the_recording_has_both_sides(tmp_path: Path) -> None:
    async def work() -> None:
        async with SipPeer(user="bob") as bob, SipPeer(user="alice") as alice:
            call, other = await connected(alice, bob)
            other.send_tone(1000, 0.3)
            await call.send_tone(440, 0.3).wait()
            await asyncio.sleep(0.1)
            call.write_stereo_wav(f"{tmp_path}/both.wav")

    run(work)
    with wave.open(f"{tmp_path}/both.wav") as file:
        both = np.frombuffer(file.readframes(10**6), dtype="<i2").reshape(-1, 2)
    assert len(spans_of_tone(both[:, 0].astype(np.int16), 440)) == 1
    assert len(spans_of_tone(both[:, 1].astype(np.int16), 1000)) == 1
    with pytest.raises(ValueError, match="mono"):
        read_wav(f"{tmp_path}/both.wav")


def test_in_dialog_requests_are_confirmed_and_unknown_ones_refused() -> None:
    async def work() -> None:
        async with SipPeer() as bob, SipPeer() as alice:
            call, other = await connected(alice, bob)
            assert [(await call.send_request(method)).status for method in ("OPTIONS", "INFO", "NOTIFY")] == [200] * 3
            assert (await call.send_request("SUBSCRIBE")).status == 501
            assert (await other.wait_request("INFO")).request.method == "INFO"
            assert (await alice.options(bob.address)).status == 200

    run(work)


def test_a_bye_for_an_unknown_call_is_481_and_rubbish_is_survived() -> None:
    async def work() -> None:
        async with SipPeer() as bob, SipPeer() as alice:
            alice.send_raw(b"\x00\x01rubbish", bob.address)
            rubbish = await bob.raw_response()
            assert rubbish.source == alice.address
            bye = parse_message(alice.invite_text(bob.uri, body=b""))
            assert isinstance(bye, SipRequest)
            bye.method = "BYE"
            bye.headers.set("CSeq", "2 BYE")
            bye.headers.set("To", f"{bye.headers.need('To')};tag=gone")
            alice.send_raw(bye.to_bytes(), bob.address)
            assert (await alice.raw_response()).data.startswith(b"SIP/2.0 481")

    run(work)


def test_crippled_key_presses_arrive_as_one_key_each() -> None:
    async def work() -> None:
        async with SipPeer() as bob, SipPeer() as alice:
            call, other = await connected(alice, bob)
            await call.press("1", end_packets=0)
            await call.press("1", end_packets=6)
            await call.press("2", held_ms=2000, has_marker=False)
            await call.press("3", drop_packets={0, 1})
            await other.wait_digits("1123")
            await poll(lambda: other.received_keys[-1].has_end or None, 5, lambda: "the last key has no end")
            assert [key.has_end for key in other.received_keys] == [False, True, True, True]
            assert other.received_keys[2].duration_ms == 2100
            assert other.rtp_stats().lost == 2

    run(work)


def test_ten_calls_at_once_keep_their_pace() -> None:
    async def work() -> None:
        async with SipPeer(user="bob") as bob, SipPeer(user="alice") as alice:
            calls = await asyncio.gather(*(alice.dial(bob.uri) for _ in range(10)))
            assert all(call.is_answered for call in calls)
            await asyncio.sleep(1.0)
            for call in calls:
                stats = call.rtp_stats()
                assert stats.lost == 0
                assert stats.gap_p50_ms == pytest.approx(20, abs=2)
                assert stats.packets >= 40

    run(work)


def test_dropped_packets_of_a_recording_are_lost_and_their_numbers_used_up() -> None:
    async def work() -> None:
        async with SipPeer(codecs=("PCMU",)) as caller, SipPeer() as called:
            call, other = await connected(caller, called)
            sending = call.send_wav(tone(600, 0.4), drop_packets={2, 3, 11})
            await sending.wait(5)
            await until(lambda: other.received[-1].at_s > (sending.ended_at_s or 0), "the recording did not arrive")
            assert other.rtp_stats().lost == 3
            await call.hang_up()

    run(work)


def test_a_line_with_an_echo_returns_what_it_hears_later_and_quieter() -> None:
    async def work() -> None:
        async with SipPeer(codecs=("PCMU",)) as caller, SipPeer() as called:
            call, other = await connected(caller, called)
            await until(lambda: len(other.received) > 10, "no audio")
            other.echo(0.2, 12.0)
            sending = call.send_tone(600, 0.4)
            await sending.wait(5)
            assert sending.started_at_s is not None
            heard_at_s = await call.wait_sound(2, after_s=sending.started_at_s)
            assert 0.18 <= heard_at_s - sending.started_at_s <= 0.3
            await call.wait_silence(2, after_s=heard_at_s)
            heard = call.received_audio(heard_at_s + 0.05, heard_at_s + 0.3)
            assert tone_level_dbfs(heard, 600) == pytest.approx(-24.0, abs=1.5)
            await call.hang_up()

    run(work)
