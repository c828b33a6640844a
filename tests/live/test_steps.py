"""One real call through every kind of step that reaches beyond the telephone, with real services behind them."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import AsyncExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ivr.config import Settings
from ivr.live_test.speech import callers_voice
from ivr.storage.calls import CallRepository
from ivr.storage.surveys import answers_of
from ivr.testing.sip_peer import PeerCall, SipPeer
from ivr.testing.sip_peer.measure import level_dbfs, spans_of_tone
from ivr.testing.sip_peer.recording import read_wav
from tests.live.bots import SPEECH, TARGETS, LiveBot, answered, hears, live, serving, write_project
from tests.ports import ports_of
from tests.services.http_server import HttpServer, answer
from tests.services.test_mail import Mailbox, mail_server

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

(PORT,) = ports_of("steps", 1)
FORM_HZ, CODE_HZ, TOLD_HZ, PART_HZ = 710, 760, 810, 860
RATING_HZ, RATING_DE_HZ, RECORD_HZ, BYE_HZ = 910, 960, 1060, 1110
RATING = {"en": ("How was it?", RATING_HZ), "de": ("Wie war es?", RATING_DE_HZ)}
"""Texts of which there are recordings, each in the list of its language."""
HOLD_HZ, BEEP_HZ = 300, 1000
MESSAGE = SPEECH / "vm-tocallnum.wav"


def sound(hz: int) -> str:
    return f"sounds/t{hz}.wav"


def flows(server: str) -> list[dict[str, Any]]:
    """A flow with every step, and the part that it runs."""
    names = ("day", "code", "account", "never", "reply", "service", "message")
    everything = {
        "flow": "everything",
        "language": "en-US",
        "languages": ["de-DE"],
        "start": "open_now",
        "variables": dict.fromkeys(names, ""),
        "defaults": {"first_input_timeout": "5s", "failed": "wrong"},
        "steps": {**conversation(server), **deliveries()},
    }
    return [everything, doubling()]


def conversation(server: str) -> dict[str, Any]:
    """Steps from the opening hours to the message that the caller leaves."""
    rating = {tag: text for tag, (text, _) in RATING.items()}
    return {
        "open_now": {"hours": "always", "open": "never_now", "closed": "wrong"},
        "never_now": {"hours": "never", "into": "never", "open": "wrong", "closed": "greet"},
        "greet": {"say": "This is a machine.", "next": "booking"},
        "booking": {
            "form": {
                "prompt": sound(FORM_HZ),
                "fields": {
                    "day": {"ask": "date", "prompt": sound(FORM_HZ)},
                    "code": {"ask": "digits", "length": 3, "prompt": sound(CODE_HZ)},
                },
            },
            "confirm": "never",
            "next": "look_up",
        },
        "look_up": {
            "request": {"get": server + "/accounts/{{ code }}", "into": "account"},
            "waiting": {"play": sound(HOLD_HZ), "after": "200ms"},
            "error": "wrong",
            "next": "tell",
        },
        "tell": {"say": sound(TOLD_HZ), "next": "part"},
        "part": {
            "run": "doubling",
            "with": {"name": "{{ account.name }}"},
            "into": {"reply": "text"},
            "done": "in_german",
            "next": "wrong",
        },
        "in_german": {"language": "de-DE", "next": "opinion"},
        "opinion": {
            "survey": {
                "name": "satisfaction",
                "questions": {"service": {"ask": "rating", "prompt": rating}},
            },
            "next": "leave",
        },
        "leave": {
            "record": {"prompt": sound(RECORD_HZ), "final_silence": "1s"},
            "into": "message",
            "failed": "wrong",
            "next": "hook",
        },
    }


def deliveries() -> dict[str, Any]:
    """Steps that send what was heard to others, and the ends."""
    return {
        "hook": {
            "send": {"webhook": "crm", "variables": ["code", "reply"], "wait": True},
            "failed": "wrong",
            "next": "mail",
        },
        "mail": {
            "send": {
                "mail": "office",
                "subject": "From {{ account.name }}",
                "text": "On {{ day }}.",
                "attach": "message",
                "wait": True,
            },
            "failed": "wrong",
            "next": "note",
        },
        "note": {"send": {"message": "desk", "text": "{{ reply }}", "wait": True}, "failed": "wrong", "next": "mark"},
        "mark": {"tag": {"topic": "{{ account.name }}"}, "next": "bye"},
        "bye": {"say": sound(BYE_HZ), "next": "hang_up"},
        "wrong": {"hang_up": True},
    }


def doubling() -> dict[str, Any]:
    """A part that asks for two keys and returns them twice."""
    return {
        "flow": "doubling",
        "languages": ["de-DE"],
        "takes": ["name"],
        "start": "ask",
        "steps": {
            "ask": {
                "ask": "digits",
                "length": 2,
                "prompt": sound(PART_HZ),
                "into": "number",
                "next": "give",
                "failed": "return",
            },
            "give": {"return": {"outcome": "done", "values": {"text": "{{ name }} {{ number }}{{ number }}"}}},
        },
    }


def settings(server: HttpServer, mail_port: int, desk: str) -> dict[str, Any]:
    week = {"mon-sun": ["00:00-24:00"]}
    return {
        "default_flow": "everything",
        "targets": {"desk": {"sip": desk}, **{name: {"sip": desk} for name in TARGETS}},
        "calendars": {"always": {"timezone": "UTC", "open": week}, "never": {"timezone": "UTC", "open": {}}},
        "requests": {"hosts": {f"127.0.0.1:{server.port}": {"allow_private": True, "allow_http": True}}},
        "send": {
            "webhooks": {"crm": {"url": server.url("/hook"), "allow_private": True}},
            "mail": {
                "host": "127.0.0.1",
                "port": mail_port,
                "security": "none",
                "sender": "ivr@example.com",
                "recipients": {"office": "office@example.com"},
            },
        },
    }


def write_recordings(sounds: Path) -> None:
    """The lists of recordings by language."""
    for tag, (text, hz) in RATING.items():
        (sounds / tag).mkdir()
        shutil.copy(sounds / f"t{hz}.wav", sounds / tag / "rating.wav")
        entry = {"key": "rating", "file": "rating.wav", "text": text, "source": "a tone", "licence": "CC0"}
        (sounds / tag / "sounds.yaml").write_text(json.dumps([entry]))


async def lead(call: PeerCall) -> None:
    """The caller's part, by voice and keys."""
    with callers_voice(Settings(), ["en-US"]) as voice:
        await hears(call, FORM_HZ)
        await call.send_wav(await voice.file("next tuesday", "en-US")).wait()
    await hears(call, CODE_HZ)
    await call.press("471")
    await hears(call, PART_HZ)
    await call.press("23")
    await hears(call, RATING_DE_HZ)
    await call.press("4")
    began_s = await hears(call, BEEP_HZ)
    assert began_s > await hears(call, RECORD_HZ)
    await asyncio.sleep(0.5)
    await call.send_wav(MESSAGE).wait()
    await hears(call, BYE_HZ)
    await call.wait_ended(10)


EXPECTED = [
    ("open_now", "hours", "open"),
    ("never_now", "hours", "closed"),
    ("greet", "say", "done"),
    ("booking", "form", "match"),
    ("booking", "form", "match"),
    ("look_up", "request", "done"),
    ("tell", "say", "done"),
    ("part", "run", "done"),
    ("part/ask", "ask", "match"),
    ("part/give", "return", "done"),
    ("in_german", "language", "done"),
    ("opinion", "survey", "done"),
    ("opinion.service", "ask", "match"),
    ("leave", "record", "done"),
    ("hook", "send", "sent"),
    ("mail", "send", "sent"),
    ("note", "send", "sent"),
    ("mark", "tag", "done"),
    ("bye", "say", "done"),
]
"""Step, kind and outcome of each line of the record."""


@live
async def test_a_call_through_all_kinds_of_steps_with_real_services_behind_them(tmp_path: Path) -> None:
    mailbox = Mailbox()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(HttpServer())
        server.on("/accounts/471", answer(200, {"name": "Ada", "balance": 12.5}, after_s=1.2)).on("/hook", answer(204))
        mail_port = await stack.enter_async_context(mail_server(mailbox))
        desk = await stack.enter_async_context(SipPeer(user="desk"))
        folder = tmp_path / "bot"
        own, around = flows(server.url("")), settings(server, mail_port, desk.uri)
        write_project(folder, PORT, flows=own, settings=around)
        write_recordings(folder / "sounds")
        bot = await asyncio.to_thread(stack.enter_context, serving(folder, PORT))
        phone = await stack.enter_async_context(SipPeer(user="ann"))
        call = await answered(phone.dial(bot.uri))
        try:
            await lead(call)
        except AssertionError as error:
            error.add_note(f"{bot.record_of('ann')}\n{bot.log()[-2000:]}")
            raise
        record = await asyncio.to_thread(bot.record_of, "ann")
    assert_record(record, bot)
    assert_heard(call)
    assert_services(server, mailbox, desk, folder, record)


def assert_record(record: dict[str, Any], bot: LiveBot) -> None:
    """What the database has of the call."""
    lines = [(line["step"], line["kind"], line["outcome"]) for line in record["steps"]]
    assert lines == EXPECTED
    day = date.fromisoformat(record["variables"]["day"])
    assert day.weekday() == 1 and timedelta(0) < day - date.today() <= timedelta(14)  # noqa: DTZ011  # the bot's own zone
    assert record["variables"]["account"] == {"name": "Ada", "balance": 12.5}
    assert (record["variables"]["code"], record["variables"]["reply"]) == ("471", "Ada 2323")
    assert record["tags"] == {"topic": "Ada"} and record["end_reason"] == "bot_hung_up"
    with CallRepository(f"sqlite:///{bot.folder}/var/calls.db") as repository:
        (kept,) = answers_of(repository, "satisfaction")
    assert (kept.call_id, kept.question, kept.outcome, kept.answer) == (record["id"], "service", "answered", 4)


def assert_heard(call: PeerCall) -> None:
    """What the caller heard: speech, the waiting sound while the service was asked, no English once it was German."""
    audio = call.received_audio()
    form_s = spans_of_tone(audio, FORM_HZ)[0][0]
    assert level_dbfs(audio[: round(form_s * 8000)]) > -40, "the greeting was not heard"
    (waited_s, until_s), told_s = spans_of_tone(audio, HOLD_HZ)[0], spans_of_tone(audio, TOLD_HZ)[0][0]
    assert 0.5 < until_s - waited_s < 1.3 and until_s <= told_s + 0.1
    assert not spans_of_tone(audio, RATING_HZ)


def assert_services(server: HttpServer, mailbox: Mailbox, desk: SipPeer, folder: Path, record: dict[str, Any]) -> None:
    """What came to whom."""
    asked, hook = server.received
    assert (asked.method, asked.target) == ("GET", "/accounts/471")
    data = json.loads(hook.body)
    assert hook.method == "POST" and {"code": "471", "reply": "Ada 2323"}.items() <= data.get("data", data).items()
    ((sender, recipients, mail),) = mailbox.mails
    assert (sender, recipients, mail["Subject"]) == ("ivr@example.com", ["office@example.com"], "From Ada")
    (attachment,) = mail.iter_attachments()
    file = folder / "var" / "recordings" / record["variables"]["message"]["file"]
    assert attachment.get_content() == file.read_bytes()
    assert len(read_wav(file)) / 8000 == pytest.approx(len(read_wav(MESSAGE)) / 8000, abs=0.8)
    assert desk.messages == ["Ada 2323"]
