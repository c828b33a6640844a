"""`ivr test --live`: conversations as real calls with real speech, straight to the bot and through Asterisk."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.lab import control

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

IVR = Path(sys.executable).with_name("ivr")

FLOW = """
flow: talk
start: now
variables: {name: nobody, found: {}}
defaults:
  first_input_timeout: 3s
  no_input: ["Nothing heard."]
  no_match: ["Not understood."]
  failed: bye
steps:
  now: {hours: office, open: main, closed: shut}
  shut: {say: "I am a machine. We are closed.", next: hang_up}
  main:
    menu:
      prompt: "I am a machine. Say agent, or press 1. Say goodbye, or press 2."
      choices:
        agent: {keys: "1", say: [agent], go: to_agent}
        look: {keys: "3", go: look}
        bye: {keys: "2", say: [goodbye], go: bye}
  to_agent:
    transfer:
      {to: agent, announce: "One moment.", whisper: "Here is somebody who wants to talk to you now.", ring_for: 10s}
    failed: sorry
  sorry: {say: "Nobody is there.", next: main}
  look: {request: {get: "https://crm.example.com/{{ name }}", into: found}, error: sorry, next: told}
  told: {send: {webhook: crm, variables: [name], wait: true}, failed: sorry, next: tell}
  tell: {say: "{{ name }} owes {{ found.sum }}.", next: bye}
  bye: {say: "Goodbye.", next: hang_up}
"""
RINGING = """
flow: ringing
answer: later
start: first
steps:
  first: {say: "I am a machine. Please hold on while we look for somebody.", next: answered}
  answered: {answer: true, next: hang_up}
"""
RINGING_TESTS = """
flow: ringing
tests:
  - name: the caller gives up before the answer
    call: [wait: 1s, hang up]
    expect: {answered: false}
"""
TESTS = """
flow: talk
given: {now: "2026-11-23 10:00"}
tests:
  - name: voice, a busy person, a key
    mock: {to_agent: [busy, connected]}
    call:
      - hear: "say agent"
      - say: agent
      - hear: "one moment"
      - hear: "nobody is there"
      - interrupt: {after: 800ms, press: "2"}
      - hear: goodbye
    expect: {end: bot_hung_up, reach: [sorry]}
  - name: a person answers
    call:
      - press: "1"
      - hear: "one moment"
    expect: {end: transferred, transferred_to: agent}
  - name: by night
    given: {now: "2026-11-23 23:00"}
    call: [hear: we are closed]
    expect: {end: bot_hung_up}
  - name: what is given and what services say
    given: {variables: {name: Ada}, speech: false}
    mock: {look: {status: 200, json: {sum: 12}, after: 500ms}, told: sent}
    call: [press: "3", hear: Ada owes 12]
    expect: {end: bot_hung_up, name: Ada}
  - name: unclear, and a noise
    call: [say: {text: agent, confidence: 0.1}, hear: not understood, make_noise: 1s, press: "2"]
"""
SETTINGS = """
targets: {agent: {sip: "sip:agent@127.0.0.1:5999"}}
requests: {hosts: [crm.example.com]}
send: {webhooks: {crm: {url: "https://crm.example.com/hook"}}}
calendars: {office: {timezone: Europe/Berlin, open: {mon-fri: "09:00-17:00"}}}
"""


def project(folder: Path, settings: str = "") -> Path:
    """A project with the flow and its conversations."""
    (folder / "flows").mkdir()
    (folder / "flows" / "talk.yaml").write_text(FLOW)
    (folder / "flows" / "talk.test.yaml").write_text(TESTS)
    (folder / "flows" / "ringing.yaml").write_text(RINGING)
    (folder / "flows" / "ringing.test.yaml").write_text(RINGING_TESTS)
    (folder / "ivr.yaml").write_text(SETTINGS + settings)
    return folder


def run(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit status and report."""
    done = subprocess.run(
        [IVR, "test", "flows", "--live", "--json", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "CALLER_PASSWORD": control.CALLER.password},
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    """Of each conversation."""
    return {test["name"]: test["outcome"] for test in report["tests"]}


IN_ORDER = [
    "the caller gives up before the answer",
    "voice, a busy person, a key",
    "a person answers",
    "by night",
    "what is given and what services say",
    "unclear, and a noise",
]


def test_straight_to_the_bot_several_at_once_and_told_in_order(tmp_path: Path) -> None:
    status, report = run(project(tmp_path), "--junit", "junit.xml")
    assert (status, outcomes(report)) == (0, dict.fromkeys(IN_ORDER, "passed")), report
    tests = {test["name"]: test for test in report["tests"]}
    assert list(tests) == IN_ORDER
    assert tests["a person answers"]["end"] == "transferred"
    assert any("said “agent”" in turn["text"] for turn in tests["voice, a busy person, a key"]["turns"])
    assert any("We are closed" in turn["text"] for turn in tests["by night"]["turns"]), tests["by night"]
    assert not tests["the caller gives up before the answer"]["answered"]
    assert report["took_s"] < sum(test["took_s"] for test in report["tests"])
    assert {flow["flow"]: flow["steps"]["untried"] for flow in report["coverage"]} == {"ringing": [], "talk": []}
    cases = ElementTree.parse(tmp_path / "junit.xml").getroot().iter("testcase")
    assert [case.get("name") for case in cases] == IN_ORDER


def test_through_asterisk(lab: ModuleType, tmp_path: Path) -> None:
    way = ["--through", control.number(104), "--bot-port", str(control.RTP_TRUNK_PORT)]
    caller = ["--user", control.CALLER.username, "--password-env", "CALLER_PASSWORD"]
    status, report = run(project(tmp_path), *way, *caller, "-k", "busy")
    assert (status, outcomes(report)) == (0, {"voice, a busy person, a key": "passed"}), report


def test_a_bot_that_does_not_understand_fails_with_the_place(tmp_path: Path) -> None:
    status, report = run(project(tmp_path, "speech: {recognizer: none}\n"), "-k", "busy")
    (test,) = report["tests"]
    assert status == 1 and test["outcome"] == "failed"
    assert test["difference"]["place"].startswith("flows/talk.test.yaml:")
    assert "menu: match → agent by voice" in test["difference"]["expected"]
    assert "menu: no_input" in test["difference"]["found"]


def test_a_bot_that_does_not_start_gives_2_and_its_last_words(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [IVR, "test", "flows", "--live", "--bot-port", port],
            cwd=project(tmp_path), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 2 and "the bot for the live tests did not start" in done.stderr
    assert "Traceback" not in done.stdout
