"""Conversations played on virtual time: what passes, and each way in which one can go another way."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ivr.flow.loader import load_flow
from ivr.rehearsal.played import Difference, Played
from ivr.rehearsal.player import play
from ivr.rehearsal.reading import load_conversations
from tests.rehearsal.files import played

pytestmark = pytest.mark.unit


def difference(result: Played) -> Difference:
    """The point of difference, which there must be."""
    assert result.difference is not None, [turn.shown for turn in result.turns]
    return result.difference


def test_a_call_that_goes_as_written_passes() -> None:
    result = played(
        """
- hear: "say sales or PIN"
- say: sales
- hear: "here is sales"
- reach: fork
- expect_variables: {tries: 1}
- say: sales
- hear: "one moment"
- hear: "all are busy"
- press: "2"
- press: "1234"
- hear: {matches: "1 2,? 3 4"}
""",
        "mock: {to_agent: busy}\nexpect: {end: bot_hung_up, tries: 2, reach: [busy], do_not_reach: [bye]}",
    )
    assert result.difference is None and result.end == "bot_hung_up"
    assert result.lasted_s > 10


def test_a_line_that_is_not_heard_names_what_was_said_and_what_is_closest() -> None:
    found = difference(played('- hear: "machine"\n- hear: "say sails or pin"'))
    assert found.act_index == 1 and found.expected == 'the bot says "say sails or pin"'
    assert "This is a machine." in found.found
    assert found.closest == "Say sales or pin."
    assert "step 'main', listening for: sales, pin, agent" in found.where


def test_a_line_that_should_not_be_heard() -> None:
    assert "does not say" in difference(played('- do_not_hear: "machine"')).expected
    assert played('- do_not_hear: "support"').difference is None


def test_a_caller_cannot_go_on_after_the_end() -> None:
    found = difference(played('- press: "2"\n- press: "1234"\n- say: sales'))
    assert (found.expected, found.found, found.act_index) == ("the caller can say", "the call is over", 2)


def test_a_caller_cannot_interrupt_silence() -> None:
    found = difference(played("- stay silent: 1s\n- interrupt: {after: 1s, say: sales}"))
    assert "nothing that could be interrupted" in found.found


def test_interruptions_by_word_and_key() -> None:
    result = played(
        '- interrupt: {after: 1s, say: sales}\n- hear: "here is sales"\n- interrupt: {press: "2"}\n- reach: pin'
    )
    assert result.difference is None


def test_a_step_that_is_not_reached_names_the_way_that_was_taken() -> None:
    found = difference(played('- press: "1"\n- reach: pin'))
    assert found.expected == "the flow comes to step 'pin'" and "count → fork → sales → main" in found.found


def test_language_and_variables_in_between() -> None:
    assert played('- press: "9"\n- expect_language: de-DE\n- say: verkauf\n- hear: "hier ist"').difference is None
    assert difference(played("- expect_language: de-DE")).found == "it is in en-US"
    assert difference(played("- expect_variables: {tries: 3}")).found == "tries = 0"
    assert difference(played("- expect_variables: {pin: '1'}")).found == "pin has no value"


@pytest.mark.parametrize(
    ("expect", "key", "found"),
    [
        ("{end: transferred}", "end", "it ended: caller hung up"),
        ("{step: pin}", "step", "it was at 'main'"),
        ("{language: de-DE}", "language", "it is in en-US"),
        ("{transferred_to: agent}", "transferred_to", "nobody was called"),
        ("{reach: [main, pin]}", "reach", "it went main"),
        ("{do_not_reach: [main]}", "do_not_reach", "it went main"),
        ("{tries: 1}", "tries", "tries = 0"),
        ("{variables: {tries: 1}}", "tries", "tries = 0"),
        ("{tags: [vip]}", "tags", "it is marked"),
    ],
)
def test_each_expectation_of_the_end_can_fail(expect: str, key: str, found: str) -> None:
    result = difference(played("- hear: machine", f"expect: {expect}"))
    assert result.key == key and found in result.found and result.act_index is None


def test_ends_are_told_apart() -> None:
    assert played("- hang up", "expect: {end: hung_up}").end == "caller_hung_up"
    assert played("- stay silent: 60s", "expect: {end: hung_up}").end == "bot_hung_up"
    assert played('- press: "0"', "expect: {end: transferred, transferred_to: agent}").end == "transferred"


def test_transfers_end_as_the_mock_says_one_after_the_other() -> None:
    result = played(
        '- press: "0"\n- hear: "all are busy"\n- press: "0"\n- hear: "goodbye"',
        "mock: {to_agent: [busy, {outcome: no_answer, after: 20s}]}",
    )
    assert result.difference is None
    assert [note.outcome for note in result.record if note.kind == "transfer"] == ["busy", "no_answer"]
    assert result.lasted_s > 20


def test_a_mock_says_who_of_several_takes_the_call() -> None:
    text = """
flow: desk
start: to_somebody
steps:
  to_somebody: {transfer: {to: [agent, {target: office, ring_for: 5s}], ring: all}, failed: hang_up}
"""

    def brought_to(more: str) -> str | None:
        conversation = f"flow: desk\ntests: [{{name: one, call: [wait: 1s], {more}}}]\n"
        (one,) = load_conversations(conversation, "desk.test.yaml").conversations
        result = play(one.conversation, load_flow(text, "desk.yaml").flow)
        assert [(each.callees, each.rings_all) for each in result.transfers] == [(("agent", "office"), True)]
        return result.difference.found if result.difference else None

    assert brought_to("expect: {transferred_to: agent}") is None
    taken = "mock: {to_somebody: {outcome: connected, target: office}}"
    assert brought_to(f"{taken}, expect: {{transferred_to: office}}") is None
    assert brought_to("expect: {transferred_to: office}") is not None


def test_a_line_can_say_how_a_transfer_ends() -> None:
    assert played('- press: "0"\n- wait: 30s\n- transfer_ends: busy\n- hear: "all are busy"').difference is None
    assert "nobody is being called" in difference(played("- transfer_ends: busy")).found


def test_a_caller_who_speaks_during_an_open_transfer_is_told_what_is_missing() -> None:
    found = difference(played('- press: "0"\n- say: sales\n- transfer_ends: busy'))
    assert "nothing says how that ends" in found.found


def test_a_caller_may_leave_while_it_rings() -> None:
    result = played('- press: "0"\n- wait: 10s\n- hang up', "mock: {to_agent: {outcome: busy, after: 60s}}")
    assert result.difference is None and result.end == "caller_hung_up"


def test_given_holds_from_the_beginning() -> None:
    result = played(
        "- press: '1'\n- hear: moment",
        "given: {variables: {tries: 1}, language: de-DE, from: '+4940', to: '200', name: Jo, now: '2026-11-23 10:00'}",
    )
    assert result.difference is None
    call = result.variables["call"]
    assert isinstance(call, Mapping)
    assert [call[key] for key in ("from", "to", "name", "language")] == ["+4940", "200", "Jo", "de-DE"]


def test_speech_that_cannot_be_recognized() -> None:
    result = played("- say: sales\n- stay silent: 6s\n- hear: nothing heard", "given: {speech: false}")
    assert result.difference is None
    assert any(turn.remark == "nobody listens" for turn in result.turns)


def test_what_a_caller_says_goes_through_the_grammar_of_the_step() -> None:
    result = played('- say: "well sales"\n- hear: "here is sales"\n- say: "gibberish"\n- hear: "not understood"')
    assert result.difference is None
    assert [turn.remark for turn in result.turns if turn.remark] == ["heard: [unk] sales", "heard: [unk]"]


def test_what_is_sensitive_is_masked_in_the_conversation() -> None:
    result = played('- say: pin\n- press: "1234"', "expect: {end: failed}")
    shown = " ".join(f"{turn.shown} {turn.remark}" for turn in result.turns)
    assert "***" in shown and "1234" not in shown and "1 2" not in shown
    assert result.variables["pin"] == "***"
    assert "1234" not in str(difference(played('- say: pin\n- press: "1234"', "expect: {pin: '1'}")).found)


def test_noise_is_no_answer() -> None:
    assert played("- make noise: 1s\n- stay silent: 6s\n- hear: nothing heard").difference is None


def test_what_comes_after_the_last_words_is_known_apart() -> None:
    text = """
flow: short
start: bye
on_hang_up: {go: after, always: true}
steps:
  bye: {say: "This is a machine. Goodbye.", next: hang_up}
  after: {tag: left, next: mark}
  mark: {tag: marked}
"""
    (placed,) = load_conversations("flow: short\ntests: [{name: one, call: []}]\n", "short.test.yaml").conversations
    result = play(placed.conversation, load_flow(text, "short.yaml").flow)
    assert [note.step for note in result.record] == ["bye", "after", "mark"]
    assert (result.last_words_at, result.listened_in) == (1, ())
