"""G.711 mu-law and A-law (ITU-T G.711) by table, for whole numpy arrays. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
Codes = NDArray[np.uint8]
_BIAS = 33
"""Of the 14-bit mu-law magnitude."""


def _ulaw_decode_table() -> Pcm:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = ((2 * mantissa + _BIAS) << exponent) - _BIAS
    return (np.where(code & 0x80, -magnitude, magnitude) * 4).astype(np.int16)


def _alaw_decode_table() -> Pcm:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    linear = 2 * mantissa + 1
    magnitude = np.where(exponent == 0, linear, (linear + 32) << np.maximum(exponent - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) * 8).astype(np.int16)


def _ulaw_encode_table() -> Codes:
    """Indexed by the sample + 32768."""
    sample = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(sample) >> 2, 8158) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    mantissa = (magnitude >> (exponent + 1)) & 15
    sign = np.where(sample < 0, 0x80, 0)
    codes: Codes = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return codes


def _alaw_encode_table() -> Codes:
    """Indexed by the sample + 32768."""
    sample = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.where(sample >= 0, sample >> 4, (-sample - 1) >> 4)
    exponent = np.where(magnitude < 16, 0, np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 3)
    mantissa = (magnitude >> np.maximum(exponent - 1, 0)) & 15
    sign = np.where(sample >= 0, 0x80, 0)
    codes: Codes = ((sign | (exponent << 4) | mantissa) ^ 0x55).astype(np.uint8)
    return codes


_DECODE: Final = {"PCMU": _ulaw_decode_table(), "PCMA": _alaw_decode_table()}
_ENCODE: Final = {"PCMU": _ulaw_encode_table(), "PCMA": _alaw_encode_table()}
SILENCE: Final = {"PCMU": 0xFF, "PCMA": 0xD5, "G722": 0xFA}
"""The byte of a silent stream. For G.722 only a placeholder."""


def encode(codec: str, pcm: Pcm) -> bytes:
    """16-bit samples as G.711 bytes; `codec` is PCMU or PCMA."""
    return _ENCODE[codec][pcm.astype(np.int32) + 32768].tobytes()


def decode(codec: str, payload: bytes) -> Pcm:
    """G.711 bytes as 16-bit samples; of another codec, silence of the same length."""
    table = _DECODE.get(codec)
    if table is None:
        return np.zeros(len(payload), dtype=np.int16)
    decoded: Pcm = table[np.frombuffer(payload, dtype=np.uint8)]
    return decoded
