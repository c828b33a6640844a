"""SIP MESSAGE (RFC 3428) to targets of the settings and to the caller's own telephone, through the telephony."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from ivr.config import TargetSettings
from ivr.flow.jobs import CALLER, SipMessage
from ivr.ports import LegId, MessageRequest
from ivr.services.delivery import DeliveryFailed, Letter

LIMIT_S: Final = 40.0
"""Longer than a transaction lives (RFC 3261 §17.1.2.2, timer F: 32 s)."""
TEXT_LIMIT_BYTES: Final = 1200
"""RFC 3428 §8: a request stays below 1300 bytes where the path's own limit is not known."""
_LATER: Final = frozenset({408, 429, 480, 486, 491, 600})
"""Statuses below 500, or final in name, that may change."""

SendMessage = Callable[[MessageRequest, Callable[[int, str], None]], None]
LegOfCall = Callable[[str], LegId | None]
"""The caller's leg of a call in progress, by the call's id."""


def no_calls(call_id: str) -> None:
    """For a messenger beside which there are no calls."""
    return


class SipMessageCarrier:
    """Sends a text to a telephone."""

    def __init__(self, targets: Mapping[str, TargetSettings], send: SendMessage, leg_of: LegOfCall = no_calls) -> None:
        self._targets, self._send, self._leg_of = targets, send, leg_of

    async def deliver(self, letter: Letter) -> None:
        """Done when the telephone, or its server, has taken it."""
        assert isinstance(letter.message, SipMessage)
        request = self._request(letter.message, letter.call_id)
        answered: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

        def report(status: int, reason: str) -> None:
            if not answered.done():
                answered.set_result((status, reason))

        self._send(request, report)
        try:
            async with asyncio.timeout(LIMIT_S):
                status, reason = await answered
        except TimeoutError as error:
            raise DeliveryFailed(f"target {letter.message.target}: no answer") from error
        if not 200 <= status <= 299:
            is_final = status not in _LATER and not 500 <= status <= 599
            raise DeliveryFailed(f"target {letter.message.target}: {status} {reason}", is_final=is_final)

    def _request(self, message: SipMessage, call_id: str) -> MessageRequest:
        """A target of the settings goes before the caller. Raises DeliveryFailed."""
        text = shortened(message.text)
        if target := self._targets.get(message.target):
            return MessageRequest(target.sip, text, target.account)
        if message.target != CALLER:
            raise DeliveryFailed(f"no target '{message.target}' in the settings", is_final=True)
        leg_id = self._leg_of(call_id)
        if leg_id is None:
            raise DeliveryFailed("the call is over", is_final=True)
        return MessageRequest("", text, leg_id=leg_id)

    async def close(self) -> None:
        """Nothing is kept open."""


def shortened(text: str) -> str:
    """The text, cut where it is too long for one message."""
    if len(text.encode()) <= TEXT_LIMIT_BYTES:
        return text
    return text.encode()[: TEXT_LIMIT_BYTES - 3].decode("utf-8", "ignore") + "…"
