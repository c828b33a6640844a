"""SIP messages, digest and SDP: pure."""

from __future__ import annotations

import pytest

from ivr.sip.offer import has_video
from ivr.testing.sip_peer.digest import Challenge, Credentials, authorization, digest_response, parse_challenge
from ivr.testing.sip_peer.message import (
    MalformedMessage,
    SipRequest,
    SipResponse,
    cseq_of,
    parse_message,
    parse_name_addr,
    parse_uri,
    response_to,
    split_list,
    top_via,
)
from ivr.testing.sip_peer.sdp import BadSdp, answer_to, build_offer, build_sdp, parse_sdp
from ivr.testing.sip_peer.transport import take_message

pytestmark = pytest.mark.unit

INVITE = (
    b"INVITE sip:100@127.0.0.1:5080 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKabc;rport, SIP/2.0/TCP 10.0.0.1;branch=z9hG4bKdef\r\n"
    b'f: "A, \\"B\\"" <sip:alice@127.0.0.1>;tag=1\r\n'
    b"t: <sip:100@127.0.0.1>\r\n"
    b"i: xyz@127.0.0.1\r\n"
    b"CSeq: 7 INVITE\r\n"
    b"Subject: first\r\n"
    b"\t second\r\n"
    b"l: 4\r\n\r\nbodyRUBBISH"
)


def parsed_invite() -> SipRequest:
    message = parse_message(INVITE)
    assert isinstance(message, SipRequest)
    return message


def test_compact_names_folding_and_body_length_are_understood() -> None:
    message = parsed_invite()
    assert (message.method, message.uri, message.body) == ("INVITE", "sip:100@127.0.0.1:5080", b"body")
    assert message.headers.get("Call-ID") == message.headers.get("i") == "xyz@127.0.0.1"
    assert message.headers.get("subject") == "first second"
    assert cseq_of(message) == (7, "INVITE")
    assert top_via(message).branch == "z9hG4bKabc"
    assert len(message.headers.all("Via")) == 2


def test_a_serialised_message_reads_back_as_the_same() -> None:
    message = parsed_invite()
    again = parse_message(message.to_bytes())
    assert isinstance(again, SipRequest)
    assert [item for item in again.headers if item[0] != "Content-Length"] == [
        item for item in message.headers if item[0] != "l"
    ]
    assert again.body == message.body


def test_a_response_copies_what_routes_it_back_and_adds_the_tag() -> None:
    response = parse_message(response_to(parsed_invite(), 486, to_tag="t2").to_bytes())
    assert isinstance(response, SipResponse)
    assert (response.status, response.reason) == (486, "Busy Here")
    assert response.headers.all("Via") == parsed_invite().headers.all("Via")
    assert parse_name_addr(response.headers.need("To")).tag == "t2"
    assert parse_name_addr(response.headers.need("From")).name == 'A, "B"'


@pytest.mark.parametrize("data", [b"", b"hello", b"INVITE sip:a@b SIP/3.0\r\n\r\n", b"SIP/2.0 abc OK\r\n\r\n"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_message(data)


def test_commas_in_quotes_and_angle_brackets_do_not_split() -> None:
    assert split_list('"a,b" <sip:x@y;p=1,2>, <sip:z@y>') == ['"a,b" <sip:x@y;p=1,2>', "<sip:z@y>"]


def test_a_uri_with_everything_is_taken_apart() -> None:
    uri = parse_uri("sip:bob@127.0.0.1:5070;transport=tcp;lr?Replaces=a%3Bb&X=1")
    assert (uri.user, uri.host, uri.port) == ("bob", "127.0.0.1", 5070)
    assert uri.params == {"transport": "tcp", "lr": ""}
    assert uri.headers == {"Replaces": "a%3Bb", "X": "1"}
    assert uri.without_headers() == "sip:bob@127.0.0.1:5070;transport=tcp;lr"


def test_a_stream_is_cut_into_messages_at_their_content_length() -> None:
    buffer = bytearray(b"\r\n\r\n" + parsed_invite().to_bytes() + b"SIP/2.0 200 OK\r\nl: 2\r\n\r\nh")
    first = take_message(buffer)
    assert first is not None and first.startswith(b"INVITE") and first.endswith(b"body")
    assert take_message(buffer) is None
    buffer += b"i"
    assert take_message(buffer) == b"SIP/2.0 200 OK\r\nl: 2\r\n\r\nhi"
    assert not buffer


def test_digest_agrees_with_the_example_of_rfc_2617() -> None:
    challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", has_qop_auth=True)
    credentials = Credentials("Mufasa", "Circle Of Life")
    response = digest_response(challenge, credentials, "GET", "/dir/index.html", cnonce="0a4f113b")
    assert response == "6629fae49393a05397450978507c4ef1"


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_agrees_with_the_examples_of_rfc_7616(algorithm: str, expected: str) -> None:
    challenge = parse_challenge(
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=' + algorithm + ", "
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    credentials = Credentials("Mufasa", "Circle of Life")
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    assert digest_response(challenge, credentials, "GET", "/dir/index.html", cnonce=cnonce) == expected
    header = authorization(challenge, credentials, "GET", "/dir/index.html", cnonce=cnonce)
    assert f'response="{expected}"' in header and "qop=auth, nc=00000001" in header


def test_a_challenge_that_is_not_digest_is_refused() -> None:
    with pytest.raises(MalformedMessage):
        parse_challenge('Basic realm="x"')


def test_an_offer_reads_back() -> None:
    offer = parse_sdp(build_offer("127.0.0.1", 24000, ("PCMA", "G722"), direction="sendonly"))
    assert (offer.address, offer.port, offer.direction) == ("127.0.0.1", 24000, "sendonly")
    assert offer.codecs == ((8, "PCMA"), (9, "G722"))
    assert offer.event_payload_type == 101


def test_a_telephone_with_a_camera_offers_video_after_its_audio() -> None:
    plain = build_offer("127.0.0.1", 24000, ("PCMA",))
    offer = build_offer("127.0.0.1", 24000, ("PCMA",), video=True)
    assert offer.startswith(plain) and offer.endswith(b"\r\na=rtpmap:96 VP8/90000\r\na=sendrecv\r\n")
    assert parse_sdp(offer).media_lines == ("audio 24000 RTP/AVP 8 101", "video 9 RTP/AVP 96")
    assert not has_video(plain.decode()) and has_video(offer.decode())


def test_static_payload_types_need_no_rtpmap() -> None:
    offer = parse_sdp(b"v=0\r\nc=IN IP4 10.0.0.9\r\nm=audio 4000 RTP/AVP 0 8 3\r\n")
    assert offer.codecs == ((0, "PCMU"), (8, "PCMA"))
    assert (offer.address, offer.event_payload_type) == ("10.0.0.9", None)


def test_an_answer_mirrors_hold_keeps_the_event_number_and_refuses_video() -> None:
    offer = parse_sdp(
        b"v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 5000 RTP/AVP 99\r\nm=audio 4000 RTP/AVP 111 8 96\r\n"
        b"a=rtpmap:111 opus/48000/2\r\na=rtpmap:96 telephone-event/8000\r\na=sendonly\r\n"
    )
    body = build_sdp(answer_to(offer, "127.0.0.1", 24002, ("PCMU", "PCMA"), telephone_event=True))
    assert b"m=video 0 RTP/AVP 99\r\nm=audio 24002 RTP/AVP 8 96\r\n" in body
    answer = parse_sdp(body)
    assert (answer.direction, answer.event_payload_type) == ("recvonly", 96)


def test_no_common_codec_is_said() -> None:
    offer = parse_sdp(build_offer("127.0.0.1", 24000, ("PCMA",)))
    with pytest.raises(BadSdp, match="no common codec"):
        answer_to(offer, "127.0.0.1", 1, ("PCMU",), telephone_event=True)


def test_a_description_without_audio_is_refused() -> None:
    with pytest.raises(BadSdp):
        parse_sdp(b"v=0\r\nm=video 5000 RTP/AVP 99\r\n")
