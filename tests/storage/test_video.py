"""Video rooms as rows: one caller to a room, one use to a link, and who was there in the record."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ivr.calls.record import CallRecord, StepLine
from ivr.ports.video import GONE_AFTER_S, MOST_MEMBERS, Attendance, Member, NewVisit, VideoVisits
from ivr.storage.address import parse_address
from ivr.storage.remote_video import RemoteVideo, remote_video
from ivr.storage.video import DatabaseVideo
from ivr.storage.video_members import with_members

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
GONE = timedelta(seconds=GONE_AFTER_S)


def wanted(visit: str = "v1", link: str = "hash") -> NewVisit:
    return NewVisit(visit, f"call-{visit}", "support", (500, 501), f"{link}-{visit}", NOW + timedelta(minutes=10))


@pytest.fixture
def video(database_url: str) -> Iterator[DatabaseVideo]:
    made = DatabaseVideo(database_url)
    yield made
    made.close_connections()


@pytest.fixture(params=["direct", "by the helper process"])
def visits(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VideoVisits]:
    url = f"sqlite:///{tmp_path}/calls.db"
    made = DatabaseVideo(url) if request.param == "direct" else remote_video(parse_address(url))
    yield made
    if isinstance(made, RemoteVideo):
        made.end()


def test_each_caller_has_a_room_to_himself_while_there_are_some(visits: VideoVisits) -> None:
    assert [visits.open(wanted(f"v{number}"), NOW) for number in range(3)] == [500, 501, None]


def test_a_room_of_which_nothing_is_heard_is_free_again(visits: VideoVisits) -> None:
    visits.open(wanted("v1"), NOW)
    visits.open(wanted("v2"), NOW)
    visits.attend("v2", NOW + GONE / 2)
    assert visits.open(wanted("v3"), NOW + GONE) == 500


def test_a_caller_alone_is_told_so(visits: VideoVisits) -> None:
    visits.open(wanted(), NOW)
    assert visits.attend("v1", NOW) == Attendance(0, 0)
    visits.close("v1", NOW)
    visits.close("v1", NOW)


def test_several_bots_take_different_rooms(database_url: str) -> None:
    makers = [DatabaseVideo(database_url) for _ in range(2)]
    makers[0].attend("nothing", NOW)
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(lambda at: makers[at].open(wanted(f"v{at}"), NOW), range(2)))
    assert sorted(number or 0 for number in taken) == [500, 501]
    for each in makers:
        each.close_connections()


def test_of_two_who_use_a_link_at_once_one_gets_in(database_url: str) -> None:
    doors = [DatabaseVideo(database_url) for _ in range(2)]
    doors[0].open(wanted(), NOW)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda at: doors[at].use("hash-v1", f"member{at}", NOW), range(2)))
    assert [visit is None for visit in found].count(True) == 1
    assert doors[0].attend("v1", NOW) == Attendance(1, 1)
    for each in doors:
        each.close_connections()


def test_pages_keep_a_room_whose_caller_was_sent_there_by_his_own_telephone(video: DatabaseVideo) -> None:
    video.open(wanted("v1"), NOW)
    video.use("hash-v1", "member", NOW)
    later = NOW + GONE / 2
    assert video.seen("member", later)
    assert video.open(wanted("v2"), later + GONE / 2 + timedelta(seconds=1)) == 501


def test_a_room_that_is_full_takes_nobody_more(video: DatabaseVideo) -> None:
    video.open(wanted(), NOW)
    joined = [video.enter(500, f"agent{number}", f"m{number}", NOW) for number in range(MOST_MEMBERS + 1)]
    assert [visit is None for visit in joined] == [False] * MOST_MEMBERS + [True]


def test_rooms_are_shown_until_their_caller_is_gone(video: DatabaseVideo) -> None:
    video.open(wanted("v1"), NOW)
    video.open(wanted("v2"), NOW + timedelta(seconds=1))
    assert [(each.number, each.call_id) for each in video.visits(NOW)] == [(500, "call-v1"), (501, "call-v2")]
    video.close("v1", NOW)
    assert [each.number for each in video.visits(NOW)] == [501]


STEP = StepLine(0, "show", "video", NOW, NOW + timedelta(seconds=60), 1, "joined", meaning="support")


def record(*steps: StepLine) -> CallRecord:
    return CallRecord("call", NOW, steps=steps)


def member(who: str, from_s: float, to_s: float) -> Member:
    return Member(who, NOW + timedelta(seconds=from_s), NOW + timedelta(seconds=to_s))


def test_the_record_tells_who_was_there_and_for_how_long() -> None:
    found = [member("guest", 10, 52), member("anna", 20, 65)]
    (step,) = with_members(record(replace(STEP, detail="bridged")), found).steps
    assert step.detail == "bridged; guest 42 s; anna 45 s"


def test_each_visit_of_a_call_has_its_own_members() -> None:
    second = replace(STEP, sequence=2, ended_at=NOW + timedelta(seconds=200))
    menu = replace(STEP, sequence=1, kind="menu")
    found = [member("guest", 10, 20), member("anna", 100, 120), member("late", 300, 310)]
    told = [step.detail for step in with_members(record(STEP, menu, second), found).steps]
    assert told == ["guest 10 s", "", "anna 20 s; late 10 s"]
