"""Turn taking: from frame-level voice activity to "the caller began" and "the caller has finished".

A caller's turn is one utterance. The voice activity detector says for each 20 ms frame whether it holds speech; this
machine decides what that means. It knows no clock, audio or engine: instants come in with the frames.

    frames      . . . # . . . . # # # # # # # # . . # # # # # # . . . . . . . . . . . . . . . . . . . . .
                      ^click    ^               ^pause          ^         ^               ^             ^
                      too short |started_at_s                   |ended_at_s               |             |
                                |       ^SpeechStarted          |<-------> Paused; SpeechEnded if the words are whole
              |<-- lead_in_s -->|<----->|                       complete_silence_s        |             |
              ^audio_from_s      onset_s of speech              |<-- final_silence_s ---->|             |
                                 within onset_window_s          |<-- incomplete_silence_s, if more must follow -->

- Speech begins once `onset_s` of it lies within the latest `onset_window_s`: a click, a cough or a crackle is shorter.
- It began at the first speech frame of that window, not at the decision. The `lead_in_s` before it belong to the
  utterance as well: soft consonants ("f", "s", "h") lie below every detector's threshold.
- After `complete_silence_s` without speech it reports `Paused`, and may be told by `judge` what the words so far are. A
  whole answer ends the utterance there; half an answer (three of six digits) ends it after `incomplete_silence_s`.
- Else it ends when no frame was speech for `final_silence_s`. In any case it ends `max_speech_duration_s` after its
  beginning, so that noise that never stops does not hold a call.
- The machine is then ready for the next utterance.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from ivr.immutable import immutable

_TOLERANCE_S = 1e-6  # sums of 0.02 are not exact


class Completeness(StrEnum):
    """What the words of an utterance so far are."""

    OPEN = "open"
    """Not known, or an answer that may still go on."""
    COMPLETE = "complete"
    """A whole answer, whatever else may be said."""
    INCOMPLETE = "incomplete"
    """The beginning of an answer."""


@immutable
class TurnSettings:
    """When a turn begins and ends."""

    final_silence_s: float = 0.7
    """Ends an utterance of which nothing is known."""
    complete_silence_s: float = 0.35
    """Ends one that is a whole answer; never longer than `final_silence_s`."""
    incomplete_silence_s: float = 1.2
    """Ends one that is half an answer; never shorter than `final_silence_s`."""
    max_speech_duration_s: float = 15.0
    onset_s: float = 0.12
    """Speech needed for a beginning."""
    onset_window_s: float = 0.24
    """The stretch within which it must lie."""
    lead_in_s: float = 0.3
    """Audio before the first speech frame that belongs to the utterance."""
    frame_s: float = 0.02

    def __post_init__(self) -> None:
        silences_s = (self.final_silence_s, self.complete_silence_s, self.incomplete_silence_s)
        if min(*silences_s, self.max_speech_duration_s, self.onset_s, self.frame_s) <= 0 or self.lead_in_s < 0:
            raise ValueError("durations of a turn must be positive")
        if self.onset_window_s < self.onset_s:
            raise ValueError(
                f"onset_window_s ({self.onset_window_s}) is shorter than the speech it must hold ({self.onset_s})"
            )

    def silence_s(self, words: Completeness) -> float:
        """How much silence ends an utterance of such words."""
        match words:
            case Completeness.COMPLETE:
                return min(self.complete_silence_s, self.final_silence_s)
            case Completeness.INCOMPLETE:
                return max(self.incomplete_silence_s, self.final_silence_s)
            case Completeness.OPEN:
                return self.final_silence_s


class EndCause(StrEnum):
    """Why an utterance ended."""

    SILENCE = "silence"
    TOO_LONG = "too_long"
    TOLD = "told"
    """The caller said so, by a key."""


@immutable
class SpeechStarted:
    """Sustained speech has begun."""

    started_at_s: float
    """Beginning of its first frame."""
    audio_from_s: float
    """Beginning of the audio to recognize: the lead-in included, never before the first frame seen."""
    decided_at_s: float


@immutable
class SpeechEnded:
    """The utterance is over."""

    started_at_s: float
    ended_at_s: float
    """End of its last speech frame."""
    decided_at_s: float
    cause: EndCause


@immutable
class Paused:
    """Nobody has spoken for `complete_silence_s`: `judge` may be told what the words are. Once for each pause."""

    decided_at_s: float


TurnEvent = SpeechStarted | Paused | SpeechEnded


@immutable
class TurnState:
    """Where a turn stands; the initial value waits for speech."""

    first_frame_at_s: float | None = None
    onset_frames_s: tuple[float, ...] = ()
    """While waiting: beginnings of the speech frames within the onset window."""
    started_at_s: float | None = None
    """While speaking: when it began."""
    last_speech_end_s: float = 0.0
    words: Completeness = Completeness.OPEN
    """Of the utterance up to the pause that it is in."""

    @property
    def is_speaking(self) -> bool:
        """Whether an utterance is in progress."""
        return self.started_at_s is not None


def step(settings: TurnSettings, state: TurnState, at_s: float, is_speech: bool) -> tuple[TurnState, TurnEvent | None]:
    """Take the frame that begins at `at_s`; return the next state and what was decided at the frame's end.

    Frames come in order; a gap between two of them counts as silence.
    """
    if state.first_frame_at_s is None:
        state = replace(state, first_frame_at_s=at_s)
    if state.started_at_s is None:
        return _wait(settings, state, at_s, is_speech)
    return _speak(settings, state, state.started_at_s, at_s, is_speech)


def _wait(settings: TurnSettings, state: TurnState, at_s: float, is_speech: bool) -> tuple[TurnState, TurnEvent | None]:
    if not is_speech:
        return state, None
    oldest_s = at_s + settings.frame_s - settings.onset_window_s - _TOLERANCE_S
    frames = (*(frame for frame in state.onset_frames_s if frame >= oldest_s), at_s)
    if len(frames) * settings.frame_s + _TOLERANCE_S < settings.onset_s:
        return replace(state, onset_frames_s=frames), None
    decided_at_s = at_s + settings.frame_s
    audio_from_s = max(frames[0] - settings.lead_in_s, state.first_frame_at_s or 0.0)
    started = replace(state, onset_frames_s=(), started_at_s=frames[0], last_speech_end_s=decided_at_s)
    return started, SpeechStarted(frames[0], audio_from_s, decided_at_s)


def _speak(
    settings: TurnSettings, state: TurnState, started_at_s: float, at_s: float, is_speech: bool
) -> tuple[TurnState, TurnEvent | None]:
    now_s = at_s + settings.frame_s
    if is_speech:
        state = replace(state, last_speech_end_s=now_s, words=Completeness.OPEN)
    cause = _end_cause(settings, state, started_at_s, now_s)
    if cause is not None:
        return _ended(state, started_at_s, now_s, cause)
    # The one frame with which the silence becomes that long.
    due_s = state.last_speech_end_s + settings.silence_s(Completeness.COMPLETE) - _TOLERANCE_S
    return state, Paused(now_s) if now_s - settings.frame_s < due_s <= now_s else None


def judge(
    settings: TurnSettings, state: TurnState, at_s: float, words: Completeness
) -> tuple[TurnState, SpeechEnded | None]:
    """What the words are, told at the instant of a `Paused`."""
    state = replace(state, words=words)
    if state.started_at_s is None:
        return state, None
    cause = _end_cause(settings, state, state.started_at_s, at_s)
    return (state, None) if cause is None else _ended(state, state.started_at_s, at_s, cause)


def end(state: TurnState, at_s: float) -> tuple[TurnState, SpeechEnded | None]:
    """The caller has told that the utterance is over; None where there is none."""
    return (state, None) if state.started_at_s is None else _ended(state, state.started_at_s, at_s, EndCause.TOLD)


def _ended(state: TurnState, started_at_s: float, now_s: float, cause: EndCause) -> tuple[TurnState, SpeechEnded]:
    return TurnState(first_frame_at_s=now_s), SpeechEnded(started_at_s, state.last_speech_end_s, now_s, cause)


def _end_cause(settings: TurnSettings, state: TurnState, started_at_s: float, now_s: float) -> EndCause | None:
    if now_s - state.last_speech_end_s + _TOLERANCE_S >= settings.silence_s(state.words):
        return EndCause.SILENCE
    if now_s - started_at_s + _TOLERANCE_S >= settings.max_speech_duration_s:
        return EndCause.TOO_LONG
    return None
