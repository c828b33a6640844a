"""A supervisor in a talk: every state with every event, and on a switchboard."""

from __future__ import annotations

import pytest

from ivr.calls import monitoring as m
from ivr.ports import LegId
from tests.calls.switchboard import Switchboard, on_a_switchboard
from tests.calls.test_driver_queue import FLOW, QUEUES, talks

pytestmark = pytest.mark.unit

S, How = m.MonitorState, m.Participation
LISTEN = m.MonitorWish("eva", "sip:eva@pbx", How.LISTEN)
WHISPER = m.MonitorWish("eva", "sip:eva@pbx", How.WHISPER)
OTHER = m.MonitorWish("otto", "sip:otto@pbx", How.LISTEN)
EVENTS: dict[str, m.MonitorEvent] = {
    "asked": m.Asked(LISTEN),
    "other_way": m.Asked(WHISPER),
    "other_one": m.Asked(OTHER),
    "answered": m.Answered(),
    "ended": m.Ended("486 Busy Here"),
    "talk_ended": m.TalkEnded(),
    "time": m.TimeOver(),
}
TABLE: dict[m.MonitorState, dict[str, tuple[m.MonitorState, str]]] = {
    S.IDLE: {
        "asked": (S.CALLING, "Dial:eva"),
        "other_way": (S.CALLING, "Dial:eva"),
        "other_one": (S.CALLING, "Dial:otto"),
    },
    S.CALLING: {
        "other_one": (S.CALLING, "Refuse"),
        "answered": (S.TAKING_PART, "StopRinging Connect:listen Tell"),
        "ended": (S.IDLE, "StopRinging Tell:not"),
        "talk_ended": (S.IDLE, "StopRinging HangUp Tell:not"),
        "time": (S.IDLE, "HangUp Tell:not"),
    },
    S.TAKING_PART: {
        "asked": (S.TAKING_PART, "Tell"),
        "other_way": (S.TAKING_PART, "Note:eva Connect:whisper Tell"),
        "other_one": (S.TAKING_PART, "Refuse"),
        "ended": (S.IDLE, "Note:eva"),
        "talk_ended": (S.IDLE, "HangUp Note:eva"),
    },
}
"""What each event leads to; one that is not named changes no state and asks for nothing."""


def _told(command: m.MonitorCommand) -> str:
    name = type(command).__name__
    match command:
        case m.Dial(wish=wish) | m.Note(wish=wish):
            return f"{name}:{wish.who}"
        case m.Connect(how=how):
            return f"{name}:{how}"
        case m.Tell(reason=reason):
            return f"{name}:not" if reason else name
    return name


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", list(S))
def test_every_state_with_every_event(state: m.MonitorState, event: str) -> None:
    before = m.MonitorMachine(state, None if state is S.IDLE else LISTEN)
    after, commands = m.advance_monitor(before, EVENTS[event])
    expected, asked_for = TABLE[state].get(event, (state, ""))
    assert (after.state, " ".join(map(_told, commands))) == (expected, asked_for)
    assert (after.wish is None) is (after.state is S.IDLE)


def test_another_way_that_is_asked_for_while_it_rings_is_how_it_begins() -> None:
    machine, _ = m.advance_monitor(m.MonitorMachine(), m.Asked(LISTEN))
    machine, commands = m.advance_monitor(machine, m.Asked(WHISPER))
    assert not commands
    _, commands = m.advance_monitor(machine, m.Answered())
    assert m.Connect(How.WHISPER) in commands


# --- on a switchboard


async def _talk(bot: Switchboard, key: str = "5") -> tuple[LegId, LegId]:
    """Caller and person, joined (by `twice`: a bridge)."""
    caller = await bot.answered()
    await bot.press(caller, key)
    (person,) = bot.telephony.dialled()
    bot.telephony.pick_up(person)
    await bot.settle()
    return caller, person


class _Asker(list[str]):
    """What came of what was asked for."""

    async def ask(self, bot: Switchboard, wish: m.MonitorWish = LISTEN) -> bool:
        is_here = bot.registry.monitor(bot.record.id, wish, self.append)
        await bot.settle()
        return is_here


ALLOWED = m.MonitorRules(is_allowed=True, account="trunk", ring_for_s=7.0)


def _lines(bot: Switchboard) -> list[tuple[str, str, str]]:
    return [(line.meaning, line.outcome, line.detail) for line in bot.record.steps if line.kind == "monitor"]


@on_a_switchboard(monitoring=ALLOWED)
async def test_a_supervisor_listens_whispers_and_leaves_and_the_talk_goes_on(bot: Switchboard) -> None:
    caller, person = await _talk(bot)
    assert bot.registry.talks == [bot.record.id]
    asker = _Asker()
    assert await asker.ask(bot)
    supervisor = bot.telephony.dialled()[-1]
    request = bot.telephony.asked_for("dial")[-1].details[0]
    assert (request.uri, request.account) == (LISTEN.uri, "trunk") and not asker
    assert request.headers == {"X-IVR-Call-Id": bot.record.id, "X-IVR-Monitor": "listen"}
    bot.telephony.pick_up(supervisor)
    await bot.after(4.0)
    assert asker == [""]
    await asker.ask(bot, WHISPER)
    assert asker == ["", ""]
    parts = [asked.details for asked in bot.telephony.asked_for("take_part", supervisor)]
    assert parts == [(caller, person, How.LISTEN), (caller, person, How.WHISPER)]
    await bot.after(3.0)
    bot.telephony.end(supervisor)
    await bot.settle()
    assert bot.telephony.joined_to(caller) == person
    assert _lines(bot) == [("eva", "listen", "4 s"), ("eva", "whisper", "3 s")]
    bot.telephony.end(caller)
    await bot.settle()
    assert bot.telephony.live_legs == []


@pytest.mark.parametrize("who", ["caller", "person"])
def test_it_ends_with_the_talk(who: str) -> None:
    @on_a_switchboard(monitoring=ALLOWED)
    async def play(bot: Switchboard) -> None:
        caller, person = await _talk(bot)
        await _Asker().ask(bot)
        supervisor = bot.telephony.dialled()[-1]
        bot.telephony.pick_up(supervisor)
        await bot.after(2.0)
        bot.telephony.end(caller if who == "caller" else person)
        await bot.settle()
        assert bot.telephony.live_legs == []
        assert _lines(bot) == [("eva", "listen", "2 s")]
        assert bot.record.end_reason == "transferred"

    play()


@on_a_switchboard(monitoring=ALLOWED)
async def test_who_is_not_reached_or_does_not_answer_is_told_and_the_talk_goes_on(bot: Switchboard) -> None:
    caller, person = await _talk(bot)
    asker = _Asker()
    await asker.ask(bot)
    bot.telephony.end(bot.telephony.dialled()[-1], 486, reason="Busy Here")
    await bot.settle()
    await asker.ask(bot)
    await bot.after(7.0)
    assert asker == ["the telephone of eva was not reached: 486 Busy Here", "eva did not answer"]
    assert bot.telephony.joined_to(caller) == person and bot.telephony.live_legs == [caller, person]
    assert not _lines(bot)


@on_a_switchboard(monitoring=ALLOWED)
async def test_without_a_free_leg_the_asker_is_told(bot: Switchboard) -> None:
    caller, person = await _talk(bot)
    bot.telephony.max_legs = 2
    asker = _Asker()
    await asker.ask(bot)
    assert asker == ["the telephone of eva was not reached: 503 no free leg"]
    assert bot.telephony.joined_to(caller) == person


@on_a_switchboard(monitoring=ALLOWED)
async def test_what_ends_while_the_supervisors_telephone_rings_ends_that_too(bot: Switchboard) -> None:
    caller, _ = await _talk(bot)
    asker = _Asker()
    await asker.ask(bot)
    bot.telephony.end(caller)
    await bot.settle()
    assert asker == ["the talk ended before the supervisor answered"] and bot.telephony.live_legs == []


@on_a_switchboard(monitoring=ALLOWED)
async def test_there_is_nothing_to_listen_to_before_a_talk_and_while_it_is_handed_over(bot: Switchboard) -> None:
    asker = _Asker()
    await bot.answered()
    await asker.ask(bot)
    (caller,) = bot.telephony.live_legs
    await bot.press(caller, "2")
    await asker.ask(bot)
    bot.telephony.pick_up(bot.telephony.dialled()[0])
    await bot.settle()
    await asker.ask(bot)
    no_talk = "the caller does not talk with a person now"
    assert asker[:2] == [no_talk, no_talk] and "handed over by REFER" in asker[2]
    assert len(bot.telephony.dialled()) == 1
    assert not bot.registry.monitor("another", LISTEN, asker.append)


@on_a_switchboard()
async def test_it_is_refused_where_the_settings_do_not_allow_it(bot: Switchboard) -> None:
    await _talk(bot)
    asker = _Asker()
    assert await asker.ask(bot) and bot.registry.talks == []
    assert asker == [m.NOT_ALLOWED] and len(bot.telephony.dialled()) == 1


@on_a_switchboard(flow=FLOW, queues=QUEUES, monitoring=ALLOWED)
async def test_a_talk_with_an_agent_of_a_queue_is_one_to_take_part_in(bot: Switchboard) -> None:
    caller, agent = await talks(bot)
    assert bot.registry.talks == [bot.record.id]
    await _Asker().ask(bot)
    supervisor = bot.telephony.dialled()[-1]
    bot.telephony.pick_up(supervisor)
    await bot.after(5.0)
    assert bot.telephony.asked_for("take_part")[-1].details == (caller, agent, How.LISTEN)
    bot.telephony.end(agent)
    await bot.settle()
    assert supervisor not in bot.telephony.live_legs and bot.registry.talks == []
    assert _lines(bot) == [("eva", "listen", "5 s")]
