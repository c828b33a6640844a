"""Reads the settings: `ivr.yaml`, then the environment, then options. Application ring.

Relative paths in the file are relative to the file's folder; those that come from the environment or from options are
relative to the current folder. `load_settings` returns them absolute.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from ivr.config import Settings
from ivr.config_queues import overflow_circle
from ivr.config_section import Section
from ivr.errors import ConfigError, Problem, first_of_a_kind
from ivr.model_errors import did_you_mean, problems_of
from ivr.secrets_in_text import has_password_in_url, is_secret_name
from ivr.yaml_source import MAX_SOURCE_BYTES, DataPath, Position, Positions, YamlSource, read_yaml

DEFAULT_FILE = Path("ivr.yaml")
ENVIRONMENT_PREFIX = "IVR_"

_Section = TypeVar("_Section", bound=Section)

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")
_PATHS = ("ca_file", "certificate_file", "folder", "key_file", "outbox_dir")
_SQLITE_FILE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:)([^?]+)(.*)")


def load_settings(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, object] = {},
) -> Settings:
    """Settings of `path`, else of `./ivr.yaml` where there is one, else the built-in ones.

    `IVR_SIP__PORT=5070` in the environment overrides `sip: {port: …}`; `overrides` come last, keys dotted
    (`{"sip.port": 5070}`), None meaning "not given". Raises ConfigError with every problem.
    """
    draft = _Draft(_read(path))
    draft.fill_in_references(environ)
    draft.override_from_environment(environ)
    draft.override_from_options(overrides)
    return _resolved(draft.settings(), draft)


def _read(path: Path | None) -> YamlSource:
    if path is None and not DEFAULT_FILE.exists():
        return YamlSource("", {}, Positions(), ())
    file = path or DEFAULT_FILE
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_SOURCE_BYTES + 1)  # what is longer is refused: of no use, and perhaps endless
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); check its name and rights") from error
    source = read_yaml(content, str(file))
    if source.data is None and not source.problems:
        return YamlSource(str(file), {}, source.positions, ())
    if source.data is not None and not isinstance(source.data, dict):
        raise ConfigError(f"{file}:1:1: the settings are a group of keys; write `sip:`, `numbers:` and so on")
    return source


@dataclass(slots=True)
class _Draft:
    """Settings on their way: the data so far, where overriding values came from, and what is wrong."""

    source: YamlSource
    data: dict[str, Any] = field(init=False)
    origins: dict[DataPath, str] = field(default_factory=dict)
    """Path of a value that is not the file's own -> who wrote it."""
    in_file: list[Problem] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.in_file += self.source.problems
        if self.source.data is None:
            self._raise_problems()
        assert isinstance(self.source.data, dict)
        self.data = self.source.data

    def fill_in_references(self, environ: Mapping[str, str]) -> None:
        """Replace `${NAME}`; note secrets that are written out."""
        self.data = {key: self._filled(value, (key,), environ) for key, value in self.data.items()}

    def _filled(self, value: object, path: DataPath, environ: Mapping[str, str]) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(item, (*path, key), environ) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item, (*path, index), environ) for index, item in enumerate(value)]
        self._refuse_secret(value, path)
        return self._replaced(value, path, environ) if isinstance(value, str) else value

    def _refuse_secret(self, value: object, path: DataPath) -> None:
        key = str(path[-1])
        written_out = value is not None and not _REFERENCE.fullmatch(str(value))
        is_header = path[-2:-1] == ("headers",) and key.lower() in _SECRET_HEADERS
        is_open = is_header and not _REFERENCE.search(str(value))  # "Bearer ${CRM_TOKEN}" is fine
        if is_open or (is_secret_name(key) and written_out) or (isinstance(value, str) and has_password_in_url(value)):
            name = "_".join(str(part) for part in path).upper()
            message = "a secret is written in the file; secrets only come from the environment: write ${" + name + "}"
            self.in_file.append(self.source.problem(path, message, "secret", step=_dotted(path)))

    def _replaced(self, text: str, path: DataPath, environ: Mapping[str, str]) -> str:
        for name in _REFERENCE.findall(text):
            if name not in environ:
                message = f"the environment variable {name} is not set; set it before the start"
                self.in_file.append(self.source.problem(path, message, "missing_variable", step=_dotted(path)))
        return _REFERENCE.sub(lambda match: environ.get(match[1], ""), text)

    def override_from_environment(self, environ: Mapping[str, str]) -> None:
        """Take `IVR_SECTION__KEY`; other variables that begin with IVR_ are somebody else's."""
        for name in sorted(environ):
            parts = tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
            if not name.startswith(ENVIRONMENT_PREFIX) or (len(parts) == 1 and parts[0] not in Settings.model_fields):
                continue
            if parts[0] not in Settings.model_fields:
                known = [f"{ENVIRONMENT_PREFIX}{key.upper()}" for key in Settings.model_fields]
                wrong = f"{ENVIRONMENT_PREFIX}{parts[0].upper()}"
                self.elsewhere.append(f"environment variable {name}: no such setting; {did_you_mean(wrong, known)}")
                continue
            self._put(parts, _environment_value(environ[name]), f"environment variable {name}")

    def override_from_options(self, overrides: Mapping[str, object]) -> None:
        """Take options that were given."""
        for name, value in overrides.items():
            if value is not None:
                self._put(tuple(name.split(".")), value, f"option {name}")

    def _put(self, path: tuple[str, ...], value: object, origin: str) -> None:
        target = self.data
        for part in path[:-1]:
            inner = target.get(part)
            target[part] = dict(inner) if isinstance(inner, dict) else {}
            target = target[part]
        target[path[-1]] = value
        self.origins[path] = origin
        for end in range(1, len(path) + 1):  # no place in the file, and yet a key with a name
            self.source.positions.values.setdefault(path[:end], Position(1, 1))

    def settings(self) -> Settings:
        """The finished settings. Raises ConfigError with every problem."""
        try:
            settings = Settings.model_validate(self.data)
        except ValidationError as error:
            problems = problems_of(error, Settings, self.source)
            for detail, problem in zip(error.errors(include_url=False), problems, strict=True):
                self._note(detail["loc"], problem)
            self._raise_problems()
        for path, problem in _loose_ends(settings, self.source):
            self._note(path, problem)
        if self.in_file or self.elsewhere:
            self._raise_problems()
        return settings

    def _raise_problems(self) -> NoReturn:
        raise ConfigError("\n".join([*map(str, first_of_a_kind(sorted(self.in_file))), *self.elsewhere]))

    def _note(self, path: DataPath, problem: Problem) -> None:
        origin = self.origin_of(path)
        if origin is None and self.source.file:
            self.in_file.append(problem)
        else:
            self.elsewhere.append(f"{origin or _dotted(path)}: {problem.message}")

    def origin_of(self, path: DataPath) -> str | None:
        """Who wrote the value at `path`, where it was not the file."""
        return next((self.origins[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.origins), None)

    def folder_for(self, path: DataPath) -> Path:
        """What a relative path at `path` is relative to."""
        return Path.cwd() if self.origin_of(path) or not self.source.file else Path(self.source.file).absolute().parent


def _dotted(path: DataPath) -> str:
    return ".".join(str(part) for part in path)


def _environment_value(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    if text.startswith(("[", "{")):
        source = read_yaml(text, "")
        return source.data if source.data is not None and not source.problems else text
    return text


def _loose_ends(settings: Settings, source: YamlSource) -> Iterator[tuple[DataPath, Problem]]:
    """Settings that name something which other settings do not have."""
    accounts = settings.sip.accounts
    named: list[tuple[DataPath, str | None]] = [
        (("numbers", key, "account"), number.account) for key, number in settings.numbers.items()
    ]
    named += [(("targets", key, "account"), target.account) for key, target in settings.targets.items()]
    named += [(("video", key, "account"), rooms.account) for key, rooms in settings.video.items()]
    named += [(("queues", key, "account"), queue.account) for key, queue in settings.queues.items()]
    named += [
        (("queues", key, "callback_via", "account"), queue.callback_via.account)
        for key, queue in settings.queues.items()
        if queue.callback_via is not None
    ]
    for path, account in named:
        if account and account not in accounts:
            message = (
                f"there is no account '{account}' under sip: accounts; {did_you_mean(account, accounts) or 'add it'}"
            )
            yield path, source.problem(path, message, "unknown_account", step=_dotted(path))
    addresses: list[tuple[DataPath, str]] = [
        (("targets", key, "sip"), target.sip) for key, target in settings.targets.items()
    ]
    addresses += [(("sip", "accounts", key, "uri"), account.uri) for key, account in accounts.items()]
    for path, address in addresses:
        if not re.match(r"sips?:[^\s]+", address):
            message = f"'{address}' is not a SIP address; write it as sip:user@host"
            yield path, source.problem(path, message, "sip_address", step=_dotted(path))
    yield from _loose_overflows(settings, source)


def _loose_overflows(settings: Settings, source: YamlSource) -> Iterator[tuple[DataPath, Problem]]:
    """Queues that overflow into one that is not there, or in a circle."""
    queues = settings.queues
    for name, queue in queues.items():
        if queue.overflow is not None and queue.overflow not in queues:
            path: DataPath = ("queues", name, "overflow")
            hint = did_you_mean(queue.overflow, queues) or "add it"
            message = f"there is no queue '{queue.overflow}' under queues:; {hint}"
            yield path, source.problem(path, message, "unknown_queue", step=_dotted(path))
    if circle := overflow_circle(queues):
        path = ("queues", circle[0], "overflow")
        message = f"the queues overflow in a circle ({' → '.join(circle)}); leave out one `overflow:` of them"
        yield path, source.problem(path, message, "overflow_circle", step=_dotted(path))


def _resolved(settings: Settings, draft: _Draft) -> Settings:
    """The settings with absolute paths."""

    def absolute(value: str, *path: str) -> str:
        return os.path.normpath(draft.folder_for(path) / Path(value).expanduser())

    speech = settings.speech
    models = {
        tag: absolute(model, "speech", "models", tag) if "/" in model or model.startswith((".", "~")) else model
        for tag, model in speech.models.items()
    }
    cache_dir = speech.cache_dir and absolute(speech.cache_dir, "speech", "cache_dir")
    database = settings.database
    sqlite = _SQLITE_FILE.fullmatch(database.url)
    url = f"{sqlite[1]}{absolute(sqlite[2], 'database', 'url')}{sqlite[3]}" if sqlite else database.url
    spool_dir = absolute(database.spool_dir, "database", "spool_dir")
    versions_dir = absolute(settings.publishing.versions_dir, "publishing", "versions_dir")
    return settings.model_copy(
        update={
            "flows": absolute(settings.flows, "flows"),
            "sounds": absolute(settings.sounds, "sounds"),
            "speech": speech.model_copy(update={"models": models, "cache_dir": cache_dir}),
            "database": database.model_copy(update={"url": url, "spool_dir": spool_dir}),
            "send": _with_absolute(settings.send, absolute, "send"),
            "requests": _with_absolute(settings.requests, absolute, "requests"),
            "recordings": settings.recordings.model_copy(
                update={"dir": absolute(settings.recordings.dir, "recordings", "dir")}
            ),
            "front": _with_absolute(settings.front, absolute, "front"),
            "hours_dir": absolute(settings.hours_dir, "hours_dir"),
            "publishing": settings.publishing.model_copy(update={"versions_dir": versions_dir}),
            "workers": settings.workers.model_copy(
                update={"run_dir": absolute(settings.workers.run_dir, "workers", "run_dir")}
            ),
        }
    )


def _with_absolute(section: _Section, absolute: Callable[..., str], *path: str) -> _Section:
    """The section, and those below it, with absolute paths in `ca_file`, `outbox_dir` and the like."""
    changes: dict[str, object] = {}
    for key in type(section).model_fields:
        value = getattr(section, key)
        if key in _PATHS and value is not None:
            changes[key] = absolute(value, *path, key)
        elif isinstance(value, Section):
            changes[key] = _with_absolute(value, absolute, *path, key)
        elif isinstance(value, dict):
            changes[key] = {
                name: _with_absolute(item, absolute, *path, key, name) if isinstance(item, Section) else item
                for name, item in value.items()
            }
    return section.model_copy(update=changes)
