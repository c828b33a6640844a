"""What typed characters mean."""

from __future__ import annotations

import pytest

from ivr.phone.keyboard import HangUp, Keyboard, KeyboardAction, SayLine, SendKey

pytestmark = pytest.mark.unit


def typed(text: str) -> list[KeyboardAction]:
    keyboard = Keyboard()
    return [action for char in text if (action := keyboard.feed(char)) is not None]


def test_telephone_keys_are_sent_at_once() -> None:
    assert typed("1*#0") == [SendKey("1"), SendKey("*"), SendKey("#"), SendKey("0")]


def test_a_line_is_spoken_at_enter() -> None:
    assert typed("my order\n") == [SayLine("my order")]


def test_digits_within_a_line_belong_to_it() -> None:
    assert typed("order 42\r") == [SayLine("order 42")]


def test_a_slash_makes_a_line_of_anything() -> None:
    assert typed("/42 quick\n") == [SayLine("42 quick")]
    assert typed("/quit\n") == [SayLine("quit")]


def test_q_hangs_up_only_at_the_beginning() -> None:
    assert typed("q") == [HangUp()]
    assert typed("iraq\n") == [SayLine("iraq")]


def test_ctrl_c_hangs_up_within_a_line() -> None:
    assert typed("hel\x03") == [HangUp()]


def test_backspace_and_cursor_keys_leave_no_trace() -> None:
    assert typed("helo\x7flo\x1b[A\x1b[3~\n") == [SayLine("hello")]


def test_an_empty_line_says_nothing() -> None:
    assert typed("\n/\n  \n") == []
