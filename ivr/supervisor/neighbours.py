"""Other nodes as this one deals with them: its front is told of their workers, and they are told of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import structlog

from ivr.config import Settings
from ivr.errors import IvrError
from ivr.front.config import MAX_WORKERS
from ivr.front.kamailio import Front
from ivr.front.workers import WorkerAddress
from ivr.immutable import immutable
from ivr.supervisor.far_workers import Closes, FarWorkers, Forgets, Lists, Opens, Step
from ivr.supervisor.node_report import NodeReport, WorkerReport
from ivr.supervisor.nodes import Nodes

log = structlog.get_logger(__name__)


@immutable
class Heard:
    """Another node has spoken, or (None) has fallen silent."""

    node: str
    report: NodeReport | None


class Neighbours:
    """None of its methods waits for another node."""

    def __init__(self, settings: Settings, front: Front, post: Callable[[Heard], None]) -> None:
        """Without other nodes in the settings it does nothing. `post` is given what `take` is to be called with, in
        this order.
        """
        self._front, self._others = front, settings.front.other_nodes
        self._far = FarWorkers()
        self._own: dict[str, WorkerReport] = {}
        self._start, self._lives = secrets.token_hex(4), 0
        self._refuses = False
        self._nodes: Nodes | None = None
        if settings.front.nodes and self._others:
            here = (settings.front.inner_address, settings.front.nodes.port)
            secret = settings.front.nodes.secret.get_secret_value()
            self._nodes = Nodes(here, self._others, secret, self._report, lambda *news: post(Heard(*news)))

    def with_own(self, own: Iterable[WorkerAddress]) -> list[WorkerAddress]:
        """Workers of this node, then those of others, as many as a front can list."""
        return [*own, *self._far.addresses][:MAX_WORKERS]

    @property
    def figures(self) -> list[dict[str, Any]]:
        """The other nodes, for `ivr status`."""
        heard = self._far.nodes
        return [
            {"node": node, "is_heard": node in heard, "workers": heard.get(node, 0)} for node in sorted(self._others)
        ]

    async def start(self) -> None:
        """Raises ConfigError where the address cannot be listened at."""
        if self._nodes:
            await self._nodes.start()

    async def stop(self) -> None:
        """Idempotent."""
        if self._nodes:
            await self._nodes.stop()

    # --- what others are told

    def opened(self, worker: WorkerAddress) -> None:
        """A worker of this node takes calls: a process that has none of those before it."""
        self._lives += 1
        self._own[worker.name] = WorkerReport(
            worker.name, worker.host, worker.port, worker.capacity_legs, True, f"{self._start}.{self._lives}"
        )
        self._say_now()

    def closed(self, name: str) -> None:
        """A worker of this node takes no new calls."""
        self._own[name] = replace(self._own[name], takes_calls=False)
        self._say_now()

    def refuse(self, is_on: bool) -> None:
        """This node has too much to do for new calls, or has no longer."""
        self._refuses = is_on
        self._say_now()

    def _say_now(self) -> None:
        if self._nodes:
            self._nodes.say_now()

    async def _report(self) -> NodeReport:
        try:
            legs = await self._front.legs()
        except IvrError:  # it is started again, and has forgotten what it counted
            legs = {}
        workers = [
            replace(worker, takes_calls=worker.takes_calls and not self._refuses) for worker in self._own.values()
        ]
        return NodeReport(tuple(workers), {address: count for address, count in legs.items() if count})

    # --- what the front is told

    async def take(self, news: Heard, own: list[WorkerAddress]) -> None:
        """Tell the front. `own`: workers of this node."""
        node, report = news.node, news.report
        for step in self._far.fell_silent(node) if report is None else self._far.heard(node, report):
            try:
                await self._tell(step, own)
            except IvrError as error:  # the front keeps it for a Kamailio that is restarted
                log.warning("front_not_told", news=str(step), reason=str(error))
        await self._front.set_taken_by_others(self._far.legs)

    async def _tell(self, step: Step, own: list[WorkerAddress]) -> None:
        match step:
            case Lists():
                await self._front.set_workers(self.with_own(own))
            case Opens(name):
                await self._front.restore(name)
            case Closes(name):
                await self._front.drain(name)
            case Forgets(name):
                await self._front.mark_down(name)
