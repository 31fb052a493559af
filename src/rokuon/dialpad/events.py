"""Reads Dialpad's call events: the whole body is a JWT, signed with HS256 with the webhook's own secret (its docs, "Webhooks").

An event is only a hint: which call to look for in the list, when it started, and which other legs belong to it. Rokuon does not use the
other fields, so none of them can make the event unreadable. The body is not trusted before its signature was checked (RFC 8725; rows Q1 and
Q3); after that, an event only needs a call id.
"""

import base64
import binascii
import codecs
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from .values import EARLIEST_MS, ID

MAX_BYTES = 1 << 20
LEAST_SECRET = 32

_TOKEN = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_BLANKS = b" \t\r\n"
_MOST_EXACT = 2**53
_NUMBER = re.compile(r"[0-9]{1,19}(\.[0-9]{1,19})?")
_STATE = re.compile(r"[a-z_]{1,40}")
_OTHER_LEGS = ("entry_point_call_id", "operator_call_id", "master_call_id")
_LATEST_MS = 7_258_118_400_000


class EventRefused(Exception):
    """The body is not signed by the webhook's secret with HS256, or is not a token. The sender gets no further details."""


class EventMalformed(Exception):
    """The event is signed, but it names no call."""


@dataclass(frozen=True, slots=True)
class Event:
    """A hint. Times are epoch milliseconds UTC, None if the event has no possible time; `state` is "" if it has none. `other_legs` are the
    ids that connect the call with other legs of its conversation.

    `digest` is the same if the same event is sent again. `secret` is the list position of the secret that signed it.
    """

    call_id: str
    other_legs: tuple[str, ...]
    state: str
    started_ms: int | None
    happened_ms: int | None
    digest: str
    secret: int


def read_event(body: bytes, secrets: Sequence[str]) -> Event:
    """Return the event in a body. Raises EventRefused, EventMalformed.

    Each of `secrets` is tried, so that an event in transit during a change of the secret is not lost. A short secret is never accepted;
    PyJWT itself only warns. Around the token there may be blanks, a byte order mark, and the quotes of a JSON string, because the signature
    covers only the token.
    """
    token = _bare(body)
    if len(body) > MAX_BYTES or not _TOKEN.fullmatch(token):
        raise EventRefused
    for place, secret in enumerate(secrets):
        payload = _signed_by(secret, token)
        if payload is not None:
            return _event(payload, place)
    raise EventRefused


def _bare(body: bytes) -> bytes:
    text = body.strip(_BLANKS).removeprefix(codecs.BOM_UTF8).strip(_BLANKS)
    quoted = len(text) > 1 and text[:1] == text[-1:] == b'"'
    return text[1:-1].strip(_BLANKS) if quoted else text


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
    """Whether each part is the canonical base64 of its bytes. The last character has unused bits, and a token with those bits set would be
    a different body with the same signature."""
    try:
        parts = [(part, base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))) for part in body.split(b".")]
    except binascii.Error:
        return False
    return all(base64.urlsafe_b64encode(plain).rstrip(b"=") == part for part, plain in parts)


def _event(payload: bytes, place: int) -> Event:
    claims = _claims(payload)
    call_id, state = _id(claims.get("call_id")), claims.get("state")
    if not call_id:
        raise EventMalformed("no call_id that can be read")
    named = (_id(claims.get(name)) for name in _OTHER_LEGS)
    others = tuple(dict.fromkeys(leg for leg in named if leg and leg != call_id))
    known = state if isinstance(state, str) and _STATE.fullmatch(state) else ""
    started, happened = _time(claims.get("date_started")), _time(claims.get("event_timestamp"))
    return Event(call_id, others, known, started, happened, hashlib.sha256(payload).hexdigest(), place)


def _claims(payload: bytes) -> dict[str, Any]:
    """Return the members of the event; of equal names the last. Invalid UTF-8 and invalid numbers affect only their own member.

    Integers are returned as their digits, because an id is text and a number of any size must not cause an error. Raises EventMalformed if
    the payload is not a JSON object or is nested too deeply for Python's parser.
    """
    try:
        parsed = json.loads(payload.decode("utf-8-sig", "replace"), strict=False, parse_int=str, parse_constant=lambda _name: None)
    except (ValueError, RecursionError) as error:
        raise EventMalformed(type(error).__name__) from None
    if not isinstance(parsed, dict):
        raise EventMalformed("not an object")
    return parsed


def _id(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MOST_EXACT:
        value = str(int(value))
    text = value.strip() if isinstance(value, str) else ""
    return text if ID.fullmatch(text) else ""


def _time(value: Any) -> int | None:
    """Parse epoch milliseconds, given as a number or as text; None for an impossible time."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if not isinstance(value, float) or not EARLIEST_MS <= value <= _LATEST_MS:
        return None
    return int(value)
