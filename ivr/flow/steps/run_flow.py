"""`run` and `return`: a flow as a part of another (VoiceXML 2.1 `<subdialog>` and `<return>`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.flow import frames, templates
from ivr.flow.masking import MASK
from ivr.flow.model import Flow, Step
from ivr.flow.run import Run
from ivr.flow.steps.kind import RETURN, Exit, StepKind
from ivr.flow.steps.models import ReturnStep, RunStep
from ivr.flow.template_check import variables_in


def _enter(run: Run, name: str, found: RunStep) -> None:
    if found.run not in run.program.parts:
        run.fail("run", f"there is no flow {found.run!r} in service")
        return
    if len(run.state.frames) >= frames.DEEPEST:
        run.fail("run", f"{frames.DEEPEST} flows wait for each other already")
        return
    values, sensitive = evaluated(run, found.given)
    run.note("run", "done", meaning=found.run)
    frames.enter_flow(run, found.run, values, sensitive)


def evaluated(run: Run, templates_by_name: Mapping[str, object]) -> tuple[dict[str, object], frozenset[str]]:
    """Values of templates, and the names of those that tell something sensitive. Raises TemplateFailed."""
    values: dict[str, object] = {}
    sensitive: set[str] = set()
    for name, template in templates_by_name.items():
        values[name] = templates.evaluate_set(template, run.variables, run.state.language)
        if variables_in(template) & run.state.sensitive:
            sensitive.add(name)
    return values, frozenset(sensitive)


def _return(run: Run, name: str, found: ReturnStep) -> None:
    values, sensitive = evaluated(run, found.give_back.values)
    outcome = found.give_back.outcome or ""
    shown = {key: MASK if key in sensitive else value for key, value in values.items()}
    run.note("return", "done", meaning=outcome, detail=", ".join(f"{key} = {value}" for key, value in shown.items()))
    come_back(run, outcome, values, sensitive)


def come_back(run: Run, outcome: str, values: Mapping[str, object], sensitive: frozenset[str]) -> None:
    """End the current flow and go on in the one that ran it; where none did, the call ends."""
    if not run.state.frames:
        run.goto("hang_up")
        return
    frames.leave(run)
    found = run.flow.steps[run.state.step]
    assert isinstance(found, RunStep)
    _keep(run, found, values, sensitive)
    run.goto(found.outcomes.get(outcome) or found.next or RETURN)


def _keep(run: Run, found: RunStep, values: Mapping[str, object], sensitive: frozenset[str]) -> None:
    """Put what came back where `into` says."""
    if isinstance(found.into, str):
        kept: dict[str, object] = {found.into: dict(values)}
        hidden = {found.into} if sensitive else set()
    else:
        wanted = {variable: name for variable, name in (found.into or {}).items() if name in values}
        kept = {variable: values[name] for variable, name in wanted.items()}
        hidden = {variable for variable, name in wanted.items() if name in sensitive}
    now_sensitive = (run.state.sensitive - kept.keys()) | hidden
    run.state.variables = {**run.state.variables, **kept}
    run.state.sensitive = now_sensitive


def is_spare(step: Step, exit_name: str) -> bool:
    """The `next` of a `run` that names the outcomes and writes none: the check sees to it that no outcome is left."""
    return isinstance(step, RunStep) and exit_name == "next" and step.next is None and bool(step.outcomes)


def _exits(flow: Flow, step: RunStep) -> Iterator[Exit]:
    for outcome, target in step.outcomes.items():
        yield Exit(outcome, target, keeps_answer=True)
    yield Exit("next", step.next or RETURN, keeps_answer=True)


def _no_exits(flow: Flow, step: ReturnStep) -> Iterator[Exit]:
    return iter(())


def _variables(step: RunStep) -> frozenset[str]:
    return frozenset({step.into} if isinstance(step.into, str) else step.into or ())


RUN = StepKind(RunStep, _enter, exits=_exits, variables=_variables, needs_next=lambda step: not step.outcomes)
RETURN_STEP = StepKind(ReturnStep, _return, exits=_no_exits, needs_next=lambda step: False, ends_call=True)
