"""SIP MESSAGE (RFC 3428), outside of calls and within them. Everything here runs on the SIP thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pjsua2 as pj

from ivr.config import SipSettings
from ivr.ports import LegId, MessageRequest
from ivr.sip import codes
from ivr.sip.account import SipAccount, with_transport
from ivr.sip.behind_front import next_hop
from ivr.sip.call import Leg
from ivr.sip.peers import NameGate
from ivr.sip.translate import uri_host

Report = Callable[[int, str], None]


@dataclass(slots=True)
class _Sent:
    """A message that waits for its answer. The library needs the buddy until then."""

    uri: str
    text: str
    buddy: Any
    report: Report


class Messages:
    """Messages on their way."""

    def __init__(
        self,
        settings: SipSettings,
        names: NameGate,
        post: Callable[[Callable[[], None]], None],
        legs: Mapping[LegId, Leg],
    ) -> None:
        """`post` does something between two polls of the library; `legs` are those that have not ended."""
        self._settings, self._names, self._post, self._legs = settings, names, post, legs
        self._sent: list[_Sent] = []

    def send(self, account: SipAccount | None, request: MessageRequest, report: Report) -> None:
        """Send; `report` is called once."""
        if request.leg_id is not None:
            self._send_within(self._legs.get(request.leg_id), request.text, report)
            return
        if account is None:
            report(codes.BAD_REQUEST, f"no account named '{request.account}' in ivr.yaml")
            return
        given = self._settings.accounts.get(request.account)
        hop = next_hop(self._settings, given, request.uri)
        uri = with_transport(request.uri, given.transport if given else "udp")
        self._names.when_known(hop, partial(self._name_known, account, uri, request.text, report))

    @staticmethod
    def _send_within(leg: Leg | None, text: str, report: Report) -> None:
        if leg is None:
            report(codes.NO_SUCH_CALL, "the call is over")
        else:
            leg.send_text(text, report)

    def _name_known(self, account: SipAccount, uri: str, text: str, report: Report, is_known: bool) -> None:
        if not is_known:
            report(codes.BAD_GATEWAY, f"no address for {uri_host(uri)}")
            return
        buddy = pj.Buddy()
        config, parameters = pj.BuddyConfig(), pj.SendInstantMessageParam()
        config.uri, config.subscribe = uri, False
        parameters.contentType, parameters.content = "text/plain", text
        sent = _Sent(uri, text, buddy, report)
        try:
            buddy.create(account, config)
            self._sent.append(sent)
            buddy.sendInstantMessage(parameters)
        except pj.Error as error:
            self._sent = [other for other in self._sent if other is not sent]
            report(codes.BAD_REQUEST, str(error.reason))

    def answered(self, uri: str, text: str, sip_status: int, reason: str) -> None:
        """The answer to the oldest message with this text to this address; inside the library's callback."""
        same = [sent for sent in self._sent if sent.text == text and sent.uri in (uri, uri.strip("<>"))]
        if same:
            self._sent.remove(same[0])
            same[0].report(sip_status, reason)
            self._post(partial(_let_go, same[0]))

    def close(self) -> None:
        """Nothing more is heard of what is on its way."""
        waiting, self._sent = self._sent, []
        for sent in waiting:
            sent.report(codes.SERVICE_UNAVAILABLE, "the bot was stopped")
        waiting.clear()


def _let_go(sent: _Sent) -> None:
    """Between two polls, the buddy may be deleted."""
    sent.buddy = None
