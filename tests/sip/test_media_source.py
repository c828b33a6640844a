from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ivr.sip.media_source import UNHEARD_LIMIT_S, MediaSource
from ivr.sip.socket_filter import restrict

pytestmark = pytest.mark.unit

ANNOUNCED, SIGNALLED, STRANGER = "10.0.0.5", "192.0.2.1", "203.0.113.66"
KNOWN = frozenset({ANNOUNCED, SIGNALLED})
EVERYBODY = None


@pytest.fixture
def source() -> MediaSource:
    return MediaSource([ANNOUNCED, SIGNALLED, ""], 0.0)


def test_hosts_of_the_offer_and_the_signalling_may_send_and_nobody_else(source: MediaSource) -> None:
    assert source.allowed == KNOWN
    for number in range(1, 20):
        assert source.looked(SIGNALLED, 25 * number, 0.5 * number) == KNOWN


def test_a_caller_who_sends_from_where_nobody_told_is_heard_after_a_moment_and_then_known(source: MediaSource) -> None:
    assert source.looked("", 0, UNHEARD_LIMIT_S / 2) == KNOWN
    assert source.looked("", 0, UNHEARD_LIMIT_S) is EVERYBODY
    assert source.looked("198.51.100.7", 20, 1.5) is EVERYBODY
    assert source.looked("198.51.100.7", 45, 2.0) == KNOWN | {"198.51.100.7"}


def test_after_a_silence_a_caller_may_be_elsewhere(source: MediaSource) -> None:
    source.looked(SIGNALLED, 20, 0.5)
    assert source.looked(SIGNALLED, 20, 1.0) == KNOWN
    assert source.looked(SIGNALLED, 20, 0.5 + UNHEARD_LIMIT_S) is EVERYBODY
    assert source.looked(SIGNALLED, 40, 2.0) == KNOWN


def test_who_was_seen_once_between_two_packets_of_the_caller_is_not_taken_for_him(source: MediaSource) -> None:
    source.looked("", 0, UNHEARD_LIMIT_S)
    source.looked("198.51.100.7", 5, 1.5)
    assert source.looked(STRANGER, 30, 2.0) is EVERYBODY


def test_where_no_host_is_known_everybody_may_send() -> None:
    assert MediaSource([""], 0.0).allowed is EVERYBODY


# --- the kernel


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    """One that receives, and two that send from other addresses."""
    with ExitStack() as stack:
        made = [stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(3)]
        for place, each in enumerate(made):
            each.bind((f"127.0.0.{place + 1}", 0))
        made[0].setblocking(False)
        yield made


def received(sockets: list[socket.socket]) -> set[int]:
    """The senders that are heard."""
    receiver, *senders = sockets
    for number, sender in enumerate(senders):
        sender.sendto(bytes([number]), receiver.getsockname())
    found = set()
    try:
        while True:
            found.add(receiver.recv(10)[0])
    except BlockingIOError:
        return found


def test_the_kernel_drops_what_comes_from_elsewhere(sockets: list[socket.socket]) -> None:
    receiver = sockets[0]
    assert received(sockets) == {0, 1}
    restrict(receiver.fileno(), {"127.0.0.3", "192.0.2.1"})
    assert received(sockets) == {1}
    restrict(receiver.fileno(), {"127.0.0.2", "127.0.0.3"})
    assert received(sockets) == {0, 1}
    restrict(receiver.fileno(), {"192.0.2.1"})
    assert received(sockets) == set()
    restrict(receiver.fileno(), EVERYBODY)
    assert received(sockets) == {0, 1}


def test_a_host_that_is_no_address_is_refused(sockets: list[socket.socket]) -> None:
    with pytest.raises(ValueError, match="pbx"):
        restrict(sockets[0].fileno(), {"pbx.example"})
