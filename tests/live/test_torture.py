"""The torture messages of RFC 4475 against a running bot: each is answered or dropped, none keeps a leg."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from typing import Final

import pytest

from tests.live.bots import LiveBot, greeted, running_bot
from tests.ports import ports_of
from tests.torture import Torture, messages

pytestmark = pytest.mark.live

(PORT,) = ports_of("torture", 1)
BOT: Final = ("127.0.0.1", PORT)
ATTACKER: Final = ("127.0.0.9", 5060)
"""An answer to a request without `rport` goes to the port that its Via names, or 5060 (RFC 3261 §18.2.2)."""
LEGS: Final = 4
WAIT_S: Final = {"udp": 0.5, "tcp": 0.3}
DROPPED: Final = None

ANSWERS: Final[dict[str, set[int | None]]] = {
    "wsinv": {481},  # names a dialog that is gone
    "intmeth": {501},
    "esc01": {200},
    "escnull": {501, DROPPED},
    "esc02": {501},
    "lwsdisp": {200},
    "longreq": {200},
    "dblreq": {501},
    "semiuri": {200},
    "transports": {200},
    "mpart01": {501},
    "inv2543": {200, 400, DROPPED},  # no Contact (RFC 3261 §8.1.1.8); by TCP its end is unknown (§18.3)
    "invut": {415, 482},  # the second time a merged request (RFC 3261 §8.2.2.2)
    "mismatch02": {400, 501},
    "unksm2": {400, 416, 501},
    "cparam01": {501},
    "cparam02": {501},
    "regescrt": {501},
    "badbranch": {200},
    "zeromf": {200, 483},
}
"""Where the RFC is definite for a server that calls nobody, or what a bot says that is no registrar. Of all others
a refusal is as good as silence, and so is an answer where the fault can be overlooked (its section 3.1.2)."""


@pytest.fixture(scope="module")
def tortured_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBot]:
    """A bot of its own."""
    with running_bot(tmp_path_factory.mktemp("torture"), PORT) as bot:
        yield bot


class _Line:
    """A socket to the bot, by UDP or TCP."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.wait_s = WAIT_S[kind]
        self._socket = socket.socket(type=socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
        if kind == "udp":
            self._socket.bind(ATTACKER)
        self._socket.connect(BOT)

    def close(self) -> None:
        self._socket.close()

    def final_answer(self, message: Torture) -> bytes | None:
        """The final response to the message; a call that was answered is ended."""
        data = message.data
        if self._kind == "tcp":  # else it would be a repetition of what came by UDP (RFC 3261 §17.2.3)
            data = data.replace(b"branch=z9hG4bK", b"branch=z9hG4bKtcp").replace(b"Call-ID: inv2543", b"Call-ID: tcp")
        self._socket.send(data)
        call_id = re.search(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*(\S+)", data)
        until_s = time.monotonic() + self.wait_s
        while call_id and (left_s := until_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                answer = self._socket.recv(65535)
            except (TimeoutError, ConnectionError):
                return None
            if call_id[1] in answer and (final := re.search(rb"(?m)^SIP/2\.0 [2-6]\d\d .*", answer, re.DOTALL)):
                return final[0]
        return None

    def end_call(self, answer: bytes) -> None:
        """ACK and BYE of the call that a 200 made."""
        kept = b"".join(re.findall(rb"(?m)^(?:From|To|Call-ID): .*\r\n", answer))
        [(contact,), (cseq,)] = (re.findall(pattern, answer) for pattern in (rb"\nContact: <(.*?)>", rb"\nCSeq: (\d+)"))
        for method, number in ((b"ACK", int(cseq)), (b"BYE", int(cseq) + 1)):
            via = b"Via: SIP/2.0/UDP 127.0.0.9:5060;branch=z9hG4bKend%s%d\r\n" % (method, time.monotonic_ns())
            head = b"%s %s SIP/2.0\r\n%sMax-Forwards: 70\r\n" % (method, contact, via)
            self._socket.send(head + kept + b"CSeq: %d %s\r\nContent-Length: 0\r\n\r\n" % (number, method))


def _tortured(bot: LiveBot, message: Torture, kind: str) -> int | None:
    line = _Line(kind)
    try:
        answer = line.final_answer(message)
        if answer is not None and answer.startswith(b"SIP/2.0 200") and message.data.startswith(b"INVITE"):
            line.end_call(answer)
            time.sleep(0.1)  # a TCP connection must stay until the BYE was read
    finally:
        line.close()
    assert bot.process.poll() is None, f"the bot died of {message.name} (RFC 4475 section {message.section}) by {kind}"
    return int(answer.split()[1]) if answer else None


def test_every_message_of_the_rfc_is_there() -> None:
    assert len(messages()) == 49
    assert {message.section.rpartition(".")[0] for message in messages()} == {
        *("3.1.1", "3.1.2", "3.2", "3.3", "3.4"),
    }


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_torture_messages_get_their_answers_and_keep_no_leg(tortured_bot: LiveBot, kind: str) -> None:
    answers = {message.name: _tortured(tortured_bot, message, kind) for message in messages()}
    wrong = {name: (answers[name], wanted) for name, wanted in ANSWERS.items() if answers[name] not in wanted}
    assert not wrong, f"answered, wanted: {wrong}"
    assert not [message.name for message in messages() if not message.is_request and answers[message.name] is not None]
    assert not [name for name, status in answers.items() if status is not None and status >= 500 and status != 501]
    asyncio.run(_all_legs_greet(tortured_bot))
    assert "Traceback" not in tortured_bot.log()


async def _all_legs_greet(bot: LiveBot) -> None:
    await asyncio.gather(*(greeted(bot, user=f"after{number}") for number in range(LEGS)))
