"""What the front counted, as `ivr status` and metrics want it. Pure arithmetic on Kamailio's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_REFUSED: Final = ("refused_", "dropped_")
_CLASSES: Final = ("2xx", "3xx", "4xx", "5xx", "6xx")


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """One worker, as the front sees it."""

    name: str
    """With its node before it where that is another one: `10.0.0.2/w1`."""
    legs: int
    """That this front has given to it."""
    capacity_legs: int
    takes_calls: bool
    taken_by_others: int = 0
    """Legs that the fronts of other nodes have given to it."""


@dataclass(frozen=True, slots=True)
class FrontFigures:
    """Counted since the front (this process of it) began."""

    requests: int
    """Received, of any kind."""
    replies: Mapping[str, int]
    """Final replies of transactions, by class: `2xx` to `6xx`."""
    in_progress: int
    """Transactions that are not over."""
    refused: Mapping[str, int]
    """Requests that were refused or dropped, by reason: `full`, `pace`, `banned`, `flood`, `scanner`, `stranger`, …"""
    failovers: Mapping[str, int]
    """Calls that went on to the next worker, because this one was `silent` or `full`."""
    workers: tuple[WorkerLoad, ...]
    registered: Mapping[str, bool]
    """Account to whether its registration holds."""


def table_of(dump: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """A hash table, from the answer to `htable.dump`."""
    return {str(item["name"]): item["value"] for slot in dump or () for item in slot.get("slot", ())}


def statistics_of(lines: Sequence[str] | None) -> dict[str, int]:
    """From the answer to `stats.get_statistics`: `core:rcv_requests = 12`."""
    pairs = (line.partition("=") for line in lines or ())
    return {name.strip().partition(":")[2]: int(value) for name, _, value in pairs}


def refused_of(counts: Mapping[str, int]) -> dict[str, int]:
    """Reason to number."""
    named = ((name.partition("_"), value) for name, value in counts.items() if name.startswith(_REFUSED))
    return {reason: int(value) for (_, _, reason), value in named}


def failovers_of(counts: Mapping[str, int]) -> dict[str, int]:
    """Reason to number."""
    start = "failover_"
    return {name.removeprefix(start): int(value) for name, value in counts.items() if name.startswith(start)}


def replies_of(statistics: Mapping[str, int]) -> dict[str, int]:
    """Class to number."""
    return {name: statistics.get(f"{name}_transactions", 0) for name in _CLASSES}
