from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.adapter

CALLS = 120


def start(role: str) -> subprocess.Popen[str]:
    """A party in a process of its own: a crash of the library is its exit status."""
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.sip.stress", role, str(CALLS)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.timeout(120)
def test_calls_hung_up_at_every_early_stage_leave_nothing_behind() -> None:
    with start("bot") as bot, start("caller") as caller:
        try:
            assert bot.stdout is not None
            caller_says, _ = caller.communicate(bot.stdout.readline(), timeout=80)
            bot_says, _ = bot.communicate("stop\n", timeout=20)
        finally:
            caller.kill()
            bot.kill()
    assert (caller.returncode, bot.returncode) == (0, 0)
    for text in (caller_says, bot_says):
        summary: dict[str, Any] = json.loads(text.splitlines()[-1])
        assert (summary["open"], summary["surplus"], summary["legs"]) == (0, 0, 0), summary
        assert summary["sip_threads"] == [], summary
        assert summary["answered"] >= CALLS // 2, summary
        assert summary["frame_ports"] <= 16, summary
        assert summary["heard_bytes"] > 0, summary
        assert summary["rss_mb"] < 150, summary
