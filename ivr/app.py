"""Builds one worker: wires the ports to their adapters, loads flows, answers calls until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import structlog

from ivr.admission_watch import AdmissionWatch
from ivr.app_services import ServicesOfWorker
from ivr.app_targets import targets_of
from ivr.calls.admission import Counted
from ivr.calls.call_ports import CallPorts
from ivr.calls.driver import CallDriver
from ivr.calls.lost_recordings import note_lost
from ivr.calls.monitoring import MonitorRules, MonitorWish
from ivr.calls.registry import CallRegistry, MakeDriver
from ivr.check_context import check_in, surroundings_of
from ivr.config import Settings
from ivr.errors import ConfigError, ModelMissing
from ivr.ports import HOLD_MUSIC, LegId, Measures, NoMeasures, Recognizer, metrics
from ivr.publishing.prepared import HandedFlows, PreparedFlows
from ivr.publishing.publisher import Publisher
from ivr.sip.telephony import PjsuaTelephony, SystemClock
from ivr.speech.decoding import SpeechModel, UselessModel
from ivr.speech.model_store import configured_model, wanted_models
from ivr.speech.prompt_cache import FilePromptStore, MadePrompts
from ivr.speech.recordings import FileRecorder
from ivr.speech.sounds import SoundLibrary
from ivr.speech.substitutes import SubstituteFinder
from ivr.speech.synthesizers import make_synthesizer
from ivr.storage.call_log import DatabaseCallLog, worker_name
from ivr.supervisor.slots import calls_of_worker

if TYPE_CHECKING:
    from ivr.app_queues import QueuesOfWorker

log = structlog.get_logger(__name__)

STOP_LIMIT_S = 3.0
"""Calls in progress get so long to be ended with BYE."""

UNANSWERED_LIMIT_S = 10.0
"""A request, or a call that we answered, of which nothing more is heard for so long is given up. RFC 3261 §17.1.1.1
suggests 32 s; by then four callers who vanished would have kept all legs from others for a minute."""

Say = Callable[[str], None]
"""Tells the operator what is being done, a line at a time."""


def make_recognizer(settings: Settings, say: Say) -> Recognizer | None:
    """The recognizer, its models loaded, or None where it is switched off: calls go on with keys.

    So they do in a language whose model cannot be used, and their records say why.
    """
    if settings.speech.recognizer == "none":
        say("speech recognition: off, callers use keys")
        return None
    from ivr.speech.vosk_recognizer import VoskRecognizer

    substitutes = SubstituteFinder(_cache_dir_of(settings))
    models = {tag: _model(tag, name, substitutes, say) for tag, name in wanted_models(settings.speech.models).items()}
    recognizer = VoskRecognizer(models, servers=settings.speech.servers, substitutes=substitutes)
    for language, urls in settings.speech.servers.items():
        say(f"speech in {language}: heard by {', '.join(urls)}")
    return recognizer


def _model(tag: str, name: str, substitutes: SubstituteFinder, say: Say) -> SpeechModel:
    """The model of one language, loaded, or what stands for one that cannot be used."""
    from ivr.speech.vosk_engine import VoskModel

    try:
        found = configured_model(tag, name)
        loaded = VoskModel(found.path, found.language, substitutes)
    except ModelMissing as error:
        log.warning("no_recognizer", language=tag, reason=str(error))
        say(f"speech recognition: {error}; callers use keys until then")
        return UselessModel(str(error))
    say(f"speech model: {found}")
    return loaded


def _cache_dir_of(settings: Settings) -> Path:
    return Path(settings.speech.cache_dir or platformdirs.user_cache_dir("ivr"))


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one process has read, checked and rendered for the workers that are forked from it."""

    flows: PreparedFlows
    prompts: MadePrompts
    hold_music: Path


class Bot:
    """One worker."""

    def __init__(
        self,
        settings: Settings,
        say: Say,
        *,
        services: ServicesOfWorker | None = None,
        make_driver: MakeDriver = CallDriver,
        measures: Measures | None = None,
        recognizer: Callable[[Settings, Say], Recognizer | None] = make_recognizer,
        worker: str = "ivr",
        database: Path | None = None,
        database_is_ready: bool = False,
        prepared: Prepared | None = None,
    ) -> None:
        """Opens what needs no call yet. Raises IvrError.

        A bot that rehearses has other `services` than the settings name, and other drivers (`ivr.live_test`). `worker`
        names the process among those of this machine; one of several is given a recognizer whose models are loaded,
        the socket of the process that writes all records, a database that `make_ready` has seen to, and flows that are
        `prepared`.
        """
        self._settings, self._say, self._make_driver = settings, say, make_driver
        self._measures = measures or NoMeasures()
        speech = settings.speech
        self._cache_dir = _cache_dir_of(settings)
        self._synthesizer = make_synthesizer(speech)
        self._prompts = FilePromptStore(
            self._synthesizer,
            self._cache_dir / "prompts",
            sounds=prepared.prompts.sounds if prepared else SoundLibrary(Path(settings.sounds)),
            sample_rate_hz=settings.sip.sample_rate_hz,
            loudness_dbfs=speech.loudness_dbfs,
            limit_bytes=speech.cache_limit_mb * 1_000_000,
            recordings=Path(settings.recordings.dir),
            measures=self._measures,
        )
        kept = settings.recordings
        self._recorder = FileRecorder(Path(kept.dir), limit_bytes=kept.limit_mb * 1_000_000, keep_days=kept.keep_days)
        self._recognizer = recognizer(settings, say)
        self._call_log = DatabaseCallLog(
            settings.database, worker_name(worker), is_ready=database_is_ready, shared=database
        )
        self._telephony = PjsuaTelephony(settings.sip, unanswered_limit_s=UNANSWERED_LIMIT_S, measures=self._measures)
        self._services = services or ServicesOfWorker(settings, self._telephony.send_message, database, self._leg_of)
        self._registry: CallRegistry | None = None
        self._queueing = self._queues_of_worker(database) if settings.queues else None
        self._prepared = prepared
        self._publisher = self._make_publisher()
        self._tasks: list[asyncio.Task[None]] = []
        self._since = datetime.now(UTC)
        self._watch_figures()

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

    @property
    def leg_count(self) -> int:
        """How many legs there are: callers, and people they are connected with."""
        return self._telephony.leg_count

    @property
    def counted(self) -> Counted:
        """What admission looks at."""
        return Counted(*self._telephony.audio_ticks, time.process_time())

    @property
    def sip_silent_s(self) -> float:
        """For how long its SIP thread has given no sign of life; seconds."""
        return self._telephony.silent_s

    def _leg_of(self, call_id: str) -> LegId | None:
        return self._registry.leg_of(call_id) if self._registry else None

    async def status(self) -> dict[str, object]:
        """How it is, for the desk of a bot of one process."""
        return {
            "is_up": True,
            "calls": self.call_count,
            "capacity": calls_of_worker(self._settings.sip, self.max_legs),
            "since": self._since.isoformat(timespec="seconds"),
            "problem": self._call_log.health.problem,
            "talks": self.talks,
        }

    async def prepare(self, before: Prepared | None = None) -> Prepared:
        """Do once what all workers would do alike; `stop` has still to follow. Raises IvrError.

        `before` is what was in service: it stays where the files are the same or wrong.
        """
        if before is None:
            await self._take_flows()
        elif await self._publisher.start(before.flows):
            return before
        hold_music = await self._hold_music()
        await self._services.load(self._publisher.flows.values())
        return Prepared(self._publisher.prepared(), self._prompts.made(), hold_music)

    async def start(self) -> None:
        """Take the flows and render their prompts, open the records, then the sockets. Raises IvrError."""
        await self._recover_recordings()
        self._call_log.begin()  # the database is reached while the prompts are rendered
        await self._take_flows()
        await asyncio.to_thread(self._call_log.start)
        if self._call_log.health.is_degraded:
            self._say(f"call records: {self._call_log.health.problem}")
        await self._services.start(self._publisher.flows.values(), are_loaded=self._prepared is not None)
        registry = self._registry = self._make_registry(await self._hold_music())
        await self._telephony.start(registry.handle)
        self._tasks.append(asyncio.create_task(self._publisher.watch()))
        if self._settings.sip.front is None:  # else it is decided there, for all workers
            self._tasks.append(asyncio.create_task(self._admission().run()))

    def take_over(self, flows: HandedFlows, prompts: MadePrompts) -> None:
        """Go on with flows that another process has read, checked and rendered; calls in progress keep theirs."""
        self._publisher.take_over(flows, lambda: self._prompts.follow(prompts))

    def reload(self) -> None:
        """Look at the flows and recordings now."""
        self._publisher.look_now()

    @property
    def talks(self) -> list[str]:
        """Ids of the calls in which a supervisor can take part now."""
        return self._registry.talks if self._registry else []

    def monitor(self, call_id: str, wish: MonitorWish, tell: Callable[[str], None]) -> bool:
        """Let a supervisor take part in a talk; False where the call is not here. `tell` is called with why not."""
        return self._registry is not None and self._registry.monitor(call_id, wish, tell)

    async def drain(self) -> None:
        """Take no new calls; returns when the last one has ended by itself. `stop` has still to follow."""
        if self._registry is not None:
            await self._registry.drain()

    async def stop(self) -> None:
        """End all calls with BYE, close everything. Idempotent."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._registry is not None:
            await self._registry.stop(STOP_LIMIT_S)
        await self._services.stop()
        await self._telephony.stop()
        if self._queueing is not None:
            await asyncio.to_thread(self._queueing.close)
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

    def _queues_of_worker(self, database: Path | None) -> QueuesOfWorker:
        from ivr.app_queues import QueuesOfWorker

        return QueuesOfWorker(self._settings, database)

    def _admission(self) -> AdmissionWatch:
        settings = self._settings.admission
        retry_after_s = max(1, round(settings.hold))

        def refuse(is_closed: bool) -> None:
            self._telephony.refuse_new_calls(retry_after_s if is_closed else 0)

        return AdmissionWatch(settings, lambda: self.counted, refuse, self._measures)

    def _watch_figures(self) -> None:
        watch, log_of_calls = self._measures.watch, self._call_log
        watch(metrics.LEGS, lambda: self._telephony.leg_count)
        watch(metrics.LEGS_LIMIT, lambda: self._telephony.max_legs)
        watch(metrics.AUDIO_TICKS, lambda: self._telephony.audio_ticks[0])
        watch(metrics.AUDIO_TICKS_LATE, lambda: self._telephony.audio_ticks[1])
        watch(metrics.RECORDS_WAITING, lambda: log_of_calls.health.queued)
        watch(metrics.RECORDS_SPOOLED, lambda: log_of_calls.health.spooled)
        watch(metrics.RECORDS_DROPPED, lambda: log_of_calls.health.dropped)
        watch(metrics.MESSAGES_WAITING, lambda: self._services.messages_waiting)

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
        prepared = self._prepared
        if prepared is not None and not await asyncio.to_thread(self._prompts.take_over, prepared.prompts):
            prepared = None
        is_taken = await self._publisher.start(prepared.flows if prepared else None)
        self._prepared = prepared if is_taken else None
        self._refuse_loose_ends()
        self._say(f"flows: {', '.join(sorted(self._publisher.flows))}")

    def _refuse_loose_ends(self) -> None:
        if self._settings.queues and not self._settings.sip.reserved_legs:
            self._say(
                "queues: no leg is kept free for agents; with all taken by callers who wait, nobody can be called"
            )
            self._say("        set sip: reserved_legs: to how many of them are to talk at once in one worker")
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

    async def _hold_music(self) -> Path:
        if self._prepared is not None:
            return self._prepared.hold_music
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
            targets=targets_of(settings),
            hold_sound=hold_music,
            lead_in_s=settings.speech.lead_in,
            services=self._services.services,
            recorder=self._recorder,
            timezone=settings.timezone,
            measures=self._measures,
            longest_call_s=settings.sip.longest_call,
            monitoring=MonitorRules(
                settings.monitoring.allowed, settings.monitoring.account, settings.monitoring.ring_for
            ),
            queueing=self._queueing.clerk(self._call_log.worker, loop) if self._queueing else None,
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
