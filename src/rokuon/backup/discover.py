"""Turn classified calls into planned copies with bucket and key (ARCHITECTURE.md).

A plan depends on the listing and on the current settings only. The ledger keeps the first plan of each copy.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from rokuon.domain import placement
from rokuon.domain.classify import Classified, ClassifiedRecording
from rokuon.domain.other_party import Keeper
from rokuon.domain.recording import Scope
from rokuon.domain.settings import KIND_NOT_CHOSEN
from rokuon.domain.work import PlannedCall, PlannedCopy


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """A backed-up target: its row id, its effective bucket, its folder, the time zone of the date folders ("" is UTC), and the longest
    name that the bucket accepts, in bytes."""

    id: int
    bucket_id: int
    folder: str
    zone: str
    longest_name: int = placement.SEGMENT_BYTES


@dataclass(frozen=True, slots=True)
class Targets:
    """The backed-up targets that a listing is sorted into. `trainees` maps a user to the coaching teams that own the user's calls;
    `names` maps a user to the name in the directory; `keep` returns what the company keeps of the other party of a call (None: nothing).
    `ruled` are all targets of the company with a rule, whether or not this listing is sorted into them; None if it need not find the
    recorded calls outside of them."""

    plans: Mapping[Scope, TargetPlan]
    trainees: Mapping[str, Iterable[str]]
    voicemail: bool
    names: Mapping[str, str] = field(default_factory=dict)
    keep: Keeper | None = None
    ruled: Collection[Scope] | None = None


def plan_batch(batch: Iterable[Classified], targets: Targets, noticed_ms: int) -> tuple[list[PlannedCall], list[PlannedCopy]]:
    """Return the ledger rows of classified calls. `noticed_ms` dates a folder if the call's own times cannot be true (S30)."""
    calls, copies = [], []
    for call in batch:
        target = targets.plans[call.target]
        started_ms = placement.placing_time(call.started_ms, call.ended_ms, noticed_ms)
        calls.append(PlannedCall(target.id, call.call_id, started_ms, call.was_recorded, call.listed))
        copies += [_plan(recording, target, targets.keep, noticed_ms) for recording in call.recordings]
    return calls, copies


def _plan(recording: ClassifiedRecording, target: TargetPlan, keep: Keeper | None, noticed_ms: int) -> PlannedCopy:
    started_ms = placement.placing_time(recording.started_ms, recording.ended_ms, noticed_ms)
    date = placement.date_folder(started_ms, target.zone)

    def key(recording_id: str) -> str:
        ids = recording.call_id, recording_id
        return placement.object_key(target.folder, date, recording.agent, *ids, longest=target.longest_name)

    return PlannedCopy(
        target_id=target.id,
        bucket_id=target.bucket_id,
        kind=recording.kind,
        recording_id=recording.id,
        call_id=recording.call_id,
        started_ms=started_ms,
        duration_ms=recording.duration_ms,
        url=recording.url,
        agent=recording.agent or "",
        key=key(recording.id),
        spare_key=key(f"{recording.id}-{recording.kind}"),
        excluded=KIND_NOT_CHOSEN if recording.excluded else "",
        call_ms=_call_ms(recording),
        other=keep(recording.other) if keep is not None else None,
    )


def _call_ms(recording: ClassifiedRecording) -> int | None:
    if recording.ended_ms is None or recording.ended_ms <= recording.started_ms:
        return None
    return recording.ended_ms - recording.started_ms
