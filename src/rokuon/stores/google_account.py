"""The credential of a Google Cloud Storage bucket: a service account's key, or the machine's own identity."""

import asyncio
import io
import json
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from gcloud.aio.auth import AioSession, Token

from rokuon.domain.failures import N_, BucketCredentialRefused, ConfigError, StoreError, StoreUnavailable

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_TOKEN_URIS = {
    "https://oauth2.googleapis.com/token",
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token",
}


def service_account(text: str, endpoint: str | None = None) -> dict[str, str]:
    """The fields that are used, and no others: the file may come from a web page, and Google's format has fields that make the
    reader open files and addresses of the writer's choice. Raises ConfigError with a sentence for whoever entered it.

    `endpoint` is the operator's own storage endpoint: its token address is trusted like Google's.
    """
    try:
        fields: Any = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or fields.get("type") != "service_account":
        raise ConfigError(N_("This is not a service account key. Create a JSON key for the service account and paste the whole file."))
    email, key, uri = (fields.get(name) for name in ("client_email", "private_key", "token_uri"))
    if not isinstance(email, str) or "@" not in email:
        raise ConfigError(N_("The service account key has no client_email. Paste the whole file as Google created it."))
    if not isinstance(key, str) or not _is_private_key(key):
        raise ConfigError(N_("The private key in the service account key cannot be read. Paste the whole file as Google created it."))
    if not isinstance(uri, str) or not (uri in _TOKEN_URIS or (endpoint and _origin(uri) == _origin(endpoint))):
        raise ConfigError(N_("The service account key names a token_uri that is not Google's. Paste the whole file as Google created it."))
    return {"type": "service_account", "client_email": email, "private_key": key, "token_uri": uri}


class AccountToken(Token):
    """The library's token, with failures of ours, one try at a time (the engine retries), and a refresh that outlives its first caller."""

    def __init__(self, account: dict[str, str] | None) -> None:
        """None takes application default credentials; an empty one never asks for a token (an emulator)."""
        try:
            super().__init__(service_file=None if account is None else io.StringIO(json.dumps(account)), scopes=[SCOPE])
        except (OSError, ValueError, KeyError) as error:
            raise BucketCredentialRefused("the application default credentials cannot be read") from error

    def use(self, session: Any) -> None:
        """An aiohttp.ClientSession, which the library's hints do not know."""
        self.session = AioSession(session)

    def forget(self, token: str | None) -> None:
        """It was refused before its time: the next request asks for a new one, unless another request already did."""
        if token == self.access_token:
            self.access_token = None

    async def ensure_token(self) -> None:
        if self.access_token and time.time() < self.access_token_preempt_after:
            return
        # All requests wait for one refresh; cancelling one of them must not fail the others.
        await asyncio.shield(super().ensure_token())

    async def acquire_access_token(self, timeout: int = 10) -> None:  # type: ignore[override]  # the library's has a retry around it
        await Token.acquire_access_token.__wrapped__(self, timeout)

    async def refresh(self, *, timeout: int) -> Any:
        try:
            return await super().refresh(timeout=timeout)
        except StoreError:
            raise
        except (aiohttp.ClientError, TimeoutError) as error:
            if not self.service_data:
                raise BucketCredentialRefused("no credential given, and this machine has none of its own") from None
            raise StoreUnavailable(f"token: {type(error).__name__}") from None
        except Exception as error:  # noqa: BLE001
            # Whatever a damaged credential breaks inside the library; not chained, the error may quote it.
            raise BucketCredentialRefused(f"token: {type(error).__name__}") from None


def _is_private_key(pem: str) -> bool:
    try:
        load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        return False
    return True


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
