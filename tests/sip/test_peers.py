from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ivr.config import AccountSettings, SipSettings
from ivr.sip.peers import NameGate, TrustedPeers

pytestmark = pytest.mark.unit

SETTINGS = SipSettings(
    trusted_peers=("192.0.2.0/24", "pbx.example"),
    accounts={
        "main": AccountSettings(uri="sip:1@x", registrar="sip:198.51.100.1:5080"),
        "second": AccountSettings(uri="sip:2@x", registrar="sip:198.51.100.1"),
        "trunk": AccountSettings(uri="sip:3@203.0.113.9"),
    },
)


def test_configured_networks_and_registrars_are_trusted() -> None:
    peers = TrustedPeers(SETTINGS)
    assert peers.is_trusted("192.0.2.77:5060")
    assert peers.is_trusted("198.51.100.1:5080")
    assert not peers.is_trusted("198.51.100.2:5080")
    assert not peers.is_trusted("not an address")


def test_names_wait_for_resolution() -> None:
    peers = TrustedPeers(SETTINGS)
    assert peers.names == {"pbx.example": set()}
    peers.learn({"203.0.113.200"})
    assert peers.is_trusted("203.0.113.200:1")


def test_account_is_known_by_its_address_only_when_no_other_has_it() -> None:
    peers = TrustedPeers(SETTINGS)
    assert peers.account_of("203.0.113.9:5060") == "trunk"
    assert peers.account_of("198.51.100.1:5060") == ""


def test_of_two_accounts_at_one_address_the_one_that_was_dialled_is_taken() -> None:
    registrar = "sip:198.51.100.7"
    accounts = {
        "main": AccountSettings(uri="sip:100@pbx.example", registrar=registrar),
        "side": AccountSettings(uri="sip:105@pbx.example", registrar=registrar),
    }
    peers = TrustedPeers(SipSettings(accounts=accounts))
    assert peers.account_of("198.51.100.7:5060", "105") == "side"
    assert peers.account_of("198.51.100.7:5060", "999") == ""


def test_the_registrar_that_answered_becomes_an_address_of_its_account() -> None:
    peers = TrustedPeers(SETTINGS)
    peers.learn(["203.0.113.50:5060"], ["main"])
    assert peers.account_of("203.0.113.50:9") == "main"


def test_an_address_passes_the_gate_at_once_and_a_name_after_its_lookup() -> None:
    done = threading.Event()
    answers: list[bool] = []

    def post(job: Callable[[], None]) -> None:
        job()
        done.set()

    gate = NameGate(post)
    gate.when_known("sip:1@192.0.2.1:5060", answers.append)
    assert answers == [True]
    gate.when_known("sip:1@no-such-host.invalid", answers.append)
    assert done.wait(20), "the look-up did not end"
    assert answers == [True, False]
    gate.close()
