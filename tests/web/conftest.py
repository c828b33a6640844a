"""A desk for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.desks import TestDesk, made_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    with made_desk(tmp_path) as made:
        yield made
