"""`python -m benchmarks.substitutes`: names that the embedded model lacks, heard by words that sound like them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import typer
from rich.console import Console
from rich.progress import track

from benchmarks.spoken import Spoken, on_the_line, synthesized
from ivr.speech.model_store import EMBEDDED_DIR
from ivr.speech.substitutes import SubstituteFinder
from ivr.speech.vosk_recognizer import VoskRecognizer

MODEL = EMBEDDED_DIR / "vosk-model-ivr-en-8k-test"
NAMES = (
    "kowalczyk", "nakamura", "papadopoulos", "schwarzenegger", "shaughnessy", "sibelius", "tchaikovsky", "wojciech",
    "vasquez", "goldstein", "fitzgerald", "bratislava", "reykjavik", "krzysztof", "rotterdam", "lindqvist", "okonkwo",
    "castellano", "brzezinski", "yamamoto",
)  # fmt: skip
"""In the list. The rule was chosen by them."""
FRESH = (
    "kuznetsov", "villanueva", "hashimoto", "abernathy", "delacroix", "mahmoud", "olafsson", "petrovic", "bergstrom",
    "cavendish", "dimitriou", "eriksson", "fujiwara", "gallagher", "horowitz", "ibrahim", "jankowski", "kensington",
    "lombardi", "mckenzie",
)  # fmt: skip
"""In no list that anything was chosen by."""
COMMANDS = ("agent", "help", "repeat", "go back", "main menu", "goodbye")


def heard(recognizer: VoskRecognizer, said: Sequence[Spoken], listed: Sequence[str], note: str) -> list[str]:
    """What each utterance is heard as, through G.711, in a list with the usual commands."""
    lines = (on_the_line(spoken, None, 0.0, seed).audio.tobytes() for seed, spoken in enumerate(said))
    return [
        recognizer.transcribe(pcm, 8000, "en", (*listed, *COMMANDS)).text
        for pcm in track(lines, note, total=len(said), transient=True)
    ]


def main() -> None:
    """Print how many are heard right, with and without substitutes, and how many words of no list are taken for one."""
    console = Console()
    names, fresh = (list(synthesized(each)) for each in (NAMES, FRESH))
    recognizers: dict[str, Callable[[], VoskRecognizer]] = {
        "without": lambda: VoskRecognizer({"en": MODEL}),
        "with": lambda: VoskRecognizer({"en": MODEL}, substitutes=SubstituteFinder()),
    }
    for kind, make in recognizers.items():
        recognizer = make()
        for listed, said, others in ((NAMES, names, fresh), (FRESH, fresh, names)):
            texts = heard(recognizer, said, listed, kind)
            right = sum(text == spoken.text for text, spoken in zip(texts, said, strict=True))
            wrong = sum(text in (*listed, *COMMANDS) for text in texts) - right
            taken = sum(text in (*listed, *COMMANDS) for text in heard(recognizer, others, listed, kind))
            console.print(
                f"{kind}: {listed[0]} …: {right} of {len(said)} right, {wrong} taken for another; "
                f"of {len(others)} that are not listed {taken} taken for one"
            )
        recognizer.close()


if __name__ == "__main__":
    typer.run(main)
