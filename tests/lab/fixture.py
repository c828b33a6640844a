"""The `lab` fixture, for every folder whose tests make real calls."""

from __future__ import annotations

import os
from types import ModuleType

import pytest

from tests.lab import control


@pytest.fixture(scope="session")
def lab() -> ModuleType:
    """The running lab (`tests.lab.control`), started if needed.

    Without it the test is skipped with the reason; with IVR_REQUIRE_ALL=1 it fails.
    """
    try:
        control.ensure_up()
    except control.LabError as error:
        if os.environ.get("IVR_REQUIRE_ALL") == "1":
            pytest.fail(f"the lab is required and does not start: {error}", pytrace=False)
        pytest.skip(f"no lab: {error}")
    return control
