"""Rows in columns: for a terminal, and whole for files and pipes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_rows(
    headings: Sequence[str],
    rows: Sequence[tuple[str, ...]],
    right: Collection[str] = (),
    wrapped: Collection[str] = (),
) -> None:
    """Print them; on a terminal the columns `right` to the right, and `wrapped` where they do not fit."""
    console = Console()
    if not console.is_terminal:
        widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
        for row in (headings, *rows):
            typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=heading not in wrapped, justify="right" if heading in right else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
