"""Which reports of keys are new presses, on a clock of the test's own."""

from __future__ import annotations

import pytest

from ivr.sip.keys import KeyPresses, key_of_info

pytestmark = pytest.mark.unit

Report = tuple[str, int, int, bool, int]
"""Key, its start on the sender's clock in ms, its duration so far in ms, whether it ended, instant in ms."""


def presses(*reports: Report) -> str:
    """The keys that count."""
    seen = KeyPresses()
    return "".join(
        digit
        for digit, timestamp_ms, duration_ms, is_end, at_ms in reports
        if seen.is_new(digit, timestamp_ms, duration_ms, is_end=is_end, at_s=at_ms / 1000)
    )


def test_later_reports_of_a_press_are_not_presses() -> None:
    assert presses(("5", 100, 20, False, 0), ("5", 100, 40, False, 20), ("5", 100, 60, True, 40)) == "5"


def test_the_end_alone_is_a_press() -> None:
    assert presses(("5", 100, 100, True, 80), ("5", 100, 100, True, 80)) == "5"


def test_the_same_key_with_another_start_is_another_press_however_long_it_has_been_down() -> None:
    assert presses(("5", 100, 20, False, 0), ("5", 300, 40, False, 220), ("5", 300, 60, True, 240)) == "55"
    assert presses(("5", 100, 20, True, 0), ("5", 140, 40, True, 60)) == "55"


def test_a_late_report_of_an_earlier_press_is_no_press() -> None:
    assert presses(("9", 100, 100, True, 80), ("9", 100, 20, False, 90), ("9", 100, 40, False, 91)) == "9"
    assert presses(("1", 100, 20, False, 0), ("2", 300, 20, False, 200), ("1", 100, 60, True, 210)) == "12"


def test_a_key_held_over_the_longest_event_is_one_press() -> None:
    assert presses(("3", 125, 8171, False, 8151), ("3", 125, 8191, False, 8171), ("3", 8316, 20, False, 8191)) == "3"


def test_a_key_held_while_its_source_changes_is_one_press() -> None:
    assert presses(("4", 100, 20, False, 0), ("4", 100, 40, False, 20), ("4", 99_000, 60, True, 40)) == "4"


def test_another_key_with_the_same_start_is_another_press() -> None:
    assert presses(("1", 100, 20, False, 0), ("2", 100, 20, False, 20)) == "12"


RELAY, BARE = "application/dtmf-relay", "application/dtmf"


@pytest.mark.parametrize(
    ("content_type", "body", "key"),
    [
        (RELAY, "Signal=5\r\nDuration=160\r\n", "5"),
        (RELAY, "Signal= 5\r\nDuration= 160\r\n", "5"),
        (RELAY, "signal=*\nduration=160", "*"),
        (RELAY, "SIGNAL = #", "#"),
        (RELAY, "Signal=9", "9"),
        (RELAY, "Duration=160\r\nSignal=8\r\n", "8"),
        (RELAY, "\r\nSignal=4\r\n", "4"),
        (RELAY, 'Signal="3"', "3"),
        (RELAY, "Signal=1\r\nDuration=never\r\n", "1"),
        (RELAY, "Signal=10\r\n", "*"),
        (RELAY, "Signal=11\r\n", "#"),
        (RELAY, "Signal=a\r\n", "A"),
        (RELAY, "Signal=15\r\n", "D"),
        (f"{RELAY.title()} ; charset=utf-8", "Signal=2", "2"),
        (BARE, "5", "5"),
        (BARE, " 6 \r\n", "6"),
        (BARE, "11", "#"),
        (BARE, "Signal=7\r\nDuration=100\r\n", "7"),
        (RELAY, "", ""),
        (RELAY, "5", ""),
        (RELAY, "Signal=", ""),
        (RELAY, "Signal=\r\n5", ""),
        (RELAY, "Signal=16", ""),
        (RELAY, "Signal=555", ""),
        (RELAY, "Signal=!", ""),
        (BARE, "x", ""),
        ("", "Signal=5", None),
        ("text/plain", "Signal=5", None),
    ],
)
def test_the_key_of_an_info(content_type: str, body: str, key: str | None) -> None:
    assert key_of_info(content_type, body) == key
