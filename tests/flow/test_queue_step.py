"""A caller waits for an agent: what he is told, what he may press, what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.jobs import SendJob, WebhookMessage
from ivr.flow.state import Phase
from ivr.testing.conversation import CallScript
from ivr.testing.prompts import said_text
from tests.flow.dialogs import HEAD

pytestmark = pytest.mark.unit

FLOW = (
    HEAD
    + """
start: main
commands:
  again: {keys: "*", say: [repeat], go: repeat}
  back: {keys: "##", say: [go back], go: back}
  german: {keys: "9", language: de-DE}
  office: {keys: "0", go: office}
variables: {vip: 0}
steps:
  main: {menu: {prompt: "Press 1.", choices: {on: {keys: "1", go: wait}}}, failed: hang_up}
  wait:
    queue: {name: supportMORE}
    keys: {"1": message}
    full: busy
    too_long: sorry
    failed: sorry
EXITS
  message: {say: "Speak after the tone.", next: hang_up}
  busy: {say: "All lines are busy.", next: hang_up}
  sorry: {say: "After {{ queue.waited_s }} seconds: sorry.", next: hang_up}
  office: {say: "The office.", next: hang_up}
  bye: {say: "We call you back. You were number {{ queue.position }}.", next: hang_up}
  rate: {say: "How was {{ queue.agent }}?", next: hang_up}
  show: {video: {room: support}, failed: sorry}
"""
)
POSITION = "You are number three in the queue."
WAIT = "The wait is about four minutes."


def waiting(more: str = "", exits: str = "", *, ani: str = "+4930901820") -> CallScript:
    """A call in the queue, with nothing told yet."""
    written = FLOW.replace("MORE", f", {more}" if more else "").replace("EXITS", f"    {exits}" if exits else "")
    return CallScript(written).offered(ani).presses("1")


def told(call: CallScript) -> CallScript:
    return call.queue_stands(3, 230.0)


def asked(call: CallScript, kind: type[c.Command]) -> list[Any]:
    return [command for command in call.commands if type(command) is kind]


def said(call: CallScript) -> list[str]:
    return [prompt.text for prompt in call.said_now]


def last_of_queue(call: CallScript) -> c.NoteStep:
    return [note for note in call.record if note.kind == "queue"][-1]


def test_the_caller_enters_the_queue_and_is_told_place_and_wait_at_once() -> None:
    call = waiting()
    names = [type(command).__name__ for command in call.commands]
    assert names[-3:] == ["EnterQueue", "AskStanding", "StartTimer"] and call.phase is Phase.QUEUEING
    assert said(told(call)) == [f"{POSITION} {WAIT}"]


@pytest.mark.parametrize(
    ("more", "position", "wait_s", "text"),
    [
        ("", 1, 20.0, "You are next. The wait is less than a minute."),
        ("", 2, 70.0, "You are number two in the queue. The wait is about one minute."),
        ("", 2, 90.0, "You are number two in the queue. The wait is about two minutes."),
        ("", 2, 12.4 * 60, "You are number two in the queue. The wait is about ten minutes."),
        ("", 2, 5000.0, "You are number two in the queue. The wait is more than an hour."),
        ("", 2, None, "You are number two in the queue."),
        ("tell: wait", 2, 240.0, WAIT),
        ("tell: [position]", 3, 240.0, POSITION),
        ('tell: [], comfort: "Please hold, number {{ queue.position }}."', 3, 240.0, "Please hold, number 3."),
        ('tell: position, comfort: "{{ queue.wait_s }} s."', 3, 240.0, f"{POSITION} 240 s."),
    ],
)
def test_what_is_said_of_the_wait(more: str, position: int, wait_s: float | None, text: str) -> None:
    assert said(waiting(more).queue_stands(position, wait_s)) == [text]


def test_in_german() -> None:
    call = waiting().press_now("9").queue_stands(3, 230.0)
    assert said(call) == [
        "Sie sind auf Platz drei der Warteschlange. Die Wartezeit beträgt etwa vier Minuten.",
    ]
    call.queue_stands(1, 30.0)
    assert said(call) == ["Sie sind als Nächstes an der Reihe. Die Wartezeit beträgt weniger als eine Minute."]


def test_it_is_told_again_after_a_pause_and_never_over_itself() -> None:
    call = told(waiting("tell_every: 30s")).listens()
    assert len(asked(call, c.AskStanding)) == 1
    call.waits(29.0)
    assert len(asked(call, c.AskStanding)) == 1
    call.waits(1.1)
    assert len(asked(call, c.AskStanding)) == 2
    assert said(call.queue_stands(2, 100.0)) == ["You are number two in the queue. The wait is about two minutes."]


def test_it_is_asked_again_where_the_queue_did_not_answer() -> None:
    assert len(asked(waiting().waits(100.0), c.AskStanding)) == 3


@pytest.mark.parametrize("more", ["tell_every: 0s", "tell: []"])
def test_it_is_told_once_only(more: str) -> None:
    call = told(waiting(more)).listens().waits(300.0)
    assert len(asked(call, c.AskStanding)) == 1


def test_words_of_comfort_by_count_count_the_times_that_they_are_said() -> None:
    call = waiting('tell: [], comfort: {"1": "Thank you for waiting.", "2": "Still here?"}')
    assert said(call.queue_stands(2)) == ["Thank you for waiting."]
    assert said(call.queue_stands(2)) == ["Still here?"]


def test_words_of_comfort_that_cannot_be_said_cost_nobody_his_place() -> None:
    call = waiting('comfort: "{{ queue.wait_s | number }}"').queue_stands(3)
    assert said(call) == [POSITION] and call.phase is Phase.QUEUEING
    assert call.record[-1].outcome == "error"


def test_a_prompt_that_cannot_be_played_costs_nobody_his_place() -> None:
    written = FLOW.replace("MORE", "").replace("EXITS", "    on_error: sorry")
    call = CallScript(written).offered().presses("1").queue_stands(2).prompt_fails()
    assert call.phase is Phase.QUEUEING and call.step == "wait"
    assert len(asked(call.waits(46.0), c.AskStanding)) == 2


def test_an_announcement_is_heard_before_the_wait() -> None:
    call = waiting('announce: "One moment please."')
    assert not asked(call, c.EnterQueue)
    call.hears("one moment").listens()
    assert len(asked(call, c.EnterQueue)) == 1


def test_the_agent_is_told_what_the_queue_step_says() -> None:
    more = (
        'music: sounds/hold.wav, priority: "{{ vip + 7 }}", skills: {german: 3}, whisper: "A call.", accept: key, '
        'accept_within: 5s, return_key: "*", context: [vip], notify: crm'
    )
    call = waiting(more, "after: rate")
    (entered,) = asked(call, c.EnterQueue)
    assert (entered.queue, entered.priority, dict(entered.skills)) == ("support", 7, {"german": 3})
    assert (entered.needs_key, entered.accept_within_s, entered.comes_back) == (True, 5.0, True)
    assert (entered.return_key, said_text(entered.whisper), len(entered.hold)) == ("*", "A call.", 1)
    assert (entered.context["caller"], entered.context["flow"], entered.answers) == ("+4930901820", "test", {"vip": 0})
    (notified,) = asked(call, c.StartJob)
    assert isinstance(notified.job, SendJob) and isinstance(notified.job.message, WebhookMessage)
    assert notified.job.message.data["queue"] == "support" and notified.is_kept


def test_a_priority_stays_within_its_bounds_and_an_empty_one_is_the_queues() -> None:
    assert asked(waiting('priority: "{{ vip + 700 }}"'), c.EnterQueue)[0].priority == 100
    assert asked(waiting("priority: \"{{ '' }}\""), c.EnterQueue)[0].priority is None


def test_a_priority_that_is_no_number_is_an_error_before_anybody_waits() -> None:
    call = waiting("priority: \"{{ 'high' }}\"", "on_error: office").hears("the office")
    assert not asked(call, c.EnterQueue)


# --- keys


def test_a_key_leads_out_when_the_queue_has_let_go() -> None:
    call = told(waiting()).press_now("1")
    assert asked(call, c.LeaveQueue) == [c.LeaveQueue("message")] and call.step == "wait"
    call.hears("after the tone")
    note = last_of_queue(call)
    assert (note.outcome, note.mode, note.heard, note.meaning) == ("left", "dtmf", "1", "support")


def test_an_agent_may_be_quicker_than_the_key() -> None:
    call = told(waiting())
    call.feed(e.DigitPressed(call.clock.monotonic_s(), "1"))
    call.agent_answers("anna").queue_ends("connected", "anna")
    assert call.has_ended and last_of_queue(call).outcome == "connected"


def test_a_key_without_meaning_is_ignored() -> None:
    call = told(waiting())
    before = call.state
    call.press_now("7")
    assert call.state == before and call.is_speaking


def test_repeat_says_the_place_again() -> None:
    call = told(waiting()).listens().press_now("*").queue_stands(2, 100.0)
    assert said(call) == ["You are number two in the queue. The wait is about two minutes."]
    assert [note.meaning for note in call.record if note.kind == "command"] == ["again"]


def test_back_leads_to_the_question_before() -> None:
    call = told(waiting()).press_now("##").hears("Press 1")
    assert call.step == "main" and asked(call, c.LeaveQueue) == [c.LeaveQueue("back")]


def test_a_command_leads_where_it_does_everywhere() -> None:
    call = told(waiting()).press_now("0").hears("The office")
    assert [note.kind for note in call.record][-3:] == ["queue", "command", "say"]


def test_keys_of_a_command_that_come_apart_are_none() -> None:
    call = told(waiting()).press_now("#").waits(20.0).press_now("#")
    assert not asked(call, c.LeaveQueue)


def test_commands_can_be_left_out() -> None:
    assert not asked(told(waiting(exits="commands: []")).press_now("0"), c.LeaveQueue)


def test_a_command_of_a_flow_that_runs_this_one_leads_out_of_both() -> None:
    outer = HEAD.replace("test", "outer") + (
        'start: in\ncommands: {office: {keys: "0", go: office}}\nsteps:\n  in: {run: inner}\n'
        '  office: {say: "The office."}\n'
    )
    inner = HEAD.replace("test", "inner") + "start: wait\nsteps:\n  wait: {queue: support, failed: hang_up}\n"
    call = CallScript(outer, runs=[inner]).offered().queue_stands(2).press_now("0").hears("The office")
    assert not call.state.frames


# --- to be called back


CALLBACK = 'callback_key: "2"'


def test_the_caller_keeps_the_place_and_hangs_up() -> None:
    call = told(waiting(CALLBACK, "callback: bye")).press_now("2")
    assert asked(call, c.AskCallback) == [c.AskCallback("+4930901820")]
    call.hears("we call you back. You were number 3")
    assert last_of_queue(call).outcome == "callback"


def test_at_another_number() -> None:
    call = waiting(CALLBACK + ', callback_number: "+44 20 7946 0018"', "callback: bye").press_now("2")
    assert asked(call, c.AskCallback) == [c.AskCallback("+442079460018")]


@pytest.mark.parametrize("ani", ["", "anonymous", "12", "+999123456789", "+499001234567", "sip:me@example.com"])
def test_nobody_is_called_at_a_number_that_is_withheld_or_dear_or_none(ani: str) -> None:
    call = told(waiting(CALLBACK, "callback: bye", ani=ani)).press_now("2")
    assert said(call) == ["Sorry, we cannot call you back at this number. Please stay on the line."]
    assert not asked(call, c.AskCallback) and call.phase is Phase.QUEUEING
    assert len(asked(call.listens().waits(46.0), c.AskStanding)) == 2, "and he is told again"


def test_a_caller_whom_the_settings_call_back_nowhere_waits_on_and_is_told() -> None:
    call = told(waiting(CALLBACK, "callback: bye")).listens()
    call.feed(e.DigitPressed(call.clock.monotonic_s(), "2"))
    call.feed(e.QueueStays(call.clock.monotonic_s()))
    assert said(call)[-1] == "Sorry, we cannot call you back at this number. Please stay on the line."
    assert call.state.in_queue is not None and call.state.in_queue.stage == "waiting"
    assert (last_of_queue(call).outcome, last_of_queue(call).heard) == ("no_callback", "2")


# --- ends


@pytest.mark.parametrize(
    ("outcome", "text"),
    [("full", "all lines are busy"), ("too_long", "after 5 seconds: sorry"), ("failed", "sorry"), ("left", "sorry")],
)
def test_each_end_has_its_exit(outcome: str, text: str) -> None:
    call = waiting().waits(5.0).queue_ends(outcome).hears(text)
    assert last_of_queue(call).outcome == outcome


def test_an_agent_who_answers_ends_what_is_being_said_and_the_telling() -> None:
    call = told(waiting())
    call.agent_answers("anna")
    assert not call.is_speaking and not call.state.timer_id
    assert call.variables["queue"]["agent"] == "anna"  # type: ignore[index]
    call.waits(300.0).queue_ends("connected", "anna")
    assert call.has_ended and call.state.variables["call"]["ended_by"] == "transfer"  # type: ignore[index]


def test_a_talk_is_written_down_with_the_agent_and_the_wait() -> None:
    call = waiting().waits(40.0).agent_answers("anna").waits(60.0).queue_ends("connected", "anna")
    note = last_of_queue(call)
    assert (note.outcome, note.meaning, note.detail) == ("connected", "anna", "waited 40 s")


def test_keys_mean_nothing_in_the_talk() -> None:
    call = waiting().agent_answers("anna")
    before = call.state
    call.feed(e.DigitPressed(call.clock.monotonic_s(), "1"))
    call.feed(e.QueueStanding(call.clock.monotonic_s(), 1, 1.0))
    assert call.state == before


@pytest.mark.parametrize(("outcome", "exits"), [("after", "after: rate"), ("returned", "returned: rate")])
def test_the_flow_goes_on_after_the_talk(outcome: str, exits: str) -> None:
    call = waiting('return_key: "*"', exits).agent_answers("anna").queue_ends(outcome, "anna").hears("How was anna")
    assert last_of_queue(call).outcome == outcome


def test_a_caller_who_hangs_up_while_waiting_is_written_down_with_the_wait() -> None:
    call = waiting().waits(33.0).hangs_up()
    note = last_of_queue(call)
    assert (note.outcome, note.meaning, note.detail) == ("hung_up", "support", "waited 33 s")
    assert call.has_ended


def test_a_caller_who_hangs_up_in_the_talk_was_connected() -> None:
    call = waiting().waits(33.0).agent_answers("anna")
    call.hangs_up()
    note = last_of_queue(call)
    assert (note.outcome, note.meaning, note.detail) == ("connected", "anna", "waited 33 s")


def test_the_longest_call_ends_a_wait_with_a_goodbye_and_no_talk() -> None:
    call = told(waiting())
    call.feed(e.CallTooLong(call.clock.monotonic_s()))
    call.hears("longest time")
    assert call.has_ended and call.hung_up
    talking = waiting().agent_answers("anna")
    talking.feed(e.CallTooLong(talking.clock.monotonic_s()))
    assert talking.phase is Phase.QUEUEING


def test_the_queue_may_be_another_one_by_now() -> None:
    call = waiting().queue_stands(2, 60.0, "evening")
    assert call.variables["queue"] == {
        "name": "evening",
        "position": 2,
        "wait_s": 60,
        "waited_s": 0,
        "agent": "",
    }


def test_what_is_sensitive_goes_to_no_agent() -> None:
    written = HEAD + (
        'start: pin\nsteps:\n  pin: {ask: digits, length: 2, prompt: "PIN?", into: pin, sensitive: true, next: wait, '
        "failed: hang_up}\n  wait: {queue: support, failed: hang_up}\n"
    )
    (entered,) = asked(CallScript(written).offered().presses("42"), c.EnterQueue)
    assert entered.answers == {"pin": "***"}


def test_one_queue_after_another_begins_with_nothing_known() -> None:
    written = HEAD + (
        "start: wait\nsteps:\n  wait: {queue: support, full: other, failed: hang_up}\n"
        "  other: {queue: evening, failed: hang_up}\n"
    )
    call = CallScript(written).offered().queue_stands(3, 60.0).waits(20.0).queue_ends("full")
    known = {"name": "evening", "position": None, "wait_s": None, "waited_s": 0, "agent": ""}
    assert call.variables["queue"] == known and len(asked(call, c.EnterQueue)) == 2


@pytest.mark.parametrize(
    ("exits", "to"), [("after: rate", "rate"), ("returned: show\n    after: rate", "video"), ("returned: rate", "rate")]
)
def test_the_agent_is_told_where_the_key_leads(exits: str, to: str) -> None:
    (entered,) = asked(waiting('return_key: "9"', exits), c.EnterQueue)
    assert (entered.return_key, entered.returns_to) == ("9", to)


def test_who_has_a_free_agent_is_told_of_no_wait() -> None:
    assert said(waiting().queue_stands(1, 0.0)) == ["You are next."]
