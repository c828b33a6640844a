"""Every mistake in a file of conversations has its place and its remedy."""

from __future__ import annotations

import pytest

from ivr.rehearsal import acts as a
from ivr.yaml_source import Position
from tests.rehearsal.files import problems, read

pytestmark = pytest.mark.unit

HEAD = "tests:\n  - name: it\n    call:\n"


def test_every_verb_is_read_in_its_short_and_its_long_form() -> None:
    loaded = read(
        HEAD
        + """      - hear: "machine"
      - hear: {matches: "say \\\\w+"}
      - do not hear: "support"
      - say: sales
      - say: {text: sales, confidence: 0.5}
      - press: "1"
      - press: {keys: "12#", every: 500ms}
      - stay silent: 6s
      - wait: 2s
      - make noise: 500ms
      - interrupt: {after: 800ms, say: agent}
      - interrupt: {press: "0"}
      - transfer_ends: busy
      - reach: main
      - expect_language: en-US
      - expect_variables: {tries: 0}
      - hang up
      - hang_up: true
"""
    )
    assert not loaded.problems
    acts = loaded.conversations[0].conversation.call
    assert [act.verb for act in acts[:4]] == ["hear", "hear", "do_not_hear", "say"]
    assert acts[4] == a.Say(text="sales", confidence=0.5)
    assert acts[6] == a.Press(keys="12#", every=0.5)
    assert acts[10] == a.Interrupt(after=0.8, say="agent")
    assert acts[-1] == acts[-2] == a.HangUp()
    assert loaded.conversations[0].position_of(3) == Position(7, 9)


def test_given_and_mock_of_the_file_hold_for_every_conversation_that_does_not_say_otherwise() -> None:
    loaded = read(
        """
given: {from: "+4930", variables: {tries: 5}}
mock: {to_agent: busy}
tests:
  - {name: one, call: [hang up]}
  - {name: two, given: {from: "+4940"}, mock: {to_agent: [no_answer, {outcome: connected, after: 2s}]}, call: [hang up]}
"""
    )
    one, two = (placed.conversation for placed in loaded.conversations)
    assert (one.given.caller, two.given.caller, two.given.variables) == ("+4930", "+4940", {"tries": 5})
    assert [mock.outcome for mock in one.mock["to_agent"]] == ["busy"]
    assert [(mock.outcome, mock.after) for mock in two.mock["to_agent"]] == [("no_answer", 0.0), ("connected", 2.0)]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "1:1", "no conversations here"),
        ("tests: []", "1:1", "write a list of calls"),
        ("tests: yes", "1:1", "write a list of calls"),
        ("tests:\n  - hello", "2:5", "a conversation is a group of keys"),
        ("tests:\n  - {call: [hang up]}", "2:5", "'name' is missing"),
        ("tests:\n  - {name: it}", "2:5", "'call' is missing"),
        ("tests:\n  - {name: it, call: hello}", "2:22", "a call is a list"),
        ("tests:\n  - {name: it, call: [hang up]}\n  - {name: it, call: [hang up]}", "3:12", "in line 2 already"),
        ("test: []\ntests:\n  - {name: it, call: [hang up]}", "1:1", "unknown key 'test'; did you mean 'tests'?"),
        (HEAD + "      - heer: hi", "4:9", "nothing is called 'heer' here; did you mean 'hear'?"),
        (HEAD + "      - say: hi\n        press: '1'", "4:9", "has one key"),
        (HEAD + "      - say: '...'", "4:14", "nothing to say or hear"),
        (HEAD + "      - say:", "4:9", "nothing is written after 'say'"),
        (HEAD + "      - say: {text: hi, confidence: 2}", "4:37", "at most 1"),
        (HEAD + "      - say: {text: hi, loud: true}", "4:25", "unknown key 'loud'"),
        (HEAD + "      - press: 1", "4:16", 'write "1"'),
        (HEAD + '      - press: "A"', "4:16", "not telephone keys"),
        (HEAD + "      - stay silent: 6", "4:22", "not a duration"),
        (HEAD + "      - interrupt: {after: 1s}", "4:20", "say how the caller interrupts"),
        (HEAD + "      - hear: {matches: '('}", "4:25", "the pattern cannot be read"),
        (HEAD + "      - hear: {}", "4:15", "say what the bot says"),
        (HEAD + "      - transfer_ends: engaged", "4:24", "write one of"),
        (HEAD + "      - reach: mian", "4:9", "no step 'mian'; did you mean 'main'?"),
        (HEAD + "      - expect_language: fr-FR", "4:9", "never in fr-FR; use one of: en-US, de-DE"),
        (HEAD + "      - expect_variables: {tires: 1}", "4:9", "no variable 'tires'; did you mean 'tries'?"),
    ],
)
def test_a_mistake_in_a_line_has_its_place(text: str, place: str, message: str) -> None:
    found = problems(text)
    assert any(f"small.test.yaml:{place}:" in problem and message in problem for problem in found), found


def test_what_a_flow_takes_can_be_given() -> None:
    flow = "flow: small\ntakes: [name]\nstart: hello\nsteps: {hello: {say: 'Hello {{ name }}.', next: return}}\n"
    test = "tests: [{name: it, given: {variables: {name: Ada}}, call: [{hear: hello Ada}]}]\n"
    assert problems(test, flow) == []


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("given: {now: tomorrow}", "not an instant"),
        ("given: {from: 4930}", 'write "4930"'),
        ("given: {language: fr-FR}", "never in fr-FR"),
        ("given: {variables: {tires: 1}}", "no variable 'tires'"),
        ("given: {caller: '1'}", "unknown key 'caller'"),
        ("given:", "nothing is written after 'given'"),
        ("mock: {to_agnet: busy}", "no step 'to_agnet'; did you mean 'to_agent'?"),
        ("mock: {main: busy}", "asks nobody outside"),
        ("mock: {to_agent: bussy}", "did you mean 'busy'?"),
        ("mock: {to_agent: {status: 200}}", "nothing says how this transfer ends"),
        ("expect: {end: hungup}", "did you mean 'hung_up'?"),
        ("expect: {tires: 1}", "neither a variable of the flow nor something to expect"),
        ("expect: {variables: {tires: 1}}", "no variable 'tires'"),
        ("expect: {reach: [mian]}", "no step 'mian'"),
        ("expect: {step: mian}", "no step 'mian'"),
        ("expect: {language: fr-FR}", "never in fr-FR"),
    ],
)
def test_a_mistake_around_the_call_has_its_place(keys: str, message: str) -> None:
    found = problems(f"tests:\n  - name: it\n    {keys}\n    call: [hang up]\n")
    assert any("small.test.yaml:3:" in problem and message in problem for problem in found), found


def test_every_mistake_is_told_at_once() -> None:
    found = problems(HEAD + "      - heer: hi\n      - press: 1\n    mock: {nobody: busy}\n  - {name: two}\n")
    assert len(found) >= 3


def test_yaml_that_cannot_be_read_is_a_mistake_with_a_place() -> None:
    assert "small.test.yaml:2:" in problems("tests:\n\t- name: it")[0]
