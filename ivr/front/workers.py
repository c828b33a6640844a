"""The workers as the front sees them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerAddress:
    """Where a worker takes SIP (UDP), and how much it can carry."""

    name: str
    """Stands for the place, not for the process: a successor at the same place may bear the same name."""
    host: str
    """IPv4 address, as its packets come from."""
    port: int
    capacity_legs: int
    """Legs at once; those that the worker dials count as well."""
    is_far: bool = False
    """Of another node: gets a call only where no worker of this node has a place."""

    @property
    def address(self) -> str:
        """`host:port`: no other worker of any node has it."""
        return f"{self.host}:{self.port}"
