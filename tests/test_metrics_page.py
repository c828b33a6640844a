"""The table of docs/metrics.md is that of the program."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SCRIPT = Path(__file__).parents[1] / "scripts" / "metrics_page.py"


def test_the_table_of_metrics_is_up_to_date() -> None:
    made = runpy.run_path(str(SCRIPT))
    page = made["PAGE"].read_text(encoding="utf-8")
    assert page == made["with_table"](page), "run `python scripts/metrics_page.py`"
