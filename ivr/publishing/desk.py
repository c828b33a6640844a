"""What an operator does with versions: publish, roll back, compare. Works while the bot runs and when it does not.

A command writes the history first and the flow's file then, each in one step; running workers see the change by
themselves. Content that no version holds yet is set aside before it is replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from ivr.calls.routing import DRAFT_SUFFIX
from ivr.config import Settings
from ivr.errors import FlowError, Problem, PublishingError, Severity
from ivr.flow.loader import LoadedFlow, content_version, load_flow
from ivr.flows import DRAFTS
from ivr.model_errors import did_you_mean
from ivr.publishing.files import user_name, write_atomically
from ivr.publishing.plan import Check, FlowFile, make_plan
from ivr.publishing.survey import Survey, last_served, read_folder, survey
from ivr.publishing.versions import REMOVED, SET_ASIDE, Publication, VersionStore, served


class FlowRefused(PublishingError):
    """The version has errors; carries them."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        super().__init__(f"{name} has errors and was not published:\n" + "\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison."""

    label: str
    version: str
    text: str


class Desk:
    """The flows of one bot's settings. Every method raises PublishingError."""

    def __init__(self, settings: Settings, check: Check) -> None:
        self._settings, self._check = settings, check
        self._folder = Path(settings.flows)
        self.store = VersionStore(Path(settings.publishing.versions_dir), settings.publishing.keep_versions)

    @property
    def is_manual(self) -> bool:
        """Whether changed files wait to be published."""
        return self._settings.publishing.publish == "manual"

    @cached_property
    def survey(self) -> Survey:
        """What a worker that starts now would serve."""
        return survey(
            self._folder,
            self.store,
            is_manual=self.is_manual,
            serving=last_served(self.store),
            check=self._check,
        )

    @cached_property
    def _files(self) -> list[FlowFile]:
        return read_folder(self._folder)[0]

    # --- publish

    def publish(self, names: Sequence[str]) -> list[Publication]:
        """Put drafts, or with `publish: manual` changed files, into service together; what was put there."""
        wanted = {name.removesuffix(DRAFT_SUFFIX): self._unpublished(name) for name in dict.fromkeys(names)}
        gone = [name for name, file in wanted.items() if file is None]
        self._refuse_errors({name: file for name, file in wanted.items() if file is not None}, gone)
        done = []
        for name, file in wanted.items():
            done.append(self._publish_one(name, file) if file is not None else self._remove(name))
        return done

    def _unpublished(self, name: str) -> FlowFile | None:
        """The file to publish; None where a flow is to leave service because its file is gone."""
        base = name.removesuffix(DRAFT_SUFFIX)
        if (draft := self._draft(base)) is not None:
            return draft
        if name != base:
            raise PublishingError(f"{base} has no draft; write one as {self._folder / DRAFTS / (base + '.yaml')}")
        now, live = served(self.store.history(name)), self._live(name)
        if live is not None and (not live.loaded or now is None or now.version != content_version(live.content)):
            if self.is_manual or live.problems or name in self.survey.plan.held:
                return live
            raise PublishingError(f"{name} is published already: changed files go into service by themselves")
        if live is None and now is not None and self.is_manual:
            return None
        if live is None and now is None:
            known = sorted({file.name for file in self._files if file.name})
            hint = did_you_mean(name, known) or "write one there"
            raise PublishingError(f"there is no flow {name!r} in {self._folder}; {hint}")
        raise PublishingError(f"nothing to publish: {name} has no draft, and its file is what is in service")

    def _publish_one(self, name: str, file: FlowFile) -> Publication:
        target = self._target(name, file)
        entry = self._entry(content_version(file.content), str(target), "published")
        if target != Path(file.file):
            self._set_aside(name, target)
        self.store.record(name, file.content, entry)
        if target != Path(file.file):
            self._write(target, file.content)
            Path(file.file).unlink(missing_ok=True)
        return entry

    def _remove(self, name: str) -> Publication:
        now = served(self.store.history(name))
        assert now is not None
        entry = self._entry(now.version, now.file, REMOVED)
        self.store.record_removed(name, entry)
        return entry

    # --- roll back

    def rollback(self, name: str, beginning: str = "") -> Publication:
        """Write an earlier version into the flow's file, as the one in service.

        Without a `beginning`: what is in service where the file holds something else (that edit is undone), else the
        version before it. What the file held is kept.
        """
        version = self.store.find(name, beginning) if beginning else self._version_to_undo_to(name)
        content = self.store.content(name, version)
        target = self._file_to_replace(name)
        self._refuse_errors({name: _as_file(name, content, target)}, [])
        self._set_aside(name, target)
        entry = self._entry(version, str(target), "rolled back")
        self.store.record(name, content, entry)
        self._write(target, content)
        return entry

    def _version_to_undo_to(self, name: str) -> str:
        now, live = served(self.store.history(name)), self._live(name)
        if now is not None and live is not None and content_version(live.content) != now.version:
            return now.version
        return self._version_before(name)

    def _version_before(self, name: str) -> str:
        history = self.store.history(name)
        now = served(history)
        for entry in history:
            if entry.how not in (SET_ASIDE, REMOVED) and (now is None or entry.version != now.version):
                return entry.version
        if now is None:
            return self.store.find(name, "")
        raise PublishingError(f"{name} has no earlier version than {now.version}; see `ivr flows versions {name}`")

    # --- compare

    def sides(self, name: str, a: str = "", b: str = "") -> tuple[Side, Side]:
        """Two contents of a flow. Each is `served`, `file`, `draft` or the beginning of a version.

        Without `a` and `b`: from what is in service to the draft, else to the file where it differs, else from the
        version before to what is in service. Without `b`: from `a` to what is in service.
        """
        if a:
            return self._side(name, a), self._side(name, b or "served")
        if self._draft(name) is not None:
            return self._side(name, "served"), self._side(name, "draft")
        now, live = served(self.store.history(name)), self._live(name)
        if now is not None and live is not None and content_version(live.content) != now.version:
            return self._side(name, "served"), self._side(name, "file")
        return self._side(name, self._version_before(name)), self._side(name, "served")

    def _side(self, name: str, which: str) -> Side:
        if which in ("file", "draft"):
            file = self._live(name) if which == "file" else self._draft(name)
            if file is None:
                raise PublishingError(f"{name} has no {which} in {self._folder}")
            return Side(f"{name} {which}", content_version(file.content), _text(file.content))
        if which == "served":
            now = served(self.store.history(name))
            if now is None:
                raise PublishingError(f"{name} is not in service, and no version of it was; see `ivr flows`")
            which = now.version
        version = self.store.find(name, which)
        return Side(name, version, _text(self.store.content(name, version)))

    # --- parts

    def _draft(self, name: str) -> FlowFile | None:
        return self._named(name + DRAFT_SUFFIX, self._folder / DRAFTS / f"{name}.yaml")

    def _live(self, name: str) -> FlowFile | None:
        now = served(self.store.history(name))
        return self._named(name, Path(now.file) if now else self._folder / f"{name}.yaml")

    def _named(self, served_as: str, usual: Path) -> FlowFile | None:
        """The file that holds a flow; the file at its usual place where that cannot be read as one."""
        found = [file for file in self._files if file.name == served_as]
        found += [file for file in self._files if not file.name and Path(file.file) == usual]
        return next((file for file in found if Path(file.file) == usual), next(iter(found), None))

    def _target(self, name: str, file: FlowFile) -> Path:
        """Where the live flow is written."""
        place = Path(file.file)
        if place.parent.name != DRAFTS:
            return place
        live = self._live(name)
        return Path(live.file) if live else place.parent.parent / place.name

    def _file_to_replace(self, name: str) -> Path:
        if (live := self._live(name)) is not None:
            return Path(live.file)
        history = self.store.history(name)
        return Path(history[0].file) if history else self._folder / f"{name}.yaml"

    def _refuse_errors(self, wanted: dict[str, FlowFile], gone: Sequence[str]) -> None:
        """Raise FlowRefused where what is wanted could not go into service beside the other flows."""
        for name, file in wanted.items():
            if file.problems:
                raise FlowRefused(name, file.problems)
        present = {name: flow for name, flow in self.survey.plan.flows.items() if not name.endswith(DRAFT_SUFFIX)}
        files = [_file_of(name, flow) for name, flow in present.items() if name not in wanted and name not in gone]
        files += [_as_file(name, file.content, Path(file.file)) for name, file in wanted.items()]
        plan = make_plan(present, files, self._check)
        for name in (*wanted, *gone):
            if name in plan.held:
                raise FlowRefused(name, plan.held[name])
        verdicts = self._check({**plan.flows})
        for name in wanted:
            if errors := [each for each in verdicts[name] if each.severity is Severity.ERROR]:
                raise FlowRefused(name, errors)

    def _set_aside(self, name: str, target: Path) -> None:
        """Keep what is about to be replaced, where no version holds it."""
        try:
            content = target.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise PublishingError(f"{target} cannot be read ({error.strerror}); check its rights") from error
        version = content_version(content)
        if version not in {entry.version for entry in self.store.history(name)}:
            self.store.record(name, content, self._entry(version, str(target), SET_ASIDE))

    def _write(self, target: Path, content: bytes) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, content)
        except OSError as error:
            raise PublishingError(f"{target} cannot be written ({error.strerror}); check its rights") from error

    def _entry(self, version: str, file: str, how: str) -> Publication:
        who = self._settings.publishing.author or user_name()
        return Publication(version, datetime.now(UTC), who, how, file)


def _as_file(name: str, content: bytes, file: Path) -> FlowFile:
    """A content as if it stood in a file, under the name it will be served."""
    try:
        loaded = load_flow(content, str(file))
    except FlowError as error:
        raise FlowRefused(name, error.problems) from error
    if loaded.flow.flow != name:
        message = f"the flow in this file is named '{loaded.flow.flow}', not '{name}'; publish it under that name"
        raise FlowRefused(name, [loaded.source.problem(("flow",), message, "wrong_name", step="flow")])
    return FlowFile(str(file), name, loaded, (), content)


def _file_of(name: str, flow: LoadedFlow) -> FlowFile:
    return FlowFile(flow.file, name, flow)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
