"""Files that are no settings, by mistake or by malice: each is refused in less than a second, with place and remedy."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ivr.errors import ConfigError
from ivr.settings import load_settings
from tests.flow.test_bad_input import bomb

pytestmark = pytest.mark.unit

LONGEST_S = 1.0
"""Of the processor's time: another program beside the tests does not count."""

FILES: dict[str, tuple[str | bytes, str, str]] = {
    "10 MB": (b"a" * 10_000_000, ":1:1:", "larger than 1 MB"),
    "10 MB of comments": (b"# x\n" * 2_500_000, ":1:1:", "larger than 1 MB"),
    "a bomb of aliases": (bomb(), ":5:", "split the file"),
    "a loop of anchors": ("sip: &s\n  x: *s\n", ":2:", "put text in quotes"),
    "400,000 values": ("sip: [" + "1," * 400_000 + "]", ":1:", "split the file"),
    "100,000 brackets": ("sip: " + "[" * 100_000, ":1:", "flatten it"),
    "1,000 levels": ("".join(" " * depth + "a:\n" for depth in range(1000)), ":52:", "flatten it"),
    "a tab": ("sip:\n\tport: 5060\n", ":2:", "use spaces"),
    "100,000 tabs": ("sip:\n" + "\tport: 5060\n" * 80_000, ":2:", "use spaces"),
    "a key twice": ("sip: {port: 5060}\nsip: {port: 5061}\n", ":2:1:", "keep one of them"),
    "a key twice in a group": ("sip:\n  port: 5060\n  port: 5061\n", ":3:3:", "keep one of them"),
    "a key 20,000 times": ("timezone: Europe/Berlin\n" * 20_000, ":2:1:", "keep one of them"),
    "60,000 unknown keys": ("".join(f"k{number}: 1\n" for number in range(60_000)), ":", "split the file"),
    "9,000 unknown keys": ("".join(f"k{number}: 1\n" for number in range(9_000)), ":1:1:", "unknown"),
    "9,000 numbers that are none": ("numbers:\n" + "  n#: 5\n" * 9_000, ":3:", "keep one of them"),
    "a tag for Python": ("sip: !!python/object:os.system x\n", ":1:", "remove it"),
    "a merge key": ("sip: &s {port: 5060}\nlog:\n  <<: *s\n", ":3:", "merge"),
    "UTF-16": ("sip: {port: 5060}\n".encode("utf-16"), ":1:1:", "save the file as UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 1000, ":1:1:", "save the file as UTF-8"),
    "zeros": ("sip: {}\0\n" * 1000, ":1:", "control character"),
    "two documents": ("sip: {port: 5060}\n---\nsip: {port: 5061}\n", ":2:1:", "keep one"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_settings_is_refused_at_once(name: str, tmp_path: Path) -> None:
    content, place, remedy = FILES[name]
    file = tmp_path / "ivr.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    began_s = time.process_time()
    with pytest.raises(ConfigError) as refused:
        load_settings(file, environ={})
    took_s = time.process_time() - began_s
    assert place in str(refused.value) and remedy in str(refused.value), str(refused.value)[:500]
    assert took_s < LONGEST_S, f"this took {took_s:.2f} s"
    assert len(str(refused.value).splitlines()) <= 60, "nobody reads more"


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "ivr.yaml"
    file.write_bytes(b"\xef\xbb\xbfsip: {port: 5070}\n")
    assert load_settings(file, environ={}).sip.port == 5070


def test_a_file_without_an_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="larger than 1 MB"):
        load_settings(Path("/dev/zero"), environ={})
