"""`MessageService`: webhooks, mails and SIP messages, now or by the outbox."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from ivr.config import TargetSettings
from ivr.config_services import NO_PROXY, ProxySettings, SendSettings
from ivr.flow.jobs import JobOutcome, JobResult, Message
from ivr.services.delivery import Carrier, DeliveryFailed, Letter
from ivr.services.mail import MailCarrier
from ivr.services.outbox import Outbox
from ivr.services.sip_message import LegOfCall, SendMessage, SipMessageCarrier, no_calls
from ivr.services.webhook import WebhookCarrier


class Messenger:
    """Delivers to receivers of the settings, and to nobody else."""

    def __init__(
        self,
        settings: SendSettings,
        targets: Mapping[str, TargetSettings],
        send: SendMessage,
        recordings: Path | None = None,
        proxy: ProxySettings = NO_PROXY,
        leg_of: LegOfCall = no_calls,
    ) -> None:
        """`send` is the telephony's way to send a SIP MESSAGE; mails take what they attach from `recordings`."""
        self._carriers: dict[str, Carrier] = {
            "webhook": WebhookCarrier(settings.webhooks, proxy),
            "mail": MailCarrier(settings.mail, recordings),
            "message": SipMessageCarrier(targets, send, leg_of),
        }
        self._outbox = Outbox(
            Path(settings.outbox_dir),
            self._deliver,
            limit_bytes=settings.outbox_limit_mb * 1_000_000,
            give_up_after_s=settings.give_up_after,
        )

    @property
    def waiting(self) -> int:
        """How many messages are not delivered yet."""
        return self._outbox.waiting

    async def start(self) -> None:
        """Go on with what waits."""
        await self._outbox.start()

    async def stop(self) -> None:
        """What is not delivered waits for the next start."""
        await self._outbox.stop()
        for carrier in self._carriers.values():
            await carrier.close()

    def post(self, message: Message, call_id: str) -> None:
        """Deliver it sooner or later."""
        self._outbox.post(message, call_id)

    async def deliver(self, message: Message, call_id: str, timeout_s: float) -> JobResult:
        """Deliver it now or not at all."""
        letter = Letter(uuid.uuid4().hex, message, call_id, time.time())
        try:
            async with asyncio.timeout(timeout_s):
                await self._deliver(letter)
        except TimeoutError:
            return JobResult(JobOutcome.TIMEOUT, detail=f"not taken within {timeout_s:g} s")
        except DeliveryFailed as error:
            return JobResult(JobOutcome.FAILED, detail=str(error))
        return JobResult(JobOutcome.DONE)

    async def _deliver(self, letter: Letter) -> None:
        await self._carriers[letter.kind].deliver(letter)
