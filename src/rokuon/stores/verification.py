"""Bucket verification: does a bucket take, give back and list what Rokuon will store, and is it this company's?

Uses nothing but what a backup needs (list, read, create one object), never asks about the bucket itself, never creates one, and leaves
only the marker (`marker`). The proof is doing it; what the store says about its roles only explains and advises.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, runtime_checkable

from rokuon.domain.failures import (
    N_,
    BucketClaimedByOther,
    BucketForbidden,
    BucketUnmarked,
    ObjectDiffers,
    ObjectExists,
    StoreError,
    StoreThrottled,
    StoreUnavailable,
)
from rokuon.domain.ports import Sleep, Store

from . import marker
from .marker import Claim

FRESH_GRANT_S = 7 * 60
_WAITS_S = (2.0, 5.0, 10.0, 20.0)
_PASSING_TRIES = 3


class Step(StrEnum):
    LIST = "list"
    CLAIM = "claim"
    READ_BACK = "read_back"


class Outcome(StrEnum):
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


SENTENCES: dict[Step | Advice, str] = {
    Step.LIST: N_("List the objects of the bucket"),
    Step.CLAIM: N_("Create the call-recordings/ folder that marks the bucket as this company's"),
    Step.READ_BACK: N_("Read the marker back and find it in the list"),
    Advice.MAY_DELETE: N_(
        "The credential may delete and overwrite objects. Rokuon never does; grant Storage Object Creator and Storage Object Viewer "
        "instead of Storage Object User, and nobody can in its name."
    ),
    Advice.MAY_UPDATE: N_("The credential may change the metadata of objects. Rokuon does not need this right."),
    Advice.LACKS_CREATE: N_("The credential may not create objects. Grant it Storage Object Creator on the bucket."),
    Advice.LACKS_GET: N_(
        "The credential may not read objects, so no backup could be verified. Grant it Storage Object Viewer on the bucket."
    ),
    Advice.LACKS_LIST: N_(
        "The credential may not list objects, so nothing could be proven complete. Grant it Storage Object Viewer on the bucket."
    ),
    Advice.RIGHTS_UNKNOWN: N_("The store did not say which rights the credential has."),
    Advice.OTHER_INSTALLATION: N_(
        "Another installation of Rokuon marked this bucket for the same company. That is right after a move; two at once would store every "
        "recording under both their rules."
    ),
}

_NEEDED = {
    "storage.objects.create": Advice.LACKS_CREATE,
    "storage.objects.get": Advice.LACKS_GET,
    "storage.objects.list": Advice.LACKS_LIST,
}
_EXTRA = {"storage.objects.delete": Advice.MAY_DELETE, "storage.objects.update": Advice.MAY_UPDATE}


@runtime_checkable
class ReportsRights(Protocol):
    """What a store with `bucket_roles` has besides the protocol of all stores."""

    async def permissions(self, asked: Collection[str]) -> set[str]: ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """Told before each pause: the bucket refuses, which after a fresh grant passes within minutes."""

    step: Step
    waited_s: float
    next_try_s: float
    lacks: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class StepDone:
    step: Step
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Verification:
    """`failure` is None where every step was done. `claim` is the marker's, also where it is another company's."""

    steps: tuple[StepDone, ...]
    advice: tuple[Advice, ...]
    failure: StoreError | None
    marker_key: str = ""
    claim: Claim | None = None

    @property
    def ok(self) -> bool:
        return self.failure is None


async def verify(
    store: Store,
    *,
    company_id: str,
    installation_id: str,
    deadline_s: float = FRESH_GRANT_S,
    clock: Callable[[], float],
    sleep: Sleep,
    progress: Callable[[Waiting], None] = lambda waiting: None,
) -> Verification:
    """Never raises StoreError: a refusal is an answer. A 403 is asked again until `deadline_s` have passed, other passing troubles
    three times. `clock` only has to advance; it is compared with itself."""
    began, pause, passing = clock(), 0, 0
    while True:
        run = _Run(store, Claim(company_id, installation_id))
        try:
            await run.all_steps()
            return await run.report(None)
        except StoreError as failure:
            waited = clock() - began
            wait = max(_WAITS_S[min(pause, len(_WAITS_S) - 1)], failure.retry_after or 0)
            passes = isinstance(failure, StoreUnavailable | StoreThrottled)
            passing += passes
            again = isinstance(failure, BucketForbidden) or (passes and passing < _PASSING_TRIES)
            if not again or waited + wait > deadline_s:
                return await run.report(failure)
            pause += 1
            progress(Waiting(run.step, waited, wait, await run.lacks()))
        await sleep(wait)


async def look(store: Store, *, company_id: str, installation_id: str) -> Verification:
    """The same steps once and without a change: a bucket without a marker is a failure (BucketUnmarked). That an object may be created
    is not proven, but where the store says that it may not, that is a failure."""
    run = _Run(store, Claim(company_id, installation_id), create=False)
    try:
        await run.all_steps()
    except StoreError as failure:
        return await run.report(failure)
    found = await run.report(None)
    if Advice.LACKS_CREATE in found.advice:
        return replace(found, failure=BucketForbidden("storage.objects.create"))
    return found


class _Run:
    def __init__(self, store: Store, claim: Claim, *, create: bool = True) -> None:
        self.step = Step.LIST
        self._store = store
        self._wanted = claim
        self._create = create
        self._steps: list[StepDone] = []
        self._marker: tuple[str, Claim] | None = None

    async def all_steps(self) -> None:
        # Listing and reading come first: a credential that may only write is refused before it has written anything.
        async for _ in self._store.list(marker.FOLDER):
            break
        self._done(Outcome.DONE)

        self.step = Step.CLAIM
        self._done(await self._claim())

        self.step = Step.READ_BACK
        key, claim = self._marker or ("", self._wanted)
        if not await marker.reads_back(self._store, key, claim):
            raise ObjectDiffers("marker")
        self._done(Outcome.DONE)

    async def _claim(self) -> Outcome:
        self._marker = await marker.find(self._store)
        outcome = Outcome.FOUND
        if self._marker is None and not self._create:
            raise BucketUnmarked
        if self._marker is None:
            try:
                self._marker = ((await marker.create(self._store, self._wanted)).key, self._wanted)
                outcome = Outcome.DONE
            except ObjectExists:
                # Somebody verified at the same moment, or our own answer was lost.
                self._marker = await marker.find(self._store)
        if self._marker is None:
            raise StoreUnavailable("the marker was there and is gone")
        if self._marker[1].company_id != self._wanted.company_id:
            raise BucketClaimedByOther
        return outcome

    def _done(self, outcome: Outcome) -> None:
        self._steps.append(StepDone(self.step, outcome))

    async def report(self, failure: StoreError | None) -> Verification:
        if failure:
            self._done(Outcome.FAILED)
        key, claim = self._marker or ("", None)
        advice = await self._advice()
        if claim and not failure and claim.installation_id != self._wanted.installation_id:
            advice = (*advice, Advice.OTHER_INSTALLATION)
        return Verification(tuple(self._steps), advice, failure, key, claim)

    async def lacks(self) -> tuple[Advice, ...]:
        return tuple(advice for advice in await self._advice() if advice in _NEEDED.values())

    async def _advice(self) -> tuple[Advice, ...]:
        if not (self._store.capabilities.bucket_roles and isinstance(self._store, ReportsRights)):
            return ()
        try:
            held = await self._store.permissions([*_NEEDED, *_EXTRA])
        except StoreError:
            return (Advice.RIGHTS_UNKNOWN,)
        lacking = [advice for permission, advice in _NEEDED.items() if permission not in held]
        return (*lacking, *(advice for permission, advice in _EXTRA.items() if permission in held))
