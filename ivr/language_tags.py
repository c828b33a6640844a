"""Language tags (BCP 47) as flows, models and voices use them."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=256)
def primary_language(tag: str) -> str:
    """The language itself: `en` of `en-US`, of `en_US`, of `EN`."""
    return tag.replace("_", "-").split("-")[0].lower()


@lru_cache(maxsize=256)
def region_of(tag: str) -> str:
    """The region: `US` of `en-US`; empty where the tag has none."""
    _, _, region = tag.replace("_", "-").partition("-")
    return region.upper()


_REGIONS = {"en": "US", "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "nl": "NL", "pl": "PL", "pt": "PT"}

_CURRENCIES = {
    "US": "USD", "GB": "GBP", "CH": "CHF", "LI": "CHF", "CA": "CAD", "AU": "AUD", "NZ": "NZD", "PL": "PLN",
    "SE": "SEK", "NO": "NOK", "DK": "DKK", "CZ": "CZK", "HU": "HUF", "IN": "INR", "JP": "JPY",
}  # fmt: skip


def country_of(tag: str) -> str:
    """The country whose telephone numbers are meant: the region, else the largest country of the language."""
    return region_of(tag) or _REGIONS.get(primary_language(tag), "US")


def currency_of(tag: str) -> str:
    """The currency that is used where the language is spoken; the euro where that is not clear."""
    return _CURRENCIES.get(region_of(tag), "EUR")
