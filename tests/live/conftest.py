"""Fixtures of the live tests."""

from tests.lab.fixture import lab

__all__ = ["lab"]
