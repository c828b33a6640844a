"""What all parts of the settings have in common. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A part of the settings; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    """A validator is built for what is validated by itself only: 20 of them more take a tenth of a second, and 2 MB."""


def all_defaults() -> Any:
    """For a field that holds a model: what it holds when it is left out. No model is built before it is needed."""
    return Field(default_factory=dict, validate_default=True)
