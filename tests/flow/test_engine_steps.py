"""Steps that do not listen: say, set, when, transfer, hang_up; commands, language, errors, the end."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow import engine
from ivr.flow import events as e
from ivr.flow.model import Step
from ivr.flow.program import Program
from ivr.flow.run import Run
from ivr.flow.state import FlowState, Phase
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD, menu, offered

pytestmark = pytest.mark.unit


def flow(steps: str, start: str = "start", head: str = "") -> str:
    return f"{HEAD}{head}start: {start}\nsteps:\n{steps}"


def commands_of(call: CallScript, kind: type) -> list[c.Command]:
    return [command for command in call.commands if isinstance(command, kind)]


# --- beginning and end


def test_the_call_is_answered_first() -> None:
    assert isinstance(menu().commands[0], c.Answer)


def test_call_variables() -> None:
    text = flow('  start: {say: "{{ call.from | digits }} to {{ call.to }} in {{ call.language }}.", next: hang_up}\n')
    call = CallScript(text).offered("12", "77").hears("1 2 to 77 in en-US.")
    assert call.prompts_heard == ["1 2 to 77 in en-US."]


@pytest.mark.parametrize(
    "steps",
    [
        "  start: {hang_up: {status: 486}}\n",
        "  start: {when: [{if: \"call.to == '100'\", go: no}], next: hang_up}\n  no: {hang_up: {status: 486}}\n",
    ],
)
def test_a_call_can_be_refused_before_it_is_answered(steps: str) -> None:
    call = offered(flow(steps))
    assert commands_of(call, c.Reject) == [c.Reject(486)] and not commands_of(call, c.Answer)
    assert call.phase is Phase.ENDED and call.record[-1].kind == "hang_up"


def test_a_status_means_nothing_once_the_call_is_answered() -> None:
    call = offered(flow('  start: {say: "No.", next: no}\n  no: {hang_up: {status: 486, cause: 21}}\n'))
    assert call.has_ended and not commands_of(call, c.Reject)
    assert commands_of(call, c.HangUp) == [c.HangUp(21)]


def test_a_goodbye_is_heard_before_the_end() -> None:
    call = offered(flow('  start: {say: "Bye.", next: end}\n  end: {hang_up: {cause: 17}}\n')).hears("bye.")
    assert not commands_of(call, c.HangUp)
    assert call.has_ended and commands_of(call, c.HangUp) == [c.HangUp(17)]


def test_a_step_without_next_ends_the_call() -> None:
    for step in ('{say: "Bye."}', "{set: {a: 1}}", '{when: [{if: "false", go: start}]}'):
        assert offered(flow(f"  start: {step}\n")).has_ended


def test_a_step_may_be_named_like_a_built_in_target() -> None:
    call = offered(
        flow('  start: {say: "Hi.", next: hang_up}\n  hang_up: {say: "Own end.", next: back}\n  back: {hang_up: {}}\n')
    )
    assert call.hears("own end").has_ended


# --- the caller leaves


LEAVE = """  start: {say: "Hello.", barge_in: none, next: main}
  main: {menu: {prompt: "Press 1 or 2.", choices: {go: {keys: "1", go: call}, ask: {keys: "2", go: code}}}}
  code: {ask: digits, prompt: "Code?", into: code, length: 2, confirm: always, sensitive: true, next: hang_up}
  call: {transfer: {to: agent, announce: "One moment."}, failed: hang_up}
"""


def test_the_caller_may_leave_in_every_phase() -> None:
    places = {
        "speaking": offered(flow(LEAVE)),
        "listening": offered(flow(LEAVE)).hears("press 1"),
        "waiting": offered(flow(LEAVE)).listens(),
        "typing": offered(flow(LEAVE)).presses("2").presses("1"),
        "confirming": offered(flow(LEAVE)).presses("2").presses("12").hears("is that right"),
        "announcing": offered(flow(LEAVE)).presses("1"),
        "transferring": offered(flow(LEAVE)).presses("1").listens(),
        "being heard": offered(flow(LEAVE)).listens().begins_to_speak(),
    }
    last = {}
    for place, call in places.items():
        call.hangs_up()
        assert call.phase is Phase.ENDED and not call.is_speaking and call.listening is None, place
        assert call.clock.timer_count == 0, place
        last[place] = (call.record[-1].step, call.record[-1].outcome)
    assert last == {
        "speaking": ("start", "done"),
        "listening": ("main", "hung_up"),
        "waiting": ("main", "hung_up"),
        "typing": ("code", "hung_up"),
        "confirming": ("code", "hung_up"),
        "announcing": ("main", "match"),
        "transferring": ("call", "hung_up"),
        "being heard": ("main", "hung_up"),
    }


def test_a_caller_who_leaves_before_the_beginning_is_no_error() -> None:
    call = CallScript(flow(LEAVE))
    assert call.hangs_up().phase is Phase.ENDED


def test_events_before_the_beginning_change_nothing() -> None:
    call = CallScript(flow(LEAVE))
    call.feed(e.DigitPressed(1000.0, "1"))
    assert call.phase is Phase.NEW and not call.commands


# --- set and when


def test_set_and_when_decide_without_the_caller() -> None:
    steps = """  start: {set: {a: 2, b: "{{ a + 1 }}", c: "b is {{ b }}"}, next: choose}
  choose: {when: [{if: "b == 9", go: no}, {if: "c == 'b is 3'", go: yes_}, {else: true, go: no}]}
  yes_: {say: "Right.", next: choose_again}
  choose_again: {when: [{if: "a > 9", go: no}, {else: true, go: end}]}
  end: {hang_up: true}
  no: {say: "Wrong."}
"""
    call = offered(flow(steps).replace("yes_", "good"))
    call.hears("right.")
    assert [note.meaning for note in call.record if note.kind in ("set", "when")] == [
        "a = 2, b = 3, c = b is 3", "c == 'b is 3'", "else",
    ]  # fmt: skip


def test_a_loop_without_the_caller_is_ended() -> None:
    call = offered(flow("  start: {set: {a: 1}, next: start}\n"))
    assert call.phase is Phase.ENDED
    assert call.record[-1].outcome == "error" and commands_of(call, c.HangUp) == [c.HangUp(41)]


# --- repeat, back, language

BACK = """commands: {back: {keys: "##", go: back}, again: {keys: "*", go: repeat}}
start: one
steps:
  one: {menu: {prompt: "Menu one.", choices: {on: {keys: "1", go: two}, same: {keys: "2", go: repeat}}}}
  two: {menu: {prompt: "Menu two.", choices: {on: {keys: "1", go: three}, same: {keys: "2", go: repeat}}}}
  three: {menu: {prompt: "Menu three.", choices: {on: {keys: "1", go: hang_up}}}}
"""


def test_back_goes_through_the_menus_that_were_passed() -> None:
    call = offered(HEAD + BACK).presses("1").presses("1").hears("menu three").presses("##").hears("menu two")
    call.presses("##").hears("menu one").presses("##").hears("menu one")
    assert [note.step for note in call.record if note.kind == "command"] == ["three", "two", "one"]
    assert call.step == "one"


def test_repeat_does_not_get_in_the_way_of_back() -> None:
    call = offered(HEAD + BACK).presses("1").presses("2").hears("menu two").presses("2").presses("*").hears("menu two")
    call.presses("##").hears("menu one")
    assert call.step == "one"


def test_repeat_before_any_step_is_the_start() -> None:
    text = flow('  start: {menu: {prompt: "Press 1.", choices: {a: {keys: "1"}}}}\n')
    for target in ("repeat", "back"):
        assert CallScript(text).offered(resume_at=target).hears("press 1").step == "start"


def test_a_command_changes_the_language_and_back() -> None:
    call = offered(
        HEAD
        + """
start: main
commands: {german: {keys: "9", say: [german], language: de-DE}, english: {keys: "8", language: en-US}}
steps:
  main:
    menu:
      prompt: {en: "Press 1.", de: "Drücken Sie 1."}
      choices: {one: {keys: "1", say: {en: [one], de: [eins]}, go: told}}
  told: {say: {en: "{{ call.language }}", de: "Sprache {{ call.language }}"}}
"""
    )
    call.presses("9").hears("drücken sie 1")
    assert call.listening is not None and call.listening.language == "de-DE"
    call.presses("7").hears("nicht verstanden")
    call.presses("8").hears("press 1.").says("german").hears("drücken").says("eins").hears("sprache de-de")


def test_a_language_change_survives_a_flow_that_overwrote_call() -> None:
    text = flow(
        '  start: {set: {call: 5}, next: main}\n  main: {menu: {prompt: "P.", choices: {a: {keys: "1"}}}}\n',
        head='commands: {german: {keys: "9", language: de-DE}}\n',
    )
    call = offered(text).presses("9")
    assert call.variables["call"] == {"language": "de-DE"}


# --- errors

BROKEN = """  start: {say: "{{ 1 / 0 }}", next: main}
  main: {menu: {prompt: "Main.", choices: {a: {keys: "1", go: start}}}}
"""


def test_a_template_that_fails_leads_to_on_error_once() -> None:
    call = offered(flow(BROKEN, head="on_error: main\n")).hears("main.")
    assert (call.record[0].step, call.record[0].outcome) == ("start", "error")
    call.presses("1")
    assert call.has_ended and commands_of(call, c.HangUp) == [c.HangUp(41)]


def test_a_template_that_fails_without_on_error_ends_the_call() -> None:
    assert offered(flow(BROKEN)).has_ended


def test_without_on_error_the_failed_exit_of_the_defaults_is_taken() -> None:
    call = offered(flow(BROKEN, head="defaults: {failed: main}\n")).hears("main.")
    assert call.step == "main" and (call.record[0].step, call.record[0].outcome) == ("start", "error")


def test_a_failing_confirm_prompt_leads_to_on_error() -> None:
    text = flow(
        '  start: {ask: digits, prompt: "Code?", length: 1, into: v, confirm: always, confirm_prompt: "{{ nope }}"}\n'
        '  oops: {say: "Oops."}\n',
        head="on_error: oops\n",
    )
    call = offered(text).presses("1").hears("oops.")
    assert (call.step, "v" in call.variables) == ("oops", False)
    assert "error" in [note.outcome for note in call.record if note.step == "start"]


def test_a_prompt_that_cannot_be_played_leads_to_on_error_once() -> None:
    call = offered(flow(BROKEN.replace("{{ 1 / 0 }}", "Hello."), head="on_error: main\n"))
    for _ in range(2):
        call.prompt_fails()
    assert call.phase is Phase.LISTENING and call.state.timer_id, "waits for keys in silence"
    assert [note.detail for note in call.record if note.outcome == "error"] == ["no audio", "no audio"]


def test_an_announcement_that_cannot_be_played_is_left_out() -> None:
    call = offered(flow(LEAVE))
    call.prompt_fails()
    call.hears("press 1")
    assert call.step == "main"
    assert [note.detail for note in call.record if note.outcome == "error"] == ["no audio"]


# --- transfer

TRANSFER = """  start:
    {transfer: {to: agent, mode: bridge, ring_for: 15s, announce: "One moment.", hold: "Please hold."}EXITS}
  busy: {say: "It is busy."}
  other: {say: "It went wrong."}
  gone: {say: "Nobody is here."}
"""


def transfer(exits: str, head: str = "") -> CallScript:
    return offered(flow(TRANSFER.replace("EXITS", exits), head=head))


def test_a_transfer_is_announced_and_started() -> None:
    call = transfer(", failed: other").hears("one moment").listens()
    assert call.phase is Phase.TRANSFERRING
    (started,) = commands_of(call, c.StartTransfer)
    assert isinstance(started, c.StartTransfer)
    assert (started.names, started.mode, started.rings_all) == ("agent", "bridge", False)
    assert [callee.ring_for_s for callee in started.callees] == [15.0]
    assert len(started.hold) == 1


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "refused", "unknown", "unreachable", "failed"])
def test_every_outcome_has_its_exit(outcome: str) -> None:
    call = transfer(f", {outcome}: gone").transfer_ends(outcome, "486").hears("nobody is here")
    note = next(note for note in call.record if note.kind == "transfer")
    assert (note.outcome, note.meaning, note.detail) == (outcome, "agent", "486")


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "refused", "unknown", "unreachable"])
def test_an_outcome_without_an_exit_takes_failed(outcome: str) -> None:
    transfer(", failed: other").transfer_ends(outcome).hears("it went wrong")
    transfer("", head="defaults: {failed: gone}\n").transfer_ends(outcome).hears("nobody is here")
    assert transfer("").transfer_ends(outcome).has_ended


def test_a_call_that_nobody_takes_by_the_key_has_its_exit() -> None:
    text = flow("""  start:
    transfer: {to: agent, whisper: "Press 1.", accept: key, accept_within: 5s}
    not_accepted: gone
  gone: {say: "Nobody is here."}
""")
    call = offered(text)
    (started,) = commands_of(call, c.StartTransfer)
    assert isinstance(started, c.StartTransfer)
    assert (started.needs_key, started.accept_within_s) == (True, 5.0)
    call.transfer_ends("not_accepted").hears("nobody is here")


def test_a_connected_transfer_ends_the_call_for_the_flow() -> None:
    call = transfer(", failed: other").transfer_ends("connected")
    assert call.has_ended and call.record[-1].outcome == "connected"


def test_keys_during_a_transfer_are_not_for_the_flow() -> None:
    call = transfer(", busy: busy").listens().presses("1").transfer_ends("busy").hears("it is busy")
    assert call.state.typed_ahead == ""


def test_a_key_skips_what_is_said_before_a_transfer_and_is_no_answer_later() -> None:
    text = flow("""  start: {say: "You will be connected with a person now.", next: go}
  go: {transfer: {to: agent}, failed: main}
  main: {menu: {prompt: "Press 1.", choices: {a: {keys: "1"}}}}
""")
    call = offered(text).interrupts(keys="1", after_s=0.2)
    assert call.phase is Phase.TRANSFERRING
    assert call.transfer_ends("busy").hears("press 1").phase is Phase.LISTENING


def test_transfers_that_fail_in_a_circle_are_ended() -> None:
    call = transfer(", failed: repeat").listens()
    for _ in range(300):
        if call.phase is Phase.ENDED:
            break
        call.transfer_ends("busy")
    assert call.has_ended


def test_a_hold_text_that_fails_leads_to_on_error() -> None:
    transfer("", head="on_error: gone\n").hears("one moment")
    text = flow(TRANSFER.replace("EXITS", "").replace("Please hold.", "{{ nope }}"), head="on_error: gone\n")
    call = offered(text).listens().hears("nobody is here")
    assert call.record[0].outcome == "error" and not commands_of(call, c.StartTransfer)


def test_a_caller_who_comes_back_goes_on_where_the_transfer_failed() -> None:
    call = CallScript(flow(TRANSFER.replace("EXITS", ""))).offered(
        variables={"code": "7391", "name": "Ann"},
        sensitive={"code"},
        language="de-DE",
        resume_at="busy",
        returned_because="busy",
    )
    call.hears("it is busy")
    assert (call.variables["code"], call.variables["name"], call.state.language) == ("7391", "Ann", "de-DE")
    assert "code" in call.state.sensitive
    assert (call.record[0].kind, call.record[0].outcome) == ("transfer", "busy")


def test_an_unknown_kind_of_step_is_a_mistake_of_ours() -> None:
    class OddStep(Step):
        action = "odd"

    broken = menu().flow.model_copy(update={"steps": {"main": OddStep()}})
    with pytest.raises(AssertionError, match="OddStep"):
        engine.step(broken, FlowState(), e.CallOffered(0.0))


def test_playing_nothing_plays_nothing() -> None:
    run = Run(Program.of(menu().flow), FlowState(), 0.0)
    run.play(())
    assert run.commands == [] and run.state.play_id == ""
