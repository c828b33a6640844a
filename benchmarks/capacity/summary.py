"""What one side did at one load. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.capacity.capture import WireCall
from ivr.testing.sip_peer.recording import RtpStats
from ivr.testing.sip_peer.rtp import FRAME_S


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of all calls of a run, in ms."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Percentiles:
        """Not a number, three times, where nothing was measured."""
        if not values:
            return cls(*[float("nan")] * 3)
        return cls(*(float(value) for value in np.percentile(values, [50, 95, 99])))


@dataclass(frozen=True, slots=True)
class Cost:
    """What the processes of one side used while all calls were up."""

    cpu_percent: float
    """Of one core."""
    memory_mb: float
    """PSS of all of them together."""
    machine_percent: float
    """Of the whole machine, callers and measurement included."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One row for one side."""

    calls: int
    set_up: int
    cost: Cost
    answer_ms: Percentiles
    first_audio_ms: Percentiles
    lost_percent: float
    """Of all RTP packets that were due."""
    lost_p95_percent: float
    """95th percentile over the calls."""
    jitter_p95_ms: float
    """RFC 3550 §6.4.1 of each call, 95th percentile over the calls."""
    gap_error_p99_ms: float
    """How far the time between two packets is from 20 ms, 99th percentile over all packets."""
    longest_gap_ms: float

    @property
    def holds(self) -> bool:
        """The load criteria: all set up, loss p95 ≤ 1 %, jitter p95 ≤ 30 ms, the machine at most 80 % busy."""
        return (
            self.set_up == self.calls
            and self.lost_p95_percent <= 1
            and self.jitter_p95_ms <= 30
            and self.cost.machine_percent <= 80
        )

    @property
    def cpu_per_call(self) -> float:
        """Percent of a core."""
        return self.cost.cpu_percent / self.calls


def summarize(placed: Sequence[WireCall], calls: int, cost: Cost, from_s: float, to_s: float) -> Summary:
    """Judge a run; RTP within `from_s` to `to_s` (kernel's clock), while all calls were up."""
    streams = [stats for call in placed if (stats := call.rtp(from_s, to_s)) is not None]
    lost = [_lost_percent(stats) for stats in streams] or [100.0]
    errors = np.concatenate([_gap_errors_ms(call, from_s, to_s) for call in placed] or [np.zeros(0)])
    return Summary(
        calls=calls,
        set_up=sum(call.answered_s is not None for call in placed),
        cost=cost,
        answer_ms=Percentiles.of([value for call in placed if (value := call.answer_delay_ms) is not None]),
        first_audio_ms=Percentiles.of([value for call in placed if (value := call.first_audio_ms) is not None]),
        lost_percent=_all_lost_percent(streams),
        lost_p95_percent=float(np.percentile(lost, 95)),
        jitter_p95_ms=float(np.percentile([stats.jitter_ms for stats in streams] or [np.nan], 95)),
        gap_error_p99_ms=float(np.percentile(errors, 99)) if len(errors) else float("nan"),
        longest_gap_ms=max((stats.gap_max_ms for stats in streams), default=float("nan")),
    )


def _lost_percent(stats: RtpStats) -> float:
    return 100 * stats.lost / max(1, stats.lost + stats.packets)


def _all_lost_percent(streams: Sequence[RtpStats]) -> float:
    due = sum(stats.lost + stats.packets for stats in streams)
    return 100 * sum(stats.lost for stats in streams) / due if due else 100.0


def _gap_errors_ms(call: WireCall, from_s: float, to_s: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    at_s = np.array([packet.at_s for packet in call.packets if from_s <= packet.at_s < to_s])
    return np.abs(np.diff(at_s) - FRAME_S) * 1000
