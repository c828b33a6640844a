"""Dockerfile, .dockerignore and compose.yaml, without Docker: that they fit each other and the project."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivr.cli.main import SUMMARIES
from ivr.front.kamailio import PACKAGES
from tests.deploy.images import COMPOSE as COMPOSE_COMMAND

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STAGES = {
    stage.partition("\n")[0].split()[-1]: stage for stage in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
}
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def copied() -> set[str]:
    """What the Dockerfile copies out of the project."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return {name for line in lines for name in line.split()}


def test_what_is_copied_is_there_and_nothing_else_is_sent_to_docker() -> None:
    assert copied() == {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied())
    assert "*" in IGNORED


def test_the_bot_runs_without_root_and_is_asked_for_its_health() -> None:
    bot = STAGES["bot"]
    assert re.findall(r"^USER .*$", bot, re.MULTILINE) == ["USER ivr"]
    assert bot.index("\nUSER") < bot.index("\nENTRYPOINT")
    checked = re.search(r'^HEALTHCHECK .*CMD \["ivr", "(\w+)"\]$', bot, re.MULTILINE)
    assert checked and checked[1] in SUMMARIES
    assert 'ENTRYPOINT ["ivr"]\nCMD ["serve"]' in bot


def test_the_image_with_kamailio_is_the_bots_with_what_the_front_needs_and_nothing_else() -> None:
    front = STAGES["front"]
    assert front.startswith("bot AS front\n")
    assert f"{PACKAGES} netbase" in front, "Kamailio looks for /etc/protocols, which netbase brings"
    assert re.findall(r"^(?!RUN )[A-Z]+ .*$", front, re.MULTILINE) == ["USER root", "USER ivr"]


def test_compose_builds_without_kamailio_unless_it_is_asked_for() -> None:
    asked = re.fullmatch(r"\$\{IVR_TARGET:-(\w+)\}", SERVICES["bot"]["build"]["target"])
    assert asked and asked[1] == "bot"


def test_the_classic_builder_understands_the_dockerfile() -> None:
    assert not re.search(r"--mount|--chmod|--link|<<|^# syntax=", DOCKERFILE, re.MULTILINE)


def test_package_lists_stay_in_no_layer() -> None:
    for command in re.findall(r"^RUN (?:.*\\\n)*.*$", DOCKERFILE, re.MULTILINE):
        assert ("apt-get update" in command) == ("rm -rf /var/lib/apt/lists/*" in command), command
        assert ("apt-get install" in command) == ("--no-install-recommends" in command), command


def test_the_bot_has_no_rights_that_it_does_not_need() -> None:
    bot = SERVICES["bot"]
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in bot


def test_the_database_can_be_reached_by_its_socket_only() -> None:
    postgres = SERVICES["postgres"]
    assert postgres["network_mode"] == "none"
    assert "ports" not in postgres
    (socket,) = set(postgres["volumes"]) & set(SERVICES["bot"]["volumes"])
    folder = socket.partition(":")[2]
    assert SERVICES["bot"]["environment"]["IVR_DATABASE__URL"].endswith(f"?host={folder}")


def test_the_lab_comes_only_where_it_is_asked_for() -> None:
    assert [name for name, service in SERVICES.items() if service.get("profiles")] == ["asterisk"]
    assert SERVICES["asterisk"]["profiles"] == ["lab"]
    assert (ROOT / SERVICES["asterisk"]["build"]["context"] / "Dockerfile").exists()


def test_docker_compose_reads_it() -> None:
    command = [*COMPOSE_COMMAND, "-f", "compose.yaml", "--profile", "lab", "config", "-q"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        pytest.skip("there is no docker-compose here")
    assert done.returncode == 0, done.stderr
