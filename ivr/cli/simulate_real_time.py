"""A simulated call in real time: prompts take as long as they do, what is typed (or said) comes when it comes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ivr.config import Settings
from ivr.flow import events as e
from ivr.ports import RecognitionFailed, RecognizerEvent, SpeechDetected, TranscriptReady
from ivr.rehearsal.simulator import Screen, Simulator

if TYPE_CHECKING:
    from ivr.cli.simulate_run import Lines

Item = str | RecognizerEvent | None
"""A typed line, something heard, or the end of the input."""


def lead_in_real_time(
    has_voice: bool,
    make: Callable[..., Simulator],
    settings: Settings,
    screen: Screen,
    input_lines: Lines,
    stack: ExitStack,
) -> Simulator:
    """Lead a call to its end. Raises ConfigError where there is no sound device."""
    inbox: SimpleQueue[Item] = SimpleQueue()
    voice: Any = None
    more: dict[str, Any] = {}
    if has_voice:
        from ivr.cli.simulate_voice import open_voice

        voice = stack.enter_context(open_voice(settings, inbox.put, screen.note))
        more["said_for_s"] = voice.said_for_s
    leader = RealTime(inbox, screen, is_polite=not input_lines.is_terminal, ends_with_input=not has_voice)
    simulator = make(lambda question: leader.answer(question, input_lines), **more)
    if voice is not None:
        simulator.on_commands = voice.on_commands
    threading.Thread(target=_read_all, args=(input_lines, inbox), name="typed-lines", daemon=True).start()
    leader.lead(simulator)
    return simulator


def _read_all(input_lines: Lines, inbox: SimpleQueue[Item]) -> None:
    while (line := input_lines.raw()) is not None:
        inbox.put(line)
    inbox.put(None)


class RealTime:
    """Keeps the virtual clock beside the real one."""

    def __init__(
        self,
        inbox: SimpleQueue[Item],
        screen: Screen,
        *,
        is_polite: bool,
        ends_with_input: bool,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`is_polite`: typed lines wait until the bot has finished, as those of a script do."""
        self._inbox, self._screen = inbox, screen
        self._is_polite, self._ends_with_input = is_polite, ends_with_input
        self._now_s, self._sleep = now_s, sleep
        self._lines: deque[str] = deque()
        self._is_input_over = False
        self._offset_s = 0.0
        """Real minus virtual time."""
        self._shown_listening = ""

    def lead(self, simulator: Simulator) -> None:
        """From the call's beginning to its end; Ctrl-C hangs up."""
        self._offset_s = self._now_s() - simulator.call.clock.monotonic_s()
        try:
            simulator.begin()
            self._go_on(simulator)
        except KeyboardInterrupt:
            simulator.hang_up()

    def _go_on(self, simulator: Simulator) -> None:
        while not simulator.is_over:
            self._catch_up(simulator)
            self._show_listening(simulator)
            if self._may_act(simulator):
                simulator.type(self._lines.popleft(), is_polite=False)
            elif self._is_input_over and self._is_quiet(simulator):
                simulator.hang_up()
            elif not simulator.is_over:
                self._take(simulator)

    def answer(self, question: str, input_lines: Lines) -> str | None:
        """The answer to a question about the world outside; the call stands still meanwhile."""
        began_s = self._now_s()
        input_lines.ask(question)
        while not self._lines and not self._is_input_over:
            item = self._inbox.get()
            self._keep(item)
        self._offset_s += self._now_s() - began_s
        return self._lines.popleft() if self._lines else None

    def _catch_up(self, simulator: Simulator) -> None:
        clock = simulator.call.clock
        behind_s = self._now_s() - self._offset_s - clock.monotonic_s()
        if behind_s < 0:  # the caller spoke: that took its time
            self._sleep(-behind_s)
        else:
            clock.advance(behind_s)

    def _take(self, simulator: Simulator) -> None:
        """Wait for input, or for the next timer."""
        try:
            item = self._inbox.get(timeout=simulator.call.clock.next_due_s)
        except Empty:
            return
        self._catch_up(simulator)
        if isinstance(item, RecognizerEvent):
            self._heard(simulator, item)
        else:
            self._keep(item)

    def _keep(self, item: Item) -> None:
        if item is None:
            self._is_input_over = self._ends_with_input
        elif isinstance(item, str):
            self._lines.append(item)

    def _may_act(self, simulator: Simulator) -> bool:
        return bool(self._lines) and (not self._is_polite or self._is_quiet(simulator) or self._lines[0][:1] == "<")

    @staticmethod
    def _is_quiet(simulator: Simulator) -> bool:
        return simulator.is_callers_turn and not simulator.call.is_speaking

    def _show_listening(self, simulator: Simulator) -> None:
        listening = simulator.call.listening
        if listening is not None and listening.listen_id != self._shown_listening:
            self._shown_listening = listening.listen_id
            self._screen.listens(simulator.words())

    @staticmethod
    def _heard(simulator: Simulator, event: RecognizerEvent) -> None:
        call, listen_id = simulator.call, event.listen_id
        at_s = call.clock.monotonic_s()
        match event:
            case SpeechDetected():
                call.feed(e.SpeechStarted(at_s, listen_id))
            case TranscriptReady(text=text, confidence=confidence):
                call.is_heard(listen_id, text, confidence, event.spoken_s)
            case RecognitionFailed(reason=reason):
                call.feed(e.ListeningFailed(at_s, listen_id, reason))
