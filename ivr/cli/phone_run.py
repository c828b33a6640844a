"""Puts the telephone together and runs it, for `ivr call`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
import typer

from ivr.cli.phone_options import ACCOUNT, full_uri, host_of, playable, sip_settings, user_of
from ivr.errors import ConfigError, IvrError, SpeechError
from ivr.phone.keyboard import HangUp, Keyboard, SayLine, SendKey
from ivr.phone.phone import Manner, Phone
from ivr.phone.plan import CallPlan, PhoneParts
from ivr.phone.ports import PhoneView
from ivr.phone.report import CallReport, as_json, early_summary, refusal, summary
from ivr.phone.script import Act, Play, Say, build_script
from ivr.ports import DialRequest, DtmfMethod, LegOffered, PromptStore, Recognizer, Speech

if TYPE_CHECKING:
    from ivr.cli.phone_wish import Wish

UNANSWERED_LIMIT_S: Final = 5.0
"""A host that does not react at all is given up after this, instead of SIP's 32 s."""
EXIT_LIMIT_S: Final = 1.8
"""From a signal to the end of the process."""
_DTMF: Final = {"rfc4733": DtmfMethod.RFC4733, "info": DtmfMethod.SIP_INFO}


def run(wish: Wish) -> int:
    """Do what the command line asks for; the exit status. Raises IvrError."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(30),
        cache_logger_on_first_use=False,
    )
    if wish.identity.dtmf not in _DTMF:
        raise ConfigError(f"--dtmf {wish.identity.dtmf}: there is no such way; use rfc4733 or info")
    script = build_script(wish.order, wish.script.acts)
    uri = full_uri(wish.uri, is_tcp=wish.identity.is_tcp) if wish.uri else ""
    with ExitStack() as stack:
        return asyncio.run(_run(wish, script, uri, stack))


async def _run(wish: Wish, script: tuple[Act, ...], uri: str, stack: ExitStack) -> int:
    from ivr.sip.telephony import PjsuaTelephony

    session = Session(wish)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, session.stop)
    towards = uri or wish.identity.registrar
    settings = await asyncio.to_thread(sip_settings, wish.identity, _own_name(wish), towards)
    plan = CallPlan(
        script,
        _playable_files(script, stack, settings.sample_rate_hz),
        wish.each.duration_s,
        _DTMF[wish.identity.dtmf],
    )
    recognizer = await asyncio.to_thread(_recognizer, wish, session)
    prompts = _prompt_store(wish, stack, settings.sample_rate_hz)
    prompts = await _rendered(prompts, script, wish, session)
    telephony = PjsuaTelephony(settings, follows_refer=True, unanswered_limit_s=UNANSWERED_LIMIT_S)
    phone = session.phone = Phone(
        PhoneParts(telephony, recognizer, prompts, wish.speech.language), plan, session.view, wish.each.record
    )
    try:
        await phone.start(registers=bool(wish.identity.registrar))
        if wish.waiting.answers:
            return await _answer(wish, phone, session, telephony.sip_uri)
        account = ACCOUNT if settings.accounts else ""
        return await _dial(wish, phone, session, DialRequest(uri, account, wish.identity.caller_id))
    finally:
        session.close()
        await telephony.stop()
        if recognizer is not None:
            recognizer.close()


def _own_name(wish: Wish) -> str:
    return wish.identity.user or user_of(wish.identity.account) or ("phone" if wish.waiting.answers else "caller")


async def _dial(wish: Wish, phone: Phone, session: Session, request: DialRequest) -> int:
    session.say(f"calling {request.uri}")
    report = await phone.dial(request, wish.each.answer_within_s)
    session.close()
    session.finished(report)
    if not report.answered:
        typer.echo(f"error: {refusal(report, host_of(request.uri))}", err=True)
    return session.status


async def _answer(wish: Wish, phone: Phone, session: Session, sip_uri: str) -> int:
    scheme, _, host = sip_uri.partition(":")
    session.announce(f"ready {scheme}:{_own_name(wish)}@{host}")
    manner = Manner(wish.waiting.ring_s, wish.waiting.refuse_with, wish.waiting.never_answers)
    done = 0
    while wish.waiting.call_count is None or done < wish.waiting.call_count:
        report = await phone.answer(manner, session.offered)
        session.close()
        if report is None:
            break
        done += 1
        session.finished(report)
    return 0


# --- what the machine offers


def _recognizer(wish: Wish, session: Session) -> Recognizer | None:
    if wish.speech.no_listen:
        return None
    try:
        from ivr.speech.model_store import find_model
        from ivr.speech.vosk_recognizer import VoskRecognizer

        model = find_model(wish.speech.model, wish.speech.language)
        return VoskRecognizer({wish.speech.language: model.path})
    except (SpeechError, ImportError) as error:
        session.say(f"not listening: {error}; keys, recording and level meter work")
        return None


def _prompt_store(wish: Wish, stack: ExitStack, sample_rate_hz: int) -> PromptStore | None:
    import platformdirs

    from ivr.speech.prompt_cache import FilePromptStore
    from ivr.speech.pyttsx3_synthesizer import Pyttsx3Synthesizer

    synthesizer = Pyttsx3Synthesizer(voices={wish.speech.language: wish.speech.voice} if wish.speech.voice else {})
    stack.callback(synthesizer.close)
    store = FilePromptStore(
        synthesizer, Path(platformdirs.user_cache_dir("ivr")) / "prompts", sample_rate_hz=sample_rate_hz
    )
    stack.callback(store.close)
    return store


async def _rendered(
    prompts: PromptStore | None, script: tuple[Act, ...], wish: Wish, session: Session
) -> PromptStore | None:
    """The store with the script's texts ready, so that they are spoken without delay."""
    texts = [act.text for act in script if isinstance(act, Say)]
    if prompts is None or not texts:
        return prompts
    try:
        await prompts.render([Speech(text, wish.speech.language) for text in texts])
    except IvrError as error:
        session.say(f"nothing will be spoken: {error}")
        return None
    return prompts


def _playable_files(script: tuple[Act, ...], stack: ExitStack, sample_rate_hz: int) -> dict[Path, Path]:
    wavs = {act.wav for act in script if isinstance(act, Play)}
    if not wavs:
        return {}
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ivr-call-")))
    return {wav: playable(wav, folder, sample_rate_hz) for wav in wavs}


# --- the person in front of it


class Session:
    """Screen and keyboard of one run."""

    def __init__(self, wish: Wish) -> None:
        self.phone: Phone | None = None
        self._wish = wish
        self._keyboard = Keyboard()
        self._at_call = ExitStack()
        self._has_stopped = False
        self.status = 0 if wish.waiting.answers else 1
        """Exit status so far."""
        self._has_keyboard = sys.stdin is not None and sys.stdin.isatty() and not wish.each.is_json

    def say(self, text: str) -> None:
        """Tell the person in front."""
        typer.echo(text, err=True)

    def announce(self, text: str) -> None:
        """Tell whoever reads our output."""
        typer.echo(text, err=self._wish.each.is_json)

    def view(self) -> PhoneView:
        """A view for the next call, with its keyboard where there is one."""
        from ivr.cli.phone_screen import Lines, Screen

        self.close()
        if not self._has_keyboard or not sys.stdout.isatty():
            if self._has_keyboard:
                self._open_keyboard()
            return Lines(sys.stderr if self._wish.each.is_json else sys.stdout)
        self._open_keyboard()
        return self._at_call.enter_context(Screen(lambda: self._keyboard.line))

    def _open_keyboard(self) -> None:
        from ivr.cli.phone_terminal import TerminalKeys

        self._keyboard = Keyboard()
        self._at_call.enter_context(TerminalKeys(self._typed))

    def _typed(self, char: str) -> None:
        call = self.phone.call if self.phone else None
        if call is None:
            return
        match self._keyboard.feed(char):
            case SendKey(key):
                call.press(key)
            case SayLine(text):
                call.add(Say(True, text))
            case HangUp():
                call.hang_up()

    def offered(self, offer: LegOffered) -> None:
        """Somebody calls."""
        name = f'"{offer.ani_name}" ' if offer.ani_name else ""
        self.announce(f"call from {name}{offer.ani or '(no number)'} at {offer.remote}")
        for header, value in offer.headers.items():
            self.announce(f"  {header}: {value}")

    def finished(self, report: CallReport) -> None:
        """Tell what came of a call."""
        self.status = 0 if report.answered or self._wish.waiting.answers else 1
        if self._wish.each.is_json:
            typer.echo(json.dumps(as_json(report), ensure_ascii=False))
        elif report.answered:
            typer.echo("\n".join(summary(report)))
        elif report.is_outgoing:
            for line in early_summary(report):
                typer.echo(line)
        else:
            typer.echo(f"call not answered (SIP {report.sip_status} {report.reason})")

    def stop(self) -> None:
        """A signal came: hang up; the second one ends the process at once."""
        if self._has_stopped or self.phone is None:
            os._exit(130)
        self._has_stopped = True
        self.phone.stop()
        # A dead peer must not hold the process: by then recording and report are written.
        asyncio.get_running_loop().call_later(EXIT_LIMIT_S, self._exit_hard)

    def _exit_hard(self) -> None:
        self.close()
        sys.stdout.flush()
        os._exit(self.status)

    def close(self) -> None:
        """Put the terminal back."""
        self._at_call.close()
        self._at_call = ExitStack()
