"""Workers of other nodes, by what these report: what the front has to be told of them. Pure.

unknown ──report──► listed ──silence──► closed ──report──► open again, with the load that this front gave it;
                                                           in another life: without
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ivr.front.workers import WorkerAddress
from ivr.immutable import immutable
from ivr.supervisor.node_report import NodeReport, WorkerReport


@immutable
class Lists:
    """Other workers than before are known."""


@immutable
class Opens:
    """The worker takes calls."""

    name: str


@immutable
class Closes:
    """The worker takes no new calls."""

    name: str


@immutable
class Forgets:
    """The worker has died since; its load is gone."""

    name: str


Step = Lists | Opens | Closes | Forgets


class FarWorkers:
    """What other nodes have reported; each change returns what the front has to be told, in that order."""

    def __init__(self) -> None:
        self._reports: dict[str, NodeReport] = {}
        self._silent: set[str] = set()
        self._told: dict[str, WorkerReport] = {}

    @property
    def addresses(self) -> list[WorkerAddress]:
        """All that are known; those of a silent node take no calls, and those that they have may go on."""
        return [
            WorkerAddress(_name(node, worker), worker.host, worker.port, worker.capacity_legs, is_far=True)
            for node, report in self._reports.items()
            for worker in report.workers
        ]

    @property
    def legs(self) -> dict[str, int]:
        """What the fronts of the other nodes have given to each worker of any node, by `host:port`."""
        total: Counter[str] = Counter()
        for node, report in self._reports.items():
            if node not in self._silent:
                total.update(report.legs)
        return dict(total)

    @property
    def nodes(self) -> Mapping[str, int]:
        """The nodes that are heard, and how many of their workers take calls."""
        return {
            node: sum(worker.takes_calls for worker in report.workers)
            for node, report in self._reports.items()
            if node not in self._silent
        }

    def heard(self, node: str, report: NodeReport) -> list[Step]:
        """The node has spoken."""
        before = self.addresses
        self._reports[node] = report
        self._silent.discard(node)
        is_other = self.addresses != before
        return [*([Lists()] if is_other else []), *self._changes(node, report.workers)]

    def fell_silent(self, node: str) -> list[Step]:
        """The node has said nothing for too long."""
        if node not in self._reports:
            return []
        self._silent.add(node)
        return list(self._changes(node, [replace(worker, takes_calls=False) for worker in self._reports[node].workers]))

    def _changes(self, node: str, workers: tuple[WorkerReport, ...] | list[WorkerReport]) -> Iterator[Step]:
        for worker in workers:
            name = _name(node, worker)
            before, self._told[name] = self._told.get(name), worker
            has_died = before is not None and before.life != worker.life
            takes = before is None or (before.takes_calls and not has_died)  # what is listed anew takes calls
            if has_died:
                yield Forgets(name)
            if takes != worker.takes_calls:
                yield Opens(name) if worker.takes_calls else Closes(name)


def _name(node: str, worker: WorkerReport) -> str:
    return f"{node}/{worker.name}"
