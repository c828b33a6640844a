"""What became of the calls of `benchmarks.queues`: is none lost, is none doubled? And how long the acts took."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.queues import BEGIN, QUEUES
from ivr.acd.agent import AgentState, settled
from ivr.acd.events import EventKind, QueueEvent
from ivr.storage.queues import DatabaseQueues

_ENDS = (EventKind.ENDED, EventKind.ABANDONED, EventKind.SHORT_ABANDONED, EventKind.LEFT, EventKind.LOST)


@dataclass(frozen=True)
class Notes:
    """What the processes wrote down."""

    talks: list[dict[str, Any]]
    abandoned: list[str]
    took_ms: dict[str, list[float]]

    @classmethod
    def of(cls, folder: Path) -> Notes:
        """Of all processes; the last line of one that was killed may be torn."""
        talks, abandoned, took_ms = [], [], defaultdict(list)
        for file in sorted(folder.glob("*.jsonl")):
            for line in _lines(file):
                if "call" in line:
                    talks.append(line)
                elif "abandoned" in line:
                    abandoned.append(line["abandoned"])
                else:
                    took_ms[line["act"]].append(line["took_ms"])
        return cls(talks, abandoned, took_ms)


def _lines(file: Path) -> Iterable[dict[str, Any]]:
    text = file.read_text()
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def counts(url: str) -> Counter[str]:
    """How often what happened."""
    queues = DatabaseQueues(url, QUEUES)
    found = Counter(event.kind.value for event in queues.events(BEGIN) if event.kind is not EventKind.AGENT)
    queues.close()
    return found


def lost_calls(url: str) -> list[str]:
    """Calls of processes that died."""
    queues = DatabaseQueues(url, QUEUES)
    found = [event.call_id for event in queues.events(BEGIN) if event.kind is EventKind.LOST]
    queues.close()
    return found


def faults(url: str, notes: Notes) -> list[str]:
    """What is wrong; empty where every call had one end, and nobody two calls at a time."""
    queues = DatabaseQueues(url, QUEUES)
    events, scene = queues.events(BEGIN), queues.scene()
    queues.close()
    wrong = [*_wrong_ends(events), *_wrong_talks(notes), *_left_behind(scene.calls)]
    at_last = max(event.at for event in events).replace(year=2100)
    stuck = [agent.name for agent in scene.agents if settled(agent, at_last).state in _STUCK]
    told = {event.call_id for event in events if event.kind in (EventKind.ENDED, EventKind.LOST)}
    return [
        *wrong,
        *(f"{name} is still taken" for name in stuck),
        *(
            f"{talk['call']}: talked, and the database does not know"
            for talk in notes.talks
            if talk["call"] not in told
        ),
    ]


_STUCK = (AgentState.RESERVED, AgentState.ON_CALL)


def _wrong_ends(events: list[QueueEvent]) -> list[str]:
    kinds: dict[str, Counter[EventKind]] = defaultdict(Counter)
    for event in events:
        if event.call_id:
            kinds[event.call_id][event.kind] += 1
    return [
        f"{call_id}: {dict(found)}"
        for call_id, found in kinds.items()
        if found[EventKind.ENTERED] != 1
        or sum(found[kind] for kind in _ENDS) != 1
        or found[EventKind.CONNECTED] != found[EventKind.ENDED]
    ]


def _wrong_talks(notes: Notes) -> list[str]:
    """By the machine's clock, which knows nothing of the database."""
    calls = Counter(talk["call"] for talk in notes.talks)
    wrong = [f"{call}: talked {count} times" for call, count in calls.items() if count > 1]
    by_agent: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for talk in notes.talks:
        by_agent[talk["agent"]].append((talk["from_s"], talk["to_s"]))
    for agent, spans in by_agent.items():
        spans.sort()
        twice = sum(after[0] < before[1] for before, after in pairwise(spans))
        wrong += [f"{agent}: {twice} talks began before the last one ended"] if twice else []
    return wrong + [f"{call}: talked and abandoned" for call in notes.abandoned if calls[call]]


def _left_behind(calls: Iterable[Any]) -> list[str]:
    return [f"{call.call_id}: still {call.state}" for call in calls]


def spread_ms(values: list[float]) -> tuple[float, float, float]:
    """Median, 95th and 99th percentile."""
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return float(p50), float(p95), float(p99)
