"""Queues whose database is away, or in another process."""

from __future__ import annotations

import pytest

from ivr.acd.agent import Act
from ivr.errors import AgentUnknown, StorageError
from ivr.storage.address import parse_address
from ivr.storage.queues import DatabaseQueues
from ivr.storage.remote_queues import RemoteQueues, remote_queues
from tests.acd.scene import at
from tests.storage.test_queues import QUEUES, OwnSession

pytestmark = pytest.mark.adapter


def test_a_database_that_is_away_is_said_to_be() -> None:
    queues = DatabaseQueues("postgresql://ivr:geheim@127.0.0.1:1/none", QUEUES)
    with pytest.raises(
        StorageError, match=r"cannot be reached in postgresql://ivr:\*\*\*@.*start the database"
    ) as caught:
        queues.scene()
    assert caught.value.retryable and "geheim" not in str(caught.value)
    queues.close()


def test_a_worker_asks_the_process_that_has_the_database(sqlite_url: str) -> None:
    made = DatabaseQueues(sqlite_url, QUEUES)
    made.migrate()
    made.close()
    queues = remote_queues(parse_address(sqlite_url), QUEUES)
    queues.add_agent("anna", "sip:anna@pbx", {"german": 5})
    assert queues.scene().agents[0].skills == {"german": 5}
    with pytest.raises(AgentUnknown, match="no agent 'nobody'"):
        queues.agent_acts("nobody", Act.LOG_IN, at(0))
    queues.close()
    with pytest.raises(StorageError, match="the process that has the database failed"):
        queues.scene()


def test_a_worker_is_told_that_the_database_is_away() -> None:
    url = "postgresql://ivr:geheim@127.0.0.1:1/none"
    queues = RemoteQueues(parse_address(url), QUEUES, OwnSession(url))
    with pytest.raises(StorageError, match="start the database") as caught:
        queues.tick("host/1", at(0))
    assert caught.value.retryable and "geheim" not in str(caught.value)
    queues.close()
