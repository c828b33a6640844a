"""The flows that come with the program, for others to run."""

from __future__ import annotations

import pytest

from ivr.errors import Severity
from ivr.flow.check import CheckContext, check_flow
from ivr.flow.loader import load_flow
from ivr.flows import LIBRARY, flow_files, library
from ivr.testing.conversation import CallScript
from tests.flow.dialogs import HEAD

pytestmark = pytest.mark.unit

PIN = HEAD + (
    "languages: [de-DE]\nstart: ask\nvariables: {pin: PIN}\nsteps:\n"
    "  ask: {run: authenticate_pin, with: {pin: '{{ pin }}'}, authenticated: inside, refused: outside}\n"
    "  inside: {say: {en: Welcome., de: Willkommen.}, next: hang_up}\n"
    "  outside: {say: {en: Goodbye., de: Tschüss.}, next: hang_up}\n"
)


def call(pin: str = '"0042"') -> CallScript:
    return CallScript(PIN.replace("PIN", pin), runs=list(library().values())).offered()


def test_every_packaged_flow_is_sound() -> None:
    files = flow_files(LIBRARY)
    assert {file.stem for file in files} == set(library())
    for file in files:
        problems = check_flow(load_flow(file.read_bytes(), file.name), CheckContext(flows=library()))
        assert [problem for problem in problems if problem.severity is Severity.ERROR] == []


@pytest.mark.parametrize("pin", ['"0042"', '" 0042 "'])
def test_the_right_pin_lets_the_caller_in(pin: str) -> None:
    talk = call(pin).hears("key in your pin").presses("0042#").hears("welcome")
    assert talk.has_ended


def test_a_pin_that_is_a_number_is_compared_as_it_is_keyed() -> None:
    assert call("4711").presses("4711#").hears("welcome").has_ended


def test_three_wrong_pins_are_enough_and_none_is_written_down() -> None:
    talk = call().presses("1111#").hears("not the pin").presses("2222#").hears("not the pin")
    assert talk.presses("3333#").hears("goodbye").has_ended
    written = " ".join(f"{note.prompt} {note.heard} {note.meaning} {note.detail}" for note in talk.record)
    assert not [pin for pin in ("1111", "2222", "3333", "0042") if pin in written]


def test_silence_is_refused() -> None:
    assert call().stays_silent(60).hears("goodbye").has_ended
