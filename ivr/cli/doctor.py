"""`ivr doctor`: whether this machine has everything the bot needs, and what to do where it has not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ivr.doctor_machine import Finding

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    config: Annotated[Path | None, typer.Option("--config", help="Settings; ./ivr.yaml where there is one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Check everything the bot needs: exit status 0 if it can answer calls, 1 if not. Warnings do not count."""
    from ivr.doctor import examine
    from ivr.logs import log_to_standard_error

    log_to_standard_error()
    findings = examine(config)
    is_well = all(finding.state != "failed" for finding in findings)
    if as_json:
        report = {"ok": is_well, "checks": [finding.as_dict() for finding in findings]}
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            typer.echo(_lines(finding))
        typer.secho(_summary(findings), fg="green" if is_well else "red")
    raise typer.Exit(0 if is_well else 1)


def _lines(finding: Finding) -> str:
    state = typer.style(f"{finding.state:8}", fg=_COLOURS[finding.state])
    indent = " " * 27
    text = finding.text.replace("\n", f"\n{indent}")
    remedy = f"\n{indent}→ {finding.remedy}" if finding.remedy else ""
    return f"{state} {finding.name:17} {text}{remedy}"


def _summary(findings: list[Finding]) -> str:
    count = sum(finding.state == "failed" for finding in findings)
    if count == 0:
        return "the bot can answer calls"
    return f"{count} thing{'' if count == 1 else 's'} to put right before the bot can answer calls as configured"
