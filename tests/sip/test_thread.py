from __future__ import annotations

import threading

import pytest

from ivr.sip.thread import SipThread

pytestmark = pytest.mark.unit


class Poll:
    """A poll that waits on an event, as the library waits on its sockets."""

    longest_wait_s = 5.0

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.woken = threading.Event()

    def poll(self, wait_s: float) -> None:
        self.waits.append(wait_s)
        self.woken.wait(wait_s)
        self.woken.clear()

    def wake(self) -> None:
        self.woken.set()


def test_a_job_of_another_thread_ends_the_wait() -> None:
    sip, poll, done = SipThread(), Poll(), threading.Event()
    runner = threading.Thread(target=sip.run, args=(poll, done.is_set))
    runner.start()
    sip.post(done.set)
    runner.join(2.0)
    assert not runner.is_alive()


def test_jobs_run_in_order_and_a_failing_one_stops_nothing() -> None:
    sip, poll, ran = SipThread(), Poll(), list[str]()

    def fail() -> None:
        raise RuntimeError("broken job")

    sip.post(lambda: ran.append("first"))
    sip.post(fail)
    sip.post(lambda: ran.append("last"))
    sip.step(poll)
    assert ran == ["first", "last"]
    assert poll.waits == [0.0]


def test_the_wait_ends_when_a_delayed_job_is_due() -> None:
    sip, poll, ran = SipThread(), Poll(), list[int]()
    sip.after(0.02, lambda: ran.append(1))
    while not ran:
        sip.step(poll)
    assert max(poll.waits) <= 0.02


def test_a_job_posted_by_a_job_runs_in_the_next_step() -> None:
    sip, poll, ran = SipThread(), Poll(), list[int]()
    sip.post(lambda: sip.post(lambda: ran.append(1)))
    sip.step(poll)
    assert ran == []
    sip.step(poll)
    assert ran == [1]


def test_cleared_jobs_are_forgotten() -> None:
    sip, poll, ran = SipThread(), Poll(), list[int]()
    poll.longest_wait_s = 0.0
    sip.post(lambda: ran.append(1))
    sip.after(0.0, lambda: ran.append(2))
    sip.clear()
    sip.step(poll)
    assert ran == []
