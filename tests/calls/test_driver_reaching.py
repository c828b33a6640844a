"""A caller for whom persons are called: who counts as one, which of several it is, and what if there is no leg."""

from __future__ import annotations

import pytest

from ivr.calls.reaching import LEG_GRACE_S, LEG_RETRY_S
from ivr.ports import LegId
from tests.calls.switchboard import FLOW, Switchboard, on_a_switchboard
from tests.calls.test_driver_transfer import WHISPERING, calling, transfers

pytestmark = pytest.mark.unit

ACCEPTING = WHISPERING.replace("mode: auto,", "mode: bridge, accept: key, accept_within: 8s,").replace(
    "failed: away}\n  lost",
    "not_accepted: voicemail, failed: away}\n  voicemail: {say: Nobody took it., next: main}\n  lost",
)


@on_a_switchboard(flow=ACCEPTING)
async def test_a_person_who_has_to_press_a_key_is_joined_with_it_and_not_before(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.pick_up(target)
    await bot.after(6.0)
    assert bot.said(target)[-1] == "A caller from +4930111."
    await bot.press(target, "3")
    assert bot.telephony.joined_to(leg) == ""
    await bot.press(target, "1")
    assert bot.telephony.joined_to(leg) == target
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.record.end_reason == "transferred"


@on_a_switchboard(flow=ACCEPTING)
async def test_a_person_may_press_the_key_during_the_whisper(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.pick_up(target)
    await bot.settle()
    await bot.press(target, "1")
    assert bot.telephony.joined_to(leg) == target
    assert bot.telephony.playing(target) == ""


@on_a_switchboard(flow=ACCEPTING)
async def test_a_voicemail_that_answers_is_let_go_and_the_caller_goes_on_in_the_flow(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.pick_up(target)
    await bot.after(5.0)
    await bot.after(8.1)
    assert target not in bot.telephony.live_legs
    assert bot.said(leg)[-1].startswith("Nobody took it.")
    assert transfers(bot) == [("not_accepted", "no key in time")]


IN_TURN = FLOW.replace("{to: agent, mode: auto,", "{to: [agent, {target: office, ring_for: 6s}], mode: bridge,")
ALL = FLOW.replace("{to: agent, mode: auto,", "{to: [agent, office, mobile, home], ring: all, mode: bridge,")


@on_a_switchboard(flow=IN_TURN)
async def test_the_next_person_is_called_when_the_one_before_cannot_be_reached(bot: Switchboard) -> None:
    leg, first = await calling(bot)
    bot.telephony.ringing(first)
    await bot.after(20.1)
    assert first not in bot.telephony.live_legs
    second = bot.telephony.dialled()[-1]
    assert bot.telephony.asked_for("dial")[-1].details[0].uri == "sip:office@pbx"
    assert bot.said(leg)[-1] == "Please hold."
    bot.telephony.pick_up(second)
    await bot.settle()
    assert bot.telephony.joined_to(leg) == second
    bot.telephony.end(second)
    await bot.settle()
    assert (bot.record.end_reason, bot.record.transfer_target) == ("transferred", "office")
    assert [line.meaning for line in bot.record.steps if line.kind == "transfer"] == ["office"]


@on_a_switchboard(flow=IN_TURN)
async def test_each_person_has_a_time_to_ring_of_his_own(bot: Switchboard) -> None:
    leg, first = await calling(bot)
    bot.telephony.end(first, 486)
    await bot.settle()
    bot.telephony.ringing(bot.telephony.dialled()[-1])
    await bot.after(6.1)
    assert bot.said(leg)[-1].startswith("Nobody is here.")
    assert transfers(bot) == [("no_answer", "no answer in time")]
    assert [line.meaning for line in bot.record.steps if line.kind == "transfer"] == ["agent, office"]


@on_a_switchboard(flow=IN_TURN)
async def test_a_caller_who_leaves_while_the_second_is_called_ends_that_call(bot: Switchboard) -> None:
    leg, first = await calling(bot)
    bot.telephony.end(first, 486)
    await bot.settle()
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.telephony.live_legs == []
    assert bot.record.end_reason == "caller_hung_up"


@on_a_switchboard(flow=ALL)
async def test_all_telephones_ring_and_the_first_who_answers_stops_the_others(bot: Switchboard) -> None:
    leg, _ = await calling(bot)
    agent, office, *_ = bot.telephony.dialled()
    bot.telephony.ringing(agent)
    bot.telephony.pick_up(office)
    await bot.settle()
    assert bot.telephony.joined_to(leg) == office
    assert bot.telephony.live_legs == [leg, office]
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.record.transfer_target == "office"


@on_a_switchboard(flow=ALL)
async def test_who_finds_no_leg_free_is_called_when_another_one_has_failed(bot: Switchboard) -> None:
    leg, _ = await calling(bot)
    assert len(bot.telephony.dialled()) == 4 and len(bot.telephony.live_legs) == 4, "one finds no leg"
    bot.telephony.end(bot.telephony.dialled()[1], 486)
    await bot.after(LEG_RETRY_S)
    again = bot.telephony.dialled()[-1]
    assert bot.telephony.asked_for("dial")[-1].details[0].uri == "sip:home@pbx"
    bot.telephony.pick_up(again)
    await bot.settle()
    assert bot.telephony.joined_to(leg) == again
    assert bot.telephony.live_legs == [leg, again]
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.record.transfer_target == "home"


@on_a_switchboard(flow=IN_TURN.replace("agent, {target", "nobody, {target"))
async def test_a_person_who_is_not_configured_is_passed_over(bot: Switchboard) -> None:
    leg, second = await calling(bot)
    bot.telephony.pick_up(second)
    await bot.settle()
    assert bot.telephony.joined_to(leg) == second
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.record.transfer_target == "office"


@pytest.mark.parametrize("after_s", [0.5, 6.0])
def test_a_person_who_hangs_up_instead_of_pressing_the_key_leaves_the_caller_in_the_flow(after_s: float) -> None:
    @on_a_switchboard(flow=ACCEPTING)
    async def hanging_up(bot: Switchboard) -> None:
        leg, target = await calling(bot)
        bot.telephony.pick_up(target)
        await bot.after(after_s)
        bot.telephony.end(target)
        await bot.settle()
        assert bot.said(leg)[-1].startswith("Nobody took it.")
        assert transfers(bot) == [("not_accepted", "the person left before the transfer")]

    hanging_up()


@on_a_switchboard(flow=ACCEPTING)
async def test_a_caller_who_leaves_before_the_key_ends_the_persons_leg(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.pick_up(target)
    await bot.after(6.0)
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.telephony.live_legs == []
    assert bot.record.end_reason == "caller_hung_up"


@on_a_switchboard()
async def test_no_free_leg_is_a_failure_like_any_other(bot: Switchboard) -> None:
    bot.telephony.max_legs = 1
    leg, _ = await calling(bot)
    await bot.after(LEG_GRACE_S + LEG_RETRY_S)
    assert bot.said(leg)[-1].startswith("Nobody is here.")
    assert transfers(bot) == [("unreachable", "503 no free leg")]


@on_a_switchboard()
async def test_a_leg_that_is_free_a_moment_later_is_taken(bot: Switchboard) -> None:
    bot.telephony.max_legs = 1
    leg, _ = await calling(bot)
    bot.telephony.max_legs = 4
    await bot.after(LEG_RETRY_S)
    target = bot.telephony.dialled()[-1]
    bot.telephony.pick_up(target)
    await bot.settle()
    assert bot.telephony.joined_to(leg) == target
    bot.telephony.end(leg)
    await bot.settle()


BACK = FLOW.replace("{to: agent, mode: auto,", "{to: agent, mode: auto, return_key: '*',").replace(
    "failed: away}\n  lost",
    "failed: away, after: rated, returned: main}\n  rated: {say: How was it?, next: main}\n  lost",
)


async def talking(bot: Switchboard) -> tuple[LegId, LegId]:
    """A caller and a person who talk."""
    leg, target = await calling(bot)
    bot.telephony.pick_up(target)
    await bot.after(30.0)
    assert bot.telephony.joined_to(leg) == target
    assert not bot.telephony.asked_for("refer_replacing"), "the bot stays in the talk"
    return leg, target


@on_a_switchboard(flow=BACK)
async def test_the_flow_goes_on_with_the_caller_when_the_person_has_hung_up(bot: Switchboard) -> None:
    leg, target = await talking(bot)
    bot.telephony.end(target)
    await bot.settle()
    assert bot.said(leg)[-1].startswith("How was it?")
    await bot.after(10.0)
    await bot.press(leg, "1")
    assert bot.said(leg)[-1] == "Your code?", "keys are for the flow again"
    bot.telephony.end(leg)
    await bot.settle()
    assert transfers(bot) == [("after", "bridged")]
    record = bot.record
    assert (record.end_reason, record.ended_by, record.transfer_target) == ("caller_hung_up", "caller", "agent")


@on_a_switchboard(flow=BACK)
async def test_a_person_sends_the_caller_back_by_a_key(bot: Switchboard) -> None:
    leg, target = await talking(bot)
    await bot.press(leg, "*")
    assert bot.telephony.joined_to(leg) == target, "the caller's keys mean nothing"
    await bot.press(target, "5")
    assert bot.telephony.joined_to(leg) == target
    await bot.press(target, "*")
    assert bot.telephony.live_legs == [leg]
    assert bot.said(leg)[-1] == "Press 1 or 2."
    assert transfers(bot) == [("returned", "bridged")]


@on_a_switchboard(flow=BACK)
async def test_a_caller_who_hangs_up_in_the_talk_was_transferred(bot: Switchboard) -> None:
    leg, _ = await talking(bot)
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.telephony.live_legs == []
    assert (bot.record.end_reason, bot.record.transfer_target) == ("transferred", "agent")


HEARD = FLOW.replace("mode: auto,", "mode: bridge, early_media: pass,")


@on_a_switchboard(flow=HEARD)
async def test_the_caller_hears_an_announcement_of_the_network_and_then_the_person(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.sends_early_media(target)
    await bot.settle()
    assert bot.telephony.asked_for("let_hear", leg)[0].details == (target,)
    assert bot.telephony.playing(leg) == ""
    bot.telephony.pick_up(target)
    await bot.settle()
    assert bot.telephony.joined_to(leg) == target
    bot.telephony.end(leg)
    await bot.settle()


@on_a_switchboard()
async def test_without_it_the_hold_sound_goes_on(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.sends_early_media(target)
    await bot.settle()
    assert not bot.telephony.asked_for("let_hear")
    assert bot.telephony.playing(leg) == "hold"
