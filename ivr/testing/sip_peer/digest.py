"""Digest authentication of SIP requests (RFC 2617, RFC 7616, RFC 8760): MD5 and SHA-256, qop=auth or none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ivr.testing.sip_peer.message import MalformedMessage, SipRequest, SipResponse, new_token

_PARAM = re.compile(r'([\w-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]+)')
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Challenge:
    """What WWW-Authenticate or Proxy-Authenticate asks for."""

    realm: str
    nonce: str
    opaque: str = ""
    algorithm: str = "MD5"
    has_qop_auth: bool = False
    is_stale: bool = False


def parse_digest_params(value: str) -> dict[str, str]:
    """The parameters of a `Digest ...` header value. Raises MalformedMessage for another scheme."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        raise MalformedMessage(f"authentication scheme {scheme!r} is not Digest")
    return {key.lower(): _unquoted(text) for key, text in _PARAM.findall(rest)}


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def parse_challenge(value: str) -> Challenge:
    """Read a challenge. Raises MalformedMessage where it is not digest or its algorithm is unknown."""
    params = parse_digest_params(value)
    algorithm = params.get("algorithm", "MD5").upper()
    if algorithm not in _HASHES or "realm" not in params or "nonce" not in params:
        raise MalformedMessage(f"unusable digest challenge (algorithm {algorithm})")
    return Challenge(
        realm=params["realm"],
        nonce=params["nonce"],
        opaque=params.get("opaque", ""),
        algorithm=algorithm,
        has_qop_auth="auth" in [part.strip() for part in params.get("qop", "").split(",")],
        is_stale=params.get("stale", "").lower() == "true",
    )


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name and password."""

    username: str
    password: str


def digest_response(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, *, cnonce: str = "", nonce_count: int = 1
) -> str:
    """The `response` value (RFC 7616 §3.4.1; without qop RFC 2617 §3.2.2.1)."""
    ha1 = _hash(challenge, f"{credentials.username}:{challenge.realm}:{credentials.password}")
    ha2 = _hash(challenge, f"{method}:{uri}")
    middle = f"{nonce_count:08x}:{cnonce}:auth:" if challenge.has_qop_auth else ""
    return _hash(challenge, f"{ha1}:{challenge.nonce}:{middle}{ha2}")


def _hash(challenge: Challenge, text: str) -> str:
    return _HASHES[challenge.algorithm](text.encode()).hexdigest()


def authorization(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, *, cnonce: str, nonce_count: int = 1
) -> str:
    """The value of Authorization or Proxy-Authorization."""
    response = digest_response(challenge, credentials, method, uri, cnonce=cnonce, nonce_count=nonce_count)
    parts = [
        f'username="{credentials.username}"',
        f'realm="{challenge.realm}"',
        f'nonce="{challenge.nonce}"',
        f'uri="{uri}"',
        f'response="{response}"',
        f"algorithm={challenge.algorithm}",
    ]
    if challenge.opaque:
        parts.append(f'opaque="{challenge.opaque}"')
    if challenge.has_qop_auth:
        parts += ["qop=auth", f"nc={nonce_count:08x}", f'cnonce="{cnonce}"']
    return "Digest " + ", ".join(parts)


async def answering_challenges(
    make: Callable[[], SipRequest],
    send: Callable[[SipRequest], Awaitable[SipResponse]],
    credentials: Credentials | None,
) -> SipResponse:
    """Send a request, and again with credentials when it is challenged (RFC 3261 §22); the last response."""
    response = await send(make())
    for _ in range(2):
        if response.status not in (401, 407) or credentials is None:
            break
        retry = make()
        if not _add_authorization(retry, response, credentials):
            break
        response = await send(retry)
    return response


def _add_authorization(request: SipRequest, refusal: SipResponse, credentials: Credentials) -> bool:
    """Answer the first challenge of a 401 or 407 that can be answered; False where there is none."""
    asked, given = ("WWW-Authenticate", "Authorization")
    if refusal.status == 407:
        asked, given = ("Proxy-Authenticate", "Proxy-Authorization")
    for name, value in refusal.headers:
        if name.lower() != asked.lower():
            continue
        try:
            challenge = parse_challenge(value)
        except MalformedMessage:
            continue
        text = authorization(challenge, credentials, request.method, request.uri, cnonce=new_token())
        request.headers.add(given, text)
        return True
    return False
