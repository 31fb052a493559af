"""Client of Dialpad's JSON API: each call sends one paced request and returns one JSON object."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

import aiohttp
from yarl import URL

from rokuon.domain.failures import (
    SourceAnswerMalformed,
    SourceError,
    SourceKeyRefused,
    SourceNotFound,
    SourceRequestRefused,
    SourceScopeMissing,
    SourceThrottled,
    SourceUnavailable,
)
from rokuon.domain.ports import SendSlots
from rokuon.domain.retry_after import epoch_ms_of

from .faults import Retrier, answered, retry_after_of, within
from .limits import ClientLimits
from .urls import AllowedHosts

JsonObject = dict[str, Any]

_NO_CODING = {"", "identity", "none", "binary", "7bit", "8bit"}
"""Values that servers use for a body without encoding; only "identity" is defined by HTTP."""


class ApiClient:
    """The API of one company. `session` returns the open session; `now_ms` the time in epoch milliseconds. The key goes only into the
    header."""

    def __init__(
        self,
        allowed: AllowedHosts,
        key: str,
        *,
        session: Callable[[], aiohttp.ClientSession],
        slots: SendSlots,
        retrier: Retrier,
        limits: ClientLimits,
        now_ms: Callable[[], int],
    ) -> None:
        self._base = URL(allowed.base)
        self._host = self._base.host or ""
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        self._session = session
        self._slots = slots
        self._retrier = retrier
        self._limits = limits
        self._now_ms = now_ms
        # The server's clock in its last answer: epoch milliseconds, cut to whole seconds.
        self.server_ms: int | None = None

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> JsonObject:
        """Return the JSON object at `/api/v2{path}`; an empty object for a 204.

        Raises SourceKeyRefused (two 401s), SourceScopeMissing (403), SourceNotFound (404, 410), SourceRequestRefused (any other 4xx),
        SourceThrottled, SourceUnavailable (5xx, no connection, no answer in time), SourceTlsInvalid, SourceAnswerMalformed.
        """
        url = self._base.with_path(f"/api/v2{path}")
        if params:
            url = url.with_query(params)
        return await self._retrier.run(lambda: self._once("GET", url, None))

    async def send(self, method: Literal["POST", "PATCH"], path: str, body: JsonObject | None) -> JsonObject:
        """Send a change of Rokuon's own objects at Dialpad and return the answer. Raises the same as `get`.

        It is retried like a read: the caller first reads what exists, so it finds a change that happened twice.
        """
        url = self._base.with_path(f"/api/v2{path}")
        return await self._retrier.run(lambda: self._once(method, url, body))

    async def _once(self, method: str, url: URL, body: JsonObject | None) -> JsonObject:
        await self._slots.take()
        return await answered(within(self._limits.answer + self._limits.slow_window, self._exchange(method, url, body)), self._host)

    async def _exchange(self, method: str, url: URL, body: JsonObject | None) -> JsonObject:
        async with self._session().request(method, url, headers=self._headers, json=body, allow_redirects=False) as response:
            self.server_ms = epoch_ms_of(response.headers.get("Date", "")) or self.server_ms
            failure = status_failure(response, self._host, self._now_ms)
            if failure is not None:
                raise failure
            if response.status == 204:
                return {}
            if response.status not in (200, 203) or encoded(response.headers):
                raise SourceAnswerMalformed(f"{response.status} from {self._host}")
            answer = bytearray()
            async for piece in response.content.iter_any():
                answer += piece
                if len(answer) > self._limits.json:
                    raise SourceAnswerMalformed(f"more than {self._limits.json} bytes from {self._host}")
        return parse_json(bytes(answer))


def status_failure(response: aiohttp.ClientResponse, host: str, now_ms: Callable[[], int]) -> SourceError | None:
    """Return the failure that an API status means; None for success, and for redirects, whose meaning depends on the caller."""
    status = response.status
    if status < 400:
        return None
    detail = f"{status} from {host}"
    if status == 401:
        return SourceKeyRefused(detail)
    if status == 403:
        return SourceScopeMissing(detail)
    if status in (404, 410):
        return SourceNotFound(detail)
    if status == 429:
        return SourceThrottled(detail, retry_after=retry_after_of(response.headers, now_ms()))
    if status >= 500 or status == 408:
        return SourceUnavailable(detail, retry_after=retry_after_of(response.headers, now_ms()))
    return SourceRequestRefused(detail)


def encoded(headers: Mapping[str, str]) -> bool:
    """Whether an answer says that its body is encoded."""
    return not _NO_CODING.issuperset(word.strip().lower() for word in headers.get("Content-Encoding", "").split(","))


def parse_json(body: bytes) -> JsonObject:
    """Parse one JSON object in UTF-8 without NaN or Infinity. Raises SourceAnswerMalformed."""
    try:
        parsed = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise SourceAnswerMalformed("the answer is not a JSON object")
    return parsed


def _no_constant(name: str) -> float:
    raise ValueError(name)
