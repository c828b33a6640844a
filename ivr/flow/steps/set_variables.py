"""`set`: gives variables values. A value made from a sensitive one is sensitive itself."""

from __future__ import annotations

from ivr.flow import templates
from ivr.flow.model import SetStep
from ivr.flow.run import Run
from ivr.flow.steps.kind import RETURN, StepKind
from ivr.flow.template_check import variables_in


def _enter(run: Run, name: str, found: SetStep) -> None:
    variables, sensitive = dict(run.state.variables), set(run.state.sensitive)
    known = dict(run.variables)
    for variable, value in found.set.items():
        read = variables_in(value)
        known[variable] = variables[variable] = templates.evaluate_set(value, known, run.state.language)
        (sensitive.add if read & sensitive else sensitive.discard)(variable)
    run.state.variables = variables
    run.state.sensitive = frozenset(sensitive)
    shown = run.masked_variables
    run.note("set", "done", meaning=", ".join(f"{variable} = {shown[variable]}" for variable in found.set))
    run.goto(found.next or RETURN)


KIND = StepKind(SetStep, _enter, variables=lambda step: frozenset(step.set), needs_caller=False)
