"""What the use cases and the ledger tell each other about copies. Ids of rows are the ledger's own; times are epoch ms UTC."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from .audio import AudioFacts
from .copies import State
from .failures import RokuonError
from .recording import RecordingKind
from .retry import History

Proof = Literal["", "length", "read_twice", "read_apart", "accepted"]
"""What holds the audio to be whole, besides its frames: as many bytes as announced and as long as listed; two equal reads where no number
of bytes was announced; two equal reads some time apart where no length is listed. `accepted`: nothing, a person took it as it is."""


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A listed call of a backed-up target. `recordings` is how many the source listed for it."""

    target_id: int
    call_id: str
    started_ms: int
    was_recorded: bool
    recordings: int


@dataclass(frozen=True, slots=True)
class PlannedCopy:
    """A recording for a target, with the key that its copy gets if it has none yet. `excluded` is a reason, "" to copy it.

    `call_ms` is from start to end of the call. `spare_key` is taken where `key` already belongs to another copy: two kinds of recording
    may carry one id.
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


@dataclass(frozen=True, slots=True)
class AsideObject:
    """Bytes that are in the bucket beside the recordings, under a key of their own, because they could not be proven."""

    key: str
    size: int
    sha256: str
    crc32c: int
    content_type: str
    looks: str


@dataclass(frozen=True, slots=True)
class Work:
    """A pending copy as it was read: the name of every later update is (`copy_id`, `attempt`). `history` is of its tries so far.

    With `accepted` nothing is fetched: a person took what was kept aside."""

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
    """The works in groups that one fetch serves, each group where its first work stood: a recording of a contact center and a coaching
    team is two copies of the same bytes.

    What was read before decides what a read proves, so copies that differ in it are fetched apart. Each accepted work is a group of its
    own: it is read from its own bucket.
    """
    groups: dict[tuple[object, ...], list[Work]] = {}
    for work in works:
        audio = (work.kind, work.recording_id, work.history.read_sha256, work.history.read_ms)
        groups.setdefault((work.copy_id,) if work.accepted else audio, []).append(work)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class Refused:
    """A try that did not end in a verified copy. `read_sha256` is of the audio that it read, "" where it read none; `aside` is where that
    was kept, if it was."""

    error: RokuonError
    read_sha256: str = ""
    aside: AsideObject | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A recording that was verified: whether it still opens tells whether its kind does."""

    kind: RecordingKind
    recording_id: str
    url: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a Work. `spent` says whether the attempt number grows; `due_in_s` is for a copy that stays pending.

    `negative` marks an answer that counts towards "the source no longer has it". `read_sha256` is of audio that is not proven yet.
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
    proof: Proof = ""
    audio_ms: int | None = None
    facts: AudioFacts | None = None
    read_sha256: str = ""
    aside: AsideObject | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry of a listing that could not be read, of a call that started in [after_ms, before_ms).

    `target_id` is None where the entry does not tell to which target it belongs. `mark` is the entry's identity: the same in whichever
    listing it appears. `kind` is the source's own word for the recording that could not be read, "" where it is the call.
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
    """How far a listing has come: calls that started at or after `down_to_ms` are entered. The rest is since the last report: `unread`
    are the entries that could not be read, `read` the ids of the calls that were read whole."""

    down_to_ms: int
    pages: int
    calls: int
    unread: tuple[Unread, ...] = ()
    read: tuple[str, ...] = ()
