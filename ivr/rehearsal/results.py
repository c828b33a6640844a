"""What came of conversations: as text, as JSON, as JUnit XML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from xml.etree import ElementTree

from ivr.immutable import immutable
from ivr.rehearsal.coverage import Coverage
from ivr.rehearsal.played import Played
from ivr.rehearsal.reading import PlacedConversation
from ivr.testing.turns import Turn


@immutable
class Result:
    """One conversation and what came of it."""

    flow: str
    placed: PlacedConversation
    played: Played | None
    """None for one that was left out."""
    took_s: float = 0.0
    """Real seconds."""
    skipped_because: str = ""
    is_live: bool = False

    @property
    def name(self) -> str:
        """The conversation's."""
        return self.placed.conversation.name

    @property
    def has_failed(self) -> bool:
        """Whether it went another way."""
        return self.played is not None and self.played.difference is not None

    @property
    def place(self) -> str:
        """`file:line:column` of the line that failed, or of the conversation."""
        where = self.placed.position
        difference = self.played.difference if self.played else None
        if difference is not None and difference.act_index is not None:
            where = self.placed.position_of(difference.act_index)
        elif difference is not None and difference.key:
            where = self.placed.position_of_expected(difference.key)
        return f"{self.placed.source.file}:{where.line}:{where.column}"


@immutable
class Report:
    """A whole run."""

    results: Sequence[Result]
    coverage: Sequence[Coverage] = ()
    took_s: float = 0.0
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def failed(self) -> list[Result]:
        """Those that went another way."""
        return [result for result in self.results if result.has_failed]

    @property
    def skipped(self) -> list[Result]:
        """Those that were left out."""
        return [result for result in self.results if result.played is None]


# --- text ------------------------------------------------------------------------------------------------------------


def failure_lines(result: Result) -> Iterator[str]:
    """The whole conversation, with the point of difference marked."""
    assert result.played is not None and result.played.difference is not None
    played, difference = result.played, result.played.difference
    yield f"{result.place}: {result.name}"
    for index, turn in enumerate(played.turns[: difference.at_turn]):
        later = index > 0 and turn.step == played.turns[index - 1].step
        yield turn_line(turn, "" if later else turn.step)
    yield f"  ▶ expected: {difference.expected}"
    yield f"    but:      {difference.found}"
    if difference.closest:
        yield f'    closest:  "{difference.closest}"'
    yield f"    stood at: {difference.where}"
    yield from (f"    note:     {note}" for note in played.notes)


def turn_line(turn: Turn, step: str) -> str:
    """One line of a conversation: instant, who, what, and the step where it is another than before."""
    remark = f"   [{turn.remark}]" if turn.remark else ""
    return f"  {turn.at_s:7.1f}  {turn.who:<6}  {turn.shown}{remark}" + (f"   ({step})" if step else "")


def coverage_lines(coverage: Coverage) -> Iterator[str]:
    """Share of steps and exits, and what was not tried, by name."""
    steps = f"{coverage.tried_steps} of {coverage.steps} steps"
    exits = f"{coverage.tried_exits} of {coverage.exits} exits"
    yield f"{coverage.flow}: {coverage.percent:.0f} % ({steps}, {exits})"
    if coverage.untried_steps:
        yield f"  steps that no call came to: {', '.join(coverage.untried_steps)}"
    by_step: dict[str, list[str]] = {}
    for step, exit_name in coverage.untried_exits:
        by_step.setdefault(step, []).append(exit_name)
    for step, names in by_step.items():
        yield f"  exits that no call took, of {step}: {', '.join(names)}"
    if coverage.untried_commands:
        yield f"  commands that nobody gave: {', '.join(coverage.untried_commands)}"


def summary_line(report: Report) -> str:
    """Counts, and how fast it went."""
    count, failed, skipped = len(report.results), len(report.failed), len(report.skipped)
    parts = [f"{count - failed - skipped} passed"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{skipped} skipped"] if skipped else []
    return f"{count} conversation{'' if count == 1 else 's'}: {', '.join(parts)} in {report.took_s:.2f} s"


# --- for programs ----------------------------------------------------------------------------------------------------


def as_json(report: Report) -> dict[str, object]:
    """The run as plain values."""
    return {
        "ok": not report.failed,
        "took_s": round(report.took_s, 4),
        "tests": [_result_as_json(result) for result in report.results],
        "coverage": [_coverage_as_json(coverage) for coverage in report.coverage],
        "notes": list(report.notes),
    }


def _result_as_json(result: Result) -> dict[str, object]:
    where = result.placed.position
    values: dict[str, object] = {
        "flow": result.flow,
        "name": result.name,
        "file": result.placed.source.file,
        "line": where.line,
        "outcome": "skipped" if result.played is None else "failed" if result.has_failed else "passed",
        "took_s": round(result.took_s, 5),
    }
    if result.played is None:
        return {**values, "because": result.skipped_because}
    played = result.played
    values |= {
        "end": played.end,
        "answered": played.is_answered,
        "rejected": played.refused_with,
        "lasted_s": round(played.lasted_s, 3),
        "variables": {name: value for name, value in played.variables.items() if name != "call"},
        "steps": list(played.trail.steps),
        "turns": [turn_as_json(turn) for turn in played.turns],
        "notes": list(played.notes),
    }
    if played.difference is not None:
        difference = played.difference
        values["difference"] = {
            "place": result.place,
            "expected": difference.expected,
            "found": difference.found,
            "closest": difference.closest,
            "where": difference.where,
        }
    return values


def turn_as_json(turn: Turn) -> dict[str, object]:
    """One line of a conversation."""
    values: dict[str, object] = {"at_s": round(turn.at_s, 3), "who": turn.who, "text": turn.shown, "step": turn.step}
    return {**values, "remark": turn.remark} if turn.remark else values


def _coverage_as_json(coverage: Coverage) -> dict[str, object]:
    return {
        "flow": coverage.flow,
        "percent": round(coverage.percent, 1),
        "steps": {"all": coverage.steps, "tried": coverage.tried_steps, "untried": list(coverage.untried_steps)},
        "exits": {
            "all": coverage.exits,
            "tried": coverage.tried_exits,
            "untried": [f"{step}: {name}" for step, name in coverage.untried_exits],
        },
        "untried_commands": list(coverage.untried_commands),
    }


def as_junit(report: Report) -> str:
    """JUnit XML, as CI servers read it: a suite per flow, a case per conversation."""
    root = ElementTree.Element("testsuites", name="ivr test")
    for flow in dict.fromkeys(result.flow for result in report.results):
        results = [result for result in report.results if result.flow == flow]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=flow,
            tests=str(len(results)),
            failures=str(sum(result.has_failed for result in results)),
            errors="0",
            skipped=str(sum(result.played is None for result in results)),
            time=f"{sum(result.took_s for result in results):.4f}",
        )
        for result in results:
            _add_case(suite, result)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ElementTree.Element, result: Result) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=result.flow,
        name=_xml_text(result.name),
        file=result.placed.source.file,
        line=str(result.placed.position.line),
        time=f"{result.took_s:.4f}",
    )
    if result.played is None:
        ElementTree.SubElement(case, "skipped", message=_xml_text(result.skipped_because))
    elif result.played.difference is not None:
        difference = result.played.difference
        message = _xml_text(f"{result.place}: expected: {difference.expected}; {difference.found}")
        failure = ElementTree.SubElement(case, "failure", message=message, type="difference")
        failure.text = _xml_text("\n".join(failure_lines(result)))


def _xml_text(text: str) -> str:
    """Without the control characters that XML 1.0 cannot hold."""
    return "".join(char for char in text if char in "\n\t" or ord(char) >= 32)
