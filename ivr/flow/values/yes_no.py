"""Yes or no, in all the words for them."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.flow.values.base import Asked, Kind

YES_KEY, NO_KEY = "1", "2"


class YesNo(Kind):
    """Yes (key 1) or no (key 2); kept as true or false."""

    name = "yes_no"
    options = ("confirmed", "denied")
    is_value = False

    def keys(self, asked: Asked) -> Mapping[str, str]:
        return {YES_KEY: "yes", NO_KEY: "no"}

    def phrases(self, asked: Asked) -> Mapping[str, tuple[str, ...]]:
        return {"yes": asked.language.yes, "no": asked.language.no}

    def value_of(self, meaning: str) -> object:
        return meaning == "yes"

    def spoken(self, asked: Asked, value: object) -> str:
        words = asked.language.yes if value else asked.language.no
        return words[0]
