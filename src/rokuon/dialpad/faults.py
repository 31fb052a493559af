"""Translates errors of aiohttp and HTTP into `domain.failures`, and decides which requests are retried at once."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import aiohttp

from rokuon.domain import strict_certificates
from rokuon.domain.failures import (
    RecordingTooSlow,
    RecordingTruncated,
    SourceAnswerMalformed,
    SourceCertificateIncomplete,
    SourceError,
    SourceKeyRefused,
    SourceThrottled,
    SourceTlsInvalid,
    SourceUnavailable,
)
from rokuon.domain.ports import SendSlots, Sleep
from rokuon.domain.retry import obeyed_pause, obeyed_wait
from rokuon.domain.retry_after import seconds_asked

from .limits import ClientLimits
from .pacing import Paused

T = TypeVar("T")

_BACKOFF_BASE = 1.0
_BACKOFF_MAX = 60.0
_FOREIGN = (aiohttp.ClientError, TimeoutError, OSError, aiohttp.http_exceptions.HttpProcessingError)


async def answered(awaitable: Awaitable[T], host: str) -> T:
    """Await an answer; any failure before it is raised as a SourceError.

    aiohttp's exceptions can contain the request with its key, so ours is raised outside of the handler: it has no cause and no context.
    """
    failure: SourceError
    try:
        return await awaitable
    except _FOREIGN as exc:
        failure = _before_answer(exc, host)
    raise failure


async def received(awaitable: Awaitable[T], host: str) -> T:
    """Await a part of a body; any failure is raised as RecordingTooSlow or RecordingTruncated."""
    failure: SourceError
    try:
        return await awaitable
    except _FOREIGN as exc:
        failure = RecordingTooSlow(host) if isinstance(exc, TimeoutError) else RecordingTruncated(f"{host}: {type(exc).__name__}")
    raise failure


def _before_answer(exc: Exception, host: str) -> SourceError:
    detail = f"{host}: {type(exc).__name__}"
    if isinstance(exc, aiohttp.ClientConnectorCertificateError) and (lacks := strict_certificates.lacks(exc.certificate_error)):
        return SourceCertificateIncomplete(f"{host}: {lacks}")
    if isinstance(exc, aiohttp.ClientSSLError | ssl.SSLError):
        return SourceTlsInvalid(detail)
    if isinstance(exc, aiohttp.ClientResponseError | aiohttp.InvalidURL | aiohttp.http_exceptions.HttpProcessingError):
        return SourceAnswerMalformed(detail)
    return SourceUnavailable(detail)


def retry_after_of(headers: Mapping[str, str], now_ms: int) -> float | None:
    """Return how many seconds an answer asks to wait (`domain.retry_after`); None if it does not ask."""
    return seconds_asked(headers.get("Retry-After"), now_ms=now_ms, date=headers.get("Date"))


class Retrier:
    """Retries a request if that can help: once after a 401 or an unreadable answer, after a 429 when its time is over, after an outage with
    full jitter.

    `random` returns numbers in [0, 1). A 429 slows the whole company, no matter which request caused it.
    """

    def __init__(self, slots: SendSlots, limits: ClientLimits, sleep: Sleep, random: Callable[[], float]) -> None:
        self._slots = slots
        self._limits = limits
        self._sleep = sleep
        self._random = random

    async def run(self, once: Callable[[], Awaitable[T]]) -> T:
        refused = misread = False
        tried = 0
        while True:
            tried += 1
            pause = 0.0
            try:
                return await once()
            except SourceKeyRefused:
                # One refusal may be a temporary error of Dialpad; a hold of the whole source needs two.
                if refused:
                    raise
                refused = True
            except SourceAnswerMalformed:
                # A truncated answer, or the page of a proxy: a second request usually succeeds.
                if misread:
                    raise
                misread = True
            except Paused as paused:
                # No request was sent to the source, so there is no new information.
                raise SourceThrottled("a pause that was asked for lasts", retry_after=paused.seconds) from None
            except SourceThrottled as exc:
                asked = exc.retry_after
                pause = obeyed_pause(self._jitter(tried) if asked is None else asked)
                await self._slots.slow_down(pause, asked)
                if tried >= self._limits.tries or pause > self._limits.patience:
                    raise SourceThrottled(exc.detail, retry_after=pause if asked is None else asked) from None
            except SourceUnavailable as exc:
                pause = max(self._jitter(tried), 0.0 if exc.retry_after is None else obeyed_wait(exc.retry_after))
                if tried >= self._limits.tries or pause > self._limits.patience:
                    raise
            if pause:
                await self._sleep(pause)

    def _jitter(self, tried: int) -> float:
        return self._random() * min(_BACKOFF_MAX, _BACKOFF_BASE * 2.0**tried)


async def within(seconds: float, awaitable: Awaitable[T]) -> T:
    """Await a result within a time limit. Raises TimeoutError, also if single bytes keep arriving, which no per-read timeout detects."""
    async with asyncio.timeout(seconds):
        return await awaitable
