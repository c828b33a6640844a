"""The line between nodes: each tells every other one about its workers, by TCP in the nodes' own network.

    listener -> speaker   a nonce, once
    speaker -> listener   sealed reports (`ivr.supervisor.node_report`): every second, and when something changes

Each direction is a connection of its own, so a node that cannot be reached may still be heard. Only addresses of the
settings are listened to, and only with the right seal.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from ivr.errors import ConfigError
from ivr.supervisor.node_report import LINE_LIMIT_BYTES, NodeRefused, NodeReport, opened, sealed, written

SPEAK_EVERY_S: Final = 1.0
SILENT_AFTER_S: Final = 3.0
"""Nothing for so long: the node is taken out."""
_CONNECT_LIMIT_S: Final = 2.0
_AGAIN_AFTER_S: Final = 1.0
_NONCE_BYTES: Final = 16

Report = Callable[[], Awaitable[NodeReport]]
Heard = Callable[[str, NodeReport | None], None]
"""Node and its report; None when it has fallen silent."""

log = structlog.get_logger(__name__)


class Nodes:
    """This node's end of all lines."""

    def __init__(self, own: tuple[str, int], others: Sequence[str], secret: str, report: Report, heard: Heard) -> None:
        """`own`: address and port to listen at; `others`: addresses of the other nodes, which listen at that port."""
        self._own, self._others, self._secret = own, frozenset(others), secret.encode()
        self._report, self._heard = report, heard
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = {node: asyncio.Event() for node in others}
        self._current: dict[str, object] = {}
        """Of each node, the connection that counts: the newest by which it has proved itself."""
        self._refused: set[str] = set()
        self._unreached: set[str] = set()

    async def start(self) -> None:
        """Listen, and begin to speak. Raises ConfigError where the address is taken or not this machine's."""
        try:
            self._server = await asyncio.start_server(self._listen, *self._own, limit=LINE_LIMIT_BYTES)
        except OSError as error:
            raise ConfigError(
                f"front: nodes: {self._own[0]}:{self._own[1]} cannot be listened at ({error.strerror}); is `front: "
                "inner_address:` an address of this machine, and `nodes: port:` free?"
            ) from error
        for node in self._others:
            self._tasks.add(asyncio.create_task(self._speak(node), name=f"node-{node}"))

    async def stop(self) -> None:
        """Idempotent."""
        if self._server is not None:
            self._server.close()
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def say_now(self) -> None:
        """Something has changed that others should know at once."""
        for event in self._news.values():
            event.set()

    # --- speaking

    async def _speak(self, node: str) -> None:
        while True:
            try:
                await self._say(node)
            except (OSError, TimeoutError, ValueError) as error:
                if node not in self._unreached:
                    self._unreached.add(node)
                    log.warning("node_not_reached", node=node, reason=str(error) or type(error).__name__)
            await asyncio.sleep(_AGAIN_AFTER_S)

    async def _say(self, node: str) -> None:
        """Until the line breaks."""
        async with asyncio.timeout(_CONNECT_LIMIT_S):
            reader, writer = await asyncio.open_connection(node, self._own[1], local_addr=(self._own[0], 0))
        try:
            async with asyncio.timeout(_CONNECT_LIMIT_S):
                nonce = bytes.fromhex((await reader.readline()).decode("ascii"))
            for number in itertools.count():
                if reader.at_eof():
                    raise ConnectionResetError("the other node has closed the line")
                if number:  # it took what was said before
                    self._unreached.discard(node)
                writer.write(sealed(written(await self._report()), self._secret, nonce, number))
                async with asyncio.timeout(SILENT_AFTER_S):
                    await writer.drain()
                await self._news_of(node)
        finally:
            writer.transport.abort()

    async def _news_of(self, node: str) -> None:
        event = self._news[node]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), SPEAK_EVERY_S)
        event.clear()

    # --- listening

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        node = str(writer.get_extra_info("peername")[0])
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if node in self._others:
                await self._follow(node, reader, writer)
            else:
                self._refuse(node, "its address is not under `front: nodes: addresses:`")
        except NodeRefused as error:
            self._refuse(node, str(error))
        except (OSError, TimeoutError, ValueError) as error:
            log.debug("node_line_ended", node=node, reason=str(error) or type(error).__name__)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _follow(self, node: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear the node until its line breaks. Raises NodeRefused, OSError, TimeoutError, ValueError."""
        nonce, connection = secrets.token_bytes(_NONCE_BYTES), object()
        writer.write(nonce.hex().encode() + b"\n")
        try:
            for number in itertools.count():
                async with asyncio.timeout(SILENT_AFTER_S):
                    line = await reader.readline()
                if not line.endswith(b"\n"):
                    raise ConnectionResetError("the other node has closed the line")
                report = opened(line, self._secret, nonce, number)
                if number == 0:
                    self._take(node, connection)
                if self._current.get(node) is connection:
                    self._heard(node, report)
        finally:
            if self._current.get(node) is connection:
                del self._current[node]
                log.warning("node_silent", node=node, remedy="its workers get no calls of ours until it is heard again")
                self._heard(node, None)

    def _take(self, node: str, connection: object) -> None:
        if node not in self._current:
            log.info("node_heard", node=node)
        self._current[node] = connection
        self._refused.discard(node)

    def _refuse(self, node: str, reason: str) -> None:
        """Told once: whoever is refused tries again."""
        if node not in self._refused and len(self._refused) < 100:
            self._refused.add(node)
            log.error("node_refused", node=node, reason=reason)
