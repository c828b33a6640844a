"""`ivr call` as a process of its own, and what the tests ask of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ivr.testing.sip_peer.waiting import poll

_START = "from ivr.cli.main import app; app()"


class Telephone:
    """A running `ivr call`."""

    def __init__(self, *arguments: str | Path, cache_dir: Path | None = None, **environment: str) -> None:
        self._arguments = [str(argument) for argument in arguments]
        self._environment = {**os.environ, **environment}
        if cache_dir is not None:
            self._environment["XDG_CACHE_HOME"] = str(cache_dir)
        self.output = ""
        self.errors = ""
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _START,
            "call",
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        self._readers = [asyncio.create_task(self._read(name)) for name in ("stdout", "stderr")]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await asyncio.gather(*self._readers)

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The process."""
        assert self._process is not None
        return self._process

    async def _read(self, name: str) -> None:
        stream = self.process.stdout if name == "stdout" else self.process.stderr
        assert stream is not None
        while data := await stream.read(65536):
            if name == "stdout":
                self.output += data.decode()
            else:
                self.errors += data.decode()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def status(self, limit_s: float = 30.0) -> int:
        """Exit status, once it has ended."""
        try:
            async with asyncio.timeout(limit_s):
                status = await self.process.wait()
        except TimeoutError:
            raise AssertionError(f"still running after {limit_s} s\n{self.output}\n{self.errors}") from None
        await asyncio.gather(*self._readers)
        return status

    async def said(self, text: str, limit_s: float = 15.0) -> str:
        """The first line with a text in it, on either output."""
        return await poll(lambda: self._line(text), limit_s, lambda: f"no {text!r} in\n{self.output}\n{self.errors}")

    def _line(self, text: str) -> str | None:
        lines = (self.output + "\n" + self.errors).splitlines()
        return next((line for line in lines if text in line), None)

    @property
    def report(self) -> dict[str, Any]:
        """The JSON object on standard output: the only thing there."""
        lines = self.output.splitlines()
        assert len(lines) == 1, self.output + self.errors
        report: dict[str, Any] = json.loads(lines[0])
        return report

    async def ready_uri(self) -> str:
        """Where a waiting telephone is called."""
        return (await self.said("ready sip:")).removeprefix("ready ").strip()
