"""What a flow does without the caller (`on_hang_up`), and where it goes when something of ours breaks (`on_error`)."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow.state import Phase
from ivr.testing.conversation import CallScript
from ivr.testing.services import ScriptedJobs
from tests.flow.dialogs import HEAD

pytestmark = pytest.mark.unit

SAVED = """
on_hang_up: HOW
start: ask
defaults: {failed: bye}
variables: {value: "", saved: ""}
steps:
  ask: {ask: digits, prompt: "Code?", length: 2, into: value, next: again}
  again: {ask: digits, prompt: "Again?", length: 2, into: second, next: bye}
  bye: {say: "Bye.", next: hang_up}
  save: {when: [{if: "value == ''", go: nothing}, {else: true, go: mark}]}
  nothing: {tag: empty, next: hang_up}
  mark: {set: {saved: "{{ value }} by {{ call.ended_by }}"}, next: noted}
  noted: {tag: {kept: "{{ saved }}"}}
"""


def call(how: str = "save", text: str = SAVED, *parts: str) -> CallScript:
    return CallScript(HEAD + text.replace("HOW", how), runs=parts).offered()


# --- on_hang_up


def test_what_was_collected_is_saved_after_the_caller_hung_up() -> None:
    talk = call().presses("42").hears("again").hangs_up()
    assert talk.phase is Phase.ENDED and talk.state.tags == {"kept": "42 by caller"}
    assert call().hears("code").hangs_up().state.tags == {"empty": True}


def test_nothing_is_played_or_hung_up_after_the_caller_left() -> None:
    talk = call().presses("42").hears("again")
    before = len(talk.commands)
    talk.hangs_up()
    after = [type(command) for command in talk.commands[before:]]
    assert set(after) <= {c.StopPrompt, c.StopListening, c.CancelTimer, c.NoteStep}


def test_it_runs_after_the_bots_own_goodbye_only_where_it_says_always() -> None:
    assert call().presses("42").presses("43").has_ended
    assert call().presses("42").presses("43").listens().state.tags == {}
    talk = call("{go: save, always: true}").presses("42").presses("43").listens()
    assert talk.state.tags == {"kept": "42 by bot"} and talk.phase is Phase.ENDED
    assert sum(isinstance(command, c.HangUp) for command in talk.commands) == 1
    assert talk.hangs_up().state.tags == {"kept": "42 by bot"}


def test_it_runs_after_a_transfer_where_it_says_always() -> None:
    text = SAVED.replace('{say: "Bye.", next: hang_up}', "{transfer: {to: agent}, failed: hang_up}")
    talk = call("{go: save, always: true}", text).presses("42").presses("43").transfer_ends("connected")
    assert talk.state.tags == {"kept": "42 by transfer"}
    left = call("save", text).presses("42").presses("43").hangs_up()
    assert left.state.tags == {"kept": "42 by caller"}


def test_a_step_that_needs_the_caller_ends_it() -> None:
    talk = call("bye").hears("code").hangs_up()
    assert talk.phase is Phase.ENDED and talk.prompts_heard == ["Code?"]
    assert "needs the caller" in talk.record[-1].detail


def test_a_mistake_in_it_ends_it() -> None:
    talk = call(text="on_error: bye\n" + SAVED.replace("{{ value }} by", "{{ value / 0 }} by")).presses("42").hangs_up()
    assert talk.phase is Phase.ENDED and talk.prompts_heard == ["Code?", "Again?"]
    assert talk.record[-1].outcome == "error"


def test_a_loop_in_it_ends() -> None:
    talk = call(text=SAVED.replace('  noted: {tag: {kept: "{{ saved }}"}}', "  noted: {tag: round, next: mark}"))
    assert talk.presses("42").hangs_up().phase is Phase.ENDED
    assert talk.record[-1].detail == "too many steps without the caller"


def test_keys_that_come_late_mean_nothing() -> None:
    assert call().presses("42").hangs_up().presses("17").state.tags == {"kept": "42 by caller"}


def test_a_flow_that_is_run_cleans_up_before_the_one_that_runs_it() -> None:
    text = SAVED.replace('{say: "Bye.", next: hang_up}', "{run: part, next: hang_up}")
    part = (
        "flow: part\non_hang_up: own\nstart: ask\ndefaults: {failed: return}\nsteps:\n"
        '  ask: {ask: digits, prompt: "Inside?", length: 1, into: value, next: return}\n'
        "  own: {tag: inside}\n"
    )
    talk = call("save", text, part).presses("42").presses("43").hears("inside").hangs_up()
    assert talk.phase is Phase.ENDED and talk.state.tags == {"inside": True, "kept": "42 by caller"}
    assert [note.step for note in talk.record][-5:] == ["bye/ask", "bye/own", "save", "mark", "noted"]


# --- on_error

BROKEN = """
on_error: flow_sorry
start: main
variables: {zero: 0}
steps:
  main: {set: {a: "{{ 1 / zero }}"}, ON next: other}
  other: {say: "Value {{ 1 / zero }}.", next: hang_up}
  step_sorry: {say: "Step: {{ error.kind }} in {{ error.step }}.", next: other}
  flow_sorry: {say: "Flow: {{ error.kind }} in {{ error.step }}.", next: main}
"""


def test_an_error_goes_to_the_step_s_own_handler_and_then_to_the_flow_s() -> None:
    text = BROKEN.replace("ON", "on_error: step_sorry,").replace("next: main", "next: hang_up")
    talk = CallScript(HEAD + text).offered().listens()
    assert talk.prompts_heard == ["Step: set in main. Flow: say in other."]


def test_each_handler_is_taken_once_so_that_errors_never_go_round() -> None:
    talk = CallScript(HEAD + BROKEN.replace("ON", "")).offered().listens()
    assert talk.phase is Phase.ENDED
    assert [note.step for note in talk.record if note.outcome == "error"] == ["main", "main"]
    assert [command for command in talk.commands if isinstance(command, c.HangUp)] == [c.HangUp(41)]


def test_a_prompt_that_cannot_be_played_goes_to_the_step_s_handler() -> None:
    text = (
        HEAD
        + 'start: main\nsteps:\n  main: {say: "Hi.", next: end, on_error: sorry}\n'
        + (
            '  end: {ask: digits, prompt: "Code?", length: 1, into: a, on_error: sorry, next: hang_up}\n'
            '  sorry: {say: "Sorry, {{ error.kind }}.", next: hang_up}\n'
        )
    )
    assert CallScript(text).offered().prompt_fails().hears("sorry, say").has_ended


# --- language and tag


def test_the_language_changes_in_the_middle_of_a_call() -> None:
    text = (
        HEAD + "languages: [de-DE]\nvariables: {chosen: CHOSEN}\nstart: hello\nsteps:\n"
        "  hello: {say: {en: 'Hello.', de: 'Hallo.'}, next: change}\n"
        "  change: {language: '{{ chosen }}', next: ask, on_error: sorry}\n"
        "  ask: {ask: yes_no, prompt: {en: 'Sure in {{ call.language }}?', de: 'Sicher, {{ call.language }}?'}, "
        "into: a, next: hang_up}\n"
        "  sorry: {say: {en: 'No such language.', de: 'Nein.'}, next: hang_up}\n"
    )
    for chosen in ("de-DE", "de"):
        talk = CallScript(text.replace("CHOSEN", chosen)).offered().hears("Sicher, de-DE?")
        assert talk.listening is not None and talk.listening.language == "de-DE"
        assert talk.says("ja").variables["a"] is True
    assert CallScript(text.replace("CHOSEN", "fr")).offered().hears("no such language").has_ended


@pytest.mark.parametrize(
    ("tag", "kept"),
    [
        ("complaint", {"complaint": True}),
        ("[complaint, vip]", {"complaint": True, "vip": True}),
        ('{topic: "{{ topic }}", count: 2}', {"topic": "bills", "count": 2}),
    ],
)
def test_a_tag_marks_the_call(tag: str, kept: dict[str, object]) -> None:
    text = f"{HEAD}variables: {{topic: bills}}\nstart: mark\nsteps:\n  mark: {{tag: {tag}, next: hang_up}}\n"
    assert CallScript(text).offered().state.tags == kept


def test_a_tag_made_of_something_sensitive_is_masked() -> None:
    text = (
        HEAD
        + "start: ask\nsteps:\n"
        + (
            "  ask: {ask: digits, prompt: 'PIN?', length: 2, into: pin, sensitive: true, next: mark}\n"
            "  mark: {tag: {pin: '{{ pin }}', vip: true}, next: hang_up}\n"
        )
    )
    talk = CallScript(text).offered().presses("42")
    assert talk.state.tags == {"pin": "***", "vip": True} and "42" not in talk.record[-1].meaning


# --- work that is given away after the call

REPORT = """
on_hang_up: report
start: ask
variables: {value: ""}
steps:
  ask: {ask: digits, prompt: "Code?", length: 2, into: value, next: bye, failed: bye}
  bye: {say: "Bye.", next: hang_up}
  report:
    request: {post: "https://crm.example.com/calls", json: {code: "{{ value }}"}, into: answer}
    waiting: {text: "One moment.", after: 1s}
    error: failed
    next: told
  told: {tag: {ticket: "{{ answer.id }}"}, next: mailed}
  mailed: {send: {webhook: done, data: {code: "{{ value }}"}}, next: return}
  failed: {tag: not_reported}
"""


def reported(result: object, after_s: float = 3.0) -> CallScript:
    jobs = ScriptedJobs({"report": result}, after_s=after_s)  # type: ignore[dict-item]
    return CallScript(HEAD + REPORT, jobs=jobs).offered().hears("code").hangs_up()


def test_a_request_after_the_call_is_waited_for_without_a_word() -> None:
    talk = reported((200, {"id": 7}))
    assert str(talk.phase) == "working" and not talk.state.tags
    talk.waits(3.1)
    assert talk.has_ended and talk.state.tags == {"ticket": 7} and talk.prompts_heard == ["Code?"]
    jobs = [type(command.job).__name__ for command in talk.commands if isinstance(command, c.StartJob)]
    assert jobs == ["HttpJob", "SendJob"]


def test_a_request_that_fails_after_the_call_has_its_exit() -> None:
    assert reported((500, None)).waits(3.1).state.tags == {"not_reported": True}
