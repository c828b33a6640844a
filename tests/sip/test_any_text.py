"""No bytes from a peer make our own parsers raise, or pass a line end or control character on.

The examples are the same in every run; to look for new ones: `IVR_EXAMPLES=200000 pytest tests/sip/test_any_text.py`.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.errors import MediaFailed
from ivr.sip import codes, offer, screen, translate
from ivr.sip.keys import key_of_info
from ivr.sip.wav import parse_wav
from tests.any_bytes import tries
from tests.torture import messages

pytestmark = pytest.mark.unit

FIELDS = [
    "From: ",
    "To: ",
    "P-Asserted-Identity: ",
    "X-Note: ",
    "User-to-User: ",
    "CSeq: ",
    "Reason: Q.850;cause=",
    "Refer-To: ",
    "Call-ID: ",
]
LATIN = st.characters(max_codepoint=255)
NASTY = st.sampled_from(
    ['"', "<", ">", "\\", ";tag=", "sip:", "@", "%0d%0a", "%00", "\r\n", "\r", "\n ", "\x1b[31m", "[", "]", ","]
)
VALUES = st.lists(st.one_of(NASTY, st.text(LATIN, max_size=8)), max_size=12).map("".join)
HEADERS = st.lists(st.tuples(st.sampled_from(FIELDS), VALUES).map("".join), max_size=12).map("\r\n".join)
TORTURED = st.sampled_from([message.data.decode("latin-1") for message in messages()])
SDP_LINES = st.sampled_from(["v=0", "m=audio", "m=audio 9 RTP/AVP", "m=", "c=IN IP4", "c=", "a=rtpmap:", "a=rtcp:"])
SDP = st.lists(st.tuples(SDP_LINES, VALUES).map(" ".join), max_size=12).map("\r\n".join)
SIGNALS = st.tuples(st.sampled_from(["Signal=", "signal: ", "", "Duration="]), VALUES).map("".join)
CODECS = ("pcma/8000", "pcmu/8000")


@st.composite
def _cut(draw: st.DrawFn) -> str:
    """A message of RFC 4475 of which a part is missing or in the wrong place."""
    text = draw(TORTURED)
    first, second = (draw(st.integers(0, len(text))) for _ in range(2))
    return text[:first] + draw(VALUES) + text[second:]


@given(st.one_of(_cut(), HEADERS.map(lambda headers: f"INVITE sip:1@bot SIP/2.0\r\n{headers}\r\n\r\n")))
@tries(300)
def test_a_message_is_read_whatever_it_is(text: str) -> None:
    message = translate.parse_message(text)
    party = translate.calling_party(message, is_trusted=True)
    shown = [party.name, party.user, party.host, translate.dialled_number(message)]
    shown += translate.context_headers(message).values()
    assert all(value.isprintable() and len(value) <= translate.HEADER_VALUE_LIMIT for value in shown)
    cause = translate.hangup_cause(message)
    assert cause is None or 0 <= cause <= 127
    assert -1 <= translate.cseq_of(message) < 10**10
    assert not set("\r\n") & set(translate.tag_of(message.first("From")))
    for method in ("REFER", "INFO", "DANCE"):
        status = screen.refusal(method, message, has_dialog=True, follows_refer=True)
        assert status in (None, codes.BAD_REQUEST, codes.NOT_IMPLEMENTED)


@given(st.dictionaries(VALUES, VALUES, max_size=4))
@tries(100)
def test_headers_that_we_send_stay_on_their_line(headers: dict[str, str]) -> None:
    assert all((name + value).isprintable() and name for name, value in translate.header_pairs(headers))


@given(VALUES, VALUES)
@tries(100)
def test_a_caller_id_becomes_one_uri_or_none(caller_id: str, own_uri: str) -> None:
    uri = translate.caller_id_uri(caller_id, f"sip:bot@{own_uri}")
    assert not uri or set(uri.removeprefix("sip:").partition("@")[0]) <= set(caller_id.replace("#", "%23"))


@given(st.one_of(SDP, VALUES))
@tries(300)
def test_an_offer_is_judged_whatever_it_is(sdp: str) -> None:
    translate.has_usable_addresses(sdp)
    offer.is_acceptable(sdp, CODECS)
    ordered = offer.in_order(sdp, CODECS)
    assert sorted(ordered.split()) == sorted(sdp.split())
    assert ordered.count("\n") == sdp.count("\n")


@given(st.sampled_from(["application/dtmf-relay", "application/dtmf", "text/plain"]), st.one_of(SIGNALS, VALUES))
@tries(200)
def test_an_info_names_one_key_or_none(content_type: str, body: str) -> None:
    key = key_of_info(content_type, body)
    assert key is None or key == "" or (len(key) == 1 and key in translate.DIGITS)


@given(
    st.lists(st.one_of(st.sampled_from([b"RIFF", b"WAVE", b"fmt ", b"data", b"\x10\0\0\0"]), st.binary(max_size=24)))
)
@tries(200)
def test_a_file_is_a_wav_or_is_refused_with_the_reason(parts: list[bytes]) -> None:
    try:
        parse_wav(b"RIFF\0\0\0\0WAVE" + b"".join(parts), "x.wav")
    except MediaFailed as error:
        assert "x.wav" in str(error)
