"""Settings of the optional synthesizers. Pure."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from ivr.config_section import Section
from ivr.config_services import ServiceName

PLACEHOLDERS = ("text", "voice", "rate", "stretch", "file")
BUILT_IN = ("pyttsx3", "piper", "none")


class PiperSettings(Section):
    """The synthesizer Piper (`pip install 'ivr[piper]'`)."""

    voices_dir: str = "var/voices"
    """Folder of its voices, each a `NAME.onnx` and a `NAME.onnx.json`."""
    voices: dict[str, str] = Field(default_factory=dict)
    """Language tag to a voice's name, such as `en_US-lessac-medium`."""


def _run(arguments: tuple[str, ...]) -> tuple[str, ...]:
    if not arguments or not arguments[0].strip():
        raise ValueError("there is no program; write a list, such as [flite, -voice, '{voice}', -o, '{file}']")
    for name in re.findall(r"\{(\w*)\}", " ".join(arguments)):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise ValueError(f"{{{name}}} is not known; known are {known}")
    return arguments


class CommandSettings(Section):
    """A synthesizer that is a program: run once per text, without a shell."""

    run: Annotated[tuple[str, ...], AfterValidator(_run)]
    """Program and arguments. In them `{text}`, `{voice}`, `{rate}` (words per minute), `{stretch}` (how much longer
    than with 160 words per minute) and `{file}` (the WAV to write). Without `{text}` the text comes on standard input
    (UTF-8), without `{file}` the WAV is taken from standard output."""
    voices: dict[str, str]
    """Language tag to voice; other languages are spoken by pyttsx3."""

    @property
    def shows_text(self) -> bool:
        """Whether what is spoken can be seen in the list of processes."""
        return "{text}" in "".join(self.run)


def _commands(commands: dict[str, CommandSettings]) -> dict[str, CommandSettings]:
    if taken := set(commands) & set(BUILT_IN):
        raise ValueError(f"{min(taken)!r} is taken; give the program another name")
    return commands


Commands = Annotated[dict[ServiceName, CommandSettings], AfterValidator(_commands)]
