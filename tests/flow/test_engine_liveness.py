"""Whatever happens in whatever order, the engine does not break, and no caller is left in silence for ever."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.loader import load_flow
from ivr.flow.state import FlowState, Phase
from ivr.testing.conversation import CallScript

pytestmark = pytest.mark.unit

DEMO = Path(__file__).parents[2] / "flows" / "demo.yaml"

EVERYTHING = load_flow(
    """
flow: everything
language: en-US
start: hello
on_error: sorry
defaults:
  max_attempts: 3
  failed: to_person
commands:
  agent: {keys: "0", say: [agent], go: to_person}
  again: {keys: "*", say: [repeat], go: repeat}
  back: {keys: "##", say: [go back], go: back}
  german: {keys: "*9", say: [deutsch], language: de-DE}
  english: {keys: "*8", say: {de: [english]}, language: en-US}
variables: {count: 0}
steps:
  hello: {say: "Hello.", barge_in: none, next: news}
  news: {say: "There is news.", next: main}
  main:
    menu:
      prompt: "Press 1 for the code."
      keys_prompt: "Keys only: press 1."
      choices:
        code: {keys: "1", say: [code], go: code}
        amount: {keys: "12", say: [amount], go: amount}
        color: {keys: "3", say: [color], go: color}
        broken: {keys: "4", say: [broken], go: broken}
        end: {keys: "5", say: [end], go: bye}
    barge_in: any
    into: picked
  code:
    {ask: digits, prompt: "Your code?", length: 4, into: code, sensitive: true, confirm: always, barge_in: match,
      next: copy}
  copy: {set: {copied: "{{ code }}", count: "{{ count + 1 }}"}, next: check}
  check: {when: [{if: "count > 3", go: to_person}, {else: true, go: told}]}
  told: {say: "It is {{ copied | digits }}.", barge_in: digits, next: sure}
  sure: {ask: yes_no, prompt: "Sure?", into: sure, barge_in: speech, confirmed: main, denied: amount}
  amount:
    ask: number
    prompt: "How many?"
    keys_prompt: "Key it in."
    minimum: 2
    maximum: 200
    into: amount
    barge_in: none
    next: color
  color:
    ask: choice
    prompt: ""
    choices: {red: {keys: "1", say: [red]}, blue: {keys: "22", say: [blue, sky blue]}}
    into: color
    confirm: low_confidence
    barge_in: digits
    reprompt: false
    next: main
  broken: {say: "{{ picked | date }}", next: main}
  sorry: {say: "Sorry.", next: main}
  to_person:
    transfer: {to: agent, announce: "One moment.", hold: "Please wait."}
    busy: main
    no_answer: back
    failed: repeat
  bye: {say: "Bye.", next: stop}
  stop: {hang_up: {cause: 16}}
""",
    "everything.yaml",
).flow

KEYS = "1" * 12 + "22333346789*##" + "045A"
WORDS = [
    "", "[unk]", "code", "amount", "color", "color", "repeat", "go back", "deutsch", "english", "yes",
    "no", "ja", "nein", "one two", "three four", "one two three four five", "fünf", "hundred", "one hundred and five",
    "red", "sky blue",
]  # fmt: skip


def random_step(call: CallScript, chance: random.Random) -> None:
    """One thing that a caller, the recognizer, a person or a broken part may do."""
    now_s, state = call.clock.monotonic_s(), call.state
    if state.phase is Phase.TRANSFERRING and chance.random() < 0.5:
        outcomes = [outcome for outcome in e.TransferOutcome if outcome not in e.TALKED]
        call.feed(e.TransferEnded(now_s, chance.choice(outcomes)))
        return
    match chance.randrange(13):
        case 0 | 1 | 2:
            call.feed(e.DigitPressed(now_s, chance.choice(KEYS)))
        case 3 | 4 | 5:
            call.clock.advance(chance.choice([0.1, 0.4, 1.0, 2.5, 7.0, 25.0]))
        case 6:
            call.feed(e.SpeechStarted(now_s, state.listen_id or "listen1"))
        case 7 | 8:
            confidence = chance.choice([0.1, 0.5, 0.8, 1.0])
            call.feed(e.UtteranceHeard(now_s, state.listen_id or "listen1", chance.choice(WORDS), confidence))
        case 9:
            if chance.random() < 0.15:
                call.recognizer_breaks()
        case 10:
            call.feed(e.TransferEnded(now_s, e.TransferOutcome.BUSY))
        case 11:
            if chance.random() < 0.2:
                call.prompt_fails()
            call.feed(e.PromptFailed(now_s, "play1" if state.play_id != "play1" else "play0", "late"))
        case 12:
            call.feed(e.TimerFired(now_s, chance.choice(["timer1", "timer2"])))


NESTED = """
flow: nested
languages: [de-DE]
start: hello
on_error: sorry
on_hang_up: {go: save, always: true}
defaults: {max_attempts: 2, failed: to_person, help: ["Help one.", "Help two."]}
commands:
  agent: {keys: "0", say: [agent], go: to_person}
  again: {keys: "*", say: [repeat], go: repeat}
  back: {keys: "##", say: [go back], go: back}
  german: {keys: "*9", say: [deutsch], language: de-DE}
variables: {code: ""}
steps:
  hello: {say: {1: "Hello.", 2: "Again."}, next: main}
  main:
    menu:
      prompt: {1: "Press 1 for the code.", 2: "Press 1.", 3: "One."}
      choices:
        code: {keys: "1", say: [code], go: part}
        color: {keys: "3", say: [color], go: feedback}
        broken: {keys: "4", say: [broken], go: broken}
        deep: {keys: "22", go: deep}
        help: {keys: "6", go: help}
  part: {run: ask_it, with: {reason: "{{ code }}"}, into: {code: code}, found: marked, next: main}
  marked: {tag: {code: "{{ code }}"}, next: change}
  change: {language: "{{ 'en' if call.language == 'de-DE' else 'de' }}", next: hello}
  deep: {run: endless, on_error: back, next: main}
  feedback:
    survey:
      intro: "Two questions."
      questions:
        amount: {ask: number, prompt: "How many?"}
        sure: {ask: yes_no, prompt: "Sure?", if: "amount > 1"}
        color: {ask: choice, prompt: "Which?", choices: {red: {keys: "1", say: [red]}}}
      opt_out: {keys: "*5", say: [end]}
    opted_out: back
    next: bye
  broken: {set: {a: "{{ code / 0 }}"}, on_error: repeat, next: main}
  sorry: {say: "Sorry, {{ error.kind }}.", next: main}
  to_person: {transfer: {to: agent}, busy: main, no_answer: back, failed: repeat}
  bye: {say: "Bye.", next: return}
  save: {set: {left: "{{ call.ended_by }}"}, next: saved}
  saved: {tag: {by: "{{ left }}"}, next: save_again}
  save_again: {when: [{if: "step.visits < 3", go: save}], next: return}
"""

PARTS = (
    """
flow: ask_it
takes: [reason]
start: ask
defaults: {failed: return}
on_hang_up: own
steps:
  ask: {ask: digits, prompt: "Your code?", length: 2, into: code, sensitive: true, next: sure}
  sure: {ask: yes_no, prompt: "Sure?", into: sure, confirmed: give, denied: back}
  give: {return: {outcome: found, values: {code: "{{ code }}"}}}
  own: {tag: inside}
""",
    """
flow: endless
start: say
commands: {}
steps:
  say: {say: "Deeper.", next: ask}
  ask: {ask: yes_no, prompt: "Still deeper?", into: on, confirmed: deeper, denied: return, failed: hang_up}
  deeper: {run: endless, next: return}
""",
)


@pytest.mark.parametrize("seed", range(150))
def test_random_events_in_flows_that_run_flows(seed: int) -> None:
    chance = random.Random(5000 + seed)
    call = CallScript(NESTED, runs=PARTS).offered()
    for _ in range(120):
        random_step(call, chance)
        assert call.can_wake, call.transcript
        if call.state.phase is Phase.LISTENING:
            assert call.state.play_id or call.state.timer_id, call.transcript
    call.hangs_up()
    assert call.phase is Phase.ENDED and call.state.frames == ()
    assert call.state.tags["by"] in ("caller", "bot")
    assert call.clock.timer_count == 0 and not call.is_speaking and call.listening is None


@pytest.mark.parametrize("seed", range(150))
def test_random_events_never_leave_a_caller_in_silence_for_ever(seed: int) -> None:
    chance = random.Random(seed)
    call = CallScript(EVERYTHING).offered()
    for _ in range(120):
        random_step(call, chance)
        assert call.can_wake, call.transcript
        if call.state.phase is Phase.LISTENING:
            assert call.state.play_id or call.state.timer_id, call.transcript
    call.hangs_up()
    assert call.phase is Phase.ENDED
    assert call.clock.timer_count == 0
    assert not call.is_speaking and call.listening is None


LATER = EVERYTHING.model_copy(update={"answer": "later"})
"""Its first menu answers, because no step before it does."""


@pytest.mark.parametrize("seed", range(40))
def test_random_events_in_a_flow_that_answers_later_leave_no_call_unanswered_for_ever(seed: int) -> None:
    chance = random.Random(9000 + seed)
    call = CallScript(LATER).offered()
    for _ in range(40):
        random_step(call, chance)
        assert call.can_wake, call.transcript
        assert call.is_answered is not call.state.is_unanswered or call.phase is Phase.ENDED
    call.hangs_up()
    assert call.phase is Phase.ENDED and call.clock.timer_count == 0 and not call.is_speaking


@pytest.mark.parametrize(
    "flow", [EVERYTHING, load_flow(DEMO.read_bytes(), "demo.yaml").flow], ids=["everything", "demo"]
)
def test_a_caller_who_says_nothing_is_led_to_the_end(flow: object) -> None:
    call = CallScript(flow).offered()  # type: ignore[arg-type]
    for _ in range(2000):
        if call.phase is Phase.TRANSFERRING:
            call.transfer_ends("no_answer")
        elif call.phase is Phase.ENDED or not call.clock.advance_to_next():
            break
    assert call.phase is Phase.ENDED, call.transcript[-2000:]


@pytest.mark.parametrize("seed", range(40))
def test_a_sensitive_answer_is_in_no_record(seed: int) -> None:
    chance = random.Random(1000 + seed)
    call = CallScript(EVERYTHING).offered()
    call.presses("1").waits(2.1).hears("your code")
    if chance.random() < 0.5:
        call.presses("7391")
    else:
        call.says("seven three").waits(1.0).says("nine one", chance.choice([0.5, 0.95]))
    for _ in range(60):
        random_step(call, chance)
    for note in call.record:
        shown = f"{note.prompt} {note.heard} {note.meaning} {note.detail}"
        for secret in ("7391", "7 3 9", "739", "seven three", "nine one"):
            assert secret not in shown, note


# --- what random events found


LOOP_WITH_CLEAN_UP = """
flow: loop
start: round
on_hang_up: {go: save, always: true}
steps:
  round: {set: {a: 1}, next: round}
  save: {tag: saved}
"""


def test_what_follows_a_call_is_done_after_a_loop_that_was_given_up_too() -> None:
    call = CallScript(LOOP_WITH_CLEAN_UP).offered()
    assert call.phase is Phase.ENDED and call.state.tags == {"saved": True}


def test_a_clean_up_that_goes_round_does_not_keep_that_of_the_flow_outside_from_being_done() -> None:
    inner = """
flow: inner
start: ask
on_hang_up: {go: round, always: true}
steps:
  ask: {ask: digits, length: 2, prompt: "Which?", into: code, next: return}
  round: {set: {a: 1}, next: round}
"""
    outer = """
flow: outer
start: part
on_hang_up: {go: save, always: true}
steps:
  part: {run: inner, next: hang_up}
  save: {tag: saved}
"""
    call = CallScript(outer, runs=(inner,)).offered()
    call.hangs_up()
    assert call.phase is Phase.ENDED and call.state.tags == {"saved": True}


def test_a_help_that_cannot_be_said_leads_to_on_error() -> None:
    flow = """
flow: help
start: tell
on_error: sorry
steps:
  tell:
    menu: {prompt: "Well?", choices: {more: {keys: "1", go: help}}}
    help: "It is {{ nothing }}."
  sorry: {say: "Sorry.", next: hang_up}
"""
    call = CallScript(flow).offered().presses("1")
    assert call.hears("Sorry.").has_ended


def test_recordings_of_silence_do_not_go_round_for_ever() -> None:
    flow = """
flow: silence
start: message
steps:
  message: {record: {prompt: "Speak."}, into: message, failed: message, next: message}
"""
    call = CallScript(flow).offered()
    for _ in range(1000):
        if call.phase is Phase.ENDED or not call.clock.advance_to_next():
            break
    assert call.phase is Phase.ENDED


def test_a_call_that_waits_for_its_first_answer_is_not_begun_again() -> None:
    flow = "flow: f\nstart: a\nsteps:\n  a: {hours: office, open: hang_up, closed: hang_up}\n"
    loaded = load_flow(flow, "f.yaml").flow
    waiting = engine.step(loaded, FlowState(), e.CallOffered(0.0)).state
    assert waiting.phase is Phase.NEW and waiting.job_id
    assert engine.step(loaded, waiting, e.CallOffered(1.0)) == engine.Result(waiting, ())


def test_speech_that_begins_again_and_again_and_never_ends_is_given_up() -> None:
    flow = """
flow: noise
start: main
defaults: {max_speech_duration: 10s, max_attempts: 2}
steps:
  main:
    menu: {prompt: "Well?", choices: {one: {keys: "1", say: one, go: hang_up}}}
    failed: hang_up
"""
    call = CallScript(flow).offered()
    for _ in range(120):
        if call.state.listen_id:
            call.feed(e.SpeechStarted(call.clock.monotonic_s(), call.state.listen_id))
        call.clock.advance(1.0)
    assert call.phase is Phase.ENDED, call.transcript
