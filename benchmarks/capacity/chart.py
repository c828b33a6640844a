"""The chart of docs/capacity.md: what calls cost, ours beside Asterisk's."""

from __future__ import annotations

from pathlib import Path

import pygal
from pygal.style import CleanStyle

from benchmarks.capacity.report import Side


def write_chart(path: Path, *sides: Side) -> None:
    """CPU of all calls together, over the number of calls (SVG)."""
    chart = pygal.XY(
        style=CleanStyle,
        width=760,
        height=420,
        title="CPU of all calls together",
        x_title="calls at once",
        y_title="% of one core",
        include_x_axis=True,
        js=(),
        disable_xml_declaration=True,
    )
    for side in sides:
        chart.add(side.name, [(0, 0), *((calls, load.cost.cpu_percent) for calls, load in side.loads.items())])
    path.write_text(chart.render(is_unicode=True))
