"""Flows that one process has taken are put into service by others as they are, for as long as the files are."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ivr.flow.loader import content_version
from ivr.flow.program import Program
from ivr.flows import load_folder, programs_of
from ivr.publishing.prepared import HandedFlows, PreparedFlows, handed, received
from ivr.publishing.survey import Served
from ivr.publishing.worker_state import WorkerState, living_workers
from tests.publishing.conftest import Project, flow_text
from tests.publishing.test_publisher import running, serves, texts, with_project
from tests.waiting import until

pytestmark = pytest.mark.adapter

SHIPPED = Path(__file__).parents[2] / "flows"


async def prepared_by_another(project: Project) -> PreparedFlows:
    """What a publisher of another process hands over; nothing counts as rendered after that."""
    publisher = project.publisher()
    await publisher.start()
    prepared = publisher.prepared()
    publisher.close()
    project.renderer.rendered.clear()
    return prepared


@with_project
async def test_what_is_prepared_is_neither_read_nor_checked_nor_rendered_again(project: Project) -> None:
    project.write(flow_text())
    prepared = await prepared_by_another(project)
    publisher = project.publisher()
    await publisher.start(prepared)
    assert publisher.get("demo") is prepared.programs["demo"]
    assert texts(publisher) == {"demo": "one"}
    assert not project.renderer.rendered
    assert project.state.flows["demo"].version == content_version(flow_text().encode())
    publisher.close()


@with_project
async def test_files_that_changed_since_are_read(project: Project) -> None:
    project.write(flow_text())
    prepared = await prepared_by_another(project)
    project.write(flow_text(text="two, and longer"))
    second = project.publisher()
    await second.start(prepared)
    assert texts(second) == {"demo": "two, and longer"}
    assert project.renderer.has_rendered("two, and longer")
    second.close()


@with_project
async def test_changes_are_followed_from_what_was_prepared(project: Project) -> None:
    project.write(flow_text())
    project.write(flow_text("other"), "other.yaml")
    prepared = await prepared_by_another(project)
    second = project.publisher()
    await second.start(prepared)
    watching = asyncio.create_task(second.watch())
    project.write(flow_text(text="two"))
    await serves(second, {"demo": "two", "other": "one"})
    assert prepared.served["demo"].content == flow_text().encode()
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    second.close()


@with_project
async def test_flows_are_taken_over_although_a_prompt_of_theirs_could_not_be_rendered(project: Project) -> None:
    project.write(flow_text())
    project.renderer.broken = {"one"}
    prepared = await prepared_by_another(project)
    publisher = project.publisher()
    await publisher.start(prepared)
    assert texts(publisher) == {"demo": "one"}
    publisher.close()


@with_project
async def test_problems_of_files_are_shown_by_every_worker(project: Project) -> None:
    project.write(flow_text())
    project.write("flow: [", "broken.yaml")
    first = project.publisher()
    await first.start()
    second = project.publisher()
    await second.start(first.prepared())
    states = living_workers(Path(project.settings.publishing.versions_dir))
    assert len(states) == 2
    assert states[0].problems == states[1].problems
    assert any("this is not YAML" in problem.message for problem in states[0].problems)
    first.close()
    second.close()


@with_project
async def test_a_flow_that_is_wrong_now_leaves_in_service_what_was_prepared(project: Project) -> None:
    project.write(flow_text())
    prepared = await prepared_by_another(project)
    for kept in project.root.joinpath("var").rglob("*"):
        kept.unlink() if kept.is_file() else None
    project.write("flow: [")
    publisher = project.publisher()
    assert not await publisher.start(prepared)
    assert texts(publisher) == {"demo": "one"}
    publisher.close()


# --- handed over to a process that runs


@dataclass
class Kept:
    """Stands for the files of the prompts that were handed over."""

    is_kept: bool = False
    let_go: list[str] = field(default_factory=list)

    def keep(self) -> Callable[[], None]:
        self.is_kept = True
        return lambda: self.let_go.append("before")


def through_bytes(prepared: PreparedFlows) -> HandedFlows:
    """As another process gets it."""
    given: HandedFlows = pickle.loads(pickle.dumps(handed(prepared)))
    return given


@with_project
async def test_a_running_publisher_takes_what_another_process_has_prepared_and_reads_nothing(project: Project) -> None:
    project.write(flow_text())
    project.write(flow_text("other"), "other.yaml")
    async with running(project, look_every=0.0) as publisher:
        before = publisher.get("demo"), publisher.get("other")
        project.write(flow_text(text="two"))
        prepared = await prepared_by_another(project)
        kept = Kept()
        publisher.take_over(through_bytes(prepared), kept.keep)
        await serves(publisher, {"demo": "two", "other": "one"})
        assert kept.is_kept and not project.renderer.rendered
        assert publisher.get("other") is before[1], "what is the same is not made again"
        assert before[0] is not None and before[0].main.version == content_version(flow_text().encode())
        version = content_version(flow_text(text="two").encode())
        await until(lambda: project.state.flows["demo"].version == version, "its state says so")


@with_project
async def test_prompts_of_the_flows_before_are_kept_until_the_last_call_with_them_has_ended(project: Project) -> None:
    project.write(flow_text())
    async with running(project, look_every=0.0) as publisher:
        project.oldest_call_s = 0.0
        kept, next_one = Kept(), Kept()
        publisher.take_over(through_bytes(await prepared_by_another(project)), kept.keep)
        await until(lambda: kept.is_kept, "the first is taken")
        publisher.take_over(through_bytes(await prepared_by_another(project)), next_one.keep)
        await until(lambda: next_one.is_kept, "the next is taken")
        assert not kept.let_go, "a call that began before still needs them"
        project.oldest_call_s = None
        publisher.look_now()
        await until(lambda: bool(kept.let_go and next_one.let_go), "the call has ended")


@with_project
async def test_what_cannot_be_taken_over_is_read(project: Project) -> None:
    project.write(flow_text())
    async with running(project, look_every=0.0) as publisher:
        project.write(flow_text(text="two"))
        given = through_bytes(await prepared_by_another(project))
        broken = {name: (identity, b"nonsense") for name, (identity, _) in given.flows.items()}
        publisher.take_over(replace(given, flows=broken), Kept().keep)
        await serves(publisher, {"demo": "two"})
        assert project.renderer.has_rendered("two")


@with_project
async def test_a_flow_that_another_runs_is_followed_by_both(project: Project) -> None:
    project.write(flow_text("part"), "part.yaml")
    project.write("flow: demo\nlanguage: en-US\nstart: a\nsteps:\n  a: {run: part, next: hang_up}\n")
    project.write(flow_text("other"), "other.yaml")
    served, programs = await _as_prepared(project)
    project.write(flow_text("part", text="two"), "part.yaml")
    now = received(through_bytes(await prepared_by_another(project)), served, programs)
    assert now.programs["demo"].parts["part"] is now.served["part"].flow is now.programs["part"].main
    assert now.programs["demo"].main is served["demo"].flow
    assert now.programs["other"] is programs["other"]


async def _as_prepared(project: Project) -> tuple[dict[str, Served], dict[str, Program]]:
    prepared = await prepared_by_another(project)
    return dict(prepared.served), dict(prepared.programs)


def test_every_shipped_flow_comes_out_of_the_bytes_as_it_was() -> None:
    loaded = load_folder(SHIPPED).flows
    served = {name: Served(each.flow, b"", each.file) for name, each in loaded.items()}
    programs = programs_of({name: each.flow for name, each in served.items()})
    nothing = WorkerState("", 0, "auto")
    prepared = PreparedFlows({}, served, programs, frozenset(), {}, frozenset(), "", nothing, "{}")
    there = received(through_bytes(prepared), {}, {})
    assert there.served == served and len(served) > 3
    assert there.programs == programs
