"""Docker for the tests: base images where no registry is reached, and compose.yaml brought up and taken down."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.free_port import free_udp_port

ROOT: Final = Path(__file__).parents[2]
PUBLIC_BASE: Final = "debian:bookworm-slim"
LOCAL_BASE: Final = "ivr-test-base:bookworm"
BUILD_BASE: Final = "ivr-test-build:bookworm"
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
BUILD_LIMIT_S: Final = 900.0
COMMAND_LIMIT_S: Final = 60.0

_CLASSIC_BUILDER: Final = {"DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}
"""It takes local base images, and is there with every Docker."""
_DEBOOTSTRAP: Final = (
    "mmdebstrap --quiet --variant=minbase --include=python3,libespeak-ng1,ca-certificates"
    " --aptopt='Acquire::Check-Valid-Until \"false\"' --aptopt='Acquire::Languages \"none\"'"
    " --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*'"
    " --dpkgopt='path-exclude=/usr/share/locale/*'"
    ' --customize-hook=\'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*\''
    " bookworm - http://deb.debian.org/debian"
)
"""Like Debian's own slim image; with the bot's packages, which are quicker to unpack outside of a container."""
COMPOSE: Final = ("docker-compose",) if shutil.which("docker-compose") else ("docker", "compose")


class DockerError(Exception):
    """A command of Docker's failed; the text is the end of what it said."""


def docker_works() -> bool:
    """Whether there is a daemon that answers."""
    if shutil.which("docker") is None:
        return False
    return (
        subprocess.run(["docker", "version"], capture_output=True, timeout=COMMAND_LIMIT_S, check=False).returncode == 0
    )


def run(command: Sequence[str], *, limit_s: float = COMMAND_LIMIT_S, environ: dict[str, str] | None = None) -> str:
    """The standard output of a command in the project's folder. Raises DockerError."""
    environ = {**os.environ, **_CLASSIC_BUILDER, **(environ or {})}
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False, cwd=ROOT, env=environ)
    if done.returncode != 0:
        raise DockerError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout.strip()


def base_image() -> str:
    """Name of a Debian 12 to build on: the public one, or one made here. Raises DockerError."""
    for name in (LOCAL_BASE, PUBLIC_BASE):
        if run(["docker", "images", "-q", name]):
            return name
    try:
        run(["docker", "pull", "-q", PUBLIC_BASE], limit_s=BUILD_LIMIT_S)
    except DockerError:
        run(["bash", "-c", f"set -o pipefail; {_DEBOOTSTRAP} | docker import - {LOCAL_BASE}"], limit_s=BUILD_LIMIT_S)
        return LOCAL_BASE
    return PUBLIC_BASE


def build_base(base: str) -> str:
    """Name of the image that libraries are got with: it trusts whom this machine trusts, a proxy for example."""
    if not CERTIFICATES.exists():
        return base
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(CERTIFICATES, Path(folder) / "trusted.crt")
        text = f"FROM {base}\nCOPY trusted.crt /etc/ssl/trusted.crt\nENV PIP_CERT=/etc/ssl/trusted.crt\n"
        (Path(folder) / "Dockerfile").write_text(text)
        run(["docker", "build", "-q", "-t", BUILD_BASE, folder], limit_s=BUILD_LIMIT_S)
    return BUILD_BASE


@dataclass(frozen=True, slots=True)
class Deployment:
    """compose.yaml in a project of its own."""

    environ: dict[str, str]

    @property
    def sip_uri(self) -> str:
        """Where the bot is called."""
        return f"sip:demo@127.0.0.1:{self.environ['TEST_SIP_PORT']}"

    def compose(self, *arguments: str, limit_s: float = COMMAND_LIMIT_S) -> str:
        """A command of docker-compose. Raises DockerError."""
        files = ("-f", "compose.yaml", "-f", "tests/deploy/compose.test.yaml")
        return run([*COMPOSE, *files, *arguments], limit_s=limit_s, environ=self.environ)

    def execute(self, service: str, *command: str) -> str:
        """The output of a command in the container of a service. Raises DockerError."""
        return self.compose("exec", "-T", service, *command)

    def of_container(self, service: str, template: str) -> str:
        """What `docker inspect` tells of the container of a service."""
        return run(["docker", "inspect", "-f", template, self.compose("ps", "-q", service)])


@contextmanager
def deployed() -> Iterator[Deployment]:
    """Images built, containers up; both containers and their volumes are gone at the end. Raises DockerError."""
    base = base_image()
    deployment = Deployment(
        {
            "COMPOSE_PROJECT_NAME": f"ivr-test-{os.getpid()}",
            "IVR_IMAGE": "ivr-test-bot",
            "IVR_TARGET": "front",
            "POSTGRES_IMAGE": "ivr-test-postgres",
            "TEST_BASE": base,
            "TEST_BUILD_BASE": build_base(base),
            "TEST_SIP_PORT": str(free_udp_port()),
        }
    )
    with ThreadPoolExecutor() as both:
        list(both.map(lambda name: deployment.compose("build", name, limit_s=BUILD_LIMIT_S), ("bot", "postgres")))
    try:
        deployment.compose("up", "-d")
        yield deployment
    finally:
        deployment.compose("down", "--volumes", "--timeout", "10")
