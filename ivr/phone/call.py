"""One call of the telephone: its legs, what it does, what it hears. Runs on the event loop's thread.

A call may go over to another leg: the other side sends REFER (and we call elsewhere) or somebody takes its place with
Replaces. Script, recording and listening go on there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from ivr.errors import IvrError, MediaFailed, SpeechError
from ivr.phone.activity import SILENCE_DBFS, Listener, level_dbfs
from ivr.phone.hearing import Hearing
from ivr.phone.line import Line
from ivr.phone.plan import CallPlan, PhoneParts
from ivr.phone.plays import Plays
from ivr.phone.ports import PhoneView
from ivr.phone.recording import StereoRecording
from ivr.phone.report import CallReport, Heard
from ivr.phone.script import Act, KeyPause, Play, Press, Say, Wait
from ivr.ports import (
    EndedBy,
    KeyPressed,
    LegAnswered,
    LegEarlyMedia,
    LegEnded,
    LegEvent,
    LegId,
    LegReferred,
    LegRinging,
    PlayFailed,
    PlayFinished,
    Speech,
    TextReceived,
)

PUMP_S: Final = 0.04
START_S: Final = 0.3
"""From the answer to the first act: a key at the very instant of the answer is taken for one held from before."""
KEY_S: Final = 0.3
"""From one key to the next: the library sends a key for 0.16 s."""
LAST_WORDS_S: Final = 1.0
"""How long the recognizer may think about what was said at the very end."""
GOODBYE_S: Final = 0.4
"""How long the other side may take to confirm that we hung up."""
REPLACED_GRACE_S: Final = 2.0
"""Whoever sent us elsewhere hangs up; if not by then, we do."""


class PhoneCall:
    """Drives one call."""

    def __init__(
        self,
        parts: PhoneParts,
        plan: CallPlan,
        leg_id: LegId,
        report: CallReport,
        view: PhoneView,
        recording: StereoRecording | None = None,
    ) -> None:
        self.report = report
        self.plan = plan
        self._parts, self._view = parts, view
        self._telephony = parts.telephony
        self._leg = leg_id
        self._next_leg: LegId | None = None
        self._is_leg_over = False
        self._recording = recording
        self._line = Line()
        self._listener = Listener(plan.manners)
        self._hearing: Hearing | None = None
        self._answered_at_s: float | None = None
        self._audio_at_s: float | None = None
        """When the first audio came: early media, else the answer."""
        self._early_pump: asyncio.Task[None] | None = None
        self._decided = asyncio.Event()
        self._over = asyncio.Event()
        self._heard_more = asyncio.Event()
        self._acts: asyncio.Queue[Act] = asyncio.Queue()
        self._plays = Plays(parts.telephony)
        self._later: list[asyncio.TimerHandle] = []
        self._is_hanging_up = False
        self._listen_to(leg_id)

    # --- for the telephone

    @property
    def is_answered(self) -> bool:
        """Whether it was answered."""
        return self._answered_at_s is not None

    @property
    def is_over(self) -> bool:
        """Whether the line is free again."""
        return self._over.is_set()

    def owns(self, leg_id: LegId) -> bool:
        """Whether a leg belongs to this call."""
        return leg_id in (self._leg, self._next_leg)

    def add(self, act: Act) -> None:
        """Do one thing more, after what is asked for already."""
        self._acts.put_nowait(act)

    def press(self, key: str) -> None:
        """Press a key now."""
        if self.is_answered and not self._over.is_set():
            self._telephony.send_digits(self._leg, key, self.plan.method)
            self.report.pressed += key
            self._view.note(f"pressed {key}", self._elapsed_s())
            self._listener.restart()

    def hang_up(self) -> None:
        """End it."""
        if self._is_hanging_up:
            return
        self._is_hanging_up = True
        for leg in (self._leg, self._next_leg):
            if leg is not None:
                self._telephony.hang_up(leg)
        self._later.append(asyncio.get_running_loop().call_later(GOODBYE_S, self._give_up))

    def _give_up(self) -> None:
        """The other side does not confirm that we hung up."""
        sip_status = 200 if self.is_answered else 487
        self._end(LegEnded(self._leg, time.monotonic(), EndedBy.LOCAL, sip_status))

    async def wait_decided(self, limit_s: float | None = None) -> bool:
        """Wait until it is answered or over; whether that was in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._decided.wait()
        return self._decided.is_set()

    async def wait_over(self, limit_s: float | None = None) -> bool:
        """Wait for the end; whether it came in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._over.wait()
        return self._over.is_set()

    # --- what the telephony reports

    def handle(self, event: LegEvent) -> None:
        """Take an event of one of its legs."""
        match event:
            case LegRinging(sip_status=status) if not self.is_answered:
                self._view.note(f"ringing ({status})")
            case LegEarlyMedia() if event.leg_id == self._leg and self._audio_at_s is None:
                self._view.note("heard before the answer (early media)")
                self._audio_at_s = event.at_s
                self._hearing = self._start_hearing()
                self._early_pump = asyncio.get_running_loop().create_task(self._pump_for_ever())
            case LegAnswered():
                self._leg_answered(event)
            case LegReferred(new_leg_id=new_leg):
                if self._next_leg is not None:
                    self._telephony.hang_up(self._next_leg)
                self._next_leg = new_leg
                self._view.note("the other side hands the call over", self._elapsed_s())
            case TextReceived(text=text):
                self._view.note(f"message: {text}", self._elapsed_s())
            case KeyPressed(digit=digit):
                self.report.keys_heard += digit
                self._view.note(f"key {digit} heard", self._elapsed_s())
            case PlayFinished(play_id=play_id):
                self._plays.over(play_id)
            case PlayFailed(play_id=play_id, reason=reason):
                self._problem(reason)
                self._plays.over(play_id)
            case LegEnded():
                self._leg_ended(event)

    def _leg_answered(self, event: LegAnswered) -> None:
        if event.leg_id == self._next_leg:
            self._change_leg(event)
        elif self._answered_at_s is None:
            self._answered_at_s = event.at_s
            self._audio_at_s = self._audio_at_s or event.at_s
            self._count_from_answer()
            self.report.answered, self.report.sip_status, self.report.codec = True, 200, event.codec
            self._view.note(f"answered, {event.codec}" if event.codec else "answered", 0.0)
            self._decided.set()

    def _count_from_answer(self) -> None:
        """What was heard before was counted from the first audio."""
        early_s = self.report.early_media_s = (self._answered_at_s or 0.0) - (self._audio_at_s or 0.0)
        self.report.heard = [replace(heard, at_s=heard.at_s - early_s) for heard in self.report.heard]

    def _change_leg(self, event: LegAnswered) -> None:
        old, self._leg, self._next_leg = self._leg, event.leg_id, None
        self._telephony.listen(old, None)
        self._telephony.listen_sent(old, None)
        self._listen_to(self._leg)
        if not self._is_leg_over:
            later = asyncio.get_running_loop().call_later(REPLACED_GRACE_S, self._telephony.hang_up, old)
            self._later.append(later)
        self._is_leg_over = False
        self.report.transferred, self.report.codec = True, event.codec or self.report.codec
        recorded_s = self._elapsed_s() + self.report.early_media_s
        if self._recording is not None and recorded_s > self._recording.duration_s + 0.1:
            self._pump()
            self._recording.reach(recorded_s)
        self._plays.all_over()
        self._view.note("connected with the new party", self._elapsed_s())

    def _leg_ended(self, event: LegEnded) -> None:
        if event.leg_id == self._next_leg:
            self._next_leg = None
            self._problem(f"the call could not be handed over (SIP {event.sip_status})")
            if self._is_leg_over:
                self._end(event)
        elif event.leg_id == self._leg:
            self._is_leg_over = True
            if self._next_leg is None or self._is_hanging_up:
                self._end(event)

    def _end(self, event: LegEnded) -> None:
        if self._over.is_set():
            return
        report = self.report
        report.ended_by = event.ended_by
        if self._answered_at_s is None:
            report.sip_status, report.reason = event.sip_status, event.reason
            report.early_media_s = 0.0 if self._audio_at_s is None else event.at_s - self._audio_at_s
        else:
            report.duration_s = event.at_s - self._answered_at_s
        report.rtp = event.rtp
        self._plays.all_over()
        self._over.set()
        self._decided.set()

    # --- the call

    async def run(self) -> CallReport:
        """From the answer to the end. Call it once, after `wait_decided`."""
        if self._early_pump is not None:
            self._early_pump.cancel()
        if self._answered_at_s is None:
            await self._finish_hearing()
            return self._finish_files()
        self._hearing = self._hearing or self._start_hearing()
        async with asyncio.TaskGroup() as tasks:
            pump = tasks.create_task(self._pump_for_ever())
            acts = tasks.create_task(self._perform_all())
            if not await self.wait_over(self._remaining_s()):
                self.hang_up()
                await self.wait_over()
            acts.cancel()
            pump.cancel()
        await self._finish_hearing()
        return self._finish_files()

    async def _finish_hearing(self) -> None:
        self._pump()
        if self._hearing is not None:
            await self._hearing.finish(LAST_WORDS_S)

    def _remaining_s(self) -> float | None:
        limit_s = self.plan.duration_s
        return None if limit_s is None else max(limit_s - self._elapsed_s(), 0.0)

    def _finish_files(self) -> CallReport:
        for later in self._later:
            later.cancel()
        if self._recording is not None:
            with self._reported():
                self._recording.close()
        return self.report

    def _start_hearing(self) -> Hearing | None:
        if self._parts.recognizer is None:
            return None
        hearing = Hearing(self._parts.recognizer, self._parts.language)
        hearing.on_heard = self._heard
        hearing.on_problem = self._problem
        with self._reported():
            hearing.start(self._telephony.sample_rate_hz)
            return hearing
        return None

    def _heard(self, started_at_s: float, text: str, confidence: float) -> None:
        zero_s = self._answered_at_s or self._audio_at_s or 0.0
        earliest_s = -self.report.early_media_s if self.is_answered else 0.0
        at_s = max(started_at_s - zero_s, earliest_s)
        self.report.heard.append(Heard(at_s, text, confidence))
        self._view.note(f"heard: {text}", at_s if self.is_answered else None)

    # --- audio

    def _listen_to(self, leg_id: LegId) -> None:
        self._telephony.listen(leg_id, self._line.heard)
        self._telephony.listen_sent(leg_id, self._line.sent)

    async def _pump_for_ever(self) -> None:
        while True:
            self._pump()
            await asyncio.sleep(PUMP_S)

    def _pump(self) -> None:
        loudest = {True: SILENCE_DBFS, False: SILENCE_DBFS}
        for frame in self._line.drain():
            if self._audio_at_s is None or frame.at_s < self._audio_at_s:
                continue
            level = level_dbfs(frame.pcm)
            loudest[frame.is_heard] = max(loudest[frame.is_heard], level)
            if self._recording is not None:
                self._recording.add(frame.pcm, is_heard=frame.is_heard)
            if frame.is_heard:
                if self._answered_at_s is not None and frame.at_s >= self._answered_at_s:
                    self._listener.hear(level)
                if self._hearing is not None:
                    self._hearing.write(frame.pcm)
        if self._recording is not None:
            with self._reported():
                self._recording.flush()
        self._heard_more.set()
        self._view.levels(loudest[False], loudest[True])

    # --- acting

    async def _perform_all(self) -> None:
        await asyncio.sleep(START_S)
        for act in self.plan.script:
            await self._perform(act)
        while True:
            await self._perform(await self._acts.get())

    async def _perform(self, act: Act) -> None:
        if isinstance(act, Wait):
            await asyncio.sleep(act.duration_s)
            return
        if not act.is_at_once:
            await self._wait_for_turn()
        try:
            await self._act(act)
        except (SpeechError, MediaFailed) as error:
            self._problem(str(error))
        self._pump()
        self._listener.restart()

    async def _wait_for_turn(self) -> None:
        while not self._listener.has_finished:
            self._heard_more.clear()
            await self._heard_more.wait()

    async def _act(self, act: Act) -> None:
        match act:
            case Press(strokes=strokes):
                await self._press_all(strokes)
            case Say(text=text):
                await self._say(text)
            case Play(wav=wav):
                self._view.note(f"playing {wav}", self._elapsed_s())
                self.report.played.append(str(wav))
                await self._plays.play(self._leg, [self.plan.files.get(wav, wav)])

    async def _press_all(self, strokes: Sequence[str | KeyPause]) -> None:
        for stroke in strokes:
            if isinstance(stroke, KeyPause):
                await asyncio.sleep(stroke.duration_s)
            else:
                self.press(stroke)
                await asyncio.sleep(KEY_S)

    async def _say(self, text: str) -> None:
        if self._parts.prompts is None:
            self._problem(f"not spoken, no synthesizer: {text}")
            return
        files = await self._parts.prompts.render([Speech(text, self._parts.language)])
        self._view.note(f"saying: {text}", self._elapsed_s())
        self.report.said.append(text)
        await self._plays.play(self._leg, files)

    # --- small things

    def _elapsed_s(self) -> float:
        return 0.0 if self._answered_at_s is None else time.monotonic() - self._answered_at_s

    def _problem(self, text: str) -> None:
        self.report.problems.append(text)
        self._view.note(text, self._elapsed_s() if self.is_answered else None)

    @contextlib.contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except IvrError as error:
            self._problem(str(error))
