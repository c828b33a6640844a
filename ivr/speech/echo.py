"""Takes the echo of the bot's own prompt out of what a line brings, and tells frames of echo from those of a caller.

A telephone or a line sends back what it was sent: weaker, up to 0.8 s later, coloured. What was sent is known here, so

    sent   ──┬── delay, found by correlation ── short filter ──► predicted echo
             │                                                        │ −
    heard  ──┼────────────────────────────────────────────────────────┴──► rest ──► voice activity, recognizer
             └── levels: can what is left be what the prediction missed? Then it is no caller.

- The delay is the peak of the cross-correlation of what was heard last with what was sent before (GCC-PHAT, Knapp and
  Carter 1976). It stays for as long as one prompt is played: frames are counted on both sides by the same clock.
- The filter is solved for (least squares, a memory of 3 s), not while somebody else is heard. It is good after 0.2 s of
  echo, where one that adapts sample by sample would need seconds.
- What a line has shown (`EchoPath`) holds for its next prompt. One that sends nothing back costs next to nothing.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

FRAME_S: Final = 0.02
LONGEST_DELAY_S: Final = 0.8
"""Of what is looked for: lines, gateways and the buffers on both sides add up."""
_USUAL_DELAY_S: Final = 0.5
_TAPS_S: Final = 0.016
_BEFORE_PEAK_S: Final = 0.003
"""So much of the filter lies before the strongest echo."""
_SEARCHED_FRAMES: Final = 15
"""Heard audio in which the delay is looked for."""
_AHEAD_S: Final = 0.1
"""What is heard may belong to what is sent so much later: both are counted in packets that come together."""
_KEPT_FRAMES: Final = 40
_SOLVE_EVERY: Final = 10
_ROUNDS: Final = 24
_MEMORY: Final = 0.93
"""What was learned before weighs so much at the next solution, 0.2 s later."""
_PROMINENT: Final = 7.5
"""A peak of the correlation this much above its usual size is an echo; speech of others reaches about 5."""
_PROMINENT_NEARBY: Final = 5.0
_MOVES_S: Final = 0.16
_MOVES_BY_S: Final = 0.01
"""Jitter buffers insert and leave out whole frames of the codec: 10 ms of G.711, in pauses above all."""
_UNSURE_FRAMES: Final = 15
"""After digital silence (a pause, or a stall of the line) an echo may come later than before, or in pieces: for so long
a caller has to be louder than any echo.
"""
_SURE_FRAMES: Final = 5
"""A delay that explains so many frames in a row is the one that the line has now."""
_SAME_DELAY_S: Final = 0.003
_LEAST_GAIN_DB: Final = 3.0
"""A filter that takes less than this off what was heard has found no echo."""
_PATIENCE_FRAMES: Final = 11
"""Sound on a line that nothing is known of, and that is no echo for so long, is a caller;"""
_STRONGEST_DB: Final = -6.0
"""so is what is louder than this against the prompt,"""
_TELLING_FRAMES: Final = 3
"""and, where so many frames of a sound are, the whole rest of it: a word begins or ends less loud."""
_CLEAN_FRAMES: Final = 3
"""A line that was quiet when the echo of so many loud frames would have come, by any usual delay, sends none back."""
_QUIET_DBFS: Final = -55.0
_LOUD_DBFS: Final = -32.0
_FADES_DB: Final = 1.5
"""An echo fades by no more than this from one frame to the next."""
_MARGIN_DB: Final = 10.0
"""A caller is this much louder than what the filter usually leaves of the echo,"""
_LEAST_DB: Final = -6.0
"""and at least so loud against the echo itself."""
_NOTHING_DB: Final = -96.0
_FULL_SCALE: Final = 32768.0


@dataclass(slots=True)
class EchoPath:
    """What a line has shown of its echo so far."""

    is_clean: bool = False
    """It sends nothing back."""
    coupling_db: float | None = None
    """How loud the echo is against what was sent; None where none was heard yet."""
    left_db: float = 0.0
    """What the filter usually leaves of the echo, against the echo predicted."""


class EchoCanceller:
    """One line while it is listened to. Counts samples from the first one heard."""

    def __init__(self, sample_rate_hz: int, path: EchoPath | None = None) -> None:
        self._rate_hz = sample_rate_hz
        self._frame = round(sample_rate_hz * FRAME_S)
        self._taps = round(sample_rate_hz * _TAPS_S)
        self._before_peak = round(sample_rate_hz * _BEFORE_PEAK_S)
        self._longest = round(sample_rate_hz * LONGEST_DELAY_S)
        self._ahead = round(sample_rate_hz * _AHEAD_S)
        self.path = path or EchoPath()
        self._forget()

    def _forget(self) -> None:
        self._sent = np.zeros(0, dtype=np.int16)
        self._sent_db: npt.NDArray[np.float64] = np.zeros(0)
        self._sent_at = 0
        self._heard: deque[Samples] = deque(maxlen=_KEPT_FRAMES)
        self._supposed: int | None = None
        """A delay that was found once."""
        self._delay: int | None = None
        self._sure_delay = 0
        """The last one that proved right."""
        self._power, self._cross = np.zeros(self._taps), np.zeros(self._taps)
        self._filter: Samples = np.zeros(self._taps, dtype=np.float32)
        self._echo_db = _NOTHING_DB
        """Of the echo predicted, and as it may still fade."""
        self._active, self._single, self._foreign = 0, 0, 0
        """Frames in a row with sound, without and with a caller."""
        self._telling = 0
        """Frames of the present sound that are too loud for an echo."""
        self._unsure = 0
        """Frames to come that a hole in the line makes doubtful."""
        self._quiet = np.zeros(round(_USUAL_DELAY_S / FRAME_S), dtype=np.int64)
        """By delay: loud frames whose echo was not there."""

    def plays(self, pcm: bytes, at: int) -> None:
        """A prompt (mono, 16-bit, at the rate of the line) begins when sample `at` is heard, give or take 0.1 s."""
        self._forget()
        self._sent = np.frombuffer(pcm, dtype="<i2")
        self._sent_at = at
        whole = len(self._sent) - len(self._sent) % self._frame
        self._sent_db = _levels_db(self._sent[:whole].reshape(-1, self._frame))

    def stops(self, at: int) -> None:
        """Nothing more of it is sent from about sample `at` on."""
        length = max(0, at + self._frame - self._sent_at)
        self._sent, self._sent_db = self._sent[:length], self._sent_db[: length // self._frame]

    def is_needed(self, at: int) -> bool:
        """Whether an echo may come at all at this sample."""
        return at - self._sent_at < len(self._sent) + self._longest + self._frame and len(self._sent_db) > 0

    def clean(self, at: int, frame: bytes, gate_db: float = _QUIET_DBFS) -> tuple[bytes, bool]:
        """The frame (20 ms) that begins at sample `at`, without echo, and whether a caller may be heard in it.

        Below `gate_db` nothing on this line is speech.
        """
        heard = np.frombuffer(frame, dtype="<i2").astype(np.float32) / _FULL_SCALE
        self._heard.append(heard)
        self._unsure = max(0, self._unsure - 1) if heard.any() else _UNSURE_FRAMES
        level_db, loudest_db = _level_db(heard), self._loudest_sent_db(at)
        if level_db < max(gate_db, _QUIET_DBFS) or loudest_db < _QUIET_DBFS:
            self._seen_quiet(at)
            return frame, True
        self._active += 1
        if self._delay is None and self._finds_delay(at):
            self._learn_filter(at)
        if self._delay is None:
            return frame, self._may_be_caller(level_db, loudest_db)
        if not self._unsure or self._single > _SURE_FRAMES:
            self._sure_delay = self._delay
        rest, is_caller = self._without_echo(at, heard)
        return rest, is_caller and (not self._unsure or self._may_be_caller(level_db, loudest_db))

    # --- before the delay is known

    def _loudest_sent_db(self, at: int) -> float:
        """Level of the loudest moment sent whose echo may be heard now."""
        last = (at - self._sent_at + self._ahead) // self._frame
        first = (at - self._sent_at - self._longest) // self._frame
        window = self._sent_db[max(first, 0) : max(last + 1, 0)]
        return float(window.max()) if len(window) else _NOTHING_DB

    def _seen_quiet(self, at: int) -> None:
        self._active = self._telling = 0
        self._echo_db -= _FADES_DB
        last = (at - self._sent_at) // self._frame
        first = last - len(self._quiet)
        if self.path.is_clean or self.path.coupling_db is not None or first < 0 or last > len(self._sent_db):
            return
        self._quiet += self._sent_db[first:last] > _LOUD_DBFS
        self.path.is_clean = bool(self._quiet.min() >= _CLEAN_FRAMES)

    def _may_be_caller(self, level_db: float, loudest_db: float) -> bool:
        if self.path.coupling_db is not None:
            return level_db > loudest_db + self.path.coupling_db + _MARGIN_DB / 2
        is_foreign = self._active > _PATIENCE_FRAMES and self._supposed is None
        is_loud = level_db > loudest_db + _STRONGEST_DB
        self._telling += is_loud
        return self.path.is_clean or is_foreign or is_loud or self._telling >= _TELLING_FRAMES

    def _finds_delay(self, at: int) -> bool:
        """Look for the delay in every third frame of sound; it is believed when it is found twice."""
        if self._active < 4 or self._active % 3 != 1:
            return False
        count, before = min(_SEARCHED_FRAMES, self._active + 1), self._supposed
        found = self._supposed = self._correlated(at + self._frame, count, -self._ahead, self._longest, _PROMINENT)
        if found is None or before is None or abs(found - before) > self._rate_hz * _SAME_DELAY_S:
            return False
        self._delay = self._sure_delay = found
        self._power, self._cross = np.zeros(self._taps), np.zeros(self._taps)
        return True

    def _correlated(self, end: int, count: int, least: int, most: int, prominent: float) -> int | None:
        """The delay at which the last frames up to `end` agree with what was sent; None where they do at none."""
        heard = np.concatenate(list(self._heard)[-count:])
        sent = self._sent_between(end - len(heard) - most, end - least)
        size = 1 << (len(sent) + len(heard) - 1).bit_length()
        spectrum = np.fft.rfft(sent, size) * np.conj(np.fft.rfft(heard, size))
        spectrum /= np.abs(spectrum) ** 0.8 + 1e-9
        agreement = np.abs(np.fft.irfft(spectrum, size)[: most - least + 1])
        best = int(agreement.argmax())
        usual = float(np.sqrt(np.mean(agreement**2))) + 1e-12
        return most - best if agreement[best] > prominent * usual else None

    def _sent_between(self, begin: int, end: int) -> Samples:
        """Samples sent at these places, silence where there were none."""
        first, last = begin - self._sent_at, end - self._sent_at
        found = np.zeros(end - begin, dtype=np.float32)
        inside = self._sent[max(first, 0) : max(last, 0)]
        place = max(-first, 0)
        found[place : place + len(inside)] = inside
        found /= _FULL_SCALE
        return found

    # --- once it is known

    def _without_echo(self, at: int, heard: Samples) -> tuple[bytes, bool]:
        predicted = self._predicted(at, len(heard))
        rest = heard - predicted
        rest_db, echo_db = _level_db(rest), _level_db(predicted)
        self._echo_db = max(echo_db, self._echo_db - _FADES_DB)
        least_db = min(max(self.path.left_db + _MARGIN_DB, _LEAST_DB), 3.0)
        is_caller = rest_db > max(self._echo_db + least_db, _QUIET_DBFS)
        if is_caller:
            self._foreign, self._single = self._foreign + 1, 0
            is_time = self._foreign in (2, 4) or (self._unsure and self._foreign % 2 == 0)
            if is_time and self._has_moved(at):
                self._foreign = 0
                return self._without_echo(at, heard)
        else:
            self._foreign, self._single = 0, self._single + 1
            if echo_db > _QUIET_DBFS:
                self.path.left_db += 0.05 * (max(rest_db - echo_db, -20.0) - self.path.left_db)
            if self._single % _SOLVE_EVERY == 0:
                self._learn_filter(at)
        return _as_bytes(rest), is_caller

    def _has_moved(self, at: int) -> bool:
        """Whether the same echo comes a little sooner or later now: packets were lost, or came late."""
        assert self._delay is not None
        old, reach, step = self._delay, round(self._rate_hz * _MOVES_S), round(self._rate_hz * _MOVES_BY_S)
        least, most = self._sure_delay - reach, self._sure_delay + reach
        found = self._correlated(at + self._frame, max(4, self._foreign + 1), least, most, _PROMINENT_NEARBY)
        steps = range(least, most + 1, step)
        latest, self._delay = np.concatenate(list(self._heard)[-2:]), old
        begin = at + self._frame - len(latest)
        best_db, best = _level_db(latest - self._predicted(begin, len(latest))) - _LEAST_GAIN_DB, old
        for self._delay in (*steps, *([] if found is None else [found])):
            left_db = _level_db(latest - self._predicted(begin, len(latest)))
            best_db, best = min((best_db, best), (left_db, self._delay))
        self._delay = best
        return best != old

    def _predicted(self, at: int, length: int) -> Samples:
        assert self._delay is not None
        begin = at - self._delay - self._taps + 1 + self._before_peak
        sent = self._sent_between(begin, begin + length + self._taps - 1)
        return np.convolve(sent, self._filter, "valid").astype(np.float32)

    def _learn_filter(self, at: int) -> None:
        """The filter that explains best what was heard; a delay whose filter explains nothing is forgotten."""
        assert self._delay is not None
        is_first = not self._power.any()
        heard = np.concatenate(list(self._heard)[-(min(self._active, _KEPT_FRAMES) if is_first else _SOLVE_EVERY) :])
        end = at + self._frame
        begin = end - len(heard) - self._delay - self._taps + 1 + self._before_peak
        sent = self._sent_between(begin, begin + len(heard) + self._taps - 1)
        size = 1 << (len(sent) + self._taps).bit_length()
        power = np.fft.irfft(np.abs(np.fft.rfft(sent, size)) ** 2, size)[: self._taps]
        self._power = _MEMORY * self._power + power
        self._cross = _MEMORY * self._cross + np.correlate(sent, heard, "valid")[::-1]
        self._filter = _solved(self._power, self._cross, self._filter)
        if is_first and _level_db(heard) - _level_db(heard - np.convolve(sent, self._filter, "valid")) < _LEAST_GAIN_DB:
            self._delay = self._supposed = None
            return
        coupling = float(np.sqrt(np.sum(self._filter**2)))
        self.path.coupling_db, self.path.is_clean = 20 * math.log10(coupling + 1e-6), False


def _solved(power: npt.NDArray[Any], cross: npt.NDArray[Any], guess: Samples) -> Samples:
    """The filter h with T h = cross, T being the symmetric Toeplitz matrix of `power`, from a guess that is near.

    Conjugate gradients with products by FFT: a few are enough, and they are on one core. A library's solver takes ten
    times as long, and keeps all cores busy with it.
    """
    taps = len(power)
    row = np.concatenate([power, [0.0], power[:0:-1]])
    row[0] = row[0] * 1.001 + 1e-6
    matrix = np.fft.rfft(row)
    found = guess.astype(np.float64)
    rest = cross - np.fft.irfft(matrix * np.fft.rfft(found, 2 * taps), 2 * taps)[:taps]
    towards, left = rest.copy(), float(rest @ rest)
    for _ in range(_ROUNDS):
        if left < 1e-12:
            break
        product = np.fft.irfft(matrix * np.fft.rfft(towards, 2 * taps), 2 * taps)[:taps]
        step = left / float(towards @ product)
        found += step * towards
        rest -= step * product
        before, left = left, float(rest @ rest)
        towards = rest + left / before * towards
    return found.astype(np.float32)


def _as_bytes(samples: Samples) -> bytes:
    """Samples as 16-bit PCM."""
    return bytes(np.clip(samples * _FULL_SCALE, -32768, 32767).astype("<i2").tobytes())


def _level_db(samples: npt.NDArray[Any]) -> float:
    """RMS against full scale."""
    return 10 * math.log10(float(np.dot(samples, samples)) / len(samples) + 2.5e-10)


def _levels_db(frames: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """RMS of each row against full scale."""
    power = np.mean((frames.astype(np.float32) / _FULL_SCALE) ** 2, axis=1)
    levels: npt.NDArray[np.float64] = 10 * np.log10(power + 2.5e-10)
    return levels
