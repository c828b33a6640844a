"""Recognizes secrets that somebody wrote into a file. Pure."""

from __future__ import annotations

import re

_SECRET_NAME = re.compile(r"(^|_)(password|passwd|passphrase|secret|token|api_?key|private_key|credentials?)($|_)")
_PASSWORD_IN_URL = re.compile(r"\w+://[^/\s:@]*:(?!\$\{)[^/\s@]+@")
_KNOWN_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bsk_live_\w+|\bgh[pousr]_\w{20,}|\bBearer [\w.~+/-]{16,}"
)
_IN_KNOWN_SHAPES = ("-----BEGIN ", "AKIA", "sk_live_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "Bearer ")
"""One of these is in each of the shapes, and is found a hundred times faster than they are."""


def is_secret_name(name: str) -> bool:
    """Whether a key of this name holds a secret (`password`, `api_key`, `crm_token`)."""
    return _SECRET_NAME.search(name.lower().replace("-", "_")) is not None


def has_password_in_url(text: str) -> bool:
    """Whether a URL in the text carries a password that is not a `${NAME}`."""
    return "://" in text and _PASSWORD_IN_URL.search(text) is not None


def looks_like_a_secret(text: str) -> bool:
    """Whether the text has the shape of a key or token that services give out."""
    may_be_one = any(part in text for part in _IN_KNOWN_SHAPES)
    return (may_be_one and _KNOWN_SHAPES.search(text) is not None) or has_password_in_url(text)
