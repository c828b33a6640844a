"""Plays a conversation as a real call: polite, by voice and keys, in step with the bot's own record."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from ivr.calls.record import MASK, CallRecord
from ivr.errors import IvrError
from ivr.flow.events import TransferOutcome
from ivr.flow.model import Flow
from ivr.flow.run import UNANSWERED_LIMIT_S
from ivr.live_test.people import People
from ivr.live_test.record import LiveRecord, compare, turns_of
from ivr.live_test.speech import CallersVoice
from ivr.rehearsal import acts as a
from ivr.rehearsal.model import Conversation
from ivr.rehearsal.player import Difference, Moment, Played
from ivr.testing.sip_peer import PeerCall, SipPeer

QUIET_S: Final = 1.1
"""Silence after which the bot has finished; longer than any pause between its sentences."""
SPEAKS_WITHIN_S: Final = 10.0
"""A bot that is not heard for so long is silent."""
LONGEST_PROMPT_S: Final = 60.0
RECORD_LIMIT_S: Final = 30.0
TALK_S: Final = 1.5
"""How long caller and person are left together."""


ANSWER_WITHIN_S: Final = 20.0
"""Of a flow that answers at once."""

CLOCKS_S: Final = 0.1
"""How far wall clock and monotonic clock may be apart in what they say of one instant."""


class _Differs(Exception):
    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected)
        self.expected, self.found = expected, found


def _monotonic_s(instant: datetime) -> float:
    """An instant of a record made on this machine."""
    return time.monotonic() - (datetime.now(UTC) - instant).total_seconds()


@dataclass
class LiveCaller:
    """One conversation. `wanted` is the same one on virtual time, which went as written."""

    test: Conversation
    flow: Flow
    wanted: Played
    peer: SipPeer
    people: People
    voice: CallersVoice
    record: LiveRecord
    uri: str
    from_user: str | None
    call: PeerCall = field(init=False)
    _acted_at_s: float = 0.0
    _since_s: float = 0.0
    """What is heard after this is the bot's answer: not the tone that a caller hears while somebody else is called."""
    _prompts_heard: int = 0
    _act_index: int | None = None

    async def play(self) -> Played:
        """Make the call, and say what came of it."""
        await self.record.begin()
        self.people.expect(self._outcomes())
        began_s = time.monotonic()
        difference: Difference | None = None
        self.call = await self.peer.dial(
            self.uri, timeout_s=self._answer_within_s, from_user=self.from_user, from_name=self.test.given.name
        )
        try:
            await self._lead()
        except (_Differs, TimeoutError, IvrError) as error:
            found = (
                error if isinstance(error, _Differs) else _Differs("the call goes on", str(error) or "nothing happened")
            )
            difference = await self._difference(found)
        finally:
            await self._leave()
        record = await self.record.wait_end(10.0)
        if difference is None:
            difference = self._at_end(record)
        return self._played(record, difference, time.monotonic() - began_s)

    @property
    def _answer_within_s(self) -> float:
        return UNANSWERED_LIMIT_S + 5 if self.flow.answer == "later" else ANSWER_WITHIN_S

    def _outcomes(self) -> list[tuple[str, float]]:
        mocks = [mock for mocks in self.test.mock.values() for mock in mocks]
        if not mocks and any(isinstance(act, a.TransferEnds) for act in self.test.call):
            return []
        found = [(mock.outcome or TransferOutcome.CONNECTED, mock.after) for mock in mocks]
        return [(str(outcome), after_s) for outcome, after_s in found] or [(str(TransferOutcome.CONNECTED), 0.0)]

    # --- the call

    async def _lead(self) -> None:
        if self.wanted.end == "rejected":
            if self.call.is_answered:
                raise _Differs("the call is refused", "it was answered")
            return
        if not self.call.is_answered:
            raise _Differs("the call is answered", f"SIP {self.call.status} {self.call.reason}")
        self._prompts_heard = self.wanted.early_prompts
        self._acted_at_s = self._since_s = self.call.answered_at_s or time.monotonic()
        for index, act in enumerate(self.test.call):
            self._act_index = index
            if act.is_callers:
                await self._perform(act, self.wanted.moments[index])
        self._act_index = None
        await self._listen_to_the_end()

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
                await self._speak_or_press(act.say or "", act.press or "")
            case a.StaySilent(lasting=lasting_s):
                await self._hear(moment.prompts)
                await asyncio.sleep(max(lasting_s - QUIET_S, 0.0))
            case a.Say(text=text):
                await self._hear(moment.prompts)
                await self._speak_or_press(text, "")
            case a.Press(keys=keys, every=every_s):
                await self._hear(moment.prompts)
                await self._speak_or_press("", keys, every_s)
        self._acted_at_s = self._since_s = time.monotonic()
        self._prompts_heard = moment.prompts

    async def _in_step(self, notes: int) -> None:
        """The bot is as far as on virtual time, by its own record."""
        record = await self.record.wait_lines(notes, RECORD_LIMIT_S)
        lines = record.steps[:notes] if record else ()
        if mismatch := compare(self.wanted.record, lines):
            raise _Differs(mismatch.expected, mismatch.found)
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

    async def _speak_or_press(self, text: str, keys: str, every_s: float = 0.3) -> None:
        if self.call.is_ended:
            raise _Differs("the caller can go on", "the call is over")
        if keys:
            gap_ms = max(round(every_s * 1000) - 100, 60)
            await self.call.press(keys, gap_ms=gap_ms)
        else:
            language = self.test.given.language or self.flow.language
            sending = self.call.send_wav(await self.voice.file(text, language))
            await sending.wait()

    async def _listen_to_the_end(self) -> None:
        if self.call.is_ended:
            return
        await self._in_step(self._notes_without_the_end())
        if self.wanted.end == "transferred":
            async with asyncio.timeout(RECORD_LIMIT_S):
                await self.people.answered.wait()
            await asyncio.sleep(TALK_S)
        elif self.wanted.end == "caller_hung_up":
            await self._hear(self.wanted.prompts)
        else:
            await self._hear(self.wanted.prompts, to_its_end=False)
            await self.call.wait_ended(LONGEST_PROMPT_S)

    def _notes_without_the_end(self) -> int:
        """Lines that the record has before somebody hangs up."""
        if self.wanted.end == "bot_hung_up":
            return max(len(self.wanted.record) - 1, 0)
        return sum(note.outcome not in ("hung_up", "connected") for note in self.wanted.record)

    async def _leave(self) -> None:
        await asyncio.gather(*(call.hang_up() for call in self.peer.calls), return_exceptions=True)
        await self.people.leave()

    # --- what came of it

    async def _difference(self, found: _Differs) -> Difference:
        record = await self.record.read()
        step = record.steps[-1].step if record and record.steps else ""
        where = f"after step '{step}'" if step else "before the first step"
        return Difference(found.expected, found.found, where, act_index=self._act_index)

    def _at_end(self, record: CallRecord | None) -> Difference | None:
        if record is None:
            if self.wanted.end == "rejected":
                return None
            return Difference("the bot records the call", "there is no record of it", "the end")
        where = f"after step '{record.steps[-1].step}'" if record.steps else "the end"
        if mismatch := compare(self.wanted.record, record.steps):
            return Difference(mismatch.expected, mismatch.found, where)
        if len(record.steps) != len(self.wanted.record):
            expected, found = f"{len(self.wanted.record)} lines in its record", f"{len(record.steps)}"
            return Difference(expected, found, where)
        if record.end_reason != self.wanted.end:
            return Difference(f"the call ends: {self.wanted.end}", f"it ended: {record.end_reason}", where, key="end")
        if self.wanted.refused_with not in (None, record.sip_status):
            return Difference(f"SIP {self.wanted.refused_with}", f"SIP {record.sip_status}", where, key="rejected")
        return self._variables(record, where)

    def _variables(self, record: CallRecord, where: str) -> Difference | None:
        for name, value in self.test.expect.all_variables.items():
            kept = record.variables.get(name)
            if kept not in (value, MASK):
                return Difference(f"{name} = {value!r}", f"{name} = {kept!r}", where, key=name)
        return None

    def _played(self, record: CallRecord | None, difference: Difference | None, lasted_s: float) -> Played:
        turns = turns_of(record)
        if difference is not None:
            difference = replace(difference, at_turn=len(turns))
        return replace(
            self.wanted,
            turns=turns,
            end=str(record.end_reason) if record else self.wanted.end,
            variables=record.variables if record else {},
            lasted_s=lasted_s,
            difference=difference,
        )
