"""The thread that serves the RTP streams of all calls of a peer."""

from __future__ import annotations

import contextlib
import secrets
import selectors
import socket
import threading
import time
from collections import deque

from ivr.testing.sip_peer.stream import SO_TIMESTAMPNS, RtpStream


class RtpEngine:
    """The thread. Starts with the first stream, ends with `close`."""

    def __init__(self, host: str, ports: tuple[int, int]) -> None:
        self._host, self._ports = host, ports
        self._streams: list[RtpStream] = []
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._jobs: deque[RtpStream] = deque()
        self._thread: threading.Thread | None = None
        self._is_stopping = False

    def open(self) -> RtpStream:
        """A stream on a free even port of the range. Raises OSError if there is none."""
        stream = RtpStream(self._bind())
        self._streams.append(stream)
        self._selector_change(stream)
        return stream

    def close_stream(self, stream: RtpStream) -> None:
        """Stop it and close its socket; its record stays readable."""
        stream.give_up()
        if stream in self._streams:
            self._streams.remove(stream)
            self._selector_change(stream)

    def wake(self) -> None:
        """Look at the schedules again: one has changed."""
        with contextlib.suppress(OSError):
            self._wake_write.send(b"x")

    def close(self) -> None:
        """End the thread and close every socket. Blocks for a few milliseconds. Idempotent."""
        self._is_stopping = True
        self.wake()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None
        for stream in self._streams:
            stream.give_up()
            stream.socket.close()
        self._drain_jobs()
        self._streams.clear()
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()

    def _bind(self) -> socket.socket:
        first, last = self._ports
        count = (last - first) // 2
        offset = secrets.randbelow(count)
        for index in range(count):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            try:
                sock.bind((self._host, first + 2 * ((offset + index) % count)))
            except OSError:
                sock.close()
            else:
                return sock
        raise OSError(f"no free RTP port between {first} and {last}")

    def _selector_change(self, stream: RtpStream) -> None:
        self._jobs.append(stream)
        if self._thread is None and not self._is_stopping:
            self._thread = threading.Thread(target=self._run, name="sip-peer-rtp", daemon=True)
            self._thread.start()
        self.wake()

    def _drain_jobs(self) -> None:
        while self._jobs:
            stream = self._jobs.popleft()
            if stream in self._streams:
                if not self._is_stopping:
                    self._selector.register(stream.socket, selectors.EVENT_READ, stream)
                continue
            if stream.socket.fileno() >= 0:
                stream.read_all()
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(stream.socket)
                stream.socket.close()

    def _run(self) -> None:
        while not self._is_stopping:
            self._drain_jobs()
            self._read(self._wait_s())
            now_s = time.monotonic()
            for stream in list(self._streams):
                if stream.is_sending and stream.due_s <= now_s:
                    stream.send_due(now_s)

    def _read(self, wait_s: float | None) -> None:
        """Read what arrives until the next packet is due, exactly: epoll counts in whole milliseconds and rounds up."""
        ready = self._selector.select(None if wait_s is None else max(0.0, wait_s - 0.001))
        for key, _ in ready:
            if key.data is None:
                self._wake_read.recv(4096)
            else:
                key.data.read_all()
        if not ready and wait_s:
            time.sleep(min(0.001, self._wait_s() or 0.0))

    def _wait_s(self) -> float | None:
        dues = [stream.due_s for stream in list(self._streams) if stream.is_sending]
        return max(0.0, min(dues) - time.monotonic()) if dues else None
