"""Real calls through Asterisk: what is heard of callers on good lines and bad ones.

Where each thing that listening promises is shown by a real call (speaking: `test_speaking.py`):

| What | Live test |
|---|---|
| beginning, end and length of turns | `test_dialog.py`: human voices, digits, silence |
| words over a prompt stop it; its echo does not | `test_dialog.py`, `test_echo.py` |
| `barge_in: any` | `test_dialog.py` |
| `barge_in: digits`, `barge_in: speech` | `test_a_prompt_is_stopped_by_what_may_stop_it_only` |
| `barge_in: match`; noise does not end a prompt | `test_only_words_that_match_stop_a_prompt_with_match` |
| the line's noise; a buzz, music, tones, clipping, offset, 5 s of loss | `test_words_on_a_bad_line_are_heard` |
| a recognition server, and its death in mid-word | `test_failing_speech.py` |
| an engine in the bot that fails or hangs; one server after the other lost | `test_lost_hearing.py` |
| keys in the audio are never doubled | `test_failing_speech.py` |
| keys as tones among words, one by RFC 4733 as well | `test_words_and_keys_in_the_same_audio_are_heard_once` |
| German: digits, numbers, days, yes and no | `test_german.py` |
| names that the model lacks | `test_a_name_that_the_model_lacks_is_heard` |
| bands of confidence, the second best after "no" | `test_after_a_no_the_second_best_is_asked_for` |
| change of language in the call | `test_a_call_changes_to_german` |
| free speech ended by `#`, and left by it | `test_a_hash_ends_free_speech_and_leaves_a_question_without_a_word` |
| digits that are said, ended by `#` | the call with keys as tones |
| a model that lacks a file or is of another language | `test_failing_speech.py` |
| sensitive input leaves no trace; engines that fail | `test_sensitive.py` |
| steady noise is no turn; a word in it is answered soon | `test_words_in_steady_noise_are_answered_soon` |
| noise and a cough stop a prompt for a while only; a key in mid-word | `test_a_prompt_that_noise_stopped_goes_on` |
| words of a phrase in another order; what is below `reject` | `test_other_words_for_a_choice_are_read_back` |
| a caller who goes on and on is answered after `max_speech_duration` | the same call |
| synonyms, which a recognizer without lists hears | `test_failing_speech.py` |
| digits in groups, with a pause between | `test_dialog.py` |
| the record tells of lost servers, useless models, hanging synthesizers | `test_failing_speech.py` |
| `ivr listen` on a call's audio | the call in noise, and what the bot recorded in `test_record.py` |
| `ivr listen`, `ivr say`, `ivr models` | no call: `tests/cli/test_speech_commands.py` |
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ivr.flow.commands import RESUME_BACK_S
from ivr.speech.model_store import EMBEDDED_DIR
from ivr.testing.sip_peer import PeerCall
from ivr.testing.sip_peer.g711 import Pcm
from ivr.testing.sip_peer.measure import spans_of_tone, tone
from ivr.testing.sip_peer.recording import read_wav, write_wav
from tests.lab import control
from tests.live.bots import (
    HEARD_HZ,
    IVR,
    MENU_HZ,
    NO_MATCH_HZ,
    NUMBER_HZ,
    SPEECH,
    LiveBot,
    answered,
    caller,
    hears,
    live,
    now_s,
    serving,
    write_project,
)
from tests.live.listening_flow import GERMAN_HZ, NAME_HZ, SAID_HZ, SECOND_HZ, TONES, TWINS, flow, sound
from tests.live.test_dialog import speak
from tests.speech import noises
from tests.speech.lines import Line, as_int16

pytestmark = pytest.mark.live

MODEL = EMBEDDED_DIR / "vosk-model-ivr-en-8k-test"
SHARED = Path(__file__).resolve().parents[3] / "shared"
GERMAN, GERMAN_SPEECH = SHARED / "models" / "vosk-model-ivr-de-8k-test", SHARED / "speech" / "de"
RATE_HZ = 8000


@pytest.fixture(scope="module")
def ears(lab: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    folder: Path = tmp_path_factory.mktemp("ears")
    german = {"de": str(GERMAN)} if GERMAN.is_dir() else {}
    speech = {"cache_dir": str(folder / "cache"), "models": {"en": str(MODEL), **german}}
    settings = {"default_flow": "ears", "speech": speech}
    write_project(folder / "bot", control.RTP_TRUNK_PORT, flows=[flow()], settings=settings, keys_in_audio=True)
    for hz in TONES:
        write_wav(folder / "bot" / sound(hz), tone(hz, 0.6))
    with serving(folder / "bot", control.RTP_TRUNK_PORT) as bot:
        yield bot


@asynccontextmanager
async def called(key: str = "", number: int = 1041) -> AsyncIterator[PeerCall]:
    """A call that is in the menu, or behind one of its keys."""
    async with caller(codecs=("PCMU",)) as phone:
        call = await answered(phone.dial(control.number(number)))
        await hears(call, MENU_HZ)
        if key:
            await call.press(key)
        yield call


def recording(name: str) -> Pcm:
    return np.concatenate([read_wav(SPEECH / f"{name}.wav"), np.zeros(RATE_HZ // 2, dtype=np.int16)])


def as_pcm(line: Line) -> Pcm:
    return as_int16(line).astype(np.int16)


def stretches(call: PeerCall, hz: int) -> list[tuple[float, float]]:
    """When a tone was heard; a packet that is late on a busy machine is no pause."""
    found: list[tuple[float, float]] = []
    for begin_s, end_s in spans_of_tone(call.received_audio(), hz):
        if found and begin_s - found[-1][1] < 0.25:
            begin_s = found.pop()[0]
        found.append((begin_s, end_s))
    return found


def rustling() -> Pcm:
    """A word that noise drowns: it begins a turn, and nothing is heard in it."""
    word = read_wav(SPEECH / "spy-agent.wav") / 32768
    speech_dbfs = 10 * float(np.log10(np.mean(word**2)))
    return as_pcm(noises.at_level(word + noises.white(len(word), speech_dbfs + 8, 1), -14.0))


@live
async def test_words_on_a_bad_line_are_heard(ears: LiveBot) -> None:
    kinds = (noises.dimmer, noises.white, noises.music, noises.dial_tone, noises.fax_calling, noises.fax_answer)
    dirt = np.concatenate([as_pcm(kind(int(1.5 * RATE_HZ), -25.0, 7)) for kind in kinds])
    loud = np.clip(recording("spy-agent").astype(np.int32) * 8 + 1500, -32768, 32767).astype(np.int16)
    async with called() as call:
        await call.send_wav(dirt).wait(15)
        await call.send_wav(loud).wait(5)  # clipped, and off the middle
        said_s = await hears(call, HEARD_HZ["agent"], 4)
        lost = np.zeros(5 * RATE_HZ, dtype=np.int16)
        await call.send_wav(lost, drop_packets=range(250)).wait(8)
        call.send_wav(recording("vm-message"))
        await hears(call, HEARD_HZ["message"], 4, after_s=said_s)
    record = await asyncio.to_thread(ears.record_of, "caller")
    taken = [step["heard"] for step in record["steps"] if step["step"] == "main" and step["outcome"] != "hung_up"]
    assert taken == ["agent", "message"], "noise was taken for words"


@live
async def test_words_in_steady_noise_are_answered_soon(ears: LiveBot, tmp_path: Path) -> None:
    said, line = read_wav(SPEECH / "vm-message.wav"), as_pcm(noises.white(9 * RATE_HZ, -40.0, 5))
    line[6 * RATE_HZ : 6 * RATE_HZ + len(said)] += said
    async with called() as call:
        began_s = now_s(call)
        call.send_wav(line)
        heard_s = await hears(call, HEARD_HZ["message"], 10)
        begin_s, end_s = stretches(call, MENU_HZ)[0]
        sent = call.sent_audio()
    assert end_s - begin_s > 3.8, "the noise stopped the prompt"
    loud = np.flatnonzero(np.abs(said) > 1000)
    said_until_s = began_s + 6 + float(loud[-1]) / RATE_HZ
    assert heard_s - said_until_s < 0.7, f"answered {heard_s - said_until_s:.2f} s after the word"
    record = await asyncio.to_thread(ears.record_of, "caller")
    turns = [step for step in record["steps"] if step["step"] == "main" and step["heard"]]
    assert [step["meaning"] for step in turns] == ["message"], "the noise was a turn"
    await asyncio.to_thread(_listened_to, tmp_path / "caller.wav", sent[-4 * RATE_HZ :])


def _listened_to(wav: Path, said: Pcm) -> None:
    """`ivr listen` says of the caller's side of a call what the bot heard."""
    write_wav(wav, said)
    command = [str(IVR), "listen", str(wav), "--words", "agent,message", "--model", str(MODEL), "--json"]
    heard = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=30).stdout)
    assert (heard["file"], heard["text"]) == (str(wav), "message") and heard["confidence"] > 0.7
    assert heard["n_best"] is not None
    assert 0 <= heard["speech_start_ms"] < heard["speech_end_ms"] < heard["final_at_ms"]


@live
async def test_a_prompt_that_noise_stopped_goes_on(ears: LiveBot) -> None:
    async with called() as call:
        await asyncio.sleep(0.4)
        call.send_wav(as_pcm(noises.white(RATE_HZ // 12, -14.0, 1)))  # a click: too short to be anything
        await asyncio.sleep(0.8)
        call.send_wav(rustling())
        await asyncio.sleep(2.4)
        call.send_wav(as_pcm(noises.cough(3200, -14.0, 3)))
        await asyncio.sleep(4.2)
        spans = stretches(call, MENU_HZ)
        assert len(spans) == 3, f"stopped twice, and went on: {spans}"
        whole_s = sum(end_s - begin_s for begin_s, end_s in spans)
        assert whole_s == pytest.approx(4.0 + 2 * RESUME_BACK_S, abs=0.5), f"from where it was stopped: {spans}"
        call.send_wav(recording("spy-agent"))
        await asyncio.sleep(0.45)
        await call.press("2")
        await hears(call, NUMBER_HZ, 4)
        await asyncio.sleep(1.0)
        assert not spans_of_tone(call.received_audio(), HEARD_HZ["agent"]), "the word counted as well"
    record = await asyncio.to_thread(ears.record_of, "caller")
    taken = [(step["outcome"], step["mode"], step["heard"]) for step in record["steps"] if step["step"] == "main"]
    assert taken == [("match", "dtmf", "2")]


@live
async def test_other_words_for_a_choice_are_read_back(ears: LiveBot) -> None:
    async with called("5") as call:
        await hears(call, NUMBER_HZ)
        await asyncio.sleep(2.2)
        both = [read_wav(SPEECH / f"{name}.wav")[1200:-1200] for name in ("spy-agent", "vm-message")]
        await call.send_wav(np.concatenate([*both, np.zeros(RATE_HZ, dtype=np.int16)])).wait(6)
        await asyncio.sleep(0.6)
        await call.press("1")
        heard_s = await hears(call, NAME_HZ, 4)
        await hears(call, MENU_HZ, 4, after_s=heard_s)
        await call.press("6")
        at_s = await hears(call, NUMBER_HZ, 4, after_s=heard_s)
        await asyncio.sleep(2.2)
        call.send_wav(recording("spy-agent"))
        at_s = await hears(call, NO_MATCH_HZ, 5, after_s=at_s) + 1.0
        call.send_wav(read_wav(SPEECH / "tt-weasels.wav"))  # 3 s of words from 0.4 s on
        spoke_s = now_s(call)
        assert await hears(call, NO_MATCH_HZ, 6, after_s=at_s) - spoke_s < 3.3, "it waited for the caller to pause"
    record = await asyncio.to_thread(ears.record_of, "caller")
    loose = [(step["outcome"], step["meaning"]) for step in record["steps"] if step["step"] == "loose"]
    assert loose[-1][0] == "confirmed", loose
    assert [step["outcome"] for step in record["steps"] if step["step"] == "strict"][:2] == ["no_match", "no_match"]


@live
async def test_a_prompt_is_stopped_by_what_may_stop_it_only(ears: LiveBot) -> None:
    async with called("8") as call:
        await hears(call, NUMBER_HZ)
        call.send_wav(recording("spy-agent"))
        await asyncio.sleep(2.2)
        await call.press("1")
        await asyncio.sleep(0.5)
        await call.press("2")
        call.send_wav(recording("spy-agent"))
        await hears(call, HEARD_HZ["agent"], 4)
        by_keys, by_voice = (end_s - begin_s for begin_s, end_s in stretches(call, NUMBER_HZ))
    assert by_keys > 1.8, "a voice stopped the prompt that keys may stop"
    assert 0.6 < by_voice < 1.8, "a key stopped the prompt that a voice may stop, or the voice did not"


@live
async def test_only_words_that_match_stop_a_prompt_with_match(ears: LiveBot) -> None:
    async with called("1") as call:
        await asyncio.sleep(0.8)
        await call.send_wav(recording("tt-weasels")).wait(5)
        begin_s, end_s = spans_of_tone(call.received_audio(), MENU_HZ)[-1]
        assert end_s - begin_s > 3.8, f"the prompt of 4 s was stopped after {end_s - begin_s} s"
        call.send_wav(recording("spy-agent"))
        heard_s = await hears(call, HEARD_HZ["agent"], 5)
        await hears(call, MENU_HZ, 4, after_s=heard_s)
        await call.press("1")
        await asyncio.sleep(0.8)
        call.send_wav(recording("vm-message"))
        await hears(call, HEARD_HZ["message"], 4)
        begin_s, end_s = stretches(call, MENU_HZ)[-1]
        assert end_s - begin_s < 3.0, "words that match did not stop the prompt"


@live
async def test_a_name_that_the_model_lacks_is_heard(ears: LiveBot, tmp_path: Path) -> None:
    await asyncio.to_thread(speak, "goldstein", "en-gb+f2", tmp_path / "name.wav")
    async with called("2") as call:
        await hears(call, NUMBER_HZ)
        await asyncio.sleep(2.2)
        call.send_wav(read_wav(tmp_path / "name.wav"))
        await hears(call, NAME_HZ, 5)


@live
async def test_after_a_no_the_second_best_is_asked_for(ears: LiveBot, tmp_path: Path) -> None:
    await asyncio.to_thread(speak, "mail", "en-gb+f2", tmp_path / "mail.wav")
    async with called("3") as call:
        await hears(call, NUMBER_HZ)
        await asyncio.sleep(2.2)
        call.send_wav(read_wav(tmp_path / "mail.wav"))
        asked_s = await hears(call, SAID_HZ, 5)
        await asyncio.sleep(2.0)
        call.send_wav(recording("vm-no"))
        await hears(call, SAID_HZ, 6, after_s=asked_s + 1.5)
        await call.press("1")
        await hears(call, SECOND_HZ, 5)
    record = await asyncio.to_thread(ears.record_of, "caller")
    understood = [step["meaning"] for step in record["steps"] if step["step"] == "twins" and step["meaning"]]
    assert sorted(understood) == TWINS, "one of the two first, the other after the no"


@live
async def test_words_and_keys_in_the_same_audio_are_heard_once(ears: LiveBot, tmp_path: Path) -> None:
    await asyncio.to_thread(speak, "four seven", "en-gb", tmp_path / "said.wav")
    said, pause = read_wav(tmp_path / "said.wav"), np.zeros(RATE_HZ // 2, dtype=np.int16)
    keys = [as_pcm(noises.tones(960, -12.0, *hz)) for hz in ((697, 1209), (697, 1336), (770, 1336))]
    before = np.concatenate([said, pause, pause, pause, keys[0], pause])  # what was said is over before the first key
    behind = np.concatenate([keys[1], pause, keys[2], pause, read_wav(SPEECH / "spy-agent.wav"), pause])
    async with called("9") as call:
        await hears(call, NUMBER_HZ)
        await asyncio.sleep(0.3)
        sending = call.send_wav(np.concatenate([before, behind]))
        await asyncio.sleep(len(before) / RATE_HZ - 0.3)  # its events pause the audio, and must not divide the tone
        await call.press("2", duration_ms=120)
        await hears(call, NAME_HZ, 5)
        await sending.wait(5)
        heard_s = await hears(call, HEARD_HZ["agent"], 4)
        await hears(call, MENU_HZ, 4, after_s=heard_s)
        await call.press("9")
        await asyncio.sleep(0.5)
        await call.send_wav(said).wait(3)
        await call.press("#")
        await hears(call, NAME_HZ, 2.5, after_s=heard_s)
    record = await asyncio.to_thread(ears.record_of, "caller")
    heard = [(step["step"], step["mode"], step["heard"]) for step in record["steps"] if step["mode"]]
    assert heard[:3] == [("main", "dtmf", "9"), ("mixed", "mixed", "47125"), ("main", "voice", "agent")]
    assert heard[4:] == [("mixed", "voice", "47")], "a key that ends what was said takes it"


@live
async def test_a_hash_ends_free_speech_and_leaves_a_question_without_a_word(ears: LiveBot) -> None:
    async with called("7") as call:
        await hears(call, NUMBER_HZ)
        await asyncio.sleep(2.2)
        call.send_wav(recording("spy-agent"))
        await asyncio.sleep(1.6)
        await call.press("#")
        await hears(call, SAID_HZ, 2.5)
        await asyncio.sleep(2.0)
        await call.press("#")
        await hears(call, NAME_HZ, 4)
    record = await asyncio.to_thread(ears.record_of, "caller")
    asked = {step["step"]: step for step in record["steps"] if step["kind"] == "ask"}
    assert (asked["words"]["outcome"], asked["words"]["heard"]) == ("match", "agent")
    assert (asked["more"]["outcome"], asked["more"]["heard"]) == ("skipped", "#")


@pytest.mark.skipif(not GERMAN.is_dir(), reason="there is no German model under ../shared/models")
@live
async def test_a_call_changes_to_german(ears: LiveBot) -> None:
    async with called("4") as call:
        await hears(call, NUMBER_HZ)
        await asyncio.sleep(2.2)
        call.send_wav(read_wav(GERMAN_SPEECH / "freitag.wav"))
        await hears(call, GERMAN_HZ, 5)
