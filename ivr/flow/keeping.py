"""Keeping what a caller said in a variable."""

from __future__ import annotations

from ivr.flow.run import Run


def keep(run: Run, name: str | None, value: object, *, is_sensitive: bool) -> None:
    """Give the variable the value; without a name nothing is kept."""
    if name is None:
        return
    sensitive = run.state.sensitive | {name} if is_sensitive else run.state.sensitive - {name}
    run.state.variables = {**run.state.variables, name: value}
    run.state.sensitive = sensitive
