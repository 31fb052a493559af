"""Translates the answer to a request for one recording into a failure of that recording. The same status of a list would mean something
else: here a refusal is retried over time, like other temporary faults."""

import re
from collections.abc import Callable

import aiohttp

from rokuon.domain.failures import (
    RecordingEmpty,
    RecordingForbidden,
    RecordingGone,
    RecordingNotReady,
    RecordingRefused,
    RecordingTruncated,
    RecordingWithheld,
    SourceAnswerMalformed,
    SourceError,
    SourceNotFound,
    SourceRequestRefused,
    SourceScopeMissing,
)

from .client import status_failure
from .faults import retry_after_of

# 203: a proxy changed the headers; the bytes are proven in any case.
_AUDIO = {200, 203, 206}
_CONTENT_RANGE = re.compile(r"\s*bytes[ =]\s*([0-9]{1,18})\s*-\s*([0-9]{1,18})\s*/\s*([0-9]{1,18})\s*", re.ASCII | re.IGNORECASE)


def media_failure(response: aiohttp.ClientResponse, host: str, now_ms: Callable[[], int]) -> SourceError | None:
    """Return the failure that an answer means; None if the body may be audio."""
    status = response.status
    detail = f"{status} from {host}"
    if status in _AUDIO:
        return None
    if status in (204, 205):
        return RecordingEmpty(detail)
    if status == 410:
        return RecordingGone(detail)
    if status == 451:
        return RecordingWithheld(detail)
    failure = status_failure(response, host, now_ms)
    named = retry_after_of(response.headers, now_ms())
    if status == 202 or isinstance(failure, SourceNotFound):
        return RecordingNotReady(detail, retry_after=named)
    if isinstance(failure, SourceScopeMissing):
        return RecordingForbidden(detail, retry_after=named)
    if isinstance(failure, SourceRequestRefused):
        return RecordingRefused(detail, retry_after=named)
    return failure or SourceAnswerMalformed(detail)


def whole_length(response: aiohttp.ClientResponse, host: str) -> int | None:
    """Return the announced length of the recording, None if none was announced. A 206 is accepted if its range is the whole recording.

    Raises RecordingTruncated for a part of it, SourceAnswerMalformed for a range that does not match the answer or cannot be read.
    """
    length = response.content_length
    if response.status != 206:
        return length
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None:
        raise SourceAnswerMalformed(f"206 without a range from {host}")
    first, last, size = map(int, match.groups())
    if length not in (None, last - first + 1) or last >= size:
        raise SourceAnswerMalformed(f"206 with bytes {first}-{last}/{size}, but a length of {length}, from {host}")
    if first > 0 or last + 1 < size:
        raise RecordingTruncated(f"206 with bytes {first}-{last}/{size} from {host}")
    return size
