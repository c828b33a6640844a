"""Data services against real HTTP servers: slow, huge, closing, redirecting, lying ones."""

from __future__ import annotations

import asyncio
import gzip
import json
import time

import pytest
from pydantic import SecretStr

from ivr.config_services import HostSettings, RequestsSettings
from ivr.flow.jobs import HttpJob, JobOutcome, JobResult
from ivr.services import data
from ivr.services.data import HttpDataService
from tests.scenario import scenario
from tests.services import http_server as server_is
from tests.services.data_service import ask, service
from tests.services.http_server import HttpServer, answer
from tests.waiting import until

pytestmark = pytest.mark.adapter

# --- question and answer


@scenario
async def test_json_comes_back() -> None:
    async with HttpServer().on("/a", answer(200, {"balance": 12.5, "names": ["Ä"]})) as server:
        result = await ask(server, "/a?b=%20c", headers={"X-One": "1", "X-Name": "Zoë"})
    assert result == JobResult(JobOutcome.DONE, {"balance": 12.5, "names": ["Ä"]}, 200)
    (got,) = server.received
    assert (got.method, got.target, got.headers["x-one"]) == ("GET", "/a?b=%20c", "1")
    assert got.headers["x-name"].encode("latin-1").decode() == "Zoë"
    assert got.headers["accept"] == "application/json" and got.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_json_and_forms_are_sent(method: str) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer().on("/", answer(200, {})) as server:
            await ask(server, method=method, json={"a": [1, "ü"]})
            await ask(server, method=method, form={"a": "1 & 2", "b": "ü"})
        first, second = server.received
        assert first.headers["content-type"] == "application/json" and json.loads(first.body) == {"a": [1, "ü"]}
        assert second.headers["content-type"] == "application/x-www-form-urlencoded"
        assert second.body == b"a=1+%26+2&b=%C3%BC" and second.method == method

    play()


@scenario
async def test_credentials_of_the_host_are_added() -> None:
    async with HttpServer().on("/", answer(200, {})) as server:
        host = HostSettings(
            allow_private=True,
            allow_http=True,
            headers={"X-Key": SecretStr("k")},
            username="u",
            password=SecretStr("p"),
        )
        async with service(server, hosts={f"127.0.0.1:{server.port}": host}) as asked:
            await asked.ask(HttpJob("GET", server.url(), headers={"X-Key": "the flow's"}))
    assert server.received[0].headers["x-key"] == "k"
    assert server.received[0].headers["authorization"] == "Basic dTpw"


@pytest.mark.parametrize(
    ("accepted", "status", "outcome"),
    [
        (((200, 299),), 204, "done"),
        (((200, 299),), 404, "failed"),
        (((404, 404),), 404, "done"),
        (((200, 200),), 201, "failed"),
    ],
)
def test_statuses(accepted: tuple[tuple[int, int], ...], status: int, outcome: str) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer().on("/", answer(status)) as server:
            result = await ask(server, accepted=accepted, reads_answer=False)
        assert (result.outcome, result.status) == (outcome, status)

    play()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is not JSON"),
        (b"<html>", "it is not JSON"),
        (b'{"a": 1', "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"[" * 20 + b"]" * 20, "deeper than 16"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" + b"1," * 5000 + b"1]", "more than 5000 values"),
        (b'{"a": "' + b"x" * 10_001 + b'"}', "longer than 10000 characters"),
        (b'{"a": "\\ud800"}', "half a character"),
        (b'{"a\\u0000": 1}', "a NUL"),
        (b"1" * 5000, "it is not JSON"),
    ],
)
def test_an_answer_that_no_call_should_hold_is_refused(body: bytes, why: str) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer().on("/", answer(200, body)) as server:
            result = await ask(server)
        assert result.outcome is JobOutcome.FAILED and why in result.detail
        assert result.value is None

    play()


# --- bad servers


@pytest.mark.parametrize("behave", [server_is.drips, server_is.drips_headers, server_is.is_silent])
def test_the_time_limit_holds_for_everything_together(behave: server_is.Behave) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer().on("/", behave) as server:
            began_s = time.monotonic()
            result = await ask(server, timeout_s=0.4, retries=3)
            assert time.monotonic() - began_s < 2.0
        assert (result.outcome, result.value) == (JobOutcome.TIMEOUT, None)

    play()


@scenario
async def test_an_answer_without_an_end_is_cut_off() -> None:
    async with HttpServer().on("/", server_is.floods) as server:
        result = await ask(server)
    assert result.outcome is JobOutcome.FAILED and "longer than 256 KB" in result.detail


@scenario
async def test_a_compressed_answer_is_not_unfolded() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    async with HttpServer().on("/", answer(200, bomb, {"Content-Encoding": "gzip"})) as server:
        result = await ask(server)
    assert result.outcome is JobOutcome.FAILED and "compressed" in result.detail


@pytest.mark.parametrize("behave", [server_is.closes, server_is.breaks_off, server_is.talks_nonsense])
def test_a_server_that_breaks_off_is_a_failure(behave: server_is.Behave) -> None:
    @scenario
    async def play() -> None:
        async with HttpServer().on("/", behave) as server:
            result = await ask(server)
        assert result.outcome is JobOutcome.FAILED and "does not answer properly" in result.detail

    play()


@scenario
async def test_nobody_at_the_port() -> None:
    async with HttpServer() as server:
        pass
    assert (await ask(server)).outcome is JobOutcome.FAILED


@scenario
async def test_a_host_without_an_address() -> None:
    made = HttpDataService(RequestsSettings.model_validate({"hosts": ["nowhere.invalid"]}))
    result = await made.ask(HttpJob("GET", "https://nowhere.invalid/"))
    await made.close()
    assert result.outcome is JobOutcome.FAILED and "nowhere.invalid" in result.detail


# --- retries


def test_what_may_help_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "BACKOFF_S", 0.01)

    @scenario
    async def play() -> None:
        server = HttpServer().on("/", server_is.closes, answer(503), answer(200, {"ok": 1}))
        async with server:
            assert (await ask(server, retries=2)).value == {"ok": 1}
        assert len(server.received) == 3

    play()


def test_what_cannot_help_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "BACKOFF_S", 0.01)

    @scenario
    async def play() -> None:
        async with HttpServer().on("/", answer(400)) as server:
            assert (await ask(server, retries=2)).status == 400
        assert len(server.received) == 1
        async with HttpServer().on("/", answer(503)) as away:
            assert (await ask(away, retries=1)).status == 503
        assert len(away.received) == 2

    play()


@scenario
async def test_a_server_that_asks_to_wait_longer_than_the_caller_does_is_a_timeout() -> None:
    async with HttpServer().on("/", answer(429, b"", {"Retry-After": "3600"})) as server:
        result = await ask(server, retries=2, timeout_s=2.0)
    assert result.outcome is JobOutcome.TIMEOUT and len(server.received) == 1


# --- giving up


@scenario
async def test_a_question_that_is_given_up_closes_its_connection() -> None:
    async with HttpServer().on("/", server_is.is_silent) as server, service(server) as asked:
        task = asyncio.ensure_future(asked.ask(HttpJob("GET", server.url())))
        await until(lambda: bool(server.received), "the question")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        await until(lambda: server.closed_early > 0, "the end of the connection")


@scenario
async def test_many_calls_ask_at_once() -> None:
    server = HttpServer().on("/", answer(200, {"a": 1}, after_s=0.05))
    async with server, service(server) as asked:
        job = HttpJob("GET", server.url(), reads_answer=True, timeout_s=30.0)
        results = await asyncio.gather(*(asked.ask(job) for _ in range(50)))
    assert all(result.value == {"a": 1} for result in results)
