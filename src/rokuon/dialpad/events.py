"""Call events as Dialpad sends them: the whole body is a JWT, signed with HS256 under the webhook's own secret (its docs, "Webhooks").

An event is a hint and no more: which call to look for in the list, when it started, and which other legs belong to it. What it says
besides is not used. Nothing here trusts the body before its signature has been checked, and after that it is still read strictly
(RFC 8725; rows Q1 and Q3).
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
LEAST_SECRET = 32

_TOKEN = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_INT_DIGITS = 19
_ID = re.compile(r"[A-Za-z0-9._:@-]{1,200}")
_STATE = re.compile(r"[a-z_]{1,40}")
_OTHER_LEGS = ("entry_point_call_id", "operator_call_id", "master_call_id")
_EARLIEST_MS, _LATEST_MS = 946_684_800_000, 7_258_118_400_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class EventRefused(Exception):
    """Not signed by the webhook's secret with HS256, or no token at all. The sender is told nothing more."""


class EventMalformed(Exception):
    """Signed, but not an event that can be read."""


@dataclass(frozen=True, slots=True)
class Event:
    """A hint. Times are epoch milliseconds UTC; `happened_ms` is None where the event does not say. `other_legs` are the ids by which
    the call hangs together with others of its conversation.

    `digest` is the same for the same event sent again. `secret` is the place in the list of the secret that signed it.
    """

    call_id: str
    other_legs: tuple[str, ...]
    state: str
    started_ms: int
    happened_ms: int | None
    digest: str
    secret: int


def read_event(body: bytes, secrets: Sequence[str]) -> Event:
    """The event in a body. Raises EventRefused, EventMalformed.

    Each of `secrets` is tried, so that an event that was on its way while the secret was changed is not lost. A short secret signs
    nothing: PyJWT itself only warns.
    """
    if len(body) > MAX_BYTES or not _TOKEN.fullmatch(body):
        raise EventRefused
    for place, secret in enumerate(secrets):
        payload = _signed_by(secret, body)
        if payload is not None:
            return _event(payload, place)
    raise EventRefused


def _signed_by(secret: str, body: bytes) -> bytes | None:
    if len(secret) < LEAST_SECRET:
        return None
    try:
        checked = jwt.api_jws.PyJWS().decode_complete(body, secret, algorithms=["HS256"])
    except (jwt.exceptions.PyJWTError, ValueError, RecursionError):
        return None
    if checked["header"].get("alg") != "HS256" or not _is_canonical(body):
        return None
    payload: bytes = checked["payload"]
    return payload


def _is_canonical(body: bytes) -> bool:
    """Whether each part is the one spelling of its bytes: the last character of base64 has spare bits, and a token whose spare bits are
    set would be another body with the same signature."""
    try:
        parts = [(part, base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))) for part in body.split(b".")]
    except binascii.Error:
        return False
    return all(base64.urlsafe_b64encode(plain).rstrip(b"=") == part for part, plain in parts)


def _event(payload: bytes, place: int) -> Event:
    claims = parse_strictly(payload)
    call_id, state = _id(claims.get("call_id")), claims.get("state")
    started = _time(claims.get("date_started"))
    if not call_id or started is None or not isinstance(state, str) or not _STATE.fullmatch(state):
        raise EventMalformed("call_id, state or date_started is missing")
    named = (_id(claims.get(name)) for name in _OTHER_LEGS)
    others = tuple(dict.fromkeys(leg for leg in named if leg and leg != call_id))
    return Event(call_id, others, state, started, _time(claims.get("event_timestamp")), hashlib.sha256(payload).hexdigest(), place)


def parse_strictly(text: bytes) -> dict[str, Any]:
    """One JSON object: UTF-8, no key twice, no NaN or Infinity, integers within 64 bits, no lone surrogate, at most 32 deep.

    Raises EventMalformed.
    """
    try:
        parsed = json.loads(text.decode("utf-8"), object_pairs_hook=_no_key_twice, parse_constant=_no_constant, parse_int=_bounded_int)
    except (ValueError, RecursionError) as error:
        raise EventMalformed(type(error).__name__) from None
    if not isinstance(parsed, dict):
        raise EventMalformed("not an object")
    _check_depth(parsed)
    return parsed


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _bounded_int(digits: str) -> int:
    if len(digits.lstrip("-")) > _INT_DIGITS or not -(2**63) <= int(digits) < 2**63:
        raise ValueError("beyond 64 bits")
    return int(digits)


def _check_depth(value: Any) -> None:
    """Level by level and not by recursion: a body may be deeper than Python's stack."""
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for one in level:
            if isinstance(one, str) and _UNSTORABLE.search(one):
                raise EventMalformed("unstorable text")
            if isinstance(one, dict):
                below += [*one.keys(), *one.values()]
            elif isinstance(one, list):
                below += one
        if not below:
            return
        level = below
    raise EventMalformed("too deep")


def _id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    text = str(value)
    return text if _ID.fullmatch(text) else ""


def _time(value: Any) -> int | None:
    """Epoch milliseconds, given as a number or as text; None for a time that cannot be."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _INT_DIGITS:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not _EARLIEST_MS <= value <= _LATEST_MS:
        return None
    return value
