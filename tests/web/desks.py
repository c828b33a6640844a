"""A desk over real records, with a bot and flows that say what they are told; and a browser without a window."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from starlette.types import ASGIApp

from ivr.config_queues import QueueSettings
from ivr.config_video import VideoSettings
from ivr.config_web import WebSettings
from ivr.ports import AnswerRecord, CallEnded, CallStarted, StepRecord
from ivr.ports.desk import BotStatus, FlowsShown
from ivr.ports.people import Role, User
from ivr.storage.entries import encode
from ivr.storage.session import Session
from ivr.storage.shown_calls import ShownCalls
from ivr.storage.video import DatabaseVideo
from ivr.testing.desk import PeopleInMemory, StatedBot, StatedFlows
from ivr.testing.queues import MemoryQueues
from ivr.web.app import make_app
from ivr.web.board import Board
from ivr.web.desk import Desk
from ivr.web.floor import FloorView
from ivr.web.passwords import hashed

PASSWORD = "a-long-password"
HASH = hashed(PASSWORD)
BASE = "http://127.0.0.1:8080"
RULES = {"sales": QueueSettings(dispositions=("solved", "call_again"))}
ROOMS = VideoSettings.model_validate(
    {
        "rooms": "500-501",
        "sip": "sip:{room}@pbx.example.org",
        "websocket": "wss://pbx.example.org:8089/ws",
        "domain": "pbx.example.org",
        "guest": {"username": "guest", "password": "guest-secret"},
        "agent": {"username": "staff", "password": "staff-secret"},
        "public_url": "https://video.example.org",
    }
)
UP = BotStatus(True, 2, 4, datetime(2026, 3, 1, 8, 0, tzinfo=UTC), "")


@dataclass
class Clock:
    at: datetime = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Browser:
    """Asks one application, keeps its cookies, and follows no redirect by itself."""

    app: ASGIApp
    base: str = BASE
    headers: Mapping[str, str] = field(default_factory=dict)
    source: str = "127.0.0.1"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page."""
        return asyncio.run(self._ask("GET", path, headers))

    def post(self, path: str, data: Mapping[str, str] | bytes, **headers: str) -> httpx.Response:
        """A form."""
        return asyncio.run(self._ask("POST", path, headers, data))

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], data: Mapping[str, str] | bytes = b""
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(self.source, 1))
        named = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        content = {"content": data} if isinstance(data, bytes) else {"data": data}
        async with httpx.AsyncClient(transport=transport, base_url=self.base, cookies=self.cookies) as client:
            answer = await client.request(method, path, headers=named, **content)
            self.cookies = client.cookies
            return answer


@dataclass
class TestDesk:
    """The desk and everything behind it."""

    __test__ = False

    url: str
    desk: Desk
    people: PeopleInMemory
    bot: StatedBot
    flows: StatedFlows
    queues: MemoryQueues
    clock: Clock
    video: DatabaseVideo

    def browser(self, base: str = BASE, source: str = "127.0.0.1", **headers: str) -> Browser:
        """One that has no cookies yet."""
        return Browser(make_app(self.desk), base, headers, source)

    def write(self, *records: CallStarted | StepRecord | AnswerRecord | CallEnded) -> None:
        """Records of calls."""
        session = Session(self.url)
        for request in ({"do": "migrate"}, {"do": "write", "entries": [encode(record) for record in records]}):
            assert session.answer(request)["ok"]
        session.close()


@contextmanager
def made_desk(folder: Path, **settings: object) -> Iterator[TestDesk]:
    """With three users, one of each role."""
    url = f"sqlite:///{folder}/calls.db"
    clock, calls, people = Clock(), ShownCalls(url), PeopleInMemory()
    bot, flows = StatedBot(UP), StatedFlows(FlowsShown((), ()))
    queues = MemoryQueues(RULES)
    video = DatabaseVideo(url)
    floor = FloorView(queues, RULES, clock.now, video, fresh_s=0.0)
    for name, role in (("anna", Role.AGENT), ("sven", Role.SUPERVISOR), ("olga", Role.OPERATOR)):
        people.add(User(name, role, "", clock.at), HASH)
    desk = Desk(
        settings=WebSettings.model_validate(settings),
        people=people,
        bot=bot,
        calls=calls,
        flows=flows,
        floor=floor,
        board=Board(bot, calls, floor, clock.now, UTC),
        now=clock.now,
        zone=UTC,
        rooms={"support": ROOMS},
        door=video,
    )
    try:
        yield TestDesk(url, desk, people, bot, flows, queues, clock, video)
    finally:
        calls.close()


def csrf_of(page: httpx.Response) -> str:
    """The token of a page's form."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
    assert found, page.text
    return found[1]


def try_login(browser: Browser, name: str, password: str = PASSWORD) -> httpx.Response:
    """Send the form."""
    csrf = csrf_of(browser.get("/login"))
    return browser.post("/login", {"csrf": csrf, "name": name, "password": password})


def logged_in(desk: TestDesk, name: str = "sven", **headers: str) -> Browser:
    """A browser of somebody who has logged in."""
    browser = desk.browser(**headers)
    done = try_login(browser, name)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    return browser
