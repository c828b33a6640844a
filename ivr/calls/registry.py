"""All calls in progress: routes new ones to flows, hands events to the call they belong to, ends all at shutdown."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from ivr.calls.call_ports import CallPorts
from ivr.calls.driver import CallDriver
from ivr.calls.monitoring import NOT_ALLOWED, MonitorWish
from ivr.calls.note import CallNotes
from ivr.calls.returning import RETURN_WINDOW_S, Referred, Returned, is_returning, match_returning
from ivr.calls.routing import flow_for
from ivr.config import NumberSettings
from ivr.flow.model import Flow
from ivr.flow.program import Program
from ivr.flow.state import Phase
from ivr.ports import CallLog, CallStarted, LegEvent, LegId, LegOffered, RegistrationChanged, TelephonyEvent, metrics

if TYPE_CHECKING:
    from ivr.acd.queue import WaitingCall
    from ivr.calls.callback_call import CallbackCall
    from ivr.calls.callbacks import Callbacks

_LOG = structlog.get_logger(__name__)


MakeDriver = Callable[
    [CallPorts, str, Program, LegOffered, CallNotes, Callable[[LegId, CallDriver], None], Callable[[CallDriver], None]],
    CallDriver,
]
"""Makes what leads a call; the arguments are those of `CallDriver`."""


def new_call_id(now: datetime) -> str:
    """Names a call for ever, on every machine: its instant (UTC), for people, and chance."""
    return f"{now:%y%m%d-%H%M%S}-{secrets.token_hex(4)}"


class CallRegistry:
    """Calls in progress of one worker. Runs on the loop's thread only."""

    def __init__(
        self,
        ports: CallPorts,
        call_log: CallLog,
        flow_named: Callable[[str], Flow | Program | None],
        numbers: Mapping[str, NumberSettings],
        default_flow: str | None,
        worker: str,
        *,
        takes_drafts: bool = True,
        make_driver: MakeDriver = CallDriver,
    ) -> None:
        """`flow_named` gives the version of a flow that new calls take; `takes_drafts`: `demo+draft` can be dialled."""
        self._ports, self._call_log, self._flow_named = ports, call_log, flow_named
        self._numbers, self._default_flow, self._worker = numbers, default_flow, worker
        self._takes_drafts, self._make_driver = takes_drafts, make_driver
        self._legs: dict[LegId, CallDriver | CallbackCall] = {}
        self._calls: set[CallDriver] = set()
        self._referred: list[Referred] = []
        self._is_draining = False
        self._all_ended = asyncio.Event()
        self._callbacks = self._make_callbacks() if ports.queueing is not None else None
        ports.measures.watch(metrics.CALLS, lambda: len(self._calls))

    @property
    def call_count(self) -> int:
        """How many callers are here."""
        return len(self._calls)

    @property
    def oldest_call_s(self) -> float | None:
        """When the longest call in progress came in, in seconds of the monotonic clock; None without a call."""
        return min((driver.offered.at_s for driver in self._calls), default=None)

    def handle(self, event: TelephonyEvent) -> None:
        """An event of the telephony."""
        if isinstance(event, RegistrationChanged):
            log = _LOG.info if event.is_registered else _LOG.warning
            log("registration", account=event.account, is_registered=event.is_registered, status=event.sip_status)
        elif isinstance(event, LegOffered):
            self._offered(event)
        elif driver := self._legs.get(event.leg_id):
            self._hand(driver, event)

    def _hand(self, driver: CallDriver | CallbackCall, event: LegEvent) -> None:
        try:
            driver.handle(event)
        except Exception:
            driver.fail()

    def _offered(self, event: LegOffered) -> None:
        if self._is_draining:
            self._ports.measures.count(metrics.CALLS_REFUSED, "stopping")
            self._ports.telephony.reject(event.leg_id, 503)
            return
        back = self._returning(event)
        name = flow_for(event.dnis, event.account, self._numbers, self._default_flow, takes_drafts=self._takes_drafts)
        flow = back[0].flow if back else self._flow_named(name) if name else None
        if flow is None:
            self._ports.measures.count(metrics.CALLS_REFUSED, "no_flow")
            _LOG.warning("no_flow_for_number", leg_id=str(event.leg_id), flow=name or "")
            self._ports.telephony.reject(event.leg_id, 480 if name else 404)
            return
        self._begin(event, flow, back[1] if back else None)

    def _begin(self, event: LegOffered, flow: Flow | Program, returned: Returned | None) -> None:
        program = Program.of(flow)
        call_id = new_call_id(self._ports.clock.now())
        notes = CallNotes(self._call_log, self._ports.clock, self._started(call_id, event, program.main))
        driver = self._make_driver(self._ports, call_id, program, event, notes, self._claim, self._finished)
        self._legs[event.leg_id] = driver
        self._calls.add(driver)
        self._all_ended.clear()
        _LOG.info(
            "call_offered",
            call_id=call_id,
            sip_call_id=event.sip_call_id,
            caller=event.ani,
            flow=program.main.flow,
            version=program.main.version,
        )
        driver.start(returned)

    def _started(self, call_id: str, event: LegOffered, flow: Flow) -> CallStarted:
        return CallStarted(
            call_id=call_id,
            started_at=self._ports.clock.now(),
            ani=event.ani,
            dnis=event.dnis,
            account=event.account,
            flow=flow.flow,
            flow_version=flow.version,
            sip_call_id=event.sip_call_id,
            worker=self._worker,
        )

    def leg_of(self, call_id: str) -> LegId | None:
        """The caller's leg of a call in progress."""
        driver = self._driver_of(call_id)
        return driver.leg_id if driver is not None else None

    def _driver_of(self, call_id: str) -> CallDriver | None:
        return next((driver for driver in self._calls if driver.call_id == call_id), None)

    # --- supervisors

    @property
    def talks(self) -> list[str]:
        """Ids of the calls in which a supervisor can take part now; none where the settings do not allow it."""
        if not self._ports.monitoring.is_allowed:
            return []
        own = [driver.call_id for driver in self._calls if driver.monitoring.is_possible]
        return own + (self._callbacks.talks if self._callbacks is not None else [])

    def monitor(self, call_id: str, wish: MonitorWish, tell: Callable[[str], None]) -> bool:
        """Let a supervisor take part in a call; False where it is not here. `tell`: see `ivr.calls.call_monitoring`."""
        driver = self._driver_of(call_id)
        found = driver.monitoring if driver is not None else None
        if found is None and self._callbacks is not None:
            found = self._callbacks.monitoring_of(call_id)
        if found is None:
            return False
        if self._ports.monitoring.is_allowed:
            found.ask(wish, tell)
        else:
            tell(NOT_ALLOWED)
        return True

    def _claim(self, leg_id: LegId, driver: CallDriver | CallbackCall) -> None:
        self._legs[leg_id] = driver

    def _finished(self, driver: CallDriver) -> None:
        self._remember_referred(driver)
        self._calls.discard(driver)
        self._let_go(driver)

    def _let_go(self, driver: CallDriver | CallbackCall) -> None:
        self._legs = {leg_id: owner for leg_id, owner in self._legs.items() if owner is not driver}
        if self._is_quiet:
            self._all_ended.set()

    @property
    def _is_quiet(self) -> bool:
        return not self._calls and not (self._callbacks and self._callbacks.count)

    def _make_callbacks(self) -> Callbacks:
        from ivr.calls.callbacks import Callbacks

        return Callbacks(self._ports, self._callback_notes, self._claim, self._let_go)

    def _callback_notes(self, call: WaitingCall, account: str) -> tuple[str, CallNotes]:
        now, flow = self._ports.clock.now(), str(call.context.get("flow", ""))
        call_id = new_call_id(now)
        started = CallStarted(call_id, now, call.callback, "", account, flow, "", "", self._worker)
        return call_id, CallNotes(self._call_log, self._ports.clock, started)

    # --- callers whom a blind transfer sent away

    def _referred_by(self, driver: CallDriver) -> Referred | None:
        state = driver.sent_away
        if state is None:
            return None
        return Referred(
            driver.offered.ani,
            driver.offered.remote,
            driver.program,
            state.step,
            state.variables,
            state.sensitive,
            state.language,
            self._ports.clock.monotonic_s(),
            state.flow,
            state.frames,
        )

    def _remember_referred(self, driver: CallDriver) -> None:
        now_s = self._ports.clock.monotonic_s()
        self._referred = [sent for sent in self._referred if now_s - sent.at_s <= RETURN_WINDOW_S]
        if (sent := self._referred_by(driver)) is not None:
            self._referred.append(sent)

    def _returning(self, event: LegOffered) -> tuple[Referred, Returned] | None:
        if not is_returning(event.headers):
            return None
        moving = [self._referred_by(driver) for driver in self._calls if driver.state.phase is Phase.TRANSFERRING]
        known = [*self._referred, *(sent for sent in moving if sent is not None)]
        back = match_returning(event.ani, event.remote, event.headers, reversed(known), self._ports.clock.monotonic_s())
        if back is not None and back[0] in self._referred:
            self._referred.remove(back[0])
        return back

    # --- the end

    async def drain(self) -> None:
        """Refuse new calls; returns when the last one in progress has ended by itself."""
        self._is_draining = True
        if self._callbacks is not None:
            self._callbacks.stop()
        while not self._is_quiet:
            self._all_ended.clear()
            await self._all_ended.wait()

    async def stop(self, within_s: float) -> None:
        """Refuse new calls, end those in progress with BYE, wait for them as long as `within_s`."""
        self._is_draining = True
        if self._callbacks is not None:
            self._callbacks.stop()
            self._callbacks.hang_up()
        for driver in list(self._calls):
            driver.hang_up()
        if self._calls:
            try:
                await asyncio.wait_for(self._all_ended.wait(), within_s)
            except TimeoutError:
                _LOG.warning("calls_left_at_shutdown", count=len(self._calls))
                for driver in list(self._calls):
                    driver.give_up()
