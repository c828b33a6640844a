"""A call that is handed to a person: legs, hold sound, outcomes, keys, and who leaves when."""

from __future__ import annotations

import pytest

from ivr.calls.transfer_driver import REFER_SETTLE_S
from ivr.ports import DialRequest, EndedBy, LegEnded, LegId
from tests.calls.switchboard import FLOW, HOLD, Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit


async def calling(bot: Switchboard, key: str = "2") -> tuple[LegId, LegId]:
    """A caller for whom a person is being called."""
    leg = await bot.answered()
    await bot.press(leg, key)
    return leg, bot.telephony.dialled()[-1]


def transfers(bot: Switchboard) -> list[tuple[str, str]]:
    return [(line.outcome, line.detail) for line in bot.record.steps if line.kind == "transfer"]


@on_a_switchboard()
async def test_the_person_is_dialled_and_the_caller_hears_the_hold_text_again_and_again(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    request = bot.telephony.asked_for("dial")[0].details[0]
    assert isinstance(request, DialRequest)
    assert (request.uri, request.account) == ("sip:agent@pbx", "trunk")
    assert request.headers["X-IVR-Call-Id"] == bot.record.id
    play = bot.telephony.asked_for("play", leg)[-1]
    assert bot.said(leg)[-1] == "Please hold." and play.details[2] is True
    assert bot.recognizer.listening is None
    assert target in bot.telephony.live_legs


@on_a_switchboard()
async def test_without_a_hold_text_there_is_the_hold_sound(bot: Switchboard) -> None:
    leg, _ = await calling(bot, "5")
    assert bot.telephony.asked_for("play", leg)[-1].details[1] == (HOLD,)


@on_a_switchboard()
async def test_both_are_joined_and_then_left_to_themselves(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.ringing(target)
    bot.telephony.pick_up(target)
    await bot.settle()
    assert bot.telephony.joined_to(leg) == target
    assert bot.telephony.names[-1] == "join"
    await bot.after(REFER_SETTLE_S)
    assert bot.telephony.names[-1] == "refer_replacing"
    bot.telephony.refer_progress(leg, 100, is_final=False)
    bot.telephony.refer_progress(leg, 200, is_final=True)
    await bot.settle()
    assert bot.telephony.live_legs == []
    record = bot.record
    assert (record.end_reason, record.ended_by, record.transfer_target) == ("transferred", "bot", "agent")
    assert transfers(bot) == [("connected", "replaced")]


@on_a_switchboard()
async def test_the_record_says_why_the_bot_could_not_call_anybody(bot: Switchboard) -> None:
    _, target = await calling(bot)
    bot.telephony.end(target, 502, ended_by=EndedBy.LOCAL, reason="no address for pbx")
    await bot.settle()
    assert transfers(bot) == [("unreachable", "502 no address for pbx")]


WHISPERING = FLOW.replace("mode: auto,", 'mode: auto, whisper: "A caller from {{ call.from }}.",')


@on_a_switchboard(flow=WHISPERING)
async def test_a_person_is_told_who_is_calling_before_the_two_are_joined(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.pick_up(target)
    await bot.settle()
    assert bot.said(target)[-1] == "A caller from +4930111."
    assert bot.telephony.joined_to(leg) == ""
    await bot.after(10.0)
    assert bot.telephony.joined_to(leg) == target


@on_a_switchboard(flow=WHISPERING)
async def test_a_person_who_hangs_up_during_the_whisper_leaves_the_caller_in_the_flow(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.pick_up(target)
    await bot.settle()
    bot.telephony.end(target, 200)
    await bot.settle()
    assert bot.said(leg)[-1].startswith("Nobody is here.")


@pytest.mark.parametrize(
    ("status", "cause", "said"),
    [(486, None, "It is busy."), (480, None, "Nobody is here."), (404, 1, "Nobody is here."), (503, 17, "It is busy.")],
)
def test_each_failure_reaches_its_exit_with_the_caller_still_there(status: int, cause: int | None, said: str) -> None:
    @on_a_switchboard()
    async def play(bot: Switchboard) -> None:
        leg, target = await calling(bot)
        bot.telephony.end(target, status, hangup_cause=cause)
        await bot.settle()
        assert bot.telephony.live_legs == [leg]
        assert bot.said(leg)[-1].startswith(said)
        await bot.after(5.0)
        await bot.press(leg, "1")
        assert bot.said(leg)[-1] == "Your code?"

    play()


@on_a_switchboard()
async def test_an_unanswered_telephone_stops_ringing(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.ringing(target)
    await bot.after(20.1)
    assert target not in bot.telephony.live_legs
    assert bot.said(leg)[-1].startswith("Nobody is here.")
    assert transfers(bot) == [("no_answer", "no answer in time")]


@on_a_switchboard()
async def test_a_target_that_is_not_configured_takes_the_exit_for_it(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.press(leg, "3")
    assert bot.said(leg)[-1].startswith("It is busy.")


@on_a_switchboard()
async def test_keys_during_a_transfer_and_right_after_it_do_not_count(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    await bot.press(leg, "1")
    bot.telephony.end(target, 486)
    bot.clock.advance()
    bot.telephony.press(leg, "1", every_s=0.0, held_s=1.0)
    await bot.settle()
    assert bot.said(leg)[-1].startswith("It is busy.")
    await bot.after(1.0)
    await bot.press(leg, "1")
    assert bot.said(leg)[-1] == "Your code?"


@on_a_switchboard()
async def test_the_ringing_stops_when_the_caller_leaves(bot: Switchboard) -> None:
    leg, _ = await calling(bot)
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.telephony.live_legs == []
    assert (bot.record.end_reason, bot.record.ended_by) == ("caller_hung_up", "caller")
    assert transfers(bot) == [("hung_up", "")]


@on_a_switchboard()
async def test_a_person_who_hangs_up_ends_the_call(bot: Switchboard) -> None:
    leg, target = await calling(bot, "5")
    bot.telephony.pick_up(target)
    await bot.after(30.0)
    bot.telephony.end(target)
    await bot.settle()
    assert bot.telephony.live_legs == []
    assert (bot.record.end_reason, bot.record.ended_by) == ("transferred", "agent")
    assert bot.telephony.asked_for("hang_up", leg)


@on_a_switchboard()
async def test_a_caller_who_hangs_up_on_the_person_ends_both_legs(bot: Switchboard) -> None:
    leg, target = await calling(bot, "5")
    bot.telephony.pick_up(target)
    await bot.settle()
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.telephony.live_legs == []
    assert (bot.record.end_reason, bot.record.ended_by) == ("transferred", "caller")


@on_a_switchboard()
async def test_a_caller_whose_leg_goes_first_in_an_accepted_replacement_was_transferred(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.pick_up(target)
    await bot.settle()
    bot.telephony.refer_progress(leg, 100, is_final=False)
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.registry.call_count == 1, "the person's leg is waited for"
    bot.telephony.end(target)
    await bot.settle()
    assert bot.registry.call_count == 0
    assert (bot.record.end_reason, bot.record.transfer_target) == ("transferred", "agent")
    assert transfers(bot) == [("connected", "replaced")]


@on_a_switchboard()
async def test_a_person_whom_nobody_takes_over_is_let_go(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.pick_up(target)
    await bot.settle()
    bot.telephony.refer_progress(leg, 100, is_final=False)
    bot.telephony.end(leg)
    await bot.after(2.1)
    assert bot.telephony.live_legs == [] and bot.registry.call_count == 0
    assert bot.telephony.asked_for("hang_up", target)
    assert bot.record.end_reason == "transferred"


@on_a_switchboard()
async def test_the_late_end_of_an_earlier_target_is_not_taken_for_the_present_one(bot: Switchboard) -> None:
    leg, first = await calling(bot, "5")
    bot.telephony.ringing(first)
    bot.clock.advance(5.0)
    await bot.settle()
    second = bot.telephony.dialled()[-1]
    assert second != first
    bot.registry.handle(LegEnded(first, bot.clock.monotonic_s(), EndedBy.LOCAL, 487))
    bot.telephony.pick_up(second)
    await bot.settle()
    assert bot.telephony.joined_to(leg) == second


@on_a_switchboard()
async def test_a_blind_transfer_is_followed_to_its_end(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.press(leg, "4")
    assert bot.telephony.asked_for("refer", leg)[0].details == ("sip:agent@pbx",)
    bot.telephony.refer_progress(leg, 100, is_final=False)
    bot.telephony.refer_progress(leg, 200, is_final=True)
    await bot.settle()
    assert bot.record.end_reason == "transferred" and bot.telephony.live_legs == []


@on_a_switchboard()
async def test_a_blind_transfer_that_is_refused_goes_on_in_the_flow(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.press(leg, "4")
    bot.telephony.refer_progress(leg, 486, is_final=True)
    await bot.settle()
    assert bot.said(leg)[-1].startswith("It is busy.")


@on_a_switchboard(flow=FLOW.replace("mode: auto", "mode: attended"))
async def test_a_caller_whose_person_leaves_before_an_attended_transfer_goes_on_in_the_flow(bot: Switchboard) -> None:
    leg, target = await calling(bot)
    bot.telephony.pick_up(target)
    await bot.settle()
    assert bot.telephony.joined_to(leg) == ""
    bot.telephony.end(target)
    await bot.after(2.1)
    assert bot.said(leg)[-1].startswith("Nobody is here.")


@on_a_switchboard()
async def test_a_shutdown_during_a_transfer_ends_both_legs(bot: Switchboard) -> None:
    await calling(bot)
    await bot.registry.stop(0.0)
    await bot.settle()
    assert bot.telephony.live_legs == []
    assert (bot.record.end_reason, bot.record.ended_by) == ("bot_hung_up", "bot")
