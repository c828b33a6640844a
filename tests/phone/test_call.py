"""`ivr call` as a process against an independent SIP and RTP endpoint."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ivr.testing.sip_peer import BUSY, DECLINE, NOT_FOUND, AnswerAfter, IncomingPolicy, PeerCall, RingForever, SipPeer
from ivr.testing.sip_peer.measure import level_dbfs, spans_of_tone, tone
from ivr.testing.sip_peer.recording import write_wav
from tests.phone.telephones import Telephone
from tests.sip.bot import Registrar

pytestmark = pytest.mark.adapter


def scenario(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a coroutine test on its own loop."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))  # type: ignore[arg-type]

    return run


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("cache")


async def answered(peer: SipPeer) -> PeerCall:
    call = await peer.wait_call(20)
    await call.wait_answered(10)
    return call


@pytest.mark.parametrize(("how", "is_by_info"), [("rfc4733", False), ("info", True)])
@scenario
async def test_keys_arrive_exactly(how: str, is_by_info: bool) -> None:
    async with (
        SipPeer() as peer,
        Telephone(peer.uri, "--at-once", "--press", "11 2w3*#0", "--dtmf", how, "--duration", "6", "--json") as phone,
    ):
        call = await answered(peer)
        assert await phone.status() == 0, phone.errors
    assert call.received_digits == "1123*#0"
    assert len(call.requests_of("INFO")) == (7 if is_by_info else 0)
    assert phone.report["pressed"] == "1123*#0"
    at_s = [key.at_s for key in call.received_keys]
    assert at_s[2] - at_s[1] == pytest.approx(1.3, abs=0.25), "a space is a pause of 1 s"
    assert at_s[3] - at_s[2] == pytest.approx(0.8, abs=0.25), "w is a pause of 0.5 s"


@scenario
async def test_spoken_text_is_heard_and_waits_until_the_other_side_has_finished(cache_dir: Path) -> None:
    async def greet(call: PeerCall) -> None:
        call.answer()
        call.send_tone(500, 2.0)

    async with (
        SipPeer(incoming=greet) as peer,
        Telephone(peer.uri, "--say", "sales department", "--press", "7", "--json", cache_dir=cache_dir) as phone,
    ):
        call = await answered(peer)
        heard_at_s = call.since_answer_s(await call.wait_sound(10, threshold_dbfs=-40.0))
        await call.wait_silence(5, sustain_s=0.4)
        call.send_tone(600, 1.0)
        await call.wait_digits("7", 8)
        pressed_at_s = call.since_answer_s(call.received_keys[0].at_s)
        await call.hang_up()
        assert await phone.status() == 0, phone.errors
    assert 2.6 <= heard_at_s <= 3.4, "0.7 s after the tone of 2 s"
    assert level_dbfs(call.received_audio()[int(heard_at_s * 8000) :][:8000]) > -35
    assert pressed_at_s > heard_at_s + 2.0, "the key waits for the answer to what was said"
    assert phone.report["said"] == ["sales department"]
    assert phone.report["ended_by"] == "remote"


@scenario
async def test_recording_is_stereo_and_both_sides_are_on_one_timeline(tmp_path: Path) -> None:
    beep, record = tmp_path / "beep.wav", tmp_path / "call.wav"
    write_wav(beep, tone(1000, 0.5))
    async with (
        SipPeer() as peer,
        Telephone(
            peer.uri, "--at-once", "--play", beep, "--wait", "1", "--at-once", "--play", beep,
            "--record", record, "--duration", "4", "--json", "--no-listen",
        ) as phone,
    ):  # fmt: skip
        call = await answered(peer)
        for _ in range(2):  # answers each beep with a tone of its own
            await call.wait_sound(5)
            call.send_tone(600, 0.5)
            await call.wait_silence(5, sustain_s=0.3)
        assert await phone.status() == 0, phone.errors
    sent, heard = stereo(record)
    assert len(sent) / 8000 == pytest.approx(4.0, abs=0.1)
    assert phone.report["duration_s"] == pytest.approx(len(sent) / 8000, abs=0.1)
    beeps, replies = spans_of_tone(sent, 1000), spans_of_tone(heard, 600)
    assert len(beeps) == len(replies) == 2
    assert not spans_of_tone(sent, 600)
    assert not spans_of_tone(heard, 1000)
    at_peer = spans_of_tone(call.received_audio(), 1000)
    assert beeps[1][0] - beeps[0][0] == pytest.approx(at_peer[1][0] - at_peer[0][0], abs=0.021)
    delays_s = [reply[0] - beep[0] for beep, reply in zip(beeps, replies, strict=True)]
    assert all(0.0 < delay_s < 0.3 for delay_s in delays_s), delays_s


def stereo(path: Path) -> tuple[Any, Any]:
    import wave

    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        both = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    return both[:, 0], both[:, 1]


@pytest.mark.parametrize(
    ("policy", "status", "words"),
    [(BUSY, 486, "busy"), (DECLINE, 603, "declined"), (NOT_FOUND, 404, "not found")],
)
@scenario
async def test_a_refused_call_is_exit_1_with_its_status(policy: IncomingPolicy, status: int, words: str) -> None:
    async with SipPeer(incoming=policy) as peer, Telephone(peer.uri, "--json") as phone:
        assert await phone.status() == 1
    assert (phone.report["answered"], phone.report["sip_status"]) == (False, status)
    assert words in phone.errors
    assert f"SIP {status}" in phone.errors


@scenario
async def test_ringing_is_given_up_after_the_limit_and_not_before() -> None:
    async with SipPeer(incoming=RingForever()) as peer, Telephone(peer.uri, "--answer-within", "7") as phone:
        call = await peer.wait_call(20)
        assert await phone.status() == 1
        assert call.is_ended
        assert time.monotonic() - call.invited_at_s > 6.5, "longer than the limit for a host that says nothing"
    assert "no answer within 7 s" in phone.errors


@scenario
async def test_a_silent_address_is_given_up_in_six_seconds() -> None:
    begin_s = time.monotonic()
    async with Telephone("sip:nobody@127.0.0.1:9") as phone:
        assert await phone.status() == 1
    assert time.monotonic() - begin_s < 10
    assert "nobody answers at 127.0.0.1:9" in phone.errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--play", "/etc/passwd"), "not a WAV file"),
        (("--play", "absent.wav"), "no such file"),
        (("--press", "1x"), "'x' at place 2"),
        (("--codec", "MP3"), "--codec MP3"),
        (("--record", "/absent/call.wav"), "cannot be written"),
        (("--account", "sip:1@127.0.0.1", "--password-env", "ABSENT_VARIABLE"), "ABSENT_VARIABLE"),
    ],
)
@scenario
async def test_wrong_options_are_named_and_nobody_is_called(arguments: tuple[str, ...], words: str) -> None:
    async with SipPeer() as peer:
        async with Telephone(peer.uri, *arguments) as phone:
            assert await phone.status() == 1
        assert peer.calls == []
    assert words in phone.errors
    assert "Traceback" not in phone.errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@scenario
async def test_a_signal_hangs_up_with_bye_in_two_seconds(number: signal.Signals) -> None:
    async with SipPeer() as peer, Telephone(peer.uri, "--json") as phone:
        call = await answered(peer)
        await phone.said("answered")
        phone.stop(number)
        begin_s = time.monotonic()
        assert await phone.status(5) == 0
        assert time.monotonic() - begin_s < 2.0
        await call.wait_ended(1)
    assert (call.ended_by, phone.report["ended_by"]) == ("remote", "local")


@scenario
async def test_a_signal_while_it_rings_cancels() -> None:
    async with SipPeer(incoming=RingForever()) as peer, Telephone(peer.uri, "--json") as phone:
        call = await peer.wait_call(20)
        await phone.said("ringing")
        phone.stop()
        assert await phone.status(3) == 1
        await call.wait_ended(1)


@scenario
async def test_refer_is_followed_and_the_script_goes_on_there() -> None:
    async with SipPeer() as first, SipPeer(user="agent") as second:
        async with Telephone(
            first.uri, "--wait", "2.5", "--at-once", "--press", "9", "--duration", "5", "--json"
        ) as phone:
            call = await answered(first)
            await phone.said("answered")
            assert (await call.refer(second.uri)).status == 202
            moved = await answered(second)
            assert (await call.wait_refer_done()).status == 200
            await call.hang_up()
            await moved.wait_digits("9", 6)
            assert await phone.status() == 0, phone.errors
        assert call.received_digits == ""
    assert phone.report["transferred"] is True


@scenario
async def test_a_refer_to_a_busy_place_leaves_the_call_as_it_was() -> None:
    async with (
        SipPeer() as first,
        SipPeer(user="agent", incoming=BUSY) as second,
        Telephone(first.uri, "--wait", "2", "--at-once", "--press", "5", "--duration", "4", "--json") as phone,
    ):
        call = await answered(first)
        await phone.said("answered")
        await call.refer(second.uri)
        assert (await call.wait_refer_done()).status == 486
        await call.wait_digits("5", 6)
        assert await phone.status() == 0, phone.errors
    assert phone.report["transferred"] is False
    assert "486" in phone.report["problems"][0]


@scenario
async def test_without_a_speech_model_it_says_so_and_goes_on() -> None:
    async with (
        SipPeer() as peer,
        Telephone(peer.uri, "--model", "absent-model", "--at-once", "--press", "1", "--duration", "1.5") as phone,
    ):
        call = await answered(peer)
        assert await phone.status() == 0
    assert call.received_digits == "1"
    assert "not listening:" in phone.errors


@scenario
async def test_caller_id_codec_and_tcp_reach_the_other_side() -> None:
    async with (
        SipPeer(transport="tcp", codecs=("PCMA", "PCMU")) as peer,
        Telephone(peer.uri, "--tcp", "--caller-id", "4711", "--codec", "PCMU", "--duration", "0.5", "--json") as phone,
    ):
        call = await answered(peer)
        assert await phone.status() == 0, phone.errors
    assert "sip:4711@" in (call.header("From") or "")
    assert call.codec == "PCMU"
    assert phone.report["codec"] == "PCMU"


@scenario
async def test_the_summary_tells_people_what_happened() -> None:
    async with SipPeer(incoming=AnswerAfter(0.2)) as peer, Telephone(peer.uri, "--duration", "1") as phone:
        await answered(peer)
        assert await phone.status() == 0
    assert "we hung up" in phone.output
    assert "packets in" in phone.output


@scenario
async def test_a_signal_ends_it_in_two_seconds_when_the_other_side_is_dead() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        async with Telephone(f"sip:x@127.0.0.1:{deaf.getsockname()[1]}", "--json") as phone:
            await phone.said("calling")
            await asyncio.sleep(1.0)
            phone.stop()
            begin_s = time.monotonic()
            assert await phone.status(5) == 1
    assert time.monotonic() - begin_s < 2.0
    assert phone.report["sip_status"] == 487


@scenario
async def test_without_a_synthesizer_voice_it_says_so_and_goes_on() -> None:
    async with (
        SipPeer() as peer,
        Telephone(peer.uri, "--language", "xx", "--say", "hello", "--press", "4", "--at-once", "--json") as phone,
    ):
        call = await answered(peer)
        await call.wait_digits("4")
        await call.hang_up()
        assert await phone.status() == 0
    assert "nothing will be spoken" in phone.errors
    assert phone.report["said"] == []
    assert phone.report["problems"] == ["not spoken, no synthesizer: hello"]


@pytest.mark.parametrize(("password", "status"), [("right", 0), ("wrong", 1)])
@scenario
async def test_it_registers_with_a_password_from_the_environment(password: str, status: int) -> None:
    async with Registrar() as registrar, SipPeer() as peer:
        async with Telephone(
            peer.uri, "--account", "sip:100@127.0.0.1", "--registrar", registrar.uri,
            "--password-env", "PHONE_PASSWORD", "--duration", "0.5", PHONE_PASSWORD=password,
        ) as phone:  # fmt: skip
            assert await phone.status() == status, phone.errors
        assert len(peer.calls) == (1 if status == 0 else 0)
    if status:
        assert "the registrar refused: SIP 401" in phone.errors
    else:
        assert len(registrar.contacts) == 2, "registered, and unregistered at the end"
