"""The adapter under test with its events kept, and small things that its tests share."""

from __future__ import annotations

import asyncio
import math
import struct
import wave
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ivr.config import SipSettings
from ivr.ports import LegEnded, LegEvent, LegId, LegOffered, TelephonyEvent
from ivr.sip.telephony import PjsuaTelephony
from tests.waiting import until

E = TypeVar("E")


def settings(**given: Any) -> SipSettings:
    """Settings for loopback on a free port."""
    return SipSettings(**{"address": "127.0.0.1", "port": 0, "rtp_port": 14000, **given})


def scenario(test: Callable[..., Any]) -> Callable[..., None]:
    """Run a coroutine test function on its own event loop."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Bot:
    """A running `PjsuaTelephony`; answers every offered leg unless told otherwise."""

    def __init__(self, given: SipSettings | None = None, *, answers: bool = True, follows_refer: bool = False) -> None:
        self.telephony = PjsuaTelephony(given or settings(), follows_refer=follows_refer)
        self.answers = answers
        self.events: list[TelephonyEvent] = []

    async def __aenter__(self) -> Self:
        await self.telephony.start(self._on_event)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.telephony.stop()

    def _on_event(self, event: TelephonyEvent) -> None:
        self.events.append(event)
        if self.answers and isinstance(event, LegOffered):
            self.telephony.answer(event.leg_id)

    @property
    def uri(self) -> str:
        """Where the bot is called."""
        return self.telephony.sip_uri.replace("sip:", "sip:100@")

    def seen(self, kind: type[E], leg_id: LegId | None = None) -> list[E]:
        """Events of a kind so far, of one leg or of all."""
        found = [event for event in self.events if isinstance(event, kind)]
        return [event for event in found if leg_id is None or getattr(event, "leg_id", None) == leg_id]

    async def wait(self, kind: type[E], leg_id: LegId | None = None, *, count: int = 1, timeout_s: float = 5.0) -> E:
        """The `count`-th event of a kind."""
        what = f"{count} x {kind.__name__}"
        await until(lambda: len(self.seen(kind, leg_id)) >= count, what, timeout_s, shown=self.dump)
        return self.seen(kind, leg_id)[count - 1]

    def dump(self) -> str:
        """The events, for a failure's message."""
        return "\n".join(map(str, self.events))

    def assert_ended_once(self) -> None:
        """Every leg that was reported has ended exactly once, as its last event."""
        legs = {event.leg_id for event in self.events if isinstance(event, LegEvent)}
        for leg_id in legs:
            of_leg = [event for event in self.events if isinstance(event, LegEvent) and event.leg_id == leg_id]
            assert [isinstance(event, LegEnded) for event in of_leg].count(True) == 1, self.dump()
            assert isinstance(of_leg[-1], LegEnded), self.dump()


class Ear:
    """An audio sink that keeps what it gets."""

    def __init__(self) -> None:
        self.pcm = bytearray()

    def write(self, pcm: bytes) -> None:
        self.pcm += pcm

    def samples(self) -> Any:
        """As numpy int16 samples."""
        import numpy

        return numpy.frombuffer(bytes(self.pcm), dtype=numpy.int16)


def write_tone(path: Path, hz: float, duration_s: float, rate_hz: int = 8000) -> Path:
    """A WAV with a sine of -12 dBFS."""
    count = round(duration_s * rate_hz)
    samples = [round(8230 * math.sin(2 * math.pi * hz * index / rate_hz)) for index in range(count)]
    return write_samples(path, samples, rate_hz)


def write_samples(path: Path, samples: Sequence[int], rate_hz: int = 8000) -> Path:
    """A mono 16-bit WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


class Registrar:
    """A registrar with digest authentication, which can be away and which counts what it is asked."""

    def __init__(self, user: str = "100", password: str = "right", port: int = 0) -> None:
        self.user, self.password, self.port = user, password, port
        self.refuses_with: int | None = None
        self.contacts: list[str] = []
        """Contact and Expires of every accepted REGISTER."""
        self.requests = 0
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def uri(self) -> str:
        """Where it registers accounts."""
        return f"sip:127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Bind the socket."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _RegistrarProtocol(self), local_addr=("127.0.0.1", self.port)
        )
        self.port = self._transport.get_extra_info("sockname")[1]

    async def close(self) -> None:
        """Be away."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()


class _RegistrarProtocol(asyncio.DatagramProtocol):
    def __init__(self, owner: Registrar) -> None:
        self._owner = owner
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        from ivr.testing.sip_peer.message import MalformedMessage, SipRequest, parse_message

        with suppress(MalformedMessage):
            message = parse_message(data)
            if isinstance(message, SipRequest) and message.method == "REGISTER":
                self._transport.sendto(self._response(message).to_bytes(), addr)

    def _response(self, request: Any) -> Any:
        from ivr.testing.sip_peer.message import response_to

        owner = self._owner
        owner.requests += 1
        if owner.refuses_with is not None:
            return response_to(request, owner.refuses_with, to_tag="r")
        if not self._is_right(request):
            response = response_to(request, 401, to_tag="r")
            response.headers.add("WWW-Authenticate", 'Digest realm="lab", nonce="n1", algorithm=MD5')
            return response
        response = response_to(request, 200, to_tag="r")
        contact, expires = request.headers.get("Contact") or "", request.headers.get("Expires") or "300"
        owner.contacts.append(f"{contact} {expires}")
        if expires != "0":
            response.headers.add("Contact", f"{contact.split('>')[0]}>;expires={expires}")
        response.headers.add("Expires", expires)
        return response

    def _is_right(self, request: Any) -> bool:
        from ivr.testing.sip_peer.digest import Challenge, Credentials, digest_response, parse_digest_params

        value = request.headers.get("Authorization")
        if value is None:
            return False
        given = parse_digest_params(value)
        expected = digest_response(
            Challenge("lab", "n1"), Credentials(self._owner.user, self._owner.password), "REGISTER", given["uri"]
        )
        return given["username"] == self._owner.user and given["response"] == expected
