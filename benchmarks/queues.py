"""Many processes share queues and agents in one database: 20 processes × 1,000 calls × 50 agents in an hour.

The hour is virtual and passes faster, `speed` of its seconds in a real one. Each process has callers who arrive at
random, some of them impatient, and rings the agents that it is told to ring, some of whom do not answer. Of each talk
it writes down, by the machine's own clock, when it began and ended. `benchmarks.queues_check` compares that with what
the database says; `python -m benchmarks.queues_table` does all of it.
"""

from __future__ import annotations

import heapq
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final, TypeVar

from ivr.acd.agent import Act
from ivr.acd.floor import Ring
from ivr.acd.queue import WaitingCall
from ivr.config_queues import QueueSettings
from ivr.errors import ActRefused
from ivr.ports.queues import LEASE_S, TICK_S
from ivr.storage.queues import DatabaseQueues

BEGIN: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
QUEUES: Final = {
    "support": QueueSettings(wrap_up=1.0, max_wait=0.0, short_abandon=2.0),
    "sales": QueueSettings(strategy="ring_all", skills={"sales": 1}, wrap_up=1.0, max_wait=0.0, short_abandon=2.0),
}
_SALES_SHARE, _MISS_SHARE = 0.05, 0.01
_IDLE_REAL_S, _START_REAL_S = 0.01, 0.5

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Plan:
    """What is done. Times are virtual seconds unless they are called real."""

    processes: int
    calls_each: int
    agents: int
    lasts_s: float
    """In which all calls arrive."""
    speed: float
    talk_s: float = 3.0
    """Mean."""
    patience_s: float = 60.0
    """Mean."""
    lease_real_s: float = LEASE_S
    tick_real_s: float = TICK_S

    @property
    def lease_s(self) -> float:
        """What the database is told."""
        return self.lease_real_s * self.speed


def prepare(url: str, plan: Plan) -> None:
    """Tables and agents, all logged in. Every tenth agent sells."""
    queues = DatabaseQueues(url, QUEUES)
    queues.migrate()
    for number in range(plan.agents):
        name = f"agent{number:02}"
        queues.add_agent(name, f"sip:{name}@pbx", {"sales": 1} if number % 10 == 0 else {})
        queues.agent_acts(name, Act.LOG_IN, BEGIN)
    queues.close()


@contextmanager
def party(url: str, plan: Plan, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The process whose children are at work; it ends with them. Each says its process id in a line first."""
    told = json.dumps({"url": url, "folder": str(folder), "plan": asdict(plan)})
    command = [sys.executable, "-m", "benchmarks.queues"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as it:
        assert it.stdin is not None
        with it.stdin as told_by:
            told_by.write(told)
        try:
            yield it
        finally:
            with suppress(ProcessLookupError):
                os.killpg(it.pid, signal.SIGKILL)


def _lead() -> int:
    """Fork the processes, which spares each of them the loading of libraries; how many of them failed."""
    told = json.load(sys.stdin)
    plan, begins_at_s = Plan(**told["plan"]), time.monotonic() + _START_REAL_S
    for number in range(plan.processes):
        pid = os.fork()
        if not pid:
            _work(told["url"], plan, number, Path(told["folder"]), begins_at_s)
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
    sys.stdout.flush()
    return sum(os.wait()[1] != 0 for _ in range(plan.processes))


def _work(url: str, plan: Plan, number: int, folder: Path, begins_at_s: float) -> None:
    queues = DatabaseQueues(url, QUEUES, plan.lease_s)
    queues.scene()  # connected
    time.sleep(max(0.0, begins_at_s - time.monotonic()))
    with (folder / f"{number}.jsonl").open("w", buffering=1) as log:
        _Worker(queues, plan, number, begins_at_s, lambda line: log.write(json.dumps(line) + "\n")).run()
    queues.close()


@dataclass
class _Worker:
    """One process: its callers, and the agents that it rings."""

    queues: DatabaseQueues
    plan: Plan
    number: int
    begins_at_s: float
    note: Callable[[dict[str, object]], object]
    _coming: list[tuple[float, int, str, str]] = field(default_factory=list)
    """Virtual second, a number, what comes, and of which call, offer or agent."""
    _open: set[str] = field(default_factory=set)
    """Calls that wait or talk."""
    _seen: set[str] = field(default_factory=set)
    """Offers that ring already."""
    _talks: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Call to agent, and when they began to talk by the machine's clock."""
    _rings: dict[str, Ring] = field(default_factory=dict)
    _count: int = 0
    _next_tick_s: float = 0.0

    def run(self) -> None:
        """Until the last call is over."""
        self._random = Random(self.number)
        self._owner = f"process-{self.number}"
        for call in range(self.plan.calls_each):
            self._later(self._random.uniform(0, self.plan.lasts_s), "arrives", f"{self.number}-{call}")
        while self._open or any(what == "arrives" for _, _, what, _ in self._coming):
            happened = self._happens()
            if happened or time.monotonic() >= self._next_tick_s:
                self._look()
            elif not self._coming or self._coming[0][0] > self._now_s():
                time.sleep(_IDLE_REAL_S)

    def _now_s(self) -> float:
        return (time.monotonic() - self.begins_at_s) * self.plan.speed

    def _now(self) -> datetime:
        return BEGIN + timedelta(seconds=self._now_s())

    def _later(self, at_s: float, what: str, name: str) -> None:
        self._count += 1
        heapq.heappush(self._coming, (at_s, self._count, what, name))

    def _happens(self) -> bool:
        """What is due. Whether there may be something to match."""
        acts = {"arrives": self._arrive, "gives up": self._give_up, "answers": self._answer, "misses": self._miss}
        acts |= {"ends": self._end, "is back": self._back}
        is_news = False
        while self._coming and self._coming[0][0] <= self._now_s():
            _, _, what, name = heapq.heappop(self._coming)
            acts[what](name)
            is_news |= what in ("arrives", "ends", "is back")
        return is_news

    def _look(self) -> None:
        """Match, and ring what is to be rung."""
        is_tick = time.monotonic() >= self._next_tick_s
        if is_tick:
            self._next_tick_s = time.monotonic() + self.plan.tick_real_s
        act = self.queues.tick if is_tick else self.queues.match
        for ring in self._timed("tick" if is_tick else "match", lambda: act(self._owner, self._now())):
            if ring.offer_id not in self._seen:
                self._seen.add(ring.offer_id)
                self._rings[ring.offer_id] = ring
                does = "misses" if self._random.random() < _MISS_SHARE else "answers"
                self._later(self._now_s() + self._random.uniform(0.1, 0.5), does, ring.offer_id)

    def _arrive(self, call_id: str) -> None:
        queue = "sales" if self._random.random() < _SALES_SHARE else "support"
        call = WaitingCall(call_id, queue, self._owner, self._now(), self._now())
        self._timed("enter", lambda: self.queues.enter(call, self._now()))
        self._open.add(call_id)
        self._later(self._now_s() + self._random.expovariate(1 / self.plan.patience_s), "gives up", call_id)

    def _give_up(self, call_id: str) -> None:
        if call_id in self._open and call_id not in self._talks:
            assert self._timed("leave", lambda: self.queues.leave(call_id, self._now())), call_id
            self._open.discard(call_id)
            self.note({"abandoned": call_id})

    def _answer(self, offer_id: str) -> None:
        ring = self._rings.pop(offer_id)
        if not self._timed("connect", lambda: self.queues.connect(offer_id, self._now())):
            return
        assert ring.call_id in self._open and ring.call_id not in self._talks, offer_id
        self._talks[ring.call_id] = ring.agent, time.monotonic()
        self._later(self._now_s() + self._random.expovariate(1 / self.plan.talk_s), "ends", ring.call_id)

    def _miss(self, offer_id: str) -> None:
        ring = self._rings.pop(offer_id)
        self._timed("refuse", lambda: self.queues.refuse(offer_id, self._now(), "no_answer"))
        self._later(self._now_s() + 10, "is back", ring.agent)

    def _back(self, agent: str) -> None:
        with suppress(ActRefused):  # never paused: the caller had hung up before
            self.queues.agent_acts(agent, Act.READY, self._now())

    def _end(self, call_id: str) -> None:
        agent, began_s = self._talks.pop(call_id)
        self.note({"call": call_id, "agent": agent, "from_s": began_s, "to_s": time.monotonic()})
        self._timed("end", lambda: self.queues.end(call_id, self._now()))
        self._open.discard(call_id)

    def _timed(self, what: str, act: Callable[[], _Result]) -> _Result:
        began_s = time.monotonic()
        result = act()
        self.note({"act": what, "took_ms": round((time.monotonic() - began_s) * 1000, 2)})
        return result


if __name__ == "__main__":
    sys.exit(_lead())
