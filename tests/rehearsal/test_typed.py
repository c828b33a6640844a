"""What people type into a simulated call."""

from __future__ import annotations

import pytest

from ivr.rehearsal import typed as t

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("my order", t.Speech("my order")),
        ("  my order \n", t.Speech("my order")),
        ("=0.5 yes please", t.Speech("yes please", 0.5)),
        ("< agent", t.Speech("agent", interrupts=True)),
        ("<=0.4 agent", t.Speech("agent", 0.4, interrupts=True)),
        ("#1", t.Keys("1")),
        ("#12#", t.Keys("12#")),
        ("#1 2 3", t.Keys("123")),
        ("#", t.Keys("#")),
        ("##", t.Keys("#")),
        ("#*", t.Keys("*")),
        ("<#0", t.Keys("0", interrupts=True)),
        ("", t.Silence()),
        ("   ", t.Silence()),
        ("!", t.HangUp()),
        ("~", t.Noise()),
        ("?", t.Show("help")),
        ("/vars", t.Show("vars")),
        ("/words", t.Show("words")),
        ("/trace", t.Show("trace")),
        ("/wait 1m30s", t.Pause(90.0)),
    ],
)
def test_a_line_is_read(line: str, read: t.Typed) -> None:
    assert t.parse_line(line) == read


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("#1a", "a is no key of a telephone"),
        ("=x yes", "no confidence"),
        ("=2 yes", "from 0 to 1"),
        ("=0.5", "then the words"),
        ("<", "nothing behind <"),
        ("/wait 5", "not a duration"),
        ("/nonsense", "no /nonsense; write ? for help"),
    ],
)
def test_a_line_that_means_nothing_says_what_to_write(line: str, message: str) -> None:
    read = t.parse_line(line)
    assert isinstance(read, t.Mistyped) and message in read.message
