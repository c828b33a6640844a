"""`ivr flows new`: a small good flow with conversations that test it, to begin from."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ivr.cli.schema import schema_text
from ivr.config import Settings
from ivr.errors import IvrError
from ivr.flows import TEST_SUFFIX, load_folder
from ivr.settings import load_settings

GROUP = "flows"
TEMPLATES = Path(__file__).with_name("new_flow")
SCHEMA_FILE = "flow.schema.json"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_STAND_IN = "agent"
"""The target's name where the settings have none yet."""


class FlowLanguage(StrEnum):
    """Languages that there is a beginning in."""

    ENGLISH = "en"
    GERMAN = "de"


class NotMade(IvrError):
    """The flow was not made; the text says why and what to do."""


def register(app: typer.Typer) -> None:
    """Add `new` to the group `flows`, and the group where there is none."""
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    group = groups.get(GROUP)
    if group is None:
        group = typer.Typer(help="The flows of this bot.", no_args_is_help=True, add_completion=False)
        group.callback()(lambda: None)
        app.add_typer(group, name=GROUP)
    group.command("new")(new)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower case letters, digits and _.")],
    language: Annotated[FlowLanguage, typer.Option("--language", "-l", help="What it speaks.")] = FlowLanguage.ENGLISH,
    config: Annotated[Path | None, typer.Option("--config", help="Settings; ./ivr.yaml when left out.")] = None,
) -> None:
    """Write NAME.yaml and NAME.test.yaml into the folder of the flows."""
    try:
        settings = load_settings(config)
        written = make(name, language.value, settings)
    except IvrError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    shown = [os.path.relpath(file) for file in written]
    typer.echo(f"made {' and '.join(shown)}")
    typer.echo(f"check it:  ivr check {shown[0]}\ntest it:   ivr test {shown[1]}")
    if not any(number.flow == name for number in settings.numbers.values()):
        typer.echo(f"call it:   write a number in ivr.yaml, such as  numbers: {{{name}: {{flow: {name}}}}}")
    if not settings.targets:
        typer.echo(f"it hands callers to '{_STAND_IN}': name whom that is in ivr.yaml, under targets:")


def make(name: str, language: str, settings: Settings) -> tuple[Path, Path]:
    """Write both files; the flow and its conversations. Overwrites nothing. Raises NotMade."""
    folder = Path(settings.flows)
    flow, conversations = folder / f"{name}.yaml", folder / f"{name}{TEST_SUFFIX}"
    _refuse_what_exists(name, folder, (flow, conversations))
    values = {"NAME": name, "TARGET": next(iter(settings.targets), _STAND_IN), "SCHEMA": _schema_for(folder)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if values["SCHEMA"] == SCHEMA_FILE and not (folder / SCHEMA_FILE).exists():
            (folder / SCHEMA_FILE).write_text(schema_text("flow"), encoding="utf-8")
        for file, template in ((flow, f"{language}.yaml"), (conversations, f"{language}{TEST_SUFFIX}")):
            text = (TEMPLATES / template).read_text(encoding="utf-8")
            with file.open("x", encoding="utf-8") as opened:
                opened.write(_filled_in(text, {**values, "FILE": os.path.relpath(file)}))
    except OSError as error:
        raise NotMade(f"{folder}: cannot be written to ({error.strerror}); change its rights, or `flows:`") from error
    return flow, conversations


def _refuse_what_exists(name: str, folder: Path, files: tuple[Path, ...]) -> None:
    if not _NAME.fullmatch(name):
        raise NotMade(f"{name!r} is not a name; write lower case letters, digits and _, beginning with a letter")
    taken = next((file for file in files if file.exists()), None)
    if taken is not None:
        raise NotMade(f"{os.path.relpath(taken)} exists already; give the new flow another name")
    same = load_folder(folder).flows.get(name) if folder.is_dir() else None
    if same is not None:
        raise NotMade(f"a flow named '{name}' is already in {os.path.relpath(same.file)}; choose another name")


def _schema_for(folder: Path) -> str:
    """Where the modeline points: to the project's own schema, else to one beside the flows."""
    shipped = Path("..", "docs", "schema", SCHEMA_FILE)
    return shipped.as_posix() if (folder / shipped).is_file() else SCHEMA_FILE


def _filled_in(text: str, values: dict[str, str]) -> str:
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], text)
