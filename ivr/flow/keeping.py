"""Keeping what a caller said in a variable."""

from __future__ import annotations

from ivr.flow.run import Run


def keep(run: Run, name: str | None, value: object, *, is_sensitive: bool) -> None:
    """Give the variable the value; without a name nothing is kept."""
    if name is None:
        return
    state = run.state
    state.variables = {**state.variables, name: value}
    if is_sensitive or name in state.sensitive:
        state.sensitive = state.sensitive | {name} if is_sensitive else state.sensitive - {name}
