"""A source, a store and a ledger small enough to read in one go, which do what a test wrote down: the ports of `domain.ports`."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rokuon.backup.copy import CopyContext, copy_recording
from rokuon.backup.limits import MemoryBudget, TransferLimits
from rokuon.backup.recorder import Recorder
from rokuon.backup.transfer_pool import TransferPool
from rokuon.domain.bucket_listing import PAGE, FormerObject, ListedPage
from rokuon.domain.copies import State
from rokuon.domain.failures import HoldOn, RecordingNotReady, RecordingTooLarge, RecordingTruncated, RokuonError
from rokuon.domain.ports import Body, Capabilities, Store, StoredObject, TimeRange
from rokuon.domain.recording import Directory, ListedCall, ListingPage, RecordingKind, Scope
from rokuon.domain.retry import History
from rokuon.domain.work import FailedTry, ListingProgress, Outcome, PlannedCall, PlannedCopy, VerifiedRecording, Work, by_fetch
from rokuon.stores.memory import MemoryStore
from tests.audio import length_ms, mp3

NOW_MS = 1_790_000_000_000


def work(
    number: int = 1, *, kind: RecordingKind = RecordingKind.CALL, bucket: int = 1, duration_ms: int | None = length_ms(), **history: int
) -> Work:
    return Work(
        copy_id=number,
        attempt=history.get("attempts", 0),
        kind=kind,
        recording_id=f"r{number}",
        call_id=f"c{number}",
        url=f"https://dialpad.example/r/r{number}",
        duration_ms=duration_ms,
        target_id=1,
        bucket_id=bucket,
        key=f"call-recordings/Sales/2026-09-21/Ann - c{number} - r{number}.mp3",
        started_ms=NOW_MS - number,
        history=History(**history),
    )


@dataclass
class Clip:
    """One answer of the source: a body, how many bytes it announces (None: no length), or an error instead."""

    body: bytes = b""
    length: int | None = -1
    error: RokuonError | Exception | None = None
    broken_after: RokuonError | None = None

    @property
    def announced(self) -> int | None:
        return len(self.body) if self.length == -1 else self.length


class _Download:
    content_type = "audio/mpeg"

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self.length = clip.announced

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        body, sent = self._clip.body, 0
        while sent < len(body):
            await asyncio.sleep(0)
            piece = body[sent : sent + 1000]
            sent += len(piece)
            if sent > limit:
                raise RecordingTooLarge
            yield piece
        if self._clip.broken_after:
            raise self._clip.broken_after
        if self.length is not None and sent < self.length:
            raise RecordingTruncated(f"{sent} of {self.length}")


class ScriptedSource:
    """Answers each opening of a recording with its next clip; the last one stays. A recording without clips has its own MP3."""

    def __init__(self) -> None:
        self.clips: dict[str, list[Clip]] = {}
        self.opened: Counter[str] = Counter()
        self.listings: list[tuple[Scope, TimeRange]] = []
        self.pages_of: Callable[[Scope, TimeRange], list[ListingPage | Exception]] = lambda scope, wanted: [ListingPage((), True)]
        self.open_now = self.most_open = 0
        self.before_answer: Callable[[str], object] = lambda recording_id: None
        self.gate: asyncio.Event | None = None

    def script(self, number: int, *clips: Clip) -> None:
        self.clips[f"r{number}"] = list(clips)

    @asynccontextmanager
    async def open(self, kind: RecordingKind, recording_id: str, url: str) -> AsyncIterator[_Download]:
        self.opened[recording_id] += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            await asyncio.sleep(0)
            if self.gate:
                await self.gate.wait()
            self.before_answer(recording_id)
            clips = self.clips.get(recording_id) or [Clip(mp3(int(recording_id[1:])))]
            clip = clips.pop(0) if len(clips) > 1 else clips[0]
            if clip.error:
                raise clip.error
            yield _Download(clip)
        finally:
            self.open_now -= 1

    async def pages(self, scope: Scope, wanted: TimeRange) -> AsyncIterator[ListingPage]:
        self.listings.append((scope, wanted))
        for page in self.pages_of(scope, wanted):
            await asyncio.sleep(0)
            if isinstance(page, Exception):
                raise page
            yield page

    async def directory(self) -> Directory:
        raise NotImplementedError

    async def close(self) -> None:
        await asyncio.sleep(0)


def listing(calls: Sequence[ListedCall], per_page: int = 50) -> Callable[[Scope, TimeRange], list[ListingPage | Exception]]:
    """Pages over these calls as the source would list them: those that start in the range, newest first."""

    def answer(scope: Scope, wanted: TimeRange) -> list[ListingPage | Exception]:
        inside = sorted((c for c in calls if wanted.after_ms <= c.started_ms < wanted.before_ms), key=lambda c: (-c.started_ms, c.id))
        pages = [inside[at : at + per_page] for at in range(0, len(inside), per_page)] or [[]]
        return [ListingPage(tuple(page), last=page is pages[-1]) for page in pages]

    return answer


class TroubledStore:
    """A memory store in which the next calls go wrong as told. `puts` counts what was asked of it."""

    capabilities = Capabilities(keeps_metadata=True, checks_writes=True, stores_checksum=True, signs_urls=False, bucket_roles=False)

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.url = self.inner.url
        self.put_errors: list[RokuonError | None] = []
        self.stat_errors: list[RokuonError] = []
        self.list_error: RokuonError | None = None
        self.lose_answers = 0
        self.rot: Callable[[StoredObject], StoredObject] | None = None
        self.puts = self.reads = 0
        self.seen_paths: list[Path] = []

    async def put(self, key: str, body: Body, *, content_type: str, metadata: Mapping[str, str]) -> StoredObject:
        self.puts += 1
        if body.path:
            self.seen_paths.append(body.path)
        error = self.put_errors.pop(0) if self.put_errors else None
        lost = self.lose_answers > 0
        if error and not lost:
            raise error
        stored = await self.inner.put(key, body, content_type=content_type, metadata=metadata)
        if lost:
            self.lose_answers -= 1
            assert error
            raise error
        return self.rot(stored) if self.rot else stored

    async def stat(self, key: str) -> StoredObject | None:
        if self.stat_errors:
            raise self.stat_errors.pop(0)
        return await self.inner.stat(key)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        self.reads += 1
        async for piece in self.inner.read(key, start, end):
            yield piece

    async def list(self, prefix: str, after: str = "") -> AsyncIterator[StoredObject]:
        if self.list_error:
            raise self.list_error
        async for one in self.inner.list(prefix, after):
            yield one

    async def page(self, prefix: str, after: str = "", limit: int = PAGE) -> ListedPage:
        return await self.inner.page(prefix, after, limit)

    async def noncurrent(self, key: str) -> Sequence[FormerObject] | None:
        return await self.inner.noncurrent(key)

    async def soft_deleted(self, key: str) -> Sequence[FormerObject] | None:
        return await self.inner.soft_deleted(key)

    async def close(self) -> None:
        await self.inner.close()

    async def signed_url(self, key: str, seconds: int, *, content_type: str, disposition: str) -> str:
        return await self.inner.signed_url(key, seconds, content_type=content_type, disposition=disposition)

    async def content(self, key: str) -> bytes:
        return b"".join([piece async for piece in self.inner.read(key)])

    async def keys(self) -> Sequence[str]:
        return [found.key async for found in self.inner.list("")]


@dataclass
class Row:
    work: Work
    state: State = State.PENDING
    last: Outcome | None = None
    due_ms: int = 0


@dataclass
class ScriptedLedger:
    """A ledger in a dictionary, with the same conditions as the real one: an outcome counts if state and attempt are those it saw."""

    rows: dict[int, Row] = field(default_factory=dict)
    opened: list[tuple[HoldOn, str, str]] = field(default_factory=list)
    open_holds: dict[tuple[HoldOn, str], RokuonError] = field(default_factory=dict)
    arrived: set[RecordingKind] = field(default_factory=set)
    failing: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    is_wanted: bool = True
    progress: list[ListingProgress] = field(default_factory=list)
    calls: list[PlannedCall] = field(default_factory=list)
    copies: list[PlannedCopy] = field(default_factory=list)
    record_errors: list[Exception] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    on_place: Callable[[], object] = lambda: None

    def add(self, *works: Work) -> None:
        for one in works:
            self.rows[one.copy_id] = Row(one)

    async def left_over(self, beyond: Work | None) -> list[Work]:
        await asyncio.sleep(0)
        last = beyond.copy_id if beyond else 0
        due = [row.work for number, row in sorted(self.rows.items()) if row.state is State.PENDING and number > last and not row.last]
        return due[:3]

    async def place(self, calls: Sequence[PlannedCall], copies: Sequence[PlannedCopy], progress: ListingProgress) -> list[Work] | None:
        await asyncio.sleep(0)
        self.on_place()
        if not self.is_wanted:
            return None
        self.progress.append(progress)
        self.calls += calls
        known = {(row.work.recording_id, row.work.target_id) for row in self.rows.values()}
        placed = []
        for copy in copies:
            self.copies.append(copy)
            if (copy.recording_id, copy.target_id) in known or copy.excluded:
                continue
            one = replace(
                work(max(self.rows, default=1000) + 1, kind=RecordingKind(copy.kind), bucket=copy.bucket_id, duration_ms=copy.duration_ms),
                recording_id=copy.recording_id, call_id=copy.call_id, url=copy.url, key=copy.key, target_id=copy.target_id,
                started_ms=copy.started_ms,
            )  # fmt: skip
            self.rows[one.copy_id] = Row(one)
            placed.append(one)
        return placed

    async def leaving(self, work: Work) -> bool:
        return work.copy_id in self.left

    async def has_left(self, work: Work) -> bool:
        return work.copy_id in self.left

    async def record(self, outcomes: Sequence[Outcome]) -> set[int]:
        await asyncio.sleep(0)
        if self.record_errors:
            raise self.record_errors.pop(0)
        self.batches.append(len(outcomes))
        held = set()
        for outcome in outcomes:
            row = self.rows[outcome.copy_id]
            if row.state is State.PENDING and row.work.attempt == outcome.attempt:
                row.state, row.last = outcome.state, outcome
                row.work = replace(row.work, attempt=row.work.attempt + outcome.spent)
                held.add(outcome.copy_id)
        return held

    async def wanted(self) -> bool:
        await asyncio.sleep(0)
        return self.is_wanted

    async def holds(self) -> Mapping[tuple[HoldOn, str], RokuonError]:
        await asyncio.sleep(0)
        return self.open_holds

    async def witnesses(self, kind: RecordingKind) -> Sequence[VerifiedRecording]:
        await asyncio.sleep(0)
        return [VerifiedRecording(kind, "r900", "https://dialpad.example/r/r900")] if kind in self.arrived else []

    async def bucket_fails(self, bucket_id: int) -> bool:
        await asyncio.sleep(0)
        return bucket_id in self.failing

    async def hold(self, error: RokuonError, on: HoldOn, ref: str) -> None:
        await asyncio.sleep(0)
        self.opened.append((on, ref, error.reason))

    def outcome(self, number: int) -> Outcome:
        found = self.rows[number].last
        assert found, f"copy {number} has no outcome"
        return found

    def states(self) -> dict[str, int]:
        return dict(Counter(row.state.value for row in self.rows.values()))


class Bench:
    """One pool's surroundings. Sleeps take no time and are remembered."""

    def __init__(self, spool: Path, **limits: int) -> None:
        self.source, self.ledger = ScriptedSource(), ScriptedLedger()
        self.stores: dict[int, TroubledStore] = defaultdict(TroubledStore)
        self.closed: dict[int, RokuonError] = {}
        self.slept: list[float] = []
        self.limits = TransferLimits(spool, **limits)
        self.memory = MemoryBudget(self.limits.memory)

    @property
    def store(self) -> TroubledStore:
        return self.stores[1]

    @property
    def context(self) -> CopyContext:
        return CopyContext(self.source, self.limits, self.memory, self.sleep)

    async def sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def open_store(self, bucket_id: int) -> Store:
        await asyncio.sleep(0)
        if bucket_id in self.closed:
            raise self.closed[bucket_id]
        return self.stores[bucket_id]

    async def try_copy(self, one: Work) -> Outcome | FailedTry:
        (result,) = await copy_recording([(one, self.store)], self.context, NOW_MS)
        return result

    async def pool_tries(self, *works: Work) -> TransferPool:
        """Offer the copies to one pool, and wait until all that it took on have ended and are recorded."""
        self.ledger.add(*works)
        async with (
            Recorder(self.ledger.record) as recorder,
            TransferPool(self.context, self.open_store, self.ledger, recorder, lambda: NOW_MS) as pool,
        ):
            for together in by_fetch(works):
                await pool.offer(*together)
        return pool


NOT_READY = Clip(error=RecordingNotReady())
