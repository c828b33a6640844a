from __future__ import annotations

import pytest

from ivr.ports import LegAnswered, LegEnded
from ivr.sip.screen import needs_a_look, refusal
from ivr.sip.translate import SipMessage, cseq_of, tag_of
from ivr.testing.sip_peer import SipPeer
from tests.sip.bot import Bot, scenario

REFER_TO = ("Refer-To", "<sip:1@pbx>")


@pytest.mark.unit
@pytest.mark.parametrize("method", ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "PRACK", "UPDATE"])
def test_what_a_call_needs_is_never_held_up(method: str) -> None:
    assert not needs_a_look(method)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("method", "has_dialog", "status"),
    [
        ("MESSAGE", True, 501),
        ("SUBSCRIBE", True, 501),
        ("REGISTER", False, 501),
        ("DANCE", False, 501),
        ("INFO", False, 481),
        ("NOTIFY", False, 481),
        ("REFER", False, 481),
        ("REFER", True, 603),
        ("INFO", True, None),
        ("NOTIFY", True, None),
    ],
)
def test_a_bot_lets_through_what_belongs_to_a_call(method: str, has_dialog: bool, status: int | None) -> None:
    assert needs_a_look(method)
    assert refusal(method, SipMessage("", (REFER_TO,)), has_dialog=has_dialog, follows_refer=False) == status


@pytest.mark.unit
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((REFER_TO,), None),
        ((("Refer-To", "sip:1@pbx"),), None),
        ((("Refer-To", '"A" <sip:1@pbx?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>'),), None),
        ((), 400),
        ((REFER_TO, REFER_TO), 400),
        ((("Refer-To", ""),), 400),
        ((("Refer-To", "<>"),), 400),
        ((("Refer-To", "rubbish"),), 400),
    ],
)
def test_a_telephone_follows_a_refer_to_one_target(headers: tuple[tuple[str, str], ...], status: int | None) -> None:
    assert refusal("REFER", SipMessage("", headers), has_dialog=True, follows_refer=True) == status


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("<sip:a@b>;tag=x1", "x1"),
        ("<sip:a@b;tag=no>;other=1; TAG = x2 ;more", "x2"),
        ("sip:a@b;tag=x3", "x3"),
        ("<sip:a@b;tag=no>", ""),
        ("", ""),
    ],
)
def test_the_tag_of_a_party(value: str, tag: str) -> None:
    assert tag_of(value) == tag


@pytest.mark.unit
@pytest.mark.parametrize(("value", "number"), [("7 INFO", 7), ("x INFO", -1), ("", -1), ("9" * 99 + " INFO", -1)])
def test_the_sequence_number_of_a_request(value: str, number: int) -> None:
    assert cseq_of(SipMessage("", (("CSeq", value),))) == number


@pytest.mark.adapter
@pytest.mark.parametrize("follows_refer", [False, True])
def test_a_refer_without_a_target_is_refused_and_the_process_lives(follows_refer: bool) -> None:
    """The library aborts the process over one."""

    @scenario
    async def run() -> None:
        async with Bot(follows_refer=follows_refer) as bot, SipPeer() as phone:
            call = await phone.dial(bot.uri)
            await bot.wait(LegAnswered)
            for headers in ({}, {"Refer-To": ""}, {"Refer-To": "rubbish"}, {"Refer-To": "<sip:@:>"}):
                response = await call.send_request("REFER", headers=headers)
                assert response.status == (400 if follows_refer else 603)
            assert (await call.reinvite()).status == 200
            assert not bot.seen(LegEnded)

    run()


@pytest.mark.adapter
@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "PUBLISH", "REGISTER", "DANCE"])
def test_what_no_call_needs_is_refused_within_one_too_and_the_call_goes_on(method: str) -> None:
    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer() as phone:
            call = await phone.dial(bot.uri)
            await bot.wait(LegAnswered)
            assert (await call.send_request(method, headers={"Event": "presence"})).status == 501
            assert (await call.reinvite()).status == 200

    run()
