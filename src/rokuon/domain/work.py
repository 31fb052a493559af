"""Data that the use cases and the ledger exchange about copies. Ids of rows are the ledger's own; times are epoch ms UTC."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from .audio import AudioFacts
from .copies import State
from .failures import RokuonError
from .other_party import PlannedParty
from .outside import OutsideCall
from .recording import RecordingKind
from .retry import History

Proof = Literal["", "length", "read_twice", "read_apart", "accepted"]
"""Proof that the audio is complete, in addition to its frames. `length`: it has the announced number of bytes and the listed length.
`read_twice`: two equal reads, because no number of bytes was announced. `read_apart`: two equal reads some time apart, because no length
is listed. `accepted`: no proof, a person accepted it."""


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A listed call of a backed-up target. `recordings` is the number of recordings that the source listed for it."""

    target_id: int
    call_id: str
    started_ms: int
    was_recorded: bool
    recordings: int


@dataclass(frozen=True, slots=True)
class PlannedCopy:
    """A recording for a target, with the key that its copy gets if it has none yet. `excluded` is a reason, "" to copy it.

    `call_ms` is from start to end of the call, `other` what the company keeps of the other party. `spare_key` is used if `key` already
    belongs to another copy: two kinds of recording may have the same id.
    """

    target_id: int
    bucket_id: int
    kind: str
    recording_id: str
    call_id: str
    started_ms: int
    duration_ms: int | None
    url: str
    agent: str
    key: str
    spare_key: str
    excluded: str = ""
    call_ms: int | None = None
    other: PlannedParty | None = None


@dataclass(frozen=True, slots=True)
class AsideObject:
    """Unproven bytes that are kept aside in the bucket, under a key of their own."""

    key: str
    size: int
    sha256: str
    crc32c: int
    content_type: str
    looks: str


@dataclass(frozen=True, slots=True)
class Work:
    """A pending copy as it was read from the ledger. Every later update names (`copy_id`, `attempt`). `history` covers its tries so far.

    With `accepted` nothing is fetched from the source: a person accepted the bytes that were kept aside."""

    copy_id: int
    attempt: int
    kind: RecordingKind
    recording_id: str
    call_id: str
    url: str
    duration_ms: int | None
    target_id: int
    bucket_id: int
    key: str
    started_ms: int
    history: History = field(default_factory=History)
    call_ms: int | None = None
    accepted: AsideObject | None = None


def by_fetch(works: Iterable[Work]) -> list[list[Work]]:
    """Group the works that share one fetch, in the order of each group's first work: a recording of a contact center and of a coaching team
    is two copies of the same bytes.

    Earlier reads decide what a new read proves, so copies with different earlier reads are fetched separately. Each accepted work is a
    group of its own: it is read from its own bucket.
    """
    groups: dict[tuple[object, ...], list[Work]] = {}
    for work in works:
        audio = (work.kind, work.recording_id, work.history.read_sha256, work.history.read_ms)
        groups.setdefault((work.copy_id,) if work.accepted else audio, []).append(work)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class FailedTry:
    """A try that did not end in a verified copy. `read_sha256` is the hash of the audio that it read, "" if it read none; `aside` is the
    object under which the audio was kept aside, if it was."""

    error: RokuonError
    read_sha256: str = ""
    aside: AsideObject | None = None


@dataclass(frozen=True, slots=True)
class VerifiedRecording:
    """A verified recording: if it can still be opened, its kind is not refused."""

    kind: RecordingKind
    recording_id: str
    url: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a Work. `spent`: the attempt number grows by one; `due_in_s` is for a copy that stays pending.

    `negative` marks an answer that counts towards "the source no longer has it". `read_sha256` is the hash of audio not proven yet.
    """

    copy_id: int
    attempt: int
    state: State
    reason: str = ""
    detail: str = ""
    spent: bool = False
    due_in_s: float = 0.0
    negative: bool = False
    size: int | None = None
    sha256: str = ""
    crc32c: int | None = None
    version: str = ""
    md5: str = ""
    proof: Proof = ""
    audio_ms: int | None = None
    facts: AudioFacts | None = None
    read_sha256: str = ""
    aside: AsideObject | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry of a listing that could not be read, of a call that started in [after_ms, before_ms).

    `target_id` is None if the entry does not show its target. `mark` is the entry's identity, the same in every listing. `kind` is the
    source's own word for the kind of the unreadable recording, "" if the call itself is unreadable.
    """

    target_id: int | None
    mark: str
    why: str
    after_ms: int
    before_ms: int
    call_id: str = ""
    kind: str = ""
    recording_id: str = ""


@dataclass(frozen=True, slots=True)
class ListingProgress:
    """Progress of a listing: calls that started at or after `down_to_ms` are entered. The other fields cover the time since the last
    report: `unread` are the unreadable entries, `read` the ids of the calls that were read completely, `outside` the recorded calls outside
    every rule that the mark has passed."""

    down_to_ms: int
    pages: int
    calls: int
    unread: tuple[Unread, ...] = ()
    read: tuple[str, ...] = ()
    outside: tuple[OutsideCall, ...] = ()
