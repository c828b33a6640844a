"""Small conversations and flows for the tests of the runner."""

from __future__ import annotations

from pathlib import Path

from ivr.flow.loader import load_flow
from ivr.flow.model import Flow
from ivr.flow.program import Program
from ivr.rehearsal.fitting import misfits
from ivr.rehearsal.played import Played
from ivr.rehearsal.player import play
from ivr.rehearsal.reading import LoadedConversations, load_conversations

FLOW = """
flow: small
start: main
commands:
  agent: {keys: "0", say: [agent], go: to_agent}
  german: {keys: "9", say: [deutsch], language: de-DE, go: repeat}
variables: {tries: 0}
defaults: {no_input: ["Nothing heard."], no_match: ["Not understood."], failed: bye}
steps:
  main:
    menu:
      prompt: {en: "This is a machine. Say sales or pin.", de: "Sagen Sie Verkauf."}
      choices:
        sales: {keys: "1", say: {en: [sales], de: [verkauf]}, go: count}
        pin: {keys: "2", say: {en: [pin], de: [geheimzahl]}, go: pin}
  count: {set: {tries: "{{ tries + 1 }}"}, next: fork}
  fork:
    when:
      - {if: "tries > 1", go: to_agent}
    next: sales
  sales: {say: {en: "Here is sales.", de: "Hier ist der Verkauf."}, next: main}
  pin:
    ask: digits
    length: 4
    into: pin
    sensitive: true
    prompt: {en: "Your pin?", de: "Geheimzahl?"}
    next: thanks
  thanks: {say: {en: "You said {{ pin | digits }}.", de: "{{ pin | digits }}."}, next: hang_up}
  to_agent:
    transfer: {to: agent, announce: {en: "One moment.", de: "Moment."}}
    busy: busy
    failed: bye
  busy: {say: {en: "All are busy.", de: "Alle sprechen."}, next: main}
  bye: {say: {en: "Goodbye.", de: "Auf Wiedersehen."}, next: hang_up}
"""


def small_flow(text: str = FLOW) -> Flow:
    """The flow."""
    return load_flow(text, "small.yaml").flow


def read(text: str, flow: str = FLOW) -> LoadedConversations:
    """A file of conversations beside the flow; its problems are those of both readings."""
    loaded = load_conversations(text, "small.test.yaml")
    problems = (*loaded.problems, *misfits(loaded, Program(small_flow(flow))))
    return LoadedConversations(loaded.flow, loaded.conversations, loaded.source, tuple(sorted(set(problems))))


def problems(text: str, flow: str = FLOW) -> list[str]:
    """What is wrong with it, as operators see it."""
    return [str(problem) for problem in read(text, flow).problems]


def played(call: str, rest: str = "", flow: str = FLOW) -> Played:
    """One conversation, played; `call` are its lines, `rest` further keys."""
    loaded = read(f"tests:\n  - name: it\n    call:\n{_indented(call, 6)}\n{_indented(rest, 4)}\n", flow)
    assert not loaded.problems, loaded.problems
    return play(loaded.conversations[0].conversation, small_flow(flow))


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line for line in text.strip("\n").splitlines())


def write_project(folder: Path, tests: str, flow: str = FLOW) -> Path:
    """A folder with the flow and its conversations."""
    (folder / "small.yaml").write_text(flow, encoding="utf-8")
    (folder / "small.test.yaml").write_text(tests, encoding="utf-8")
    return folder
