"""A worker behind a front: who is believed about where a call comes from, and where requests go."""

from __future__ import annotations

import pytest

from ivr.config import AccountSettings, SipSettings
from ivr.sip.behind_front import next_hop, registers, route_to_front, source_of
from ivr.sip.translate import parse_message

pytestmark = pytest.mark.unit

ALONE, BEHIND = SipSettings(), SipSettings(front="127.0.0.1:5199")
INVITE = parse_message("INVITE sip:100@a SIP/2.0\r\nX-Ivr-Source: 192.0.2.7:5060\r\n\r\n")
OFFICE = AccountSettings(uri="sip:100@pbx", registrar="sip:pbx", proxy="sip:proxy.example")


def test_the_front_is_believed_about_the_source_and_nobody_else_is() -> None:
    assert source_of("127.0.0.1:5199", INVITE, BEHIND) == "192.0.2.7:5060"
    assert source_of("127.0.0.1:9999", INVITE, BEHIND) == "127.0.0.1:9999"
    assert source_of("198.51.100.1:5060", INVITE, ALONE) == "198.51.100.1:5060"
    assert source_of("127.0.0.1:5199", parse_message("INVITE sip:a SIP/2.0\r\n\r\n"), BEHIND) == "127.0.0.1:5199"


def test_fronts_of_other_nodes_are_believed_as_well() -> None:
    nodes = SipSettings(front="10.0.0.1:5199", other_fronts=("10.0.0.2:5199",))
    assert source_of("10.0.0.2:5199", INVITE, nodes) == source_of("10.0.0.1:5199", INVITE, nodes) == "192.0.2.7:5060"
    assert source_of("10.0.0.2:5060", INVITE, nodes) == "10.0.0.2:5060"


def test_a_worker_dials_through_its_front_and_leaves_registering_to_it() -> None:
    assert route_to_front(BEHIND) == ("<sip:127.0.0.1:5199;lr>",) and route_to_front(ALONE) == ()
    assert next_hop(BEHIND, OFFICE, "sip:2@x") == "sip:127.0.0.1:5199"
    assert next_hop(ALONE, OFFICE, "sip:2@x") == "sip:proxy.example" and next_hop(ALONE, None, "sip:2@x") == "sip:2@x"
    assert registers(OFFICE, ALONE) and not registers(OFFICE, BEHIND)
