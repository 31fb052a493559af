"""Implementations of `JobLedger` for each kind of job: a window of a run, a company's due copies, the probe of a hold."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from rokuon.domain.copies import State
from rokuon.domain.expiry import is_leaving
from rokuon.domain.failures import HoldOn, RokuonError, StoreRequestRefused, StoreUnavailable, by_reason
from rokuon.domain.recording import RecordingKind
from rokuon.domain.retry import BUCKET_AWAY_AFTER
from rokuon.domain.work import ListingProgress, Outcome, PlannedCall, PlannedCopy, VerifiedRecording, Work
from rokuon.ledger import expiry, holds, outside, place, read, record, runs, unread
from rokuon.ledger.gateway import Database
from rokuon.ledger.models import Hold, Run, Window
from rokuon.ledger.sql import at, ms

Clock = Callable[[], datetime]

WITNESSES = 3
"""More than one, because a recording may have been deleted at Dialpad since."""


class DueLedger:
    """The ledger for a company's due copies. It has no window, so `place` moves no resume mark.

    The job is not wanted any more as soon as a run is paused after the copies were read: they may belong to that run.
    """

    def __init__(self, company_id: int, db: Database, clock: Clock) -> None:
        self._company_id, self._db, self._clock = company_id, db, clock
        self._paused: set[int] | None = None
        self._past: datetime | None = None
        """Fixed when the work began: if the order changed during the work, copies would be missed."""

    async def left_over(self, beyond: Work | None) -> list[Work]:
        return await self._db(self._left_over, beyond)

    def _left_over(self, beyond: Work | None) -> list[Work]:
        if beyond is None:
            self._past = expiry.past_of(self._company_id, self._clock())
        return self._due(beyond)

    def _due(self, beyond: Work | None) -> list[Work]:
        if self._paused is None:
            self._paused = read.paused_runs(self._company_id)
        return place.due_now(self._company_id, self._clock(), past=self._past, beyond=beyond)

    async def place(self, calls: Sequence[PlannedCall], copies: Sequence[PlannedCopy], progress: ListingProgress) -> list[Work] | None:
        return await self._db(place.place, self._company_id, calls, copies, self._clock())

    async def record(self, outcomes: Sequence[Outcome]) -> set[int]:
        return await self._db(record.record, outcomes, self._clock())

    async def wanted(self) -> bool:
        if self._paused is None:
            return True
        paused = await self._db(read.paused_runs, self._company_id)
        known, self._paused = self._paused, self._paused & paused
        return paused <= known

    async def holds(self) -> Mapping[tuple[HoldOn, str], RokuonError]:
        return await self._db(self._open_holds)

    def _open_holds(self) -> dict[tuple[HoldOn, str], RokuonError]:
        return {(HoldOn(hold.on), hold.ref): by_reason(hold.reason)(hold.detail) for hold in holds.open_holds(self._company_id)}

    async def witnesses(self, kind: RecordingKind) -> Sequence[VerifiedRecording]:
        return await self._db(read.witnesses, self._company_id, kind, WITNESSES, self._past)

    async def has_left(self, work: Work) -> bool:
        return self._past is not None and work.started_ms <= ms(self._past)

    async def bucket_fails(self, bucket_id: int) -> bool:
        reasons = [StoreUnavailable.reason, StoreRequestRefused.reason]
        return await self._db(read.bucket_fails, self._company_id, bucket_id, reasons, BUCKET_AWAY_AFTER)

    async def leaving(self, work: Work) -> bool:
        return await self._db(self._leaving, work)

    def _leaving(self, work: Work) -> bool:
        past = expiry.past_of(self._company_id, self._clock())
        return past is not None and is_leaving(work.started_ms, ms(past))

    async def hold(self, error: RokuonError, on: HoldOn, ref: str) -> None:
        await self._db(holds.open_hold, self._company_id, on, ref, error.reason, error.detail, self._clock())


class RunWindowLedger(DueLedger):
    """The ledger for one window of a run."""

    def __init__(self, window: Window, company_id: int, db: Database, clock: Clock) -> None:
        super().__init__(company_id, db, clock)
        self._window = window

    def _due(self, beyond: Work | None) -> list[Work]:
        window = self._window
        return place.due_in_range(
            self._company_id, window.targets, window.after, window.before, self._clock(), past=self._past, beyond=beyond
        )

    async def place(self, calls: Sequence[PlannedCall], copies: Sequence[PlannedCopy], progress: ListingProgress) -> list[Work] | None:
        return await self._db(self._place, calls, copies, progress)

    @transaction.atomic
    def _place(self, calls: Sequence[PlannedCall], copies: Sequence[PlannedCopy], progress: ListingProgress) -> list[Work] | None:
        mark_ms = outside.lock_mark(self._window.pk)
        if not runs.advance(self._window.pk, at(progress.down_to_ms), progress.pages, progress.calls):
            return None
        unread.enter(self._company_id, progress.unread, progress.read, self._clock())
        outside.enter(self._window.pk, mark_ms, progress.outside)
        return place.place(self._company_id, calls, copies, self._clock())

    async def wanted(self) -> bool:
        return await self._db(self._is_wanted)

    def _is_wanted(self) -> bool:
        return Window.objects.filter(pk=self._window.pk, state=Window.State.QUEUED, run__state=Run.State.RUNNING).exists()


class ProbeLedger(DueLedger):
    """The ledger for a probe, with a few of the copies that a hold on a kind or a bucket stops. `cured` once one of them was verified, or
    none was left to try."""

    SAMPLE = 3

    def __init__(self, hold: Hold, db: Database, clock: Clock) -> None:
        super().__init__(hold.company_id, db, clock)
        self._hold = hold
        self.cured = False

    async def left_over(self, beyond: Work | None) -> list[Work]:
        if beyond is not None:
            return []
        sample = await self._db(place.held, self._company_id, self._hold.on, self._hold.ref, self.SAMPLE, self._hold.probes)
        self.cured = not sample
        return sample

    def _open_holds(self) -> dict[tuple[HoldOn, str], RokuonError]:
        found = super()._open_holds()
        found.pop((HoldOn(self._hold.on), self._hold.ref), None)
        return found

    async def bucket_fails(self, bucket_id: int) -> bool:
        """Also true for the bucket of the probed hold: it is held because it fails, and a probe that fails again uses up no try."""
        probed = self._hold.on == Hold.On.BUCKET and self._hold.ref == str(bucket_id)
        return probed or await super().bucket_fails(bucket_id)

    async def record(self, outcomes: Sequence[Outcome]) -> set[int]:
        self.cured = self.cured or any(outcome.state is State.VERIFIED for outcome in outcomes)
        return await super().record(outcomes)
