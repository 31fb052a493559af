"""Probes a real account for the open questions of docs/design/dialpad.md section 8, with read requests only; the report is redacted.

No name, number, address of a recording or plain id leaves this module: ids are hashed with a salt that is thrown away, so that they can be
compared only within one report. Hosts, statuses, counts, times and sizes are kept.
"""

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from yarl import URL

from rokuon.domain.clocks import DAY_MS
from rokuon.domain.failures import RokuonError, SourceRedirectBlocked, SourceUrlRefused
from rokuon.domain.ports import SendSlots, TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, ListedCall, ListedRecording, RecordingKind, Scope, ScopeKind, Target

from .limits import ClientLimits
from .network import open_session
from .pacing import Paused
from .source import DialpadSource
from .urls import AllowedHosts, Hop, first_hop, next_hop

SAMPLE_DAYS = 28
OLDEST_DAYS = (90, 365, 730, 1095, 1825)
NARROW_DAYS_AGO, NARROW_MS = 60, 3_600_000
"""An hour has fewer calls than a page, so calls outside the hour appear on the first page."""
PER_KIND = 2
HOPS = 5
FIRST_BYTES = 4096
TARGETS = 2
KEPT_HEADERS = ("Content-Type", "Content-Length", "Content-Range", "Accept-Ranges", "Retry-After", "Content-Encoding", "Transfer-Encoding")
LIMIT_WORDS = ("ratelimit", "rate-limit", "retry-after")

Json = dict[str, Any]


class Probe:
    """Probe of one account. `now_ms` is epoch milliseconds. Every request takes a send slot."""

    def __init__(self, source: DialpadSource, base_url: str, key: str, slots: SendSlots, now_ms: int) -> None:
        self._source, self._key, self._slots, self._now_ms = source, key, slots, now_ms
        self._allowed = AllowedHosts.of(base_url)
        self._salt = secrets.token_bytes(16)

    async def report(self) -> Json:
        """Return the report. Never raises for an answer of Dialpad: a refusal is also a result."""
        directory = await self._source.directory()
        calls = await self._calls(COMPANY_SCOPE, SAMPLE_DAYS)
        listed = calls.pop("calls")
        scopes = [COMPANY_SCOPE, *map(_scope_of, _some_of_each_kind(directory.targets))]
        return {
            "made_at_ms": self._now_ms,
            "directory": {"offices": len(directory.offices), "targets": dict(Counter(target.kind.value for target in directory.targets))},
            "list_details": {**calls, **self._details(listed)},
            "target_listings": [await self._target(target, listed) for target in _some_of_each_kind(directory.targets)],
            "media": [await self._media(recording) for recording in _some_recordings(listed)],
            "narrow_windows": [await self._narrow(scope) for scope in scopes],
            "oldest": [await self._guarded(self._oldest, days) for days in OLDEST_DAYS],
        }

    def _id(self, text: str) -> str:
        return hashlib.sha256(self._salt + text.encode()).hexdigest()[:12]

    async def _calls(self, scope: Scope, days: int) -> Json:
        """Return the first page of the latest calls."""
        wanted = TimeRange(self._now_ms - days * DAY_MS, self._now_ms)
        began = time.monotonic()
        try:
            async for page in self._source.pages(scope, wanted):
                return {"calls": list(page.calls), "more": not page.last, "malformed": len(page.malformed), "seconds": _since(began)}
        except RokuonError as error:
            return {"calls": [], "error": error.reason, "detail": error.detail}
        return {"calls": [], "more": False}

    def _details(self, calls: list[ListedCall]) -> Json:
        """8.2: does a list name the recordings of recorded calls?"""
        recorded = [call for call in calls if call.was_recorded]
        return {
            "listed": len(calls),
            "was_recorded": len(recorded),
            "recorded_with_details": sum(bool(call.recordings) for call in recorded),
            "details_without_was_recorded": sum(bool(call.recordings) and not call.was_recorded for call in calls),
            "kinds": dict(Counter(recording.kind.value for call in calls for recording in call.recordings)),
            "leg_types": dict(Counter(call.target.type if call.target else "none" for call in calls)),
            "recordings_per_call": dict(Counter(str(len(call.recordings)) for call in calls)),
            "with_duration": sum(recording.duration_ms is not None for call in calls for recording in call.recordings),
        }

    async def _target(self, target: Target, company_calls: list[ListedCall]) -> Json:
        """8.3: which legs does a listing by contact center or coaching team return?"""
        found = await self._calls(_scope_of(target), SAMPLE_DAYS)
        calls: list[ListedCall] = found.pop("calls")
        known = {call.id for call in company_calls}
        return {
            "kind": target.kind.value,
            "id": self._id(target.id),
            **found,
            "listed": len(calls),
            "leg_types": dict(Counter(call.target.type if call.target else "none" for call in calls)),
            "legs_of_the_target_itself": sum(call.target is not None and call.target.id == target.id for call in calls),
            "agent_legs_that_point_to_it": sum(
                call.entry_point_target is not None and call.entry_point_target.id == target.id for call in calls
            ),
            "also_in_company_page": sum(call.id in known for call in calls),
        }

    async def _narrow(self, scope: Scope) -> Json:
        """Is the range obeyed? Counts the calls on the first page for one hour long ago; calls beyond a bound mean that it is ignored."""
        after = self._now_ms - NARROW_DAYS_AGO * DAY_MS
        told: Json = {"kind": scope.kind.value, "id": self._id(scope.id), "days_ago": NARROW_DAYS_AGO}
        try:
            calls = await self._source.first_page(scope, TimeRange(after, after + NARROW_MS))
        except RokuonError as error:
            return told | {"error": error.reason, "detail": error.detail}
        newer, older = (sum(beyond(call.started_ms) for call in calls) for beyond in _beyond(after, after + NARROW_MS))
        return told | {"listed": len(calls), "newer_than_asked": newer, "older_than_asked": older}

    async def _media(self, recording: ListedRecording) -> Json:
        """8.1 and 8.6: can a recording be fetched by key, over which hosts, and what do the answers say? First bytes only."""
        told: Json = {"kind": recording.kind.value, "id": self._id(recording.id), "listed_duration_ms": recording.duration_ms}
        try:
            hop = first_hop(recording.url, recording.id, self._allowed)
        except SourceUrlRefused as refused:
            return told | {"url_refused": refused.detail}
        async with open_session(self._allowed, ClientLimits()) as session:
            try:
                told["hops"] = await self._walk(session, hop)
            except (RokuonError, Paused, aiohttp.ClientError, TimeoutError) as error:
                told["error"] = error.reason if isinstance(error, RokuonError) else type(error).__name__
        return told

    async def _walk(self, session: aiohttp.ClientSession, hop: Hop) -> list[Json]:
        hops: list[Json] = []
        while len(hops) < HOPS:
            await self._slots.take()
            headers = {"Range": f"bytes=0-{FIRST_BYTES - 1}", "Accept": "audio/*"}
            if hop.keyed:
                headers["Authorization"] = f"Bearer {self._key}"
            async with session.get(hop.url, headers=headers, allow_redirects=False) as response:
                told: Json = {"host": hop.host, "keyed": hop.keyed, "path_form": _form(hop.url), "status": response.status}
                told["headers"] = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
                told["limit_headers"] = sorted(name for name in response.headers if any(word in name.lower() for word in LIMIT_WORDS))
                hops.append(told)
                if response.status not in (301, 302, 303, 307, 308):
                    first = await response.content.read(FIRST_BYTES)
                    told["range_honoured"] = response.status == 206
                    told["looks_like_mpeg"] = first[:3] == b"ID3" or (len(first) > 1 and first[0] == 0xFF and first[1] & 0xE0 == 0xE0)
                    return hops
                try:
                    hop = next_hop(hop, response.headers.get("Location", ""), self._key, self._allowed)
                except (SourceRedirectBlocked, RokuonError) as blocked:
                    told["redirect"] = {"refused": blocked.reason, "host": blocked.detail}
                    return hops
        return hops

    async def _oldest(self, days: int) -> Json:
        """8.5: are there calls, and recordings, that long ago?"""
        wanted = TimeRange(self._now_ms - days * DAY_MS, self._now_ms - (days - SAMPLE_DAYS) * DAY_MS)
        async for page in self._source.pages(COMPANY_SCOPE, wanted):
            return {"days_ago": days, "calls": len(page.calls), "recordings": sum(len(call.recordings) for call in page.calls)}
        return {"days_ago": days, "calls": 0, "recordings": 0}

    async def _guarded(self, ask: Callable[[int], Awaitable[Json]], days: int) -> Json:
        try:
            return await ask(days)
        except RokuonError as error:
            return {"days_ago": days, "error": error.reason, "detail": error.detail}


def _scope_of(target: Target) -> Scope:
    return Scope(ScopeKind(target.kind.value), target.id)


def _beyond(after_ms: int, before_ms: int) -> tuple[Callable[[int], bool], Callable[[int], bool]]:
    """Return two tests: newer than the range, and older than it. A millisecond on either side may be the server's rounding."""
    return lambda at: at > before_ms + 1, lambda at: at < after_ms - 1


def _some_of_each_kind(targets: tuple[Target, ...]) -> list[Target]:
    taken: Counter[str] = Counter()
    chosen = []
    for target in targets:
        if target.state == "active" and taken[target.kind] < TARGETS:
            taken[target.kind] += 1
            chosen.append(target)
    return chosen


def _some_recordings(calls: list[ListedCall]) -> list[ListedRecording]:
    taken: Counter[RecordingKind] = Counter()
    chosen = []
    for call in calls:
        for recording in call.recordings:
            if taken[recording.kind] < PER_KIND:
                taken[recording.kind] += 1
                chosen.append(recording)
    return chosen


def _form(url: URL) -> str:
    """Return only the first part of the path, because ids and tokens follow it."""
    return f"/{url.path.strip('/').split('/', 1)[0]}/…"


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
