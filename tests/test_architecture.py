"""Which module may import which: walks the imports of every file and compares them with the rings. And sizes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]

PURE = (
    "ivr.acd",
    "ivr.flow",
    "ivr.errors",
    "ivr.immutable",
    "ivr.json_object",
    "ivr.language_tags",
    "ivr.units",
    "ivr.config",
    "ivr.config_admission",
    "ivr.config_front",
    "ivr.config_monitoring",
    "ivr.config_queues",
    "ivr.config_section",
    "ivr.config_services",
    "ivr.config_speaking",
    "ivr.config_video",
    "ivr.config_ice",
    "ivr.config_phone",
    "ivr.config_web",
    "ivr.config_websocket",
    "ivr.config_workers",
    "ivr.model_errors",
    "ivr.model_schema",
    "ivr.secrets_in_text",
    "ivr.yaml_source",
    "ivr.yaml_syntax",
    "ivr.written",
    "ivr.calls.admission",
    "ivr.calls.call_context",
    "ivr.calls.monitoring",
    "ivr.calls.calling_back",
    "ivr.calls.hunting",
    "ivr.calls.queueing",
    "ivr.calls.queueing_commands",
    "ivr.calls.queueing_events",
    "ivr.calls.reaching",
    "ivr.calls.record",
    "ivr.calls.returning",
    "ivr.calls.ringing",
    "ivr.calls.routing",
    "ivr.calls.timers",
    "ivr.calls.transfer",
    "ivr.calls.transfer_commands",
    "ivr.calls.transfer_events",
    "ivr.calls.transfer_outcome",
    "ivr.publishing.plan",
    "ivr.front.workers",
    "ivr.supervisor.far_workers",
    "ivr.supervisor.fleet",
    "ivr.supervisor.node_report",
    "ivr.supervisor.slots",
    "ivr.supervisor.worker_counts",
)
PORTS = ("ivr.ports",)
APPLICATION = (
    "ivr.calls.act_thread",
    "ivr.calls.call_limit",
    "ivr.calls.call_measures",
    "ivr.calls.call_monitoring",
    "ivr.calls.call_ports",
    "ivr.calls.call_queueing",
    "ivr.calls.call_recorder",
    "ivr.calls.call_transfers",
    "ivr.calls.callback_call",
    "ivr.calls.callback_record",
    "ivr.calls.callbacks",
    "ivr.calls.driver",
    "ivr.calls.early_media",
    "ivr.calls.hold_sound",
    "ivr.calls.jobs",
    "ivr.calls.listener",
    "ivr.calls.lost_recordings",
    "ivr.calls.note",
    "ivr.calls.person_legs",
    "ivr.calls.offering",
    "ivr.calls.prompt_player",
    "ivr.calls.quality",
    "ivr.calls.queue_clerk",
    "ivr.calls.queue_visit",
    "ivr.calls.registry",
    "ivr.calls.survey_answers",
    "ivr.calls.transfer_driver",
    "ivr.calls.transfer_sounds",
    "ivr.flows",
    "ivr.logs",
    "ivr.phone",
    "ivr.publishing",
    "ivr.settings",
)
SHARED = (
    "ivr.certificates",
    "ivr.helper_process",
    "ivr.processors",
    "ivr.service_manager",
    "ivr.unix_socket",
)
"""What several need and none of them owns: processes, pipes, no engine."""

ADAPTERS = ("ivr.front", "ivr.measures", "ivr.services", "ivr.sip", "ivr.speech", "ivr.storage", "ivr.web")
TESTING = ("ivr.rehearsal", "ivr.testing")
TOP = (
    "ivr.admission_watch",
    "ivr.app",
    "ivr.app_queues",
    "ivr.app_services",
    "ivr.app_targets",
    "ivr.late_messenger",
    "ivr.check_context",
    "ivr.desk_process",
    "ivr.cli",
    "ivr.doctor",
    "ivr.doctor_machine",
    "ivr.doctor_services",
    "ivr.live_test",
    "ivr.memory",
    "ivr.supervisor",
)

MAY_IMPORT: dict[tuple[str, ...], tuple[str, ...]] = {
    PURE: PURE,
    PORTS: (*PORTS, *PURE),
    APPLICATION: (*APPLICATION, *PORTS, *PURE),
    SHARED: (*SHARED, *PURE),
    **{(adapter,): (adapter, *SHARED, *PORTS, *PURE) for adapter in ADAPTERS},
    TESTING: (*TESTING, *APPLICATION, *PORTS, *PURE),
    TOP: ("ivr",),
}

NOT_IN_PURE = {
    "asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil",
    "signal", "socket", "sqlite3", "ssl", "structlog", "subprocess", "sys", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
"""Clocks, chance, files, networks, threads and logs; `urllib.parse` is arithmetic on text."""

ENGINES = {
    "pjsua2": "ivr.sip",
    "vosk": "ivr.speech",
    "pyttsx3": "ivr.speech",
    "webrtcvad": "ivr.speech",
    "sqlalchemy": "ivr.storage",
    "alembic": "ivr.storage",
    "psycopg": "ivr.storage",
    "httpcore": "ivr.services",
    "holidays": "ivr.services",
    "smtplib": "ivr.services",
    "prometheus_client": "ivr.measures",
    "argon2": "ivr.web",
    "fastapi": "ivr.web",
    "starlette": "ivr.web",
    "uvicorn": "ivr.web",
}
"""Third-party engine to the one package that may know it."""

EXAMINERS = ("ivr.doctor", "ivr.doctor_services")
"""Looks at what is installed, engines included, inside functions only."""

MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 60
LONGER = {"tests/live/test_front.py": 430}
"""Files that may be longer, and how much: its cases share bots that are started once."""

FILES = sorted((ROOT / "ivr").rglob("*.py"))


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def imports_of(file: Path, *, only_at_start: bool = False) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a file imports; `from ivr.flow import engine` is `ivr.flow.engine`."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in tree.body if only_at_start else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                is_module = (ROOT / name.replace(".", "/")).with_suffix(".py").exists()
                is_package = (ROOT / name.replace(".", "/")).is_dir()
                is_ours = str(node.module).split(".")[0] == "ivr"
                yield node.lineno, str(node.module) if is_ours and not (is_module or is_package) else name


def ring_of(module: str) -> tuple[str, ...] | None:
    return next((ring for ring in MAY_IMPORT if is_in(module, ring)), None)


def test_every_module_has_a_ring() -> None:
    packages = {"ivr", "ivr.calls"}
    strays = [module_of(file) for file in FILES if ring_of(module_of(file)) is None]
    assert set(strays) <= packages, f"say in this file which ring they belong to: {set(strays) - packages}"


@pytest.mark.parametrize("ring", MAY_IMPORT, ids=lambda ring: ring[0])
def test_no_ring_imports_what_lies_outside_it(ring: tuple[str, ...]) -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in FILES
        if is_in(module_of(file), ring)
        for line, name in imports_of(file)
        if is_in(name, ("ivr",)) and name != "ivr" and not is_in(name, MAY_IMPORT[ring])
    ]
    assert not wrong, "\n".join(wrong)


def test_the_pure_ring_knows_no_clock_no_chance_and_no_files() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in FILES
        if is_in(module_of(file), PURE)
        for line, name in imports_of(file)
        if name.split(".")[0] in NOT_IN_PURE and not name.startswith(("pathlib.Pure", "urllib.parse."))
    ]
    assert not wrong, "\n".join(wrong)


def test_each_engine_is_known_to_its_adapter_only() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in FILES
        for line, name in imports_of(file)
        if name.split(".")[0] in ENGINES and not is_in(module_of(file), (ENGINES[name.split(".")[0]], *EXAMINERS))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_command_line_loads_no_adapter_before_it_is_needed() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in FILES
        if is_in(module_of(file), ("ivr.cli",))
        for line, name in imports_of(file, only_at_start=True)
        if is_in(name, (*ADAPTERS, "ivr.app"))
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_but_the_test_command_leads_to_mocks_in_a_real_bot() -> None:
    importers = {
        module_of(file)
        for file in FILES
        for _, name in imports_of(file)
        if is_in(name, ("ivr.live_test", "ivr.rehearsal")) and not is_in(module_of(file), ("ivr.live_test", *TESTING))
    }
    serving = [name for name in importers if not name.startswith("ivr.cli.")]
    assert not serving and "ivr.cli.worker" not in importers and "ivr.cli.serve" not in importers


def test_packages_are_empty_so_that_importing_a_module_loads_nothing_else() -> None:
    allowed = {
        ROOT / "ivr/__init__.py",
        ROOT / "ivr/flow/languages/__init__.py",
        ROOT / "ivr/ports/__init__.py",  # plain values and Protocols, asked for by everybody
        ROOT / "ivr/testing/sip_peer/__init__.py",
    }
    filled = [file for file in FILES if file.name == "__init__.py" and file.stat().st_size and file not in allowed]
    assert not filled


def source_files() -> list[Path]:
    return sorted(
        file for folder in ("ivr", "tests", "benchmarks", "scripts") for file in (ROOT / folder).rglob("*.py")
    )


def test_files_are_short_enough_to_be_read() -> None:
    lines = {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8").count("\n") for file in source_files()}
    too_long = {name: count for name, count in lines.items() if count > LONGER.get(name, MOST_LINES)}
    assert not too_long, f"divide them by what they do: {too_long}"


def test_functions_are_short_enough_to_be_read() -> None:
    too_long = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for file in source_files()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert not too_long, "divide them:\n" + "\n".join(too_long)
