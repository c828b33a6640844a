"""Puts a simulated call together and leads it, for `ivr simulate`."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import typer

from ivr.check_context import surroundings_of
from ivr.cli.rehearsing import calendars_of, find_flow, mocks_from, program_of, zone_of
from ivr.cli.simulate_screens import PlainScreen, RichScreen, SilentScreen
from ivr.config import Settings
from ivr.errors import ConfigError, Severity
from ivr.flow.check import CheckContext, check_flow
from ivr.flow.loader import LoadedFlow
from ivr.flow.model import Flow
from ivr.flow.moment import masked
from ivr.flow.program import Program
from ivr.flow.prompts import languages_of
from ivr.flows import library
from ivr.language_tags import primary_language
from ivr.model_errors import did_you_mean
from ivr.rehearsal.fitting import variables_of
from ivr.rehearsal.model import Given
from ivr.rehearsal.results import turn_as_json
from ivr.rehearsal.simulator import Screen, Setting, Simulator
from ivr.rehearsal.typed import HANG_UP
from ivr.settings import load_settings
from ivr.yaml_source import read_yaml


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    flow: str
    caller: str
    called: str
    now: str
    language: str
    values: tuple[str, ...]
    confidence: float
    mock: Path | None
    is_real_time: bool
    has_voice: bool
    is_json: bool
    config: Path | None


def run(wish: Wish) -> None:
    """Lead the call to its end. Raises IvrError."""
    settings = load_settings(wish.config)
    loaded = find_flow(wish.flow, settings)
    surroundings = surroundings_of(settings)
    screen = _screen(wish)
    program = program_of(loaded, settings)
    world = replace(surroundings.context, flows={**library(), **program.parts})
    for problem in check_flow(loaded, world):
        if problem.severity is Severity.ERROR:
            screen.note(f"{problem}")
    surroundings.close()
    setting = _setting(wish, program, settings)
    make = functools.partial(
        Simulator,
        loaded.flow,
        setting,
        screen,
        knows_word=_vocabulary(surroundings.context),
        calendars=calendars_of(settings, Path(settings.hours_dir)),
        runs=tuple(program.parts.values()),
    )
    with ExitStack() as stack:
        input_lines = _input(wish)
        if wish.is_real_time:
            from ivr.cli.simulate_real_time import lead_in_real_time

            simulator = lead_in_real_time(wish.has_voice, make, settings, screen, input_lines, stack)
        else:
            simulator = make(input_lines.answer)
            lead(simulator, input_lines)
    _tell_end(wish, loaded, simulator)


def _vocabulary(context: CheckContext) -> Callable[[str, str], bool] | None:
    """Whether the speech model of a language knows a word; a language without a model knows every word."""
    knows, languages = context.knows_word, context.languages_with_model or frozenset()
    if knows is None:
        return None
    return lambda language, word: primary_language(language) not in languages or knows(language, word)


def lead(simulator: Simulator, input_lines: Lines) -> None:
    """From line to line, time jumping to what happens next; Ctrl-C hangs up."""
    try:
        simulator.begin()
        _go_on(simulator, input_lines)
    except KeyboardInterrupt:
        simulator.hang_up()


def _go_on(simulator: Simulator, input_lines: Lines) -> None:
    while True:
        simulator.settle()
        if simulator.is_over:
            return
        line = input_lines.read()
        if line is None:
            simulator.hang_up()
            return
        simulator.type(line)


class Lines:
    """What is typed, line by line."""

    def __init__(self, *, is_terminal: bool, is_json: bool) -> None:
        self._is_terminal, self._is_json = is_terminal, is_json

    def read(self) -> str | None:
        """The next line; None at the end of the input."""
        return self._line("> ")

    @property
    def is_terminal(self) -> bool:
        """Whether a person types."""
        return self._is_terminal

    def answer(self, question: str) -> str | None:
        """The answer to a question of the simulator; who ends the input at a terminal wants to hang up."""
        self.ask(question)
        line = self._line("? ")
        return HANG_UP if line is None and self._is_terminal else line

    def ask(self, question: str) -> None:
        """Show a question, without waiting."""
        if not self._is_json or self._is_terminal:
            typer.echo(f"  ? {question}", err=self._is_json)

    def raw(self) -> str | None:
        """The next line, without a mark before it."""
        return self._line("")

    def _line(self, prompt: str) -> str | None:
        if self._is_terminal:
            print(prompt, end="", flush=True, file=sys.stderr if self._is_json else sys.stdout)
        try:
            line = sys.stdin.readline()
        except (UnicodeDecodeError, KeyboardInterrupt):
            line = ""
        if not line and self._is_terminal:
            print(file=sys.stderr if self._is_json else sys.stdout)  # what follows is not to stand behind ^C
        return line.rstrip("\r\n") if line else None


def _input(wish: Wish) -> Lines:
    is_terminal = sys.stdin is not None and sys.stdin.isatty()
    if is_terminal:
        import contextlib

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  history and editing of the line
    return Lines(is_terminal=is_terminal, is_json=wish.is_json)


def _screen(wish: Wish) -> Screen:
    if wish.is_json:
        return SilentScreen()
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    return RichScreen(console) if console.is_terminal else PlainScreen(typer.echo)


def _setting(wish: Wish, program: Program, settings: Settings) -> Setting:
    flow = program.main
    if wish.language and wish.language not in languages_of(flow):
        known = ", ".join(languages_of(flow))
        raise ConfigError(f"--language {wish.language}: a call of this flow is never in it; use one of: {known}")
    return Setting(
        caller=wish.caller,
        called=wish.called,
        language=wish.language,
        variables=_values(wish.values, flow),
        now=_instant(wish.now, settings),
        confidence=wish.confidence,
        mocks=mocks_from(wish.mock, program) if wish.mock else {},
    )


def _instant(text: str, settings: Settings) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        instant = Given.model_validate({"now": text}).now
    except ValueError as error:
        raise ConfigError(f'--now {text}: is not an instant; write "2026-11-23 10:00"') from error
    assert instant is not None
    zone = zone_of(settings)
    return instant if instant.tzinfo else instant.replace(tzinfo=zone) if zone else instant.astimezone()


def _values(given: tuple[str, ...], flow: Flow) -> dict[str, object]:
    known = variables_of(flow)
    values: dict[str, object] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set {text}: there is no value in it; write name=value")
        if name not in known:
            hint = did_you_mean(name, sorted(known), limit=20) or "the flow has none"
            raise ConfigError(f"--set {text}: the flow has no variable '{name}'; {hint}")
        read = read_yaml(value, "--set")
        values[name] = value if read.problems else read.data
    return values


def _tell_end(wish: Wish, loaded: LoadedFlow, simulator: Simulator) -> None:
    call = simulator.call
    if wish.is_json:
        typer.echo(json.dumps(transcript(loaded, simulator), ensure_ascii=False, indent=2, default=str))
        return
    end = simulator.end.replace("_", " ")
    end += f" with SIP {call.refused_with}" if call.refused_with else ""
    typer.secho(f"ended: {end} after {call.since_offered_s:.1f} s, at step {call.step}", bold=True)


def transcript(loaded: LoadedFlow, simulator: Simulator) -> dict[str, object]:
    """The call for programs; sensitive values are masked."""
    call, setting = simulator.call, simulator.setting
    notes = ("step", "kind", "attempt", "outcome", "mode", "prompt", "heard", "meaning", "confidence", "detail")
    return {
        "flow": loaded.flow.flow,
        "version": loaded.flow.version,
        "from": setting.caller,
        "to": setting.called,
        "now": setting.now.isoformat() if setting.now else None,
        "end": simulator.end,
        "answered": call.is_answered,
        "rejected": call.refused_with,
        "lasted_s": round(call.since_offered_s, 3),
        "language": call.state.language,
        "variables": {name: value for name, value in masked(call.state).items() if name != "call"},
        "steps": list(simulator.trail.steps),
        "turns": [turn_as_json(turn) for turn in call.turns],
        "record": [{name: getattr(note, name) for name in notes} for note in call.record],
    }
