"""What the settings have of queues, as far as the check of a flow must know."""

from __future__ import annotations

from ivr.immutable import immutable


@immutable
class QueueContext:
    """One queue."""

    calls_back: bool = True
    can_be_full: bool = True
    """Whether it, and every queue of its overflow, has a longest length."""
    can_take_too_long: bool = True
    """Whether it, or a queue of its overflow, has a longest wait."""
    skills: frozenset[str] = frozenset()
    """What it asks of its agents."""
