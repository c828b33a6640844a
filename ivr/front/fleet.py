"""What the front has to know of the workers, as entries of Kamailio's tables. Pure.

A worker has a number as long as its name is known, so that nothing moves when others come and go. Its generation counts
its deaths: the end of a call that died with an earlier process frees no place of the new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ivr.front.figures import WorkerLoad
from ivr.front.workers import WorkerAddress

Entry = tuple[str, str, str | int]
"""Table, key, value."""


@dataclass(slots=True)
class Place:
    """One worker in the tables."""

    number: int
    worker: WorkerAddress
    takes: bool = True
    """Whether it takes new calls."""
    generation: int = 1
    taken_by_others: int = 0
    """Its places that fronts of other nodes have given away."""
    is_listed: bool = True

    def entries(self) -> list[Entry]:
        """All that Kamailio must know."""
        key, worker = str(self.number), self.worker
        return [
            ("known", worker.address, self.number),
            ("w_uri", key, f"sip:{worker.address}"),
            ("w_places", key, worker.capacity_legs),
            ("w_gen", key, self.generation),
            *([("w_far", key, 1)] if worker.is_far else []),
            *([self.others()] if self.taken_by_others else []),
            self.state(),
        ]

    @property
    def is_open(self) -> bool:
        """Whether it takes calls."""
        return self.takes and self.is_listed

    def state(self) -> Entry:
        """Whether it takes calls."""
        return ("w_state", str(self.number), int(self.is_open))

    def others(self) -> Entry:
        """How many of its places others have taken."""
        return ("w_others", str(self.number), self.taken_by_others)


class Fleet:
    """The workers; each change returns what has to be written."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._is_closed = False

    def places(self) -> list[Place]:
        """Those that are listed now."""
        return [place for place in self._places.values() if place.is_listed]

    def loads(self, legs: Mapping[str, int]) -> tuple[WorkerLoad, ...]:
        """Those that are listed, with what this front has given to each `host:port`."""
        return tuple(
            WorkerLoad(
                place.worker.name,
                legs.get(place.worker.address, 0),
                place.worker.capacity_legs,
                place.takes,
                place.taken_by_others,
            )
            for place in self.places()
        )

    def everything(self) -> list[Entry]:
        """For a front that knows nothing."""
        return [entry for place in self._places.values() for entry in place.entries()] + [
            self._closed(),
            *self._whole(),
        ]

    def set_workers(self, workers: Sequence[WorkerAddress]) -> list[Entry]:
        """List these and no others."""
        listed = {worker.name: worker for worker in workers}
        entries = [entry for worker in listed.values() for entry in self._listed(worker)]
        for name, place in self._places.items():
            if name not in listed and place.is_listed:
                place.is_listed = False
                entries.append(place.state())
        return [*entries, *self._whole()]

    def _listed(self, worker: WorkerAddress) -> Iterator[Entry]:
        place = self._places.get(worker.name)
        if place is None:
            place = self._places[worker.name] = Place(len(self._places), worker)
        elif not place.is_listed:
            place.is_listed = place.takes = True
        elif place.worker == worker:
            return
        place.worker = worker
        yield from place.entries()

    def _whole(self) -> list[Entry]:
        largest = max((place.worker.capacity_legs for place in self.places()), default=0)
        return [("fleet", "largest", largest), ("fleet", "size", len(self._places)), self._open()]

    def _open(self) -> Entry:
        return ("fleet", "open", sum(place.is_open for place in self._places.values()))

    def set_taken_by_others(self, legs: Mapping[str, int]) -> list[Entry]:
        """Places that fronts of other nodes have given away, by the worker's `host:port`."""
        entries = []
        for place in self._places.values():
            taken = legs.get(place.worker.address, 0)
            if taken != place.taken_by_others:
                place.taken_by_others = taken
                entries.append(place.others())
        return entries

    def refuse_new_calls(self, is_on: bool) -> list[Entry]:
        """Whatever its workers are ready to take."""
        self._is_closed = is_on
        return [self._closed()]

    def _closed(self) -> Entry:
        return ("fleet", "closed", int(self._is_closed))

    def mark_down(self, name: str) -> list[Entry]:
        """Forget its load. Raises KeyError."""
        place = self._places[name]
        place.takes = False
        place.generation += 1
        key = str(place.number)
        return [place.state(), ("w_gen", key, place.generation), ("w_load", key, 0), self._open()]

    def drain(self, name: str) -> list[Entry]:
        """Raises KeyError."""
        place = self._places[name]
        place.takes = False
        return [place.state(), self._open()]

    def restore(self, name: str) -> list[Entry]:
        """Raises KeyError."""
        place = self._places[name]
        place.takes = True
        return [place.state(), self._open()]
