"""What an operator does with versions, on real files and without a bot."""

from __future__ import annotations

import asyncio
import io
import wave
from pathlib import Path

import pytest

from ivr.errors import PublishingError
from ivr.flow.loader import content_version
from ivr.publishing.desk import FlowRefused
from ivr.publishing.overview import Row, overview
from tests.publishing.conftest import Project, flow_text

pytestmark = pytest.mark.adapter

ONE, TWO, THREE = (content_version(flow_text(text=text)) for text in ("one", "two", "three"))


async def _started(project: Project) -> None:
    publisher = project.publisher()
    await publisher.start()
    publisher.close()


def serve(project: Project, *saved: str, **publishing: object) -> Path:
    """Let a bot serve one version after the other, and end."""
    if publishing:
        project.publisher(**publishing)
    file = project.root / "flows" / "demo.yaml"
    for text in saved:
        file = project.write(flow_text(text=text))
        asyncio.run(_started(project))
    return file


def hows(project: Project) -> list[tuple[str, str]]:
    return [(entry.version, entry.how) for entry in project.desk().store.history("demo")]


def row(project: Project, name: str = "demo") -> Row:
    (found,) = [row for row in overview(project.desk()).rows if row.name == name]
    return found


# --- rollback


def test_rollback_goes_to_the_version_before(project: Project) -> None:
    file = serve(project, "one", "two")
    assert project.desk().rollback("demo").version == ONE
    assert file.read_text() == flow_text(text="one")
    assert hows(project) == [(ONE, "rolled back"), (TWO, "edited"), (ONE, "first seen")]
    assert row(project).version == ONE and row(project).who == "ann"


def test_rollback_goes_to_a_version_that_is_named(project: Project) -> None:
    file = serve(project, "one", "two", "three")
    project.desk().rollback("demo", ONE[:5])
    assert file.read_text() == flow_text(text="one")


def test_rollback_undoes_an_edit_that_is_not_in_service_and_keeps_it(project: Project) -> None:
    file = serve(project, "one", "two")
    file.write_text("flow: [torn\n")
    project.desk().rollback("demo")
    assert file.read_text() == flow_text(text="two")
    history = hows(project)
    assert history == [(content_version("flow: [torn\n"), "set aside"), (TWO, "edited"), (ONE, "first seen")]
    assert project.desk().store.content("demo", history[0][0]) == b"flow: [torn\n"


def test_rollback_brings_a_removed_flow_back(project: Project) -> None:
    file = serve(project, "one")
    project.write(flow_text("other"), "other.yaml")
    file.unlink()
    asyncio.run(_started(project))
    assert hows(project)[0] == (ONE, "removed")
    project.desk().rollback("demo")
    assert file.read_text() == flow_text(text="one")
    assert row(project).version == ONE


def test_rollback_to_what_breaks_rules_now_is_refused_and_changes_nothing(project: Project) -> None:
    (project.root / "sounds" / "x.wav").write_bytes(_wav())
    file = serve(project, "sounds/x.wav", "two")
    (project.root / "sounds" / "x.wav").unlink()
    with pytest.raises(FlowRefused, match=r"demo\.yaml:\d+:\d+: a: there is no recording"):
        project.desk().rollback("demo")
    assert file.read_text() == flow_text(text="two") and len(hows(project)) == 2


def _wav() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\1\0" * 800)
    return buffer.getvalue()


def test_without_an_earlier_version_there_is_nothing_to_go_back_to(project: Project) -> None:
    serve(project, "one")
    with pytest.raises(PublishingError, match=f"demo has no earlier version than {ONE}"):
        project.desk().rollback("demo")
    with pytest.raises(PublishingError, match="no version of 'nobody' is kept"):
        project.desk().rollback("nobody", "abc")


# --- publish


def test_a_draft_becomes_the_flow(project: Project) -> None:
    file = serve(project, "one")
    draft = project.write(flow_text(text="two"), "drafts/demo.yaml")
    assert row(project, "demo+draft").version == TWO
    (entry,) = project.desk().publish(["demo"])
    assert (entry.version, entry.how, entry.file) == (TWO, "published", str(file))
    assert file.read_text() == flow_text(text="two") and not draft.exists()
    assert [each.name for each in overview(project.desk()).rows] == ["demo"]


def test_a_draft_of_a_new_flow_gets_a_file(project: Project) -> None:
    serve(project, "one")
    project.write(flow_text("fresh"), "drafts/fresh.yaml")
    project.desk().publish(["fresh+draft"])
    assert (project.root / "flows" / "fresh.yaml").read_text() == flow_text("fresh")


def test_what_a_draft_replaces_is_kept(project: Project) -> None:
    file = serve(project, "one")
    file.write_text(flow_text(text="unpublished"))
    project.write(flow_text(text="two"), "drafts/demo.yaml")
    project.desk().publish(["demo"])
    assert [how for _, how in hows(project)] == ["published", "set aside", "first seen"]


@pytest.mark.parametrize("bad", [flow_text(text="two").replace("hang_up", "hang_pu"), "flow: [", "flow: demo\n"])
def test_a_draft_with_errors_is_refused_with_all_of_them(project: Project, bad: str) -> None:
    file = serve(project, "one")
    project.write(bad, "drafts/demo.yaml")
    with pytest.raises(FlowRefused, match=r"demo has errors and was not published:\n.*drafts/demo\.yaml:\d+:\d+"):
        project.desk().publish(["demo"])
    assert file.read_text() == flow_text(text="one") and len(hows(project)) == 1


def test_with_manual_publishing_a_changed_file_is_published(project: Project) -> None:
    file = serve(project, "one", publish="manual")
    file.write_text(flow_text(text="two"))
    assert (row(project).version, row(project).newer) == (ONE, TWO)
    project.desk().publish(["demo"])
    assert (row(project).version, row(project).newer) == (TWO, "")
    with pytest.raises(PublishingError, match="its file is what is in service"):
        project.desk().publish(["demo"])


def test_with_manual_publishing_a_removed_file_is_published_as_an_end(project: Project) -> None:
    file = serve(project, "one", publish="manual")
    project.write(flow_text("other"), "other.yaml")
    project.desk().publish(["other"])
    file.unlink()
    (entry,) = project.desk().publish(["demo"])
    assert entry.how == "removed"
    assert [each.name for each in overview(project.desk()).rows] == ["other"]


def test_what_cannot_be_published_is_told(project: Project) -> None:
    file = serve(project, "one")
    for name, told in (
        ("demo", "nothing to publish: demo has no draft"),
        ("demo+draft", r"demo has no draft; write one as .*flows/drafts/demo\.yaml"),
        ("nobody", "there is no flow 'nobody' in .*; use one of: demo"),
    ):
        with pytest.raises(PublishingError, match=told):
            project.desk().publish([name])
    file.write_text(flow_text(text="two"))
    with pytest.raises(PublishingError, match="changed files go into service by themselves"):
        project.desk().publish(["demo"])


# --- compare


def test_what_is_compared_without_a_word(project: Project) -> None:
    file = serve(project, "one", "two")

    def compared() -> list[str]:
        return [side.version for side in project.desk().sides("demo")]

    assert compared() == [ONE, TWO]
    file.write_text(flow_text(text="three"))
    assert compared() == [TWO, THREE]
    project.write(flow_text(text="draft"), "drafts/demo.yaml")
    assert compared() == [TWO, content_version(flow_text(text="draft"))]


def test_what_is_compared_when_it_is_named(project: Project) -> None:
    file = serve(project, "one", "two")
    file.write_text("flow: [torn")
    one, other = project.desk().sides("demo", ONE[:6], "file")
    assert (one.text, other.text) == (flow_text(text="one"), "flow: [torn")
    assert [side.version for side in project.desk().sides("demo", "file")] == [content_version("flow: [torn"), TWO]
    with pytest.raises(PublishingError, match="demo has no draft in"):
        project.desk().sides("demo", "draft")


# --- overview


def test_without_a_bot_the_overview_tells_what_it_would_serve(project: Project) -> None:
    file = serve(project, "one")
    file.write_text("flow: [")
    project.write(flow_text("new").replace("hang_up", "hang_pu"), "new.yaml")
    found = overview(project.desk())
    assert found.workers == ()
    assert [(each.name, each.version, each.error_count) for each in found.rows] == [("demo", ONE, 1), ("new", "", 1)]
    assert {Path(problem.file).name for problem in found.problems} == {"demo.yaml", "new.yaml"}
