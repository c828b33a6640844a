"""Plays a conversation on virtual time and says where it went another way than written."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final

from ivr.flow import events as e
from ivr.flow.model import Flow
from ivr.flow.moment import masked
from ivr.flow.program import Program
from ivr.flow.prompts import languages_of
from ivr.flow.state import Phase
from ivr.rehearsal import acts as a
from ivr.rehearsal.ending import ended_by_bot
from ivr.rehearsal.exits import Exits, exits_in
from ivr.rehearsal.model import Conversation, Given
from ivr.rehearsal.played import Difference, Moment, Played
from ivr.rehearsal.trail import Trail, place_of
from ivr.rehearsal.world import Calendars, World
from ivr.testing.conversation import CallScript
from ivr.testing.turns import BEGAN, NotAsScripted

LONGEST_CALL_S: Final = 4 * 3600.0
"""A call that still goes on by itself after so long goes round in circles, as with `mock`s that repeat."""
SHOWN_STEPS: Final = 6


class _Differs(Exception):
    def __init__(self, expected: str, found: str, closest: str = "") -> None:
        super().__init__(expected)
        self.expected, self.found, self.closest = expected, found, closest


def play(
    test: Conversation,
    flow: Flow | Program,
    *,
    exits: Mapping[str, Exits] | None = None,
    zone: tzinfo | None = None,
    calendars: Calendars | None = None,
) -> Played:
    """Play it. `exits` of its flows, where conversations share them; naive instants are in `zone` (local: None)."""
    program = Program.of(flow)
    return _Player(test, program, exits or exits_in(program), zone, calendars).play()


@dataclass
class _Player:
    test: Conversation
    program: Program
    exits: Mapping[str, Exits]
    zone: tzinfo | None
    calendars: Calendars | None
    call: CallScript = field(init=False)
    trail: Trail = field(init=False)
    world: World = field(init=False)
    reached_from: int = 0
    """Steps of the trail before this one belong to an earlier turn of the caller."""
    moments: list[Moment] = field(default_factory=list)
    act_index: int | None = None

    def __post_init__(self) -> None:
        self.trail = Trail(self.program, self.exits)
        self.world = World(
            self.test.mock,
            step=lambda: place_of(self.call.state),
            now=lambda: self.call.clock.now(),
            calendars=self.calendars,
            leaves_transfers_open=self.test.ends_transfers,
        )
        deaf = () if self.test.given.speech else languages_of(self.program.main)
        self.call = CallScript(self.program, deaf=deaf, outside=self.world, on_step=self.trail.follow)

    def play(self) -> Played:
        try:
            self._offer()
            for act in self.test.call:
                self.act_index = 0 if self.act_index is None else self.act_index + 1
                self._perform(act)
            self.act_index = None
            self._finish()
        except _Differs as found:
            difference: Difference | None = self._difference(found, self.act_index)
        else:
            difference = self._unexpected()
        return Played(
            turns=tuple(self.call.turns),
            trail=self.trail,
            variables=masked(self.call.state),
            end=self._end(),
            lasted_s=self.call.since_offered_s,
            difference=difference,
            notes=tuple(self.world.notes),
            record=tuple(self.call.record),
            is_answered=self.call.is_answered,
            early_prompts=self.call.early_prompts,
            refused_with=self.call.refused_with,
            moments=tuple(self.moments),
            prompts=len(self.call.prompts),
            transfers=tuple(self.world.transfers),
            last_words_at=self.call.last_words_at,
            listened_in=tuple(self.call.listened_in),
        )

    def _offer(self) -> None:
        given = self.test.given
        self.call.offered(
            given.caller,
            given.called,
            variables=given.variables,
            language=given.language or "",
            name=given.name,
            now=begins_at(given, self.zone),
        )

    def _finish(self) -> None:
        """The caller listens to the end of what the bot has to say, and hangs up if the call is not over by then."""
        while self._goes_on():
            pass
        if self.call.phase is not Phase.ENDED and not self.call.state.has_left:
            self.call.hangs_up().listens()
        self._must_be_answered()

    def _goes_on(self) -> bool:
        """Let the next thing happen that needs nothing of the caller; False where there is none."""
        if self.call.since_offered_s > LONGEST_CALL_S:
            way = " → ".join(self.trail.steps[-SHOWN_STEPS:])
            raise _Differs("the call comes to an end", f"after {LONGEST_CALL_S / 3600:g} hours it still goes {way}")
        return self.call.goes_on(in_queue=True)

    # --- lines of the call

    def _perform(self, act: a.Act) -> None:
        call = self.call
        if act.is_callers and not isinstance(act, _IMPATIENT):
            call.listens()
        self.moments.append(Moment(len(call.record), len(call.prompts), call.state.language, call.is_answered))
        if act.is_callers:
            self._must_be_there(act)
            self.reached_from = len(self.trail.steps)
        try:
            _DO[type(act)](self, act)
        except _Differs:
            self._must_be_answered()  # the better explanation
            raise
        except NotAsScripted as error:
            raise _Differs(f"{_can(act)} {act.shown}", _first(error)) from error
        self._must_be_answered()

    def _must_be_answered(self) -> None:
        if not self.world.missing:
            return
        for step, remedy in self.world.missing.items():
            raise _Differs(f"step '{step}' gets an answer", f"nothing says which: add `mock: {{{step}: {remedy}}}`")

    def _must_be_there(self, act: a.Act) -> None:
        if self.call.phase is Phase.ENDED or self.call.state.has_left:
            raise _Differs(_can(act), "the call is over")
        if self.call.phase is Phase.TRANSFERRING and isinstance(act, a.Say | a.Press):
            raise _Differs(
                _can(act), "the caller is being transferred, and nothing says how that ends: add it to `mock`"
            )

    def _hear(self, act: a.Hear) -> None:
        while not any(act.is_in(prompt.text) for prompt in self.call.said_now):
            if not self._goes_on():
                said = [prompt.text for prompt in self.call.said_now]
                raise _Differs(f"the bot says {act.shown}", _said(said), closest(act, said))

    def _do_not_hear(self, act: a.DoNotHear) -> None:
        self.call.listens()
        for prompt in self.call.said_now:
            if act.is_in(prompt.text):
                raise _Differs(f"the bot does not say {act.shown}", _said([prompt.text]))

    def _interrupt(self, act: a.Interrupt) -> None:
        self.call.interrupts(act.say or "", keys=act.press or "", after_s=act.after, confidence=act.confidence)

    def _transfer_ends(self, act: a.TransferEnds) -> None:
        self.call.transfer_ends(act.outcome)

    def _reach(self, act: a.Reach) -> None:
        while act.step not in self.trail.steps[self.reached_from :] and place_of(self.call.state) != act.step:
            if not self._goes_on():
                came = self.trail.steps[self.reached_from :]
                raise _Differs(f"the flow comes to step '{act.step}'", f"it went {' → '.join(came) or 'nowhere'}")

    def _language(self, act: a.ExpectLanguage) -> None:
        if self.call.state.language != act.language:
            raise _Differs(f"the call is in {act.language}", f"it is in {self.call.state.language}")

    def _variables(self, act: a.ExpectVariables) -> None:
        for name, value in act.variables.items():
            self._same(name, value)

    def _same(self, name: str, value: object) -> None:
        state = self.call.state
        known = (state.frames[0] if state.frames else state).variables
        if name not in known:
            raise _Differs(f"{name} = {value!r}", f"{name} has no value")
        if known[name] != value:
            shown = masked(state)[name]
            raise _Differs(f"{name} = {value!r}", f"{name} = {shown!r}")

    # --- the end

    def _end(self) -> str:
        return ended_by_bot(self.call) or "caller_hung_up"

    def _unexpected(self) -> Difference | None:
        """The first thing about the end that is not as expected."""
        expect = self.test.expect
        for key, check in _EXPECT.items():
            wanted = getattr(expect, key) if key in expect.model_fields_set else None
            try:
                if wanted not in (None, (), {}):
                    check(self, wanted)
            except _Differs as found:
                return self._difference(found, None, key)
        for name, value in expect.all_variables.items():
            try:
                self._same(name, value)
            except _Differs as found:
                return self._difference(found, None, name)
        if not expect.model_fields_set and self._end() == "failed":
            return self._difference(_Differs("the call goes well", "the bot could not go on with it"), None)
        return None

    def _expected_end(self, wanted: str) -> None:
        end = self._end()
        if end != wanted and not (wanted == "hung_up" and end in ("caller_hung_up", "bot_hung_up")):
            raise _Differs(f"the call ends: {wanted.replace('_', ' ')}", f"it ended: {end.replace('_', ' ')}")

    def _expected_answer(self, wanted: bool) -> None:
        if self.call.is_answered is not wanted:
            words = {True: "is answered", False: "is not answered"}
            raise _Differs(f"the call {words[wanted]}", f"it {words[not wanted].replace('is', 'was')}")

    def _expected_refusal(self, wanted: int) -> None:
        status = self.call.refused_with
        if status != wanted:
            ended = f"it was refused with SIP {status}" if status else f"it ended: {self._end().replace('_', ' ')}"
            raise _Differs(f"the call is refused with SIP {wanted}", ended)

    def _expected_step(self, wanted: str) -> None:
        place = place_of(self.call.state)
        if place != wanted:
            raise _Differs(f"the call is last at step '{wanted}'", f"it was at '{place}'")

    def _expected_language(self, wanted: str) -> None:
        self._language(a.ExpectLanguage(language=wanted))

    def _expected_target(self, wanted: str) -> None:
        notes = [note for note in self.call.record if note.kind in ("transfer", "queue")]
        reached = [note.meaning for note in notes if note.outcome in e.TALKED]
        if wanted not in reached:
            tried = ", ".join(f"{note.meaning}: {note.outcome}" for note in notes) or "nobody was called"
            raise _Differs(f"the caller is brought to '{wanted}'", tried)

    def _expected_steps(self, wanted: tuple[str, ...]) -> None:
        for name in wanted:
            if name not in self.trail.steps:
                raise _Differs(f"the call comes through step '{name}'", f"it went {' → '.join(self.trail.steps)}")

    def _expected_not(self, wanted: tuple[str, ...]) -> None:
        for name in wanted:
            if name in self.trail.steps:
                raise _Differs(f"the call does not come to step '{name}'", f"it went {' → '.join(self.trail.steps)}")

    def _expected_tags(self, wanted: object) -> None:
        known = self.call.state.tags
        for name, value in _tags(wanted):
            if name not in known or (value is not True and known[name] != value):
                shown = ", ".join(f"{key}: {kept}" for key, kept in known.items()) or "nothing"
                raise _Differs(f"the call is marked {name}: {value}", f"it is marked {shown}")

    def _difference(self, found: _Differs, index: int | None, key: str = "") -> Difference:
        return Difference(
            found.expected, found.found, self._where(), found.closest, index, key, at_turn=len(self.call.turns)
        )

    def _where(self) -> str:
        call = self.call
        text = f"step '{place_of(call.state)}', {call.phase}" if call.step else str(call.phase)
        if call.listening is not None and call.phase is Phase.LISTENING:
            phrases = call.listening.phrases
            shown = ", ".join(phrases[:8]) + (f", … ({len(phrases)} in all)" if len(phrases) > 8 else "")
            text += f" for: {shown or 'free speech'}"
        return text


_DO: dict[type[a.Act], Callable[[_Player, Any], object]] = {
    a.Hear: _Player._hear,
    a.DoNotHear: _Player._do_not_hear,
    a.Say: lambda player, act: player.call.says(act.text, act.confidence),
    a.Press: lambda player, act: player.call.presses(act.keys, every_s=act.every),
    a.StaySilent: lambda player, act: player.call.stays_silent(act.lasting),
    a.Wait: lambda player, act: player.call.waits(act.lasting),
    a.MakeNoise: lambda player, act: player.call.makes_noise(act.lasting),
    a.Interrupt: _Player._interrupt,
    a.HangUp: lambda player, act: player.call.hangs_up(),
    a.TransferEnds: _Player._transfer_ends,
    a.Reach: _Player._reach,
    a.ExpectLanguage: _Player._language,
    a.ExpectVariables: _Player._variables,
}

_EXPECT: dict[str, Callable[[_Player, Any], None]] = {
    "end": _Player._expected_end,
    "answered": _Player._expected_answer,
    "rejected": _Player._expected_refusal,
    "transferred_to": _Player._expected_target,
    "step": _Player._expected_step,
    "language": _Player._expected_language,
    "reach": _Player._expected_steps,
    "do_not_reach": _Player._expected_not,
    "tags": _Player._expected_tags,
}


_IMPATIENT = (a.Interrupt, a.HangUp, a.Wait)
"""What a caller does without waiting for the bot to finish."""


def _can(act: a.Act) -> str:
    return f"the caller can {act.verb.replace('_', ' ')}"


def closest(act: a.Hear, said: list[str]) -> str:
    """The sentence that is most like what was to be heard; empty where none is like it."""
    wanted = act.text or ""
    sentences = [part for text in said for part in re.split(r"(?<=[.!?])\s+", text) if part]
    scores = {part: difflib.SequenceMatcher(None, wanted.lower(), part.lower()).ratio() for part in sentences}
    best = max(scores, key=lambda part: scores[part], default="")
    return best if wanted and scores.get(best, 0.0) >= 0.4 and len(sentences) > 1 else ""


def _said(said: list[str]) -> str:
    return "it said " + " / ".join(f'"{text}"' for text in said) if said else "it said nothing"


def _tags(wanted: object) -> list[tuple[str, object]]:
    """Name and value of each mark; one without a value only has to be there."""
    if isinstance(wanted, Mapping):
        return list(wanted.items())
    return [(str(name), True) for name in (wanted if isinstance(wanted, list | tuple) else [wanted])]


def _first(error: NotAsScripted) -> str:
    return str(error).partition("\n")[0]


def begins_at(given: Given, zone: tzinfo | None) -> datetime:
    """When the call comes in; a naive instant is in `zone` (local: None)."""
    instant = given.now or BEGAN
    return instant if instant.tzinfo else instant.replace(tzinfo=zone) if zone else instant.astimezone()
