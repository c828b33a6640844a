"""Peers that hand each other over (REFER, Replaces): real sockets, real time."""

from __future__ import annotations

import pytest

from ivr.testing.sip_peer import (
    BUSY,
    FailRefer,
    FollowRefer,
    IgnoreRefer,
    RefuseRefer,
    SipPeer,
)
from tests.testing.peers import connected, run

pytestmark = [pytest.mark.adapter, pytest.mark.usefixtures("nothing_is_left")]


def test_a_blind_transfer_is_followed_and_reported() -> None:
    async def work() -> None:
        async with SipPeer(user="bot") as bot, SipPeer(user="caller") as caller, SipPeer(user="agent") as agent:
            call, other = await connected(caller, bot)
            response = await other.refer(agent.uri)
            assert response.status == 202
            final = await other.wait_refer_done(3)
            assert [entry.status for entry in other.notifies] == [100, 180, 200]
            assert final.status == 200
            await other.hang_up()
            moved = call.transferred_to
            at_agent = await agent.wait_call()
            assert moved is not None and moved.is_answered
            at_agent.send_tone(700, 0.3)
            await moved.wait_sound(2)

    run(work)


def test_a_transfer_to_a_busy_agent_reports_486_and_keeps_the_call() -> None:
    async def work() -> None:
        async with SipPeer() as bot, SipPeer() as caller, SipPeer(incoming=BUSY) as agent:
            call, other = await connected(caller, bot)
            await other.refer(agent.uri)
            assert (await other.wait_refer_done(3)).status == 486
            assert not call.is_ended

    run(work)


def test_an_attended_transfer_replaces_the_consultation() -> None:
    async def work() -> None:
        async with SipPeer(user="bot") as bot, SipPeer(user="caller") as caller, SipPeer(user="agent") as agent:
            call, at_bot = await connected(caller, bot)
            consultation, at_agent = await connected(bot, agent)
            await at_bot.refer("", replaces=consultation)
            assert (await at_bot.wait_refer_done(3)).status == 200
            await consultation.wait_ended(2)
            assert (consultation.ended_by, at_agent.ended_by) == ("remote", "local")
            taken_over = await agent.wait_call()
            assert taken_over.replaced is at_agent
            assert call.transferred_to is not None
            call.transferred_to.send_tone(440, 0.3)
            await taken_over.wait_sound(2)

    run(work)


def test_replacing_a_call_that_is_not_there_is_481() -> None:
    async def work() -> None:
        async with SipPeer() as agent, SipPeer() as caller:
            call = await caller.dial(agent.uri, headers={"Replaces": "nothing;to-tag=1;from-tag=2"})
            assert call.status == 481

    run(work)


def test_refers_can_be_refused_fail_or_stay_silent() -> None:
    async def work() -> None:
        async with SipPeer() as bot, SipPeer() as caller:
            _, other = await connected(caller, bot)
            caller.refer_policy = RefuseRefer()
            assert (await other.refer("sip:x@127.0.0.1:9")).status == 603
            caller.refer_policy = IgnoreRefer()
            assert (await other.refer("sip:x@127.0.0.1:9")).status == 202
            caller.refer_policy = FailRefer(503)
            assert (await other.refer("sip:x@127.0.0.1:9")).status == 202
            await other.wait_refer_done(2)
            assert [(entry.status, entry.is_final) for entry in other.notifies] == [(100, False), (503, True)]
            assert FollowRefer() == SipPeer(refer=None).refer_policy

    run(work)
