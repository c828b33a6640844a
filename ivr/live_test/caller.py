"""Plays a conversation as a real call: polite, by voice and keys, in step with the bot's own record."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from ivr.calls.record import CallRecord
from ivr.errors import IvrError
from ivr.flow.run import UNANSWERED_LIMIT_S
from ivr.live_test.arrangement import Heard
from ivr.live_test.dialling import Dialling
from ivr.live_test.people import People
from ivr.live_test.record import LiveRecord, compare, is_kept_as, turns_of, turns_until
from ivr.live_test.speech import CallersVoice
from ivr.rehearsal import acts as a
from ivr.rehearsal.model import Conversation
from ivr.rehearsal.played import Difference, Moment, Played
from ivr.testing.sip_peer import PeerCall

QUIET_S: Final = 1.1
"""Silence after which the bot has finished; longer than any pause between its sentences."""
SPEAKS_WITHIN_S: Final = 10.0
"""A bot that is not heard for so long is silent."""
LONGEST_PROMPT_S: Final = 60.0
RECORD_LIMIT_S: Final = 30.0
CLOSED_WITHIN_S: Final = 20.0
"""The record of a call that is over; what a flow does after the caller left takes up to 15 s."""
ANSWER_WITHIN_S: Final = UNANSWERED_LIMIT_S + 5.0
CLOCKS_S: Final = 0.1
"""How far wall clock and monotonic clock may be apart in what they say of one instant."""


class _Differs(Exception):
    def __init__(self, expected: str, found: str, line: int | None = None) -> None:
        """`line` of the record is the one that is not as expected."""
        super().__init__(expected)
        self.expected, self.found, self.line = expected, found, line


def _monotonic_s(instant: datetime) -> float:
    """An instant of a record made on this machine."""
    return time.monotonic() - (datetime.now(UTC) - instant).total_seconds()


@dataclass
class LiveCaller:
    """One conversation. `wanted` is the same one on virtual time, which went as written."""

    test: Conversation
    wanted: Played
    dialling: Dialling
    people: People
    voice: CallersVoice
    call: PeerCall = field(init=False)
    record: LiveRecord = field(init=False)
    _acted_at_s: float = 0.0
    _since_s: float = 0.0
    """What is heard after this is the bot's answer: not the tone that a caller hears while somebody else is called."""
    _prompts_heard: int = 0
    _act_index: int | None = None

    async def play(self) -> Played:
        """Make the call, and say what came of it."""
        began_s = time.monotonic()
        difference: Difference | None = None
        self.call, self.record = await self.dialling.begin()
        try:
            await self._lead()
        except (_Differs, TimeoutError, IvrError) as error:
            found = (
                error if isinstance(error, _Differs) else _Differs("the call goes on", str(error) or "nothing happened")
            )
            difference = self._difference(found, await self.record.read())
        finally:
            await self._leave()
        record = await self.record.wait_end(CLOSED_WITHIN_S)
        if difference is None:
            difference = self._at_end(record)
        return replace(
            self.wanted,
            turns=turns_of(record),
            variables=dict(record.variables) if record else {},
            end=(record.end_reason or "in progress") if record else self.wanted.end,
            is_answered=self.call.is_answered,
            lasted_s=time.monotonic() - began_s,
            difference=difference,
        )

    # --- the call

    async def _lead(self) -> None:
        self._acted_at_s = self._since_s = time.monotonic()
        for index, act in enumerate(self.test.call):
            self._act_index = index
            if act.is_callers:
                await self._answered_or_not(self.wanted.moments[index].is_answered)
                await self._perform(act, self.wanted.moments[index])
        self._act_index = None
        if self.wanted.end == "rejected":
            await self._refused()
        else:
            await self._answered_or_not(self.wanted.is_answered)
            await self._listen_to_the_end()

    async def _answered_or_not(self, is_answered: bool) -> None:
        """Wait for the answer where it had come on virtual time."""
        if not is_answered or self.call.is_answered:
            return
        await self.call.wait_final(ANSWER_WITHIN_S)
        if not self.call.is_answered:
            raise _Differs("the call is answered", f"SIP {self.call.status} {self.call.reason}")
        self._prompts_heard = max(self._prompts_heard, self.wanted.early_prompts)
        self._acted_at_s = self._since_s = self.call.answered_at_s or time.monotonic()

    async def _refused(self) -> None:
        await self.call.wait_final(ANSWER_WITHIN_S)
        if self.call.is_answered:
            raise _Differs("the call is refused", "it was answered")

    async def _perform(self, act: a.Act, moment: Moment) -> None:
        await self._in_step(moment.notes)
        match act:
            case a.Wait(lasting=lasting_s):
                await asyncio.sleep(lasting_s)
                return
            case a.HangUp():
                await self._hear(moment.prompts, to_its_end=False)
                await self.call.hang_up()
                return
            case a.TransferEnds(outcome=outcome):
                await self._hear(moment.prompts, to_its_end=False)
                self.people.decided.put_nowait(outcome)
            case a.Interrupt():
                await self._hear(moment.prompts, to_its_end=False, after_s=act.after)
                await self._act(act, moment.language)
            case a.Say() | a.Press() | a.MakeNoise():
                await self._hear(moment.prompts)
                await self._act(act, moment.language)
            case a.StaySilent(lasting=lasting_s):
                await self._hear(moment.prompts)
                await asyncio.sleep(max(lasting_s - QUIET_S, 0.0))
        self._acted_at_s = self._since_s = time.monotonic()
        self._prompts_heard = moment.prompts

    async def _in_step(self, notes: int) -> None:
        """The bot is as far as on virtual time, by its own record."""
        record = await self.record.wait_lines(self.wanted.record[:notes], RECORD_LIMIT_S)
        lines = record.steps[:notes] if record else ()
        if mismatch := compare(self.wanted.record, lines):
            raise _Differs(mismatch.expected, mismatch.found, mismatch.index)
        if len(lines) < notes:
            missing = self.wanted.record[len(lines)]
            raise _Differs(f"step {missing.step}: {missing.kind}: {missing.outcome}", "it did not happen")
        if lines:
            self._since_s = max(self._acted_at_s, _monotonic_s(lines[-1].ended_at) - CLOCKS_S)

    async def _hear(self, prompts: int, *, to_its_end: bool = True, after_s: float = 0.0) -> None:
        """The bot is heard where it has something to say, and let finish."""
        if prompts <= self._prompts_heard and not (to_its_end is False and after_s):
            return
        began_s = await self._sound()
        if to_its_end:
            await self.call.wait_silence(LONGEST_PROMPT_S, after_s=began_s, sustain_s=QUIET_S)
        else:
            await asyncio.sleep(max(began_s + after_s - time.monotonic(), 0.0))

    async def _sound(self) -> float:
        try:
            return await self.call.wait_sound(SPEAKS_WITHIN_S, after_s=self._since_s)
        except TimeoutError as error:
            raise _Differs("the bot is heard", f"{SPEAKS_WITHIN_S:g} s of silence") from error

    async def _act(self, act: a.Say | a.Press | a.MakeNoise | a.Interrupt, language: str) -> None:
        """Speak, press keys, make a noise."""
        if self.call.is_ended:
            raise _Differs("the caller can go on", "the call is over")
        match act:
            case a.Press(keys=keys, every=every_s):
                await self.call.press(keys, gap_ms=max(round(every_s * 1000) - 100, 60))
            case a.Interrupt(press=str(keys)):
                await self.call.press(keys, gap_ms=200)
            case a.MakeNoise(lasting=lasting_s):
                self.dialling.hears(Heard(0.0, is_noise=True))
                await self.call.send_wav(await self.voice.murmur(language, lasting_s)).wait()
            case a.Say(text=text) | a.Interrupt(say=str(text)):
                is_clear = act.confidence == a.CLEARLY
                self.dialling.hears(None if is_clear else Heard(act.confidence))
                await self.call.send_wav(await self.voice.file(text, language)).wait()

    async def _listen_to_the_end(self) -> None:
        if self.call.is_ended:
            return
        await self._in_step(self.wanted.last_words_at)
        if self.wanted.end == "transferred":
            await self.people.talk(RECORD_LIMIT_S)
        elif self.wanted.end == "caller_hung_up":
            await self._hear(self.wanted.prompts)
        else:
            await self._hear(self.wanted.prompts, to_its_end=False)
            await self.call.wait_ended(LONGEST_PROMPT_S)

    async def _leave(self) -> None:
        await asyncio.gather(*(call.hang_up() for call in self.call.peer.calls), return_exceptions=True)
        await self.people.leave()

    # --- what came of it

    def _difference(self, found: _Differs, record: CallRecord | None, key: str = "") -> Difference:
        index = len(record.steps) - 1 if record and found.line is None else found.line or 0
        is_known = record is not None and 0 <= index < len(record.steps)
        where = f"step '{record.steps[index].step}'" if record and is_known else "before the first step"
        at_turn = turns_until(record, index) if record and found.line is not None else len(turns_of(record))
        return Difference(found.expected, found.found, where, act_index=self._act_index, key=key, at_turn=at_turn)

    def _at_end(self, record: CallRecord | None) -> Difference | None:
        if record is None:
            if self.wanted.end == "rejected":
                return None
            return self._difference(_Differs("the bot records the call", "there is no record of it"), None)
        if mismatch := compare(self.wanted.record, record.steps):
            return self._difference(_Differs(mismatch.expected, mismatch.found, mismatch.index), record)
        if len(record.steps) != len(self.wanted.record):
            expected, found = f"{len(self.wanted.record)} lines in its record", f"{len(record.steps)}"
            return self._difference(_Differs(expected, found), record)
        if record.end_reason != self.wanted.end:
            ends = _Differs(f"the call ends: {self.wanted.end}", f"it ended: {record.end_reason}")
            return self._difference(ends, record, "end")
        if self.wanted.refused_with not in (None, record.sip_status):
            refused = _Differs(f"SIP {self.wanted.refused_with}", f"SIP {record.sip_status}")
            return self._difference(refused, record, "rejected")
        return self._variables(record)

    def _variables(self, record: CallRecord) -> Difference | None:
        for name, value in self.test.expect.all_variables.items():
            kept = record.variables.get(name)
            if not is_kept_as(kept, value):
                return self._difference(_Differs(f"{name} = {value!r}", f"{name} = {kept!r}"), record, name)
        return None
