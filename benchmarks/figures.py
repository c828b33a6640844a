"""What was measured: plain values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

Verdict = Literal["pass", "missed", "disturbed", ""]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile of repeated measurements."""

    p50: float
    p95: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Raises ValueError without a value: a figure of nothing is no figure."""
        if not values:
            raise ValueError("nothing was measured")
        p50, p95 = np.percentile(values, [50, 95])
        return cls(float(p50), float(p95), len(values))


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    unit: str
    value: float
    """The number that is judged: of a spread its 95th percentile."""
    p50: float | None = None
    count: int | None = None
    limit: float | None = None
    """The value may not be above it."""
    least: float | None = None
    """The value may not be below it."""
    goal: float | None = None
    """Aimed at; not a limit yet."""
    asterisk: float | None = None
    """The same measured of Asterisk in the same run."""
    asterisk_p50: float | None = None
    max_ratio: float | None = None
    """The value may not be above this multiple of Asterisk's."""
    note: str = ""
    disturbed: str = ""
    """Why this measurement cannot be trusted: something else kept the machine busy."""

    @property
    def ratio(self) -> float | None:
        """Value over Asterisk's."""
        return self.value / self.asterisk if self.asterisk else None

    @property
    def is_met(self) -> bool | None:
        """Whether limit and ratio are kept; None where there is neither."""
        checks = []
        if self.limit is not None:
            checks.append(self.value <= self.limit)
        if self.least is not None:
            checks.append(self.value >= self.least)
        if self.max_ratio is not None and self.ratio is not None:
            checks.append(self.ratio <= self.max_ratio)
        return all(checks) if checks else None

    @property
    def verdict(self) -> Verdict:
        """One word for the table."""
        if self.is_met is None:
            return ""
        if self.is_met:
            return "pass"
        return "disturbed" if self.disturbed else "missed"

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"ratio": self.ratio, "verdict": self.verdict}


def spread_figure(name: str, ours: Sequence[float], asterisk: Sequence[float] = (), **options: Any) -> Figure:
    """A figure of repeated measurements in milliseconds."""
    mine, theirs = Spread.of(ours), Spread.of(asterisk) if asterisk else None
    return Figure(
        name,
        "ms",
        mine.p95,
        p50=mine.p50,
        count=mine.count,
        asterisk=theirs.p95 if theirs else None,
        asterisk_p50=theirs.p50 if theirs else None,
        **options,
    )


@dataclass(slots=True)
class Results:
    """Everything of one run."""

    figures: list[Figure] = field(default_factory=list)

    @property
    def missed(self) -> list[Figure]:
        """Limits not kept although nothing disturbed the measurement."""
        return [figure for figure in self.figures if figure.verdict == "missed"]
