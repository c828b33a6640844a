"""Draws a call: both channels of a recording (`ivr call --record`), and the steps of its record.

`ivr calls show ID --json` gives the record.

python scripts/timeline.py recording.wav call.json timeline.svg
"""

from __future__ import annotations

import json
import sys
import wave
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH, LEFT, LANE = 1080, 74, 70
TOP = 150
STEP_COLOURS = ("#e8f0fb", "#fdf3dc")


def main(recording: Path, record: Path, picture: Path) -> None:
    """Write the picture."""
    with wave.open(str(recording)) as file:
        rate_hz = file.getframerate()
        audio = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    call = json.loads(record.read_text())
    audio = audio[: int(np.flatnonzero(np.abs(audio).max(axis=1) > 300)[-1]) + rate_hz]  # the quiet end is left out
    length_s = len(audio) / rate_hz
    scale = (WIDTH - LEFT - 20) / length_s
    parts = [*_steps(call, scale, length_s), *_axis(scale, length_s)]
    for index, (name, colour) in enumerate((("bot", "#33589b"), ("caller", "#b5651d"))):
        middle = TOP + LANE * index + LANE / 2
        samples = audio[:, 1 - index].astype(np.float64) / 32768
        parts.append(f'<text x="8" y="{middle + 4:.0f}" font-weight="600">{name}</text>')
        parts.append(_wave(samples, middle, colour))
    height = TOP + 2 * LANE + 34
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif"'
    body = "\n".join(parts)
    picture.write_text(
        f'{head} font-size="12">\n<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _wave(samples: npt.NDArray[np.float64], middle: float, colour: str) -> str:
    columns = np.array_split(np.abs(samples), WIDTH - LEFT - 20)
    heights = [min(float(column.max()) * LANE * 0.75, LANE / 2 - 2) for column in columns]
    path = "".join(f"M{LEFT + x} {middle - h:.1f}v{2 * h:.1f}" for x, h in enumerate(heights) if h > 0.3)
    return f'<path d="{path}" stroke="{colour}" fill="none"/>'


def _steps(call: dict[str, Any], scale: float, length_s: float) -> list[str]:
    """A coloured stretch for each step that listened or transferred, with what came of it."""
    zero = datetime.fromisoformat(call["answered_at"])
    shown = [step for step in call["steps"] if step["kind"] in ("menu", "ask", "command", "transfer")]
    parts, texts = [], []
    for index, step in enumerate(shown):
        start_s = max((datetime.fromisoformat(step["started_at"]) - zero).total_seconds(), 0)
        end_s = min((datetime.fromisoformat(step["ended_at"]) - zero).total_seconds(), length_s)
        x, width, y = LEFT + start_s * scale, max((end_s - start_s) * scale, 3), 22 + index % 3 * 40
        heard = f"“{step['heard']}”" if step["heard"] else step["meaning"]
        colour = STEP_COLOURS[index % 2]
        bottom = TOP + 2 * LANE
        parts.append(f'<rect x="{x:.0f}" y="{y - 14}" width="{width:.0f}" height="{bottom - y + 14}" fill="{colour}"/>')
        texts.append(f'<text x="{x + 4:.0f}" y="{y}" font-weight="600">{escape(step["step"])}</text>')
        outcome = escape(heard + " → " + step["outcome"].replace("_", " "))
        texts.append(f'<text x="{x + 4:.0f}" y="{y + 15}" fill="#445">{outcome}</text>')
    return [*parts, *texts]


def _axis(scale: float, length_s: float) -> list[str]:
    y = TOP + 2 * LANE + 20
    marks = range(0, int(length_s) + 1, 5)
    return [f'<text x="{LEFT + s * scale:.0f}" y="{y}" fill="#667" text-anchor="middle">{s} s</text>' for s in marks]


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
