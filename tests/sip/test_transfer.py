from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ivr.ports import DialRequest, EndedBy, LegAnswered, LegEnded, LegId, LegReferred, Participation, ReferProgressed
from ivr.testing.sip_peer import FailRefer, FollowRefer, IgnoreRefer, PeerCall, RefuseRefer, SipPeer
from ivr.testing.sip_peer.measure import spans_of_tone
from tests.sip.bot import Bot, scenario, write_tone
from tests.waiting import until

pytestmark = pytest.mark.adapter


async def answered(bot: Bot, phone: SipPeer) -> tuple[PeerCall, LegId]:
    """A call that is up on both sides."""
    call = await phone.dial(bot.uri)
    return call, (await bot.wait(LegAnswered)).leg_id


async def consulted(bot: Bot, agent: SipPeer) -> tuple[PeerCall, LegId]:
    """A call from the bot to the agent."""
    leg_id = bot.telephony.dial(DialRequest(agent.uri))
    call = await agent.wait_call()
    await bot.wait(LegAnswered, leg_id)
    return call, leg_id


async def final(bot: Bot) -> ReferProgressed:
    """The last word on the REFER."""
    await until(lambda: any(event.is_final for event in bot.seen(ReferProgressed)), "end of REFER", 5.0, shown=bot.dump)
    return next(event for event in bot.seen(ReferProgressed) if event.is_final)


@scenario
async def test_joined_legs_hear_each_other_and_no_prompt(tmp_path: Path) -> None:
    hold = write_tone(tmp_path / "hold.wav", 300, 1.0)
    async with Bot() as bot, SipPeer() as phone, SipPeer(user="agent") as agent:
        caller_call, caller = await answered(bot, phone)
        bot.telephony.play(caller, "hold", [hold], loop=True)
        agent_call, leg_id = await consulted(bot, agent)
        await asyncio.sleep(0.2)
        bot.telephony.join(caller, leg_id)
        await asyncio.sleep(0.2)
        caller_call.send_tone(440, 0.5)
        await agent_call.send_tone(1000, 0.5).wait()
        await asyncio.sleep(0.3)
        heard_by_caller, heard_by_agent = caller_call.received_audio(), agent_call.received_audio()
    for audio, hz in ((heard_by_caller, 1000), (heard_by_agent, 440)):
        spans = spans_of_tone(audio, hz)
        assert len(spans) == 1, spans
        assert spans[0][1] - spans[0][0] == pytest.approx(0.5, abs=0.08)
    assert spans_of_tone(heard_by_caller, 300)[-1][1] <= spans_of_tone(heard_by_caller, 1000)[0][0]


@scenario
async def test_the_other_leg_lives_on_after_a_bridge_and_can_be_played_to(tmp_path: Path) -> None:
    tone = write_tone(tmp_path / "t.wav", 700, 0.4)
    async with Bot() as bot, SipPeer() as phone, SipPeer(user="agent") as agent:
        caller_call, caller = await answered(bot, phone)
        agent_call, leg_id = await consulted(bot, agent)
        bot.telephony.join(caller, leg_id)
        await asyncio.sleep(0.1)
        await agent_call.hang_up()
        assert (await bot.wait(LegEnded, leg_id)).ended_by is EndedBy.REMOTE
        bot.telephony.play(caller, "p", [tone])
        await caller_call.wait_sound()
    bot.assert_ended_once()


@scenario
async def test_a_followed_refer_reports_progress_to_the_end() -> None:
    async with Bot() as bot, SipPeer(refer=FollowRefer()) as phone, SipPeer(user="agent") as agent:
        call, leg_id = await answered(bot, phone)
        bot.telephony.refer(leg_id, agent.uri)
        done = await final(bot)
        assert done.sip_status == 200
        assert bot.seen(ReferProgressed)[0].sip_status == 100
        assert call.transferred_to is not None
        bot.telephony.hang_up(leg_id)
        await bot.wait(LegEnded, leg_id)


@pytest.mark.parametrize(
    ("policy", "status"),
    [(RefuseRefer(603), 603), (RefuseRefer(405), 405), (FailRefer(404), 404), (FailRefer(503), 503)],
)
def test_a_refused_or_failed_refer_leaves_the_caller_with_us(
    policy: RefuseRefer | FailRefer, status: int, tmp_path: Path
) -> None:
    tone = write_tone(tmp_path / "t.wav", 700, 0.3)

    @scenario
    async def run() -> None:
        async with Bot() as bot, SipPeer(refer=policy) as phone:
            call, leg_id = await answered(bot, phone)
            bot.telephony.refer(leg_id, "sip:1@127.0.0.1:9")
            assert (await final(bot)).sip_status == status
            bot.telephony.play(leg_id, "again", [tone])
            await call.wait_sound()
            assert len([event for event in bot.seen(ReferProgressed) if event.is_final]) == 1

    run()


@scenario
async def test_an_accepted_refer_without_notify_is_not_final() -> None:
    async with Bot() as bot, SipPeer(refer=IgnoreRefer()) as phone:
        _, leg_id = await answered(bot, phone)
        bot.telephony.refer(leg_id, "sip:1@127.0.0.1:9")
        await bot.wait(ReferProgressed)
        await asyncio.sleep(0.2)
        assert not any(event.is_final for event in bot.seen(ReferProgressed))


@scenario
async def test_an_attended_transfer_connects_both_and_frees_the_bot() -> None:
    async with Bot() as bot, SipPeer(refer=FollowRefer()) as phone, SipPeer(user="agent") as agent:
        call, caller = await answered(bot, phone)
        agent_call, consult = await consulted(bot, agent)
        bot.telephony.refer_replacing(caller, consult)
        assert (await final(bot)).sip_status == 200
        await bot.wait(LegEnded, consult)
        bot.telephony.hang_up(caller)
        await bot.wait(LegEnded, caller)
        taken_over = next(other for other in agent.calls if other.replaced is agent_call)
        assert call.transferred_to is not None
        call.transferred_to.send_tone(440, 0.4)
        await taken_over.wait_sound()


@scenario
async def test_a_bot_refuses_refer_and_replaces() -> None:
    async with Bot() as bot, SipPeer() as phone, SipPeer(user="other") as other:
        call, leg_id = await answered(bot, phone)
        assert (await call.refer(other.uri)).status == 603
        dialog = call.dialog
        local_tag = dialog.local.split("tag=")[1]
        remote_tag = dialog.remote.split("tag=")[1]
        replaces = f"{call.call_id};to-tag={remote_tag};from-tag={local_tag}"
        taking = await other.dial(bot.uri, headers={"Replaces": replaces, "Require": "replaces"})
        assert taking.status == 603
        assert not bot.seen(LegEnded, leg_id)
        assert not bot.seen(LegReferred)


@scenario
async def test_a_telephone_follows_refer_to_a_new_leg() -> None:
    async with Bot(follows_refer=True) as bot, SipPeer() as phone, SipPeer(user="agent") as agent:
        call, leg_id = await answered(bot, phone)
        assert (await call.refer(agent.uri)).status == 202
        new_leg_id = (await bot.wait(LegReferred, leg_id)).new_leg_id
        await bot.wait(LegAnswered, new_leg_id)
        assert (await call.wait_refer_done()).status == 200
        await call.hang_up()
        await bot.wait(LegEnded, leg_id)
        agent_call = await agent.wait_call()
        agent_call.send_tone(1000, 0.3)
        bot.telephony.hang_up(new_leg_id)
        await agent_call.wait_ended()
    bot.assert_ended_once()


@scenario
async def test_a_telephone_is_taken_over_by_replaces() -> None:
    async with Bot(follows_refer=True) as bot, SipPeer() as phone, SipPeer(user="other") as other:
        call, leg_id = await answered(bot, phone)
        local_tag, remote_tag = call.dialog.local.split("tag=")[1], call.dialog.remote.split("tag=")[1]
        replaces = f"{call.call_id};to-tag={remote_tag};from-tag={local_tag}"
        taking = await other.dial(bot.uri, headers={"Replaces": replaces, "Require": "replaces"})
        assert taking.status == 200
        new_leg_id = (await bot.wait(LegReferred, leg_id)).new_leg_id
        await bot.wait(LegAnswered, new_leg_id)
        await bot.wait(LegEnded, leg_id)
        await call.wait_ended()
    bot.assert_ended_once()


@scenario
async def test_a_third_party_hears_both_and_is_heard_as_it_was_asked_for() -> None:
    how = Participation
    heard_by: dict[Participation, set[str]] = {}
    async with (
        Bot() as bot,
        SipPeer() as phone,
        SipPeer(user="agent") as agent,
        SipPeer(user="supervisor") as supervisor,
    ):
        caller_call, caller = await answered(bot, phone)
        agent_call, person = await consulted(bot, agent)
        bot.telephony.join(caller, person)
        third_call, third = await consulted(bot, supervisor)
        calls = {"caller": caller_call, "agent": agent_call}
        for number, asked in enumerate((how.LISTEN, how.WHISPER, how.JOIN, how.LISTEN)):
            bot.telephony.take_part(third, caller, person, asked)
            await asyncio.sleep(0.2)
            await third_call.send_tone(800 + 100 * number, 0.4).wait()
            await asyncio.sleep(0.3)
            hears = {name for name, call in calls.items() if spans_of_tone(call.received_audio(), 800 + 100 * number)}
            assert heard_by.setdefault(asked, hears) == hears
        await caller_call.send_tone(440, 0.4).wait()
        await agent_call.send_tone(1330, 0.4).wait()
        await asyncio.sleep(0.3)
        for hz in (440, 1330):
            assert spans_of_tone(third_call.received_audio(), hz), hz
        await third_call.hang_up()
        await bot.wait(LegEnded, third)
        await agent_call.send_tone(1500, 0.4).wait()
        await asyncio.sleep(0.3)
        assert spans_of_tone(caller_call.received_audio(), 1500), "the talk goes on"
    assert heard_by == {how.LISTEN: set(), how.WHISPER: {"agent"}, how.JOIN: {"caller", "agent"}}
    bot.assert_ended_once()
