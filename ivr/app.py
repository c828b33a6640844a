"""Builds one worker: wires the ports to their adapters, loads flows, answers calls until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import platformdirs
import structlog

from ivr.app_services import ServicesOfWorker
from ivr.calls.call_ports import CallPorts
from ivr.calls.driver import CallDriver
from ivr.calls.lost_recordings import note_lost
from ivr.calls.registry import CallRegistry, MakeDriver
from ivr.calls.transfer_driver import TransferTarget
from ivr.check_context import check_in, surroundings_of
from ivr.config import Settings
from ivr.errors import ConfigError, SpeechError
from ivr.ports import HOLD_MUSIC, Recognizer
from ivr.publishing.publisher import Publisher
from ivr.sip.telephony import PjsuaTelephony, SystemClock
from ivr.speech.model_store import configured_models
from ivr.speech.prompt_cache import FilePromptStore
from ivr.speech.recordings import FileRecorder
from ivr.speech.sounds import SoundLibrary
from ivr.speech.synthesizers import make_synthesizer
from ivr.storage.call_log import DatabaseCallLog, worker_name

log = structlog.get_logger(__name__)

STOP_LIMIT_S = 3.0
"""Calls in progress get so long to be ended with BYE."""

UNANSWERED_LIMIT_S = 10.0
"""A request, or a call that we answered, of which nothing more is heard for so long is given up. RFC 3261 §17.1.1.1
suggests 32 s; by then four callers who vanished would have kept all legs from others for a minute."""

Say = Callable[[str], None]
"""Tells the operator what is being done, a line at a time."""


class Bot:
    """One worker."""

    def __init__(
        self,
        settings: Settings,
        say: Say,
        *,
        services: ServicesOfWorker | None = None,
        make_driver: MakeDriver = CallDriver,
    ) -> None:
        """Opens what needs no call yet. Raises IvrError.

        A bot that rehearses has other `services` than the settings name, and other drivers (`ivr.live_test`).
        """
        self._settings, self._say, self._make_driver = settings, say, make_driver
        speech = settings.speech
        self._cache_dir = Path(speech.cache_dir or platformdirs.user_cache_dir("ivr"))
        self._synthesizer = make_synthesizer(speech)
        self._prompts = FilePromptStore(
            self._synthesizer,
            self._cache_dir / "prompts",
            sounds=SoundLibrary(Path(settings.sounds)),
            sample_rate_hz=settings.sip.sample_rate_hz,
            loudness_dbfs=speech.loudness_dbfs,
            limit_bytes=speech.cache_limit_mb * 1_000_000,
            recordings=Path(settings.recordings.dir),
        )
        kept = settings.recordings
        self._recorder = FileRecorder(Path(kept.dir), limit_bytes=kept.limit_mb * 1_000_000, keep_days=kept.keep_days)
        self._recognizer = self._make_recognizer()
        self._call_log = DatabaseCallLog(settings.database, worker_name())
        self._telephony = PjsuaTelephony(settings.sip, unanswered_limit_s=UNANSWERED_LIMIT_S)
        self._services = services or ServicesOfWorker(settings, self._telephony.send_message)
        self._registry: CallRegistry | None = None
        self._publisher = self._make_publisher()
        self._watching: asyncio.Task[None] | None = None

    @property
    def sip_uri(self) -> str:
        """How to reach the bot."""
        return self._telephony.sip_uri

    @property
    def max_legs(self) -> int:
        """How many legs it can carry at once, once it is started."""
        return self._telephony.max_legs

    @property
    def call_count(self) -> int:
        """How many callers are here."""
        return self._registry.call_count if self._registry else 0

    async def start(self) -> None:
        """Take the flows and render their prompts, open the records, then the sockets. Raises IvrError."""
        await self._recover_recordings()
        self._call_log.begin()  # the database is reached while the prompts are rendered
        await self._take_flows()
        await asyncio.to_thread(self._call_log.start)
        if self._call_log.health.is_degraded:
            self._say(f"call records: {self._call_log.health.problem}")
        await self._services.start(self._publisher.flows.values())
        registry = self._registry = self._make_registry(await self._hold_music())
        await self._telephony.start(registry.handle)
        self._watching = asyncio.create_task(self._publisher.watch())

    def reload(self) -> None:
        """Look at the flows and recordings now."""
        self._publisher.look_now()

    async def stop(self) -> None:
        """End all calls with BYE, close everything. Idempotent."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        if self._registry is not None:
            await self._registry.stop(STOP_LIMIT_S)
        await self._services.stop()
        await self._telephony.stop()
        if self._recognizer is not None:
            self._recognizer.close()
        await asyncio.to_thread(self._close_files)

    def _close_files(self) -> None:
        self._recorder.close()
        self._prompts.close()
        if self._synthesizer is not None:
            self._synthesizer.close()
        self._call_log.close()
        self._publisher.close()

    # --- parts

    def _make_publisher(self) -> Publisher:
        return Publisher(
            self._settings,
            lambda: check_in(surroundings_of(self._settings)),
            self._prompts,
            self._rest,
            self._say,
            worker=self._call_log.worker,
            oldest_call_s=lambda: self._registry.oldest_call_s if self._registry else None,
        )

    async def _recover_recordings(self) -> None:
        """Before the records are opened: a lost call ends with the last that is known of it, its message included."""
        lost = await asyncio.to_thread(self._recorder.recover)
        note_lost(lost, self._call_log)
        for each in lost:
            self._say(f"recording recovered: {each.file} ({each.duration_s:.1f} s); the bot died while it was made")

    async def _take_flows(self) -> None:
        """Put the flows into service. Raises ConfigError where nothing could answer a call."""
        await self._publisher.start()
        self._refuse_loose_ends()
        self._say(f"flows: {', '.join(sorted(self._publisher.flows))}")

    def _refuse_loose_ends(self) -> None:
        flows = {name for name in self._publisher.flows if self._publisher.get(name)}
        if not flows:
            raise ConfigError(
                f"no flow in {self._settings.flows} can serve calls; see `ivr check {self._settings.flows}`"
            )
        wanted = {number: entry.flow for number, entry in self._settings.numbers.items()}
        if self._settings.default_flow:
            wanted["default_flow"] = self._settings.default_flow
        for where, name in wanted.items():
            if name not in flows:
                known = ", ".join(sorted(flows))
                log.error("flow_not_in_service", number=where, flow=name, in_service=known)
                self._say(f"number {where}: flow {name!r} is not in service; callers are refused (in service: {known})")

    def _rest(self) -> None:
        self._prompts.rest()
        if self._synthesizer is not None:
            self._synthesizer.rest()

    def _make_recognizer(self) -> Recognizer | None:
        """The recognizer, or None: without a model calls go on with keys."""
        if self._settings.speech.recognizer == "none":
            self._say("speech recognition: off, callers use keys")
            return None
        try:
            models = configured_models(self._settings.speech.models)
            from ivr.speech.vosk_recognizer import VoskRecognizer

            recognizer = VoskRecognizer(
                {language: model.path for language, model in models.items()}, servers=self._settings.speech.servers
            )
        except SpeechError as error:
            log.warning("no_recognizer", reason=str(error))
            self._say(f"speech recognition: {error}; callers use keys until then")
            return None
        self._say("speech model: " + ", ".join(str(model) for model in models.values()))
        for language, urls in self._settings.speech.servers.items():
            self._say(f"speech in {language}: heard by {', '.join(urls)}")
        return recognizer

    async def _hold_music(self) -> Path:
        await self._prompts.render_all([(HOLD_MUSIC,)])  # and never thrown away
        return (await self._prompts.render([HOLD_MUSIC]))[0]

    def _make_registry(self, hold_music: Path) -> CallRegistry:
        settings, loop = self._settings, asyncio.get_running_loop()
        ports = CallPorts(
            telephony=self._telephony,
            recognizer=self._recognizer,
            prompts=self._prompts,
            clock=SystemClock(),
            timers=loop,
            call_soon=loop.call_soon_threadsafe,
            targets={
                name: TransferTarget(name, target.sip, target.account) for name, target in settings.targets.items()
            },
            hold_sound=hold_music,
            lead_in_s=settings.speech.lead_in,
            services=self._services.services,
            recorder=self._recorder,
            timezone=settings.timezone,
        )
        return CallRegistry(
            ports,
            self._call_log,
            self._publisher.get,
            settings.numbers,
            settings.default_flow,
            self._call_log.worker,
            takes_drafts=settings.publishing.draft_numbers,
            make_driver=self._make_driver,
        )
