"""A worker's flows follow the files: real files, and the look of the program itself."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ivr.flow.loader import content_version
from ivr.flow.model import SayStep
from ivr.publishing import publisher as module
from ivr.publishing.publisher import Publisher
from ivr.testing.sip_peer.measure import tone
from ivr.testing.sip_peer.recording import write_wav
from tests.publishing.conftest import Project, flow_text, saying
from tests.waiting import until

pytestmark = pytest.mark.adapter


def with_project(test: Callable[[Project], Coroutine[Any, Any, None]]) -> Callable[[Project], None]:
    @functools.wraps(test)
    def run(project: Project) -> None:
        asyncio.run(test(project))

    return run


@asynccontextmanager
async def running(project: Project, **publishing: Any) -> Any:
    """A publisher that has started and watches."""
    publisher = project.publisher(**publishing)
    await publisher.start()
    watching = asyncio.create_task(publisher.watch())
    try:
        yield publisher
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        publisher.close()


def texts(publisher: Publisher) -> dict[str, str]:
    """What each flow in service says."""
    found = {}
    for name, flow in publisher.flows.items():
        step = flow.steps["a"]
        assert isinstance(step, SayStep)
        found[name] = next(iter(step.say.items[0].text.values()), step.say.items[0].play or "")
    return found


async def serves(publisher: Publisher, expected: Mapping[str, str]) -> None:
    await until(lambda: texts(publisher) == dict(expected), f"{expected}", shown=lambda: texts(publisher))


@with_project
async def test_changed_added_and_removed_files_are_followed(project: Project) -> None:
    project.write(flow_text())
    async with running(project) as publisher:
        assert texts(publisher) == {"demo": "one"}
        project.write(flow_text(text="two"))
        await serves(publisher, {"demo": "two"})
        other = project.write(flow_text("other"), "below/other.yml")
        await serves(publisher, {"demo": "two", "other": "one"})
        other.unlink()
        await serves(publisher, {"demo": "two"})
    history = project.desk().store
    assert [entry.how for entry in history.history("demo")] == ["edited", "first seen"]
    assert [entry.how for entry in history.history("other")] == ["removed", "first seen"]
    assert {entry.who for entry in history.history("demo")} == {"ann"}


@with_project
async def test_a_set_that_was_handed_out_never_changes(project: Project) -> None:
    project.write(flow_text())
    async with running(project) as publisher:
        taken, flow = publisher.flows, publisher.get("demo")
        project.write(flow_text(text="two"))
        await serves(publisher, {"demo": "two"})
        assert flow and taken["demo"] is flow.main and publisher.get("demo") != flow
        with pytest.raises(TypeError):
            taken["demo"] = flow


@with_project
async def test_prompts_are_rendered_before_the_version_goes_live(project: Project) -> None:
    project.write(flow_text())
    async with running(project) as publisher:
        seen: list[dict[str, str]] = []
        project.renderer.before = lambda: seen.append(texts(publisher))
        project.write(flow_text(text="two"))
        await serves(publisher, {"demo": "two"})
        assert seen == [{"demo": "one"}] and project.renderer.has_rendered("two")


@with_project
async def test_a_version_that_cannot_speak_waits_until_it_can(project: Project) -> None:
    project.write(flow_text())
    project.renderer.broken = {"two"}
    async with running(project) as publisher:
        project.write(flow_text(text="two"))
        await until(lambda: bool(project.state.flows["demo"].problems), "the problem is told")
        assert texts(publisher) == {"demo": "one"}
        assert "its prompts cannot be rendered" in project.state.flows["demo"].problems[0].message
        project.renderer.broken = set()
        publisher.look_now()
        await serves(publisher, {"demo": "two"})
        await until(lambda: not project.errors, "all is well again")


def test_a_version_that_cannot_speak_is_tried_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.1)
    project.write(flow_text())
    project.renderer.broken = {"two"}

    @with_project
    async def play(project: Project) -> None:
        async with running(project) as publisher:
            project.write(flow_text(text="two"))
            await until(lambda: bool(project.state.flows["demo"].problems), "the problem is told")
            project.renderer.broken = set()
            await serves(publisher, {"demo": "two"})

    play(project)


@with_project
async def test_the_first_version_of_a_flow_serves_even_without_a_synthesizer(project: Project) -> None:
    project.write(flow_text())
    project.renderer.broken = {"one"}
    async with running(project) as publisher:
        assert texts(publisher) == {"demo": "one"}
        assert project.said == [
            "prompts of demo: the synthesizer gave no audio; recordings and what is cached go on",
        ]


@with_project
async def test_old_prompts_are_kept_until_no_call_can_need_them(project: Project) -> None:
    project.write(flow_text())
    async with running(project) as publisher:
        project.oldest_call_s = time.monotonic()
        project.write(flow_text(text="two"))
        await serves(publisher, {"demo": "two"})
        project.write(flow_text(text="three"))
        await serves(publisher, {"demo": "three"})
        assert project.renderer.released == []
        project.oldest_call_s = time.monotonic()
        await until(lambda: len(project.renderer.released) >= 2, "the prompts are released")
        assert [list(prompt) for prompt in project.renderer.released] == [saying("one"), saying("two")]


# --- saving


@with_project
async def test_a_bad_edit_leaves_the_old_version_and_the_correction_is_taken(project: Project) -> None:
    project.write(flow_text())
    async with running(project) as publisher:
        for bad in (flow_text(text="two").replace("hang_up", "hang_pu"), "flow: [", "", "\0\0"):
            project.write(bad)
            await until(lambda: bool(project.state.flows["demo"].problems), f"{bad!r} is told")
            assert texts(publisher) == {"demo": "one"}
            project.write(flow_text())
            await until(lambda: not project.state.flows["demo"].problems, "all is well again")
        project.write(flow_text(text="two"))
        await serves(publisher, {"demo": "two"})


@with_project
async def test_a_file_that_is_written_slowly_is_taken_when_it_is_whole(project: Project) -> None:
    path = project.write(flow_text())
    long = flow_text(text="two") + "purpose: service\n"
    async with running(project) as publisher:
        seen: list[dict[str, str]] = []
        project.renderer.before = lambda: seen.append(texts(publisher))
        with path.open("w") as file:  # without its last line it would be a flow as well
            for start in range(0, len(long), 12):
                file.write(long[start : start + 12])
                file.flush()
                await asyncio.sleep(0.04)
        await until(lambda: bool(seen), "the file is taken")
        await until(lambda: publisher.flows["demo"].version == content_version(long), "the whole file serves")
        assert seen == [{"demo": "one"}], "once, with all of it"


@with_project
async def test_editors_that_rename_lose_nothing(project: Project) -> None:
    path = project.write(flow_text())
    async with running(project) as publisher:
        path.rename(path.with_name("demo.yaml~"))  # vim
        path.write_text(flow_text(text="two"))
        await serves(publisher, {"demo": "two"})
        hidden = path.with_name(".demo.yaml")  # others
        hidden.write_text(flow_text(text="three"))
        hidden.replace(path)
        await serves(publisher, {"demo": "three"})
    assert [entry.how for entry in project.desk().store.history("demo")] == ["edited", "edited", "first seen"]


@with_project
async def test_a_folder_that_goes_away_takes_no_flow_with_it(project: Project) -> None:
    project.write(flow_text())
    async with running(project) as publisher:
        (project.root / "flows").rename(project.root / "gone")
        await until(lambda: bool(project.errors), "the problem is told")
        assert texts(publisher) == {"demo": "one"}
        (project.root / "gone").rename(project.root / "flows")
        await until(lambda: not project.errors, "all is well again")


@with_project
async def test_a_recording_that_comes_makes_a_flow_clean_and_one_that_goes_harms_nobody(project: Project) -> None:
    project.write(flow_text(text="sounds/beep.wav"))
    async with running(project) as publisher:
        assert texts(publisher) == {}
        write_wav(project.root / "sounds" / "beep.wav", tone(600, 0.2))
        await serves(publisher, {"demo": "sounds/beep.wav"})
        (project.root / "sounds" / "beep.wav").unlink()
        await until(lambda: bool(project.errors), "the missing recording is told")
        assert texts(publisher) == {"demo": "sounds/beep.wav"}


@with_project
async def test_a_list_of_recordings_with_a_mistake_is_told(project: Project) -> None:
    project.write(flow_text())
    async with running(project) as publisher:
        project.renderer.sound_problem = "sounds/en/sounds.yaml: entry 1: text is missing"
        (project.root / "sounds" / "new.txt").write_text("anything")
        await until(lambda: bool(project.errors), "the problem is told")
        assert "entry 1: text is missing" in project.errors[0].message
        assert texts(publisher) == {"demo": "one"}


# --- restarts, several workers, trouble


@with_project
async def test_a_restart_beside_a_bad_file_serves_what_was_in_service(project: Project) -> None:
    project.write(flow_text())
    async with running(project):
        pass
    project.write("flow: [")
    async with running(project) as publisher:
        assert texts(publisher) == {"demo": "one"}
        assert [Path(problem.file).name for problem in project.state.flows["demo"].problems] == ["demo.yaml"]


@with_project
async def test_two_workers_note_one_version_once(project: Project) -> None:
    project.write(flow_text())
    async with running(project) as one, running(project) as other:
        project.write(flow_text(text="two"))
        await serves(one, {"demo": "two"})
        await serves(other, {"demo": "two"})
    assert [entry.how for entry in project.desk().store.history("demo")] == ["edited", "first seen"]


@with_project
async def test_without_a_folder_for_versions_the_flows_are_served(project: Project) -> None:
    project.write(flow_text())
    (project.root / "var").write_text("a file is in the way")
    async with running(project) as publisher:
        project.write(flow_text(text="two"))
        await serves(publisher, {"demo": "two"})


@with_project
async def test_a_mistake_of_ours_costs_one_round(project: Project) -> None:
    project.write(flow_text())
    async with running(project) as publisher:

        def fail() -> None:
            project.renderer.before = lambda: None
            raise RuntimeError("a mistake")

        project.renderer.before = fail
        project.write(flow_text(text="two"))
        await until(lambda: project.renderer.before is not fail, "the mistake happened")
        publisher.look_now()
        await serves(publisher, {"demo": "two"})


@with_project
async def test_without_looking_only_a_request_counts(project: Project) -> None:
    project.write(flow_text())
    async with running(project, look_every=0.0) as publisher:
        project.write(flow_text(text="two"))
        publisher.look_now()
        await serves(publisher, {"demo": "two"})


# --- manual


@with_project
async def test_with_manual_publishing_files_wait_and_drafts_do_not(project: Project) -> None:
    project.write(flow_text())
    async with running(project, publish="manual") as publisher:
        assert texts(publisher) == {"demo": "one"}, "the first start publishes what is there"
        project.write(flow_text(text="two"))
        project.write(flow_text("new"), "new.yaml")
        project.write(flow_text(text="draft"), "drafts/demo.yaml")
        await serves(publisher, {"demo": "one", "demo+draft": "draft"})
        await until(lambda: "new" in project.state.flows, "new waits")
        assert project.state.flows["new"].newer != "" and project.state.flows["new"].version == ""
        assert project.state.flows["demo"].newer == content_version(flow_text(text="two"))
        await asyncio.to_thread(project.desk().publish, ["new"])
        await serves(publisher, {"demo": "one", "demo+draft": "draft", "new": "one"})
    async with running(project) as publisher:
        assert texts(publisher) == {"demo": "one", "demo+draft": "draft", "new": "one"}


@with_project
async def test_with_manual_publishing_a_bad_file_is_told_and_nothing_is_lost(project: Project) -> None:
    path = project.write(flow_text())
    async with running(project, publish="manual") as publisher:
        project.write("flow: [")
        await until(lambda: bool(project.errors), "the problem is told")
        path.unlink()
        await until(lambda: not project.errors, "the file is gone")
        assert texts(publisher) == {"demo": "one"}


def test_the_owner_of_a_file_is_who_wrote_it(tmp_path: Path) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text("")
    assert module._owner(str(file)) == file.owner()
    assert module._owner(str(tmp_path / "absent")) != ""
