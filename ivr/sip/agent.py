"""The user agent: library, accounts and legs together. Everything here runs on the SIP thread."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog

from ivr.config import SipSettings
from ivr.ports import (
    DialRequest,
    EndedBy,
    LegEvent,
    LegId,
    LegOffered,
    LegReferred,
    Measures,
    MessageRequest,
    TelephonyEvent,
    metrics,
)
from ivr.sip import codes, offer, screen, translate
from ivr.sip.account import LOCAL, RegistrationReport, SipAccount, account_config, local_config
from ivr.sip.arrivals import Arrivals
from ivr.sip.behind_front import next_hop, source_of
from ivr.sip.call import Leg
from ivr.sip.dialling import place
from ivr.sip.endpoint import Endpoint
from ivr.sip.half_open import HalfOpen, HalfOpenLimit, overdue
from ivr.sip.leg_call import LegCall
from ivr.sip.media import SETTLE_S, FramePorts, LegMedia
from ivr.sip.media_lock import MediaLock, MediaLooks
from ivr.sip.messages import Messages
from ivr.sip.name_lookup import NameLookup
from ivr.sip.peers import TrustedPeers
from ivr.sip.registrations import Registrations
from ivr.sip.thread import SipThread
from ivr.sip.unanswered import transaction_of
from ivr.sip.unwanted import UnwantedRequests

UNDECIDED_LIMIT_S: Final = 10.0
"""An offered leg that nobody answers, refuses or lets ring is refused after this time."""
RINGING_LIMIT_S: Final = 180.0
"""An offered leg that only rings is refused after this time."""
_BROUGHT_BACK: Final = "X-Transfer-Result"
"""Stands in the INVITE of a caller whose transfer has failed: that call is in progress."""
CLOCK_LINGER_S: Final = 2.0
"""The media clock goes on this long after the last leg, so that everything disconnected has settled."""
SWEEP_EVERY_S: Final = 5.0
ROOM_AFTER_S: Final = 0.5
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
        measures: Measures,
    ) -> None:
        self._settings = settings
        self._thread = thread
        self._report = report
        self.now_s = now_s
        self._peers = peers
        self._follows_refer = follows_refer
        self.endpoint = Endpoint(settings, measures)
        self._unwanted = UnwantedRequests()
        self._wanted = offer.encodings(settings.codecs, settings.sample_rate_hz)
        self._arrivals = Arrivals(self._wanted, self.endpoint.heard, self._answer)
        self._ports = FramePorts(settings.sample_rate_hz, thread)
        self._looks = MediaLooks(thread)
        self._names = NameLookup(thread.post)
        self._accounts: dict[str, SipAccount] = {}
        self._registrations = Registrations(
            settings, self._accounts, thread=thread, names=self._names, peers=peers, report=report
        )
        self._half_open_limit = HalfOpenLimit(settings.half_open_per_source)
        self._legs: dict[LegId, Leg] = {}
        self._messages = Messages(settings, self._names, thread.post, self._legs)
        self._ended_calls: list[Any] = []
        self._is_room_wanted = self._is_closing = False
        self._measures = measures
        self.retry_after_s = 0
        """New calls are refused, and told to come again after this time; 0: they are taken. From any thread."""

    # --- life

    def open(self) -> None:
        """Start the library and register the accounts. Raises TelephonyError."""
        self.endpoint.open()
        self._unwanted.register()
        self._arrivals.register()
        self.endpoint.keep_connections(lambda: {leg.connection for leg in self._legs.values()})
        self.endpoint.when_refused(self._want_room)
        self._names.register()
        config = local_config(self._settings, self.endpoint.port)
        local = SipAccount(LOCAL, config.idUri, self)
        local.create(config, True)
        self._accounts[LOCAL] = local
        for name, given in self._settings.accounts.items():
            account = SipAccount(name, given.uri, self)
            account.create(account_config(given, self._settings))
            self._accounts[name] = account
            self._registrations.begin(name)
        self._sweep()

    def close(self) -> None:
        """End all legs, unregister, free everything. The library is gone afterwards."""
        self._is_closing = True
        for leg in list(self._legs.values()):
            leg.hang_up(0 if not leg.is_incoming or leg.is_answered else codes.SERVICE_UNAVAILABLE)
        self._pump(GOODBYE_LIMIT_S, lambda: not self._legs)
        for leg in list(self._legs.values()):
            leg.end(EndedBy.LOCAL, codes.REQUEST_TIMEOUT, "the bot was stopped")
        self._pump(UNREGISTER_LIMIT_S, self._registrations.end())
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

    def _pump(self, limit_s: float, is_done: Callable[[], bool]) -> None:
        end_s = time.monotonic() + limit_s
        self._thread.after(limit_s, lambda: None)  # ends the poll's wait in time
        while not is_done() and time.monotonic() < end_s:
            self._thread.step(self.endpoint)

    # --- what the library reports

    def registration_changed(self, report: RegistrationReport) -> None:
        """A registrar answered, or the registration was lost."""
        self._registrations.changed(report)

    def message_answered(self, uri: str, text: str, sip_status: int, reason: str) -> None:
        """A MESSAGE that we sent has its final answer."""
        self._messages.answered(uri, text, sip_status, reason)

    def invite_received(self, account: SipAccount, call_id: int, message: str, source: str) -> None:
        """Make the leg; what becomes of it is decided outside the callback."""
        self.endpoint.call_started()
        parsed = translate.parse_message(message)
        source = source_of(source, parsed, self._settings)
        is_usable = translate.has_usable_addresses(translate.body_of(message))
        name = account.name or self._peers.account_of(source, translate.dialled_number(parsed))
        leg = self._new_leg(is_incoming=True, account=name)
        leg.bind(LegCall(account, call_id))
        leg.connection = self._arrivals.connection
        leg.source = "" if name or self._settings.front else self._peers.stranger(source)
        leg.lock.signalled = translate.peer_host(source)
        leg.transaction = transaction_of(self._arrivals.request)
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
            offers_video=translate.offers_video(parsed, message),
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
        sip_status = codes.SERVICE_UNAVAILABLE if self._is_closing else self._refusal(leg.source)
        if sip_status is not None:
            leg.hang_up(sip_status)
            self._want_room()
            return
        if self.retry_after_s and _BROUGHT_BACK not in offer.headers:
            self._measures.count(metrics.CALLS_REFUSED, "overload")
            leg.hang_up(codes.SERVICE_UNAVAILABLE, retry_after_s=self.retry_after_s)
            return
        leg.is_reported = True
        self.emit(offer)
        self._thread.after(UNDECIDED_LIMIT_S, partial(self._refuse_forgotten, leg, is_ringing_enough=True))
        self._thread.after(RINGING_LIMIT_S, partial(self._refuse_forgotten, leg, is_ringing_enough=False))

    def _refusal(self, source: str) -> int | None:
        callers = sum(leg.is_incoming and not leg.is_ended for leg in self._legs.values())
        return self._half_open_limit.refusal(
            source, self._half_open(), callers, callers_limit=self.callers_limit, now_s=self.now_s()
        )

    def _half_open(self) -> list[HalfOpen]:
        legs = [leg for leg in self._legs.values() if leg.is_half_open]
        return [HalfOpen(leg.id, leg.source, leg.accepted_at_s, not leg.transaction) for leg in legs]

    def _want_room(self) -> None:
        """A caller was refused; under a flood each one is."""
        if not self._is_room_wanted:
            self._is_room_wanted = True
            self._thread.after(ROOM_AFTER_S, self._make_room)

    def _make_room(self) -> None:
        """Callers who do not acknowledge our answer are not waited for any longer."""
        self._is_room_wanted = False
        for leg_id in overdue(self._half_open(), self.now_s()):
            leg = self._legs[leg_id]
            log.warning("sip.never_acknowledged", leg=leg_id, source=leg.source)
            transaction, leg.transaction = leg.transaction, b""
            self.endpoint.unanswered.give_up(transaction)

    @property
    def leg_count(self) -> int:
        """Legs that there are, those that are just leaving included. From any thread."""
        return len(self._legs)

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

    def leg_ended(self, leg: Leg) -> None:
        """Let go of the leg between two polls."""
        if leg.is_unacknowledged:
            self._half_open_limit.left(leg.source, self.now_s())
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
        if len(self._legs) >= self.callers_limit:  # behind a front nobody is refused here
            self._make_room()
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
        lock = MediaLock(self._looks, self.now_s)
        leg = Leg(leg_id or self.new_leg_id(), self, media, lock, is_incoming=is_incoming, account=account)
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
            hop = next_hop(self._settings, self._settings.accounts.get(request.account), request.uri)
            leg.lock.signalled = translate.uri_address(hop)
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
        self.endpoint.call_started()
        failure = place(call, account.uri, request, self._settings.accounts.get(request.account))
        if failure is not None:
            leg.end(EndedBy.LOCAL, *failure)

    def send_message(self, request: MessageRequest, report: Callable[[int, str], None]) -> None:
        """Send a MESSAGE."""
        if self._is_closing:
            report(codes.SERVICE_UNAVAILABLE, "the bot is stopping")
        else:
            self._messages.send(self._accounts.get(request.account), request, report)
