"""What a sentence tells an open form: values of its fields, and which of those that it has are wrong.

"no, tuesday"                    a new value
"not friday, tuesday"            the same; the value that is spoken against is no answer
"three people, not two, at nine" several at once
"the time is wrong", "not at eight"  no new value: it is asked again
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ivr.flow import correcting
from ivr.flow.asking import asked_of
from ivr.flow.form_reading import Wanted, read_fields, weights_of
from ivr.flow.form_view import field_ask, names_of
from ivr.flow.grammar import by_first_word
from ivr.flow.model import FormStep
from ivr.flow.run import Run
from ivr.flow.state import FormProgress
from ivr.flow.values.base import Reading
from ivr.immutable import immutable

WRONG: Final = Reading(None)
"""The caller says that the value of a field is wrong, and not what is right."""


@immutable
class Heard:
    """A sentence to a form."""

    polarity: str
    """`yes` or `no` where it begins with one, or speaks against something; else empty."""
    readings: Mapping[str, Reading]
    """By field: its value, or WRONG."""


def hear(
    run: Run,
    form: FormStep,
    progress: FormProgress,
    words: Sequence[str],
    known: Mapping[str, object],
    *,
    is_reply: bool,
) -> Heard:
    """Read a sentence. `known`: values that the caller may speak of; `is_reply`: he is asked whether they are right."""
    asked = progress.asked if progress.stage == "fields" else ""
    fields = {name: asked_of(run, field_ask(form, name)) for name in form.form.fields}
    rest, denied = correcting.without_denied(words, fields, known)
    polarity, rest = correcting.apart(rest, run.language)
    polarity = "no" if denied else polarity
    named = _named(form, rest, run.state.language)
    weights = weights_of(list(fields), asked, known, is_correction=polarity == "no", preferred={*denied, *named})
    wanted = [Wanted(name, fields[name], weight) for name, weight in weights.items()]
    readings = {name: each for name, each in read_fields(rest, wanted).items() if not each.is_invalid}
    is_enough = is_reply and polarity != "yes" and not readings  # "the time, please": what else can be meant?
    spoken_of = {name: end for name, end in named.items() if name in known}
    wrong = {*denied, *(n for n, end in spoken_of.items() if is_enough or correcting.says_no(rest[end:], run.language))}
    return Heard(polarity, {**{name: WRONG for name in fields if name in wrong}, **readings})


def _named(form: FormStep, words: Sequence[str], tag: str) -> dict[str, int]:
    """Fields that are called by their name, and where in the sentence that ends."""
    names = {name: by_first_word({name: names_of(name, field, tag)}) for name, field in form.form.fields.items()}
    ends = {name: correcting.end_of(words, phrases) for name, phrases in names.items()}
    return {name: end for name, end in ends.items() if end}
