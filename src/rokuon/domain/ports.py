"""What the use cases ask of the world: a source, a store, send slots, the ledger. `wiring` joins them to what implements them.

Every method raises only what `domain.failures` declares.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from .failures import HoldOn, RokuonError
from .recording import Directory, ListingPage, RecordingKind, Scope
from .work import ListingProgress, Outcome, PlannedCall, PlannedCopy, Witness, Work


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Call starts from `after_ms` (inclusive) to `before_ms` (exclusive), epoch milliseconds UTC."""

    after_ms: int
    before_ms: int


class Download(Protocol):
    """An open answer with audio. `length` is the announced number of body bytes, None where none was announced."""

    length: int | None
    content_type: str

    def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """The body, once, piece by piece, each at most 1 MiB. Raises RecordingTooLarge past `limit` bytes, RecordingTruncated where fewer
        arrive than announced, RecordingTooSlow on a stall or a drip."""


class Source(Protocol):
    """Where recordings come from. Every request is paced by the company's budget and bounded in time."""

    def pages(self, scope: Scope, wanted: TimeRange) -> AsyncIterator[ListingPage]:
        """Concluded calls that started in the range (at most 30 days), newest first, until a page says `last`.

        A call may appear twice. Where the source answers with calls outside the range, they are left out, and pages may be empty; where
        its list is in no order then, that is an error (SourceAnswerMalformed). Raises SourceCursorLooped rather than run for ever.
        """

    def open(self, kind: RecordingKind, recording_id: str, url: str) -> AbstractAsyncContextManager[Download]:
        """The audio of a recording. Follows redirects by hand within the allow-list; credentials go only where they belong.

        Raises RecordingNotReady (404), RecordingGone (410), RecordingForbidden (403), SourceKindDenied (a login page),
        SourceKeyRefused (401), SourceThrottled, SourceUnavailable, SourceRedirectBlocked, SourceUrlRefused, RecordingEncoded,
        RecordingNotAudio (a text answer), RecordingTooLarge (by the announced length).
        """

    async def directory(self) -> Directory:
        """Company, offices, contact centers, coaching teams with trainees, users of every state."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can do. A caller asks before it relies on one.

    `keeps_metadata`: user metadata and content type are kept with the object. `checks_writes`: the store refuses a body whose
    checksum is not the one sent. `stores_checksum`: `stat` answers a checksum without reading the body. `signs_urls`: a
    time-limited link for a browser can be made (`signed_url`). `bucket_roles`: access is granted by roles that verification can report on.
    """

    keeps_metadata: bool
    checks_writes: bool
    stores_checksum: bool
    signs_urls: bool
    bucket_roles: bool


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes ready to be stored: in memory (`data`) or in a spool file (`path`), never both. `crc32c` is the plain 32-bit value."""

    size: int
    sha256: str
    crc32c: int
    data: bytes | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the store says that it holds. `version` is its own word for this write (GCS generation, ETag, inode and mtime).

    `crc32c` is None where the store keeps none; `metadata` is empty where it keeps none.
    """

    key: str
    size: int
    crc32c: int | None = None
    version: str = ""
    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


LONGEST_LINK_S = 300
"""A signed link opens a recording to whoever holds it: five minutes and no longer."""


class Store(Protocol):
    """One bucket. Nothing is ever overwritten or deleted through this protocol: it has no word for either.

    Keys are relative to the bucket, separated by "/", and at most 1,024 bytes of UTF-8.
    """

    url: str
    capabilities: Capabilities

    async def put(self, key: str, body: Body, *, content_type: str, metadata: Mapping[str, str]) -> StoredObject:
        """Create the object, completely or not at all, durable when this returns.

        Raises ObjectExists where the name is taken (also after a lost answer of our own), ChecksumRefused where the body arrived
        damaged or is not `body.size` bytes with `body.crc32c`, StoreUnavailable where the outcome is unknown. Cancelling leaves no
        visible part of an object. The answer is the store's own: what it holds, not what was sent.
        """

    async def stat(self, key: str) -> StoredObject | None:
        """What is there, or None. With `stores_checksum` off, `crc32c` is computed from the bytes that are there."""

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, not including, `end`. Raises ObjectMissing where nothing has that name."""

    def list(self, prefix: str, after: str = "") -> AsyncIterator[StoredObject]:
        """Objects under the prefix in byte order of their keys, those after `after` only; any number, page by page."""

    async def signed_url(self, key: str, seconds: int, *, content_type: str, disposition: str) -> str:
        """A link with which whoever holds it reads this one object, ranges included, for 1 to LONGEST_LINK_S seconds from now. The
        answer has these headers whatever is stored. A secret: never logged.

        Asked only where `signs_urls`: raises ValueError elsewhere, and for another length of time.
        """

    async def close(self) -> None: ...


class SendSlots(Protocol):
    """A company's request budget, shared by every process of the installation."""

    async def take(self) -> None:
        """Returns when one request may be sent."""

    async def slow_down(self, seconds: float, asked: float | None = None) -> None:
        """Nobody of the company sends for so long (a 429). `asked` is how long the other side asked for, where it named a time."""


class Sleep(Protocol):
    async def __call__(self, seconds: float, /) -> None: ...


class WindowLedger(Protocol):
    """What the work on one window, or on a company's due copies, asks of the ledger. Each call is one transaction."""

    async def left_over(self, beyond: Work | None) -> list[Work]:
        """Pending, due copies that this job is to try, in one order for all of the job, those behind `beyond`; an empty list at the end."""

    async def place(self, calls: Sequence[PlannedCall], copies: Sequence[PlannedCopy], progress: ListingProgress) -> list[Work] | None:
        """Enter what was listed and move the resume mark; the pending, due copies among it. None where the job is not wanted any more."""

    async def record(self, outcomes: Sequence[Outcome]) -> set[int]:
        """Enter outcomes; the ids of the copies that hold theirs now."""

    async def wanted(self) -> bool:
        """False once the run was cancelled or the window is done."""

    async def holds(self) -> Mapping[tuple[HoldOn, str], RokuonError]:
        """The open holds that this job respects, each with the error that opened it."""

    async def witnesses(self, kind: RecordingKind) -> Sequence[Witness]:
        """A few recordings of this kind that were verified, the latest first; none of those that have left the access window."""

    async def has_left(self, work: Work) -> bool:
        """Whether the copy's recording has left the company's access window: then a denial says nothing about others of its kind."""

    async def bucket_fails(self, bucket_id: int) -> bool:
        """Whether other jobs saw the bucket fail several times in a row: it has taken nothing since."""

    async def leaving(self, work: Work) -> bool:
        """Whether the copy's recording has left the access window or soon does: what is fetched now may be the last that can be had."""

    async def hold(self, error: RokuonError, on: HoldOn, ref: str) -> None:
        """Stop a source (`ref` is ""), a kind or a bucket (`ref` names it) until the error's cause is gone."""


class Jobs(Protocol):
    """Asks for work, inside the caller's transaction: the job exists if and only if the rows it concerns do."""

    def enqueue_window(self, window_id: int) -> None: ...

    def enqueue_due(self, company_id: int) -> None: ...

    def enqueue_probe(self, company_id: int, hold_id: int) -> None: ...

    def enqueue_look(self, company_id: int, at: datetime | None = None) -> None: ...

    def enqueue_mail(self) -> None:
        """Send what the outbox holds."""

    def bulk_jobs_wait(self) -> bool:
        """Whether bulk work waits in the queue for a worker."""
