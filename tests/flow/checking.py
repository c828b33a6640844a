"""Checks flow files against a small, fixed world."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ivr.errors import FlowSyntaxError, Problem, Severity
from ivr.flow.check import CheckContext, check_flow
from ivr.flow.checks.queue_context import QueueContext
from ivr.flow.checks.services import HostContext, ServicesContext
from ivr.flow.loader import load_flow
from ivr.flow.steps.registry import KINDS, STEP_KINDS

SOUNDS = {"sounds/en/broken.wav": "this is not a WAV file; save it as WAV", "sounds/en/hello.wav": None}

PARTS = sorted((Path(__file__).parents[1] / "data" / "flows" / "parts").glob("*.yaml"))
"""Flows that others can run."""

_WORDS = """
again agent a back english four german hello hours human know letters mail male my nope number office opening order
person red repeat sails sales service stop talk to
"""
WORDS = frozenset(_WORDS.split())

PRONUNCIATIONS = {
    "agent": "eɪdʒənt", "back": "bæk", "black": "blæk", "four": "foːɹ", "know": "noʊ", "letters": "lɛɾɚz",
    "mail": "meɪl", "male": "meɪl", "no": "noʊ", "sails": "seɪlz", "sales": "seɪls", "yes": "jɛs",
}  # fmt: skip
"""As espeak-ng says them (`sales` a little differently, so that there is a near pair); other words are not known."""


def pronounce(language: str, phrases: Sequence[str]) -> dict[str, str]:
    """The sounds of the phrases that this world knows."""
    return {phrase: PRONUNCIATIONS[phrase] for phrase in phrases if phrase in PRONUNCIATIONS}


WORLD = CheckContext(
    targets=frozenset({"agent", "office"}),
    sound_problem=lambda play: SOUNDS.get(play, "there is no such recording; record it"),
    knows_word=lambda language, word: word in WORDS,
    pronounce=pronounce,
    languages_with_model=frozenset({"en", "fr"}),
    services=ServicesContext(
        hosts={"crm.example.com": HostContext(), "10.0.0.7:8443": HostContext()},
        calendars=frozenset({"office"}),
        webhooks=frozenset({"crm"}),
        recipients=frozenset({"office"}),
        has_mail=True,
        video=frozenset({"support"}),
    ),
    queues={
        "support": QueueContext(skills=frozenset({"german"})),
        "sales": QueueContext(calls_back=False, can_be_full=False, can_take_too_long=False),
    },
    flows={file.stem: load_flow(file.read_bytes(), str(file)).flow for file in PARTS},
)


def problems_of_text(text: str, world: CheckContext = WORLD) -> list[Problem]:
    """Every problem that reading and checking finds."""
    try:
        return check_flow(load_flow(text, "flow.yaml"), world)
    except FlowSyntaxError as error:
        return list(error.problems)


def problems_of_file(file: Path) -> list[Problem]:
    """The same for a file, without its lines of expectations (they come last, so that line numbers stay)."""
    return problems_of_text(text_of(file))


def text_of(file: Path) -> str:
    """A file without its lines of expectations."""
    return file.read_text(encoding="utf-8").partition("# expected:\n")[0]


def expected_in(file: Path) -> list[str]:
    """The expectations at the end of a file."""
    _, _, lines = file.read_text(encoding="utf-8").partition("# expected:\n")
    lists = {
        "{kinds}": ", ".join(STEP_KINDS),
        "{kinds without caller}": ", ".join(kind.model.action for kind in KINDS if not kind.needs_caller),
    }
    for name, written in lists.items():
        lines = lines.replace(name, written)
    return [line.removeprefix("# ") for line in lines.splitlines()]


def as_expected(problem: Problem) -> str:
    """A problem as the files write it."""
    severity = "warning " if problem.severity is Severity.WARNING else ""
    return f"{problem.line}:{problem.column} {severity}{problem.rule}: {problem.step}: {problem.message}"
