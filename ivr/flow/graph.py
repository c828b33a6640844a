"""A flow as a picture: cards for its steps, arrows for its exits. What is drawn, not how. Pure.

What is the same in every step, the commands and where failed attempts lead, stands apart: as arrows they would hide the
flow behind them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from pydantic import BaseModel

from ivr.errors import Problem, Severity
from ivr.flow.marks import find_models
from ivr.flow.model import BUILT_IN_TARGETS, AskStep, Flow, MenuStep, SetStep, Step, WhenStep
from ivr.flow.parts import Choice, Command, Phrases, Prompt
from ivr.flow.steps.answer import AnswerStep
from ivr.flow.steps.kind import Exit
from ivr.flow.steps.queue_model import QueueStep
from ivr.flow.steps.registry import kind_of
from ivr.flow.steps.request import RequestStep
from ivr.flow.steps.run_flow import is_spare
from ivr.flow.steps.survey import SurveyNote, SurveyQuestion, SurveyStep, past_notes
from ivr.flow.steps.transfer_model import TransferStep
from ivr.flow.values.yes_no import NO_KEY, YES_KEY
from ivr.immutable import immutable

STAYS = ("repeat", "back", "help")
"""Targets that make no arrow."""
ENDS = tuple(target for target in BUILT_IN_TARGETS if target not in STAYS)
"""Targets behind which nothing comes: the end of the call, or of this flow."""
_ANSWERS = {"confirmed": ("yes", YES_KEY), "denied": ("no", NO_KEY)}
_MOST_WORDS = 3


@immutable
class Way:
    """One way out of a step, in a caller's words."""

    name: str
    """`sales`, `busy`, a condition; empty for a plain `next`."""
    signal: str = ""
    """Key and words: `1 · sales, buy`."""


@immutable
class Arrow:
    """From a step to what follows it, by one way or several."""

    target: str
    """A step, one of `ENDS` or `STAYS`, or what is no step."""
    ways: tuple[Way, ...]
    calls: int | None = None
    """How many calls went here; None where nobody counted."""


@immutable
class Card:
    """A step."""

    name: str
    kind: str
    """Its action: `say`, `menu` …; `ask digits` for a question."""
    text: str
    """What it says, or does, in full."""
    arrows: tuple[Arrow, ...]
    is_reachable: bool = True
    errors: tuple[str, ...] = ()
    calls: int | None = None


@immutable
class Anywhere:
    """A way out of every step that asks something."""

    way: Way
    target: str


@immutable
class Detour:
    """Calls that went from one step to another by a command or after failed attempts."""

    source: str
    target: str
    calls: int


@immutable
class Afterwards:
    """What is done when the call is over."""

    target: str
    always: bool
    """Whoever ended it; else only when the caller did."""
    calls: int | None = None


@immutable
class FlowGraph:
    """Everything that is in the picture."""

    flow: str
    start: str
    cards: tuple[Card, ...]
    anywhere: tuple[Anywhere, ...]
    detours: tuple[Detour, ...] = ()
    afterwards: Afterwards | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Targets that no step has."""
        known = {*(card.name for card in self.cards), *BUILT_IN_TARGETS}
        targets = [self.start, *(arrow.target for card in self.cards for arrow in card.arrows)]
        targets += [each.target for each in self.anywhere]
        targets += [self.afterwards.target] if self.afterwards else []
        return tuple(dict.fromkeys(target for target in targets if target not in known))


# --- calls -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Traffic:
    """How often calls came to steps, and went from one to the next."""

    visits: Mapping[str, int] = field(default_factory=dict)
    ways: Mapping[tuple[str, str], int] = field(default_factory=dict)
    detours: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Ways by a command."""
    calls: int = 0


def traffic_of(lines: Iterable[tuple[str, str, str]]) -> Traffic:
    """Count the recorded lines of calls: the call's id, the step and the kind of each, call by call, in their order.

    What goes on in a flow that a step runs (`order/ask_number`) belongs to that step.
    """
    visits, ways, detours, calls = Counter[str](), Counter[tuple[str, str]](), Counter[tuple[str, str]](), 0
    for _, of_call in groupby(lines, key=lambda line: line[0]):
        calls += 1
        stays = [
            (step, [kind for *_, kind in stay])
            for step, stay in groupby(of_call, key=lambda line: line[1].partition("/")[0])
            if step
        ]
        visits.update(step for step, _ in stays)
        for (step, kinds), (following, _) in pairwise(stays):
            (detours if kinds[-1] == "command" else ways)[step, following] += 1
    return Traffic(visits, ways, detours, calls)


# --- the picture -----------------------------------------------------------------------------------------------------


def graph_of(
    flow: Flow, reachable: Collection[str], problems: Iterable[Problem] = (), traffic: Traffic | None = None
) -> FlowGraph:
    """The picture of a flow; `problems` are those of its check."""
    errors: dict[str, list[str]] = {}
    for problem in problems:
        if problem.severity is Severity.ERROR and problem.rule != "unreachable_step":
            errors.setdefault(problem.step, []).append(problem.message)
    cards = tuple(
        Card(
            name,
            _kind(step),
            _text(flow, step),
            tuple(_arrows(flow, name, step, traffic)),
            name in reachable,
            tuple(errors.get(name, ())),
            None if traffic is None else traffic.visits.get(name, 0),
        )
        for name, step in flow.steps.items()
        if not isinstance(step, SurveyNote)
    )
    detours = list(_detours(cards, traffic))
    afterwards = _afterwards(flow, detours, traffic)
    shown = tuple(each for each in detours if afterwards is None or each.target != afterwards.target)
    return FlowGraph(flow.flow, flow.start, cards, tuple(_anywhere(flow)), shown, afterwards)


def _afterwards(flow: Flow, detours: Iterable[Detour], traffic: Traffic | None) -> Afterwards | None:
    """Calls come there from anywhere: they are counted together."""
    if flow.on_hang_up is None:
        return None
    target = flow.on_hang_up.go
    calls = None if traffic is None else sum(each.calls for each in detours if each.target == target)
    return Afterwards(target, flow.on_hang_up.always, calls)


def _kind(step: Step) -> str:
    return f"{step.action} {step.ask}" if isinstance(step, AskStep) else step.action


def _arrows(flow: Flow, name: str, step: Step, traffic: Traffic | None) -> Iterator[Arrow]:
    ways: dict[str, list[Way]] = {}
    conditions = iter([branch.condition or "else" for branch in step.when] if isinstance(step, WhenStep) else [])
    for way_out in _own_exits(flow, step):
        way = _way(flow, step, way_out.key, conditions)
        ways.setdefault(past_notes(flow, way_out.target), []).append(way)
    for target, found in ways.items():
        calls = None if traffic is None or target in BUILT_IN_TARGETS else traffic.ways.get((name, target), 0)
        yield Arrow(target, tuple(dict.fromkeys(found)), calls)


def _own_exits(flow: Flow, step: Step) -> Iterator[Exit]:
    """The exits that belong to the step itself: not commands, nor what its defaults or its other exits fill in."""
    plain = flow.model_copy(update={"commands": {}, "defaults": flow.defaults.model_copy(update={"failed": None})})
    for way_out in kind_of(step).exits(plain, step):
        is_filled_in = way_out.key in type(step).model_fields and getattr(step, way_out.key) is None
        is_own = not is_filled_in or way_out.key == "next" or not way_out.without_caller
        if is_own and not is_spare(step, way_out.key):
            yield way_out


def _way(flow: Flow, step: Step, key: str, conditions: Iterator[str]) -> Way:
    choices = step.menu.choices if isinstance(step, MenuStep) else {}
    if key in choices:
        return Way(_words(key), _signal(flow, choices[key]))
    if isinstance(step, AskStep) and key in _ANSWERS:
        return Way(*_ANSWERS[key])
    if isinstance(step, AskStep) and key == "skipped" and step.ask == "free":
        return Way(key, step.terminator)
    if isinstance(step, WhenStep):
        return Way(next(conditions, "else"))
    if isinstance(step, QueueStep) and key in step.keys:
        return Way("key", key)
    if isinstance(step, QueueStep) and key == "callback":
        return Way("call back", step.queue.callback_key or "")
    if isinstance(step, SurveyStep):  # to its first question
        return Way("")
    return Way("" if key == "next" else _words(key.rpartition(".")[2] if isinstance(step, SurveyQuestion) else key))


def _words(name: str) -> str:
    return name.replace("_", " ").replace(".", " ")


def _signal(flow: Flow, heard: Choice | Command) -> str:
    phrases = heard.say.for_language(flow.language) if isinstance(heard.say, Phrases) else ()
    shown = ", ".join(phrases[:_MOST_WORDS]) + (" …" if len(phrases) > _MOST_WORDS else "")
    return " · ".join(filter(None, [heard.keys or "", shown]))


def _anywhere(flow: Flow) -> Iterator[Anywhere]:
    for name, command in flow.commands.items():
        language = f"speaks {command.language}" if command.language else ""
        signal = " · ".join(filter(None, [_signal(flow, command), language]))
        yield Anywhere(Way(_words(name), signal), command.go)
    if flow.defaults.failed:
        yield Anywhere(Way("failed", f"after {flow.defaults.max_attempts} attempts"), flow.defaults.failed)
    if flow.on_error:
        yield Anywhere(Way("on error", "something of the bot's own broke"), flow.on_error)


def _detours(cards: Iterable[Card], traffic: Traffic | None) -> Iterator[Detour]:
    """Counted ways that no arrow of a card shows."""
    if traffic is None:
        return
    order = {card.name: number for number, card in enumerate(cards)}
    shown = {(card.name, arrow.target) for card in cards for arrow in card.arrows}
    counts = Counter({way: calls for way, calls in traffic.ways.items() if way not in shown})
    counts.update(traffic.detours)
    for source, target in sorted(
        set(counts) & {(a, b) for a in order for b in order}, key=lambda way: [*map(order.get, way)]
    ):
        yield Detour(source, target, counts[source, target])


# --- what a step says or does ----------------------------------------------------------------------------------------


def _text(flow: Flow, step: Step) -> str:
    if isinstance(step, SetStep):
        return "\n".join(f"{name} = {value}" for name, value in step.set.items())
    if isinstance(step, WhenStep):
        return ""
    if isinstance(step, AnswerStep):
        return f"after {step.answer.after:g} s" if step.answer.after else ""
    if isinstance(step, TransferStep):
        return f"to {step.transfer.names}"
    if isinstance(step, QueueStep):
        return f"for {step.queue.name}"
    asked = getattr(step, step.action, None)
    prompts = [prompt for path, prompt in find_models(step, Prompt) if path[-1] in (step.action, "prompt")]
    done = "" if prompts and not isinstance(step, RequestStep) else _done(asked)
    return "\n".join(filter(None, [done, _said(flow, prompts[0].for_count(1)) if prompts else ""]))


def _said(flow: Flow, prompt: Prompt) -> str:
    tags: tuple[str, ...] = (flow.language, flow.language.split("-")[0], "")
    texts = (next((item.text[tag] for tag in tags if tag in item.text), item.play or "") for item in prompt.items)
    return " ".join(" ".join(text.split()) for text in texts if text)


def _done(value: object) -> str:
    """The first text in what an action is told to do: a target, an address, the name of a calendar or a flow."""
    if isinstance(value, BaseModel):
        named = ((name, getattr(value, name)) for name in type(value).model_fields)
        return next((f"{name} {text}" for name, text in named if isinstance(text, str)), "")
    return value if isinstance(value, str) else ""
