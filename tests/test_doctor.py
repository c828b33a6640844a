"""The doctor finds what is wrong, and says what to do about it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ivr import doctor
from ivr.cli.main import app
from ivr.config import NumberSettings, Settings, SipSettings, SpeechSettings
from ivr.doctor_machine import State, check_folder, check_rtp_ports, check_sip_port

pytestmark = pytest.mark.adapter

_FLOWS = Path(__file__).parents[1] / "flows"


def _taken_port(kind: int) -> socket.socket:
    holder = socket.socket(socket.AF_INET, kind)
    holder.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        holder.listen()
    return holder


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_sip_port_of_another_program_is_found(kind: int) -> None:
    with _taken_port(kind) as holder:
        port = holder.getsockname()[1]
        finding = check_sip_port(SipSettings(address="127.0.0.1", port=port))

    assert finding.state is State.FAILED
    assert str(port) in finding.text
    assert "sip: port" in finding.remedy


def test_a_free_sip_port_is_well() -> None:
    assert check_sip_port(SipSettings(address="127.0.0.1", port=0)).state is State.OK


def test_an_address_that_is_not_ours_is_found() -> None:
    assert check_sip_port(SipSettings(address="192.0.2.1", port=5060)).state is State.FAILED


def test_audio_ports_among_the_ephemeral_ones_are_a_warning(tmp_path: Path) -> None:
    kernel = tmp_path / "range"
    kernel.write_text("32768\t60999\n")

    inside = check_rtp_ports(SipSettings(rtp_port=32700, rtp_port_count=100), kernel)
    outside = check_rtp_ports(SipSettings(address="127.0.0.1", rtp_port=31000, rtp_port_count=8), kernel)

    assert inside.state is State.WARNING
    assert "32768" in inside.remedy
    assert outside.state is State.OK


def test_audio_ports_beyond_the_last_port_are_found() -> None:
    assert check_rtp_ports(SipSettings(rtp_port=65000, rtp_port_count=1000)).state is State.FAILED


def test_a_folder_that_is_a_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    assert check_folder("cache", file / "below").state is State.FAILED
    assert check_folder("cache", tmp_path / "new" / "folder").state is State.OK


def test_a_disk_with_less_room_than_the_cache_may_take_is_a_warning(tmp_path: Path) -> None:
    assert check_folder("cache", tmp_path, wanted_bytes=10**18).state is State.WARNING


def test_settings_with_a_mistake_are_named_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "ivr.yaml"
    file.write_text("sip:\n  prot: 5060\n")

    _, finding = doctor.check_settings(file)

    assert finding.state is State.FAILED
    assert f"{file}:2:" in finding.text


def test_a_secret_that_is_not_in_the_environment_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCTOR_TEST_SECRET", raising=False)
    file = tmp_path / "ivr.yaml"
    file.write_text("sip:\n  accounts:\n    a: {uri: 'sip:a@h', password: '${DOCTOR_TEST_SECRET}'}\n")

    _, finding = doctor.check_settings(file)

    assert finding.state is State.FAILED
    assert "DOCTOR_TEST_SECRET" in finding.text


def test_the_sip_library_starts_and_tells_its_legs() -> None:
    assert doctor.check_sip_library().state is State.OK
    assert doctor.check_sip_library(wanted_legs=1000).state is State.WARNING


def test_a_library_that_crashes_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_TRY_SIP", "import os; os.abort()")

    finding = doctor.check_sip_library()

    assert finding.state is State.FAILED
    assert "crashed" in finding.text


def test_the_embedded_model_loads() -> None:
    findings = [check() for check in doctor.model_checks(Settings())]

    assert [finding.state for finding in findings] == [State.OK]
    assert "embedded" in findings[0].text


def test_an_incomplete_model_is_found(tmp_path: Path) -> None:
    (tmp_path / "am").mkdir()
    settings = Settings(speech=SpeechSettings(models={"en": str(tmp_path)}))

    findings = [check() for check in doctor.model_checks(settings)]

    assert [finding.state for finding in findings] == [State.FAILED]
    assert findings[0].remedy


def test_a_damaged_model_is_found(tmp_path: Path) -> None:
    for name in ("am/final.mdl", "conf/mfcc.conf", "conf/model.conf", "graph/HCLG.fst"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("not a model")

    finding = doctor.check_model("damaged", tmp_path, "en")

    assert finding.state is State.FAILED


def test_a_word_is_synthesized() -> None:
    finding = doctor.check_synthesizer(Settings())

    assert finding.state is State.OK, finding
    assert "spoke a word" in finding.text


def test_a_number_without_its_flow_is_found(tmp_path: Path) -> None:
    (tmp_path / "bye.yaml").write_text("flow: bye\nlanguage: en-US\nstart: bye\nsteps:\n  bye: {hang_up: {}}\n")
    numbers = {"100": NumberSettings(flow="bye"), "101": NumberSettings(flow="absent")}

    right = doctor.check_flows(Settings(flows=str(tmp_path), default_flow="bye"))
    wrong = doctor.check_flows(Settings(flows=str(tmp_path), numbers=numbers))

    assert right.state is State.OK, right
    assert wrong.state is State.FAILED
    assert "absent" in wrong.text


def test_a_flow_with_a_mistake_is_found(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("flow: bad\nstart: nowhere\n")

    finding = doctor.check_flows(Settings(flows=str(tmp_path)))

    assert finding.state is State.FAILED
    assert "bad.yaml" in finding.text + finding.remedy


def test_a_database_that_will_be_made_is_well(tmp_path: Path) -> None:
    finding = doctor.check_database(f"sqlite:///{tmp_path}/new/calls.db")

    assert finding.state is State.OK
    assert not list(tmp_path.iterdir())


def test_a_database_that_is_away_is_found_without_its_password() -> None:
    with _taken_port(socket.SOCK_DGRAM) as holder:  # the TCP port of the same number refuses
        url = f"postgresql://ivr:hush@127.0.0.1:{holder.getsockname()[1]}/ivr"
        finding = doctor.check_database(url)

    assert finding.state is State.FAILED
    assert "hush" not in finding.text + finding.remedy


def test_the_command_reports_every_check_and_fails_for_one(tmp_path: Path) -> None:
    with _taken_port(socket.SOCK_DGRAM) as holder:
        file = tmp_path / "ivr.yaml"
        port = holder.getsockname()[1]
        file.write_text(f"sip: {{address: 127.0.0.1, port: {port}}}\nflows: {_FLOWS}\ndefault_flow: demo\n")
        result = CliRunner().invoke(app, ["doctor", "--config", str(file), "--json"])

    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["ok"] is False
    assert "sip port" in [check["name"] for check in report["checks"] if check["state"] == "failed"]
    assert {"python", "settings", "sip library", "speech synthesis", "speech model", "database"} <= {
        check["name"] for check in report["checks"]
    }


def test_this_machine_can_run_the_bot_as_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(_FLOWS.parent)
    monkeypatch.setenv("IVR_SIP__PORT", "0")

    findings = doctor.examine()

    assert [finding for finding in findings if finding.state is State.FAILED] == []
