"""Recognizing a caller whom the PBX sends back after a blind transfer that failed (pure).

A PBX that took the caller by REFER and could not reach the target may dial the bot again, with the outcome in
`X-Transfer-Result` (Asterisk's DIALSTATUS) and the target in `X-Transfer-Target`. The call goes on at the exit of the
transfer step, with everything that the flow had learned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ivr.flow.model import Flow
from ivr.flow.program import Program
from ivr.flow.state import Frame
from ivr.flow.steps.transfer_model import TransferStep

RETURN_WINDOW_S = 90.0
"""A caller who comes back later than this begins anew."""

_EXITS: Mapping[str, str] = {
    "BUSY": "busy",
    "NOANSWER": "no_answer",
    "CHANUNAVAIL": "unreachable",
    "CONGESTION": "unreachable",
    "DONTCALL": "refused",
    "TORTURE": "refused",
    "INVALIDARGS": "unknown",
}


@dataclass(frozen=True, slots=True)
class Referred:
    """A caller who was sent away by a blind REFER."""

    ani: str
    remote: str
    """`address:port` of the peer that the call came from, and that was sent the REFER."""
    flow: Flow | Program
    step: str
    variables: Mapping[str, object]
    sensitive: frozenset[str]
    language: str
    at_s: float
    part: str = ""
    """The flow that the step belongs to, where it is not the main one."""
    frames: tuple[Frame, ...] = ()
    """Flows that wait for it."""

    @property
    def own_flow(self) -> Flow:
        """The flow that the step belongs to."""
        return Program.of(self.flow).flow_named(self.part)


@dataclass(frozen=True, slots=True)
class Returned:
    """How a call begins; empty for one that is new."""

    variables: Mapping[str, object] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    language: str = ""
    resume_at: str = ""
    result: str = ""
    part: str = ""
    frames: tuple[Frame, ...] = ()


def _exit(sent: Referred, step: TransferStep, exit_name: str) -> str | None:
    """Where the flow goes on; `repeat` is the transfer itself, which a call that begins cannot know."""
    target: str | None = getattr(step, exit_name) or step.failed or sent.own_flow.defaults.failed
    return sent.step if target == "repeat" and target not in sent.own_flow.steps else target


def _host(remote: str) -> str:
    return remote.rpartition(":")[0]


def is_returning(headers: Mapping[str, str]) -> bool:
    """Whether an INVITE says that it brings a transferred caller back."""
    return "X-Transfer-Result" in headers


def match_returning(
    ani: str, remote: str, headers: Mapping[str, str], referred: Iterable[Referred], now_s: float
) -> tuple[Referred, Returned] | None:
    """The transfer that an INVITE comes back from, and how the call goes on; None for an unknown caller.

    Only the host that took the caller can bring him back: anybody can write his number and the headers into an INVITE,
    and would hear what the caller had told the bot.
    """
    exit_name = _EXITS.get(headers.get("X-Transfer-Result", "").upper(), "failed")
    for sent in referred:
        step = sent.own_flow.steps.get(sent.step)
        if sent.ani != ani or _host(sent.remote) != _host(remote):
            continue
        if now_s - sent.at_s > RETURN_WINDOW_S or not isinstance(step, TransferStep):
            continue
        target = _exit(sent, step, exit_name)
        if target is not None:
            variables = {name: value for name, value in sent.variables.items() if name != "call"}
            return sent, Returned(variables, sent.sensitive, sent.language, target, exit_name, sent.part, sent.frames)
    return None
