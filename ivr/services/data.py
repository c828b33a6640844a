"""`DataService` by HTTP: limits of time, retries, and data out of the answer. Loads httpx with the first question."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import structlog

from ivr.config_services import NO_PROXY, ProxySettings, RequestsSettings
from ivr.flow.answers_data import TooMuch, require_bounded
from ivr.flow.jobs import HttpJob, JobOutcome, JobResult
from ivr.services.hosts import hosts_of

if TYPE_CHECKING:
    from ivr.services.http_client import Answer, HttpClient, Question

USER_AGENT: Final = "ivr"
BACKOFF_S: Final = 0.2
"""Before the first repetition; doubled before each further one, and up to half longer by chance."""
RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504})
_PARSED_ASIDE_BYTES: Final = 65_536
"""Longer answers are parsed in a thread."""

log = structlog.get_logger(__name__)


class HttpDataService:
    """Asks the hosts of `requests:`."""

    def __init__(self, settings: RequestsSettings, proxy: ProxySettings = NO_PROXY) -> None:
        self._settings, self._proxy = settings, proxy
        self._client: HttpClient | None = None

    async def warm_up(self) -> None:
        """Load what questions need, off the loop: the first caller need not wait for it."""
        client = await asyncio.to_thread(self._load)
        await client.prepare({rules.ca_file for rules in hosts_of(self._settings).rules.values()})

    async def ask(self, job: HttpJob) -> JobResult:
        """What the service answered, within the job's time."""
        try:
            async with asyncio.timeout(job.timeout_s):
                result = await self._ask(job)
        except TimeoutError:
            result = JobResult(JobOutcome.TIMEOUT, detail=f"no whole answer within {job.timeout_s:g} s")
        log.info("request_done", outcome=str(result.outcome), status=result.status)
        return result

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    def _load(self) -> HttpClient:
        if self._client is None:
            from ivr.services.http_client import HttpClient
            from ivr.services.proxy import proxy_of

            self._client = HttpClient(hosts_of(self._settings).find, USER_AGENT, proxy_of(self._proxy))
        return self._client

    async def _ask(self, job: HttpJob) -> JobResult:
        client = await asyncio.to_thread(self._load)
        from ivr.services.http_client import NoAnswer, RequestRefused

        question = self._question(job)
        for number in range(job.retries + 1):
            is_last = number == job.retries
            wait_s = BACKOFF_S * 2**number * random.uniform(1.0, 1.5)
            try:
                answer = await client.ask(question)
            except RequestRefused as error:
                return JobResult(JobOutcome.FAILED, detail=str(error))
            except NoAnswer as error:
                if is_last:
                    return JobResult(JobOutcome.FAILED, detail=str(error))
            else:
                if is_last or answer.status not in RETRIED_STATUSES:
                    return await _result(job, answer)
                wait_s = max(wait_s, answer.retry_after_s or 0.0)
            await asyncio.sleep(wait_s)
        raise AssertionError("the last round returns")

    def _question(self, job: HttpJob) -> Question:
        from ivr.services.http_client import Question

        body, kind = _body(job)
        headers = {**job.headers, **({"Content-Type": kind} if kind else {})}
        headers.setdefault("Accept", "application/json")
        limit_bytes = self._settings.max_answer_kb * 1024
        return Question(job.method, job.url, headers, body, limit_bytes, self._settings.max_redirects)


def _body(job: HttpJob) -> tuple[bytes, str]:
    if job.json is not None:
        return json.dumps(job.json, default=str).encode(), "application/json"
    if job.form is not None:
        return urlencode(job.form).encode(), "application/x-www-form-urlencoded"
    return b"", ""


async def _result(job: HttpJob, answer: Answer) -> JobResult:
    status = answer.status
    if not any(first <= status <= last for first, last in job.accepted):
        return JobResult(JobOutcome.FAILED, status=status, detail=f"status {status}")
    if not job.reads_answer:
        return JobResult(JobOutcome.DONE, status=status)
    try:
        if len(answer.body) > _PARSED_ASIDE_BYTES:
            value = await asyncio.to_thread(read_json, answer.body)
        else:
            value = read_json(answer.body)
    except ValueError as error:
        return JobResult(JobOutcome.FAILED, detail=f"status {status}, but the answer cannot be used: {error}")
    return JobResult(JobOutcome.DONE, value, status)


def read_json(body: bytes) -> object:
    """The data of a JSON text (RFC 8259), bounded. Raises ValueError; its text holds nothing of the answer."""
    try:
        value: object = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except TooMuch:
        raise
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON" if isinstance(error, ValueError) else "it is nested too deeply") from None
    require_bounded(value)
    return value


def _no_number(name: str) -> object:
    raise TooMuch(f"{name} is no number of JSON")
