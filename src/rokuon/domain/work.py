"""What the use cases and the ledger tell each other about copies. Ids of rows are the ledger's own; times are epoch ms UTC."""

from dataclasses import dataclass, field
from typing import Literal

from .copies import State
from .recording import Kind
from .retry import History

Proof = Literal["", "length", "read_twice"]


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

    `spare_key` is taken where `key` already belongs to another copy: two kinds of recording may carry one id.
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


@dataclass(frozen=True, slots=True)
class Work:
    """A pending copy as it was read: the name of every later update is (`copy_id`, `attempt`). `history` is of this pending time."""

    copy_id: int
    attempt: int
    kind: Kind
    recording_id: str
    call_id: str
    url: str
    duration_ms: int | None
    target_id: int
    bucket_id: int
    key: str
    started_ms: int
    history: History = field(default_factory=History)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a Work. `spent` says whether the attempt number grows; `due_in_s` is for a copy that stays pending.

    `negative` marks an answer that counts towards "the source no longer has it".
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


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a listing has come: calls that started at or after `down_to_ms` are entered. The rest counts since the last report."""

    down_to_ms: int
    pages: int
    calls: int
    malformed: int
