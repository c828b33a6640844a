"""The settings of a bot under test, and its process."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.check_context import services_context
from ivr.config import AccountSettings, Settings, SipSettings
from ivr.live_test.bot import NOBODY, BotFailed, running, settings_for

SETTINGS = Settings.model_validate(
    {
        "targets": {"agent": {"sip": "sip:agent@pbx.example.com"}},
        "requests": {"hosts": ["crm.example.com"]},
        "send": {"webhooks": {"crm": {"url": "https://crm.example.com/hook"}}, "outbox_dir": "/var/lib/outbox"},
        "calendars": {"office": {"timezone": "UTC", "open": {"mon-fri": "09:00-17:00"}}},
        "hours_dir": "/var/lib/hours",
        "recordings": {"dir": "/var/lib/recordings"},
        "database": {"url": "sqlite:////var/lib/calls.db", "spool_dir": "/var/lib/spool"},
        "publishing": {"versions_dir": "/var/lib/flows"},
    }
)


@pytest.mark.unit
def test_the_bot_registers_nowhere_and_writes_below_its_folder_only(tmp_path: Path) -> None:
    account = AccountSettings(uri="sip:100@pbx.example.com", registrar="sip:pbx.example.com")
    real = SETTINGS.model_copy(update={"sip": SipSettings(accounts={"office": account})})
    own = settings_for(tmp_path, real, Path("flows"), ["desk", "bill"], ["agent", "boss"], 5070)
    assert (own.sip.accounts, own.sip.address, own.sip.port) == ({}, "127.0.0.1", 5070)
    written = (own.hours_dir, own.recordings.dir, own.database.spool_dir, own.publishing.versions_dir)
    assert all(Path(place).is_relative_to(tmp_path) for place in written)
    assert own.database.url == f"sqlite:///{tmp_path}/calls.db"
    assert {name: target.sip for name, target in own.targets.items()} == {"agent": NOBODY, "boss": NOBODY}


@pytest.mark.unit
def test_the_check_of_the_flows_finds_the_names_that_they_reach(tmp_path: Path) -> None:
    own = settings_for(tmp_path, SETTINGS, Path("flows"), ["desk", "bill"], [], 0)
    assert services_context(own) == services_context(SETTINGS)
    assert {number: each.flow for number, each in own.numbers.items()} == {"desk": "desk", "bill": "bill"}
    assert own.default_flow == "desk"


@pytest.mark.adapter
def test_a_process_that_cannot_serve_is_told_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    own = settings_for(tmp_path, SETTINGS, tmp_path / "flows", ["desk"], [], 0)
    with pytest.raises(BotFailed, match="can serve calls"), running(tmp_path, own):
        pass
