"""Languages to the voices of espeak-ng 1.50 and later. Pure."""

from __future__ import annotations

_SPECIAL = {
    "en": "en-us",
    "en-au": "en-gb",
    "en-ca": "en-us",
    "en-ie": "en-gb",
    "en-in": "en-gb",
    "en-nz": "en-gb",
    "fr": "fr-fr",
    "fr-ca": "fr-fr",
    "no": "nb",
    "pt": "pt",
    "zh": "cmn",
    "zh-cn": "cmn",
    "zh-tw": "cmn",
    "zh-hk": "yue",
    "es-mx": "es-419",
}
_WITH_REGION_TEXT = "en-us en-gb en-029 en-gb-scotland en-gb-x-rp es-419 fr-be fr-ch fr-fr pt-br vi-vn-x-central"
_WITH_REGION = frozenset(_WITH_REGION_TEXT.split())
_LANGUAGES_TEXT = """
    af am an ar as az ba be bg bn bs ca cmn cs cv cy da de el eo es et eu fa fi ga gd gn gu hak haw he hi hr ht hu hy
    ia id io is it ja ka kk kl kn ko kok ku ky la lb lt lv mi mk ml mr ms mt my nb nci ne nl nog om or pa pap pl pt quc
    ro ru sd shn si sk sl sq sr sv sw ta te tk tn tr tt ug uk ur uz vi yue
"""
_LANGUAGES = frozenset(_LANGUAGES_TEXT.split())


def espeak_voice(language: str) -> str:
    """The voice of a language tag (`de-AT`: `de`); empty where espeak-ng does not speak it."""
    tag = language.lower()
    primary = tag.split("-")[0]
    if tag in _WITH_REGION:
        return tag
    if special := _SPECIAL.get(tag) or _SPECIAL.get(primary):
        return special
    return primary if primary in _LANGUAGES else ""
