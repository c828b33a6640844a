"""request, send and hours in a live call: the driver carries work to the services and what came of it back."""

from __future__ import annotations

import asyncio

import pytest

from ivr.calls.jobs import CallJobs, Services
from ivr.flow import commands as c
from ivr.flow.jobs import HoursJob, HttpJob, Job, JobOutcome, JobResult, SendJob, SipMessage
from tests.calls.switchboard import Switchboard, on_a_switchboard
from tests.scenario import scenario

pytestmark = pytest.mark.unit

URL = "https://crm.example.com/accounts/42"

FLOW = """
flow: desk
language: en-US
start: now
variables: {account: "42"}
defaults: {failed: sorry}
steps:
  now: {hours: office, open: look_up, closed: shut}
  shut: {hang_up: {status: 480}}
  look_up:
    request: {get: "https://crm.example.com/accounts/{{ account }}", into: found}
    waiting: {text: "One moment.", after: 1s}
    error: sorry
    next: tell
  tell: {say: "You owe {{ found.balance }}.", next: main}
  main: {menu: {prompt: "Press 1 or 2.", choices: {one: {keys: "1", go: told}, two: {keys: "2", go: ring}}}}
  told: {send: {webhook: crm, variables: [found]}, next: bye}
  ring: {send: {message: agent, text: "A call.", wait: true}, failed: sorry, next: bye}
  bye: {say: "Bye.", next: hang_up}
  sorry: {say: "Sorry.", next: hang_up}
"""
ON = on_a_switchboard(flow=FLOW)


def is_open(bot: Switchboard) -> None:
    bot.calendars.states["office"] = "open"


def steps_of(bot: Switchboard) -> list[tuple[str, str, str]]:
    return [(line.kind, line.step, line.outcome) for line in bot.record.steps]


@ON
async def test_a_call_through_hours_request_and_webhook(bot: Switchboard) -> None:
    is_open(bot)
    bot.data.answers[URL] = (200, {"balance": 12.5})
    leg = await bot.offer()
    assert bot.said(leg) == ["You owe 12.5. Press 1 or 2."]
    await bot.after(5.0)
    await bot.press(leg, "1")
    (message,) = bot.messages.posted
    assert message.data == {"found": {"balance": 12.5}}  # type: ignore[union-attr]
    await bot.after(5.0)
    assert ("hours", "now", "open") in steps_of(bot) and ("request", "look_up", "done") in steps_of(bot)
    assert ("send", "told", "done") in steps_of(bot) and bot.record.end_reason == "bot_hung_up"


@ON
async def test_out_of_hours_the_call_is_refused_unanswered(bot: Switchboard) -> None:
    bot.calendars.states["office"] = "closed"
    await bot.offer()
    assert [(asked.name, asked.details) for asked in bot.telephony.asked] == [("reject", (480,))]
    assert (bot.record.end_reason, bot.record.sip_status) == ("rejected", 480)


@ON
async def test_the_caller_hears_something_while_he_waits_and_not_longer(bot: Switchboard) -> None:
    is_open(bot)
    bot.data.answers[URL] = (200, {"balance": 1})
    bot.data.gate = asyncio.Event()
    leg = await bot.offer()
    assert "answer" in bot.telephony.names and bot.said(leg) == []
    await bot.after(1.1)
    assert bot.said(leg) == ["One moment."]
    await bot.after(30.0)
    assert bot.said(leg).count("One moment.") > 2
    bot.data.gate.set()
    await bot.settle()
    assert bot.said(leg)[-1] == "You owe 1. Press 1 or 2."


@ON
async def test_a_caller_who_leaves_takes_his_question_with_him(bot: Switchboard) -> None:
    is_open(bot)
    bot.data.gate = asyncio.Event()
    leg = await bot.offer()
    await bot.after(2.0)
    bot.telephony.end(leg)
    await bot.settle()
    assert len(bot.data.given_up) == 1
    assert steps_of(bot)[-1] == ("request", "look_up", "hung_up")
    assert bot.record.end_reason == "caller_hung_up"


@on_a_switchboard(flow=FLOW.replace("into: found", "into: found, keep: true"))
async def test_a_question_that_is_kept_is_asked_to_its_end(bot: Switchboard) -> None:
    is_open(bot)
    bot.data.gate = asyncio.Event()
    leg = await bot.offer()
    bot.telephony.end(leg)
    await bot.settle()
    assert bot.data.given_up == [] and bot.registry.call_count == 0
    bot.data.gate.set()
    await bot.settle()
    assert bot.data.given_up == [] and bot.record.end_reason == "caller_hung_up"


@ON
async def test_a_service_that_does_not_answer_leads_to_the_error_exit(bot: Switchboard) -> None:
    is_open(bot)
    leg = await bot.offer()
    assert bot.said(leg) == ["Sorry."]
    assert ("request", "look_up", "error") in steps_of(bot)


@ON
async def test_keys_pressed_while_waiting_answer_the_menu(bot: Switchboard) -> None:
    is_open(bot)
    bot.data.answers[URL] = (200, {"balance": 1})
    bot.data.gate = asyncio.Event()
    leg = await bot.offer()
    await bot.after(0.5)
    await bot.press(leg, "1")
    bot.data.gate.set()
    await bot.settle()
    assert len(bot.messages.posted) == 1


@pytest.mark.parametrize(("outcome", "said"), [(JobOutcome.DONE, "Bye."), (JobOutcome.FAILED, "Sorry.")])
def test_a_send_that_is_waited_for(outcome: JobOutcome, said: str) -> None:
    @ON
    async def play(bot: Switchboard) -> None:
        is_open(bot)
        bot.data.answers[URL] = (200, {"balance": 1})
        bot.messages.result = JobResult(outcome)
        leg = await bot.offer()
        await bot.after(5.0)
        await bot.press(leg, "2")
        assert bot.said(leg)[-1] == said and bot.messages.delivered == [SipMessage("agent", "A call.")]

    play()


@ON
async def test_a_mistake_of_ours_in_a_service_is_the_error_exit_not_silence(bot: Switchboard) -> None:
    is_open(bot)

    async def breaks(job: HttpJob) -> JobResult:
        raise ZeroDivisionError

    bot.data.ask = breaks  # type: ignore[method-assign]
    leg = await bot.offer()
    assert bot.said(leg) == ["Sorry."]
    assert bot.record.steps[1].detail == "ZeroDivisionError"


AFTERWARDS = FLOW.replace("start: now", "start: now\non_hang_up: save").replace(
    "  bye:",
    """  save:
    request: {post: "https://crm.example.com/calls", json: {account: "{{ account }}"}}
    error: note
    next: note
  note: {send: {webhook: crm, variables: [account]}}
  bye:""",
)


@on_a_switchboard(flow=AFTERWARDS)
async def test_after_the_caller_left_a_flow_may_still_ask_and_send(bot: Switchboard) -> None:
    is_open(bot)
    bot.data.answers[URL] = (200, {"balance": 1})
    bot.data.answers["https://crm.example.com/calls"] = (201, None)
    leg = await bot.offer()
    bot.telephony.end(leg)
    await bot.settle()
    assert [job.method for job in bot.data.asked] == ["GET", "POST"]
    assert bot.data.asked[1].json == {"account": "42"} and len(bot.messages.posted) == 1
    assert steps_of(bot)[-2:] == [("request", "save", "done"), ("send", "note", "done")]


@scenario
async def test_what_the_settings_do_not_have_fails_at_once() -> None:
    told: list[tuple[str, JobResult]] = []
    jobs = CallJobs(Services(), "call1", lambda job_id, result: told.append((job_id, result)))
    work: list[Job] = [HoursJob("office"), HttpJob("GET", URL), SendJob(SipMessage("a", "b"), True)]
    for number, job in enumerate(work):
        jobs.start(c.StartJob(str(number), job))
    jobs.start(c.StartJob("3", SendJob(SipMessage("a", "b"))))
    assert [(job_id, result.outcome) for job_id, result in told] == [(str(n), JobOutcome.FAILED) for n in range(3)]
