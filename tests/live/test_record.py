"""A message left by a real call: real audio in the file, without the tone's echo and without the key."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import stat
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import numpy as np
import pytest
import yaml

from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import first_sound_s, spans_of_tone
from ivr.testing.sip_peer.recording import read_wav
from tests.live.bots import (
    IVR,
    MENU_HZ,
    SPEECH,
    LiveBot,
    answered,
    hears,
    live,
    now_s,
    running_bot,
    serving,
    wait_until,
)
from tests.ports import ports_of

pytestmark = pytest.mark.live

(PORT,) = ports_of("record", 1)
BEEP_HZ = 1000
MESSAGE = SPEECH / "vm-tocallnum.wav"

FLOW = {
    "flow": "mailbox",
    "start": "voicemail",
    "steps": {
        "voicemail": {
            "record": {"prompt": f"sounds/t{MENU_HZ}.wav", "final_silence": "1s", "review": True},
            "into": "message",
            "failed": "hang_up",
            "next": "hang_up",
        }
    },
}
SHIPPED = Path(__file__).parents[2] / "flows" / "voicemail.yaml"
SETTINGS = {
    "default_flow": "mailbox",
    "numbers": {"voicemail": {"flow": "voicemail"}},
    "targets": {"agent": {"sip": "sip:agent@127.0.0.1:5070"}},
    "calendars": {"office": {"timezone": "America/New_York", "open": {"mon-fri": ["09:00-18:00"]}}},
    "send": {"mail": {"folder": "var/mail", "sender": "ivr@example.com", "recipients": {"office": "o@example.com"}}},
}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    flows = [FLOW, yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))]
    with running_bot(tmp_path_factory.mktemp("mailbox"), PORT, flows=flows, settings=SETTINGS) as running:
        yield running


async def after_the_tone(phone: SipPeer, bot: LiveBot) -> PeerCall:
    """A call in which the recording begins now. The line sends the tone back, as telephones with loud speakers do."""
    call = await answered(phone.dial(bot.uri))
    began_s = await hears(call, BEEP_HZ)
    await asyncio.sleep(max(0.0, began_s + 0.1 - now_s(call)))
    call.send_tone(BEEP_HZ, 0.2)
    await asyncio.sleep(0.5)
    return call


def kept(bot: LiveBot, ani: str) -> tuple[Path, float]:
    """The message in the record of a caller."""
    message = bot.record_of(ani)["variables"]["message"]
    return bot.folder / "var" / "recordings" / message["file"], message["duration_s"]


@live
async def test_a_message_is_kept_as_it_was_said_and_played_back(bot: LiveBot) -> None:
    async with SipPeer(user="ann") as phone:
        call = await after_the_tone(phone, bot)
        await call.send_wav(MESSAGE).wait()
        await asyncio.sleep(2.0)  # the silence that ends it, and the review that begins
        from_s = now_s(call)
        await call.press("2")
        await asyncio.sleep(2.5)
        heard = call.received_audio()
        await call.press("1")
        await asyncio.sleep(0.5)
    file, duration_s = kept(bot, "ann")
    audio, said = read_wav(file), read_wav(MESSAGE)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert duration_s == pytest.approx(len(said) / 8000, abs=0.8)
    command = [str(IVR), "listen", str(file), "--json"]
    told = json.loads(await asyncio.to_thread(subprocess.check_output, command, timeout=30))
    assert told["text"] == "press one to call this number" and told["speech_start_ms"] < told["speech_end_ms"]
    assert likeness(audio, said) > 0.95
    assert spans_of_tone(audio, BEEP_HZ) == [], "the echo of the tone is in the message"
    assert likeness(heard[round(from_s * 8000) :], audio[:12000]) > 0.9, "it was not played back"
    assert not list(file.parent.glob("*.part"))


@live
async def test_a_caller_who_hangs_up_has_left_what_he_said(bot: LiveBot) -> None:
    async with SipPeer(user="bob") as phone:
        call = await after_the_tone(phone, bot)
        call.send_wav(MESSAGE)
        await asyncio.sleep(2.5)
        await call.hang_up()
    file, duration_s = kept(bot, "bob")
    assert 1.5 <= duration_s <= 2.7
    assert first_sound_s(read_wav(file)) is not None


@live
async def test_the_shipped_voicemail_sends_what_was_said_before_a_hang_up(bot: LiveBot) -> None:
    async with SipPeer(user="dan") as phone:
        call = await answered(phone.dial(f"sip:voicemail@127.0.0.1:{PORT}"))
        await asyncio.sleep(0.5)
        await call.press("1")
        await hears(call, BEEP_HZ, 12.0)
        await asyncio.sleep(0.5)
        call.send_wav(MESSAGE)
        await asyncio.sleep(2.5)
        await call.hang_up()
    file, duration_s = kept(bot, "dan")
    (mail,) = mails(bot)
    (attached,) = mail.iter_attachments()
    text = mail.get_body().get_content()  # type: ignore[union-attr]
    assert mail["Subject"] == "A message from dan" and f"{duration_s} seconds, from dan, who hung up then." in text
    assert attached.get_content() == file.read_bytes()
    steps = [(line["step"], line["outcome"]) for line in bot.record_of("dan")["steps"]]
    assert steps[-3:] == [("record", "hung_up"), ("is_left", "done"), ("send_what_is_left", "done")]


def mails(bot: LiveBot, within_s: float = 5.0) -> list[EmailMessage]:
    """The mails that were sent, of which there must be one at least."""
    folder = bot.folder / "var" / "mail"
    wait_until(lambda: any(folder.glob("*.eml")), within_s, lambda: f"no mail: {bot.log()[-3000:]}")
    read = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in folder.glob("*.eml")]
    return [mail for mail in read if isinstance(mail, EmailMessage)]


@live
async def test_a_message_outlives_the_process_that_took_it(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    with running_bot(folder, PORT + 1, flows=[FLOW], settings={"default_flow": "mailbox"}) as bot:
        async with SipPeer(user="eve") as phone:
            call = await after_the_tone(phone, bot)
            call.send_wav(MESSAGE)
            await asyncio.sleep(2.5)
            bot.kill()
    with serving(folder, PORT + 1) as bot:
        record = bot.record_of("eve")
        log = bot.log()
    line = record["steps"][-1]
    file = folder / "var" / "recordings" / line["meaning"]
    assert (record["end_reason"], line["step"], line["outcome"]) == ("lost", "voicemail", "recovered")
    assert record["ended_at"] == line["ended_at"], "the call ended with what was said last"
    assert f"recording recovered: {file.name}" in log and "recording_recovered" in log
    audio = read_wav(file)
    # Where what was sent came late, there is a pause in it: half a second without one shows whose words they are.
    alike = max(likeness(audio[at : at + 4000], read_wav(MESSAGE)) for at in range(4000, 10000, 2000))
    assert alike > 0.95, f"{alike:.2f}; what was sent was up to {call.stream.max_late_ms:.0f} ms late"
    assert sorted(each.name for each in file.parent.iterdir()) == [file.name]


def likeness(one: object, other: object) -> float:
    """The best correlation of the shorter of two pieces of audio with any place of the longer one."""
    long, short = (np.asarray(each, dtype=np.float64).ravel() for each in (one, other))
    if len(short) > len(long):
        long, short = short, long
    size = 1 << (len(long) + len(short)).bit_length()
    products = np.fft.irfft(np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size)), size)
    energy = np.concatenate([[0.0], np.cumsum(long**2)])
    places = len(long) - len(short) + 1
    window = energy[len(short) :][:places] - energy[:places]
    return float(np.max(products[:places] / np.sqrt(np.maximum(window, 1e-9) * np.sum(short**2))))
