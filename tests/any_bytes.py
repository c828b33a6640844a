"""Random material for what is read from others: bytes, JSON and texts; and how many examples are tried."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("IVR_EXAMPLES", "0"))
"""More than usual, and other ones in every run: `IVR_EXAMPLES=200000 pytest …`."""
_NAMES = "jsonrpc id error result message partial text word conf start end do say status drain worker ok reason"
WORDS = st.sampled_from(sorted(_NAMES.split()))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), WORDS)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)
NESTED = st.sampled_from(["[" * 20_000, '{"a":' * 5_000, "[" * 900 + "]" * 900])
MESSAGES = st.one_of(VALUES.map(json.dumps), NESTED, st.text(max_size=40)).map(str.encode) | st.binary(max_size=40)
"""What may stand where one JSON object is expected."""


def tries(count: int) -> Callable[[Any], Any]:
    """So many examples, the same in every run."""
    return settings(max_examples=EXAMPLES or count, derandomize=not EXAMPLES, database=None, deadline=None)
