from __future__ import annotations

import pytest

from ivr.ports import DtmfMethod
from ivr.sip import translate

pytestmark = pytest.mark.unit

INVITE = (
    "INVITE sip:+4930123;phone-context=x@bot.example:5060;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.1\r\n"
    'f: "Ann \\"A\\" Other" <sip:200@pbx.example;user=phone>;tag=1\r\n'
    "P-Asserted-Identity: <tel:+49301;ext=2>\r\n"
    "i: abc@host\r\n"
    "x-queue-name: sales\r\n"
    "User-to-User: 0001;encoding=hex\r\n"
    "Diversion: <sip:300@pbx>\r\n ;reason=no-answer\r\n"
    "Subject: ignored\r\n"
    "\r\n"
    "X-Body: not a header\r\n"
)


def test_request_line_names_the_number_dialled() -> None:
    assert translate.dialled_number(translate.parse_message(INVITE)) == "+4930123"


@pytest.mark.parametrize(("is_trusted", "ani", "name"), [(True, "+49301", ""), (False, "200", 'Ann "A" Other')])
def test_asserted_identity_counts_only_from_a_trusted_peer(is_trusted: bool, ani: str, name: str) -> None:
    party = translate.calling_party(translate.parse_message(INVITE), is_trusted=is_trusted)
    assert (party.user, party.name) == (ani, name)


def test_context_headers_are_named_canonically_and_unfolded() -> None:
    assert translate.context_headers(translate.parse_message(INVITE)) == {
        "X-Queue-Name": "sales",
        "User-to-User": "0001;encoding=hex",
        "Diversion": "<sip:300@pbx> ;reason=no-answer",
    }


def test_compact_names_are_spelled_out() -> None:
    assert translate.parse_message(INVITE).first("call-id") == "abc@host"


def test_what_a_peer_sends_is_limited() -> None:
    many = "".join(f"X-H{number}: {'v' * 600}\r\n" for number in range(100))
    headers = translate.context_headers(translate.parse_message(f"INVITE sip:{'9' * 500}@h SIP/2.0\r\n{many}\r\n"))
    assert len(headers) == translate.HEADER_COUNT_LIMIT
    assert {len(value) for value in headers.values()} == {translate.HEADER_VALUE_LIMIT}
    long_number = translate.parse_message(f"INVITE sip:{'9' * 500}@h SIP/2.0\r\n\r\n")
    assert len(translate.dialled_number(long_number)) == translate.NUMBER_LIMIT


@pytest.mark.parametrize(
    "text", ["", "\r\n", "INVITE", "INVITE sip: SIP/2.0", ": :\r\n: x", "\0\xff", "INVITE  SIP/2.0"]
)
def test_broken_messages_give_empty_values(text: str) -> None:
    message = translate.parse_message(text)
    assert translate.dialled_number(message) == ""
    assert translate.calling_party(message, is_trusted=True).user == ""
    assert translate.context_headers(message) == {}


@pytest.mark.parametrize(
    ("value", "user", "host"),
    [
        ("<sip:bob@h>", "bob", "h"),
        ("sip:bob@h;tag=1", "bob", "h"),
        ("sip:h", "", "h"),
        ("<sip:bob:secret@h:5070;lr>", "bob", "h"),
        ("<sips:%2B49@[2001:db8::1]:5061>", "+49", "2001:db8::1"),
        ('"a, <b> c" <sip:x@y>', "x", "y"),
        ("Bob <sip:bob@h>", "bob", "h"),
        ("anonymous", "", ""),
    ],
)
def test_parties(value: str, user: str, host: str) -> None:
    party = translate.parse_party(value)
    assert (party.user, party.host) == (user, host)


def test_control_characters_are_dropped() -> None:
    assert translate.parse_party('"a\x07b\x1b[1m" <sip:1%0d%0a2@h>').name == "ab[1m"
    assert translate.parse_party("<sip:1%0d%0a2@h>").user == "12"


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ('Q.850;cause=16;text="Normal"', 16),
        ('SIP;cause=200;text="x", Q.850 ; cause=17', 17),
        ("SIP;cause=486", None),
        ("Q.850;cause=999", None),
        ("Q.850", None),
    ],
)
def test_q850_cause_of_the_reason_header(value: str, cause: int | None) -> None:
    assert translate.hangup_cause(translate.parse_message(f"BYE sip:a SIP/2.0\r\nReason: {value}\r\n\r\n")) == cause


@pytest.mark.parametrize(("raw", "digit"), [("1", "1"), ("#", "#"), ("a", "A"), ("", ""), ("E", ""), ("é", "")])
def test_only_telephone_keys_are_digits(raw: str, digit: str) -> None:
    assert translate.dtmf_digit(raw) == digit


@pytest.mark.parametrize(
    ("method", "duration_ms", "held_s"),
    [
        (DtmfMethod.RFC4733, 160, 0.16),
        (DtmfMethod.RFC4733, 2**32 - 1, 0.0),
        (DtmfMethod.SIP_INFO, 160, 0.0),
    ],
)
def test_held_time_is_known_from_rtp_only(method: DtmfMethod, duration_ms: int, held_s: float) -> None:
    assert translate.held_s(method, duration_ms) == held_s


def test_own_headers_cannot_smuggle_lines() -> None:
    pairs = translate.header_pairs({"X-A": "1\r\nX-B: 2", "Bad name": "x", "X-C\r\nX-D": "y"})
    assert pairs == [("X-A", "1X-B: 2")]


@pytest.mark.parametrize(
    ("caller_id", "uri"), [("+49 30", ""), ("4930", "sip:4930@h:5080"), ("a@b", ""), ("*21#", "sip:*21%23@h:5080")]
)
def test_caller_id_keeps_our_domain(caller_id: str, uri: str) -> None:
    assert translate.caller_id_uri(caller_id, "sip:bot@h:5080") == uri


@pytest.mark.parametrize(
    ("address", "host"), [("1.2.3.4:5060", "1.2.3.4"), ("[::1]:5060", "::1"), ("1.2.3.4", "1.2.3.4"), ("", "")]
)
def test_peer_host(address: str, host: str) -> None:
    assert translate.peer_host(address) == host


@pytest.mark.parametrize(
    ("sdp", "is_usable"),
    [
        ("", True),
        ("v=0\r\nc=IN IP4 192.0.2.1\r\na=fmtp:96 " + "x" * 400, True),
        ("v=0\nc=IN IP4 " + "9" * 254, False),
        ("o=- 1 1 IN IP4 " + "h" * 300 + "\r\n", False),
        ("a=rtcp:9 IN IP4 " + "h" * 300, False),
    ],
)
def test_addresses_longer_than_a_host_name_are_noticed(sdp: str, is_usable: bool) -> None:
    assert translate.has_usable_addresses(sdp) is is_usable


@pytest.mark.parametrize("char", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_a_name_brings_no_header_with_it(char: str) -> None:
    message = translate.parse_message(
        f'INVITE sip:100@bot SIP/2.0\r\nFrom: "Eve{char}P-Asserted-Identity: <sip:boss@pbx>" <sip:eve@pbx>\r\n\r\n'
    )
    assert [name for name, _ in message.headers] == ["From"]
    assert translate.calling_party(message, is_trusted=True).user == "eve"


@pytest.mark.parametrize(("streams", "is_usable"), [(1, True), (16, True), (17, False), (1000, False)])
def test_an_offer_of_more_streams_than_the_library_keeps_is_noticed(streams: int, is_usable: bool) -> None:
    assert translate.has_usable_addresses("v=0\r\n" + "m=audio 9 RTP/AVP 0\r\n" * streams) is is_usable


@pytest.mark.parametrize(
    ("connection", "is_usable"),
    [
        ("IN IP4 224.2.1.1/127", False),
        ("IN IP4 239.1.1.1", False),
        ("IN IP4 255.255.255.255", False),
        ("IN IP6 FF02::1/3", False),
        ("IN IP4 0.0.0.0", True),  # hold, as RFC 2543 had it
        ("IN IP4 192.0.2.1", True),
        ("IN IP6 2001:db8::1", True),
        ("IN IP4 phone.example.com", False),
        ("IN IP4 1.2.3.4.5", False),
        ("", True),
    ],
)
def test_audio_is_sent_to_one_host_only(connection: str, is_usable: bool) -> None:
    assert translate.has_usable_addresses(f"v=0\r\nm=audio 9 RTP/AVP 0\r\nc={connection}\r\n") is is_usable


@pytest.mark.parametrize(
    ("line", "is_usable"),
    [
        ("a=rtcp:53020", True),
        ("a=rtcp:53020 IN IP4 192.0.2.9", True),
        ("a=rtcp:53020 IN IP4 phone.example.com", False),
        ("a=rtcp:53020 IN IP4 224.2.1.1", False),
        ("a=rtcp-mux", True),
        ("a=rtcp-fb:96 nack", True),
    ],
)
def test_reports_go_to_one_host_whose_name_need_not_be_looked_up(line: str, is_usable: bool) -> None:
    assert translate.has_usable_addresses(f"v=0\r\nm=audio 9 RTP/AVP 0\r\n{line}\r\n") is is_usable


def test_the_body_follows_the_first_empty_line() -> None:
    assert translate.body_of("INVITE sip:a SIP/2.0\r\nX: y\r\n\r\nv=0\r\n\r\nc=") == "v=0\r\n\r\nc="
    assert translate.body_of("INVITE sip:a SIP/2.0\r\nX: y\r\n") == ""


@pytest.mark.parametrize(
    ("header", "expected"), [("X-Offers-Video: 1", True), ("X-Offers-Video: 0", False), ("A: b", False)]
)
def test_a_pbx_that_keeps_the_callers_video_says_so(header: str, expected: bool) -> None:
    text = f"INVITE sip:a@h SIP/2.0\r\n{header}\r\n\r\nv=0\r\nm=audio 9 RTP/AVP 0\r\n"
    assert translate.offers_video(translate.parse_message(text), text) is expected


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("sip:2101@192.0.2.7:5080;transport=udp", "192.0.2.7"),
        ("<sip:[2001:db8::1]:5060>", "2001:db8::1"),
        ("sip:anna@pbx.example.org", ""),
        ("sip:127.0.0.1", "127.0.0.1"),
        ("", ""),
    ],
)
def test_the_address_of_a_uri_is_an_ip_address_or_nothing(uri: str, address: str) -> None:
    assert translate.uri_address(uri) == address
