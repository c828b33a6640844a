"""The table for people, and the same as JSON."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Results

_COLOURS = {"pass": "green", "missed": "bold red", "disturbed": "yellow", "": ""}


def print_table(results: Results, console: Console) -> None:
    """Value, limit, ratio and verdict of each figure; what disturbed a measurement stands below."""
    table = Table(title="the bot, and Asterisk on the same machine in the same run", title_justify="left")
    table.add_column("figure")
    for heading in ("p50", "p95 / value", "limit", "Asterisk p50", "Asterisk p95", "ratio"):
        table.add_column(heading, justify="right")
    table.add_column("")
    table.add_column("note", overflow="fold")
    for figure in results.figures:
        table.add_row(*_cells(figure))
    console.print(table)
    for figure in results.figures:
        if figure.disturbed:
            console.print(f"disturbed: {figure.name}: {figure.disturbed}", style="yellow", highlight=False)


def _cells(figure: Figure) -> list[str]:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    if figure.max_ratio is not None:
        ratio += f" (≤ {figure.max_ratio:g})"
    limit = "" if figure.limit is None else f"≤ {figure.limit:g}"
    if figure.least is not None:
        limit = f"≥ {figure.least:g}"
    if figure.goal is not None:
        limit = f"goal {figure.goal:g}"
    verdict = f"[{_COLOURS[figure.verdict]}]{figure.verdict}[/]" if figure.verdict else ""
    count = f"n={figure.count}" if figure.count else ""
    note = "; ".join(part for part in (count, figure.note) if part)
    return [
        figure.name,
        _number(figure.p50),
        f"{_number(figure.value)} {figure.unit}",
        limit,
        _number(figure.asterisk_p50),
        _number(figure.asterisk),
        ratio,
        verdict,
        note,
    ]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:,.0f}"


def write_json(results: Results, path: Path) -> None:
    """Everything, for comparing runs."""
    content = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.platform()}, Python {platform.python_version()}",
        "figures": [figure.as_json() for figure in results.figures],
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
