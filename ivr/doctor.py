"""What `ivr doctor` looks at: everything the bot needs before its first call, each with its remedy. Root ring.

Engines are really used, not only imported. Those written in C are tried in a process of their own: a library that
crashes becomes a finding like any other.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ivr.config import Settings
from ivr.doctor_machine import (
    Finding,
    check_folder,
    check_python,
    check_rtp_ports,
    check_sip_port,
    failed,
    ok,
    warning,
)
from ivr.doctor_services import service_checks
from ivr.errors import ConfigError, IvrError, Severity
from ivr.flow.segments import Speech

TRIAL_LIMIT_S: Final = 60.0
"""A large speech model takes some seconds to load."""

_TRY_SIP: Final = """
from ivr.config import SipSettings
from ivr.sip.endpoint import Endpoint
endpoint = Endpoint(SipSettings(address="127.0.0.1", port=0))
endpoint.open()
print(endpoint.max_legs)
endpoint.close()
"""
_TRY_MODEL: Final = """
import sys
from pathlib import Path
from ivr.speech.vosk_engine import VoskModel
model = VoskModel(Path(sys.argv[1]), sys.argv[2])
print(model.sample_rate_hz)
"""
_REINSTALL: Final = "run `make clean setup`"


def examine(config: Path | None = None) -> list[Finding]:
    """Every check, in the order in which the bot needs things. With unusable settings the rest uses the defaults."""
    findings = [check_python()]
    settings, finding = check_settings(config)
    findings.append(finding)
    sip, speech = settings.sip, settings.speech
    checks: list[Callable[[], Finding]] = [
        lambda: check_sip_library(sip.max_calls or 1),
        lambda: check_sip_port(sip),
        lambda: check_rtp_ports(sip),
        lambda: check_synthesizer(settings),
        *model_checks(settings),
        lambda: check_sounds(Path(settings.sounds)),
        lambda: check_flows(settings),
        lambda: check_folder("prompt cache", cache_dir(settings), speech.cache_limit_mb * 1_000_000),
        lambda: check_database(settings.database.url),
        lambda: check_folder("record spool", Path(settings.database.spool_dir)),
        *service_checks(settings),
    ]
    return findings + [check() for check in checks]


def cache_dir(settings: Settings) -> Path:
    """Where rendered prompts are kept."""
    import platformdirs

    return Path(settings.speech.cache_dir or platformdirs.user_cache_dir("ivr"))


def check_settings(config: Path | None) -> tuple[Settings, Finding]:
    """The settings are readable, and the environment holds the secrets that they name."""
    from ivr.settings import DEFAULT_FILE, load_settings

    file = config or DEFAULT_FILE
    try:
        settings = load_settings(config)
    except ConfigError as error:
        return Settings(), failed("settings", error)
    accounts = len(settings.sip.accounts)
    what = f"{accounts} account{'' if accounts == 1 else 's'}, {len(settings.numbers)} numbers"
    return settings, ok("settings", f"{file if file.exists() else 'built in'}: {what}, secrets are set")


def check_sip_library(wanted_legs: int = 1) -> Finding:
    """pjsua2 starts here, and carries as many calls as the settings ask for."""
    output, problem = _try(_TRY_SIP)
    if problem:
        return failed("sip library", f"pjsua2 does not start: {problem}; {_REINSTALL}")
    legs = int(output.split()[-1])
    if legs < wanted_legs:
        remedy = f"lower `sip: max_calls:` to {legs}"
        return warning("sip library", f"pjsua2 carries {legs} legs, the settings want {wanted_legs}; {remedy}")
    return ok("sip library", f"pjsua2 starts, {legs} legs at once")


def check_synthesizer(settings: Settings) -> Finding:
    """A word is really synthesized."""
    name, speech = "speech synthesis", settings.speech
    from ivr.speech.synthesizers import make_synthesizer, voices_of_engines

    synthesizer = make_synthesizer(speech)
    if synthesizer is None:
        return ok(name, "switched off by the settings")
    language = next(iter(voices_of_engines(speech)[speech.synthesizer]), "en-US")
    started_s = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "word.wav"
            synthesizer.synthesize(Speech("welcome", language), wav)
            size_bytes = wav.stat().st_size
    except (IvrError, OSError) as error:
        return failed(name, error)
    finally:
        synthesizer.close()
    command = speech.commands.get(speech.synthesizer)
    if command and command.shows_text:
        what = f"{speech.synthesizer} takes {{text}} as an argument, so it refuses what is sensitive"
        return warning(name, f"{what}; leave {{text}} out of `speech: commands:`, and the text comes on standard input")
    return ok(name, f"{synthesizer.name} spoke a word: {size_bytes} bytes in {time.monotonic() - started_s:.1f} s")


def model_checks(settings: Settings) -> list[Callable[[], Finding]]:
    """One check per speech model of the settings."""
    name = "speech model"
    if settings.speech.recognizer == "none":
        return [lambda: ok(name, "recognition is switched off by the settings")]
    from ivr.speech.model_store import configured_models

    try:
        models = configured_models(settings.speech.models)
    except IvrError as error:
        problem = failed(name, error)
        return [lambda: problem]
    return [
        *(lambda model=model, tag=tag: check_model(str(model), model.path, tag) for tag, model in models.items()),
        *(lambda url=url: check_speech_server(url) for urls in settings.speech.servers.values() for url in urls),
    ]


def check_model(name: str, folder: Path, language: str) -> Finding:
    """The model is complete and Vosk loads it."""
    started_s = time.monotonic()
    output, problem = _try(_TRY_MODEL, str(folder), language)
    if problem:
        hint = "" if "; " in problem else f"; {_REINSTALL}"
        return failed("speech model", f"{problem}{hint}")
    loaded_s = time.monotonic() - started_s
    return ok("speech model", f"{name}, {output.split()[-1]} Hz, loads in {loaded_s:.1f} s with Vosk itself")


def check_speech_server(url: str) -> Finding:
    """The server takes a tenth of a second of silence and answers; the call goes on without it."""
    from ivr.speech.vosk_server import SERVER_ERRORS, ask

    started_s = time.monotonic()
    try:
        ask(url, bytes(1600), 8000)
    except SERVER_ERRORS as error:
        remedy = "start it, or take it out of speech.servers; calls go on with the model here, or by keys"
        return warning("speech server", f"{url}: {error or type(error).__name__}; {remedy}")
    return ok("speech server", f"{url} answers in {time.monotonic() - started_s:.2f} s")


def _try(code: str, *arguments: str) -> tuple[str, str]:
    """Run code in a process of its own: its output, and what went wrong (empty when nothing did)."""
    command = [sys.executable, "-c", code, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return "", f"no answer within {TRIAL_LIMIT_S:.0f} s"
    if done.returncode < 0:
        return "", f"it crashed (signal {-done.returncode})"
    if done.returncode > 0:
        return "", _last_error(done.stderr)
    return done.stdout, ""


def _last_error(trace: str) -> str:
    """The last line of a traceback without the exception's class."""
    lines = [line for line in trace.strip().splitlines() if line and not line.startswith(" ")]
    head, _, text = lines[-1].partition(": ") if lines else ("", "", "it failed without a word")
    return text or head


def check_sounds(folder: Path) -> Finding:
    """The lists of recordings can be read, and name files that exist."""
    from ivr.speech.sounds import SoundLibrary

    if not folder.is_dir():
        return warning("sounds", f"{folder} does not exist, so every prompt is synthesized; correct `sounds:`")
    try:
        library = SoundLibrary(folder)
    except IvrError as error:
        return failed("sounds", error)
    return ok("sounds", f"{folder}, {len(library.sounds)} recordings listed")


def check_flows(settings: Settings) -> Finding:
    """The flows pass their check, and every number has one."""
    from ivr.check_context import flows_in_service

    found = flows_in_service(settings)
    errors = [str(problem) for problem in found.problems if problem.severity is Severity.ERROR]
    if errors:
        return failed("flows", f"{len(errors)} errors in {settings.flows}; `ivr check {settings.flows}`: {errors[0]}")
    if not found.flows:
        return failed("flows", f"there is no flow in {settings.flows}; write one, or correct `flows:`")
    wanted = {entry.flow for entry in settings.numbers.values()}
    wanted |= {settings.default_flow} if settings.default_flow else set()
    missing = sorted(name for name in wanted if name not in found.flows)
    if missing:
        known = ", ".join(sorted(found.flows))
        return failed("flows", f"the settings name flows that do not exist: {', '.join(missing)}; there are: {known}")
    if not wanted:
        return failed("flows", "no number leads to a flow, so every call gets 404; set `default_flow:` or `numbers:`")
    return ok("flows", f"{len(found.flows)} in service: {', '.join(sorted(found.flows))}")


def check_database(url: str) -> Finding:
    """The database answers, and has a schema that this program knows. Changes nothing."""
    from sqlalchemy.exc import SQLAlchemyError

    from ivr.storage.database import masked_url, open_engine, parse_url, reason, sqlite_file
    from ivr.storage.migrate import is_current

    name = "database"
    try:
        address = parse_url(url)
        file, shown = sqlite_file(address), masked_url(address)
        if file is not None and not file.exists():
            folder = check_folder(name, file.parent)
            return ok(name, f"{shown} will be made at the first start") if folder.state == "ok" else folder
        engine = open_engine(address)
        try:
            with engine.connect().execution_options(reads_only=True) as connection:
                is_ready = is_current(connection, shown)
        except SQLAlchemyError as error:
            remedy = "start it or correct `database: url:`; until then records wait in the spool"
            return failed(name, f"{shown} does not answer: {reason(address, error)}; {remedy}")
        finally:
            engine.dispose()
    except IvrError as error:
        return failed(name, error)
    return ok(name, f"{shown}, " + ("schema is current" if is_ready else "schema is brought up to date at the start"))
