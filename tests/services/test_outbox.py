"""The outbox: nothing is lost, nothing is sent twice by one process, nothing blocks the call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ivr.flow.jobs import MailMessage, Message, SipMessage, WebhookMessage
from ivr.services import outbox as outbox_module
from ivr.services.delivery import DeliveryFailed, Letter, from_bytes, to_bytes
from ivr.services.outbox import Outbox
from ivr.services.outbox_files import OutboxFiles, OutboxFull, is_waiting
from tests.scenario import scenario
from tests.waiting import until

pytestmark = pytest.mark.adapter

MESSAGES: list[Message] = [
    WebhookMessage("crm", {"a": 1, "b": ["ü", None]}),
    MailMessage("office", "s", "t\nü", is_address=True),
    SipMessage("agent", "hello"),
]


class Receiver:
    """Takes letters, or fails as often as it is told."""

    def __init__(self, *failures: DeliveryFailed | Exception) -> None:
        self.failures = list(failures)
        self.tried: list[Letter] = []
        self.taken: list[Letter] = []

    async def __call__(self, letter: Letter) -> None:
        self.tried.append(letter)
        if self.failures:
            raise self.failures.pop(0)
        self.taken.append(letter)


def outbox(root: Path, receiver: Receiver, **settings: object) -> Outbox:
    given: dict[str, object] = {"limit_bytes": 1_000_000, "give_up_after_s": 3600.0, "pauses_s": (0.01,)}
    return Outbox(root, receiver, **{**given, **settings})  # type: ignore[arg-type]


def files_in(root: Path) -> list[str]:
    return sorted(str(file.relative_to(root).parent.name) for file in root.glob("*/*.json"))


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_letter_survives_the_disk(message: Message) -> None:
    letter = Letter("id1", message, "call1", 1.5)
    assert from_bytes("id1", to_bytes(letter)) == letter


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"kind": "pigeon"}', b"\xff"])
def test_what_is_no_letter_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_bytes("id", content)


def test_a_message_is_delivered_once_and_leaves_nothing(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        receiver = Receiver()
        box = outbox(tmp_path, receiver)
        for message in MESSAGES:
            box.post(message, "call1")
        assert not receiver.tried, "posting returns before anything is done"
        await until(lambda: len(receiver.taken) == 3 and not box.waiting_count, "three letters")
        assert sorted(type(letter.message).__name__ for letter in receiver.taken) == sorted(
            type(message).__name__ for message in MESSAGES
        )
        assert len({letter.id for letter in receiver.taken}) == 3
        await box.stop()
        assert not is_waiting(tmp_path) and names_in(tmp_path) == ["lock"]

    play()


def test_a_message_is_tried_with_the_same_id_until_it_is_taken(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        receiver = Receiver(*(DeliveryFailed("away") for _ in range(4)))
        box = outbox(tmp_path, receiver)
        box.post(MESSAGES[0], "call1")
        await until(lambda: bool(receiver.taken), "the letter")
        assert len(receiver.tried) == 5 and len({letter.id for letter in receiver.tried}) == 1
        await box.stop()

    play()


def test_a_message_that_waits_is_delivered_after_a_restart(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        away = Receiver(*(DeliveryFailed("away") for _ in range(1000)))
        box = outbox(tmp_path, away, pauses_s=(60.0,))
        box.post(MESSAGES[0], "call1")
        await until(lambda: bool(away.tried), "a try")
        await box.stop()
        assert is_waiting(tmp_path)
        back = Receiver()
        later = outbox(tmp_path, back)
        await later.start()
        await until(lambda: bool(back.taken), "the letter")
        assert back.taken == [away.tried[0]]
        await later.stop()
        assert not is_waiting(tmp_path)

    play()


def test_a_message_that_was_just_posted_is_safe_when_the_bot_stops(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        box = outbox(tmp_path, Receiver(*(DeliveryFailed("away") for _ in range(10))))
        box.post(MESSAGES[0], "call1")
        await box.stop()
        assert files_in(tmp_path) != []

    play()


def test_a_living_process_keeps_its_messages_and_a_dead_ones_are_taken_over(tmp_path: Path) -> None:
    alive, dead = OutboxFiles(tmp_path, 1000), OutboxFiles(tmp_path, 1000)
    alive.write("mine", b"1")
    dead.write("left", b"2")
    dead.close()
    heir = OutboxFiles(tmp_path, 1000)
    assert heir.read_all() == {"left": b"2"} and alive.read_all() == {"mine": b"1"}
    heir.remove("left")
    alive.remove("mine")
    for files in (heir, alive):
        files.close()
    assert not is_waiting(tmp_path)


@pytest.mark.parametrize(
    ("failure", "age_s"),
    [(DeliveryFailed("gone", is_final=True), 0.0), (DeliveryFailed("away"), 4000.0), (KeyError("ours"), 0.0)],
)
def test_a_message_that_is_given_up_is_put_aside(tmp_path: Path, failure: Exception, age_s: float) -> None:
    @scenario
    async def play() -> None:
        now_s = [1000.0]
        receiver = Receiver(failure)
        box = outbox(tmp_path, receiver, now_s=lambda: now_s[0])
        box.post(MESSAGES[0], "call1")
        now_s[0] += age_s
        await until(lambda: files_in(tmp_path) == ["failed"], "the letter among the failed")
        await until(lambda: not box.waiting_count, "rest")
        assert len(receiver.tried) == 1
        await box.stop()
        assert not is_waiting(tmp_path)

    play()
    (file,) = tmp_path.glob("failed/*.json")
    assert json.loads(file.read_bytes())["message"]["webhook"] == "crm"


def test_a_full_or_unusable_disk_delivers_from_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    @scenario
    async def play() -> None:
        for box_of in (
            lambda receiver: outbox(tmp_path / "box", receiver, limit_bytes=1),
            lambda receiver: outbox(tmp_path / "file" / "box", receiver),
        ):
            receiver = Receiver()
            made: Callable[[Receiver], Outbox] = box_of
            box = made(receiver)
            box.post(MESSAGES[0], "call1")
            await until(lambda taken=receiver.taken: bool(taken), "the letter")  # type: ignore[misc]
            await box.stop()

    play()


def test_memory_is_bounded_where_the_disk_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MOST_IN_MEMORY", 3)

    @scenario
    async def play() -> None:
        away = Receiver(*(DeliveryFailed("away") for _ in range(100)))
        box = outbox(tmp_path, away, limit_bytes=1, pauses_s=(60.0,))
        for _ in range(10):
            box.post(MESSAGES[0], "call1")
        await until(lambda: len(away.tried) == 3, "three tries")
        await until(lambda: box.waiting_count == 3, "the rest dropped")
        await box.stop()

    play()


def test_the_limit_counts_every_process(tmp_path: Path) -> None:
    one, other = OutboxFiles(tmp_path, 10), OutboxFiles(tmp_path, 10)
    one.write("a", b"123456")
    with pytest.raises(OutboxFull):
        other.write("b", b"123456")
    one.remove("a")
    other.write("b", b"123456")
    other.remove("b")
    one.close()
    other.close()


def test_what_nobody_can_read_does_not_stop_the_rest(tmp_path: Path) -> None:
    files = OutboxFiles(tmp_path, 10_000)
    files.write("torn", b'{"kind": "web')
    files.write("whole", to_bytes(Letter("whole", MESSAGES[2], "call1", 1.0)))
    files.close()

    @scenario
    async def play() -> None:
        receiver = Receiver()
        box = outbox(tmp_path, receiver)
        await box.start()
        await until(lambda: bool(receiver.taken), "the whole letter")
        assert receiver.taken[0].id == "whole"
        await asyncio.sleep(0)
        await box.stop()

    play()
