"""How fast each engine speaks, and how soon a long text is heard: `python -m benchmarks.speaking`; docs/speech.md."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
import uuid
from contextlib import aclosing
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from ivr.config import SpeechSettings
from ivr.ports import Speech, Synthesizer
from ivr.speech.pcm import read_wav
from ivr.speech.prompt_cache import FilePromptStore
from ivr.speech.synthesizers import make_synthesizer

SENTENCES = (
    "Your order {number} has left our house today.",
    "It weighs 3.5 kilograms and comes in two boxes.",
    "The driver will ring at your door tomorrow before noon.",
    "Please keep your order number at hand for him.",
    "If nobody is at home, he leaves a card in your letter box.",
    "You can choose another day on the card.",
    "Returns are free of charge within thirty days.",
    "Thank you very much for your order, and goodbye.",
)
VOICES = Path(__file__).parents[1] / "tests" / "data" / "piper"
SETTINGS = SpeechSettings.model_validate(
    {
        "piper": {"voices_dir": str(VOICES), "voices": {"en": "xx_XX-tone-low"}},
        "commands": {"flite": {"run": ["flite", "-voice", "{voice}", "-o", "{file}"], "voices": {"en": "slt"}}},
    }
)
ROUNDS = 7


def long_text() -> Speech:
    """Eight sentences that were never spoken before."""
    number = " ".join(str(int(digit, 16) % 10) for digit in uuid.uuid4().hex[:6])
    return Speech(" ".join(each.format(number=number) + f" {number}." for each in SENTENCES), "en")


async def first_s(store: FilePromptStore) -> float:
    """Seconds until the first sentence could be played."""
    begun_s = time.perf_counter()
    async with aclosing(store.render_in_turn([long_text()])) as parts:
        await anext(parts)
        return time.perf_counter() - begun_s


async def whole(store: FilePromptStore) -> tuple[float, float]:
    """Seconds until the text was made in one piece, and seconds that it lasts."""
    begun_s = time.perf_counter()
    (file,) = await store.render([long_text()])
    return time.perf_counter() - begun_s, read_wav(file).duration_s


def measure(name: str, engine: Synthesizer) -> str:
    """A line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        store = FilePromptStore(engine, Path(folder))
        try:
            cold_s = asyncio.run(first_s(store))
            firsts_s = [asyncio.run(first_s(store)) for _ in range(ROUNDS)]
            wholes = [asyncio.run(whole(store)) for _ in range(ROUNDS)]
        finally:
            store.close()
            engine.close()
    took_s, lasts_s = median(took for took, _ in wholes), median(lasts for _, lasts in wholes)
    figures = (took_s / lasts_s, took_s, median(firsts_s), cold_s)
    return f"| {name} | {lasts_s:.0f} s | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |"


def write(line: str) -> None:
    """To standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Print the table."""
    write(
        "| engine | text lasts | real-time factor | made whole, s | first sentence, s | with its processes started, s |"
    )
    write("|---|---|---|---|---|---|")
    there = {"pyttsx3": True, "flite": shutil.which("flite"), "piper": find_spec("piper")}
    for name in (name for name, is_there in there.items() if is_there):
        engine = make_synthesizer(SETTINGS, name)
        assert engine is not None
        write(measure(name, engine))


if __name__ == "__main__":
    main()
