from __future__ import annotations

from collections.abc import Callable

import pytest

from ivr.sip.media_lock import LOOK_EVERY_S, MediaLock, MediaLooks
from ivr.sip.thread import SipThread

pytestmark = pytest.mark.unit


class Waits(SipThread):
    """Keeps delayed jobs until the test has time go on."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Callable[[], None]] = []

    def after(self, delay_s: float, job: Callable[[], None]) -> None:
        assert delay_s == LOOK_EVERY_S
        self.waiting.append(job)

    def goes_on(self) -> None:
        """By one wait."""
        [job] = self.waiting
        self.waiting.clear()
        job()


class Legs:
    """What was looked at."""

    def __init__(self, looks: MediaLooks) -> None:
        self.looks = looks
        self.locks = {name: MediaLock(looks, lambda: 0.0) for name in "ab"}
        self.seen = ""

    def begin(self, name: str, shown: str = "", *, goes_on: bool = True) -> None:
        def look() -> bool:
            self.seen += shown or name
            return goes_on

        self.looks.begin(self.locks[name], look)


def test_all_legs_are_looked_at_in_one_wake() -> None:
    thread = Waits()
    legs = Legs(MediaLooks(thread))
    legs.begin("a")
    legs.begin("b")
    thread.goes_on()
    thread.goes_on()
    assert legs.seen == "abab"


def test_audio_that_was_negotiated_anew_is_looked_at_instead_of_the_old() -> None:
    thread = Waits()
    legs = Legs(MediaLooks(thread))
    legs.begin("a")
    legs.begin("a", "new ")
    thread.goes_on()
    assert legs.seen == "new "


def test_no_leg_wakes_nobody() -> None:
    thread = Waits()
    legs = Legs(MediaLooks(thread))
    legs.begin("a")
    legs.begin("b", goes_on=False)
    thread.goes_on()
    legs.locks["a"].end()
    thread.goes_on()
    assert (legs.seen, thread.waiting) == ("ab", [])
    legs.begin("a")
    thread.goes_on()
    assert legs.seen == "aba"
