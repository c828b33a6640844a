"""What `ivr simulate` shows: plain lines, colours in a terminal, or nothing but a transcript at the end."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from ivr.calls.record import printable
from ivr.testing.turns import Turn


def one_line(text: str) -> str:
    """Prompts of several lines as one, without control characters."""
    return printable(" ".join(text.split()))


class PlainScreen:
    """A line for each thing, for pipes and scripts: what the bot says begins with `bot: `."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def turn(self, turn: Turn) -> None:
        """A line of the conversation."""
        remark = f"   [{turn.remark}]" if turn.remark else ""
        self._write(f"{turn.who}: {one_line(turn.shown)}{printable(remark)}")

    def step(self, name: str, text: str) -> None:
        """What came of a step."""
        self._write(f"  step {name}: {one_line(text)}")

    def value(self, name: str, shown: str) -> None:
        """A new value."""
        self._write(f"  {name} = {one_line(shown)}")

    def listens(self, text: str) -> None:
        """What may be said and pressed."""
        self._write(f"  listens for {text}")

    def note(self, text: str) -> None:
        """A remark."""
        self._write("\n".join(f"  ({printable(line)})" for line in text.splitlines() if line))


class RichScreen:
    """Colours, and instants in the margin."""

    _STYLES = {"bot": "bold green", "caller": "bold cyan", "call": "bold yellow"}  # noqa: RUF012

    def __init__(self, console: Console) -> None:
        self._console = console

    def turn(self, turn: Turn) -> None:
        """A line of the conversation."""
        line = Text.assemble(
            (f"{turn.at_s:7.1f}  ", "dim"),
            (f"{turn.who:<6}  ", self._STYLES.get(turn.who, "")),
            (one_line(turn.shown), self._STYLES["bot"] if turn.who == "bot" else ""),
        )
        if turn.remark:
            line.append(f"   {printable(turn.remark)}", "yellow")
        self._console.print(line)

    def step(self, name: str, text: str) -> None:
        """What came of a step."""
        self._console.print(Text.assemble(" " * 9, (f"{name}: ", "magenta"), (one_line(text), "dim")))

    def value(self, name: str, shown: str) -> None:
        """A new value."""
        self._console.print(Text.assemble(" " * 9, (f"{name} = {one_line(shown)}", "blue")))

    def listens(self, text: str) -> None:
        """What may be said and pressed."""
        self._console.print(Text.assemble(" " * 9, (f"listens for {text}", "dim italic")))

    def note(self, text: str) -> None:
        """A remark."""
        for line in text.splitlines():
            self._console.print(Text(f"         {printable(line)}", "yellow"))


class SilentScreen:
    """Nothing; the transcript is printed at the end."""

    def turn(self, turn: Turn) -> None:
        """Kept by the call itself."""

    def step(self, name: str, text: str) -> None:
        """Kept by the call itself."""

    def value(self, name: str, shown: str) -> None:
        """Kept by the call itself."""

    def listens(self, text: str) -> None:
        """Nobody reads it."""

    def note(self, text: str) -> None:
        """Nobody reads it."""
