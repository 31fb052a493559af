"""What Google's answers mean. Decided by status and by the machine-readable `reason` of the error body, never by its sentences."""

import json
from typing import Any

import aiohttp

from rokuon.domain.failures import (
    BucketBilling,
    BucketCredentialRefused,
    BucketForbidden,
    BucketMissing,
    ChecksumRefused,
    ObjectExists,
    ObjectMissing,
    StoreError,
    StoreThrottled,
    StoreUnavailable,
)

_API = ("/storage/v1/", "/upload/storage/v1/")
_ERROR_BODY_LIMIT = 64 * 1024
# Compared in lower case: Google's own pages spell some of them in two ways.
_BILLING = {
    "accountdisabled",
    "billingdisabled",
    "billingnotenabled",
    "userprojectaccessdenied",
    "userprojectaccountproblem",
    "userprojectinconsistent",
    "userprojectmissing",
}
_LIMITS = {"ratelimitexceeded", "userratelimitexceeded", "quotaexceeded", "dailylimitexceeded", "usagelimits"}
_RANGE_BEYOND_END = 416


class BeyondEnd(Exception):
    """416: the range begins at or after the last byte, which is an answer and not a failure."""


async def raise_for_status(answer: aiohttp.ClientResponse) -> None:
    """The session calls this for every answer, the token endpoint's included, before the library looks at it."""
    if answer.status < 400:
        return
    if answer.status == _RANGE_BEYOND_END:
        raise BeyondEnd
    reason = _reason(await answer.content.read(_ERROR_BODY_LIMIT))
    path = answer.url.raw_path
    failure: type[StoreError]
    if not path.startswith(_API):
        failure = _of_token(answer.status)
    elif "upload_id" in answer.url.query and answer.status in (404, 410):
        # The session of a resumable upload is forgotten, not the bucket.
        failure = StoreUnavailable
    else:
        failure = _of_storage(answer.status, reason, about_object="/o/" in path, upload=path.startswith(_API[1]))
    detail = f"{answer.status} {reason}".strip()
    raise failure(detail, retry_after=_retry_after(answer.headers.get("Retry-After", "")))


def _of_token(status: int) -> type[StoreError]:
    if status in (408, 429):
        return StoreThrottled
    return StoreUnavailable if status >= 500 else BucketCredentialRefused


def _of_storage(status: int, reason: str, *, about_object: bool, upload: bool) -> type[StoreError]:
    known = reason.lower()
    if status in (400, 402, 403) and known in _BILLING:
        return BucketBilling
    if status in (408, 429) or (status == 403 and known in _LIMITS):
        return StoreThrottled
    if status == 401:
        return BucketCredentialRefused
    # 412 is also how an organisation's policy refuses a write: that object does not exist.
    if status == 403 or (status == 412 and known == "orgpolicyconstraintfailed"):
        return BucketForbidden
    if status in (409, 412):
        return ObjectExists
    if status == 404:
        return ObjectMissing if about_object else BucketMissing
    # "invalid" is how Google answers an upload whose checksum does not fit; names and parameters were checked before.
    if status == 400 and upload and known == "invalid":
        return ChecksumRefused
    return StoreUnavailable


def _reason(body: bytes) -> str:
    try:
        first: Any = json.loads(body)["error"]["errors"][0]["reason"]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return first if isinstance(first, str) and first.isidentifier() else ""


def _retry_after(header: str) -> float | None:
    return float(header) if header.isdecimal() and header.isascii() else None
