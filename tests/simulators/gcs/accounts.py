"""Who may ask for a token: service accounts with real RSA keys, and tokens that age."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .bucket import Refused
from .signed import principal_of

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = {f"https://www.googleapis.com/auth/{name}" for name in ("cloud-platform", "devstorage.full_control", "devstorage.read_write")}


@cache
def _key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Accounts:
    """`lifetime_s` is how long a token really works; `promised_s` is what its answer says."""

    clock: Callable[[], float]
    lifetime_s: float = 3600
    promised_s: int = 3600
    issued: int = 0
    principals: set[str] = field(default_factory=set)
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    def service_account(self, email: str, token_uri: str) -> str:
        """The text of a key file."""
        self.principals.add(email)
        pem = _key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return json.dumps({"type": "service_account", "project_id": "p", "client_email": email, "private_key": pem, "token_uri": token_uri})

    def issue(self, form: Any, token_uri: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(form["assertion"], _key().public_key(), algorithms=["RS256"], audience=token_uri)
        except (KeyError, jwt.PyJWTError) as error:
            raise Refused(400, "invalid_grant", "Invalid JWT") from error
        if form.get("grant_type") != GRANT or claims["iss"] not in self.principals or not SCOPES & set(claims["scope"].split()):
            raise Refused(400, "invalid_grant", "Invalid grant")
        token = secrets.token_urlsafe(16)
        self.tokens[token] = (claims["iss"], self.clock() + self.lifetime_s)
        self.issued += 1
        return {"access_token": token, "expires_in": self.promised_s, "token_type": "Bearer"}

    def signed(self, raw_path: str, host: str, wall: Callable[[], float]) -> str:
        return principal_of(raw_path, host, _key().public_key(), self.principals, wall)

    def who(self, authorization: str) -> str:
        if not authorization:
            raise Refused(401, "required", "Anonymous caller does not have access.")
        principal, until = self.tokens.get(authorization.removeprefix("Bearer "), ("", 0.0))
        if until <= self.clock():
            raise Refused(401, "authError", "Invalid Credentials")
        return principal

    def expire_all(self) -> None:
        self.tokens.clear()
