"""Recognition by Vosk servers: real servers on ports of this machine, lost at each moment."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from ivr.doctor import check_speech_server
from ivr.errors import RecognizerFailed
from ivr.speech.pcm import pad, read_wav
from ivr.speech.vosk_engine import VoskModel
from ivr.speech.vosk_server import REST_S, ServerDecoder, ServerModel
from ivr.testing.clock import ManualClock
from tests.speech.conftest import ENGLISH_MODEL
from tests.vosk_server import VoskServer

pytestmark = pytest.mark.adapter

WORDS = ("no", "agent", "message")


@pytest.fixture
def agent_pcm(english_dir: Path) -> bytes:
    """A person says "agent"."""
    return pad(read_wav(english_dir / "spy-agent.wav"), 0.3).pcm16()


@pytest.fixture
def server() -> Iterator[VoskServer]:
    with VoskServer(ENGLISH_MODEL) as running:
        yield running


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The address of a port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"ws://127.0.0.1:{held.getsockname()[1]}"


def decoder(*urls: str, local: VoskModel | None = None, clock: ManualClock | None = None) -> ServerDecoder:
    model = ServerModel("en", urls, local, (clock or ManualClock()).monotonic_s)
    made = model.decoder(model.grammar(WORDS, True), 8000)
    assert isinstance(made, ServerDecoder)
    return made


def feed(hearing: ServerDecoder, pcm: bytes) -> None:
    for offset in range(0, len(pcm), 320):
        hearing.feed(pcm[offset : offset + 320])


def test_a_server_hears_with_the_closed_list(server: VoskServer, agent_pcm: bytes) -> None:
    hearing = decoder(server.url)
    for count in (1, 2):
        feed(hearing, agent_pcm)
        assert hearing.so_far() in ("", "agent")
        heard = hearing.finish()
        assert (heard.text, [word.text for word in heard.words]) == ("agent", ["agent"]) and heard.confidence > 0.9
        assert [request["phrase_list"] for request in server.requests] == [[*WORDS, "[unk]"]] * count


def test_the_next_server_hears_the_utterance_from_its_beginning(server: VoskServer, agent_pcm: bytes) -> None:
    with VoskServer(ENGLISH_MODEL) as other:
        hearing, half = decoder(server.url, other.url), len(agent_pcm) // 640 * 320
        feed(hearing, agent_pcm[:half])
        (server if server.requests else other).kill()
        feed(hearing, agent_pcm[half:])
        heard = hearing.finish()
        assert (heard.text, heard.trouble) == ("agent", "a recognition server was lost, another one heard it")
        assert server.requests and other.requests


def test_the_model_here_goes_on_in_mid_word(server: VoskServer, agent_pcm: bytes) -> None:
    hearing, half = decoder(server.url, local=VoskModel(ENGLISH_MODEL, "en")), len(agent_pcm) // 640 * 320
    feed(hearing, agent_pcm[:half])
    server.kill()
    with structlog.testing.capture_logs() as logs:
        feed(hearing, agent_pcm[half:])
        heard = hearing.finish()
    assert (heard.text, "model of this process heard it" in heard.trouble) == ("agent", True)
    feed(hearing, agent_pcm)
    assert hearing.finish().trouble == "", "only the utterance that was concerned"
    assert [entry["event"] for entry in logs] == ["recognition_server_lost"]
    assert "agent" not in str(logs)


def test_a_server_that_is_away_rests_and_is_asked_again(agent_pcm: bytes) -> None:
    clock, local = ManualClock(), VoskModel(ENGLISH_MODEL, "en")
    with VoskServer(ENGLISH_MODEL) as first:
        url = first.url
    hearing = decoder(url, local=local, clock=clock)
    feed(hearing, agent_pcm)
    assert hearing.finish().text == "agent"
    with VoskServer(ENGLISH_MODEL, int(url.rpartition(":")[2])) as again:
        for rested_s, asked in ((REST_S - 1, 0), (2.0, 1)):
            clock.advance(rested_s)
            feed(hearing, agent_pcm)
            assert hearing.finish().text == "agent" and len(again.requests) == asked


def test_without_a_model_here_the_failure_says_what_to_do(nowhere: str, agent_pcm: bytes) -> None:
    with pytest.raises(RecognizerFailed, match=r"no recognition server for en answers.*speech\.servers"):
        feed(decoder(nowhere), agent_pcm)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"])
def test_something_else_on_the_port_is_no_server(answer: bytes, agent_pcm: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(5)
                connection.recv(4096)
                connection.sendall(answer)
                if not answer:
                    connection.recv(4096)  # says nothing until the other side gives up

        thread = threading.Thread(target=serve)
        thread.start()
        hearing = decoder(f"ws://127.0.0.1:{listening.getsockname()[1]}", local=VoskModel(ENGLISH_MODEL, "en"))
        feed(hearing, agent_pcm)
        assert hearing.finish().text == "agent"
        thread.join()


def test_doctor_asks_each_server(server: VoskServer, nowhere: str) -> None:
    assert "answers in" in check_speech_server(server.url).text
    assert "take it out of speech.servers" in check_speech_server(nowhere).remedy
