"""Interfaces (ports) of the use cases: source, store, send slots, ledger, jobs. `wiring` connects them to their implementations.

Every method raises only what `domain.failures` declares.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from .bucket_listing import ListsBuckets
from .failures import HoldOn, RokuonError
from .recording import Directory, ListingPage, RecordingKind, Scope
from .work import ListingProgress, Outcome, PlannedCall, PlannedCopy, VerifiedRecording, Work


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Call starts from `after_ms` (inclusive) to `before_ms` (exclusive), epoch milliseconds UTC."""

    after_ms: int
    before_ms: int


class Download(Protocol):
    """An open response with audio. `length` is the announced number of body bytes, None if none was announced."""

    length: int | None
    content_type: str

    def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """Yield the body, once, in pieces of at most 1 MiB. Raises RecordingTooLarge beyond `limit` bytes, RecordingTruncated if fewer
        bytes arrive than announced, RecordingTooSlow if the download stalls or is very slow."""


class Source(Protocol):
    """The source of recordings. Every request keeps to the company's budget and has a timeout."""

    def pages(self, scope: Scope, wanted: TimeRange) -> AsyncIterator[ListingPage]:
        """Yield concluded calls that started in the range (at most 30 days), newest first, until a page has `last` set.

        A call may appear twice. Calls outside the range are left out, so pages may be empty; if the source returns such calls and its list
        is not in order, SourceAnswerMalformed is raised. Raises SourceCursorLooped instead of running forever.
        """

    def open(self, kind: RecordingKind, recording_id: str, url: str) -> AbstractAsyncContextManager[Download]:
        """Open the audio of a recording. Follows redirects itself, within the allow-list; credentials are sent only to their own host.

        Raises RecordingNotReady (404), RecordingGone (410), RecordingForbidden (403), SourceKindDenied (a login page),
        SourceKeyRefused (401), SourceThrottled, SourceUnavailable, SourceRedirectBlocked, SourceUrlRefused, RecordingEncoded,
        RecordingNotAudio (a text response), RecordingTooLarge (by the announced length).
        """

    async def directory(self) -> Directory:
        """Return company, offices, contact centers, coaching teams with trainees, and users of every state."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Optional abilities of a store. A caller checks one before relying on it.

    `keeps_metadata`: the store keeps user metadata and content type with the object. `checks_writes`: it refuses a body whose checksum is
    not the one sent. `stores_checksum`: `stat` returns a checksum without reading the body. `signs_urls`: `signed_url` makes a
    time-limited link for a browser. `bucket_roles`: roles grant access, and verification can report on them.
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
    """An object as the store reports it. `version` is the store's own identifier of this write (GCS generation, ETag, inode and mtime).

    `crc32c` is None and `metadata` is empty if the store keeps none. `md5` is the MD5 in base64 that the store reports, "" if it has none:
    a composite object, a local folder.
    """

    key: str
    size: int
    crc32c: int | None = None
    version: str = ""
    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    md5: str = ""


LONGEST_LINK_S = 300
"""Anyone who has a signed link can open the recording, so a link is valid for at most five minutes."""


class Store(ListsBuckets, Protocol):
    """One bucket. This protocol has no method to overwrite or delete an object.

    Keys are relative to the bucket, separated by "/", and at most 1,024 bytes of UTF-8.
    """

    url: str
    capabilities: Capabilities

    async def put(self, key: str, body: Body, *, content_type: str, metadata: Mapping[str, str]) -> StoredObject:
        """Create the object, completely or not at all; it is durable when this returns.

        Raises ObjectExists if the key exists already (also after a lost answer to our own write), ChecksumRefused if the body arrived
        damaged or is not `body.size` bytes with `body.crc32c`, StoreUnavailable if the outcome is unknown. Cancelling leaves no visible
        part of an object. The result is what the store reports; a store that reports nothing reads
        the object back and compares it before the object gets its key.
        """

    async def stat(self, key: str) -> StoredObject | None:
        """Return the object, or None if there is none. With `stores_checksum` off, `crc32c` is computed from the stored bytes."""

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to, not including, `end`. Raises ObjectMissing if there is no such object."""

    def list(self, prefix: str, after: str = "") -> AsyncIterator[StoredObject]:
        """Yield all objects under the prefix with keys after `after`, in byte order of their keys, page by page."""

    async def signed_url(self, key: str, seconds: int, *, content_type: str, disposition: str) -> str:
        """Return a link with which anyone can read this one object, including ranges, for 1 to LONGEST_LINK_S seconds from now. The
        response has these headers, whatever headers are stored. The link is a secret and never logged.

        Raises ValueError if `signs_urls` is off, and for another length of time.
        """

    async def close(self) -> None: ...


class SendSlots(Protocol):
    """A company's request budget, shared by every process of the installation."""

    async def take(self) -> None:
        """Wait until one request may be sent."""

    async def slow_down(self, seconds: float, asked: float | None = None) -> None:
        """Stop all requests of the company for `seconds` (a 429). `asked` is the wait that the other side asked for, if it named one."""


class Sleep(Protocol):
    async def __call__(self, seconds: float, /) -> None: ...


class JobLedger(Protocol):
    """The ledger for the work on one window or on a company's due copies. Each call is one transaction."""

    async def left_over(self, beyond: Work | None) -> list[Work]:
        """Return the next pending, due copies for this job, those after `beyond`, in the same order throughout the job; at the end an empty
        list."""

    async def place(self, calls: Sequence[PlannedCall], copies: Sequence[PlannedCopy], progress: ListingProgress) -> list[Work] | None:
        """Enter what was listed and move the resume mark. Return its pending, due copies, or None if the job is not wanted any more."""

    async def record(self, outcomes: Sequence[Outcome]) -> set[int]:
        """Enter outcomes. Return the ids of the copies that were updated."""

    async def wanted(self) -> bool:
        """Return False once the run was cancelled or the window is done."""

    async def holds(self) -> Mapping[tuple[HoldOn, str], RokuonError]:
        """Return the open holds that this job respects, each with the error that opened it."""

    async def witnesses(self, kind: RecordingKind) -> Sequence[VerifiedRecording]:
        """Return a few verified recordings of this kind, the latest first, without those that have left the access window."""

    async def has_left(self, work: Work) -> bool:
        """Whether the copy's recording has left the company's access window: then a refusal shows nothing about others of its kind."""

    async def bucket_fails(self, bucket_id: int) -> bool:
        """Whether other jobs saw the bucket fail several times in a row, with no successful write since."""

    async def leaving(self, work: Work) -> bool:
        """Whether the copy's recording has left the access window or soon does: this may be the last chance to fetch it."""

    async def hold(self, error: RokuonError, on: HoldOn, ref: str) -> None:
        """Stop a source (`ref` is ""), a kind or a bucket (`ref` names it) until the error's cause is gone."""


class Jobs(Protocol):
    """Queues jobs in the caller's transaction: a job exists if and only if its rows do."""

    def enqueue_window(self, window_id: int) -> None: ...

    def enqueue_due(self, company_id: int) -> None: ...

    def enqueue_probe(self, company_id: int, hold_id: int) -> None: ...

    def enqueue_look(self, company_id: int, at: datetime | None = None) -> None: ...

    def enqueue_sign_in_mail(self) -> None:
        """Queue the sending of requested sign-in links."""

    def enqueue_mail(self) -> None:
        """Queue the sending of the mails in the outbox."""

    def enqueue_inventory(self, bucket_id: int) -> None: ...

    def bulk_jobs_wait(self) -> bool:
        """Whether bulk work waits in the queue for a worker."""
