"""Which peers are believed when they say who is calling. Pure but for `resolve`, which asks the system's resolver."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from ivr.config import SipSettings
from ivr.sip.translate import peer_host, uri_host, uri_user

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def hosts_of_account(settings: SipSettings, account: str) -> set[str]:
    """Hosts that an account's calls come from: registrar, outbound proxy, else the domain of its URI."""
    given = settings.accounts[account]
    uris = [uri for uri in (given.registrar, given.proxy) if uri] or [given.uri]
    return {host for host in map(uri_host, uris) if host}


def resolve(host: str) -> set[str]:
    """Addresses of a host name; empty when it has none. Blocks: run it off the loop."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError:
        return set()
    return {str(entry[4][0]) for entry in found}


class TrustedPeers:
    """Addresses whose P-Asserted-Identity counts, and whose calls belong to an account."""

    def __init__(self, settings: SipSettings) -> None:
        self._networks: set[Network] = set()
        self._accounts: dict[str, set[Network]] = {name: set() for name in settings.accounts}
        self._users = {name: uri_user(account.uri) for name, account in settings.accounts.items()}
        self.names: dict[str, set[str]] = {}
        """Host names still to be resolved, each with the accounts that they belong to."""
        for host in settings.trusted_peers:
            self._learn_host(host, account=None)
        for account in settings.accounts:
            for host in hosts_of_account(settings, account):
                self._learn_host(host, account)

    def _learn_host(self, host: str, account: str | None) -> None:
        try:
            network = ipaddress.ip_network(host, strict=False)
        except ValueError:
            self.names.setdefault(host, set()).update({account} if account else set())
        else:
            self._add(network, account)

    def _add(self, network: Network, account: str | None) -> None:
        (self._networks if account is None else self._accounts.setdefault(account, set())).add(network)

    def learn(self, addresses: Iterable[str], accounts: Iterable[str] = ()) -> None:
        """Believe these addresses too, for the accounts given or for all."""
        for address in addresses:
            parsed = _address(peer_host(address))
            if parsed is None:
                continue
            network = ipaddress.ip_network(parsed)
            owners: list[str | None] = [*accounts]
            for account in owners or [None]:
                self._add(network, account)

    def is_trusted(self, remote: str) -> bool:
        """Whether the peer at `address:port` is believed."""
        address = _address(peer_host(remote))
        every = [self._networks, *self._accounts.values()]
        return address is not None and any(address in network for networks in every for network in networks)

    def stranger(self, remote: str) -> str:
        """The host of the peer at `address:port`; empty when it is believed."""
        return "" if self.is_trusted(remote) else peer_host(remote)

    def account_of(self, remote: str, dialled: str = "") -> str:
        """The account whose registrar is at that address; of several the one that was dialled; else empty."""
        address = _address(peer_host(remote))
        if address is None:
            return ""
        names = [name for name, networks in self._accounts.items() if any(address in net for net in networks)]
        if len(names) > 1:
            names = [name for name in names if dialled and self._users.get(name) == dialled]
        return names[0] if len(names) == 1 else ""


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


class NameGate:
    """Looks host names up before the library does, which would block the SIP thread until the resolver gives up.

    The library asks again, but by then the answer is known to the resolver and comes at once.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None]) -> None:
        self._post = post
        self._executor = ThreadPoolExecutor(2, thread_name_prefix="sip-names")

    def when_known(self, uri: str, proceed: Callable[[bool], None]) -> None:
        """Call `proceed` on the SIP thread with whether the URI's host has an address; at once for an address."""
        host = uri_host(uri)
        if not host or _address(host) is not None:
            proceed(True)
            return
        self._executor.submit(resolve, host).add_done_callback(partial(self._looked_up, proceed))

    def _looked_up(self, proceed: Callable[[bool], None], lookup: Future[set[str]]) -> None:
        if not lookup.cancelled():
            self._post(partial(proceed, bool(lookup.result())))

    def close(self) -> None:
        """Forget what is under way; a look-up that the resolver still holds ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)
