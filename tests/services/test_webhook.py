"""Webhooks to a real server: what is posted, how it is signed, what counts as taken."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from ivr.config_services import SendSettings, WebhookSettings
from ivr.flow.jobs import JobOutcome, JobResult, WebhookMessage
from ivr.services import outbox as outbox_module
from ivr.services.messenger import Messenger
from ivr.services.webhook import signature
from tests.scenario import scenario
from tests.services import http_server as server_is
from tests.services.http_server import HttpServer, answer
from tests.waiting import until

pytestmark = pytest.mark.adapter

MESSAGE = WebhookMessage("crm", {"account": "12", "topic": "Straße"})


def messenger(folder: Path, server: HttpServer, **webhook: object) -> Messenger:
    given = WebhookSettings.model_validate({"url": server.url("/hook"), "allow_private": True, **webhook})
    return Messenger(SendSettings(outbox_dir=str(folder), webhooks={"crm": given}), {}, lambda request, report: None)


async def deliver(folder: Path, server: HttpServer, timeout_s: float = 5.0, **webhook: object) -> JobResult:
    sender = messenger(folder, server, **webhook)
    result = await sender.deliver(MESSAGE, "call1", timeout_s)
    await sender.stop()
    return result


def test_the_signature_of_the_specifications_example() -> None:
    """The values of https://github.com/standard-webhooks (libraries/python/tests)."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_is_posted_and_signed(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer().on("/hook", answer(204)) as server:
            secret, key = SecretStr("s3cret"), SecretStr("k")
            result = await deliver(tmp_path, server, secret=secret, headers={"X-Key": key})
        assert result.outcome is JobOutcome.DONE
        (got,) = server.received
        content = json.loads(got.body)
        assert (content["data"], content["call_id"], content["id"]) == (
            MESSAGE.data,
            "call1",
            got.headers["webhook-id"],
        )
        assert got.headers["content-type"] == "application/json" and got.headers["x-key"] == "k"
        signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
        expected = base64.b64encode(hmac.new(b"s3cret", signed, hashlib.sha256).digest()).decode()
        assert got.headers["webhook-signature"] == f"v1,{expected}"

    play()


@pytest.mark.parametrize("behave", [answer(500), answer(302, b"", {"Location": "/"}), server_is.closes])
def test_what_is_no_yes_is_a_failure(tmp_path: Path, behave: server_is.Behave) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer().on("/hook", behave) as server:
            result = await deliver(tmp_path, server)
        assert result.outcome is JobOutcome.FAILED and "webhook crm" in result.detail

    play()


def test_a_caller_waits_no_longer_than_the_step_says(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer().on("/hook", server_is.is_silent) as server:
            assert (await deliver(tmp_path, server, timeout_s=0.2)).outcome is JobOutcome.TIMEOUT

    play()


def test_a_private_address_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer().on("/hook", answer(200)) as server:
            result = await deliver(tmp_path, server, allow_private=False)
        assert "private network" in result.detail and not server.received

    play()


def test_an_unknown_webhook_is_a_failure(tmp_path: Path) -> None:
    @scenario
    async def play() -> None:
        sender = Messenger(SendSettings(outbox_dir=str(tmp_path)), {}, lambda request, report: None)
        result = await sender.deliver(MESSAGE, "call1", 1.0)
        assert result == JobResult(JobOutcome.FAILED, detail="no webhook 'crm' in the settings")
        await sender.stop()

    play()


def test_a_server_that_was_away_gets_it_after_the_call_and_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "PAUSES_S", (0.02,))

    @scenario
    async def play() -> None:
        server = HttpServer().on("/hook", answer(503), answer(503), answer(200))
        async with server:
            pass  # only to know a free port
        first = messenger(tmp_path, server)
        await first.start()
        first.post(MESSAGE, "call1")
        await first.stop()
        second = messenger(tmp_path, server)
        await second.start()
        async with server:
            await until(lambda: len(server.received) == 3, "three tries")
            await until(lambda: second._outbox.waiting_count == 0, "an empty outbox")
        await second.stop()
        assert len({got.headers["webhook-id"] for got in server.received}) == 1

    play()
