"""A data service that may ask a server of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ivr.config_services import HostSettings, RequestsSettings
from ivr.flow.jobs import HttpJob, JobResult
from ivr.services.data import HttpDataService
from tests.services.http_server import HttpServer

OPEN = HostSettings(allow_private=True, allow_http=True)


@asynccontextmanager
async def service(server: HttpServer, **settings: object) -> AsyncIterator[HttpDataService]:
    """One that knows the server; settings are those of `requests`."""
    given = {"hosts": {f"{server.host}:{server.port}": OPEN}, **settings}
    made = HttpDataService(RequestsSettings.model_validate(given))
    try:
        yield made
    finally:
        await made.close()


async def ask(server: HttpServer, path: str = "/", *, timeout_s: float = 5.0, **more: Any) -> JobResult:
    """What comes of one question, with further fields of the job."""
    async with service(server) as asked:
        given: dict[str, Any] = {"method": "GET", "reads_answer": True, **more}
        return await asked.ask(HttpJob(url=server.url(path), timeout_s=timeout_s, **given))
