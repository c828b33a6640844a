"""What Prometheus reads, read with its own library."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ivr.measures.counters import Counters
from ivr.measures.exposition import as_text
from ivr.ports import Kind, Metric, metrics

pytestmark = pytest.mark.unit


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """By name, then values of the labels."""
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_bot_without_calls_already_has_its_figures() -> None:
    found = samples(as_text({}))
    assert found["ivr_calls",] == 0
    assert found["ivr_answer_delay_seconds_count",] == 0
    assert found["ivr_rtp_packets_lost_total",] == 0


def test_every_metric_is_announced_with_its_type_and_help() -> None:
    text = as_text({}).decode()
    for metric in metrics.ALL:
        assert f"# TYPE {metric.name} {metric.kind}\n" in text
        assert f"# HELP {metric.name} {metric.help}\n" in text


def test_buckets_hold_what_is_below_their_bound_and_whatever_is_below_that() -> None:
    counters = Counters()
    for delay_s in (0.004, 0.03, 0.03, 60.0):
        counters.observe(metrics.ANSWER_DELAY, delay_s)
    found = samples(as_text(counters.snapshot()))
    name = "ivr_answer_delay_seconds"
    assert found[f"{name}_bucket", "0.005"] == 1
    assert found[f"{name}_bucket", "0.05"] == 3
    assert found[f"{name}_bucket", "+Inf"] == found[f"{name}_count",] == 4
    assert found[f"{name}_sum",] == pytest.approx(60.064)


def test_names_of_flows_are_written_so_that_they_come_back() -> None:
    counters, flow = Counters(), 'a "b" \\ c\nd é'
    counters.count(metrics.CALLS_ENDED, flow, "caller_hung_up")
    assert samples(as_text(counters.snapshot()))["ivr_calls_ended_total", flow, "caller_hung_up"] == 1


def test_the_list_of_metrics_is_sound() -> None:
    names = [metric.name for metric in metrics.ALL]
    assert len(set(names)) == len(names)
    for metric in metrics.ALL:
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER), metric.name
        assert bool(metric.bounds) == (metric.kind is Kind.HISTOGRAM), metric.name
        assert list(metric.bounds) == sorted(set(metric.bounds)), metric.name
        assert metric.help.endswith("."), metric.name
    declared = {value.name for value in vars(metrics).values() if isinstance(value, Metric)}
    assert declared == set(names), "each stands in ALL"
