"""The user agent: library, accounts and legs together. Everything here runs on the SIP thread."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pjsua2 as pj
import structlog

from ivr.config import SipSettings
from ivr.ports import (
    DialRequest,
    EndedBy,
    LegEvent,
    LegId,
    LegOffered,
    LegReferred,
    MessageRequest,
    RegistrationChanged,
    TelephonyEvent,
)
from ivr.sip import codes, offer, screen, translate
from ivr.sip.account import LOCAL, RegistrationReport, SipAccount, account_config, local_config, with_transport
from ivr.sip.arrivals import Arrivals
from ivr.sip.call import Leg, LegCall, add_headers
from ivr.sip.endpoint import Endpoint
from ivr.sip.media import SETTLE_S, FramePorts, LegMedia
from ivr.sip.messages import Messages
from ivr.sip.peers import NameGate, TrustedPeers
from ivr.sip.thread import SipThread
from ivr.sip.unwanted import UnwantedRequests

_TOO_MANY: Final = 70010
"""`PJ_ETOOMANY`: the library has no call left."""
UNDECIDED_LIMIT_S: Final = 10.0
"""An offered leg that nobody answers, refuses or lets ring is refused after this time."""
RINGING_LIMIT_S: Final = 180.0
"""An offered leg that only rings is refused after this time."""
CLOCK_LINGER_S: Final = 2.0
"""The media clock goes on this long after the last leg, so that everything disconnected has settled."""
SWEEP_EVERY_S: Final = 5.0
GOODBYE_LIMIT_S: Final = 1.5
UNREGISTER_LIMIT_S: Final = 0.7

_leg_numbers = itertools.count(1)
"""Of the process, so that no leg gets the name of an earlier one, whichever user agent had that."""

log = structlog.get_logger(__name__)


class UserAgent:
    """Keeps the legs and carries out commands."""

    def __init__(
        self,
        settings: SipSettings,
        thread: SipThread,
        *,
        report: Callable[[TelephonyEvent], None],
        now_s: Callable[[], float],
        peers: TrustedPeers,
        follows_refer: bool,
    ) -> None:
        self._settings = settings
        self._thread = thread
        self._report = report
        self.now_s = now_s
        self._peers = peers
        self._follows_refer = follows_refer
        self.endpoint = Endpoint(settings)
        self._unwanted = UnwantedRequests()
        self._wanted = offer.encodings(settings.codecs, settings.sample_rate_hz)
        self._arrivals = Arrivals(self._wanted, self.endpoint.heard, self._answer)
        self._ports = FramePorts(settings.sample_rate_hz, thread)
        self._names = NameGate(thread.post)
        self._messages = Messages(settings, self._names, thread.post)
        self._accounts: dict[str, SipAccount] = {}
        self._registrations: dict[str, tuple[bool, int]] = {}
        self._failures: dict[str, int] = {}
        self._renewals: dict[str, int] = {}
        self._legs: dict[LegId, Leg] = {}
        self._ended_calls: list[Any] = []
        self._is_closing = False

    # --- life

    def open(self) -> None:
        """Start the library and register the accounts. Raises TelephonyError."""
        self.endpoint.open()
        self._unwanted.register()
        self._arrivals.register()
        self.endpoint.keep_connections(self._connections_in_use)
        host = self._settings.public_address or self._settings.address
        local = SipAccount(LOCAL, "", self)
        host = "127.0.0.1" if host == "0.0.0.0" else host
        config = local_config(self._settings, host, self.endpoint.port)
        local.uri = config.idUri
        local.create(config, True)
        self._accounts[LOCAL] = local
        for name, given in self._settings.accounts.items():
            account = SipAccount(name, given.uri, self)
            account.create(account_config(given, self._settings))
            self._accounts[name] = account
            self._register(name)
        self._sweep()

    def close(self) -> None:
        """End all legs, unregister, free everything. The library is gone afterwards."""
        self._is_closing = True
        for leg in list(self._legs.values()):
            leg.hang_up(0 if not leg.is_incoming or leg.is_answered else codes.SERVICE_UNAVAILABLE)
        self._pump(GOODBYE_LIMIT_S, lambda: not self._legs)
        for leg in list(self._legs.values()):
            leg.end(EndedBy.LOCAL, codes.REQUEST_TIMEOUT, "the bot was stopped")
        self._unregister()
        if self.endpoint.has_clock:
            self._pump(SETTLE_S, lambda: False)
            self.endpoint.stop_clock()
        self._names.close()
        self._messages.close()
        self._thread.clear()
        self._ports.close()
        self._ended_calls.clear()
        for account in self._accounts.values():
            account.release()
        self._accounts.clear()
        self.endpoint.close()

    def _unregister(self) -> None:
        registered = [name for name, (is_registered, _) in self._registrations.items() if is_registered]
        for name in registered:
            self._accounts[name].register(is_on=False)
        self._pump(UNREGISTER_LIMIT_S, lambda: not any(self._registrations[name][0] for name in registered))

    def _pump(self, limit_s: float, is_done: Callable[[], bool]) -> None:
        end_s = time.monotonic() + limit_s
        self._thread.after(limit_s, lambda: None)  # ends the poll's wait in time
        while not is_done() and time.monotonic() < end_s:
            self._thread.step(self.endpoint)

    # --- what the library reports

    def registration_changed(self, report: RegistrationReport) -> None:
        """Report changes only; ask a registrar that refused or was away again later."""
        state = (report.is_registered, report.sip_status)
        has_changed = self._registrations.get(report.account) != state
        self._registrations[report.account] = state
        if report.is_registered:
            self._failures[report.account] = 0
            self._renew_later(report.account)
            if report.source:
                self._peers.learn([report.source], [report.account])
        elif not self._is_closing and not codes.is_success(report.sip_status):
            self._register_later(report)
        if has_changed:
            self._report(RegistrationChanged(report.account, report.is_registered, report.sip_status, report.reason))

    def _renew_later(self, name: str) -> None:
        """One renewal per registration: each answer to one starts the time of the next."""
        renew_every_s = self._settings.accounts[name].renew_every
        turn = self._renewals[name] = self._renewals.get(name, 0) + 1
        if renew_every_s > 0:
            self._thread.after(renew_every_s, partial(self._renew, name, turn))

    def _renew(self, name: str, turn: int) -> None:
        is_registered, _ = self._registrations.get(name, (False, 0))
        if turn == self._renewals[name] and is_registered and not self._is_closing:
            self._accounts[name].register(is_on=True)

    def _register_later(self, report: RegistrationReport) -> None:
        failures = self._failures[report.account] = self._failures.get(report.account, 0) + 1
        retry_every_s = self._settings.accounts[report.account].retry_every
        delay_s = codes.retry_delay_s(report.sip_status, failures, retry_every_s)
        self._thread.after(delay_s, partial(self._register, report.account))

    def _register(self, name: str) -> None:
        given = self._settings.accounts[name]
        if given.registrar:
            self._names.when_known(given.proxy or given.registrar, partial(self._register_known, name))

    def _register_known(self, name: str, is_known: bool) -> None:
        if self._is_closing:
            return
        if is_known:
            self._accounts[name].register(is_on=True)
        else:
            self.registration_changed(RegistrationReport(name, False, codes.BAD_GATEWAY, "no address for it", ""))

    def message_answered(self, uri: str, text: str, sip_status: int, reason: str) -> None:
        """A MESSAGE that we sent has its final answer."""
        self._messages.answered(uri, text, sip_status, reason)

    def invite_received(self, account: SipAccount, call_id: int, message: str, source: str) -> None:
        """Make the leg; what becomes of it is decided outside the callback."""
        self.endpoint.call_started()
        call = LegCall(account, call_id)
        parsed = translate.parse_message(message)
        is_usable = translate.has_usable_addresses(translate.body_of(message))
        name = account.name or self._peers.account_of(source, translate.dialled_number(parsed))
        leg = self._new_leg(is_incoming=True, account=name)
        leg.bind(call)
        leg.connection = self._arrivals.connection
        party = translate.calling_party(parsed, is_trusted=self._peers.is_trusted(source))
        offer = LegOffered(
            leg.id,
            self.now_s(),
            ani=party.user,
            ani_name=party.name,
            dnis=translate.dialled_number(parsed),
            account=name,
            remote=source,
            sip_call_id=translate.clean(parsed.first("Call-ID"), translate.HEADER_VALUE_LIMIT),
            headers=translate.context_headers(parsed),
        )
        self._thread.post(partial(self._admit, leg, offer, is_usable))

    def _admit(self, leg: Leg, offer: LegOffered, is_usable: bool) -> None:
        if leg.is_ended:
            if leg.unreported_end is not None:  # given up in the same instant: a call all the same
                self.emit(offer)
                self.emit(leg.unreported_end)
            return
        if not is_usable:
            log.warning("sip.malformed_offer", leg=leg.id)
            leg.hang_up(codes.BAD_REQUEST)
            return
        callers = sum(other.is_incoming and not other.is_ended for other in self._legs.values())
        if self._is_closing or callers > self.callers_limit:
            leg.hang_up(codes.SERVICE_UNAVAILABLE if self._is_closing else codes.BUSY_HERE)
            return
        leg.is_reported = True
        self.emit(offer)
        self._thread.after(UNDECIDED_LIMIT_S, partial(self._refuse_forgotten, leg, is_ringing_enough=True))
        self._thread.after(RINGING_LIMIT_S, partial(self._refuse_forgotten, leg, is_ringing_enough=False))

    @property
    def callers_limit(self) -> int:
        """Callers at once."""
        limit = self.endpoint.max_legs - self._settings.reserved_legs
        return min(limit, self._settings.max_calls or limit)

    def _refuse_forgotten(self, leg: Leg, *, is_ringing_enough: bool) -> None:
        if leg.is_ended or leg.is_accepted or (leg.is_decided and is_ringing_enough):
            return
        log.warning("sip.offer_forgotten", leg=leg.id)
        leg.hang_up(codes.SERVICE_UNAVAILABLE)

    # --- LegOwner

    def emit(self, event: LegEvent) -> None:
        """Hand an event to the application."""
        self._report(event)

    def post(self, job: Callable[[], None]) -> None:
        """Do something on the SIP thread soon. From any thread."""
        self._thread.post(job)

    def status_for_offer(self, sdp: str) -> int:
        """488 for an offer without a codec of ours, where the library would say 500 (RFC 3261 §14.2, §21.4.26)."""
        if not translate.has_usable_addresses(sdp):
            return codes.BAD_REQUEST
        return codes.OK if offer.is_acceptable(sdp, self._wanted) else codes.NOT_ACCEPTABLE_HERE

    def _answer(self, method: str, message: translate.SipMessage, body: str, has_dialog: bool) -> int | None:
        sip_status = screen.refusal(method, message, has_dialog=has_dialog, follows_refer=self._follows_refer)
        return self._info_received(message, body) if sip_status is None and method == "INFO" else sip_status

    def _info_received(self, message: translate.SipMessage, body: str) -> int:
        call_id = message.first("Call-ID")
        leg = next((leg for leg in self._legs.values() if not leg.is_ended and leg.sip_call_id == call_id), None)
        if leg is None:
            return codes.NO_SUCH_CALL
        return leg.info_received(translate.cseq_of(message), message.first("Content-Type"), body)

    def _connections_in_use(self) -> set[int]:
        return {leg.connection for leg in self._legs.values()}

    def leg_ended(self, leg: Leg) -> None:
        """Let go of the leg between two polls."""
        leg.media.close()
        self._thread.post(partial(self._release, leg))

    def _release(self, leg: Leg) -> None:
        self._legs.pop(leg.id, None)
        call = leg.release()
        if call is not None:
            self._ended_calls.append(call)
            del call
        self._drop_ended_calls()
        if not self._legs:
            self._thread.after(CLOCK_LINGER_S, self._rest)

    def _drop_ended_calls(self) -> None:
        """Let go of call objects whose number no call has now.

        Numbers are given again at once, and the library hangs up whatever call has the number of an object that is
        deleted: the new caller would be thrown out in place of the old one.
        """
        self._ended_calls = [call for call in self._ended_calls if call.isActive()]

    def _sweep(self) -> None:
        """End legs that the library has dropped without saying so, and free what had to wait."""
        self._drop_ended_calls()
        self.endpoint.close_overdue()
        newest = {leg.call_number: leg for leg in self._legs.values() if leg.call_number >= 0}
        for leg in list(self._legs.values()):
            if leg.call_number < 0:
                continue
            is_gone = not leg.is_alive and not leg.is_leaving
            if is_gone or newest[leg.call_number] is not leg:
                log.warning("sip.leg_lost", leg=leg.id)
                leg.end(EndedBy.NETWORK, codes.REQUEST_TIMEOUT, "the call was lost")
        self._thread.after(SWEEP_EVERY_S, self._sweep)

    def _rest(self) -> None:
        if not self._legs:
            self.endpoint.stop_clock()

    def following_call(self, leg: Leg) -> Any:
        """The call that a peer's REFER or Replaces asks for: made by a telephone, refused by the bot."""
        if not self._follows_refer or self._is_closing:
            return None
        account = self._accounts.get(leg.account, self._accounts[LOCAL])
        new_leg = self._new_leg(is_incoming=False, account=leg.account)
        call = LegCall(account)
        new_leg.bind(call)
        self.emit(LegReferred(leg.id, self.now_s(), new_leg.id))
        return call

    # --- commands

    def new_leg_id(self) -> LegId:
        """From any thread."""
        return LegId(f"leg-{next(_leg_numbers)}")

    def _new_leg(self, *, is_incoming: bool, account: str, leg_id: LegId | None = None) -> Leg:
        self.endpoint.start_clock()
        media = LegMedia(self._settings.sample_rate_hz, self._thread, self._ports)
        leg = Leg(leg_id or self.new_leg_id(), self, media, is_incoming=is_incoming, account=account)
        if self._settings.keys_in_audio:
            media.hear_keys(leg.key_heard)
        self._legs[leg.id] = leg
        return leg

    def with_leg(self, leg_id: LegId, command: Callable[[Leg], None]) -> None:
        """Carry out a command, unless the leg has ended."""
        leg = self._legs.get(leg_id)
        if leg is not None and not leg.is_ended:
            command(leg)

    def with_legs(self, leg_id: LegId, other_leg_id: LegId, command: Callable[[Leg, Leg], None]) -> None:
        """Carry out a command on two legs, unless one of them has ended."""
        self.with_leg(leg_id, lambda leg: self.with_leg(other_leg_id, partial(command, leg)))

    def dial(self, leg_id: LegId, request: DialRequest) -> None:
        """Start an outgoing leg; what prevents it is reported as its end."""
        leg = self._new_leg(is_incoming=False, account=request.account, leg_id=leg_id)
        account = self._accounts.get(request.account)
        if account is None:
            leg.end(EndedBy.LOCAL, codes.BAD_REQUEST, f"no account named '{request.account}' in ivr.yaml")
        elif self._is_closing or len(self._legs) > self.endpoint.max_legs:
            leg.end(EndedBy.LOCAL, codes.SERVICE_UNAVAILABLE, "no free leg")
        else:
            given = self._settings.accounts.get(request.account)
            hop = given.proxy if given and given.proxy else request.uri
            self._names.when_known(hop, partial(self._name_known, leg, account, request))

    def _name_known(self, leg: Leg, account: SipAccount, request: DialRequest, is_known: bool) -> None:
        if leg.is_ended:
            return
        if is_known:
            self._call_out(leg, account, request)
        else:
            leg.end(EndedBy.NETWORK, codes.BAD_GATEWAY, f"no address for {translate.uri_host(request.uri)}")

    def _call_out(self, leg: Leg, account: SipAccount, request: DialRequest) -> None:
        call = LegCall(account)
        leg.bind(call)
        parameters = pj.CallOpParam(True)
        parameters.opt.audioCount, parameters.opt.videoCount = 1, 0
        add_headers(parameters, translate.header_pairs(request.headers))
        parameters.txOption.localUri = translate.caller_id_uri(request.caller_id, account.uri)
        given = self._settings.accounts.get(request.account)
        uri = with_transport(request.uri, given.transport if given else "udp")
        self.endpoint.call_started()
        try:
            call.makeCall(uri, parameters)
        except pj.Error as error:
            is_full = error.status == _TOO_MANY
            status = codes.SERVICE_UNAVAILABLE if is_full else codes.BAD_REQUEST
            leg.end(EndedBy.LOCAL, status, "no free leg" if is_full else str(error.reason))

    def send_message(self, request: MessageRequest, report: Callable[[int, str], None]) -> None:
        """Send a MESSAGE outside of calls."""
        if self._is_closing:
            report(codes.SERVICE_UNAVAILABLE, "the bot is stopping")
        else:
            self._messages.send(self._accounts.get(request.account), request, report)
