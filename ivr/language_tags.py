"""Language tags (BCP 47) as flows, models and voices use them."""

from __future__ import annotations


def primary_language(tag: str) -> str:
    """The language itself: `en` of `en-US`, of `en_US`, of `EN`."""
    return tag.replace("_", "-").split("-")[0].lower()
