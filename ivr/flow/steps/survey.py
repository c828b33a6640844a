"""`survey`: questions asked one after the other, whose answers are kept as they come.

The loader takes a survey apart into steps named `SURVEY.QUESTION` and so on, so that `repeat`, `back`, commands,
attempts and keys typed ahead work as everywhere:

    feedback ──► feedback.service ──► feedback.service.answered ──► feedback.again …   ──► feedback.end ──► next
                   │ skipped ─────────────────────────────────────► (the next question)
                   │ failed ──► feedback.service.missed ──────────► (the next question)
                   └ "no thanks" ──► feedback.opted_out ──────────► opted_out
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field, StrictBool

from ivr.flow import commands as c
from ivr.flow import templates
from ivr.flow.marks import Condition, Mark, Target
from ivr.flow.masking import MASK
from ivr.flow.model import AskStep, Flow, InputSettings, SayStep, Step, ValueSettings
from ivr.flow.parts import Command, Into, Part, Prompt, StepName
from ivr.flow.prompts import NOTHING_SAID
from ivr.flow.run import Run
from ivr.flow.state import Phase
from ivr.flow.steps import listen
from ivr.flow.steps.ask import exits_of_ask
from ivr.flow.steps.kind import RETURN, Exit, Piece, StepKind, target_of
from ivr.flow.templates import TemplateFailed

OPT_OUT = "opt_out"


class SurveyItem(InputSettings, ValueSettings):
    """One question of a survey."""

    prompt: Prompt
    keys_prompt: Prompt | None = None
    into: Into | None = None
    """Variable that takes the answer; one named as the question when empty."""
    condition: Condition | None = Field(None, alias="if")
    """Asked only where it holds; one on a question without an answer does not."""
    sensitive: StrictBool = False


class Survey(Part):
    """What a survey asks."""

    name: StepName | None = None
    """Under which its answers are kept; the step's name when empty."""
    intro: Prompt | None = None
    """Said with the first question."""
    questions: Annotated[dict[StepName, SurveyItem], Mark.APART] = Field(min_length=1)
    opt_out: Annotated[Command | None, Mark.APART] = None
    """Keys and words to get out; heard in every question."""
    thanks: Annotated[Prompt | None, Mark.APART] = None
    """Said when all is asked."""
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 2
    """How often each question is asked; then it is left out."""


class SurveyStep(Step):
    """Asks the questions of a survey."""

    action: ClassVar[str] = "survey"
    survey: Survey
    opted_out: Target | None = None
    """Where callers go who want no more of it; `next` when empty."""


class SurveyQuestion(AskStep):
    """A question of a survey as a step of its own."""

    survey: str
    question: str
    condition: Condition | None = Field(None, alias="if")
    otherwise: Target
    """The next question."""
    own_commands: dict[str, Command] = Field(default_factory=dict)


class SurveyNote(Step):
    """Keeps what became of a question."""

    action: ClassVar[str] = "survey"
    survey: str
    question: str
    outcome: str
    is_sensitive: bool = False


def past_notes(flow: Flow, target: str) -> str:
    """The next step in which a call can stand: what a survey keeps its answers by is none."""
    while isinstance(step := flow.steps.get(target), SurveyNote):
        target = step.next or RETURN
    return target


# --- taking it apart


def _pieces(name: str, step: SurveyStep) -> Iterator[Piece]:
    survey, after = step.survey, target_of(step, name, None)
    names = list(survey.questions)
    end = f"{name}.end" if survey.thanks else after
    for question, following in zip(names, [f"{name}.{other}" for other in names[1:]] + [end], strict=True):
        yield from _pieces_of_question(name, step, question, following)
    if survey.thanks:
        yield Piece(end, SayStep(say=survey.thanks, next=after), ("survey", "thanks"), ("say",))
    if survey.opt_out:
        target = target_of(step, name, step.opted_out)
        note = SurveyNote(survey=_kept_as(name, step), question="", outcome="opted_out", next=target)
        yield Piece(f"{name}.opted_out", note, ("survey", OPT_OUT))


def _pieces_of_question(name: str, step: SurveyStep, question: str, following: str) -> Iterator[Piece]:
    item, kept_as = step.survey.questions[question], _kept_as(name, step)
    here = f"{name}.{question}"
    settings = {key: getattr(item, key) for key in item.model_fields_set if key != "condition"}
    asked = SurveyQuestion.model_validate(
        {
            "max_attempts": step.survey.max_attempts,
            "failed": f"{here}.missed",
            **settings,
            "into": item.into or question,
            "next": f"{here}.answered",
            "survey": kept_as,
            "question": question,
            "condition": item.condition,
            "otherwise": following,
            "own_commands": _own_commands(name, step),
        }
    )
    where = ("survey", "questions", question)
    yield Piece(here, asked, where)
    for outcome in ("answered", "missed"):
        note = SurveyNote(
            survey=kept_as,
            question=question,
            outcome="answered" if outcome == "answered" else "no_answer",
            is_sensitive=item.sensitive,
            next=following,
        )
        yield Piece(f"{here}.{outcome}", note, where)


def _own_commands(name: str, step: SurveyStep) -> dict[str, Command]:
    opt_out = step.survey.opt_out
    return {f"{name}.{OPT_OUT}": opt_out.model_copy(update={"go": f"{name}.opted_out"})} if opt_out else {}


def _kept_as(name: str, step: SurveyStep) -> str:
    return step.survey.name or name


# --- in a call


def _enter(run: Run, name: str, found: SurveyStep) -> None:
    said = NOTHING_SAID if found.survey.intro is None else run.said(found.survey.intro)
    if found.survey.intro is not None:
        run.queue(said.segments, run.flow.defaults.barge_in)
    run.note("survey", "done", prompt=said.text)
    nothing = dict.fromkeys(_variables(found))
    run.state.variables = {**run.state.variables, **nothing}
    run.state.sensitive = run.state.sensitive - nothing.keys()
    run.goto(f"{name}.{next(iter(found.survey.questions))}")


def _ask(run: Run, name: str, found: SurveyQuestion) -> None:
    if _holds(run, found.condition):
        listen.enter(run, name, found)
        return
    _note(run, found.survey, found.question, "skipped")
    run.goto(found.otherwise)


def _holds(run: Run, condition: str | None) -> bool:
    if condition is None:
        return True
    try:
        return bool(templates.evaluate(condition, run.variables))
    except TemplateFailed:
        return False


def _keep(run: Run, name: str, found: SurveyNote) -> None:
    last = run.state.last_answer
    if found.outcome == "answered" and last is not None:
        value = MASK if found.is_sensitive else last.value
        _note(run, found.survey, found.question, "answered", last.asked_at_s, last.mode, value, last.confidence)
    else:
        _note(run, found.survey, found.question or _asked_last(run), found.outcome)
    run.goto(found.next or RETURN)


def _asked_last(run: Run) -> str:
    """The question in which the caller opted out."""
    return run.state.left_step.rpartition(".")[2]


def _note(
    run: Run,
    survey: str,
    question: str,
    outcome: str,
    asked_at_s: float | None = None,
    mode: str = "",
    answer: object = None,
    confidence: float | None = None,
) -> None:
    asked = run.at_s if asked_at_s is None else asked_at_s
    run.emit(c.NoteAnswer(survey, question, asked, outcome, mode, answer, confidence))


def _caller_left(run: Run, found: SurveyQuestion) -> None:
    if run.state.phase is Phase.LISTENING:
        _note(run, found.survey, found.question, "hung_up", run.state.input.started_at_s)
    listen.caller_left(run, found)


def _variables(step: SurveyStep) -> frozenset[str]:
    return frozenset(item.into or name for name, item in step.survey.questions.items())


def _first(flow: Flow, step: SurveyStep) -> Iterator[Exit]:
    name = next(name for name, other in flow.steps.items() if other is step)
    yield Exit("survey", f"{name}.{next(iter(step.survey.questions))}", keeps_answer=True)


def _exits_of_question(flow: Flow, step: SurveyQuestion) -> Iterator[Exit]:
    yield from exits_of_ask(flow, step)
    if step.condition is not None:
        yield Exit("skipped", step.otherwise)


SURVEY = StepKind(
    SurveyStep,
    _enter,
    exits=_first,
    variables=_variables,
    pieces=_pieces,
    needs_answer=True,
)
QUESTION = StepKind(SurveyQuestion, _ask, listen.handle, _caller_left, exits=_exits_of_question, needs_answer=True)
NOTE = StepKind(SurveyNote, _keep, needs_caller=False)
