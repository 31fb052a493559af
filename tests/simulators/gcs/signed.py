"""Links with a V4 signature, checked as Google checks them: the canonical request is made again from what arrived, and its signature
verified with the account's public key."""

import hashlib
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .bucket import Refused

ALGORITHM = "GOOG4-RSA-SHA256"
NEEDED = {f"X-Goog-{name}" for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")}
ALLOWED = NEEDED | {"response-content-type", "response-content-disposition"}
LONGEST_S = 604_800
SKEW_S = 900


def principal_of(raw_path: str, host: str, key: RSAPublicKey, principals: Collection[str], wall: Callable[[], float]) -> str:
    """Who signed this GET. `raw_path` is path and query as they arrived, still encoded."""
    path, _, query = raw_path.partition("?")
    pairs = [tuple(pair.split("=", 1)) for pair in query.split("&") if "=" in pair]
    fields = {unquote(name): unquote(value) for name, value in pairs}
    if set(fields) - ALLOWED or NEEDED - set(fields) or len(fields) != len(pairs):
        raise Refused(400, "invalidParameter", "The query is not that of a signed link.")
    email, _, scope = fields["X-Goog-Credential"].partition("/")
    stamp = fields["X-Goog-Date"]
    if fields["X-Goog-Algorithm"] != ALGORITHM or fields["X-Goog-SignedHeaders"] != "host" or not _fits(scope, stamp):
        raise Refused(400, "invalid", "AuthorizationQueryParametersError")
    _check_time(stamp, fields["X-Goog-Expires"], wall())
    canonical_query = "&".join(f"{name}={value}" for name, value in sorted(pairs) if name != "X-Goog-Signature")
    request = "\n".join(["GET", path, canonical_query, f"host:{host}\n", "host", "UNSIGNED-PAYLOAD"])
    text = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    try:
        key.verify(bytes.fromhex(fields["X-Goog-Signature"]), text.encode(), PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        raise Refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.") from None
    if email not in principals:
        raise Refused(403, "accessDenied", "No such account.")
    return email


def _fits(scope: str, stamp: str) -> bool:
    day, _, rest = scope.partition("/")
    return day == stamp[:8] and rest.endswith("/storage/goog4_request")


def _check_time(stamp: str, expires: str, now: float) -> None:
    try:
        signed = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        lasts = int(expires)
    except ValueError:
        raise Refused(400, "invalid", "X-Goog-Date or X-Goog-Expires") from None
    if not 1 <= lasts <= LONGEST_S or signed > now + SKEW_S:
        raise Refused(400, "invalid", "X-Goog-Date or X-Goog-Expires")
    if now >= signed + lasts:
        raise Refused(400, "ExpiredToken", "The provided token has expired.")
