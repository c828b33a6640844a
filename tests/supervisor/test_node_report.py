"""What a node tells others: who can have written it, and what is taken for a report."""

from __future__ import annotations

import json

import pytest

from ivr.supervisor.node_report import NodeRefused, NodeReport, WorkerReport, opened, sealed, written

pytestmark = pytest.mark.unit

SECRET, NONCE = b"of sixteen or more", b"n" * 16
WORKER = WorkerReport("w1", "10.0.0.2", 5200, 4, True, "a.1")
REPORT = NodeReport((WORKER,), {"10.0.0.1:5200": 2})


def test_a_report_is_read_as_it_was_written() -> None:
    assert opened(sealed(written(REPORT), SECRET, NONCE, 7), SECRET, NONCE, 7) == REPORT


@pytest.mark.parametrize(
    ("secret", "nonce", "number"),
    [(b"another one's secret", NONCE, 7), (SECRET, b"m" * 16, 7), (SECRET, NONCE, 8)],
    ids=["without the secret", "of another connection", "said once before"],
)
def test_a_line_counts_once_where_it_was_said_and_from_those_who_know_the_secret(
    secret: bytes, nonce: bytes, number: int
) -> None:
    with pytest.raises(NodeRefused, match="set the same secret on all nodes"):
        opened(sealed(written(REPORT), SECRET, NONCE, 7), secret, nonce, number)


def test_a_changed_line_is_no_line_of_ours() -> None:
    line = sealed(written(REPORT), SECRET, NONCE, 0)
    for changed in (line.replace(b"10.0.0.2", b"10.0.0.9"), b"", b"\n", b" {}\n", b"\xff\xfe \n"):
        with pytest.raises(NodeRefused):
            opened(changed, SECRET, NONCE, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"host": "node-b"},
        {"host": "10.0.0.2:5\r\n"},
        {"port": 0},
        {"port": 70000},
        {"capacity_legs": -1},
        {"name": "x" * 99},
        {"name": 7},
        {"more": 1},
    ],
)
def test_a_worker_that_cannot_be_is_refused_with_the_remedy(change: dict[str, object]) -> None:
    said = json.loads(written(REPORT))
    said["workers"][0] |= change
    with pytest.raises(NodeRefused, match="run the same release on all nodes"):
        opened(sealed(json.dumps(said).encode(), SECRET, NONCE, 0), SECRET, NONCE, 0)


@pytest.mark.parametrize("content", [b"", b"7", b"[]", b'{"form": 2}', b'{"form": 1, "workers": 3, "legs": {}}'])
def test_another_form_of_report_is_refused(content: bytes) -> None:
    with pytest.raises(NodeRefused, match="same release"):
        opened(sealed(content, SECRET, NONCE, 0), SECRET, NONCE, 0)
