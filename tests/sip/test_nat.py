"""Which Contact is corrected, and how."""

from __future__ import annotations

import pytest

from ivr.sip.nat import reachable_contact
from ivr.sip.translate import parse_message

pytestmark = pytest.mark.unit

SOURCE = ("203.0.113.7", 40123)


def invite(*headers: str) -> str:
    via = "Via: SIP/2.0/UDP 192.168.7.2:5060;rport;branch=z9hG4bK1"
    return "\r\n".join(["INVITE sip:demo@bot SIP/2.0", via, *headers, "", ""])


def corrected(*headers: str, source: tuple[str, int] = SOURCE) -> str | None:
    return reachable_contact(parse_message(invite(*headers)), *source)


@pytest.mark.parametrize(
    ("contact", "reached"),
    [
        ("<sip:alice@192.168.7.2:5060>", "sip:alice@203.0.113.7:40123"),
        ("<sip:alice@192.168.7.2;transport=tcp>;expires=60", "sip:alice@203.0.113.7:40123;transport=tcp"),
        ("sip:alice@10.0.0.3", "sip:alice@203.0.113.7:40123"),
        ('"A" <sips:a%20b:c@100.64.1.1:5061;ob>', "sips:a%20b:c@203.0.113.7:40123;ob"),
        ("<sip:172.20.0.1;maddr=192.168.7.9;lr>", "sip:203.0.113.7:40123;lr"),
        ("<sip:alice@169.254.3.3>", "sip:alice@203.0.113.7:40123"),
    ],
)
def test_a_private_contact_becomes_the_place_that_the_message_came_from(contact: str, reached: str) -> None:
    assert corrected(f"Contact: {contact}") == reached
    assert corrected(f"m: {contact}") == reached


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:alice@198.51.100.4>",
        "<sip:alice@pbx.example.com>",
        "<sip:alice@127.0.0.1>",
        "<sip:alice@[fd00::1]>",
        "<tel:+4930123>",
        "*",
        "<sip:a b@192.168.7.2>",
    ],
)
def test_any_other_contact_stands(contact: str) -> None:
    assert corrected(f"Contact: {contact}") is None


def test_a_contact_that_is_where_the_message_came_from_stands_with_its_port() -> None:
    assert corrected("Contact: <sip:alice@192.168.7.2:5070>", source=("192.168.7.2", 5060)) is None


@pytest.mark.parametrize(
    "header",
    [
        "Record-Route: <sip:203.0.113.7;lr>",
        "Via: SIP/2.0/UDP 192.168.7.2;branch=z9hG4bK2",
        "Contact: <sip:bob@192.168.7.3>",
    ],
)
def test_what_came_by_a_proxy_or_names_several_places_stands(header: str) -> None:
    assert corrected("Contact: <sip:alice@192.168.7.2>", header) is None


def test_no_contact_and_a_source_that_is_no_ipv4_address_change_nothing() -> None:
    assert corrected() is None
    assert corrected("Contact: <sip:alice@192.168.7.2>", source=("::1", 5060)) is None
    assert corrected("Contact: <sip:alice@192.168.7.2>", source=("", 5060)) is None
