"""`ivr check` as operators and scripts use it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ivr.check_context import flows_in_service, sound_problem, surroundings_of
from ivr.cli import check as command
from ivr.cli.entry import _plain_check
from ivr.config import Settings, SpeechSettings
from ivr.errors import Severity
from ivr.settings import load_settings
from ivr.speech.model_store import EMBEDDED_DIR

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
DEMO = (ROOT / "flows" / "demo.yaml").read_text(encoding="utf-8")
CONFIG = "targets: {agent: {sip: 'sip:agent@127.0.0.1:5070'}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with settings and the demo flow; the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IVR_MODELS_DIR", str(tmp_path / "models"))
    (tmp_path / "ivr.yaml").write_text(CONFIG)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "demo.yaml").write_text(DEMO, encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    command.register(app)
    app.command("other")(lambda: None)  # with one command only, Typer would drop its name
    return CliRunner().invoke(app, ["check", *arguments])


def break_demo(folder: Path, old: str, new: str) -> None:
    assert old in DEMO
    (folder / "flows" / "demo.yaml").write_text(DEMO.replace(old, new, 1), encoding="utf-8")


def test_the_shipped_flow_passes_without_a_word_more(folder: Path) -> None:
    result = run("flows/")
    assert result.output == "1 flow read, 0 errors, 0 warnings\n"
    assert result.exit_code == 0


def test_a_mistake_is_shown_with_file_line_column_step_and_remedy(folder: Path) -> None:
    break_demo(folder, "next: main", "next: mian")
    result = run("flows")
    assert result.exit_code == 1
    assert "flows/demo.yaml:35:11: welcome: there is no step 'mian'; did you mean 'main'?\n" in result.output
    assert result.output.endswith("1 flow read, 1 error, 0 warnings\n")


def test_words_that_the_embedded_model_lacks_are_found(folder: Path) -> None:
    break_demo(folder, "say: [opening hours,", "say: [goldstein, hoffman, hofmann,")
    found = run("flows")
    substitute = "'goldstein' is not in the model of en-US; it will be listened for as 'gold sign' and the like"
    assert f"warning: {substitute}" in found.output and found.exit_code == 1
    assert "the recognizer of en-US does not know 'hoffman'; use other words" in found.output, "nor 'hofmann'"


def test_warnings_fail_only_when_strict(folder: Path) -> None:
    break_demo(folder, "To hear when we are open, say opening hours, or press 1.", "Press 1 for our opening hours.")
    relaxed, strict = run("flows"), run("flows", "--strict")
    assert "demo.yaml:39:15: main: warning: 'Press 1 for': people forget" in relaxed.output
    assert (relaxed.exit_code, strict.exit_code) == (0, 1)


def test_errors_come_first_and_warnings_apart_from_them(folder: Path) -> None:
    break_demo(folder, "To hear when we are open, say opening hours, or press 1.", "Press 1 for our opening hours.")
    text = (folder / "flows" / "demo.yaml").read_text(encoding="utf-8").replace("denied: goodbye", "denied: godbye")
    (folder / "flows" / "demo.yaml").write_text(text, encoding="utf-8")
    first, second, _ = run("flows").output.splitlines()
    assert "there is no step 'godbye'" in first
    assert "warning: 'Press 1 for'" in second


def test_words_that_sound_alike_are_found_with_real_pronunciations(folder: Path) -> None:
    break_demo(folder, "person, customer service]", "person, right, customer service]")
    text = (folder / "flows" / "demo.yaml").read_text(encoding="utf-8")
    (folder / "flows" / "demo.yaml").write_text(text.replace("say: [opening hours,", "say: [write,"), encoding="utf-8")
    found = run("flows")
    assert "'right' sounds exactly like 'write', the choice hours, line 45 (both in main)" in found.output
    assert found.exit_code == 1


def test_without_the_pronunciation_library_that_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ivr.speech import pronunciation

    monkeypatch.setattr(pronunciation.Pronouncer, "problem", lambda self: "the espeak-ng library is not installed")
    found = run("flows")
    assert "note: words that sound alike were not looked for: the espeak-ng library is not installed\n" in found.output
    assert found.exit_code == 0


def test_conversations_that_test_a_flow_are_not_flows(folder: Path) -> None:
    (folder / "flows" / "demo.test.yaml").write_text("flow: demo\ntests: []\n")
    assert run("flows", "flows/demo.test.yaml").output == "1 flow read, 0 errors, 0 warnings\n"


def test_json_is_for_scripts(folder: Path) -> None:
    break_demo(folder, "next: main", "next: mian")
    result = run("flows/demo.yaml", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1 and report["ok"] is False
    assert report["flows"][0]["flow"] == "demo"
    assert (report["errors"], report["warnings"]) == (1, 0)
    (problem,) = report["problems"]
    assert (problem["line"], problem["rule"], problem["severity"]) == (35, "unknown_target", "error")


def test_paths_that_hold_nothing_are_told(folder: Path) -> None:
    (folder / "empty").mkdir()
    result = run("nowhere", "empty", "flows")
    assert result.exit_code == 1
    assert "nowhere:1:1: there is no such file or folder; correct the path\n" in result.output
    assert "empty:1:1: there is no flow (*.yaml) in this folder; correct the path\n" in result.output
    assert "1 flow read, 2 errors" in result.output


def test_settings_that_cannot_be_read_are_told(folder: Path) -> None:
    (folder / "other.yaml").write_text("tragets: {}")
    result = run("flows", "--config", "other.yaml")
    assert result.exit_code == 1
    assert "other.yaml:1:1: tragets: unknown key 'tragets'; did you mean 'targets'?" in result.output


def test_without_a_model_the_words_are_left_out_and_that_is_noted(folder: Path) -> None:
    (folder / "ivr.yaml").write_text(CONFIG + "speech: {models: {en: ./nowhere}}\n")
    result = run("flows")
    assert result.exit_code == 0
    assert "note: spoken words were not checked: speech model" in result.output


def test_a_model_without_a_word_list_is_noted(folder: Path) -> None:
    model = folder / "old-model"
    shutil.copytree(EMBEDDED_DIR / "vosk-model-ivr-en-8k-test", model)
    (model / "graph" / "words.txt").unlink()
    (folder / "ivr.yaml").write_text(CONFIG + "speech: {models: {en: ./old-model}}\n")
    assert "note: spoken words in en were not checked: the model has no graph/words.txt\n" in run("flows").output


def test_without_a_recognizer_that_is_noted() -> None:
    noted = surroundings_of(Settings(speech=SpeechSettings(recognizer="none")))
    assert noted.context.knows_word is None
    assert noted.notes == ("speech.recognizer is none: spoken words were not checked",)


def test_recordings_are_looked_into(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "text.wav").write_text("not a sound at all")
    for name, seconds in (("good", 1), ("empty", 0)):
        with wave.open(str(tmp_path / "en" / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\0\0" * 8000 * seconds)
    assert sound_problem(tmp_path, "sounds/en/good.wav") is None
    assert "holds no sound" in (sound_problem(tmp_path, "sounds/en/empty.wav") or "")
    assert "cannot be played" in (sound_problem(tmp_path, "sounds/en/text.wav") or "")
    assert "there is no recording" in (sound_problem(tmp_path, "sounds/en/none.wav") or "")


def test_only_flows_that_pass_go_into_service(folder: Path) -> None:
    break_demo(folder, "next: main", "next: mian")
    (folder / "flows" / "other.yaml").write_text(DEMO.replace("flow: demo", "flow: other"), encoding="utf-8")
    found = flows_in_service(load_settings(None, {}))
    assert set(found.flows) == {"other"}
    assert [problem.rule for problem in found.problems] == ["unknown_target"]


def test_no_engine_is_needed(folder: Path) -> None:
    """The check runs where pjsua2, vosk, pyttsx3 and SQLAlchemy cannot be imported."""
    script = (
        "import sys\n"
        "for name in ('pjsua2', 'vosk', 'pyttsx3', 'sqlalchemy', 'webrtcvad', 'soxr', 'numpy'):\n"
        "    sys.modules[name] = None\n"
        "from ivr.cli.main import app\n"
        "sys.argv = ['ivr', 'check', 'flows']\n"
        "app()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=folder, check=False
    )
    assert (done.returncode, done.stdout) == (0, "1 flow read, 0 errors, 0 warnings\n"), done.stderr


# --- flows that run flows

RUNS = DEMO.replace("\nsteps:\n", "\nsteps:\n  first:\n    run: part\n    next: START\n", 1)


def runs_part(folder: Path, part: str) -> None:
    start = next(line.split()[1] for line in DEMO.splitlines() if line.startswith("start:"))
    text = RUNS.replace(f"start: {start}", "start: first").replace("START", start)
    (folder / "flows" / "demo.yaml").write_text(text, encoding="utf-8")
    (folder / "flows" / "part.yaml").write_text(part, encoding="utf-8")


PART = (
    "flow: part\nlanguages: [de-DE]\nstart: a\nsteps:\n"
    "  a: {say: {en: Hello., de: Hallo.}, next: b}\n  b: {return: true}\n"
)


def test_a_file_is_checked_together_with_the_flows_of_the_settings_that_it_runs(folder: Path) -> None:
    runs_part(folder, PART)
    assert run("flows/demo.yaml").exit_code == 0
    (folder / "flows" / "part.yaml").unlink()
    result = run("flows/demo.yaml")
    assert result.exit_code == 1 and "there is no flow 'part' that can go into service" in result.output


def test_a_flow_that_runs_one_with_errors_stays_out_of_service_with_it(folder: Path) -> None:
    runs_part(folder, PART)
    settings = load_settings(None)
    assert set(flows_in_service(settings).flows) == {"demo", "part"}
    runs_part(folder, PART.replace("next: b", "next: nowhere"))
    found = flows_in_service(settings)
    assert set(found.flows) == set()
    assert {problem.rule for problem in found.problems if problem.severity is Severity.ERROR} >= {
        "unknown_target",
        "unknown_flow",
    }


@pytest.mark.parametrize("path", ["nothing.yaml", "a" * 300, "/dev/null", "loop.yaml", "flows/demo.yaml/below"])
def test_a_path_that_leads_to_no_file_is_told_so(folder: Path, path: str) -> None:
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    result = run(path)
    assert f"{path}:1:1: there is no such file or folder; correct the path" in result.output
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["check", "flows/"], [Path("flows")]),
        (["check", "a.yaml", "b.yaml"], [Path("a.yaml"), Path("b.yaml")]),
        (["check"], []),
        (["check", "--json", "flows/"], []),
        (["check", "flows/", "--strict"], []),
        (["check", "--help"], []),
        (["test", "flows/"], []),
        ([], []),
    ],
)
def test_only_a_plain_check_passes_by_the_command_line(arguments: list[str], expected: list[Path]) -> None:
    assert _plain_check(arguments) == expected


def test_the_same_is_told_with_and_without_the_command_line(folder: Path) -> None:
    break_demo(folder, "next: main", "next: mian")
    command = [sys.executable, "-c", "from ivr.cli.entry import main; main()", "check"]
    plain, explained = (
        subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        for arguments in (["flows/"], ["--config", "ivr.yaml", "flows/"])
    )
    assert (plain.returncode, plain.stdout, plain.stderr) == (1, explained.stdout, explained.stderr)
    assert "mian" in plain.stdout


def test_a_reader_who_leaves_is_no_mistake(folder: Path) -> None:
    command = [sys.executable, "-c", "from ivr.cli.entry import main; main()", "check", "flows/"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None and started.stderr is not None
        started.stdout.close()
        assert started.stderr.read() == b"" and started.wait(60) == 1
