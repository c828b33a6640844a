"""Rows of the table of `make bench-speech`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEADINGS = ("measured", "unit", "p50", "value / p95", "with confirmation", "engine alone", "target", "", "note")


@dataclass(frozen=True, slots=True)
class Row:
    """One line."""

    name: str
    unit: str
    value: float | None
    """What is judged, of repeated measurements the 95th percentile; None where nothing could be measured."""
    p50: float | None = None
    confirmed: float | None = None
    """Right after confirmation, in percent."""
    raw: float | None = None
    """Of the engine alone with the same words, in percent."""
    target: str = ""
    is_met: bool | None = None
    note: str = ""
    busy: float = 0.0
    """Share of the machine that others used meanwhile, 0 to 1."""

    @property
    def verdict(self) -> str:
        """Met or missed, and whether the machine was busy with something else."""
        if self.is_met is None:
            return ""
        return ("met" if self.is_met else "missed") + (", busy" if self.is_busy else "")

    @property
    def is_busy(self) -> bool:
        """Whether others disturbed the measurement."""
        return self.busy > BUSY

    def cells(self) -> tuple[str, ...]:
        """As text, by HEADINGS."""
        figures = [shown(figure) for figure in (self.p50, self.value, self.confirmed, self.raw)]
        return (self.name, self.unit, *figures, self.target, self.verdict, self.note)


BUSY = 0.2
"""Others who use more of the machine disturb a measurement."""


def at_most(limit: float, unit: str, value: float) -> tuple[str, bool]:
    """A target, and whether it is met."""
    return f"≤ {limit:g} {unit}", value <= limit


def shown(figure: float | None) -> str:
    """A figure with as many places as it deserves."""
    return (
        ""
        if figure is None
        else f"{figure:.2f}"
        if abs(figure) < 10 and figure % 1
        else f"{figure:.1f}".removesuffix(".0")
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as a table of Markdown, for the terminal as for the docs."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([texts[0], rule, *texts[1:]])
