"""Which worker has the call that a supervisor wants to take part in, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from ivr.calls.monitoring import MonitorWish, Participation
from ivr.errors import IvrError
from ivr.supervisor.monitoring import NOT_HERE, AskedWorkers, ask_worker, asked_of_one, read_request, request_of

pytestmark = pytest.mark.unit

WISH = MonitorWish("eva", "sip:2002@pbx", Participation.WHISPER)
REQUEST = request_of("c1", WISH)


@dataclass
class _Channel:
    """A worker's: keeps what is sent."""

    is_up: bool = True
    sent: list[Mapping[str, object]] = field(default_factory=list)

    def send(self, message: Mapping[str, object]) -> bool:
        self.sent.append(message)
        return self.is_up


def _monitor(has_call: bool, *reasons: str) -> Callable[[str, MonitorWish, Callable[[str], None]], bool]:
    def monitor(call_id: str, wish: MonitorWish, tell: Callable[[str], None]) -> bool:
        assert (call_id, wish) == ("c1", WISH)
        for reason in reasons:
            tell(reason)
        return has_call

    return monitor


def test_a_request_is_read_as_it_was_written() -> None:
    assert read_request(REQUEST) == ("c1", WISH)


@pytest.mark.parametrize(
    "wrong",
    [
        {"how": "record"},
        {"how": 3},
        {"sip": "tel:110"},
        {"sip": "sip:a@b>\r\nX: y"},
        {"sip": "sip:" + "a" * 300},
        {"who": ""},
        {"call": None},
    ],
    ids=str,
)
def test_a_request_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(IvrError, match="cannot be read"):
        read_request({**REQUEST, **wrong})


@pytest.mark.parametrize(
    ("monitor", "reason"),
    [(_monitor(True, ""), ""), (_monitor(True, "busy"), "busy"), (_monitor(False), NOT_HERE)],
    ids=["done", "refused", "not here"],
)
def test_a_bot_of_one_process_answers_by_itself(monitor: Any, reason: str) -> None:
    async def play() -> None:
        if reason:
            with pytest.raises(IvrError) as refused:
                await asked_of_one(monitor, REQUEST)
            assert str(refused.value) == reason
        else:
            assert await asked_of_one(monitor, REQUEST) == {"who": "eva", "how": "whisper"}

    asyncio.run(play())


@pytest.mark.parametrize(
    ("monitor", "answer"),
    [(_monitor(True, ""), ""), (_monitor(True, "busy"), "busy"), (_monitor(False), None)],
    ids=["done", "refused", "not here"],
)
def test_a_worker_says_what_came_of_it(monitor: Any, answer: str | None) -> None:
    channel = _Channel()
    ask_worker(monitor, {**REQUEST, "id": 7}, channel.send)
    assert channel.sent == [{"say": "monitor", "id": 7, "reason": answer}]


def _asked(play: Callable[[AskedWorkers, int], None], channels: dict[int, _Channel]) -> dict[str, Any]:
    """Ask all, let `play` answer the question of this number, and give the answer."""

    async def run() -> dict[str, Any]:
        asked = AskedWorkers()
        asking = asyncio.ensure_future(asked.ask(channels, REQUEST))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        play(asked, int(next(iter(channels.values())).sent[0]["id"]))  # type: ignore[call-overload]
        return await asyncio.wait_for(asking, 1)

    return asyncio.run(run())


def _answer(number: int, reason: str | None) -> dict[str, Any]:
    return {"say": "monitor", "id": number, "reason": reason}


def test_all_workers_are_asked_and_the_one_with_the_call_decides() -> None:
    channels = {0: _Channel(), 1: _Channel(), 2: _Channel()}

    def play(asked: AskedWorkers, number: int) -> None:
        asked.heard(0, _answer(number, None))
        asked.heard(1, _answer(number + 1, "of another question"))
        asked.heard(2, _answer(number, ""))
        asked.heard(1, _answer(number, None))

    assert _asked(play, channels) == {"who": "eva", "how": "whisper"}
    assert all(channel.sent == [{**REQUEST, "id": 1}] for channel in channels.values())


def test_a_call_that_no_worker_has_and_one_whose_worker_dies_is_not_here() -> None:
    def play(asked: AskedWorkers, number: int) -> None:
        asked.heard(0, _answer(number, None))
        asked.ended(1)

    with pytest.raises(IvrError, match="no such call"):
        _asked(play, {0: _Channel(), 1: _Channel(), 2: _Channel(is_up=False)})


def test_a_refusal_is_told_as_it_is() -> None:
    with pytest.raises(IvrError, match="eva did not answer"):
        _asked(lambda asked, number: asked.heard(0, _answer(number, "eva did not answer")), {0: _Channel()})


def test_talks_are_those_that_living_workers_name() -> None:
    asked = AskedWorkers()
    asked.beat(0, {"talks": ["c1"]})
    asked.beat(1, {"talks": ["c2", "c3"]})
    asked.beat(0, {})
    assert asked.talks == ["c2", "c3"]
    asked.ended(1)
    assert asked.talks == []
