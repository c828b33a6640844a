"""Noises of telephone lines and what comes by them that is no speech: made, so that nothing is to be downloaded."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import numpy as np

from tests.speech.lines import RATE_HZ, Line, prompt

Noise = Callable[[int, float, int], Line]
"""So many samples at a level (dBFS), from a seed."""


def at_level(sound: Line, dbfs: float) -> Line:
    """The sound at an RMS level."""
    scaled: Line = sound * (10 ** (dbfs / 20) / (np.sqrt(np.mean(sound**2)) + 1e-12))
    return scaled


def _coloured(length: int, dbfs: float, seed: int, power: float) -> Line:
    """Noise whose power falls with frequency: 0 white, 1 pink, 2 the rumble of a car."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=length))
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    spectrum *= np.where(hz < 60, 0.0, np.maximum(hz, 60.0) ** (-power / 2))
    return at_level(np.fft.irfft(spectrum, length), dbfs)


def white(length: int, dbfs: float, seed: int) -> Line:
    return _coloured(length, dbfs, seed, 0.0)


def pink(length: int, dbfs: float, seed: int) -> Line:
    return _coloured(length, dbfs, seed, 1.0)


def car(length: int, dbfs: float, seed: int) -> Line:
    return _coloured(length, dbfs, seed, 2.0)


def hum(length: int, dbfs: float, seed: int) -> Line:
    """Mains hum with its harmonics, and hiss."""
    sound = tones(length, dbfs, *(50.0 * place for place in range(2, 9)))
    return at_level(sound + white(length, dbfs - 12, seed), dbfs)


def dimmer(length: int, dbfs: float, seed: int) -> Line:
    """The buzz of a dimmer that a bad earth lets in: two pulses in each period of the mains, and hiss."""
    at = np.arange(length) / RATE_HZ * 50 % 0.5
    pulses = np.where(at < 0.05, 1.0, 0.0) * np.where(np.arange(length) / RATE_HZ * 50 % 1 < 0.5, 1, -1)
    return at_level(at_level(pulses, dbfs) + white(length, dbfs - 15, seed), dbfs)


def transmitter(length: int, dbfs: float, seed: int) -> Line:
    """The buzz of a mobile telephone near the line: its bursts come 217 times a second (GSM)."""
    bursts = np.where(np.arange(length) / RATE_HZ * 217 % 1 < 0.125, 1.0, 0.0)
    return at_level(bursts - np.mean(bursts), dbfs)


def cough(length: int, dbfs: float, seed: int) -> Line:
    """Half a cough is a burst of breath, the rest is voiced; both through a throat's resonances."""
    at = np.arange(length) / RATE_HZ
    breath = np.random.default_rng(seed).normal(size=length)
    voice = np.where(at * 140 % 1 < 0.1, 3.0, 0.0) * (at > at[-1] / 2)
    envelope = np.exp(-at * 12) + 0.35 * np.exp(-(((at - 0.7 * at[-1]) / 0.06) ** 2))
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    throat = sum(1 / (1 + ((hz - peak) / 120) ** 2) for peak in (600, 1550, 2500))
    return at_level(np.fft.irfft(np.fft.rfft((breath + voice) * envelope) * throat, length), dbfs)


def babble(length: int, dbfs: float, seed: int) -> Line:
    """Eight people at once."""
    dice = random.Random(seed)
    return at_level(np.sum([prompt(dice, length / RATE_HZ) for _ in range(8)], axis=0), dbfs)


def tones(length: int, dbfs: float, *hz: float) -> Line:
    at = np.arange(length) / RATE_HZ
    return at_level(np.sum([np.sin(2 * np.pi * f * at + f) for f in hz], axis=0), dbfs)


def on_and_off(sound: Line, on_s: float, off_s: float) -> Line:
    """The sound in bursts."""
    at = np.arange(len(sound)) / RATE_HZ
    return np.where(at % (on_s + off_s) < on_s, sound, 0.0)


def music(length: int, dbfs: float, seed: int) -> Line:
    """A tune with chords and a beat, as music on hold is."""
    dice, pieces = random.Random(seed), list[Line]()
    scale = [220.0 * 2 ** (step / 12) for step in (0, 2, 4, 5, 7, 9, 11, 12, 14, 16)]
    while sum(map(len, pieces)) < length:
        size = round(dice.choice((0.2, 0.25, 0.4, 0.5)) * RATE_HZ)
        at = np.arange(size) / RATE_HZ
        root = dice.randrange(6)
        chord = [scale[root] / 2, scale[root], scale[root + 2], scale[root + 4], dice.choice(scale) * 2]
        note = np.sum(
            [np.sin(2 * np.pi * f * h * at) / h**1.5 * (0.6 if h > 1 else 1) for f in chord for h in (1, 2, 3, 4)],
            axis=0,
        )
        beat = np.random.default_rng(dice.randrange(2**31)).normal(size=size) * np.exp(-at * 60) * 2
        pieces.append(note * np.exp(-at * 3) + beat)
    return at_level(np.concatenate(pieces)[:length], dbfs)


def dial_tone(length: int, dbfs: float, seed: int) -> Line:
    """North America; that of Europe is the 425 Hz of `ringing`."""
    return tones(length, dbfs, 350.0, 440.0)


def ringing(length: int, dbfs: float, seed: int) -> Line:
    """425 Hz, 1 s on and 4 s off, as in most of Europe."""
    return on_and_off(tones(length, dbfs, 425.0), 1.0, 4.0)


def fax_calling(length: int, dbfs: float, seed: int) -> Line:
    """CNG of ITU-T T.30 §4.3.3: 1100 Hz, 0.5 s on and 3 s off."""
    return on_and_off(tones(length, dbfs, 1100.0), 0.5, 3.0)


def fax_answer(length: int, dbfs: float, seed: int) -> Line:
    """CED of ITU-T T.30 §4.3.3: 2100 Hz for 3 s."""
    return on_and_off(tones(length, dbfs, 2100.0), 3.0, 2.0)


def keys(length: int, dbfs: float, seed: int) -> Line:
    """DTMF, 100 ms on and 100 ms off."""
    dice = random.Random(seed)
    size = round(0.1 * RATE_HZ)
    pairs = [(low, high) for low in (697.0, 770.0, 852.0, 941.0) for high in (1209.0, 1336.0, 1477.0)]
    pieces: list[Line] = []
    while sum(map(len, pieces)) < length:
        pieces += [tones(size, dbfs, *dice.choice(pairs)), np.zeros(size)]
    return np.concatenate(pieces)[:length]


NOISES: Mapping[str, Noise] = {"white": white, "pink": pink, "car": car, "hum": hum}
SOUNDS: Mapping[str, Noise] = {
    "white": white, "babble": babble, "music": music, "dial tone": dial_tone, "ringing": ringing,
    "fax 1100": fax_calling, "fax 2100": fax_answer, "keys": keys,
}  # fmt: skip
