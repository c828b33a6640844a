"""Keeps the accounts registered: renews, and asks a registrar that refused or was away again. SIP thread only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ivr.config import SipSettings
from ivr.ports import RegistrationChanged
from ivr.sip import codes
from ivr.sip.account import RegistrationReport, SipAccount
from ivr.sip.behind_front import registers
from ivr.sip.peers import NameGate, TrustedPeers
from ivr.sip.thread import SipThread


class Registrations:
    """Of all accounts. `begin` for each account, `end` before they are deleted."""

    def __init__(
        self,
        settings: SipSettings,
        accounts: Mapping[str, SipAccount],
        *,
        thread: SipThread,
        names: NameGate,
        peers: TrustedPeers,
        report: Callable[[RegistrationChanged], None],
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._thread = thread
        self._names = names
        self._peers = peers
        self._report = report
        self._states: dict[str, tuple[bool, int]] = {}
        self._failures: dict[str, int] = {}
        self._renewals: dict[str, int] = {}
        self._is_ending = False

    def begin(self, name: str) -> None:
        """Register an account, as soon as its registrar's name has an address."""
        given = self._settings.accounts[name]
        if registers(given, self._settings):
            self._names.when_known(given.proxy or given.registrar or "", partial(self._register, name))

    def _register(self, name: str, is_known: bool) -> None:
        if self._is_ending:
            return
        if is_known:
            self._accounts[name].register(is_on=True)
        else:
            self.changed(RegistrationReport(name, False, codes.BAD_GATEWAY, "no address for it", ""))

    def changed(self, report: RegistrationReport) -> None:
        """A registrar answered, or did not. Only changes are reported."""
        state = (report.is_registered, report.sip_status)
        has_changed = self._states.get(report.account) != state
        self._states[report.account] = state
        if report.is_registered:
            self._failures[report.account] = 0
            self._renew_later(report.account)
            if report.source:
                self._peers.learn([report.source], [report.account])
        elif not self._is_ending and not codes.is_success(report.sip_status):
            self._begin_later(report)
        if has_changed:
            self._report(RegistrationChanged(report.account, report.is_registered, report.sip_status, report.reason))

    def _renew_later(self, name: str) -> None:
        """One renewal per registration: each answer to one starts the time of the next."""
        renew_every_s = self._settings.accounts[name].renew_every
        turn = self._renewals[name] = self._renewals.get(name, 0) + 1
        if renew_every_s > 0:
            self._thread.after(renew_every_s, partial(self._renew, name, turn))

    def _renew(self, name: str, turn: int) -> None:
        is_registered, _ = self._states.get(name, (False, 0))
        if turn == self._renewals[name] and is_registered and not self._is_ending:
            self._accounts[name].register(is_on=True)

    def _begin_later(self, report: RegistrationReport) -> None:
        failures = self._failures[report.account] = self._failures.get(report.account, 0) + 1
        retry_every_s = self._settings.accounts[report.account].retry_every
        delay_s = codes.retry_delay_s(report.sip_status, failures, retry_every_s)
        self._thread.after(delay_s, partial(self.begin, report.account))

    def end(self) -> Callable[[], bool]:
        """Unregister; the result tells whether all registrars have confirmed it."""
        self._is_ending = True
        registered = [name for name, (is_registered, _) in self._states.items() if is_registered]
        for name in registered:
            self._accounts[name].register(is_on=False)
        return lambda: not any(self._states[name][0] for name in registered)
