"""What a way of delivering messages is: takes a letter, or says why it could not."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from ivr.flow.jobs import MailMessage, Message, SipMessage, WebhookMessage

_KINDS: Final[dict[str, type[Any]]] = {"webhook": WebhookMessage, "mail": MailMessage, "message": SipMessage}


class DeliveryFailed(Exception):
    """A message was not taken. The text is for the operator, and holds nothing of the message."""

    def __init__(self, text: str, *, is_final: bool = False) -> None:
        """`is_final`: trying again changes nothing."""
        super().__init__(text)
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way. Its id stays the same however often it is tried, so that a receiver can tell."""

    id: str
    message: Message
    call_id: str
    written_at_s: float
    """Seconds since 1970."""

    @property
    def kind(self) -> str:
        """webhook, mail or message."""
        return next(name for name, kind in _KINDS.items() if isinstance(self.message, kind))


class Carrier(Protocol):
    """Delivers one kind of message."""

    async def deliver(self, letter: Letter) -> None:
        """Return when the receiver has taken it. Raises DeliveryFailed."""

    async def close(self) -> None:
        """Close connections."""


def to_bytes(letter: Letter) -> bytes:
    """A letter as it is kept on disk."""
    content = {"kind": letter.kind, "message": asdict(letter.message), "call_id": letter.call_id}
    return json.dumps({**content, "written_at_s": letter.written_at_s}, default=str).encode()


def from_bytes(letter_id: str, content: bytes) -> Letter:
    """The letter again. Raises ValueError for anything else."""
    try:
        data = json.loads(content)
        message = _KINDS[data["kind"]](**data["message"])
        return Letter(letter_id, message, str(data["call_id"]), float(data["written_at_s"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a letter: {error}") from error
