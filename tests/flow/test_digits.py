"""Keys: doubles, keys from before the call, sequences."""

from __future__ import annotations

import pytest

from ivr.flow.digits import DigitRules, KeyFilter, KeyMatch, match_keys

pytestmark = pytest.mark.unit

RTP, INFO = "rfc4733", "sip_info"


def accepted(*presses: tuple[str, str, float], held_s: float = 0.0) -> str:
    """The digits that count, of presses (digit, method, instant) in a call answered at 100 s."""
    keys, counted = KeyFilter(open_since_s=100.0), ""
    for digit, method, at_s in presses:
        counts, keys = keys.accept(digit, method, at_s, held_s)
        counted += digit if counts else ""
    return counted


def test_keys_of_one_method_all_count() -> None:
    assert accepted(("5", RTP, 101.0), ("5", RTP, 101.1), ("7", RTP, 101.2)) == "557"


def test_a_key_sent_by_both_methods_counts_once() -> None:
    assert accepted(("5", RTP, 101.0), ("5", INFO, 101.2)) == "5"


def test_a_key_that_comes_as_an_event_and_as_a_tone_counts_once() -> None:
    accepted, keys = [], KeyFilter(open_since_s=0.0)
    for at_s, method in ((1.0, "rfc4733"), (1.06, "in_audio"), (1.5, "in_audio"), (1.52, "rfc4733")):
        counts, keys = keys.accept("5", method, at_s)
        accepted.append(counts)
    assert accepted == [True, False, True, False]


def test_the_order_of_the_two_methods_does_not_matter() -> None:
    assert accepted(("1", RTP, 101.0), ("1", INFO, 101.1), ("2", INFO, 102.0), ("2", RTP, 102.1)) == "12"


@pytest.mark.parametrize("order", ["RIRI", "RRII", "IIRR", "RIIR", "IRRI"])
def test_a_key_pressed_twice_by_both_methods_counts_twice(order: str) -> None:
    presses = [("5", RTP if method == "R" else INFO, 101.0 + 0.1 * i) for i, method in enumerate(order)]
    assert accepted(*presses) == "55"


def test_a_key_that_only_the_second_method_delivered_counts() -> None:
    assert accepted(("5", RTP, 101.0), ("5", INFO, 101.1), ("6", INFO, 101.5)) == "56"


def test_the_same_key_much_later_by_the_other_method_counts() -> None:
    assert accepted(("5", RTP, 101.0), ("5", INFO, 103.0)) == "55"


def test_a_key_held_from_before_the_call_does_not_count() -> None:
    assert accepted(("5", RTP, 100.8), held_s=0.9) == ""


def test_a_key_of_the_first_moments_does_not_count() -> None:
    assert accepted(("5", RTP, 100.05), ("6", INFO, 100.2), ("7", "other", 100.2)) == ""


def test_a_key_soon_after_the_answer_counts() -> None:
    assert accepted(("5", RTP, 100.2), ("6", INFO, 100.4)) == "56"


def test_the_double_of_a_key_held_from_before_does_not_count() -> None:
    assert accepted(("5", RTP, 100.0), ("5", INFO, 102.5)) == ""


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("1", KeyMatch.MATCH),
        ("12", KeyMatch.MAXIMAL),
        ("#", KeyMatch.POTENTIAL),
        ("##", KeyMatch.MAXIMAL),
        ("3", KeyMatch.NONE),
        ("13", KeyMatch.NONE),
    ],
)
def test_sequences(typed: str, expected: KeyMatch) -> None:
    assert match_keys(typed, ["1", "12", "##"]) is expected


def test_length_of_an_entry() -> None:
    rules = DigitRules(2, 4, "#")
    assert [rules.is_acceptable("1" * n) for n in range(6)] == [False, False, True, True, True, False]
    assert [rules.is_complete("1" * n) for n in (3, 4, 5)] == [False, True, True]
