"""How much of a flow some conversations went through, and what they did not."""

from __future__ import annotations

from collections.abc import Iterable

from ivr.flow.model import Flow
from ivr.immutable import immutable
from ivr.rehearsal.exits import Exits, commands_of, exits_of, steps_of
from ivr.rehearsal.trail import FlowTrail


@immutable
class Coverage:
    """Of one flow. Exits are `step: exit`; a command counts once, wherever it was given."""

    flow: str
    file: str
    steps: int
    exits: int
    """With the commands."""
    untried_steps: tuple[str, ...]
    untried_exits: tuple[tuple[str, str], ...]
    """Step and exit, of steps that were tried."""
    untried_commands: tuple[str, ...]
    hidden_exits: int
    """Exits of the steps that were not tried."""

    @property
    def tried_steps(self) -> int:
        """Steps that some call came to."""
        return self.steps - len(self.untried_steps)

    @property
    def tried_exits(self) -> int:
        """Exits that some call took."""
        return self.exits - len(self.untried_exits) - len(self.untried_commands) - self.hidden_exits

    @property
    def percent(self) -> float:
        """Of steps and exits together."""
        whole = self.steps + self.exits
        return 100.0 * (self.tried_steps + self.tried_exits) / whole if whole else 100.0


def coverage_of(flow: Flow, file: str, trails: Iterable[FlowTrail], known: Exits | None = None) -> Coverage:
    """What all these ways through one flow came through; `known` are its exits, where they were worked out before."""
    steps, taken, commands = set[str](), set[tuple[str, str]](), set[str]()
    for trail in trails:
        steps.update(trail.steps)
        taken |= trail.taken
        commands |= trail.commands
    exits, all_steps, all_commands = (known or exits_of(flow)).of, steps_of(flow), commands_of(flow)
    untried_steps = tuple(name for name in all_steps if name not in steps)
    untried = tuple(
        (name, exit_name)
        for name, found in exits.items()
        if name in steps
        for exit_name in found
        if (name, exit_name) not in taken
    )
    return Coverage(
        flow=flow.flow,
        file=file,
        steps=len(all_steps),
        exits=sum(map(len, exits.values())) + len(all_commands),
        untried_steps=untried_steps,
        untried_exits=untried,
        untried_commands=tuple(name for name in all_commands if name not in commands),
        hidden_exits=sum(len(exits[name]) for name in untried_steps),
    )
