"""Speech in menus and questions: answers, groups of digits, numbers, confidence, noise, recognizers that fail."""

from __future__ import annotations

import pytest

from ivr.flow import commands as c
from ivr.flow import events as e
from ivr.flow.state import Phase
from ivr.testing.conversation import CallScript
from ivr.testing.prompts import said_for_s
from tests.flow.dialogs import MENU, ask, ask_text, menu, offered

pytestmark = pytest.mark.unit


def answer(call: CallScript) -> object:
    return call.variables.get("value")


def test_a_phrase_chooses() -> None:
    call = menu().says("technical support please").hears("here is support")
    note = call.record[0]
    assert (note.outcome, note.mode, note.meaning) == ("match", "voice", "support")
    assert note.confidence == pytest.approx(0.95 * 0.85)


def test_the_recognizer_gets_the_words_of_the_step_and_its_commands() -> None:
    listening = menu().listening
    assert listening is not None
    assert listening.phrases == ("sales", "support", "technical support", "agent", "repeat", "go back")
    assert listening.allow_unknown and not listening.is_sensitive and listening.language == "en-US"


def test_a_command_by_voice() -> None:
    call = menu().says("agent").hears("an agent it is")
    note = call.record[0]
    assert (note.kind, note.outcome, note.mode, note.meaning) == ("command", "match", "voice", "agent")
    assert call.step == "bye"


def test_words_outside_the_list_are_no_match() -> None:
    call = menu().says("the weather").hears("did not understand")
    assert (call.record[0].outcome, call.record[0].heard) == ("no_match", "[unk]")


def test_two_meanings_at_once_are_no_match() -> None:
    call = menu().says("sales support").hears("did not understand")
    note = call.record[-1]
    assert (call.step, note.outcome, note.heard, note.meaning) == ("main", "no_match", "sales support", "")


# --- digits and numbers


def hashed(call: CallScript, text: str) -> CallScript:
    """Says something and presses # before its silence has ended it."""
    call.begins_to_speak().presses("#")
    assert c.EndUtterance() in call.commands and call.listening is not None, "what it was is yet to come"
    call.feed(e.UtteranceHeard(call.clock.monotonic_s(), call.listening.listen_id, text, 0.9))
    return call


def test_a_hash_behind_spoken_digits_ends_them_and_loses_none() -> None:
    said = ask("digits", min_length="2", max_length="9")
    assert answer(hashed(said, "four seven one").hears("thank you")) == "471"
    in_parts = ask("digits", min_length="2", max_length="9").says("four seven").waits(0.3)
    assert answer(hashed(in_parts, "one two").hears("thank you")) == "4712"
    assert answer(hashed(ask("number"), "twenty five").hears("thank you")) == 25


def test_a_hash_behind_what_is_no_number_is_no_match() -> None:
    for text in ("", "[unk]", "four"):
        call = hashed(ask("digits", min_length="2", max_length="9"), text).hears("did not understand")
        assert call.record[0].outcome == "no_match"
    kept = hashed(ask("digits", min_length="2", max_length="9").says("four seven").waits(0.3), "")
    assert answer(kept.hears("thank you")) == "47", "the noise behind the digits is none"


def test_two_hashes_behind_spoken_digits_are_the_command_of_two_hashes() -> None:
    call = ask("digits").begins_to_speak().presses("##").hears("what is it?")
    assert [note.meaning for note in call.record if note.kind == "command"] == ["back"]


def test_spoken_digits_in_groups_make_one_entry() -> None:
    call = ask("digits", length="6").says("one two three").waits(1.0).says("four five six").hears("thank you")
    assert answer(call) == "123456"


def test_an_open_entry_by_voice_ends_with_the_inter_digit_timer() -> None:
    call = ask("digits").says("one two three")
    assert answer(call) is None
    assert answer(call.waits(2.1).hears("thank you")) == "123"


def test_keys_go_on_where_speech_began() -> None:
    call = ask("digits", length="4").says("one two").presses("34").hears("thank you")
    assert answer(call) == "1234"
    assert call.record[0].mode == "mixed"


def test_too_many_spoken_digits_are_no_match() -> None:
    call = ask("digits", length="3").says("one two three four").hears("did not understand")
    assert answer(call) is None
    assert (call.record[-1].outcome, call.record[-1].heard) == ("no_match", "1234")


def test_an_unsure_group_makes_the_whole_entry_unsure() -> None:
    call = ask("digits", length="4").says("one two", 0.5).waits(0.5).says("three four", 1.0).hears("is that right?")
    assert call.record[0].confidence == pytest.approx(0.5)


def test_a_command_beside_digits_is_obeyed() -> None:
    call = ask("digits", length="4").says("agent one").hears("an agent it is")
    assert (call.step, answer(call)) == ("bye", None)
    assert (call.record[0].kind, call.record[0].meaning) == ("command", "agent")


def test_other_words_than_digits_are_no_match_or_nothing() -> None:
    short = ask("digits", length="2").says("bananas").hears("did not understand")
    long = ask("digits", length="4").says("bananas").waits(6.1).hears("did not hear")
    assert [call.record[-1].outcome for call in (short, long)] == ["no_match", "no_input"]
    assert answer(short) is None and answer(long) is None


def test_long_entries_do_not_listen_for_anything_else() -> None:
    long, short = ask("digits", length="6").listening, ask("digits", length="2").listening
    assert long is not None and short is not None
    assert not long.allow_unknown and short.allow_unknown


def test_a_number_by_voice() -> None:
    call = ask("number", maximum="200").says("one hundred and five").hears("thank you")
    assert answer(call) == 105


def test_a_number_by_voice_out_of_range_or_too_long_is_no_match() -> None:
    too_long = "one two three four five six seven eight nine oh one two three"
    for call in (
        ask("number", maximum="100").says("one hundred and five").hears("did not understand"),
        ask("number").says(too_long).hears("did not understand"),
        ask("number").says("bananas").hears("did not understand"),
    ):
        assert answer(call) is None, call.transcript
        assert [note.outcome for note in call.record] == ["no_match"], call.transcript


# --- choice and yes_no


def test_choice_keeps_the_name() -> None:
    choices = '{red: {keys: "1", say: [red]}, sky: {keys: "2", say: [blue, sky blue]}, odd: {keys: "3"}}'
    assert answer(ask("choice", choices=choices).says("sky blue").hears("thank you")) == "sky"
    assert answer(ask("choice", choices=choices).presses("1").hears("thank you")) == "red"
    assert answer(ask("choice", choices=choices).presses("3").hears("thank you")) == "odd"


def test_yes_and_no_take_their_exits() -> None:
    exits = {"confirmed": "bye", "denied": "sorry"}
    call = ask("yes_no", **exits).says("yes please").hears("an agent it is")
    assert answer(call) is True
    assert answer(ask("yes_no", **exits).presses("2").hears("too bad")) is False
    assert answer(ask("yes_no").presses("1").hears("thank you")) is True


# --- noise


def test_an_interrupted_prompt_goes_on_after_noise_from_a_little_before() -> None:
    call = menu()
    began_s = call.clock.monotonic_s()
    call.is_interrupted_by_noise(after_s=1.5).hears("say sales")
    assert [command.is_resumed for command in call.commands if isinstance(command, c.PlayPrompt)] == [False, True]
    noise_s = 0.5 + 0.7
    call.listens()
    assert call.prompts[1].heard_s == pytest.approx(said_for_s(call.state.input.said))
    assert call.clock.monotonic_s() - began_s == pytest.approx(call.prompts[1].heard_s + noise_s + c.RESUME_BACK_S)
    call.says("sales").hears("here is sales")


def coughs(call: CallScript, text: str = "[unk]", spoken_s: float = 0.4) -> CallScript:
    """Over the prompt; what a recognizer makes of it."""
    call.waits(0.5).begins_to_speak()
    assert call.listening is not None
    return call.is_heard(call.listening.listen_id, text, 0.9, spoken_s)


def test_a_cough_over_a_prompt_is_noise_and_costs_no_attempt() -> None:
    call = coughs(menu())
    assert [command.is_resumed for command in call.commands if isinstance(command, c.PlayPrompt)] == [False, True]
    assert call.says("sales").hears("here is sales").record[0].attempt == 1


def test_a_short_word_over_a_prompt_is_no_cough_nor_is_a_sentence_of_other_words() -> None:
    coughs(menu(), "sales").hears("here is sales")
    coughs(menu(), "[unk]", 0.7).hears("did not understand")


def test_a_short_sound_after_the_prompt_is_answered() -> None:
    coughs(menu().listens()).hears("did not understand")


def test_noise_again_and_again_does_not_stop_a_prompt_for_ever() -> None:
    call = menu()
    for after_s in (0.5, 0.6, 0.7):
        call.is_interrupted_by_noise(after_s=after_s)
    assert len(call.prompts) == 3 and call.is_speaking
    call.stays_silent(6.1).hears("did not hear")
    assert [note.outcome for note in call.record] == ["no_input"]


def test_words_stop_a_prompt_that_noise_no_longer_stops() -> None:
    call = menu().is_interrupted_by_noise(after_s=0.5).is_interrupted_by_noise(after_s=0.6)
    call.interrupts("sales", after_s=0.7).hears("here is sales")
    assert call.prompts[2].was_cut


def test_endless_noise_is_no_input() -> None:
    call = menu().listens()
    began_s = call.clock.monotonic_s()
    while len(call.prompts) == 1:
        call.makes_noise()
    assert call.clock.monotonic_s() - began_s == pytest.approx(12.0, abs=1.3)
    call.hears("did not hear")


def test_a_greeting_goes_on_after_noise() -> None:
    flow = MENU.replace("start: main", "start: hello").replace(
        "steps:", 'steps:\n  hello: {say: "Hello.", next: main}', 1
    )
    call = offered(flow).is_interrupted_by_noise(after_s=0.2).hears("hello. say sales")
    assert [prompt.was_cut for prompt in call.prompts] == [True, False]
    assert call.step == "main" and call.is_speaking


def test_noise_after_the_prompt_is_waited_out() -> None:
    call = menu().listens().makes_noise()
    assert call.step == "main" and not call.is_speaking
    call.waits(6.1).hears("did not hear")


def test_a_confirmation_goes_on_after_noise() -> None:
    call = ask("digits", length="2", confirm="always").says("one two").is_interrupted_by_noise().hears("is that right?")
    assert answer(call.says("yes").hears("thank you")) == "12"


def test_words_after_noise_count() -> None:
    call = menu().is_interrupted_by_noise().listens().says("sales").hears("here is sales")
    note = call.record[0]
    assert (note.outcome, note.meaning, note.attempt) == ("match", "sales", 1)


# --- recognizers that fail

KEYS_PROMPT = MENU.replace("      choices:", '      keys_prompt: "Keys only, press 1 or 2."\n      choices:', 1)


def test_a_deaf_language_uses_the_prompt_for_keys() -> None:
    call = CallScript(KEYS_PROMPT, deaf=["en-US"]).offered().hears("keys only")
    assert call.listening is None
    call.presses("2").hears("here is support")
    assert troubles(call) == [], "that there is no model is no news"


def troubles(call: CallScript) -> list[tuple[str, str]]:
    """What the record tells of recognizers that failed."""
    return [(str(note.outcome), note.detail) for note in call.record if note.kind == "hearing"]


def test_the_record_tells_once_from_where_on_there_are_keys_only_and_why() -> None:
    call = menu().listens().recognizer_breaks().presses("1").hears("here is sales")
    assert troubles(call) == [("keys_only", "the engine stopped")]


def test_words_heard_elsewhere_are_taken_and_the_record_says_so() -> None:
    call = menu().listens()
    assert call.listening is not None
    trouble = "a recognition server was lost, another one heard it"
    call.feed(e.UtteranceHeard(call.clock.monotonic_s(), call.listening.listen_id, "sales", 0.9, (), trouble))
    call.hears("here is sales")
    assert [(note.kind, note.outcome) for note in call.record[:2]] == [("hearing", "elsewhere"), ("menu", "match")]
    assert troubles(call) == [("elsewhere", trouble)]


def test_a_deaf_call_hears_the_greeting_before_the_prompt_for_keys() -> None:
    flow = KEYS_PROMPT.replace("start: main", "start: hello").replace(
        "steps:", 'steps:\n  hello: {say: "Hello.", next: main}', 1
    )
    call = CallScript(flow, deaf=["en-US"]).offered()
    assert call.prompts_heard[-1] == "Hello. Keys only, press 1 or 2."


def test_a_deaf_call_without_a_prompt_for_keys_goes_on_with_the_prompt() -> None:
    call = CallScript(MENU, deaf=["en-US"]).offered().listens()
    assert call.prompts_heard == ["Say sales or press 1. Say support or press 2."]
    call.stays_silent(6.1).hears("did not hear")


def test_a_recognizer_that_breaks_while_the_caller_speaks_costs_no_wait() -> None:
    call = menu().listens().begins_to_speak().recognizer_breaks().waits(6.1).hears("did not hear")
    assert call.listening is None


def test_a_recognizer_that_breaks_while_the_caller_speaks_brings_the_prompt_for_keys_at_once() -> None:
    call = CallScript(KEYS_PROMPT).offered().listens().begins_to_speak().recognizer_breaks()
    assert call.is_speaking and call.hears("keys only").presses("2").hears("here is support")


def test_digits_said_before_a_recognizer_breaks_are_kept_and_go_on_by_keys() -> None:
    call = ask("digits", length="4", keys_prompt="Key it in.").says("one two").waits(0.3).begins_to_speak()
    call.recognizer_breaks()
    assert not call.is_speaking, "the number that is half said would be keyed in from its beginning"
    assert answer(call.presses("34").hears("thank you")) == "1234"


def test_a_recognizer_that_breaks_after_it_cut_the_prompt_brings_the_prompt_back() -> None:
    call = menu().waits(0.5).begins_to_speak().recognizer_breaks()
    assert call.is_speaking and len(call.prompts) == 2


def test_a_recognizer_that_breaks_in_a_confirmation_repeats_it() -> None:
    call = ask("digits", length="2", confirm="always").says("one two").waits(0.3).begins_to_speak().recognizer_breaks()
    assert call.is_speaking and answer(call.presses("1").hears("thank you")) == "12"


def test_a_recognizer_that_never_ends_is_given_up() -> None:
    call = menu().listens().begins_to_speak().waits(18.9)
    assert call.listening is not None
    call.waits(0.2)
    assert call.listening is None and call.step == "main"
    assert troubles(call) == [("keys_only", "the recognizer came to no end")]
    call.waits(6.1).hears("did not hear").presses("1").hears("here is sales")


def test_a_recognizer_that_never_ends_during_a_prompt_waits_for_the_prompt() -> None:
    flow = MENU.replace("  main:\n", "  main:\n    barge_in: match\n    max_speech_duration: 100ms\n")
    flow = flow.replace("Say sales or press 1.", "Say sales or press 1. " + "And so on. " * 20)
    call = offered(flow).waits(1.0).begins_to_speak().waits(5.0)
    assert call.is_speaking and call.listening is None and not call.state.timer_id
    call.listens().stays_silent(6.1).hears("did not hear")


def test_one_language_deaf_leaves_the_other_hearing() -> None:
    flow = MENU.replace("steps:", '  german: {keys: "9", say: [german], language: de-DE}\nsteps:', 1)
    call = CallScript(flow, deaf=["de-DE"]).offered().says("german").listens()
    assert call.listening is None and call.state.language == "de-DE"


# --- stale events


def test_stale_events_change_nothing() -> None:
    call = menu().presses("7").hears("did not understand")
    before = call.state
    now_s = call.clock.monotonic_s()
    for event in (
        e.PromptFinished(now_s, "play1"),
        e.PromptFailed(now_s, "play1", "late"),
        e.TimerFired(now_s, "timer99"),
        e.SpeechStarted(now_s, "listen99"),
        e.UtteranceHeard(now_s, "listen99", "sales", 1.0),
        e.ListeningFailed(now_s, "listen99", "late"),
        e.TransferEnded(now_s, e.TransferOutcome.BUSY),
        e.CallOffered(now_s, "again"),
        e.Event(now_s),
    ):
        call.feed(event)
        assert call.state == before, event


def test_nothing_happens_after_the_end() -> None:
    call = menu().hangs_up()
    before, count = call.state, len(call.commands)
    call.presses("1").feed(e.CallerHungUp(call.clock.monotonic_s()))
    assert call.state == before and len(call.commands) == count and call.phase is Phase.ENDED


def test_a_key_ends_listening_so_that_its_tone_is_not_heard_as_speech() -> None:
    call = offered(ask_text("digits", length="4")).listens().presses("1")
    assert call.listening is None
