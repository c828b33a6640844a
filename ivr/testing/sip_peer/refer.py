"""REFER and Replaces (RFC 3515, RFC 3891): being moved to another party, and taking the place of a call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from ivr.testing.sip_peer.dialog import SipDialog
from ivr.testing.sip_peer.message import SipRequest, parse_name_addr, parse_params, parse_uri
from ivr.testing.sip_peer.policy import FailRefer, FollowRefer, IgnoreRefer, ReferPolicy, RefuseRefer
from ivr.testing.sip_peer.transport import Address

if TYPE_CHECKING:
    from ivr.testing.sip_peer.call import PeerCall

_FOLLOW_PATIENCE_S = 60.0


def replaces_target(dialog: SipDialog) -> str:
    """Refer-To of an attended transfer: the other side of `dialog`, with the dialog as it sees it (RFC 5589 §7.3)."""
    replaces = f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"
    return f"<{parse_uri(dialog.target).without_headers()}?Replaces={quote(replaces, safe='')}>"


def call_replaced_by(invite: SipRequest, calls: Iterable[PeerCall]) -> PeerCall | None:
    """The answered call that an INVITE's Replaces names (RFC 3891 §3)."""
    call_id, _, rest = invite.headers.need("Replaces").partition(";")
    tags = parse_params(rest)
    for call in calls:
        mine, theirs = call.dialog.local_tag, call.dialog.remote_tag
        names_it = (call.call_id, mine, theirs) == (call_id.strip(), tags.get("to-tag"), tags.get("from-tag"))
        if names_it and call.is_answered and not call.is_ended:
            return call
    return None


async def follow_policy(call: PeerCall, request: SipRequest, source: Address, policy: ReferPolicy) -> None:
    """Answer a REFER and do, or not do, what it asks."""
    if isinstance(policy, RefuseRefer):
        call.peer.reply(request, policy.status, source)
        return
    call.peer.reply(request, 202, source)
    if isinstance(policy, IgnoreRefer):
        return
    await call.notify_refer(100, is_final=False)
    if isinstance(policy, FailRefer):
        await asyncio.sleep(policy.after_s)
        await call.notify_refer(policy.status, is_final=True)
    else:
        await _follow(call, request, policy)


async def _follow(call: PeerCall, request: SipRequest, policy: FollowRefer) -> None:
    target = parse_uri(parse_name_addr(request.headers.need("Refer-To")).uri)
    headers = {name: unquote(value) for name, value in target.headers.items() if name.lower() == "replaces"}
    if (referred_by := request.headers.get("Referred-By")) is not None:
        headers["Referred-By"] = referred_by
    new_call = await call.peer.invite(target.without_headers(), headers=headers, codecs=call.codecs)
    call.transferred_to = new_call
    await _report_progress(call, new_call)
    if new_call.is_answered and policy.hangs_up:
        await call.hang_up()


async def _report_progress(call: PeerCall, new_call: PeerCall) -> None:
    """NOTIFY each new provisional status and the final one."""
    reported = {100}
    deadline_s = new_call.invited_at_s + _FOLLOW_PATIENCE_S
    is_settled = False
    while not is_settled:
        is_settled = new_call.is_answered or new_call.is_ended
        for entry in list(new_call.provisional):
            if entry.status not in reported and not call.is_ended:
                reported.add(entry.status)
                await call.notify_refer(entry.status, is_final=False)
        if time.monotonic() > deadline_s:
            await new_call.hang_up()
        await asyncio.sleep(0 if is_settled else 0.01)
    if not call.is_ended:
        await call.notify_refer(new_call.status, new_call.reason, is_final=True)
