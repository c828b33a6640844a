"""Makes `xx_XX-tone-low.onnx`: a voice for Piper that hums, longer for longer texts. Needs `pip install onnx`; CC0."""

from __future__ import annotations

import json
import math
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

RATE_HZ, HUM_HZ, SAMPLES_PER_PHONEME = 22050, 220, 700
FOLDER = Path(__file__).parent


def number(name: str, value: float) -> onnx.NodeProto:
    tensor = helper.make_tensor(name, TensorProto.FLOAT, [], [value])
    return helper.make_node("Constant", [], [name], value=tensor)


def whole(name: str, value: list[int]) -> onnx.NodeProto:
    tensor = helper.make_tensor(name, TensorProto.INT64, [len(value)], value)
    return helper.make_node("Constant", [], [name], value=tensor)


nodes = [
    number("zero", 0.0), number("one", 1.0), number("samples", SAMPLES_PER_PHONEME), number("loudness", 0.4),
    number("step", 2 * math.pi * HUM_HZ / RATE_HZ), whole("first", [1]), whole("axes", [0, 1]), whole("scalar", []),
    helper.make_node("Gather", ["scales", "first"], ["length"]),
    helper.make_node("Cast", ["input_lengths"], ["count"], to=TensorProto.FLOAT),
    helper.make_node("Mul", ["count", "length"], ["stretched"]),
    helper.make_node("Mul", ["stretched", "samples"], ["size"]),
    helper.make_node("Reshape", ["size", "scalar"], ["end"]),
    helper.make_node("Range", ["zero", "end", "one"], ["places"]),
    helper.make_node("Mul", ["places", "step"], ["angles"]),
    helper.make_node("Sin", ["angles"], ["wave"]),
    helper.make_node("Mul", ["wave", "loudness"], ["hum"]),
    helper.make_node("Unsqueeze", ["hum", "axes"], ["output"]),
]  # fmt: skip
graph = helper.make_graph(
    nodes,
    "hum",
    [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ],
    [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "samples"])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.save(model, FOLDER / "xx_XX-tone-low.onnx")
settings = {
    "audio": {"sample_rate": RATE_HZ},
    "espeak": {"voice": "en-us"},
    "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
    "num_symbols": 256,
    "num_speakers": 1,
    "phoneme_type": "espeak",
    "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
}
(FOLDER / "xx_XX-tone-low.onnx.json").write_text(json.dumps(settings, ensure_ascii=False) + "\n", encoding="utf-8")
