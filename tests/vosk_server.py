"""A Vosk server with the WebSocket protocol of alphacep/vosk-server, for tests: real recognition on a loopback port."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import vosk
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve


class VoskServer:
    """Serves until it is left; `kill` ends it with its connections, `requests` tells what it was asked."""

    def __init__(self, model: Path, port: int = 0) -> None:
        vosk.SetLogLevel(-1)
        self._model = vosk.Model(str(model))
        self._port = port
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._open: set[ServerConnection] = set()
        self.requests: list[dict[str, Any]] = []
        """Configurations that were sent, one for each utterance."""
        self.heeds_lists = True
        """A large model cannot be held to a list: it hears whatever is said."""

    def __enter__(self) -> Self:
        self._server = serve(self._recognize, "127.0.0.1", self._port, compression=None)
        self._port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="vosk-server", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"ws://127.0.0.1:{self._port}"

    def kill(self) -> None:
        """End it in whatever it does. Idempotent."""
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        server.shutdown()
        for connection in list(self._open):
            connection.socket.close()
        self._thread.join()

    def _recognize(self, connection: ServerConnection) -> None:
        self._open.add(connection)
        try:
            self._serve(connection)
        except (ConnectionClosed, OSError):
            pass
        finally:
            self._open.discard(connection)

    def _serve(self, connection: ServerConnection) -> None:
        engine, config = None, dict[str, Any]()
        for message in connection:
            if isinstance(message, str) and "config" in message:
                config = json.loads(message)["config"]
                self.requests.append(config)
                continue
            engine = engine or self._engine(config)
            if message == '{"eof" : 1}':
                connection.send(engine.FinalResult())
                return
            connection.send(engine.Result() if engine.AcceptWaveform(message) else engine.PartialResult())

    def _engine(self, config: dict[str, Any]) -> Any:
        listed = (
            [json.dumps(config["phrase_list"], ensure_ascii=False)]
            if "phrase_list" in config and self.heeds_lists
            else []
        )
        engine = vosk.KaldiRecognizer(self._model, float(config.get("sample_rate", 8000)), *listed)
        engine.SetWords(bool(config.get("words")))
        return engine
