from __future__ import annotations

import pytest

from ivr.sip.offer import encodings, has_video, in_order, is_acceptable

pytestmark = pytest.mark.unit

WANTED = encodings(("PCMA", "PCMU", "G722"), 8000)
HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
EVENTS = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"


def formats(sdp: str) -> list[str]:
    """Formats of the first media line."""
    line = next(line for line in sdp.split("\r\n") if line.startswith("m="))
    return line.split()[3:]


def test_our_codecs_come_first_in_our_order_and_the_rest_stays_behind() -> None:
    sdp = f"{HEAD}m=audio 9 RTP/AVP 101 18 9 0 8 96\r\n{EVENTS}a=rtpmap:96 opus/48000/2\r\n"
    ordered = in_order(sdp, WANTED)
    assert formats(ordered) == ["8", "0", "9", "101", "18", "96"]
    assert ordered.replace("8 0 9 101 18 96", "101 18 9 0 8 96") == sdp


def test_codecs_with_numbers_of_their_own_are_known_by_their_names() -> None:
    sdp = f"{HEAD}m=audio 9 RTP/AVP 97 98\r\na=rtpmap:97 pcmu/8000\r\na=rtpmap:98 PCMA/8000/1\r\n"
    assert formats(in_order(sdp, WANTED)) == ["98", "97"]


def test_a_number_that_was_given_another_meaning_is_not_the_codec_of_that_number() -> None:
    sdp = f"{HEAD}m=audio 9 RTP/AVP 0 8\r\na=rtpmap:8 speex/8000\r\n"
    assert formats(in_order(sdp, WANTED)) == ["0", "8"]


def test_l16_is_ours_in_one_channel_at_our_rate_only() -> None:
    wanted = encodings(("L16", "PCMU"), 8000)
    sdp = f"{HEAD}m=audio 9 RTP/AVP 0 11 97 98\r\na=rtpmap:97 L16/8000/2\r\na=rtpmap:98 L16/8000\r\n"
    assert formats(in_order(sdp, wanted)) == ["98", "0", "11", "97"]


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "m=",
        "m=audio",
        "m=audio 9",
        "nonsense",
        f"{HEAD}m=audio 9 RTP/AVP 8 0 101\r\n{EVENTS}",
        f"{HEAD}m=video 9 RTP/AVP 0 8\r\n",
        f"{HEAD}m=audio 9 RTP/AVP\r\na=rtpmap:\r\na=rtpmap:8\r\n",
        f"{HEAD}m=audio  9  RTP/AVP  8 0\r\n\x85\x0b\xff\r\n",
    ],
)
def test_what_needs_no_change_stays_as_it_is_to_the_byte(sdp: str) -> None:
    assert in_order(sdp, WANTED) == sdp


@pytest.mark.parametrize(
    ("media", "is_fine"),
    [
        ("m=audio 9 RTP/AVP 0", True),
        ("m=audio 9 RTP/AVP 96 101\r\na=rtpmap:96 PCMA/8000", True),
        ("m=audio 9 RTP/AVP 18 101", False),
        ("m=audio 9 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000", False),
        ("m=audio 9 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2", False),
        ("m=audio 0 RTP/AVP 18", True),
        ("m=video 9 RTP/AVP 0", False),
        ("m=video 9 RTP/AVP 96\r\nm=audio 9 RTP/AVP 8", True),
        ("m=image 9 udptl t38", False),
        ("m=audio", False),
        ("m=\r\n", False),
    ],
)
def test_an_offer_is_acceptable_when_one_of_our_codecs_is_in_it(media: str, is_fine: bool) -> None:
    assert is_acceptable(f"{HEAD}{media}\r\n", WANTED) is is_fine


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        ("m=audio 9 RTP/AVP 0\r\n", False),
        ("m=audio 9 RTP/AVP 0\r\nm=video 4002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n", True),
        ("m=audio 9 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\n", False),
        ("M=VIDEO 9 RTP/AVP 96\r\nm=\r\n", False),
        ("m=video\r\n", True),
        ("", False),
    ],
)
def test_video_is_seen_in_an_offer(media: str, expected: bool) -> None:
    assert has_video(f"{HEAD}{media}") is expected
