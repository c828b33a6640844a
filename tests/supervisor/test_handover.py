"""What a nursery hands to the workers that it has forked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivr.app import Prepared
from ivr.publishing.prepared import PreparedFlows
from ivr.publishing.worker_state import WorkerState
from ivr.speech.cache_files import PinnedFiles
from ivr.speech.prompt_cache import MadePrompts
from ivr.supervisor.handover import Handover

pytestmark = pytest.mark.adapter


def prepared(music: str = "hold.wav", prompts: int = 0) -> Prepared:
    flows = PreparedFlows({}, {}, {}, frozenset(), {}, frozenset(), "", WorkerState("w", 1, "auto"), "{}")
    made = MadePrompts(None, {}, PinnedFiles("k\n" * prompts, "", {}))
    return Prepared(flows, made, Path(music))


@pytest.fixture
def handover() -> Iterator[Handover]:
    made = Handover()
    yield made
    made.close()


def test_what_one_process_writes_another_reads(handover: Handover) -> None:
    if not (child := os.fork()):
        handover.write(prepared(prompts=100_000))
        os._exit(0)
    os.waitpid(child, 0)
    given = handover.read()
    assert given is not None and given.unpacked(None) == prepared(prompts=100_000)


def test_the_next_takes_the_place_of_the_one_before(handover: Handover) -> None:
    handover.write(prepared("long" * 1_000))
    handover.write(prepared("two.wav"))
    given = handover.read()
    assert given is not None and given.hold_music == Path("two.wav")


@pytest.mark.parametrize("left", [0, 10, 40, 200])
def test_what_is_there_in_part_counts_as_nothing(handover: Handover, left: int) -> None:
    handover.write(prepared(prompts=1_000))
    os.ftruncate(handover.descriptor, left)
    assert handover.read() is None
