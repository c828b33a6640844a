"""`GET /metrics`, and what else comes in at an open port."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator

import pytest

from ivr.errors import ConfigError
from ivr.measures import server as module
from ivr.measures.counters import Counters, Snapshot
from ivr.measures.server import CONNECTIONS_LIMIT, MetricsServer
from ivr.ports import metrics

pytestmark = pytest.mark.adapter


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def server(counters: Counters) -> Iterator[MetricsServer]:
    made = MetricsServer("127.0.0.1", 0, counters.snapshot)
    made.start()
    yield made
    made.close()


def ask(server: MetricsServer, path: str = "/metrics", method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def send(server: MetricsServer, data: bytes) -> bytes:
    """Everything that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=8) as line:
        received = b""
        try:
            line.sendall(data)
            while piece := line.recv(65536):
                received += piece
        except ConnectionError:
            pass
        return received


def test_the_figures_are_told(server: MetricsServer, counters: Counters) -> None:
    counters.count(metrics.CALLS_STARTED, "demo")
    status, text = ask(server)
    assert status == 200
    assert 'ivr_calls_started_total{flow="demo"} 1.0\n' in text


def test_only_the_figures_and_only_reading(server: MetricsServer) -> None:
    assert ask(server, "/")[0] == 404
    assert ask(server, "/metrics?x=1")[0] == 200
    assert ask(server, "/metrics", "HEAD") == (200, "")
    assert ask(server, "/metrics", "POST")[0] == 405


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", b"400"),
        (b"GET /metrics\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/9.9\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 6000 + b" HTTP/1.1\r\n\r\n", b"404"),
        (b"\xff\xfe \x00 HTTP/1.1\r\n\r\n", b"405"),
        (b"INVITE sip:a@b SIP/2.0\r\n\r\n", b"400"),
    ],
    ids=["tls", "http 0.9", "version", "empty", "long path", "bytes", "sip"],
)
def test_what_is_no_request_for_figures_gets_a_short_answer(server: MetricsServer, data: bytes, status: bytes) -> None:
    assert send(server, data).split(b" ")[1] == status
    assert ask(server)[0] == 200


def test_a_head_without_end_is_not_kept(server: MetricsServer) -> None:
    answer = send(server, b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 20_000)
    assert answer == b"" or answer.split(b" ")[1] == b"431"
    assert ask(server)[0] == 200


def test_slow_clients_are_cut_off_and_do_not_add_up(server: MetricsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQUEST_LIMIT_S", 0.5)
    lines = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(CONNECTIONS_LIMIT + 10)]
    try:
        for line in lines:
            line.sendall(b"GET /me") if line is lines[0] else None
        begun_s = time.monotonic()
        for line in lines:
            with contextlib.suppress(ConnectionError):
                assert line.recv(10) == b""
        assert time.monotonic() - begun_s < 4
    finally:
        for line in lines:
            line.close()
    assert ask(server)[0] == 200


def test_many_questions_cost_no_more_than_one() -> None:
    asked: list[int] = []

    def read() -> Snapshot:
        asked.append(1)
        return {}

    server = MetricsServer("127.0.0.1", 0, read)
    server.start()
    try:
        for _ in range(20):
            assert ask(server)[0] == 200
    finally:
        server.close()
    assert len(asked) <= 2


def test_figures_that_cannot_be_read_end_nothing() -> None:
    wrong = [True]

    def read() -> Snapshot:
        if wrong:
            raise ValueError("broken")
        return {}

    server = MetricsServer("127.0.0.1", 0, read)
    server.start()
    try:
        assert send(server, b"GET /metrics HTTP/1.1\r\n\r\n") == b""
        wrong.clear()
        assert ask(server)[0] == 200
    finally:
        server.close()


def test_a_port_that_is_taken_is_said_with_its_remedy(server: MetricsServer) -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 127.0.0.1:\d+ .*set metrics.listen"):
        MetricsServer("127.0.0.1", server.port, dict).start()
