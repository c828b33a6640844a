"""Silero VAD, a small neural network that tells speech from other sounds, computed with numpy.

The network (MIT, github.com/snakers4/silero-vad) takes 32 ms of 8 kHz and the 4 ms before, and remembers what it
heard: magnitudes of four short spectra, four convolutions, one recurrent cell, one probability. Its own runtimes need
45 MB and more for each process, or ten times as long; as products of small matrices it takes 0.1 ms and 1 MB.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

BLOCK: Final = 256
"""Samples of 8 kHz that are judged at once."""
_CONTEXT: Final = 32
_WINDOW: Final = 128
_HOP: Final = 64
_BINS: Final = 65
_CELLS: Final = 128
_STRIDES: Final = (1, 2, 2, 1)
_WEIGHTS: Final = Path(__file__).parent / "models" / "silero-vad-8k.npz"


@cache
def _weights() -> dict[str, Floats]:
    """Matrices, ready for products; one copy for all lines."""
    with np.load(_WEIGHTS) as file:
        found = {name: file[name].astype(np.float32) for name in file.files}
    ready = {"spectrum": found["spectrum"][:, 0].T}
    for place in range(len(_STRIDES)):
        weight = found[f"conv{place}_weight"]
        ready[f"conv{place}"] = weight.transpose(2, 1, 0).reshape(-1, weight.shape[0])
        ready[f"bias{place}"] = found[f"conv{place}_bias"]
    ready["cell"] = np.concatenate([found["weight_ih"], found["weight_hh"]], axis=1).T
    ready["cell_bias"] = found["bias_ih"] + found["bias_hh"]
    ready["out"], ready["out_bias"] = found["out_weight"][0, :, 0], found["out_bias"]
    return {name: np.ascontiguousarray(value) for name, value in ready.items()}


class SpeechNet:
    """The memory of one line."""

    def __init__(self) -> None:
        self._weights = _weights()
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._before: Floats = np.zeros(_CONTEXT, dtype=np.float32)
        self._hidden: Floats = np.zeros(_CELLS, dtype=np.float32)
        self._memory: Floats = np.zeros(_CELLS, dtype=np.float32)

    def probability(self, pcm: bytes) -> float:
        """How sure it is that somebody speaks in the next `BLOCK` samples (mono, 16-bit, 8 kHz): 0.0 to 1.0."""
        weights = self._weights
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
        heard = np.concatenate([self._before, samples])
        self._before = heard[-_CONTEXT:]
        padded = np.concatenate([heard, heard[-2 : -2 - _CONTEXT : -1]])  # mirrored at its end
        windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
        spectra = windows @ weights["spectrum"]
        found = np.sqrt(spectra[:, :_BINS] ** 2 + spectra[:, _BINS:] ** 2)
        for place, stride in enumerate(_STRIDES):
            found = _convolved(found, weights[f"conv{place}"], weights[f"bias{place}"], stride)
        return self._judged(found[0])

    def _judged(self, features: Floats) -> float:
        weights = self._weights
        gates = np.concatenate([features, self._hidden]) @ weights["cell"] + weights["cell_bias"]
        enter, forget, new, leave = gates.reshape(4, _CELLS)
        self._memory = _sigmoid(forget) * self._memory + _sigmoid(enter) * np.tanh(new)
        self._hidden = _sigmoid(leave) * np.tanh(self._memory)
        return float(_sigmoid(np.maximum(self._hidden, 0.0) @ weights["out"] + weights["out_bias"])[0])


def _convolved(frames: Floats, weight: Floats, bias: Floats, stride: int) -> Floats:
    """A convolution over three frames, one of silence before and behind, and what is positive of it."""
    count, width = frames.shape
    padded = np.zeros((count + 2, width), dtype=np.float32)
    padded[1:-1] = frames
    threes = np.stack([padded[at : at + 3].reshape(-1) for at in range(0, count, stride)])
    positive: Floats = np.maximum(threes @ weight + bias, np.float32(0.0))
    return positive


def _sigmoid(values: Floats) -> Floats:
    # By tanh: exp of what is far below zero overflows, with a warning to the log.
    likely: Floats = np.float32(0.5) + np.float32(0.5) * np.tanh(np.float32(0.5) * values)
    return likely
