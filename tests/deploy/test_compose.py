"""compose.yaml for real: both images built, calls to workers behind Kamailio in a container, records in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType

import pytest

from ivr.testing.sip_peer import SipPeer
from tests.deploy.images import Deployment, deployed, docker_works, run
from tests.lab.fixture import lab
from tests.live.bots import answered, live
from tests.waiting import wait_until

__all__ = ["lab"]

pytestmark = [pytest.mark.live, pytest.mark.timeout(1200)]

READY_LIMIT_S = 60.0
LARGEST_MB = 500
RECORD = "select row_to_json(c) from calls c where ani = 'visitor' and ended_at is not null"


@pytest.fixture(scope="module")
def deployment(lab: ModuleType) -> Iterator[Deployment]:
    """Everything of compose.yaml but the lab. The lab's start has seen to Docker where that can run."""
    if not docker_works():
        pytest.skip("containers do not run here: neither images nor compose.yaml are tried")
    with deployed() as running:
        # The front answers health checks some seconds before the first worker takes calls.
        wait_until(
            lambda: "ready sip:" in running.compose("logs", "bot"), "the bot is ready", READY_LIMIT_S, every_s=0.3
        )
        wait_until(
            lambda: running.of_container("bot", "{{.State.Health.Status}}") == "healthy",
            "the bot's container is healthy",
            READY_LIMIT_S,
            shown=lambda: running.compose("logs", "--tail=50"),
            every_s=0.3,
        )
        yield running


@live
async def _visit(uri: str) -> None:
    async with SipPeer(user="visitor") as phone:
        call = await answered(phone.dial(uri, timeout_s=10))
        await call.wait_sound(10)
        await call.hang_up()


def test_a_call_into_the_container_leaves_its_record_in_postgresql(deployment: Deployment) -> None:
    _visit(deployment.sip_uri)
    found: list[str] = []

    def is_there() -> bool:
        found[:] = deployment.execute("postgres", "psql", "-U", "ivr", "-At", "-c", RECORD).splitlines()
        return bool(found)

    wait_until(is_there, "a record of the call", 20, shown=lambda: deployment.compose("logs", "bot"), every_s=0.3)
    (row,) = found
    assert json.loads(row)["dnis"] == "demo"
    listed = json.loads(deployment.execute("bot", "ivr", "calls", "--json"))
    assert [call["ani"] for call in listed] == ["visitor"]


def test_two_workers_behind_kamailio_take_the_calls(deployment: Deployment) -> None:
    _visit(deployment.sip_uri)
    status = json.loads(deployment.execute("bot", "ivr", "status", "--json"))
    assert status["capacity"] == 8
    assert [worker["state"] for worker in status["workers"]] == ["serving", "serving"]
    front = status["front"]
    assert front["is_up"] and front["requests"] and not front["restarts"], front
    assert {worker["name"] for worker in front["workers"]} == {"w1", "w2"}
    assert deployment.execute("bot", "cat", f"/proc/{front['pid']}/comm") == "kamailio"


def test_the_bot_runs_without_rights_and_can_write_only_where_it_keeps_things(deployment: Deployment) -> None:
    assert deployment.execute("bot", "id", "-un") == "ivr"
    process = run(["docker", "top", deployment.compose("ps", "-q", "bot"), "-eo", "pid,uid,args"])
    assert {line.split()[1] for line in process.splitlines()[1:]} == {"10001"}, process
    assert "kamailio" in process
    status = deployment.execute("bot", "sh", "-c", "grep -hE 'CapEff|NoNewPrivs' /proc/[0-9]*/status; true")
    assert set(status.splitlines()) == {"CapEff:\t0000000000000000", "NoNewPrivs:\t1"}
    tried = "for f in /etc/ivr /opt/ivr /usr; do touch $f/x 2>/dev/null && echo $f; done; touch /var/lib/ivr/x"
    assert deployment.execute("bot", "sh", "-c", tried) == ""


def test_the_health_check_asks_the_bot_by_sip(deployment: Deployment) -> None:
    assert "answers: 200 OK" in deployment.execute("bot", "ivr", "ping")
    assert "answers: 200 OK" in deployment.of_container("bot", "{{range .State.Health.Log}}{{.Output}}{{end}}")


def test_the_image_is_small(deployment: Deployment) -> None:
    size_mb = int(run(["docker", "image", "inspect", "-f", "{{.Size}}", "ivr-test-bot"])) / 1e6
    print(f"image of the bot: {size_mb:.0f} MB")  # noqa: T201
    assert size_mb <= LARGEST_MB
