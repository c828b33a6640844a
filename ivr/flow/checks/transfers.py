"""Rules about steps that hand callers over to persons."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.errors import Problem
from ivr.flow.checks.subject import Subject
from ivr.flow.commands import ACCEPT_KEY
from ivr.flow.steps.transfer import failures_of
from ivr.flow.steps.transfer_model import TransferStep
from ivr.model_errors import did_you_mean


def unknown_transfer_target(subject: Subject) -> Iterator[Problem]:
    """A transfer to somebody whom the configuration does not know."""
    known = subject.context.targets
    if known is None:
        return
    for name, step in subject.flow.steps.items():
        for index, callee in enumerate(step.transfer.to if isinstance(step, TransferStep) else ()):
            if callee.target not in known:
                hint = did_you_mean(callee.target, sorted(known)) or "add it under targets: in ivr.yaml"
                message = f"the configuration has no target '{callee.target}'; {hint}"
                path = subject.path_of(("steps", name, "transfer"), "to", index, "target")
                yield subject.error(path, message, "unknown_transfer_target")


MOST_AT_ONCE = 3
"""Legs of a worker with the published SIP library, less the caller's."""


def transfer_without_exits(subject: Subject) -> Iterator[Problem]:
    """A transfer that says nothing about what happens when nobody answers."""
    for name, step in subject.flow.steps.items():
        if not isinstance(step, TransferStep) or step.failed:
            continue
        missing = [key for key in failures_of(step) if getattr(step, key) is None]
        if missing:
            message = f"nothing says where the caller goes on {', '.join(missing)}; add `failed:` for all of them"
            yield subject.error(("steps", name, "transfer"), message, "transfer_without_exits", at_key=True)


def more_than_can_ring(subject: Subject) -> Iterator[Problem]:
    """More telephones at once than a worker has legs."""
    for name, step in subject.flow.steps.items():
        if isinstance(step, TransferStep) and step.transfer.ring == "all" and len(step.transfer.to) > MOST_AT_ONCE:
            message = (
                f"only {MOST_AT_ONCE} telephones can ring at once, and fewer while other callers are there; "
                "the rest are called as these fail: put the most important first, or let the PBX ring them all"
            )
            yield subject.warning(("steps", name, "transfer", "to"), message, "more_than_can_ring", at_key=True)


def transfer_to_several(subject: Subject) -> Iterator[Problem]:
    """Several targets where only one can be called, or one where several are meant."""
    for name, step in subject.flow.steps.items():
        if not isinstance(step, TransferStep):
            continue
        transfer, path = step.transfer, ("steps", name, "transfer")
        if transfer.mode == "refer" and len(transfer.to) > 1:
            message = "with `mode: refer` the telephone system calls one target; write only one, or another mode"
            yield subject.error((*path, "to"), message, "transfer_to_several", at_key=True)
        elif transfer.ring == "all" and transfer.early_media == "pass":
            message = "several telephones cannot be heard at once; write `early_media: replace`, or call them in turn"
            yield subject.error((*path, "early_media"), message, "transfer_to_several", at_key=True)
        elif transfer.ring == "all" and len(transfer.to) == 1:
            message = "there is one target only; write a list under `to`, or remove `ring`"
            yield subject.error((*path, "ring"), message, "transfer_to_several", at_key=True)


def transfer_and_back(subject: Subject) -> Iterator[Problem]:
    """Ways back to the flow after a talk that nothing leads to, or that lead nowhere."""
    for name, step in subject.flow.steps.items():
        if isinstance(step, TransferStep):
            for key, message in _about_coming_back(step):
                place = ("steps", name, "transfer", key) if key == "return_key" else ("steps", name, key)
                yield subject.error(place, message, "transfer_and_back", at_key=True)


def _about_coming_back(step: TransferStep) -> Iterator[tuple[str, str]]:
    """The key that is wrong, and what to do about it."""
    transfer = step.transfer
    if transfer.mode in ("attended", "refer"):
        for key, written in (("after", step.after), ("return_key", transfer.return_key)):
            if written:
                yield (
                    key,
                    f"with `mode: {transfer.mode}` the bot is out of the talk; write `mode: bridge`, or leave it out",
                )
        return
    if step.returned and not transfer.return_key:
        yield "returned", "nothing leads here; write a `return_key`, or remove `returned`"
    if transfer.return_key and not (step.returned or step.after):
        yield "return_key", "nothing says where the caller goes who is sent back; add `returned:` to the step"
    if transfer.return_key == ACCEPT_KEY and transfer.accept == "key":
        yield "return_key", f"{ACCEPT_KEY} is the key that takes the call; write another one"


def transfer_options(subject: Subject) -> Iterator[Problem]:
    """Options of a transfer that mean nothing, or not together."""
    for name, step in subject.flow.steps.items():
        if not isinstance(step, TransferStep):
            continue
        path = ("steps", name, "transfer")
        for key, message in _about_accepting(step):
            place = ("steps", name, key) if key == "not_accepted" else (*path, key)
            yield subject.error(place, message, "transfer_options", at_key=True)


def _about_accepting(step: TransferStep) -> Iterator[tuple[str, str]]:
    """The key that is wrong, and what to do about it."""
    transfer, needs_key = step.transfer, step.transfer.accept == "key"
    if transfer.mode == "refer":
        heard = ["early_media"] if transfer.early_media == "pass" else []
        for key in ("whisper", *(["accept"] if needs_key else []), *heard):
            if getattr(transfer, key):
                yield key, f"with `mode: refer` the bot does not talk to the person; remove `{key}`, or the mode"
    elif needs_key and transfer.whisper is None:
        yield "accept", "nobody tells the person to press 1; add a `whisper` that asks for it"
    if not needs_key:
        for key, written in (("accept_within", transfer.accept_within), ("not_accepted", step.not_accepted)):
            if written:
                yield key, f"`{key}` is for persons who have to press a key; write `accept: key`, or remove it"
