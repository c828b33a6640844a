"""Webhooks: JSON by POST, signed as the Standard Webhooks specification has it (standardwebhooks.com).

webhook-id: 5d41402a…            the same however often it is tried
webhook-timestamp: 1780000000
webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ivr.config_services import NO_PROXY, ProxySettings, WebhookSettings
from ivr.flow.jobs import WebhookMessage
from ivr.services.delivery import DeliveryFailed, Letter
from ivr.services.hosts import rules_of_webhook

if TYPE_CHECKING:
    from ivr.services.http_client import HttpClient

LIMIT_S: Final = 15.0
"""For one delivery."""
ANSWER_LIMIT_BYTES: Final = 65_536
USER_AGENT: Final = "ivr-webhook"
_GONE: Final = 410


def signature(secret: str, letter_id: str, timestamp_s: int, body: bytes) -> str:
    """What `webhook-signature` holds. A secret of the form `whsec_…` is base64, any other is taken as it is."""
    key = secret.encode()
    if secret.startswith("whsec_"):
        with contextlib.suppress(binascii.Error):
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = f"{letter_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


class WebhookCarrier:
    """Posts to the webhooks of the settings."""

    def __init__(self, webhooks: Mapping[str, WebhookSettings], proxy: ProxySettings = NO_PROXY) -> None:
        self._webhooks, self._proxy = webhooks, proxy
        self._clients: dict[str, HttpClient] = {}

    async def deliver(self, letter: Letter) -> None:
        """Any 2xx is a yes; 410 is a no for good."""
        message = letter.message
        assert isinstance(message, WebhookMessage)
        webhook = self._webhooks.get(message.webhook)
        if webhook is None:
            raise DeliveryFailed(f"no webhook '{message.webhook}' in the settings", is_final=True)
        body = json.dumps({"id": letter.id, "call_id": letter.call_id, "data": message.data}, default=str).encode()
        status = await self._post(message.webhook, webhook, body, _headers(webhook, letter.id, body))
        if not 200 <= status <= 299:
            raise DeliveryFailed(f"webhook {message.webhook} answered {status}", is_final=status == _GONE)

    async def _post(self, name: str, webhook: WebhookSettings, body: bytes, headers: Mapping[str, str]) -> int:
        client = await asyncio.to_thread(self._client, name, webhook)
        from ivr.services.http_client import NoAnswer, Question, RequestRefused

        question = Question("POST", webhook.url, headers, body, ANSWER_LIMIT_BYTES)
        try:
            async with asyncio.timeout(LIMIT_S):
                return (await client.ask(question)).status
        except TimeoutError as error:
            raise DeliveryFailed(f"webhook {name}: no answer within {LIMIT_S:g} s") from error
        except (NoAnswer, RequestRefused) as error:
            raise DeliveryFailed(f"webhook {name}: {error}") from error

    def _client(self, name: str, webhook: WebhookSettings) -> HttpClient:
        if name not in self._clients:
            from ivr.services.http_client import HttpClient
            from ivr.services.proxy import proxy_of

            rules = rules_of_webhook(webhook)
            client = HttpClient(lambda host, port: rules, USER_AGENT, proxy_of(self._proxy))
            self._clients.setdefault(name, client)
        return self._clients[name]

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()


def _headers(webhook: WebhookSettings, letter_id: str, body: bytes) -> dict[str, str]:
    now_s = int(time.time())
    headers = {"Content-Type": "application/json", "webhook-id": letter_id, "webhook-timestamp": str(now_s)}
    if webhook.secret is not None:
        headers["webhook-signature"] = signature(webhook.secret.get_secret_value(), letter_id, now_s, body)
    return headers
