"""Which requests the library gets to see. Pure.

The library aborts the process over some that are merely broken (a REFER without Refer-To, an INFO whose body lacks a
line end), so it is given the methods that a call needs and no others, and those only where they make sense.
"""

from __future__ import annotations

from typing import Final

from ivr.sip import codes, translate

_ALWAYS: Final = frozenset({"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "PRACK", "UPDATE"})
_WITHIN_A_CALL: Final = frozenset({"INFO", "NOTIFY", "REFER"})
_TO_A_TELEPHONE: Final = frozenset({"MESSAGE"})
"""Within a call as well; a bot has nobody who would read it."""


def needs_a_look(method: str) -> bool:
    """Whether `refusal` has to be asked."""
    return method not in _ALWAYS


def refusal(method: str, message: translate.SipMessage, *, has_dialog: bool, follows_refer: bool) -> int | None:
    """The status that the request is refused with; None for one that is welcome."""
    if method not in (_WITHIN_A_CALL | _TO_A_TELEPHONE if follows_refer else _WITHIN_A_CALL):
        return codes.NOT_IMPLEMENTED
    if not has_dialog:
        return codes.NO_SUCH_CALL
    if method == "REFER":
        return _refusal_of_refer(message, follows_refer=follows_refer)
    return None


def _refusal_of_refer(message: translate.SipMessage, *, follows_refer: bool) -> int | None:
    """RFC 3515 §2.4.2: no Refer-To, or several, is 400; a bot lets nobody send it anywhere."""
    if not follows_refer:
        return codes.DECLINE
    targets = message.all("Refer-To")
    return None if len(targets) == 1 and translate.uri_host(translate.uri_of(targets[0])) else codes.BAD_REQUEST
