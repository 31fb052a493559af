"""Events as Dialpad signs them, made without the code under test."""

import base64
import hashlib
import hmac
import json
from typing import Any

SECRET = "s" * 43
EVENT: dict[str, Any] = {
    "call_id": 4_503_599_627_370_497,
    "state": "hangup",
    "date_started": 1_795_000_000_000,
    "event_timestamp": 1_795_000_060_000,
    "external_number": "+81312345678",
}


def part(value: object) -> bytes:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def token(payload: object = EVENT, secret: str = SECRET, header: object | None = None, algorithm: str = "sha256") -> bytes:
    signed = part({"alg": "HS256", "typ": "JWT"} if header is None else header) + b"." + part(payload)
    return signed + b"." + part(hmac.digest(secret.encode(), signed, algorithm))


def digest(payload: object = EVENT) -> str:
    return hashlib.sha256(json.dumps(payload).encode()).hexdigest()
