"""The conversation runner and the clock that it runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.flow.state import Phase
from ivr.testing.clock import DEFAULT_START, ManualClock
from ivr.testing.conversation import CallScript
from ivr.testing.turns import NotAsScripted
from tests.flow.dialogs import MENU, menu

pytestmark = pytest.mark.unit

DEMO = Path(__file__).parents[2] / "flows" / "demo.yaml"


def test_the_demo_reads_like_a_conversation() -> None:
    call = CallScript(DEMO).offered()
    call.hears("automatic assistant").interrupts("my order", after_s=2.0)
    call.hears("order number").says("one two three four")
    call.hears("1 2, 3 4. is that right").says("yes")
    call.hears("has left our warehouse").says("yes")
    call.hears("opening hours").presses("3")
    call.hears("one moment").transfer_ends("busy")
    call.hears("other customers").presses("2")
    call.hears("goodbye")
    assert call.has_ended
    assert call.variables["order"] == "1234"
    assert [note.outcome for note in call.record if note.kind == "transfer"] == ["busy"]
    assert "caller: my order" in call.transcript


def test_a_caller_who_is_not_heard_as_written_fails_with_the_conversation() -> None:
    call = menu().says("sales")
    with pytest.raises(NotAsScripted, match=r"did not say 'support'(.|\n)*caller: sales(.|\n)*Here is sales"):
        call.hears("support")
    with pytest.raises(NotAsScripted, match="the bot said"):
        menu().does_not_hear("sales")
    with pytest.raises(NotAsScripted, match="nobody is being called"):
        menu().transfer_ends("busy")
    with pytest.raises(NotAsScripted, match="nothing that could be interrupted"):
        menu().listens().interrupts("sales")
    with pytest.raises(NotAsScripted, match="had finished within"):
        menu().interrupts("sales", after_s=60.0)


def test_words_beyond_the_list_are_heard_as_unknown() -> None:
    assert menu().says("well well my sales please").record[0].heard == "[unk] sales [unk]"


def test_nobody_hears_a_caller_while_nothing_listens() -> None:
    call = CallScript(MENU, deaf=["en-US"]).offered().says("sales").begins_to_speak().recognizer_breaks()
    assert call.phase is Phase.LISTENING and not call.record


def test_a_transfer_of_a_script_can_be_checked() -> None:
    call = CallScript(DEMO).offered().presses("0")
    assert call.hears("one moment").listens().phase is Phase.TRANSFERRING
    assert call.can_wake and not call.is_speaking


def test_timers_fire_in_order_and_at_their_instant() -> None:
    clock, fired = ManualClock(), []
    clock.call_later(2.0, lambda: fired.append(("two", clock.monotonic_s())))
    clock.call_later(1.0, lambda: clock.call_later(0.5, lambda: fired.append(("later", clock.monotonic_s()))))
    cancelled = clock.call_later(1.2, lambda: fired.append(("never", 0.0)))
    cancelled.cancel()
    clock.advance(3.0)
    assert fired == [("later", 1001.5), ("two", 1002.0)]
    assert clock.monotonic_s() == 1003.0 and (clock.now() - DEFAULT_START).total_seconds() == 3.0
    assert clock.timer_count == 0 and clock.next_due_s is None and not clock.advance_to_next()


def test_the_clock_can_go_to_the_next_timer() -> None:
    clock, fired = ManualClock(), []
    clock.call_later(2.0, lambda: fired.append(1))
    assert clock.next_due_s == 2.0
    assert clock.advance_to_next() and fired == [1] and clock.monotonic_s() == 1002.0
