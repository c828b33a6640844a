"""What a person types into `ivr simulate`, read. Pure."""

from __future__ import annotations

from ivr.immutable import immutable
from ivr.units import parse_duration_s

KEYS = frozenset("0123456789*#")

HANG_UP = "!"
LONGEST_CHARACTERS = 500
MOST_KEYS = 40

HELP = """\
text          say it                      #1  #12#      press keys (behind the first #)
<text  <#1    interrupt the bot           empty line    say nothing until something happens
!             hang up                     ~             make a noise
=0.5 text     say it so unclearly         /wait 3s      let time pass
/vars         variables                   /words        what can be said and pressed now
/trace        where the call has been     ?             this help"""


@immutable
class Typed:
    """A line."""


@immutable
class Speech(Typed):
    """Words."""

    text: str
    confidence: float | None = None
    """None: as for the whole run."""
    interrupts: bool = False


@immutable
class Keys(Typed):
    """Keys of the telephone."""

    keys: str
    interrupts: bool = False


@immutable
class Silence(Typed):
    """Nothing."""


@immutable
class Noise(Typed):
    """Sound without words."""


@immutable
class HangUp(Typed):
    """The end."""


@immutable
class Pause(Typed):
    """Time passes."""

    lasting_s: float


@immutable
class Show(Typed):
    """A question to the simulator, not to the bot."""

    what: str
    """help | vars | words | trace"""


@immutable
class Mistyped(Typed):
    """A line that means nothing."""

    message: str


def parse_line(line: str) -> Typed:
    """Read a line. Never raises."""
    text = line.strip()
    if not text:
        return Silence()
    if text in (HANG_UP, "?", "~"):
        return {HANG_UP: HangUp(), "?": Show("help"), "~": Noise()}[text]
    if len(text) > LONGEST_CHARACTERS:
        return Mistyped(f"nobody says {len(text)} characters at once; write at most {LONGEST_CHARACTERS} in a line")
    if text.startswith(HANG_UP):
        return Mistyped("write ! alone to hang up; words need no mark before them")
    if text.startswith("<"):
        return _input(text[1:].strip(), interrupts=True)
    if text.startswith("/"):
        return _command(text)
    return _input(text, interrupts=False)


def _input(text: str, *, interrupts: bool) -> Typed:
    if text.startswith("#"):
        keys = text[1:].replace(" ", "") or "#"
        wrong = sorted(set(keys) - KEYS)
        if wrong:
            return Mistyped(f"{' '.join(wrong)} is no key of a telephone; keys are 0 to 9, * and #")
        if len(keys) > MOST_KEYS:
            return Mistyped(f"these are {len(keys)} keys; write at most {MOST_KEYS} in a line")
        return Keys(keys, interrupts)
    if text.startswith("="):
        number, _, words = text[1:].strip().partition(" ")
        try:
            confidence = float(number)
        except ValueError:
            return Mistyped(f"'{number}' is no confidence; write = and a number from 0 to 1, then the words: =0.5 yes")
        if not 0 <= confidence <= 1 or not words.strip():
            return Mistyped("write = and a number from 0 to 1, then the words: =0.5 yes")
        return Speech(words.strip(), confidence, interrupts)
    return Speech(text, None, interrupts) if text else Mistyped("there is nothing behind <; write words, or # and keys")


def _command(text: str) -> Typed:
    name, _, rest = text[1:].partition(" ")
    if name in ("vars", "words", "trace", "help"):
        return Show(name)
    if name == "wait":
        try:
            return Pause(parse_duration_s(rest.strip()))
        except ValueError as error:
            return Mistyped(str(error))
    return Mistyped(f"there is no /{name}; write ? for help")
