"""The configuration that Kamailio is started with: what each setting becomes, and that Kamailio takes it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError
from typer.testing import CliRunner

from ivr.cli.main import app
from ivr.config import Settings
from ivr.errors import ConfigError
from ivr.front.config import Surroundings, render

pytestmark = pytest.mark.unit

needs_kamailio = pytest.mark.skipif(
    shutil.which("kamailio") is None, reason="kamailio is not installed (make test does)"
)
TLS = {"certificate_file": "/etc/front/certificate.pem", "key_file": "/etc/front/key.pem"}


def settings(sip: dict[str, Any] | None = None, **front: Any) -> Settings:
    return Settings.model_validate({"sip": {"address": "192.0.2.5", **(sip or {})}, "front": front})


def made(given: Settings | None = None, **front: Any) -> str:
    surroundings = Surroundings("/run/f", "198.51.100.9", "hidden", {"office": ("203.0.113.4/32",)})
    return render(given or settings(**front), surroundings)


def listens(text: str) -> list[str]:
    return re.findall(r"^listen=(\S+)", text, re.MULTILINE)


def test_the_world_and_the_workers_have_sockets_of_their_own() -> None:
    text = made()
    assert listens(text) == ["udp:192.0.2.5:5060", "tcp:192.0.2.5:5060", "udp:127.0.0.1:5199"]
    assert "if (dst_port == 5199) route(FROM_WORKER);" in text


def test_without_tcp_kamailio_starts_no_processes_for_it() -> None:
    text = made(settings({"tcp": False}))
    assert listens(text) == ["udp:192.0.2.5:5060", "udp:127.0.0.1:5199"] and "disable_tcp=yes" in text


def test_peers_see_the_public_address() -> None:
    assert "advertise 198.51.100.1:5060" in made(settings({"public_address": "198.51.100.1"}))
    assert "listen=udp:0.0.0.0:5060 advertise 198.51.100.9:5060" in made(settings({"address": "0.0.0.0"}))


def test_tls_begins_with_the_version_that_is_set() -> None:
    text = made(tls={**TLS, "oldest": "1.3"})
    assert "tls:192.0.2.5:5061" in listens(text)
    assert '"tls_method", "TLSv1.3+"' in text and '"private_key", "/etc/front/key.pem"' in text
    assert '"tls_method", "TLSv1.2+"' in made(tls=TLS) and "enable_tls" not in made()


def test_browsers_get_a_websocket_that_asks_for_the_page() -> None:
    text = made(websocket={"port": 8088, "secure": False, "origins": ["https://a.example"]})
    assert "tcp:192.0.2.5:8088" in listens(text) and 'loadmodule "websocket.so"' in text
    assert 'if (!($hdr(Origin) == "https://a.example"))' in text
    assert "websocket" not in made()


def test_a_secure_websocket_needs_a_certificate() -> None:
    with pytest.raises(ValidationError, match="needs `tls:` with a certificate"):
        settings(websocket={})


def test_trunks_are_known_by_address_and_paced_each() -> None:
    text = made(trunks={"provider": {"addresses": ["192.0.2.0/28", "192.0.2.99"], "calls_per_s": 30}})
    assert 'if (is_in_subnet("$si", "192.0.2.0/28")) $var(trunk) = "provider";' in text
    assert 'if (is_in_subnet("$si", "192.0.2.99/32")) $var(trunk) = "provider";' in text
    assert 'if ($var(trunk) == "provider") $var(limit) = 30;' in text
    assert 'if (is_in_subnet("$si", "203.0.113.4/32")) $var(trunk) = "account office";' in text


def test_strangers_are_refused_only_where_the_settings_say_so() -> None:
    assert "403" in made(callers="trunks") and "Forbidden" not in made(callers="anyone")


def test_limits_are_those_of_the_settings() -> None:
    text = made(limits={"requests_per_s": 77, "calls_per_s": 8, "ban": "2m", "largest_message_bytes": 4000})
    assert '"reqs_density_per_unit", 77' in text and "$var(limit) = 8;" in text
    assert "autoexpire=120;updateexpire=0" in text and "if ($ml > 4000)" in text


def test_a_scanner_is_a_part_of_a_user_agent_and_no_expression() -> None:
    assert r'if ($ua =~ "(bad\.scanner)")' in made(scanners=["bad.scanner"])
    assert "$ua" not in made(scanners=[]).replace("$(ua", "")
    with pytest.raises(ValidationError, match="part of the User-Agent"):
        settings(scanners=['x")'])


def test_an_account_is_registered_and_its_password_is_in_no_file() -> None:
    account = {"uri": "sip:100@pbx.example", "registrar": "sip:pbx.example", "password": "s3cr3t"}
    text = made(settings({"accounts": {"office": account}}))
    assert 'loadmodule "uac.so"' in text and "s3cr3t" not in text and "uac.so" not in made()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sip": {"udp": False, "tcp": False}}, "nothing to listen to"),
        ({"sip": {"port": 0}}, "the port must be given"),
        ({"sip": {}, "inner_port": 5060}, "inner_port: 5060 is `sip: port:` too"),
        ({"sip": {}, "tls": {**TLS, "port": 5060}}, "needs one of its own"),
        ({"sip": {"user_agent": 'a"b'}}, "quotation mark"),
    ],
)
def test_what_cannot_work_is_refused_with_the_key(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        made(settings(**given))


def with_nodes(*addresses: str, workers: str = "10.0.0.1", inner: str = "10.0.0.1", port: int = 5198) -> Settings:
    nodes = {"addresses": addresses, "secret": "of sixteen or more", "port": port}
    front = {"inner_address": inner, "nodes": nodes}
    return Settings.model_validate({"sip": {}, "front": front, "workers": {"address": workers}})


def test_workers_of_other_nodes_come_after_the_own_ones_and_their_taken_places_count() -> None:
    text = made(with_nodes("10.0.0.1", "10.0.0.2"))
    assert (
        "$sht(w_load=>$var(k)) - $sht(w_others=>$var(k));" in text
        and "w_far=>$var(k)) == 0" in text
        and "only_far" in text
    )
    for alone in (made(with_nodes("10.0.0.1")), made()):
        assert "w_far" not in alone and "w_others" not in alone and "only_far" not in alone
    assert "of sixteen" not in text


def test_a_front_without_workers_says_so_to_who_asks_for_its_health() -> None:
    assert "if ($sht(fleet=>open) == 0) {" in made() and '"503", "Not Ready"' in made()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (with_nodes("10.0.0.2", inner="0.0.0.0"), "inner_address: 0.0.0.0: with `front: nodes:`"),
        (with_nodes("10.0.0.2", inner="127.0.0.1"), "inner_address: 127.0.0.1: with `front: nodes:`"),
        (with_nodes("10.0.0.2", workers="127.0.0.1"), "workers: address: 127.0.0.1: with `front: nodes:`"),
        (with_nodes("10.0.0.2", port=5060), "nodes: port: 5060 is taken by callers"),
    ],
)
def test_nodes_meet_where_each_reaches_the_other_and_the_world_does_not(given: Settings, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        made(given)


def test_nodes_on_one_machine_may_meet_on_loopback() -> None:
    assert made(with_nodes("127.0.0.3", inner="127.0.0.2", workers="127.0.0.2"))


def test_a_secret_of_nodes_is_long_and_their_addresses_are_addresses() -> None:
    with pytest.raises(ValidationError, match="fewer than 16 characters can be guessed"):
        settings(nodes={"addresses": ["10.0.0.2"], "secret": "short"})
    with pytest.raises(ValidationError, match=r"write 10\.0\.0\.2"):
        settings(nodes={"addresses": ["node-b"], "secret": "of sixteen or more"})


@needs_kamailio
@pytest.mark.parametrize("case", ["plain", "all", "registering", "nodes"])
def test_kamailio_takes_it(case: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    identity = authority.issue_cert("127.0.0.1")
    identity.private_key_pem.write_to_path(tmp_path / "key.pem")
    identity.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    tls = {"certificate_file": str(tmp_path / "certificate.pem"), "key_file": str(tmp_path / "key.pem"), "port": 15061}
    sip: dict[str, Any] = {"address": "127.0.0.1", "port": 15060}
    account = {"uri": "sip:100@127.0.0.1", "registrar": "sip:127.0.0.1:5080"}
    given = {
        "plain": settings(sip),
        "nodes": with_nodes("127.0.0.1", "127.0.0.3", inner="127.0.0.1", workers="127.0.0.1"),
        "all": settings(
            sip,
            tls=tls,
            websocket={"port": 15080, "origins": ["https://a.example", "https://b.example"]},
            trunks={"provider": {"addresses": ["192.0.2.0/24"], "calls_per_s": 3}},
            callers="trunks",
        ),
        "registering": settings({**sip, "accounts": {"office": account}}),
    }[case]
    file = tmp_path / "front.cfg"
    file.write_text(made(given))
    done = subprocess.run(["kamailio", "-c", "-f", file], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_shows_it_with_secrets_masked(tmp_path: Path) -> None:
    file = tmp_path / "ivr.yaml"
    file.write_text("sip: {address: 127.0.0.1}\nfront: {callers: trunks}\n")
    result = CliRunner().invoke(app, ["front", "config", "--config", str(file)])
    assert result.exit_code == 0 and '"mask_key", "********"' in result.output


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "ivr.yaml"
    file.write_text("sip: {port: 0}\n")
    result = CliRunner().invoke(app, ["front", "config", "--config", str(file)])
    assert result.exit_code == 1 and "write for example 5060" in result.output
