"""What queueing theory says of c agents, random arrivals and exponential handle times (M/M/c): Erlang's C formula.

A few lines of arithmetic; the libraries that have it bring pandas or a solver with them. Checked against the tables of
the literature in `test_simulation`. Waits of neighbouring calls are so much alike that the mean of 50,000 is often 5 %
off by chance: `waits_s` is quick enough for millions of calls, and the rules have to agree with it call by call.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Theory:
    """`load_erlang` = arrivals a second × handle time."""

    agents: int
    load_erlang: float
    handle_time_s: float

    @property
    def waits(self) -> float:
        """Probability that a caller has to wait at all: Erlang C, by way of the recursion for Erlang B."""
        blocked = 1.0
        for servers in range(1, self.agents + 1):
            blocked = self.load_erlang * blocked / (servers + self.load_erlang * blocked)
        occupancy = self.load_erlang / self.agents
        return blocked / (1 - occupancy * (1 - blocked))

    @property
    def average_speed_of_answer_s(self) -> float:
        """Mean wait of all callers."""
        return self.waits * self.handle_time_s / (self.agents - self.load_erlang)

    def service_level(self, within_s: float) -> float:
        """Share answered within the time."""
        return 1 - self.waits * math.exp(-(self.agents - self.load_erlang) * within_s / self.handle_time_s)


def random_calls(count: int, load_erlang: float, handle_time_s: float, seed: int = 1) -> Iterator[tuple[float, float]]:
    """When each call comes, and how long its talk lasts, in seconds."""
    random, now_s = Random(seed), 0.0
    for _ in range(count):
        now_s += random.expovariate(load_erlang / handle_time_s)
        yield now_s, random.expovariate(1 / handle_time_s)


def waits_s(calls: Iterable[tuple[float, float]], agents: int) -> Iterator[float]:
    """The wait of each call, first come first served: a call begins when the first agent is free."""
    free_at_s = [0.0] * agents
    for now_s, talk_s in calls:
        begins_s = max(now_s, free_at_s[0])
        heapq.heapreplace(free_at_s, begins_s + talk_s)
        yield begins_s - now_s
