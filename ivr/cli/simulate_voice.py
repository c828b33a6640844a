"""Voice of a simulated call: prompts through the loudspeaker, the caller through the microphone and the recognizer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import platformdirs

from ivr.cli.simulate_sound import RATE_HZ, Sound, open_sound, pcm_of
from ivr.config import Settings
from ivr.errors import IvrError, SpeechError
from ivr.flow import commands as c
from ivr.flow.segments import Segment
from ivr.ports import ListenRequest, PromptStore, RecognitionFailed, Recognizer, RecognizerEvent, RecognizerStream
from ivr.testing.prompts import said_for_s


@contextmanager
def open_voice(
    settings: Settings, report: Callable[[RecognizerEvent], None], note: Callable[[str], object]
) -> Iterator[Voice]:
    """Loudspeaker, microphone, synthesizer and recognizer; closed when the context is left. Raises ConfigError."""
    with ExitStack() as stack:
        sound = open_sound()
        stack.callback(sound.close)
        voice = Voice(sound, _prompts(settings, stack), _recognizer(settings, stack, note), report, note)
        stack.callback(voice.close)
        sound.record(voice.write)
        note("use headphones: the bot hears what its own loudspeaker says")
        yield voice


def _prompts(settings: Settings, stack: ExitStack) -> PromptStore:
    from ivr.speech.prompt_cache import FilePromptStore
    from ivr.speech.sounds import SoundLibrary
    from ivr.speech.synthesizers import make_synthesizer

    speech = settings.speech
    synthesizer = make_synthesizer(speech)
    if synthesizer is not None:
        stack.callback(synthesizer.close)
    folder = Path(platformdirs.user_cache_dir("ivr")) / "prompts"
    store = FilePromptStore(
        synthesizer, folder, sounds=SoundLibrary(Path(settings.sounds)), sample_rate_hz=RATE_HZ,
        loudness_dbfs=speech.loudness_dbfs,
    )  # fmt: skip
    stack.callback(store.close)
    return store


def _recognizer(settings: Settings, stack: ExitStack, note: Callable[[str], object]) -> Recognizer | None:
    if settings.speech.recognizer == "none":
        return None
    try:
        from ivr.speech.model_store import configured_models
        from ivr.speech.substitutes import SubstituteFinder
        from ivr.speech.vosk_recognizer import VoskRecognizer

        models = configured_models(settings.speech.models)
        recognizer = VoskRecognizer({tag: model.path for tag, model in models.items()}, substitutes=SubstituteFinder())
    except (SpeechError, ImportError) as error:
        note(f"not listening: {error}; type instead")
        return None
    stack.callback(recognizer.close)
    return recognizer


class Voice:
    """Plays what the engine says and listens when it listens."""

    def __init__(
        self,
        sound: Sound,
        prompts: PromptStore,
        recognizer: Recognizer | None,
        report: Callable[[RecognizerEvent], None],
        note: Callable[[str], object],
    ) -> None:
        self._sound, self._prompts, self._recognizer = sound, prompts, recognizer
        self._report, self._note = report, note
        self._stream: RecognizerStream | None = None

    def said_for_s(self, segments: Sequence[Segment]) -> float:
        """Begin to say it; how many seconds it takes."""
        try:
            pcm = pcm_of(asyncio.run(self._prompts.render(segments)))
        except IvrError as error:
            self._note(f"not spoken: {error}")
            return said_for_s(segments)
        self._sound.play(pcm)
        return len(pcm) / 2 / RATE_HZ

    def on_commands(self, commands: Sequence[c.Command]) -> None:
        """What else the engine asks for."""
        for command in commands:
            match command:
                case c.StopPrompt():
                    self._sound.stop()
                case c.EndUtterance() if self._stream is not None:
                    self._stream.end_utterance()
                case c.StopListening():
                    self._stop_listening()
                case c.StartListening():
                    self._listen(command)

    def write(self, pcm: bytes) -> None:
        """20 ms of the microphone; on another thread."""
        stream = self._stream
        if stream is not None:
            stream.write(pcm)

    def close(self) -> None:
        """Listen no more."""
        self._stop_listening()

    def _listen(self, command: c.StartListening) -> None:
        self._stop_listening()
        try:
            if self._recognizer is None:
                raise SpeechError("there is no recognizer")
            request = ListenRequest(
                command.listen_id,
                command.language,
                command.phrases,
                command.allow_unknown,
                command.final_silence_s,
                command.max_speech_duration_s,
                command.is_sensitive,
                command.complete_silence_s,
                command.incomplete_silence_s,
                command.expected,
            )
            self._stream = self._recognizer.open(request, RATE_HZ, self._report)
        except SpeechError as error:
            self._report(RecognitionFailed(command.listen_id, 0.0, str(error)))

    def _stop_listening(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
