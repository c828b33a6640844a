"""A project on disk: a folder of flows and sounds, its settings, and a publisher without a telephone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ivr.check_context import check_in, surroundings_of
from ivr.config import PublishingSettings, Settings, SpeechSettings
from ivr.errors import ConfigError, Problem, Severity, SynthesisFailed
from ivr.flow.segments import Segment, Speech
from ivr.publishing.desk import Desk
from ivr.publishing.publisher import Publisher
from ivr.publishing.worker_state import WorkerState, living_workers


def flow_text(name: str = "demo", text: str = "one") -> str:
    return f"flow: {name}\nlanguage: en-US\nstart: a\nsteps:\n  a: {{say: '{text}', next: hang_up}}\n"


def saying(text: str) -> list[Segment]:
    """What the flow's one prompt is made of."""
    return [Speech(text, "en-US")]


@dataclass
class FakeRenderer:
    """Renders nothing; texts in `broken` fail."""

    rendered: list[list[Segment]] = field(default_factory=list)
    released: list[Sequence[Segment]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    sound_problem: str = ""
    before: Callable[[], None] = lambda: None
    """Is called before anything is rendered."""

    async def render_all(self, prompts: Sequence[Sequence[Segment]]) -> None:
        self.before()
        segments = [segment for prompt in prompts for segment in prompt]
        if any(isinstance(segment, Speech) and segment.text in self.broken for segment in segments):
            raise SynthesisFailed("the synthesizer gave no audio")
        self.rendered.append(segments)

    def release(self, prompts: Sequence[Sequence[Segment]]) -> None:
        self.released += prompts

    def reload_sounds(self) -> None:
        if self.sound_problem:
            raise ConfigError(self.sound_problem)

    def rest(self) -> None:
        """Nothing to end."""

    def has_rendered(self, text: str) -> bool:
        return any(saying(text)[0] in segments for segments in self.rendered)


@dataclass
class Project:
    """One bot's files."""

    root: Path
    settings: Settings
    renderer: FakeRenderer = field(default_factory=FakeRenderer)
    said: list[str] = field(default_factory=list)
    oldest_call_s: float | None = None

    def write(self, text: str, file: str = "demo.yaml") -> Path:
        """Save a flow as an editor does that empties the file first."""
        path = self.root / "flows" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def publisher(self, **publishing: Any) -> Publisher:
        options = self.settings.publishing.model_copy(update=publishing)
        self.settings = self.settings.model_copy(update={"publishing": options})
        return Publisher(
            self.settings,
            lambda: check_in(surroundings_of(self.settings)),
            self.renderer,
            self.renderer.rest,
            self.said.append,
            worker="host/ivr",
            oldest_call_s=lambda: self.oldest_call_s,
        )

    def desk(self) -> Desk:
        return Desk(self.settings, check_in(surroundings_of(self.settings)))

    @property
    def state(self) -> WorkerState:
        """What the running worker says of itself."""
        (state,) = living_workers(Path(self.settings.publishing.versions_dir))
        return state

    @property
    def errors(self) -> list[Problem]:
        """What the running worker says is wrong; warnings do not count."""
        return [problem for problem in self.state.problems if problem.severity is Severity.ERROR]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    settings = Settings(
        flows=str(tmp_path / "flows"),
        sounds=str(tmp_path / "sounds"),
        speech=SpeechSettings(recognizer="none"),
        publishing=PublishingSettings(versions_dir=str(tmp_path / "var" / "flows"), look_every=0.02, author="ann"),
    )
    (tmp_path / "flows").mkdir()
    (tmp_path / "sounds").mkdir()
    return Project(tmp_path, settings)
