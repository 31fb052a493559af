"""Signed links that read one object for a short time: Google's V4 signature, made here with the service account's own key.

Anyone who has the link may read the object until the link expires, so it is a secret: it goes to one browser, and into no log.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from rokuon.domain.failures import BucketCredentialRefused

ALGORITHM = "GOOG4-RSA-SHA256"


@dataclass(frozen=True, slots=True)
class SignedLink:
    """The object and the lifetime of a link. `answers` are query parameters that set headers of Google's response."""

    endpoint: str
    bucket: str
    key: str
    seconds: int
    answers: Mapping[str, str]


def signs(account: Mapping[str, str] | None) -> bool:
    """Whether the account can sign. Only a key can. A machine's own identity could ask Google to sign, but this needs a right (signBlob)
    that reading and writing do not need."""
    return "private_key" in (account or {})


def sign(link: SignedLink, account: Mapping[str, str], now: datetime) -> str:
    """Return the link's address. Raises BucketCredentialRefused if Google's algorithm does not accept the account's key."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/auto/storage/goog4_request"
    there = urlsplit(link.endpoint)
    path = f"/{link.bucket}/{quote(link.key, safe='/~')}"
    query = _query(
        {
            **link.answers,
            "X-Goog-Algorithm": ALGORITHM,
            "X-Goog-Credential": f"{account['client_email']}/{scope}",
            "X-Goog-Date": stamp,
            "X-Goog-Expires": str(link.seconds),
            "X-Goog-SignedHeaders": "host",
        }
    )
    request = "\n".join(["GET", path, query, f"host:{there.netloc}\n", "host", "UNSIGNED-PAYLOAD"])
    text = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    signature = _private_key(account["private_key"]).sign(text.encode(), PKCS1v15(), hashes.SHA256()).hex()
    return f"{there.scheme}://{there.netloc}{path}?{query}&X-Goog-Signature={signature}"


def _query(parameters: Mapping[str, str]) -> str:
    encoded = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in encoded)


def _private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise BucketCredentialRefused("the private key cannot sign")
    return key
