"""Translates Google's error responses into failures, by status and the machine-readable `reason` of the body, never by its text."""

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from rokuon.domain.failures import (
    BucketBilling,
    BucketClockRefused,
    BucketCredentialRefused,
    BucketForbidden,
    BucketMissing,
    ChecksumRefused,
    ObjectExists,
    ObjectMissing,
    StoreError,
    StoreRequestRefused,
    StoreThrottled,
    StoreUnavailable,
)
from rokuon.domain.retry_after import seconds_asked

_API = ("/storage/v1/", "/upload/storage/v1/")
_ERROR_BODY_LIMIT = 64 * 1024
# Compared in lower case, because Google's own pages spell some of them in two ways.
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
_REQUESTER_PAYS = "required"
"""The reason of a 400 for a bucket with Requester Pays: the required parameter is the project to bill."""
_CLOCK_OFF_S = 300
_RANGE_BEYOND_END = 416


class BeyondEnd(Exception):
    """416: the range begins at or after the end of the object. This is a normal answer, not a failure."""


class SessionGone(Exception):
    """404 or 410 for the address of a resumable upload: the upload has to start again. The bucket itself is not missing."""


async def raise_for_status(answer: aiohttp.ClientResponse) -> None:
    """Raise the failure that a response means. The session calls this for every response, also the token endpoint's, before the library
    reads it."""
    if answer.status < 400:
        return
    if answer.status == _RANGE_BEYOND_END:
        raise BeyondEnd
    body = await answer.content.read(_ERROR_BODY_LIMIT)
    reason = _reason(body)
    path = answer.url.raw_path
    failure: type[StoreError]
    if not path.startswith(_API):
        reason, description = _grant_error(body)
        wrong_clock = reason == "invalid_grant" and (_names_times(description) or _clock_differs(answer.headers))
        failure = BucketClockRefused if wrong_clock else _of_token(answer.status)
    elif "upload_id" in answer.url.query and answer.status in (404, 410):
        raise SessionGone
    else:
        failure = _of_storage(answer.status, reason, about_object="/o/" in path, upload=path.startswith(_API[1]))
    detail = f"{answer.status} {reason}".strip()
    raise failure(detail, retry_after=_retry_after(answer.headers))


def _of_token(status: int) -> type[StoreError]:
    if status == 429:
        return StoreThrottled
    return StoreUnavailable if status >= 500 or status == 408 else BucketCredentialRefused


def _of_storage(status: int, reason: str, *, about_object: bool, upload: bool) -> type[StoreError]:
    known = reason.lower()
    if status in (400, 402, 403) and known in _BILLING:
        return BucketBilling
    if status == 400 and known == _REQUESTER_PAYS:
        return BucketBilling
    if status == 429 or (status == 403 and known in _LIMITS):
        return StoreThrottled
    if status == 401:
        return BucketCredentialRefused
    # An organisation's policy also refuses a write with 412; then the object does not exist.
    if status == 403 or (status == 412 and known == "orgpolicyconstraintfailed"):
        return BucketForbidden
    if status in (409, 412):
        return ObjectExists
    if status == 404:
        return ObjectMissing if about_object else BucketMissing
    # Google answers "invalid" to an upload whose checksum does not match; names and parameters were checked before.
    if status == 400 and upload and known == "invalid":
        return ChecksumRefused
    # A time-out (408), a replay that came too early (425) and server errors are temporary; with any other status a retry is refused again.
    return StoreUnavailable if status >= 500 or status in (408, 425) else StoreRequestRefused


def _reason(body: bytes) -> str:
    try:
        first: Any = json.loads(body)["error"]["errors"][0]["reason"]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return first if isinstance(first, str) and first.isidentifier() else ""


def _grant_error(body: bytes) -> tuple[str, str]:
    """Return the error code and description of RFC 6749; "" for a missing one."""
    try:
        fields: Any = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    code, description = (fields.get("error"), fields.get("error_description")) if isinstance(fields, dict) else ("", "")
    if not isinstance(code, str) or not code.isidentifier():
        return _reason(body), ""
    return code, description if isinstance(description, str) else ""


def _names_times(description: str) -> bool:
    """Whether Google's description names the claims `iat` or `exp` of the signed request (RFC 7519).

    Only here does Rokuon read an error text: Google answers invalid_grant both to a wrong clock and to a deleted key, and only the text
    says which. It searches for names of claims, not for wording; without them, the answer counts as a refused credential.
    """
    return bool({"iat", "exp"} & set(re.findall(r"[a-z]+", description)))


def _clock_differs(headers: Mapping[str, str]) -> bool:
    """Whether the response's Date differs from our clock by more than Google allows for a signature."""
    try:
        there = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return False
    return abs(there - time.time()) > _CLOCK_OFF_S


def _retry_after(headers: Mapping[str, str]) -> float | None:
    return seconds_asked(headers.get("Retry-After"), now_ms=time.time_ns() // 1_000_000, date=headers.get("Date"))
