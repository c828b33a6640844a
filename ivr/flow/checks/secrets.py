"""Rule against secrets in flows: they end up in version control, records and logs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject
from ivr.flow.template_rules import is_template
from ivr.secrets_in_text import is_secret_name, looks_like_a_secret
from ivr.yaml_source import DataPath

_PIN_NAME = re.compile(r"(^|_)(pin|passcode|tan)($|_)")
SHORTEST_PIN = 4
"""What is shorter counts something: `pin_tries: 3`."""


def secret_in_flow(subject: Subject) -> Iterator[Problem]:
    """A password, key or token written into the file."""
    for path, value in subject.leaves:
        if type(value) not in (str, int):
            continue
        text = str(value)
        if (_is_value(path) and _is_secret(str(path[-1]), text)) or looks_like_a_secret(text):
            message = "a secret is written into the flow; remove it: secrets only come from the environment"
            yield subject.error(path, message, "secret")


def _is_value(path: DataPath) -> bool:
    """Whether something is given a value here: the flow's `variables`, or a `set` step."""
    return path[:1] == ("variables",) or (len(path) > 3 and path[0] == "steps" and path[2] == "set")


def _is_secret(name: str, text: str) -> bool:
    is_pin = _PIN_NAME.search(name) is not None and len(text.strip()) >= SHORTEST_PIN
    return (is_secret_name(name) or is_pin) and bool(text.strip()) and not is_template(text)
