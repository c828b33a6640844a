"""What a node says to the others about its workers and its front's calls, and the seal that shows who wrote it. Pure.

A line is `SEAL JSON`. The seal is HMAC-SHA256 (RFC 2104) by the nodes' secret over the listener's nonce, the number of
the line in its connection, and the JSON: no line counts twice, in another connection, or out of its turn. Nothing in it
is confidential, so it is not enciphered.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from ipaddress import IPv4Address
from typing import Any, Final

from ivr.immutable import immutable

LINE_LIMIT_BYTES: Final = 1_000_000
"""2000 workers take 300,000."""
_FORM: Final = 1
_NAME_LIMIT: Final = 60


class NodeRefused(ValueError):
    """A line that does not come from a node of ours, or from one of another release."""


@immutable
class WorkerReport:
    """One worker of the node."""

    name: str
    host: str
    port: int
    capacity_legs: int
    takes_calls: bool
    life: str
    """Another one after each death: calls of the life before are gone."""


@immutable
class NodeReport:
    """All that others must know of a node."""

    workers: tuple[WorkerReport, ...]
    legs: Mapping[str, int]
    """What the node's front has given to each worker of any node, by `host:port`. Every call has one front, so no leg
    is in two reports."""


def written(report: NodeReport) -> bytes:
    """The report as JSON, without a line end."""
    workers = [asdict(worker) for worker in report.workers]
    return json.dumps({"form": _FORM, "workers": workers, "legs": dict(report.legs)}).encode()


def sealed(content: bytes, secret: bytes, nonce: bytes, number: int) -> bytes:
    """The line, with its end."""
    return _seal(content, secret, nonce, number) + b" " + content + b"\n"


def opened(line: bytes, secret: bytes, nonce: bytes, number: int) -> NodeReport:
    """What a line says. Raises NodeRefused."""
    seal, _, content = line.rstrip(b"\n").partition(b" ")
    if not hmac.compare_digest(seal, _seal(content, secret, nonce, number)):
        raise NodeRefused("its seal is not that of our secret; set the same secret on all nodes")
    try:
        return _read(json.loads(content))
    except (KeyError, TypeError, ValueError) as error:
        raise NodeRefused(f"its report is not understood ({error}); run the same release on all nodes") from error


def _seal(content: bytes, secret: bytes, nonce: bytes, number: int) -> bytes:
    return hmac.new(secret, nonce + number.to_bytes(8, "big") + content, "sha256").hexdigest().encode()


def _read(said: dict[str, Any]) -> NodeReport:
    if said["form"] != _FORM:
        raise ValueError(f"form {said['form']}, ours is {_FORM}")
    legs = {str(address): int(count) for address, count in said["legs"].items()}
    return NodeReport(tuple(map(_worker, said["workers"])), legs)


def _worker(said: dict[str, Any]) -> WorkerReport:
    worker = WorkerReport(**said)
    port, places = int(worker.port), int(worker.capacity_legs)
    is_fitting = 0 < port < 65536 and 0 <= places <= 1000 and len(worker.name) <= _NAME_LIMIT
    if not is_fitting:
        raise ValueError(f"worker {worker.name[:_NAME_LIMIT]!r} at port {port} with {places} legs")
    host = str(IPv4Address(worker.host))
    return WorkerReport(worker.name, host, port, places, bool(worker.takes_calls), str(worker.life))
