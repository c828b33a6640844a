"""The same cases over the queues in memory, in SQLite and in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from ivr.acd.agent import Act, AgentState
from ivr.acd.events import EventKind
from ivr.acd.floor import DECLINED, NO_LEG, Offer
from ivr.acd.queue import CallState
from ivr.acd.standing import Standing
from ivr.acd.talk import Talk
from ivr.config_queues import QueueSettings
from ivr.errors import ActRefused, AgentUnknown
from ivr.helper_process import Answer
from ivr.ports.queues import LEASE_S, CallQueues
from ivr.storage.address import parse_address
from ivr.storage.database import open_engine, parse_url
from ivr.storage.queue_schema import agents, queue_events, queue_leases, reservations, talks, waiting_calls
from ivr.storage.queues import DatabaseQueues
from ivr.storage.remote_queues import RemoteQueues
from ivr.storage.session import Session
from ivr.testing.queues import MemoryQueues
from tests.acd.scene import at, waiting
from tests.storage.conftest import PrivatePostgres

pytestmark = pytest.mark.adapter

QUEUES = {
    "support": QueueSettings(wrap_up=30.0, dispositions=("solved",), short_abandon=5.0, expected_handle_time=100.0),
    "german": QueueSettings(skills={"german": 5}, strategy="best_match"),
    "all": QueueSettings(strategy="ring_all", wrap_up=0.0),
    "small": QueueSettings(max_length=1, overflow="support", max_wait=60.0),
    "tiny": QueueSettings(max_length=1),
}


@pytest.fixture(scope="module")
def kept_sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('queues')}/calls.db"
    DatabaseQueues(url, QUEUES).migrate()
    return url


@pytest.fixture(scope="module")
def kept_postgres(postgres_server: PrivatePostgres) -> str:
    if not postgres_server.is_running:
        postgres_server.start()
    url = postgres_server.create_database()
    opened = DatabaseQueues(url, QUEUES)
    opened.migrate()
    opened.close()
    return url


class OwnSession:
    """The other end of the wire, without a process around it: all that goes over is text."""

    def __init__(self, url: str) -> None:
        self._session = Session(url)

    def ask(self, request: Mapping[str, object], limit_s: float) -> Answer:
        answer: Answer = json.loads(json.dumps(self._session.answer(json.loads(json.dumps(request)))))
        return answer

    def close(self) -> None:
        self._session.close()


@pytest.fixture(params=["memory", "sqlite", "worker", pytest.param("postgresql", marks=pytest.mark.postgres)])
def queues(request: pytest.FixtureRequest) -> Iterator[CallQueues]:
    if request.param == "memory":
        yield MemoryQueues(QUEUES)
        return
    url = request.getfixturevalue("kept_postgres" if request.param == "postgresql" else "kept_sqlite")
    engine = open_engine(parse_url(url))
    with engine.begin() as connection:
        for table in (reservations, waiting_calls, agents, queue_leases, queue_events, talks):
            connection.execute(table.delete())
    engine.dispose()
    is_worker = request.param == "worker"
    opened = RemoteQueues(parse_address(url), QUEUES, OwnSession(url)) if is_worker else DatabaseQueues(url, QUEUES)
    yield opened
    opened.close()


def logged_in(queues: CallQueues, *names: str, **skills: int) -> None:
    for name in names:
        queues.add_agent(name, f"sip:{name}@pbx", skills)
        queues.agent_acts(name, Act.LOG_IN, at(0))


def states(queues: CallQueues) -> dict[str, str]:
    return {agent.name: agent.state.value for agent in queues.scene().agents}


def kinds(queues: CallQueues) -> list[str]:
    return [event.kind.value for event in queues.events(at(-1)) if event.kind is not EventKind.AGENT]


def test_an_agent_is_kept_as_told(queues: CallQueues) -> None:
    added = queues.add_agent("anna", "sip:anna@pbx", {"german": 5})
    assert queues.scene().agents == (added,)
    assert queues.agent_acts("anna", Act.LOG_IN, at(1)).state is AgentState.AVAILABLE
    lunch = queues.agent_acts("anna", Act.PAUSE, at(2), "lunch – äöü")
    assert (lunch.since_at, lunch.reason) == (at(2), "lunch – äöü")
    assert queues.add_agent("anna", "sip:a@pbx", {}).state is AgentState.PAUSED
    (kept,) = queues.scene().agents
    assert (kept.sip, kept.skills, kept.reason, kept.since_at) == ("sip:a@pbx", {}, "lunch – äöü", at(2))


def test_what_an_agent_cannot_do_is_refused_and_changes_nothing(queues: CallQueues) -> None:
    logged_in(queues, "anna")
    before = queues.scene()
    with pytest.raises(ActRefused, match="agent anna is available: log_in needs logged_out"):
        queues.agent_acts("anna", Act.LOG_IN, at(5))
    with pytest.raises(AgentUnknown, match="no agent 'bert'"):
        queues.agent_acts("bert", Act.LOG_IN, at(5))
    assert queues.scene() == before


def test_a_call_reads_back_as_it_entered(queues: CallQueues) -> None:
    context = {"caller": "<b>\x00\u202e", "answers": {"größe": 3.5, "yes": True, "dates": ["2026-03-02", None]}}
    call = waiting(priority=3, skills={"french": 2}, refused_by=("anna", "bert"), tries=1, context=context)
    assert queues.enter(call, at(1)) == "support"
    assert queues.enter(call, at(2)) == "support"
    assert queues.scene().calls == (call,)
    assert kinds(queues) == ["entered"]


def test_a_call_from_entering_to_the_wrap_up(queues: CallQueues) -> None:
    logged_in(queues, "anna")
    queues.enter(waiting(), at(1))
    (ring,) = queues.match("host/1", at(2))
    assert (ring.call_id, ring.queue, ring.agent, ring.sip, ring.callback) == (
        "c1",
        "support",
        "anna",
        "sip:anna@pbx",
        "",
    )
    assert queues.match("host/2", at(2)) == ()
    assert queues.tick("host/1", at(3)) == (ring,)
    assert queues.connect(ring.offer_id, at(5))
    assert (queues.tick("host/1", at(6)), states(queues)) == ((), {"anna": "on_call"})
    queues.end("c1", at(65))
    queues.end("c1", at(66))
    assert (states(queues), queues.scene().calls) == ({"anna": "wrap_up"}, ())
    assert [(e.kind.value, e.seconds) for e in queues.events(at(5)) if e.call_id] == [
        ("connected", 5.0),
        ("ended", 60.0),
    ]


def test_what_rings_at_whom_and_what_is_worked_on_can_be_seen(queues: CallQueues) -> None:
    logged_in(queues, "anna", "bert")
    queues.enter(waiting(context={"caller": "+4930"}), at(1))
    (ring,) = queues.match("host/1", at(2))
    offer = Offer(ring.offer_id, "c1", "anna", "host/1", at(2))
    assert (queues.scene().offers, queues.scene().talks) == ((offer,), ())
    queues.connect(ring.offer_id, at(5))
    assert (queues.scene().offers, queues.scene().talks) == ((offer,), ())
    queues.end("c1", at(65))
    talk = Talk(ring.offer_id, "c1", "anna", "support", at(5), at(65), 5.0, {"caller": "+4930"})
    assert (queues.scene().offers, queues.scene().talks) == ((), (talk,))
    queues.note_talk(talk.talk_id, "anna", "solved", "paid\r\nby card – äöü \U0001f600", at(70))
    said = replace(talk, disposition="solved", note="paid\nby card – äöü \U0001f600")
    assert queues.scene().talks == (said,)
    queues.agent_acts("anna", Act.READY, at(71))
    assert queues.scene().talks == ()


def test_an_agent_notes_own_talks_only_and_as_the_queue_has_it(queues: CallQueues) -> None:
    logged_in(queues, "anna", "bert")
    queues.enter(waiting(), at(1))
    queues.connect(queues.match("host/1", at(2))[0].offer_id, at(5))
    queues.end("c1", at(65))
    (talk,) = queues.scene().talks
    for talk_id, agent, disposition in (
        (talk.talk_id, "bert", ""),
        ("anna#9", "anna", ""),
        (talk.talk_id, "anna", "?"),
    ):
        with pytest.raises(ActRefused):
            queues.note_talk(talk_id, agent, disposition, "", at(66))
    assert queues.scene().talks == (talk,)


def test_the_next_call_comes_when_the_wrap_up_is_over(queues: CallQueues) -> None:
    logged_in(queues, "anna")
    queues.enter(waiting("c1"), at(0))
    queues.connect(queues.match("host/1", at(0))[0].offer_id, at(0))
    queues.end("c1", at(10))
    queues.enter(waiting("c2", after_s=11), at(11))
    assert queues.tick("host/1", at(39)) == ()
    assert [ring.call_id for ring in queues.tick("host/1", at(41))] == ["c2"]
    lasted = [(e.detail, e.seconds) for e in queues.events(at(0)) if e.kind is EventKind.AGENT and e.seconds]
    assert lasted == [("on_call", 10), ("wrap_up", 30), ("available", 1)]


def test_calls_are_matched_in_their_order_and_by_skill(queues: CallQueues) -> None:
    logged_in(queues, "anna")
    logged_in(queues, "bert", german=5)
    for call in (waiting("late", after_s=3), waiting("german", "german", after_s=4), waiting("early", after_s=1)):
        queues.enter(call, at(5))
    assert {(ring.call_id, ring.agent) for ring in queues.match("host/1", at(6))} == {
        ("early", "anna"),
        ("late", "bert"),
    }


def test_many_calls_for_which_nobody_fits_hold_up_nobody(queues: CallQueues) -> None:
    logged_in(queues, "anna")
    for number in range(12):
        queues.enter(waiting(f"c{number:02}", "german", after_s=number), at(number))
    queues.enter(waiting("behind", after_s=13), at(13))
    assert [ring.call_id for ring in queues.match("host/1", at(13))] == ["behind"]


def test_of_all_who_ring_the_first_to_answer_has_the_call(queues: CallQueues) -> None:
    logged_in(queues, "anna", "bert", "cleo")
    queues.enter(waiting("c1", "all"), at(1))
    rings = {ring.agent: ring.offer_id for ring in queues.match("host/1", at(1))}
    assert set(rings) == {"anna", "bert", "cleo"}
    assert queues.connect(rings["bert"], at(2))
    assert not queues.connect(rings["anna"], at(2))
    assert states(queues) == {"anna": "available", "bert": "on_call", "cleo": "available"}


def test_a_caller_who_hangs_up_frees_the_agent(queues: CallQueues) -> None:
    logged_in(queues, "anna")
    queues.enter(waiting(), at(0))
    (ring,) = queues.match("host/1", at(1))
    assert queues.leave("c1", at(20))
    assert not queues.leave("c1", at(20))
    assert not queues.connect(ring.offer_id, at(21))
    assert (states(queues), kinds(queues)) == ({"anna": "available"}, ["entered", "offered", "abandoned"])


def test_who_declines_or_does_not_answer(queues: CallQueues) -> None:
    logged_in(queues, "anna", "bert")
    queues.enter(waiting(), at(0))
    (first,) = queues.match("host/1", at(1))
    queues.refuse(first.offer_id, at(5), DECLINED)
    (second,) = queues.match("host/1", at(5))
    assert (first.agent, second.agent) == ("anna", "bert")
    queues.refuse(second.offer_id, at(25), "no_answer")
    assert (queues.match("host/1", at(25)), states(queues)) == ((), {"anna": "available", "bert": "paused"})


def test_an_agent_who_goes_gives_the_call_back(queues: CallQueues) -> None:
    logged_in(queues, "anna")
    queues.enter(waiting(), at(0))
    (ring,) = queues.match("host/1", at(1))
    queues.agent_acts("anna", Act.PAUSE, at(2), "lunch")
    assert queues.tick("host/1", at(3)) == ()
    assert not queues.connect(ring.offer_id, at(3))
    assert queues.scene().calls == (waiting(),)


def test_a_waiting_caller_can_be_told_place_and_time(queues: CallQueues) -> None:
    queues.enter(waiting("c1"), at(1))
    queues.enter(waiting("c2", after_s=1), at(1))
    assert queues.standing("c2", at(5)) == Standing("support", CallState.WAITING, 2, None, has_waited_too_long=False)
    logged_in(queues, "anna")
    assert queues.standing("c2", at(5)) == Standing("support", CallState.WAITING, 2, 100.0, has_waited_too_long=False)
    queues.match("host/1", at(5))
    assert queues.standing("c1", at(5)) == Standing("support", CallState.OFFERED, 1, 0.0, has_waited_too_long=False)
    assert queues.standing("c2", at(5)) == Standing("support", CallState.WAITING, 2, 100.0, has_waited_too_long=False)
    logged_in(queues, "bert")
    assert queues.standing("c2", at(5)) == Standing("support", CallState.WAITING, 2, 0.0, has_waited_too_long=False)
    queues.agent_acts("anna", Act.PAUSE, at(5), "lunch")
    late = queues.standing("c1", at(600))
    assert late is not None and late.has_waited_too_long
    assert queues.standing("c9", at(5)) is None


def test_a_full_queue_sends_callers_on_and_in_the_end_away(queues: CallQueues) -> None:
    assert queues.enter(waiting("c1", "small"), at(1)) == "small"
    assert queues.enter(waiting("c2", "small", after_s=2), at(2)) == "support"
    assert queues.enter(waiting("c3", "tiny", after_s=3), at(3)) == "tiny"
    assert queues.enter(waiting("c4", "tiny", after_s=4), at(4)) is None
    assert [(call.call_id, call.queue) for call in queues.scene().calls] == [
        ("c1", "small"),
        ("c2", "support"),
        ("c3", "tiny"),
    ]


def test_who_has_waited_too_long_goes_to_the_other_queue(queues: CallQueues) -> None:
    queues.enter(waiting("c1", "small"), at(0))
    queues.tick("host/1", at(59))
    assert queues.scene().calls[0].queue == "small"
    queues.tick("host/1", at(60))
    (call,) = queues.scene().calls
    assert (call.queue, call.arrived_at, call.entered_at) == ("support", at(0), at(60))


def test_a_callback_keeps_its_place_and_is_another_process_s(queues: CallQueues) -> None:
    queues.enter(waiting("c1"), at(0))
    queues.enter(waiting("c2", after_s=1), at(15))
    assert queues.ask_callback("c1", "+49301", at(20))
    logged_in(queues, "anna")
    (ring,) = queues.tick("host/2", at(29))
    assert (ring.call_id, ring.callback) == ("c1", "+49301")
    queues.postpone("c1", at(31))
    assert [each.call_id for each in queues.tick("host/1", at(32))] == ["c2"]
    queues.leave("c2", at(50))
    assert [each.call_id for each in queues.tick("host/1", at(640))] == ["c1"]
    queues.postpone("c1", at(650))
    assert (queues.scene().calls, kinds(queues)[-1], states(queues)) == ((), "left", {"anna": "available"})


def test_offers_and_calls_die_with_the_process_that_made_them(queues: CallQueues) -> None:
    logged_in(queues, "anna", "bert", "cleo")
    for name, owner in (("c1", "host/1"), ("c2", "host/1"), ("c3", "host/2")):
        queues.enter(waiting(name, owner=owner), at(0))
    first, _ = queues.match("host/1", at(1))
    queues.connect(first.offer_id, at(2))
    assert len(queues.tick("host/2", at(LEASE_S - 1))) == 1
    assert set(states(queues).values()) == {"on_call", "reserved"}
    assert len(queues.tick("host/2", at(LEASE_S + 1))) == 1
    assert states(queues) == {"anna": "wrap_up", "bert": "available", "cleo": "reserved"}
    assert [call.call_id for call in queues.scene().calls] == ["c3"]
    assert kinds(queues)[-2:] in (["ended", "lost"], ["lost", "ended"])
    assert queues.standing("c2", at(20)) is None
    assert not queues.connect("bert#1", at(20))


def test_a_process_that_ticks_lives(queues: CallQueues) -> None:
    queues.enter(waiting(owner="host/1"), at(0))
    for second in range(0, 60, 10):
        queues.tick("host/1", at(second))
        queues.tick("host/2", at(second))
    assert [call.call_id for call in queues.scene().calls] == ["c1"]


@pytest.mark.parametrize("queues", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_handle_times_of_the_last_hour_tell_how_long_it_takes(queues: CallQueues) -> None:
    logged_in(queues, "anna")
    for number in range(5):
        begin_s = number * 100.0
        queues.enter(waiting(f"c{number}", after_s=begin_s), at(begin_s))
        queues.connect(queues.match("host/1", at(begin_s))[0].offer_id, at(begin_s))
        queues.end(f"c{number}", at(begin_s + 50))
    queues.agent_acts("anna", Act.READY, at(480))
    queues.enter(waiting("talking", after_s=490), at(490))
    queues.connect(queues.match("host/1", at(490))[0].offer_id, at(490))
    queues.enter(waiting("next", after_s=500), at(500))
    found = queues.standing("next", at(500))
    assert found is not None and found.estimated_wait_s == 80
    later = queues.standing("next", at(500 + 3600))
    assert later is not None and later.estimated_wait_s == 100


def test_a_process_without_a_line_for_the_agent_stands_back_with_all_its_calls(queues: CallQueues) -> None:
    for name, owner in (("c1", "host/1"), ("c2", "host/1"), ("c3", "host/2")):
        queues.enter(waiting(name, owner=owner, after_s=int(name[1])), at(3))
    logged_in(queues, "anna")
    (ring,) = queues.match("host/1", at(4))
    queues.refuse(ring.offer_id, at(4), NO_LEG)
    assert states(queues) == {"anna": "available"}
    assert [each.call_id for each in queues.match("host/2", at(5))] == ["c3"]
    queues.leave("c3", at(6))
    assert queues.match("host/1", at(8)) == ()
    assert [each.call_id for each in queues.match("host/1", at(9))] == ["c1"]


def test_old_events_are_removed_and_young_ones_stay(queues: CallQueues) -> None:
    queues.enter(waiting(), at(0))
    queues.leave("c1", at(10))
    assert queues.forget(at(5)) == 1
    assert kinds(queues) == ["abandoned"]
    assert queues.forget(at(5)) == 0


def test_old_talks_whose_call_has_no_record_are_removed_and_young_ones_stay(queues: CallQueues) -> None:
    logged_in(queues, "anna")
    queues.enter(waiting(), at(1))
    queues.connect(queues.match("host/1", at(2))[0].offer_id, at(5))
    queues.end("c1", at(65))
    assert (queues.forget_talks(at(65)), len(queues.scene().talks)) == (0, 1)
    assert (queues.forget_talks(at(66)), queues.scene().talks) == (1, ())
