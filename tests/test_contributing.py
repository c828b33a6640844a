"""What CONTRIBUTING.md sends people to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = sorted(
    set(re.findall(r"`((?:ivr|tests|docs|flows)/[\w/.]+)`", PAGE)) - {"tests/data/flows/rules/RULE/bad.yaml"}
)
NAMES = re.findall(r"`([A-Z_]+)`(?:,? (?:in|of)| of) `(ivr/[\w/.]+)`", PAGE)


@pytest.mark.parametrize("path", FILES)
def test_a_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("name", "path"), NAMES)
def test_a_name_is_where_it_is_said_to_be(name: str, path: str) -> None:
    assert re.search(rf"^{name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
