"""The credential of a Google Cloud Storage bucket: a service account's key, or the machine's own identity."""

import asyncio
import io
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from gcloud.aio.auth import AioSession, Token
from gcloud.aio.auth.token import Type

from rokuon.domain import strict_certificates
from rokuon.domain.failures import (
    BucketCertificateIncomplete,
    BucketCredentialRefused,
    BucketCredentialUnsupported,
    StoreError,
    StoreUnavailable,
)

from .google_key import fields_of

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"
_SOURCES = "the subject token must come from credential_source.file or credential_source.url"


class AccountToken(Token):
    """The library's token with our failures, one try at a time (the engine retries), and a refresh that continues if its caller is
    cancelled."""

    def __init__(self, account: dict[str, str] | None) -> None:
        """None uses application default credentials; an empty account never requests a token (for an emulator)."""
        text = _of_this_machine() if account is None else json.dumps(account)
        try:
            super().__init__(service_file=None if text is None else io.StringIO(text), scopes=[SCOPE])
        except (OSError, ValueError, KeyError) as error:
            raise BucketCredentialRefused("the application default credentials cannot be read") from error

    def use(self, session: Any) -> None:
        """Set the session: an aiohttp.ClientSession, which the library's type hints do not know."""
        self.session = AioSession(session)

    def forget(self, token: str | None) -> None:
        """Drop a token that was refused before it expired: the next request asks for a new one, unless another request already did."""
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
            if lacks := strict_certificates.lacks(error):
                raise BucketCertificateIncomplete(lacks) from None
            raise StoreUnavailable(f"token: {type(error).__name__}") from None
        except Exception as error:  # noqa: BLE001
            # Any error that a damaged credential causes inside the library. Not chained, because the error may quote the credential.
            raise BucketCredentialRefused(f"token: {type(error).__name__}") from None


def _of_this_machine() -> str | None:
    """Return the text of the file that the environment names for application default credentials, None if it names none.

    Rokuon reads it, because the library treats a file that it cannot parse as no file and asks the metadata server instead. Raises
    BucketCredentialRefused, and BucketCredentialUnsupported if Rokuon could never get a token with it.
    """
    path = os.environ.get(_FILE)
    if not path:
        return None
    try:
        fields = fields_of(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BucketCredentialRefused(f"the file that {_FILE} names cannot be read") from error
    if not fields:
        raise BucketCredentialRefused(f"the file that {_FILE} names is no JSON object")
    if obstacle := _obstacle(fields):
        raise BucketCredentialUnsupported(obstacle)
    return json.dumps(fields)


def _obstacle(fields: Mapping[str, Any]) -> str:
    """Return why these application default credentials cannot give a token; "" if no reason is known."""
    kind, source = fields.get("type"), fields.get("credential_source")
    if kind == "external_account" and isinstance(source, dict):
        if str(source.get("environment_id", "")).startswith("aws"):
            return f"external_account with an aws source: requests to AWS would have to be signed, which Rokuon does not; {_SOURCES}"
        for other in ("executable", "certificate"):
            if other in source:
                return f"external_account with {other} as its source, which Rokuon does not use; {_SOURCES}"
    if kind == "impersonated_service_account":
        inner = fields.get("source_credentials")
        if not isinstance(inner, dict) or inner.get("type") != "authorized_user":
            return "impersonated_service_account whose source_credentials are no authorized_user"
    known = {one.value for one in Type}
    return "" if kind in known else f"type {kind if isinstance(kind, str) and kind.isidentifier() else 'unknown'}"
