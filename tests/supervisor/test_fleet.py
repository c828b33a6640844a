"""What becomes of workers, on virtual time."""

from __future__ import annotations

import pytest

from ivr.supervisor.fleet import (
    EARLY_S,
    RESTART_LIMIT_S,
    START_LIMIT_S,
    Close,
    Command,
    Drain,
    Fleet,
    Kill,
    Open,
    Stage,
    Start,
)

pytestmark = pytest.mark.unit

HUNG_S = 5.0


def serving(count: int) -> Fleet:
    """A fleet whose workers all take calls, since instant 0."""
    fleet = Fleet(count, HUNG_S)
    fleet.begin(0.0)
    for slot in range(count):
        fleet.forked(slot, 100 + slot, 0.0)
        fleet.ready(slot, 0.0)
    return fleet


def beat(fleet: Fleet, slot: int, now_s: float, *, calls: int = 0, sip_silent_s: float = 0.0) -> None:
    fleet.beat(slot, now_s, calls=calls, legs=calls, sip_silent_s=sip_silent_s)


def test_all_are_started_and_opened_when_they_are_ready() -> None:
    fleet = Fleet(2, HUNG_S)
    assert fleet.begin(0.0) == [Start(0, 1), Start(1, 1)]
    assert fleet.ready(1, 0.5) == [Open(1)]
    assert not fleet.is_ready
    assert fleet.ready(0, 0.6) == [Open(0)]
    assert fleet.is_ready
    assert fleet.ready(0, 0.7) == []


def test_one_that_dies_is_closed_and_started_again_at_once() -> None:
    fleet = serving(2)
    assert fleet.ended(1, 60.0) == [Close(1, is_dead=True), Start(1, 1, is_again=True)]
    assert fleet.workers[1].restarts == 1
    assert fleet.ready(1, 60.4) == [Open(1)]


def test_one_that_dies_early_waits_longer_each_time() -> None:
    fleet, now_s, waited = serving(1), 0.0, []
    for _ in range(8):
        assert fleet.ended(0, now_s) == [Close(0, is_dead=True)]
        begun_s = now_s
        while not any(isinstance(command, Start) for command in fleet.tick(now_s)):
            now_s += 0.25
        waited.append(now_s - begun_s)
    assert waited == [0.5, 1, 2, 4, 8, 16, 30, RESTART_LIMIT_S]


def test_one_that_lived_well_is_forgiven() -> None:
    fleet = serving(1)
    fleet.ended(0, 1.0)
    fleet.tick(2.0)
    fleet.ready(0, 2.0)
    assert fleet.ended(0, 2.0 + EARLY_S) == [Close(0, is_dead=True), Start(0, 1, is_again=True)]


@pytest.mark.parametrize(("sip_silent_s", "is_hung"), [(0.1, False), (9.0, True)])
def test_a_silent_sip_thread_is_no_sign_of_life(sip_silent_s: float, is_hung: bool) -> None:
    fleet = serving(1)
    beat(fleet, 0, 6.0, sip_silent_s=sip_silent_s)
    assert (Kill(0) in fleet.tick(6.5)) is is_hung


def test_a_silent_worker_is_killed_once_and_replaced_when_it_is_gone() -> None:
    fleet = serving(2)
    beat(fleet, 0, 5.0)
    assert fleet.tick(5.0) == []
    assert fleet.tick(5.1) == [Kill(1)]
    beat(fleet, 0, 5.9)
    assert fleet.tick(6.0) == []
    assert fleet.ended(1, 6.0) == [Close(1, is_dead=True)]
    beat(fleet, 0, 6.4)
    assert fleet.tick(6.5) == [Start(1, 1, is_again=True)]


def test_a_start_may_take_its_time_but_not_for_ever() -> None:
    fleet = Fleet(1, HUNG_S)
    fleet.begin(0.0)
    assert fleet.tick(START_LIMIT_S) == []
    assert fleet.tick(START_LIMIT_S + 0.1) == [Kill(0)]


def test_workers_are_replaced_one_by_one_each_after_its_successor_is_ready() -> None:
    fleet = serving(2)
    assert fleet.replace(None, 10.0) == [Start(2, 1)]
    assert fleet.tick(10.0 - HUNG_S) == []
    assert fleet.ready(2, 10.5) == [Open(2), Close(0, is_dead=False), Drain(0), Start(3, 1)]
    assert fleet.workers[0].stage is Stage.DRAINING
    assert fleet.ready(3, 11.0) == [Open(3), Close(1, is_dead=False), Drain(1)]
    assert not fleet.is_replacing
    assert fleet.ended(0, 12.0) == []
    assert fleet.ended(1, 3600.0) == []
    assert sorted(fleet.workers) == [2, 3]


def test_a_successor_waits_for_a_free_slot() -> None:
    fleet = serving(1)
    fleet.replace(None, 1.0)
    fleet.ready(1, 1.5)
    assert fleet.replace(None, 2.0) == []  # the first one still has a call
    assert fleet.is_replacing
    assert fleet.ended(0, 90.0) == [Start(0, 1)]
    assert fleet.ready(0, 90.5) == [Open(0), Close(1, is_dead=False), Drain(1)]


def test_a_successor_that_dies_is_started_again_and_its_predecessor_goes_on() -> None:
    fleet = serving(1)
    fleet.replace([0], 20.0)
    assert fleet.ended(1, 20.1) == [Close(1, is_dead=True)]
    assert fleet.workers[0].stage is Stage.SERVING
    beat(fleet, 0, 20.5)
    assert fleet.tick(20.6) == [Start(1, 1, is_again=True)]
    assert fleet.ready(1, 21.0) == [Open(1), Close(0, is_dead=False), Drain(0)]


def test_one_that_dies_before_its_turn_comes_back_new_and_is_not_replaced_again() -> None:
    fleet = serving(2)
    fleet.renew(2, 20.0)
    assert fleet.ended(1, 20.1) == [Close(1, is_dead=True), Start(1, 2, is_again=True)]
    commands = fleet.ready(2, 20.5)
    assert commands == [Open(2), Close(0, is_dead=False), Drain(0)]
    assert not fleet.is_replacing


def test_a_draining_worker_that_hangs_is_killed_and_not_started_again() -> None:
    fleet = serving(1)
    fleet.replace(None, 1.0)
    fleet.ready(1, 1.5)
    beat(fleet, 1, 7.0)
    assert fleet.tick(7.1) == [Kill(0)]
    assert fleet.ended(0, 7.2) == []


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        (3, [Start(2, 2), Start(3, 2)]),
        (1, [Close(1, is_dead=False), Drain(1), Start(1, 2)]),
        (2, [Start(2, 2)]),
    ],
)
def test_new_settings_may_want_another_number_of_workers(wanted: int, first: list[Command]) -> None:
    fleet = serving(2)
    commands = fleet.renew(wanted, 30.0)
    if wanted == 1:  # the surplus has to be gone first: there is no slot for a successor before
        commands += fleet.ended(1, 31.0)
    assert commands == first


def test_nothing_is_started_while_all_are_stopped() -> None:
    fleet = serving(2)
    fleet.stop()
    assert fleet.ended(0, 20.0) == []
    assert fleet.tick(90.0) == []


def test_figures_of_strangers_are_ignored() -> None:
    fleet = serving(1)
    beat(fleet, 7, 1.0)
    fleet.forked(7, 1, 1.0)
    assert fleet.ready(7, 1.0) == []
    assert fleet.ended(7, 1.0) == []
