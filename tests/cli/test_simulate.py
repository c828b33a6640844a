"""`ivr simulate` as people and scripts use it: by a pipe, in a terminal, in real time, by voice."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ivr.cli import simulate as command
from tests.rehearsal.files import FLOW
from tests.rehearsal.test_coverage import LOOK_UP

pytestmark = pytest.mark.unit

IVR = Path(sys.executable).with_name("ivr")


@dataclass(frozen=True)
class Done:
    """What came of a run."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two flows; the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "small.yaml").write_text(FLOW)
    (tmp_path / "flows" / "look.yaml").write_text(LOOK_UP.replace("flow: small", "flow: look"))
    return tmp_path


def simulate(*arguments: str, typed: Sequence[str] = ()) -> Done:
    """Run it with lines on its standard input."""
    app = typer.Typer()
    command.register(app)
    done = CliRunner().invoke(app, list(arguments), input="".join(f"{line}\n" for line in typed))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def test_a_pipe_of_a_shell_leads_the_call_line_by_line(folder: Path) -> None:
    done = subprocess.run(
        [IVR, "simulate", "small"], input="sales\n!\n", capture_output=True, text=True, timeout=60, check=False
    )
    bot = [line for line in done.stdout.splitlines() if line.startswith("bot: ")]
    assert done.returncode == 0 and len(bot) == 2 and bot[1].startswith("bot: Here is sales."), done.stderr


def test_a_pipe_leads_the_call_line_by_line(folder: Path) -> None:
    done = simulate("small", typed=["sales", "=0.5 sales", "yes", "busy", "!"])
    assert done.returncode == 0, done.stderr
    bot = [line for line in done.stdout.splitlines() if line.startswith("bot: ")]
    assert bot == [
        "bot: This is a machine. Say sales or pin.",
        "bot: Here is sales. This is a machine. Say sales or pin.",
        "bot: I understood sales. Is that right?",
        "bot: One moment.",
        "bot: All are busy. This is a machine. Say sales or pin.",
    ]
    assert "  tries = 1" in done.stdout and "confidence 0.50" in done.stdout
    assert "how does the transfer to agent end? connected | busy" in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("ended: caller hung up after ")


def test_the_end_of_the_input_hangs_up(folder: Path) -> None:
    done = simulate("flows/small.yaml")
    assert done.returncode == 0 and "caller: (hangs up)" in done.stdout


def test_an_empty_line_is_silence_and_keys_begin_with_a_number_sign(folder: Path) -> None:
    done = simulate("small", typed=["", "#2", "#1234"])
    assert "silence for 6 s" in done.stdout and "bot: Nothing heard. This is" in done.stdout
    assert "ended: bot hung up" in done.stdout


def test_what_is_sensitive_is_masked(folder: Path) -> None:
    done = simulate("small", typed=["#2", "#1234"])
    assert "caller: [***]" in done.stdout and '  pin = "***"' in done.stdout and "bot: ***" in done.stdout
    assert "1234" not in done.stdout and "1 2, 3" not in done.stdout


def test_what_a_caller_says_beyond_the_words_of_the_step_is_pointed_out(folder: Path) -> None:
    done = simulate("small", typed=["hello sales", "xylophonist"])
    assert "[heard: [unk] sales]" in done.stdout
    assert "the speech model of en-US does not know: xylophonist" in done.stdout


def test_interruptions_waiting_and_questions_to_the_simulator(folder: Path) -> None:
    typed = ["?", "/vars", "/words", "/trace", "/wait 1s", "/nonsense", "<sales", "<#0", "!", "~"]
    done = simulate("small", typed=typed)
    assert "hang up" in done.stdout and "(tries = 0)" in done.stdout and "(keys 1 2 0 9; words sales" in done.stdout
    assert "(main)" in done.stdout and "there is no /nonsense" in done.stdout
    assert "ended: caller hung up" in done.stdout and done.returncode == 0


def test_options_set_how_the_call_comes_in(folder: Path) -> None:
    done = simulate(
        "small", "--set", "tries=1", "--language", "de-DE", "--from", "+4940", "--now", "2026-11-23 10:00",
        "--confidence", "1", "--json", typed=["verkauf", "no_answer"],
    )  # fmt: skip
    call = json.loads(done.stdout)
    assert (call["flow"], call["from"], call["end"], call["language"]) == ("small", "+4940", "bot_hung_up", "de-DE")
    assert call["variables"] == {"tries": 2} and call["now"].startswith("2026-11-23T10:00:00")
    assert call["turns"][0] == {"at_s": 0.0, "who": "bot", "text": "Sagen Sie Verkauf.", "step": "main"}
    assert call["record"][0]["confidence"] == 1.0 and call["steps"][:2] == ["main", "count"]


def test_answers_of_the_outside_world_are_asked_for(folder: Path) -> None:
    done = simulate("look", typed=["nonsense", '{"name": "Ada"}', "open"])
    assert "it asks GET https://crm.example.com/1: what is the answer?" in done.stdout
    assert "this is no answer of a data service" in done.stdout
    assert "what does the calendar office say? open | closed" in done.stdout and "bot: Hello Ada." in done.stdout
    failing = simulate("look", typed=["503", "failed"])
    assert "bot: Something is broken. We are closed." in " ".join(failing.stdout.split()) or "closed" in failing.stdout
    assert "ended: bot hung up" in failing.stdout


@pytest.mark.parametrize("content", ["{0}\n{1}\n", "mock: {{{0}, {1}}}"])
def test_or_taken_from_a_file(folder: Path, content: str) -> None:
    (folder / "mock.yaml").write_text(content.format("look_up: {json: {name: Ada}}", "open_now: open"))
    done = simulate("look", "--mock", "mock.yaml")
    assert "bot: Hello Ada." in done.stdout and "?" not in done.stdout


def test_a_caller_may_leave_instead_of_an_answer(folder: Path) -> None:
    assert "ended: caller hung up" in simulate("look", typed=["!"]).stdout
    assert "ended: caller hung up" in simulate("small", typed=["#0", "!"]).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "error: there is no flow 'nowhere' in"),
        (["small.test.yaml"], "holds conversations; `ivr test small.test.yaml` plays them"),
        (["smal"], "did you mean 'small'?"),
        (["nowhere.yaml"], "cannot be read"),
        (["small", "--language", "fr-FR"], "use one of: en-US, de-DE"),
        (["small", "--now", "soon"], "is not an instant"),
        (["small", "--set", "tries"], "write name=value"),
        (["small", "--set", "tires=1"], "no variable 'tires'; did you mean 'tries'?"),
        (["small", "--mock", "nowhere.yaml"], "cannot be read"),
        (["small", "--mock", "wrong.yaml"], "wrong.yaml:1:1: the flow has no step 'nobody'"),
        (["small", "--mock", "worse.yaml"], "worse.yaml:1:20"),
    ],
)
def test_what_cannot_be_done_says_why(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "wrong.yaml").write_text("nobody: busy\n")
    (folder / "worse.yaml").write_text("to_agent: {status: soon}\n")
    done = simulate(*arguments)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_broken_flow_is_told_with_its_places(folder: Path) -> None:
    (folder / "flows" / "small.yaml").write_text(FLOW.replace('say: {en: "Goodbye."', 'sai: {en: "Goodbye."'))
    done = simulate("small")
    assert done.returncode == 1 and "small.yaml:" in done.stderr and "did you mean 'say'?" in done.stderr


def test_real_time_runs(folder: Path) -> None:
    began_s = time.monotonic()
    done = simulate("small", "--real-time", typed=["<sales", "!"])
    lasted_s = time.monotonic() - began_s
    assert done.returncode == 0 and "bot: Here is sales." in done.stdout and "ended: caller hung up" in done.stdout
    assert lasted_s > 4, "prompts take their time"


def test_in_a_terminal_it_shows_instants_and_a_prompt(folder: Path) -> None:
    main, other = pty.openpty()
    process = subprocess.Popen(
        [IVR, "simulate", "small"], stdin=other, stdout=other, stderr=other, cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
    )  # fmt: skip
    os.close(other)
    try:
        assert "Say sales or pin." in _until(main, b"> ")
        os.write(main, b"sales\n")
        assert "Here is sales." in _until(main, b"> ")
        os.write(main, b"!\n")
        assert "caller hung up" in _until(main, b"at step")
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)


def _until(terminal: int, mark: bytes, within_s: float = 30.0) -> str:
    deadline_s, got = time.monotonic() + within_s, b""
    while mark not in got:
        ready, _, _ = select.select([terminal], [], [], max(deadline_s - time.monotonic(), 0))
        assert ready, got
        got += os.read(terminal, 4096)
    return got.decode("utf-8", "replace")


# --- by voice --------------------------------------------------------------------------------------------------------


def programs(folder: Path, arecord: str, aplay: str = "exec cat > /dev/null") -> str:
    """A search path on which the sound programs are these scripts."""
    (folder / "bin").mkdir()
    for name, script in (("arecord", arecord), ("aplay", aplay)):
        file = folder / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
    return f"{folder / 'bin'}:{os.environ['PATH']}"


def test_without_a_sound_device_it_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    done = simulate("small", "--voice")
    assert done.returncode == 1 and "install alsa-utils" in done.stderr and "leave --voice out" in done.stderr


def test_without_a_microphone_it_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", programs(folder, "exit 1"))
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    done = simulate("small", "--voice")
    assert done.returncode == 1 and "this machine has no microphone" in done.stderr


# --- at a terminal


def at_terminal(folder: Path, *arguments: str, typed: Sequence[tuple[str, str]]) -> str:
    """What a person sees who types each text when the one before it is on the screen; the program must end itself."""
    screen, keyboard = pty.openpty()
    command = [str(IVR), "simulate", "small", *arguments]
    with subprocess.Popen(command, stdin=keyboard, stdout=keyboard, stderr=keyboard, cwd=folder, start_new_session=True,
                          preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) as run:  # fmt: skip
        os.close(keyboard)
        seen, waiting = "", list(typed)
        deadline_s = time.monotonic() + 30
        while (part := _read(screen, deadline_s)) is not None:
            seen += part
            if waiting and waiting[0][0] in seen:
                os.write(screen, waiting.pop(0)[1].encode())
        os.close(screen)
        assert run.wait(5) == 0, seen
    assert not waiting, seen
    return seen


def _read(screen: int, deadline_s: float) -> str | None:
    ready, _, _ = select.select([screen], [], [], max(0.0, deadline_s - time.monotonic()))
    assert ready, "it neither went on nor ended"
    try:
        return os.read(screen, 65536).decode(errors="replace") or None
    except OSError:  # the other end is closed
        return None


CTRL_C, CTRL_D = "\x03", "\x04"


@pytest.mark.parametrize("ends", [CTRL_C, CTRL_D])
def test_who_ends_the_input_hangs_up_and_is_told_the_end(folder: Path, ends: str) -> None:
    assert "ended: caller hung up after" in at_terminal(folder, typed=[("> ", ends)])


@pytest.mark.parametrize("ends", [CTRL_C, CTRL_D])
def test_who_ends_the_input_at_a_question_about_the_world_hangs_up(folder: Path, ends: str) -> None:
    seen = at_terminal(folder, typed=[("> ", "#0\n"), ("or ! to hang up", ends)])
    assert "ended: caller hung up after" in seen and "connected" not in seen.partition("to hang up")[2]


def test_ctrl_c_hangs_up_in_real_time(folder: Path) -> None:
    assert "ended: caller hung up after" in at_terminal(folder, "--real-time", typed=[("This is a machine", CTRL_C)])


def test_a_line_that_is_not_for_the_bot_repeats_nothing(folder: Path) -> None:
    done = simulate("small", typed=["/vars", "/words", "#x", "!x", "#" + "1" * 60, "hello " * 200, "!"])
    assert done.stdout.count("listens for") == 1
    assert "write ! alone to hang up" in done.stdout
    assert "these are 60 keys; write at most 40" in done.stdout and "nobody says 1199 characters at once" in done.stdout


QUEUE = """
flow: queue
start: wait
steps:
  wait: {queue: {name: support, announce: "One moment."}, keys: {"1": message}, failed: sorry}
  message: {say: "Speak after the tone.", next: hang_up}
  sorry: {say: "Nobody is there.", next: hang_up}
"""


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["connected", "#1"], ["You are number two in the queue", "listens for keys 1", "Speak after the tone"]),
        (["connected", *[""] * 8], ["agent answers", "transferred"]),
        (["too_long", *[""] * 8], ["Nobody is there"]),
    ],
)
def test_a_wait_for_an_agent_can_be_led(folder: Path, typed: list[str], said: list[str]) -> None:
    (folder / "flows" / "queue.yaml").write_text(QUEUE)
    done = simulate("queue", typed=typed)
    assert not [text for text in said if text not in done.stdout], done.stdout
