"""A language heard by Vosk servers elsewhere (alphacep/vosk-server, its WebSocket protocol), by this process in need.

    one utterance, one connection
      {"config": {"sample_rate", "phrase_list", "words"}}
      audio ──►  ◄── {"partial": …} or {"result": [words], "text": …}      one answer to each message with audio
      {"eof" : 1} ──►  ◄── the last {"result": …}; the server closes

Servers are tried in turn; one that failed rests. The audio of the utterance is kept until its end: when a server is
lost in mid-word, the next one, or the model of this process, gets it from the beginning.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import structlog
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException
from websockets.sync.client import connect

from ivr.errors import RecognizerFailed
from ivr.json_object import read_object
from ivr.ports import Word
from ivr.speech.decoding import Decoder, Heard, SpeechModel, decoder_of, heard_as, words_of
from ivr.speech.grammar import UNKNOWN, Grammar, build_grammar

log = structlog.get_logger(__name__)
T = TypeVar("T")

CONNECT_LIMIT_S = 0.5
"""Callers wait for it: a farm is near."""
ANSWER_LIMIT_S = 1.5
"""A server that is behind by so much at the end of an utterance is taken for lost."""
REST_S: Final = 10.0
"""A server that failed is not tried for so long."""
_MESSAGE_S = 0.1
"""Audio sent at once."""
_END = '{"eof" : 1}'
"""Servers compare it letter by letter."""
_LARGEST_ANSWER = 1 << 20
SERVER_ERRORS = (OSError, WebSocketException, InvalidHandshake, InvalidURI, ValueError, KeyError, TypeError)
"""What a server that is away, or talks nonsense, shows itself by; TimeoutError is an OSError."""


class ServerModel:
    """One language on one or several servers. `local` hears it when none of them answers."""

    def __init__(
        self,
        language: str,
        urls: Sequence[str],
        local: SpeechModel | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`urls`: ws:// or wss:// addresses."""
        self.language, self.local = language, local
        self._urls, self._clock_s = tuple(urls), clock_s
        self._rests_until_s = dict.fromkeys(self._urls, 0.0)
        self._turn = 0

    def knows(self, word: str) -> bool:
        """Servers tell nothing of their words: all are taken to be known."""
        return True

    def grammar(self, phrases: Sequence[str], allow_unknown: bool) -> Grammar | None:
        """The closed list, with every word in it; None for free speech."""
        return build_grammar(phrases, allow_unknown, self.knows) if phrases else None

    def prepare(self, phrases: Sequence[str]) -> None:
        """What hears in need of it may lack words."""
        if self.local is not None:
            self.local.prepare(phrases)

    def warn_of(self, missing: Sequence[str], step: str) -> None:
        """None is missing."""

    def decoder(self, grammar: Grammar | None, sample_rate_hz: int) -> Decoder:
        """A decoder that connects with the first audio."""
        return ServerDecoder(self, grammar, sample_rate_hz)

    def available(self) -> Iterator[str]:
        """Servers that do not rest; each time another one comes first."""
        self._turn += 1
        start = self._turn % len(self._urls)
        in_turn = self._urls[start:] + self._urls[:start]
        return (url for url in in_turn if self._rests_until_s[url] <= self._clock_s())

    def failed(self, url: str, error: Exception) -> None:
        """Give a server its rest."""
        self._rests_until_s[url] = self._clock_s() + REST_S
        log.warning("recognition_server_lost", server=url, language=self.language, error=type(error).__name__)


class ServerDecoder:
    """One utterance after the other, each over a connection of its own."""

    def __init__(self, model: ServerModel, grammar: Grammar | None, sample_rate_hz: int) -> None:
        self._model, self._grammar, self._sample_rate_hz = model, grammar, sample_rate_hz
        self._message_bytes = round(_MESSAGE_S * sample_rate_hz) * 2
        self._fed = bytearray()
        self._connection: _Connection | None = None
        self._local: Decoder | None = None
        """Hears this utterance instead."""
        self._has_lost = False
        """A server failed in this utterance."""

    def feed(self, pcm: bytes) -> None:
        """Take mono 16-bit audio. Raises RecognizerFailed where nobody hears it."""
        self._fed += pcm
        if self._local is not None:
            self._local.feed(pcm)
        elif len(self._fed) - self._sent >= self._message_bytes:
            self._do(_Connection.catch_up)

    @property
    def _sent(self) -> int:
        return self._connection.sent_bytes if self._connection else 0

    def so_far(self) -> str:
        """The words of the utterance up to now. Raises RecognizerFailed."""
        text = self._do(_Connection.so_far) if self._local is None else None
        return self._local.so_far() if self._local is not None else text or ""

    def finish(self) -> Heard:
        """End the utterance. Raises RecognizerFailed."""
        try:
            words = self._do(_Connection.finish) if self._local is None else None
            heard = heard_as(words or ()) if self._local is None else self._local.finish()
            return replace(heard, trouble=self._trouble())
        finally:
            self._fed, self._local, self._has_lost = bytearray(), None, False
            self._leave()

    def _trouble(self) -> str:
        """No address: records are read by more people than logs."""
        heard_by = "another one" if self._local is None else "the model of this process"
        return f"a recognition server was lost, {heard_by} heard it" if self._has_lost else ""

    def _do(self, act: Callable[[_Connection, bytes], T]) -> T | None:
        """Do something with a server that has all the audio; None where there is none and `_local` took over."""
        for url in self._servers():
            try:
                if self._connection is None:
                    self._connection = _Connection(url, self._config())
                return act(self._connection, bytes(self._fed))
            except SERVER_ERRORS as error:
                self._model.failed(url, error)
                self._has_lost = True
                self._leave()
        self._local = self._fallback()
        return None

    def _servers(self) -> Iterator[str]:
        if self._connection is not None:
            yield self._connection.url
        yield from self._model.available()

    def _fallback(self) -> Decoder:
        model, grammar = self._model.local, self._grammar
        if model is None:
            raise RecognizerFailed(
                f"no recognition server for {self._model.language} answers, and there is no model here to go on with: "
                f"see speech.servers and speech.models"
            )
        phrases = [phrase for phrase in grammar.phrases if phrase != UNKNOWN] if grammar else []
        decoder = decoder_of(model, phrases, grammar is not None and UNKNOWN in grammar.phrases, self._sample_rate_hz)
        decoder.feed(bytes(self._fed))
        return decoder

    def _config(self) -> str:
        config: dict[str, object] = {"sample_rate": self._sample_rate_hz, "words": True}
        if self._grammar is not None:
            config["phrase_list"] = self._grammar.phrases
        return json.dumps({"config": config}, ensure_ascii=False)

    def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Connection:
    """One utterance on one server. Everything raises one of `SERVER_ERRORS` when the server is lost."""

    def __init__(self, url: str, config: str) -> None:
        self.url, self.sent_bytes = url, 0
        self._unanswered, self._words, self._partial = 0, list[Word](), ""
        self._open = contextlib.ExitStack()
        self._socket = self._open.enter_context(
            connect(
                url, open_timeout=CONNECT_LIMIT_S, close_timeout=CONNECT_LIMIT_S, compression=None, proxy=None,
                ping_interval=None, max_size=_LARGEST_ANSWER,
            )
        )  # fmt: skip
        self._socket.send(config)

    def catch_up(self, audio: bytes) -> None:
        """Send what is new of the utterance's audio, and take what answers there are."""
        if len(audio) > self.sent_bytes:
            self._socket.send(audio[self.sent_bytes :])
            self.sent_bytes = len(audio)
            self._unanswered += 1
        with contextlib.suppress(TimeoutError):
            while self._unanswered:
                self._take(0)

    def so_far(self, audio: bytes) -> str:
        """The words up to now, as far as the server has come."""
        self.catch_up(audio)
        return " ".join([*(word.text for word in self._words), *self._partial.split()])

    def finish(self, audio: bytes) -> list[Word]:
        """The words of the whole. Raises TimeoutError."""
        self.catch_up(audio)
        self._socket.send(_END)
        self._unanswered += 1
        give_up_s = time.monotonic() + ANSWER_LIMIT_S
        while self._unanswered:
            self._take(max(give_up_s - time.monotonic(), 0))
        return self._words

    def _take(self, timeout_s: float) -> None:
        self._partial, words = read_answer(self._socket.recv(timeout=timeout_s))
        self._unanswered -= 1
        self._words += words

    def close(self) -> None:
        """Free it, whatever state it is in."""
        with contextlib.suppress(*SERVER_ERRORS):
            self._open.close()


def read_answer(text: str | bytes) -> tuple[str, list[Word]]:
    """The words that a server is not sure of yet, and those that it is. Raises ValueError, TypeError or KeyError."""
    answer = read_object(text)
    return str(answer.get("partial", "")), words_of(answer.get("result", []))


def ask(url: str, pcm: bytes, sample_rate_hz: int) -> list[Word]:
    """What a server hears in mono 16-bit audio. Raises one of SERVER_ERRORS."""
    connection = _Connection(url, json.dumps({"config": {"sample_rate": sample_rate_hz, "words": True}}))
    try:
        return connection.finish(pcm)
    finally:
        connection.close()
