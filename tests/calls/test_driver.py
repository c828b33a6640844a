"""One live call: events of legs to the engine, its commands to the ports, on a manual clock."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo

import pytest

from ivr.calls import prompt_player
from ivr.flow.commands import RESUME_BACK_S
from ivr.ports import DtmfMethod, PlayFailed
from tests.calls.switchboard import FLOW, Switchboard, on_a_switchboard

pytestmark = pytest.mark.unit


def outcomes(bot: Switchboard) -> list[tuple[str, str]]:
    return [(line.step, line.outcome) for line in bot.record.steps]


# --- what the call knows


CLOCK = """
flow: desk
language: en-US
start: main
steps:
  main: {menu: {prompt: "It is {{ call.time }} on {{ call.today }}.", choices: {end: {keys: "1", go: hang_up}}}}
"""


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_a_call_knows_the_local_time_of_the_settings(zone: str) -> None:
    @on_a_switchboard(flow=CLOCK, timezone=zone)
    async def play(bot: Switchboard) -> None:
        leg = await bot.offer()
        local = bot.clock.now().astimezone(ZoneInfo(zone))
        assert bot.said(leg) == [f"It is {local:%H:%M} on {local:%Y-%m-%d}."]

    play()


def test_what_makes_prompts_is_kept_awake_where_values_are_said() -> None:
    woken = []
    for flow in (CLOCK, CLOCK.replace("It is {{ call.time }} on {{ call.today }}.", "Press 1.")):

        @on_a_switchboard(flow=flow)
        async def play(bot: Switchboard) -> None:
            await bot.offer()
            woken.append(bot.prompts.wakes)

        play()
    assert woken == [1, 0]


# --- answering


@on_a_switchboard()
async def test_nothing_but_the_answer_goes_out_before_the_call_is_answered(bot: Switchboard) -> None:
    leg = bot.telephony.offer()
    bot.clock.advance()
    assert bot.telephony.names == []
    await asyncio.sleep(0)
    assert bot.telephony.names == ["answer"]
    await bot.settle()
    assert bot.telephony.names == ["answer", "play", "listen"]
    assert bot.said(leg) == ["Press 1 or 2."]


@on_a_switchboard()
async def test_a_greeting_is_rendered_before_the_answer(bot: Switchboard) -> None:
    bot.prompts.is_cold, bot.prompts.gate = True, asyncio.Event()
    leg = await bot.offer()
    assert bot.telephony.names == ["ring"]
    bot.prompts.gate.set()
    await bot.settle()
    assert bot.telephony.names == ["ring", "answer", "play", "listen"]
    assert bot.said(leg) == ["Press 1 or 2."]


def test_a_greeting_that_takes_too_long_does_not_hold_the_answer_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_player, "GREETING_LIMIT_S", 0.0)

    @on_a_switchboard()
    async def play(bot: Switchboard) -> None:
        bot.prompts.is_cold, bot.prompts.gate = True, asyncio.Event()
        leg = await bot.offer()
        assert bot.telephony.names == ["ring", "answer", "listen"]
        bot.prompts.gate.set()
        await bot.settle()
        assert bot.said(leg) == ["Press 1 or 2."]

    play()


@on_a_switchboard()
async def test_a_greeting_that_cannot_be_rendered_leads_to_on_error(bot: Switchboard) -> None:
    bot.prompts.broken.add("Press 1 or 2.")
    leg = await bot.offer()
    assert bot.telephony.names[:2] == ["ring", "answer"]
    assert ("main", "error") in outcomes(bot)
    assert bot.said(leg) == ["Sorry."], "what could be made is heard"
    bot.prompts.broken.clear()


@on_a_switchboard()
async def test_a_caller_who_leaves_before_the_answer(bot: Switchboard) -> None:
    bot.prompts.is_cold, bot.prompts.gate = True, asyncio.Event()
    leg = await bot.offer()
    bot.telephony.end(leg, 487)
    await bot.settle()
    assert "answer" not in bot.telephony.names
    assert (bot.record.end_reason, bot.record.ended_by, bot.record.sip_status) == ("caller_hung_up", "caller", 487)
    assert bot.record.answered_at is None


@on_a_switchboard(
    flow=FLOW.replace("start: main", "start: no").replace("steps:", "steps:\n  no: {hang_up: {status: 486}}")
)
async def test_a_call_that_the_flow_refuses(bot: Switchboard) -> None:
    await bot.offer()
    assert [(asked.name, asked.details) for asked in bot.telephony.asked] == [("reject", (486,))]
    assert (bot.record.end_reason, bot.record.ended_by, bot.record.sip_status) == ("rejected", "bot", 486)


@on_a_switchboard(lead_in_s=0.2)
async def test_silence_leads_in_the_first_words_only(bot: Switchboard) -> None:
    leg = await bot.offer()
    await bot.press(leg, "7")
    await bot.after(1.0)
    await bot.press(leg, "7")
    await bot.after(1.0)
    lead_ins = [asked.details[3] for asked in bot.telephony.asked_for("play", leg)]
    assert lead_ins[0] == pytest.approx(0.2) and lead_ins[-1] == 0.0


@on_a_switchboard(
    lead_in_s=0.2,
    with_recognizer=False,
    flow=FLOW.replace("      choices", '      keys_prompt: "Keys."\n      choices', 1),
)
async def test_a_first_prompt_that_is_replaced_at_once_keeps_its_silence(bot: Switchboard) -> None:
    leg = await bot.offer()
    assert bot.said(leg) == ["Press 1 or 2.", "Keys."]
    assert bot.telephony.asked_for("play", leg)[-1].details[3] == pytest.approx(0.2)


# --- talking


@on_a_switchboard()
async def test_a_call_by_keys_and_voice(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.says("code")
    assert bot.said(leg)[-1] == "Your code?"
    await bot.press(leg, "42")
    assert bot.said(leg)[-1] == "It is 4 2. Press 1 or 2."
    await bot.press(leg, "9")
    assert bot.telephony.live_legs == []
    record = bot.record
    assert (record.end_reason, record.ended_by, record.sip_status) == ("bot_hung_up", "bot", 200)
    assert [(line.step, line.outcome, line.heard) for line in record.steps] == [
        ("main", "match", "code"), ("code", "match", "***"), ("told", "done", ""), ("main", "match", "9"),
    ]  # fmt: skip
    assert record.variables["code"] == "***"


@on_a_switchboard(lead_in_s=0.2)
async def test_a_prompt_that_noise_stopped_goes_on_where_it_was(bot: Switchboard) -> None:
    leg = await bot.offer()
    await bot.after(0.2 + 1.0)
    bot.recognizer.hears_speech()
    await bot.settle()
    assert not bot.telephony.playing(leg)
    await bot.says("")
    first, again = bot.telephony.asked_for("play", leg)
    assert bot.telephony.playing(leg) and again.details[1] == first.details[1]
    assert again.details[4] == pytest.approx(1.0 - RESUME_BACK_S)


@on_a_switchboard()
async def test_the_recognizer_learns_what_a_whole_answer_is_and_whose_line_it_hears(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.says("code")
    menu, code = (stream.request for stream in bot.recognizer.streams)
    assert menu.line == code.line == leg
    assert menu.expected is not None and ("person", "choice:person") in menu.expected.phrases
    assert code.expected is not None and code.expected.rules is not None and code.expected.rules.max_length == 2
    assert (code.complete_silence_s, code.final_silence_s, code.incomplete_silence_s) == (0.35, 0.7, 1.2)


@on_a_switchboard()
async def test_a_key_stops_the_prompt(bot: Switchboard) -> None:
    leg = await bot.offer()
    await bot.after(0.4)
    await bot.press(leg, "1")
    names = bot.telephony.names
    assert names.index("stop_playing") > names.index("play")
    assert bot.said(leg)[-1] == "Your code?"


@on_a_switchboard()
async def test_a_key_held_from_before_the_call_does_not_count(bot: Switchboard) -> None:
    leg = await bot.offer()
    bot.telephony.press(leg, "1", held_s=2.0)
    await bot.settle()
    assert bot.said(leg) == ["Press 1 or 2."]


@on_a_switchboard()
async def test_a_key_before_the_answer_does_not_count(bot: Switchboard) -> None:
    bot.prompts.is_cold, bot.prompts.gate = True, asyncio.Event()
    leg = await bot.offer()
    await bot.press(leg, "1")
    bot.prompts.gate.set()
    await bot.settle()
    assert bot.said(leg) == ["Press 1 or 2."]


@on_a_switchboard()
async def test_keys_sent_by_both_methods_count_once(bot: Switchboard) -> None:
    leg = await bot.answered()
    await bot.press(leg, "1")
    await bot.after(1.0)
    for method in (DtmfMethod.RFC4733, DtmfMethod.SIP_INFO, DtmfMethod.RFC4733, DtmfMethod.SIP_INFO):
        bot.telephony.press(leg, "5", method, every_s=0.1)
    await bot.settle()
    assert bot.said(leg)[-1].startswith("It is 5 5.")


@on_a_switchboard()
async def test_silence_is_asked_about_and_ends_the_call(bot: Switchboard) -> None:
    leg = await bot.answered()
    for _ in range(60):
        await bot.after(1.0)
    assert "did not hear" in bot.said(leg)[1]
    assert bot.telephony.live_legs == []
    assert [outcome for _, outcome in outcomes(bot)] == ["no_input"] * 3


@on_a_switchboard()
async def test_a_prompt_that_was_replaced_while_it_was_rendered_is_not_played_late(bot: Switchboard) -> None:
    leg = await bot.answered()
    bot.prompts.is_cold, bot.prompts.gate = True, asyncio.Event()
    await bot.press(leg, "1")
    await bot.press(leg, "4")
    await bot.press(leg, "2")
    bot.prompts.gate.set()
    await bot.settle()
    assert bot.said(leg) == ["Press 1 or 2.", "It is 4 2. Press 1 or 2."]


@on_a_switchboard()
async def test_a_prompt_that_fails_after_it_was_replaced_is_no_failure(bot: Switchboard) -> None:
    leg = await bot.answered()
    bot.prompts.gate = asyncio.Event()
    bot.prompts.broken.add("Your code?")
    await bot.press(leg, "1")
    await bot.press(leg, "42")
    bot.prompts.gate.set()
    await bot.settle()
    assert not [outcome for _, outcome in outcomes(bot) if outcome == "error"]


@on_a_switchboard()
async def test_a_file_that_cannot_be_played_leads_to_on_error(bot: Switchboard) -> None:
    leg = await bot.offer()
    bot.registry.handle(PlayFailed(leg, bot.clock.monotonic_s(), "old", "an earlier one"))
    bot.registry.handle(PlayFailed(leg, bot.clock.monotonic_s(), bot.telephony.playing(leg), "no such file"))
    await bot.settle()
    assert bot.said(leg)[-1] == "Sorry. Press 1 or 2."
    assert [line.detail for line in bot.record.steps if line.outcome == "error"] == ["no such file"]


# --- hearing


@on_a_switchboard()
async def test_audio_goes_to_the_recognizer_while_the_flow_listens(bot: Switchboard) -> None:
    leg = await bot.answered()
    sink = bot.telephony.sink_of(leg)
    assert sink is bot.recognizer.listening
    request = bot.recognizer.streams[0].request
    assert request.phrases == ("code", "person") and request.language == "en-US" and not request.is_sensitive
    await bot.press(leg, "1")
    assert bot.recognizer.streams[0].is_closed
    assert bot.recognizer.streams[-1].request.is_sensitive


@pytest.mark.parametrize("with_recognizer", [True, False])
def test_without_a_recognizer_the_call_goes_on_by_keys(with_recognizer: bool) -> None:
    @on_a_switchboard(with_recognizer=with_recognizer)
    async def play(bot: Switchboard) -> None:
        bot.recognizer.languages = frozenset()
        leg = await bot.answered()
        assert bot.telephony.sink_of(leg) is None
        await bot.press(leg, "1")
        await bot.press(leg, "42")
        assert bot.said(leg)[-1].startswith("It is 4 2.")
        assert not any(line.kind == "hearing" for line in bot.record.steps), "that there is none is no news"

    play()


@on_a_switchboard()
async def test_a_recognizer_that_breaks_leaves_the_keys(bot: Switchboard) -> None:
    leg = await bot.answered()
    bot.recognizer.breaks()
    await bot.settle()
    assert bot.recognizer.listening is None
    await bot.press(leg, "1")
    assert bot.said(leg)[-1] == "Your code?" and bot.recognizer.listening is None
    assert hearing_lines(bot) == [("keys_only", "the engine stopped")]


TELLING = """
flow: desk
language: en-US
start: main
steps:
  main: {ask: free, prompt: "What happened?", into: what, final_silence: 5s, skipped: hang_up, next: said}
  said: {say: "You said {{ what }}.", next: hang_up}
"""


@on_a_switchboard(flow=TELLING)
async def test_a_key_ends_free_speech_without_its_silence(bot: Switchboard) -> None:
    leg = await bot.answered()
    bot.recognizer.says("it is broken")
    await bot.settle()
    await bot.press(leg, "#")
    assert bot.said(leg)[-1] == "You said it is broken."


@on_a_switchboard()
async def test_a_recognizer_that_refuses_to_listen_leaves_the_keys_and_the_record_says_so(bot: Switchboard) -> None:
    bot.recognizer.close()
    leg = await bot.answered()
    await bot.press(leg, "1")
    assert bot.said(leg)[-1] == "Your code?"
    assert hearing_lines(bot) == [("keys_only", "the recognizer is closed")]


def hearing_lines(bot: Switchboard) -> list[tuple[str, str]]:
    """What the record tells of recognizers that failed."""
    return [(line.outcome, line.detail) for line in bot.record.steps if line.kind == "hearing"]
