"""The telephone line that the cases over the telephony run on."""

from __future__ import annotations

import pytest

from tests.contract.fake_line import FakeLine
from tests.contract.lines import Line
from tests.contract.pjsua_line import PjsuaLine


@pytest.fixture(
    params=[
        pytest.param(FakeLine, id="fake", marks=pytest.mark.unit),
        pytest.param(PjsuaLine, id="pjsua2", marks=pytest.mark.adapter),
    ]
)
def line(request: pytest.FixtureRequest) -> Line:
    made: Line = request.param()
    return made
