"""A SIP dialog (RFC 3261 §12): tags, route set, remote target, sequence numbers. Pure but for random branches."""

from __future__ import annotations

from dataclasses import dataclass, field

from ivr.testing.sip_peer.message import (
    Headers,
    SipMessage,
    SipRequest,
    SipResponse,
    new_branch,
    parse_address,
    parse_name_addr,
    parse_uri,
)

USER_AGENT = "ivr-sip-peer"
ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, REFER, UPDATE"
Address = tuple[str, int]


@dataclass(slots=True)
class SipDialog:
    """One side's view."""

    call_id: str
    local: str
    """Value of From in our requests, with its tag."""
    remote: str
    """Value of To in our requests, with its tag once there is one."""
    contact: str
    target: str
    """Where requests go: the other side's Contact."""
    via: str
    """`SIP/2.0/UDP host:port`."""
    local_cseq: int = 0
    routes: list[str] = field(default_factory=list)
    next_hop: Address | None = None
    """Overrides routes and target, as an outbound proxy does."""

    @property
    def local_tag(self) -> str:
        """Our tag."""
        return parse_name_addr(self.local).tag

    @property
    def remote_tag(self) -> str:
        """The other side's tag; empty before it is known."""
        return parse_name_addr(self.remote).tag

    @property
    def address(self) -> Address:
        """Where the next request is sent."""
        if self.next_hop is not None:
            return self.next_hop
        return parse_address(parse_name_addr(self.routes[0]).uri if self.routes else self.target)

    def request(self, method: str, *, cseq: int | None = None) -> SipRequest:
        """A request in the dialog with the next sequence number (or, for ACK, the one given)."""
        if cseq is None:
            self.local_cseq += 1
        request = SipRequest(method, parse_uri(self.target).without_headers())
        request.headers = Headers(
            [
                ("Via", f"{self.via};branch={new_branch()};rport"),
                ("Max-Forwards", "70"),
                *(("Route", route) for route in self.routes),
                ("From", self.local),
                ("To", self.remote),
                ("Call-ID", self.call_id),
                ("CSeq", f"{self.local_cseq if cseq is None else cseq} {method}"),
                ("Contact", self.contact),
                ("User-Agent", USER_AGENT),
            ]
        )
        return request

    def established_by(self, response: SipResponse) -> None:
        """As the caller: take tag, target and routes from a response with a To tag (§12.1.2)."""
        if parse_name_addr(response.headers.need("To")).tag:
            self.remote = response.headers.need("To")
        self.refresh_target(response)
        self.routes = list(reversed(response.headers.all("Record-Route")))
        if self.routes:
            self.next_hop = None

    def refresh_target(self, message: SipMessage) -> None:
        """Take the other side's Contact (§12.2)."""
        contacts = message.headers.all("Contact")
        if contacts:
            self.target = parse_name_addr(contacts[0]).uri


def dialog_of_invite(invite: SipRequest, *, local_tag: str, contact: str, via: str, source: Address) -> SipDialog:
    """As the called side (§12.1.1)."""
    contacts = invite.headers.all("Contact")
    dialog = SipDialog(
        call_id=invite.headers.need("Call-ID"),
        local=f"{invite.headers.need('To')};tag={local_tag}",
        remote=invite.headers.need("From"),
        contact=contact,
        target=parse_name_addr(contacts[0]).uri if contacts else f"sip:{source[0]}:{source[1]}",
        via=via,
        routes=invite.headers.all("Record-Route"),
    )
    return dialog
