"""Gaps in memory that are filled before workers are forked. In processes of their own: the gaps of thousands of tests
before them are too many to be filled.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pytest

from ivr.supervisor.gaps import FilledGaps

pytestmark = pytest.mark.adapter

VALUES_BYTES = (10, 60, 200, 400)
BLOCKS_BYTES = (600, 1_000, 3_000, 9_000)


def in_a_process_of_its_own(test: Callable[[], None]) -> Callable[[], None]:
    """What it raises is raised here. There, where it is called by its name, it simply runs."""

    @functools.wraps(test)
    def run() -> None:
        if multiprocessing.parent_process() is not None:
            return test()
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
            return processes.submit(run).result()

    return run


@in_a_process_of_its_own
def test_after_the_gaps_are_filled_new_values_lie_side_by_side() -> None:
    scattered = [bytes(size) for _ in range(5_000) for size in VALUES_BYTES]
    scattered = scattered[::7]
    gaps = FilledGaps()
    for size in VALUES_BYTES:
        new = [bytes(size) for _ in range(100)]
        steps = {id(b) - id(a) for a, b in itertools.pairwise(new)}
        # one step inside of a pool, and those from one pool to the next
        assert len(steps) <= 5, f"values of {size} bytes are scattered: {sorted(steps)}"
    assert scattered and gaps.count


@in_a_process_of_its_own
def test_after_the_gaps_are_filled_new_blocks_of_the_heap_lie_side_by_side() -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    scattered = [library.malloc(size) for _ in range(500) for size in BLOCKS_BYTES]
    for block in scattered[::2]:
        library.free(block)
    gaps = FilledGaps()
    for size in BLOCKS_BYTES:
        new = [library.malloc(size) for _ in range(20)]
        steps = {b - a for a, b in itertools.pairwise(new)}
        for block in new:
            library.free(block)
        assert len(steps) <= 3, f"blocks of {size} bytes are scattered: {sorted(steps)}"
    gaps.release()
    for block in scattered[1::2]:
        library.free(block)


@in_a_process_of_its_own
def test_gaps_that_are_filled_stay_filled_until_they_are_released() -> None:
    scattered = [bytes(size) for _ in range(5_000) for size in VALUES_BYTES]
    scattered = scattered[::7]
    first, second = FilledGaps(), FilledGaps()
    count = first.count
    assert second.count < count / 4
    first.release()
    third = FilledGaps()
    assert third.count > count / 2 and first.count == 0
    assert scattered
