"""What `ivr test` and `ivr simulate` share: flows by name or file, calendars of the settings, mocks from a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from ivr.config import Settings
from ivr.errors import ConfigError, FlowError
from ivr.flow.jobs import JobResult
from ivr.flow.loader import LoadedFlow
from ivr.flow.parts import Part
from ivr.flow.program import Program, linked
from ivr.flows import TEST_SUFFIX, library, load_file, load_folder
from ivr.model_errors import did_you_mean, problems_of
from ivr.rehearsal.acts import Place
from ivr.rehearsal.fitting import steps_of
from ivr.rehearsal.model import Mock, MockList
from ivr.yaml_source import YamlSource, read_yaml

if TYPE_CHECKING:
    from ivr.rehearsal.world import Calendars


def find_flow(name: str, settings: Settings) -> LoadedFlow:
    """A flow by its file, or by its name in the settings' folder. Raises FlowError, ConfigError."""
    if name.endswith(TEST_SUFFIX):
        flow = name.removesuffix(TEST_SUFFIX) + ".yaml"
        raise ConfigError(f"{name} holds conversations; `ivr test {name}` plays them, the flow should be {flow}")
    if Path(name).is_file() or name.endswith((".yaml", ".yml")):
        return load_file(Path(name))
    folder = Path(settings.flows)
    found = load_folder(folder)
    if name in found.flows:
        return found.flows[name]
    own = [problem for problem in found.problems if Path(problem.file).stem == name]
    if own:
        raise FlowError(own)
    hint = did_you_mean(name, list(found.flows)) or "write some there, or name a file"
    raise ConfigError(f"there is no flow '{name}' in {folder}; {hint}")


def calendars_of(settings: Settings, switches: Path | None = None) -> Calendars | None:
    """Opening hours of the settings at any instant; None where there are no calendars. Raises ConfigError."""
    if not settings.calendars:
        return None
    from ivr.services.hours import HoursService

    at = [datetime.now(UTC)]
    service = HoursService(settings.calendars, switches or Path("/nonexistent"), lambda: at[0])

    def hours(calendar: str, now: datetime) -> JobResult:
        at[0] = now
        return service.hours(calendar)

    return hours if switches else lru_cache(maxsize=1024)(hours)  # most conversations begin at the same instant


def zone_of(settings: Settings) -> tzinfo | None:
    """The time zone of callers, else the one that the calendars have in common; None is this machine's."""
    zones = {settings.timezone} if settings.timezone else {each.timezone for each in settings.calendars.values()}
    try:
        return ZoneInfo(zones.pop()) if len(zones) == 1 else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def program_of(loaded: LoadedFlow, settings: Settings) -> Program:
    """A flow with those that it can run: of its own folder, of the settings' folder, of the library."""
    known = {**library()}
    for folder in (Path(settings.flows), Path(loaded.file).parent):
        if folder.is_dir():
            known |= {name: each.flow for name, each in load_folder(folder).flows.items()}
    return linked(loaded.flow, known)


class _Mocks(Part):
    mock: dict[Place, MockList]


def mocks_from(file: Path, program: Program) -> Mapping[str, tuple[Mock, ...]]:
    """Answers of the outside world: a file of `step: answer` lines, as under `mock:` of a test. Raises ConfigError."""
    try:
        source = read_yaml(file.read_bytes(), str(file))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); check its name and rights") from error
    if source.problems:
        raise ConfigError("\n".join(map(str, source.problems)))
    data = source.data.get("mock", source.data) if isinstance(source.data, dict) else source.data
    has_key = isinstance(source.data, dict) and "mock" in source.data
    try:
        mocks = _Mocks.model_validate({"mock": data}).mock
    except ValidationError as error:
        shown = problems_of(error, _Mocks, source if has_key else _below_mock(source))
        raise ConfigError("\n".join(map(str, shown))) from error
    known = steps_of(program)
    unknown = next((name for name in mocks if name.rpartition("/")[2] not in known), None)
    if unknown is not None:
        where = source.positions.of_key(("mock", unknown) if has_key else (unknown,))
        hint = did_you_mean(unknown, list(known), limit=20)
        raise ConfigError(f"{file}:{where.line}:{where.column}: the flow has no step '{unknown}'; {hint}")
    return mocks


def _below_mock(source: YamlSource) -> YamlSource:
    """The source as if all of it stood below `mock`."""
    positions = type(source.positions)(
        {("mock", *path): where for path, where in source.positions.keys.items()},
        {("mock", *path): where for path, where in source.positions.values.items()},
    )
    return YamlSource(source.file, {"mock": source.data}, positions, source.problems)
