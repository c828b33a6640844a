"""What a person is told by headers: names, encoding, limits, and that no value of a caller is more than a value."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.calls.call_context import TOTAL_LIMIT_BYTES, UUI_LIMIT_BYTES, context_headers, user_to_user
from ivr.sip.translate import header_pairs

pytestmark = pytest.mark.unit

CONTEXT = {"caller": "+4930111", "flow": "hotline", "language": "de-DE", "wait_s": 42}


def unpacked(value: str) -> dict[str, str]:
    """What User-to-User carries."""
    packed = bytes.fromhex(value.partition(";")[0])
    assert packed[0] == 4 and len(packed) <= UUI_LIMIT_BYTES
    return dict(parse_qsl(packed[1:].decode("ascii"), keep_blank_values=True))


def test_each_value_has_a_header_and_user_to_user_has_all_that_fits() -> None:
    headers = context_headers("c1", CONTEXT, {"account": "482913", "topic": "my bill", "vip": True})
    uui = headers.pop("User-to-User")
    assert headers == {
        "X-IVR-Call-Id": "c1",
        "X-IVR-Caller": "+4930111",
        "X-IVR-Flow": "hotline",
        "X-IVR-Language": "de-DE",
        "X-IVR-Wait-S": "42",
        "X-IVR-Answer-Account": "482913",
        "X-IVR-Answer-Topic": "my bill",
        "X-IVR-Answer-Vip": "true",
    }
    assert uui.endswith(";encoding=hex;purpose=isdn-uui;content=isdn-uui")
    assert unpacked(uui) == {
        "call_id": "c1", "caller": "+4930111", "flow": "hotline", "language": "de-DE", "wait_s": "42",
        "account": "482913", "topic": "my bill", "vip": "true",
    }  # fmt: skip


@pytest.mark.parametrize(
    "value", ["a\r\nRoute: <sip:evil>", "a\nb", "a\x00b", "\u2028x", "x\ud800", "Grüße", "100 %", "a\tb"]
)
def test_what_a_caller_says_stays_one_value_on_one_line(value: str) -> None:
    text = context_headers("c1", CONTEXT, {"said": value})["X-IVR-Answer-Said"]
    assert text.isascii() and text.isprintable()
    assert unquote(text) == value.replace("\ud800", "?")


def test_a_long_value_is_cut_between_two_characters() -> None:
    text = context_headers("c1", CONTEXT, {"said": "ü" * 500})["X-IVR-Answer-Said"]
    assert unquote(text) == "ü" * 10
    assert context_headers("c1", CONTEXT, {"said": "ü" * 500})["X-IVR-More"] == "1"
    assert "X-IVR-More" not in context_headers("c1", CONTEXT, {"said": "ü" * 10})


def test_what_has_no_room_is_left_out() -> None:
    headers = context_headers("c1", CONTEXT, {f"answer{number}": "x" * 60 for number in range(20)})
    assert "X-IVR-Answer-Answer0" in headers and "X-IVR-Answer-Answer19" not in headers
    assert headers["X-IVR-More"] == "1"
    assert unpacked(headers["User-to-User"])["call_id"] == "c1"


def test_a_value_without_room_does_not_keep_shorter_ones_out() -> None:
    assert unpacked(user_to_user({"a": "1", "long": "ü" * 60, "b": "2"})) == {"a": "1", "b": "2"}


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True), st.text() | st.integers() | st.none()))
def test_no_answer_ever_makes_more_than_its_header(answers: dict[str, object]) -> None:
    headers = context_headers("c1", CONTEXT, answers)
    pairs = header_pairs(headers)
    assert len(pairs) == len(headers), "every name is a token"
    assert all(value.isascii() and (value.isprintable() or not value) for _, value in pairs)
    assert dict(pairs) == headers, "what is sent is what was made"
    own = {name: value for name, value in headers.items() if name.startswith("X-")}
    assert sum(len(f"{name}: {value}\r\n") for name, value in own.items()) <= TOTAL_LIMIT_BYTES
    unpacked(headers["User-to-User"])
