"""Translates what aiohttp and HTTP report into `domain.failures`, and decides what is tried again in place."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TypeVar

import aiohttp

from rokuon.domain.failures import (
    RecordingTooSlow,
    RecordingTruncated,
    SourceAnswerMalformed,
    SourceError,
    SourceKeyRefused,
    SourceThrottled,
    SourceTlsInvalid,
    SourceUnavailable,
)
from rokuon.domain.ports import SendSlots, Sleep

from .limits import Limits

T = TypeVar("T")

RETRY_AFTER_MIN = 1.0
RETRY_AFTER_MAX = 15 * 60.0
_BACKOFF_BASE = 1.0
_BACKOFF_MAX = 60.0
_FOREIGN = (aiohttp.ClientError, TimeoutError, OSError, aiohttp.http_exceptions.HttpProcessingError)


async def answered(awaitable: Awaitable[T], host: str) -> T:
    """The result; any failure on the way to an answer is raised as a SourceError.

    aiohttp's exceptions can hold the request with its key, so ours is raised outside of the handler: it has no cause and no context.
    """
    failure: SourceError
    try:
        return await awaitable
    except _FOREIGN as exc:
        failure = _before_answer(exc, host)
    raise failure


async def received(awaitable: Awaitable[T], host: str) -> T:
    """The same while a body is read."""
    failure: SourceError
    try:
        return await awaitable
    except _FOREIGN as exc:
        failure = RecordingTooSlow(host) if isinstance(exc, TimeoutError) else RecordingTruncated(f"{host}: {type(exc).__name__}")
    raise failure


def _before_answer(exc: Exception, host: str) -> SourceError:
    detail = f"{host}: {type(exc).__name__}"
    if isinstance(exc, aiohttp.ClientSSLError | ssl.SSLError):
        return SourceTlsInvalid(detail)
    if isinstance(exc, aiohttp.ClientResponseError | aiohttp.InvalidURL | aiohttp.http_exceptions.HttpProcessingError):
        return SourceAnswerMalformed(detail)
    return SourceUnavailable(detail)


def retry_after_of(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Seconds to wait by a Retry-After header, within 1 s and 15 min; None where there is none that can be read.

    A date is compared with the answer's own Date, since the two clocks may differ, and with `now_ms` only without one.
    """
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        # 18 digits: more than any time, fewer than Python refuses to convert.
        seconds = float(int(text[:18]))
    except ValueError:
        until = epoch_ms_of(text)
        if until is None:
            return None
        seconds = (until - (epoch_ms_of(headers.get("Date", "")) or now_ms)) / 1000
    return min(max(seconds, RETRY_AFTER_MIN), RETRY_AFTER_MAX)


def epoch_ms_of(date: str) -> int | None:
    """An HTTP date as epoch milliseconds, None where it cannot be read."""
    try:
        return int(parsedate_to_datetime(date).timestamp()) * 1000
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


class Retrier:
    """Runs a request again where that can help: a 401 once, a 429 after its time, an outage with full jitter.

    `random` gives numbers in [0, 1). A 429 slows the whole company, whoever caused it.
    """

    def __init__(self, slots: SendSlots, limits: Limits, sleep: Sleep, random: Callable[[], float]) -> None:
        self._slots = slots
        self._limits = limits
        self._sleep = sleep
        self._random = random

    async def run(self, once: Callable[[], Awaitable[T]]) -> T:
        refused = False
        tried = 0
        while True:
            tried += 1
            pause = 0.0
            try:
                return await once()
            except SourceKeyRefused:
                # One refusal may be a hiccup of the other side; a hold of the whole source wants two.
                if refused:
                    raise
                refused = True
            except SourceThrottled as exc:
                named = exc.retry_after
                pause = max(RETRY_AFTER_MIN, self._jitter(tried)) if named is None else named
                await self._slots.slow_down(pause)
                if tried >= self._limits.tries or pause > self._limits.patience:
                    raise SourceThrottled(exc.detail, retry_after=pause) from None
            except SourceUnavailable as exc:
                pause = max(self._jitter(tried), exc.retry_after or 0.0)
                if tried >= self._limits.tries or pause > self._limits.patience:
                    raise
            if pause:
                await self._sleep(pause)

    def _jitter(self, tried: int) -> float:
        return self._random() * min(_BACKOFF_MAX, _BACKOFF_BASE * 2.0**tried)


async def within(seconds: float, awaitable: Awaitable[T]) -> T:
    """The result, or TimeoutError: also where single bytes keep arriving, which no per-read timeout notices."""
    async with asyncio.timeout(seconds):
        return await awaitable
