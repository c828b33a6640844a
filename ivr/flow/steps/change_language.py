"""`language`: changes the language of the call."""

from __future__ import annotations

from ivr.flow import templates
from ivr.flow.prompts import languages_of
from ivr.flow.run import Run
from ivr.flow.steps.kind import RETURN, StepKind
from ivr.flow.steps.models import LanguageStep
from ivr.language_tags import primary_language


def _enter(run: Run, name: str, found: LanguageStep) -> None:
    wanted = str(templates.evaluate_set(found.language, run.variables, run.state.language))
    known = languages_of(run.program.main)
    tag = next((tag for tag in known if wanted in (tag, primary_language(tag))), None)
    if tag is None:
        run.fail("language", f"the flow has no language {wanted!r}")
        return
    run.change_language(tag)
    run.note("language", "done", meaning=tag)
    run.goto(found.next or RETURN)


KIND = StepKind(LanguageStep, _enter)
