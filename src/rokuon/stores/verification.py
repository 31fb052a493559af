"""Bucket verification: proves that Rokuon can create, read back and list objects in a bucket, and that it is this company's.

It uses only the operations of a backup (list, read, create one object), never requests or creates the bucket itself, and leaves only the
marker (`marker`). The operations themselves are the proof; the rights that the store reports are used only for explanation and advice. For
a folder it also detects what the disk can do (`abilities`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from rokuon.domain.failures import (
    N_,
    BucketClaimedByOther,
    BucketForbidden,
    BucketObjectsMissing,
    BucketReplaced,
    BucketUnmarked,
    ObjectDiffers,
    ObjectExists,
    StoreError,
    StoreThrottled,
    StoreUnavailable,
)
from rokuon.domain.placement import SEGMENT_BYTES
from rokuon.domain.ports import Sleep, Store

from . import marker
from .abilities import Abilities
from .marker import Claim, Marker
from .recognition import KnownBucket, absent, told
from .rights import Right

FRESH_GRANT_S = 7 * 60
_WAITS_S = (2.0, 5.0, 10.0, 20.0)
_PASSING_TRIES = 3
NOTHING = KnownBucket()


class VerificationStep(StrEnum):
    LIST = "list"
    CLAIM = "claim"
    READ_BACK = "read_back"


class StepOutcome(StrEnum):
    DONE = "done"
    FOUND = "found"
    FAILED = "failed"


class Advice(StrEnum):
    MAY_DELETE = "may_delete"
    MAY_UPDATE = "may_update"
    LACKS_CREATE = "lacks_create"
    LACKS_GET = "lacks_get"
    LACKS_LIST = "lacks_list"
    RIGHTS_UNKNOWN = "rights_unknown"
    OTHER_INSTALLATION = "other_installation"
    OBJECTS_MISSING = "objects_missing"
    SHORT_NAMES = "short_names"
    WITHOUT_LINKS = "without_links"
    SYNCS_WHOLE_DISK = "syncs_whole_disk"
    FOLDS_CASE = "folds_case"


SENTENCES: dict[VerificationStep | Advice, str] = {
    VerificationStep.LIST: N_("List the objects of the bucket"),
    VerificationStep.CLAIM: N_("Create the call-recordings/ folder that marks the bucket as this company's"),
    VerificationStep.READ_BACK: N_("Read the marker back and find it in the list"),
    Advice.MAY_DELETE: N_("The credential may delete and overwrite objects. Rokuon never does, and does not need this right."),
    Advice.MAY_UPDATE: N_("The credential may change the metadata of objects. Rokuon does not need this right."),
    Advice.LACKS_CREATE: N_("The credential may not create objects. Grant it the right to create them."),
    Advice.LACKS_GET: N_("The credential may not read objects, so no backup could be verified. Grant it the right to read them."),
    Advice.LACKS_LIST: N_("The credential may not list objects, so nothing could be proven complete. Grant it the right to list them."),
    Advice.RIGHTS_UNKNOWN: N_("The store did not say which rights the credential has."),
    Advice.OTHER_INSTALLATION: N_(
        "Another installation of Rokuon marked this bucket for the same company. That is right after a move; two at once would store every "
        "recording under both their rules."
    ),
    Advice.OBJECTS_MISSING: N_(
        "Recordings that Rokuon verified in this bucket are no longer in it. `rokuon bucket restart` looks for each of them and lists the "
        "missing ones as failed, so that they can be copied again."
    ),
    Advice.SHORT_NAMES: N_("The folder's disk takes names of at most %(longest_name)d bytes. Rokuon shortens longer ones for it."),
    Advice.WITHOUT_LINKS: N_("The folder's disk has no hard links. Rokuon renames there, in a way that replaces nothing."),
    Advice.SYNCS_WHOLE_DISK: N_(
        "The folder's disk cannot make a single folder safe from a power failure. Rokuon has the whole disk written for each recording, "
        "which is slower."
    ),
    Advice.FOLDS_CASE: N_("The folder's disk takes upper and lower case for the same name. Rokuon numbers folders that would be one."),
}

_NEEDED = {Right.CREATE: Advice.LACKS_CREATE, Right.GET: Advice.LACKS_GET, Right.LIST: Advice.LACKS_LIST}
_EXTRA = {Right.DELETE: Advice.MAY_DELETE, Right.UPDATE: Advice.MAY_UPDATE}


@runtime_checkable
class ReportsRights(Protocol):
    """Additional protocol of a store with `bucket_roles`."""

    async def rights(self) -> set[Right]:
        """Return the rights that the credential has on the bucket. Raises StoreError."""


@runtime_checkable
class FindsAbilities(Protocol):
    """Additional protocol of a store on a file system, because file systems differ."""

    async def abilities(self, top: str) -> Abilities: ...


@dataclass(frozen=True, slots=True)
class OnWait:
    """Report before each pause. A bucket may refuse (BucketForbidden) for minutes after a new grant; the other failures are temporary
    problems of the store."""

    step: VerificationStep
    waited_s: float
    next_try_s: float
    failure: StoreError
    lacks: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class StepDone:
    step: VerificationStep
    outcome: StepOutcome


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of a verification. `failure` is None if every step was done. `claim` is the marker's, also if it is another company's;
    `identity` is the bucket's, `made` when it got that. Of `looked_for` known objects, `missing` are not there. `longest_name` is the
    longest name that the store accepts, in bytes."""

    steps: tuple[StepDone, ...]
    advice: tuple[Advice, ...]
    failure: StoreError | None
    marker_key: str = ""
    claim: Claim | None = None
    identity: str = ""
    made: datetime | None = None
    looked_for: int = 0
    missing: int = 0
    longest_name: int = SEGMENT_BYTES

    @property
    def ok(self) -> bool:
        return self.failure is None


async def verify(
    store: Store,
    *,
    company_id: str,
    installation_id: str,
    now: datetime,
    known: KnownBucket = NOTHING,
    replaced: bool = False,
    deadline_s: float = FRESH_GRANT_S,
    clock: Callable[[], float],
    sleep: Sleep,
    progress: Callable[[OnWait], None] = lambda waiting: None,
) -> Verification:
    """Verify a bucket. Never raises StoreError: a refusal is a result. After a missing right it tries again until `deadline_s` have passed,
    after other temporary problems three times. `clock` only has to advance; it is compared with itself.

    A bucket that is not recognised by its identity, and lacks known objects, is refused (BucketObjectsMissing) before anything is written,
    because its disk may not be mounted. `replaced` is for a person who says that this was on purpose: then the bucket is marked anyway.
    """
    began, pause, passing = clock(), 0, 0
    while True:
        run = _Run(store, Claim(company_id, installation_id), known, now, replaced=replaced)
        try:
            await run.all_steps()
            return await run.report(None)
        except StoreError as failure:
            waited = clock() - began
            wait = max(_WAITS_S[min(pause, len(_WAITS_S) - 1)], failure.retry_after or 0)
            passes = isinstance(failure, StoreUnavailable | StoreThrottled)
            passing += passes
            # A store without grants, such as a folder, keeps refusing.
            granted_late = isinstance(failure, BucketForbidden) and store.capabilities.bucket_roles
            again = granted_late or (passes and passing < _PASSING_TRIES)
            if not again or waited + wait > deadline_s:
                return await run.report(failure)
            pause += 1
            progress(OnWait(run.step, waited, wait, failure, await run.lacks()))
        await sleep(wait)


async def check(store: Store, *, company_id: str, installation_id: str, known: KnownBucket = NOTHING) -> Verification:
    """Run the same steps once, without changing anything: a bucket without a marker, with another identity, or without some of the known
    objects is a failure (BucketUnmarked, BucketReplaced, BucketObjectsMissing). The check does not prove that an object may be created, but
    it fails if the store says that it may not."""
    run = _Run(store, Claim(company_id, installation_id), known, None)
    try:
        await run.all_steps()
    except StoreError as failure:
        return await run.report(failure)
    found = await run.report(None)
    if Advice.LACKS_CREATE in found.advice:
        return replace(found, failure=BucketForbidden(Right.CREATE))
    return found


def failed_at(step: VerificationStep, failure: StoreError) -> Verification:
    """Return the result for a bucket that failed before it was verified."""
    return Verification((StepDone(step, StepOutcome.FAILED),), (), failure)


class _Run:
    """`now` is None for a look that changes nothing."""

    def __init__(self, store: Store, claim: Claim, known: KnownBucket, now: datetime | None, *, replaced: bool = False) -> None:
        self.step = VerificationStep.LIST
        self._store = store
        self._wanted = claim
        self._known = known
        self._now = now
        self._replaced = replaced
        self._steps: list[StepDone] = []
        self._marker: Marker | None = None
        self._missing = 0
        self._abilities: Abilities | None = None

    async def all_steps(self) -> None:
        # Listing and reading come first, so that a credential that may only write is refused before it has written anything.
        async for _ in self._store.list(marker.FOLDER):
            break
        self._done(StepOutcome.DONE)

        self.step = VerificationStep.CLAIM
        self._done(await self._claim())

        self.step = VerificationStep.READ_BACK
        if self._marker is None or not await marker.reads_back(self._store, self._marker):
            raise ObjectDiffers("marker")
        self._done(StepOutcome.DONE)

    async def _claim(self) -> StepOutcome:
        found = self._marker = await marker.find(self._store)
        if found is not None and found.claim.company_id != self._wanted.company_id:
            raise BucketClaimedByOther
        await self._recognise(found)
        if self._now is None:
            if found is None:
                raise BucketUnmarked
            return StepOutcome.FOUND
        if isinstance(self._store, FindsAbilities):
            self._abilities = await self._store.abilities(marker.FOLDER.rstrip("/"))
        outcome = StepOutcome.FOUND if found is not None else StepOutcome.DONE
        if found is None:
            try:
                found = self._marker = await marker.create(self._store, self._wanted, marker.new_identity(), self._now)
            except ObjectExists:
                # Another process verified at the same moment, or the answer to our own request was lost.
                found = self._marker = await marker.find(self._store)
        if found is None:
            raise StoreUnavailable("the marker was there and is gone")
        if found.claim.company_id != self._wanted.company_id:
            raise BucketClaimedByOther
        self._marker = await marker.identify(self._store, found, marker.new_identity(), self._now)
        return outcome

    async def _recognise(self, found: Marker | None) -> None:
        """Check, before anything is written, that known objects are there and that this is not another bucket at the same address."""
        known = self._known
        self._missing = await absent(self._store, known.objects)
        same = found is not None and found.identity != "" and found.identity == known.identity
        if self._missing and not self._replaced and not (same and self._now is not None):
            raise BucketObjectsMissing(told(self._missing, known))
        if self._now is None and found is not None and known.identity and not same:
            raise BucketReplaced

    def _done(self, outcome: StepOutcome) -> None:
        self._steps.append(StepDone(self.step, outcome))

    async def report(self, failure: StoreError | None) -> Verification:
        if failure:
            self._done(StepOutcome.FAILED)
        advice = await self._advice()
        found = self._marker
        if found and not failure and found.claim.installation_id != self._wanted.installation_id:
            advice = (*advice, Advice.OTHER_INSTALLATION)
        if self._missing and not failure:
            advice = (*advice, Advice.OBJECTS_MISSING)
        can = self._abilities
        return Verification(
            tuple(self._steps),
            (*advice, *(_told(can) if can and not failure else ())),
            failure,
            found.key if found else "",
            found.claim if found else None,
            found.identity if found else "",
            found.made if found else None,
            looked_for=len(self._known.objects),
            missing=self._missing,
            longest_name=can.longest_name if can else SEGMENT_BYTES,
        )

    async def lacks(self) -> tuple[Advice, ...]:
        return tuple(advice for advice in await self._advice() if advice in _NEEDED.values())

    async def _advice(self) -> tuple[Advice, ...]:
        if not (self._store.capabilities.bucket_roles and isinstance(self._store, ReportsRights)):
            return ()
        try:
            held = await self._store.rights()
        except StoreError:
            return (Advice.RIGHTS_UNKNOWN,)
        lacking = [advice for right, advice in _NEEDED.items() if right not in held]
        return (*lacking, *(advice for right, advice in _EXTRA.items() if right in held))


def _told(can: Abilities) -> list[Advice]:
    """Return how the disk differs from an ideal one."""
    unlike = {
        Advice.SHORT_NAMES: can.longest_name < SEGMENT_BYTES,
        Advice.WITHOUT_LINKS: not can.links,
        Advice.SYNCS_WHOLE_DISK: not can.syncs_folders,
        Advice.FOLDS_CASE: can.folds_case,
    }
    return [advice for advice, holds in unlike.items() if holds]
