"""The ledger as a state machine: workers with memories of their own, retries, cancels, time. I4 to I6, I8, I9, I11 after each step."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from rokuon.domain.copies import State
from rokuon.domain.failures import HoldOn
from rokuon.domain.work import Outcome, Work
from rokuon.ledger import exclude, holds, place, read, record, retry, runs, tally
from rokuon.ledger.models import Copy, Run
from tests.ledger.factory import NOW, World, counted, failed, tallied, verified

_names = count()
SINCE, UNTIL = NOW - timedelta(days=730), NOW + timedelta(days=730)


class Ledger(RuleBasedStateMachine):
    """`seen` holds what some worker once read: outcomes of it may come at any later time, in any order, twice."""

    seen = Bundle("seen")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(f"W{next(_names)}")
        self.now = NOW
        self.keys: dict[int, str] = {}
        self.attempts: dict[int, int] = {}
        self.verified: set[int] = set()
        self.placed: set[tuple[int, int]] = set()

    def _copies(self) -> list[Copy]:
        return list(Copy.objects.filter(company=self.world.company))

    # --- what workers do ----------------------------------------------------------------------------------------------------

    @rule(target=seen, numbers=st.sets(st.integers(0, 9), max_size=5), to_other=st.booleans(), renamed=st.booleans())
    def list_a_page(self, numbers: set[int], to_other: bool, renamed: bool):  # type: ignore[no-untyped-def]
        target = self.world.other if to_other else self.world.center
        changes = {"agent": "Renamed"} if renamed else {}
        copies = [self.world.planned(number, target, **changes) for number in numbers]
        if renamed:
            copies = [replace(copy, key=copy.key.replace("Ann", "Renamed")) for copy in copies]
        self.placed |= {(number, target.pk) for number in numbers}
        return multiple(*self.world.place(*copies, now=self.now))

    @rule(target=seen)
    def take_what_is_due(self):  # type: ignore[no-untyped-def]
        return multiple(*place.due_now(self.world.company.pk, self.now))

    @rule(work=seen)
    def verify(self, work: Work) -> None:
        record.record([verified(work)], self.now)
        assert Copy.objects.get(pk=work.copy_id).state == State.VERIFIED, "a proven object is evidence whatever happened meanwhile"

    @rule(work=seen, wait=st.floats(0, 100_000), spent=st.booleans(), negative=st.booleans())
    def try_again_later(self, work: Work, wait: float, spent: bool, negative: bool) -> None:
        outcome = Outcome(
            work.copy_id, work.attempt, State.PENDING, "source_unavailable", spent=spent, due_in_s=wait, negative=negative and spent
        )
        record.record([outcome], self.now)

    @rule(work=seen, state=st.sampled_from([State.FAILED, State.GONE]))
    def give_up(self, work: Work, state: State) -> None:
        before = Copy.objects.get(pk=work.copy_id)
        written = record.record([Outcome(work.copy_id, work.attempt, state, "recording_gone", spent=True)], self.now)
        assert bool(written) == (before.state == State.PENDING and before.attempt == work.attempt), "I8"

    @rule(works=st.lists(seen, max_size=6))
    def a_batch_of_both(self, works: list[Work]) -> None:
        by_copy = {work.copy_id: work for work in works}
        record.record([verified(work) if work.copy_id % 2 else failed(work) for work in by_copy.values()], self.now)

    # --- what people and time do ---------------------------------------------------------------------------------------------

    @rule()
    def retry_failed(self) -> None:
        runs.take_up(self.world.company.pk, [self.world.center.pk, self.world.other.pk], SINCE, UNTIL, self.now)

    @rule()
    def start_and_cancel_a_run(self) -> None:
        run, _ = runs.open_run(self.world.company.pk, "company", 0, [self.world.center.pk], SINCE, UNTIL, self.now, relist=False)
        runs.cancel(run.pk, self.now)
        assert Run.objects.get(pk=run.pk).state == "cancelled"

    @rule(on=st.sampled_from([HoldOn.SOURCE, HoldOn.BUCKET]))
    def hold(self, on: HoldOn) -> None:
        ref = str(self.world.bucket.pk) if on is HoldOn.BUCKET else ""
        holds.open_hold(self.world.company.pk, on, ref, "bucket_missing", "", self.now)
        assert place.due_now(self.world.company.pk, self.now) == []

    @rule(on=st.sampled_from([HoldOn.SOURCE, HoldOn.BUCKET]))
    def lift(self, on: HoldOn) -> None:
        holds.lift(self.world.company.pk, on, str(self.world.bucket.pk) if on is HoldOn.BUCKET else "", self.now)

    @rule(reason=st.sampled_from([None, "recording_not_audio", "recording_gone"]), gone=st.booleans())
    def retry_by_reason(self, reason: str | None, gone: bool) -> None:
        retry.retry(self.world.company.pk, self.now, reason=reason, gone=gone)

    @rule(to_other=st.booleans(), back=st.booleans())
    def switch_a_rule(self, to_other: bool, back: bool) -> None:
        target = self.world.other if to_other else self.world.center
        (exclude.include_again if back else exclude.exclude_pending)([target.pk], self.now)

    @rule(seconds=st.sampled_from([0, 600]))
    def fold_the_tally(self, seconds: int) -> None:
        tally.fold(timedelta(seconds=seconds))

    @rule(hours=st.floats(0, 48))
    def time_goes_on(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    # --- what must be true ---------------------------------------------------------------------------------------------------

    @invariant()
    def verified_never_regresses(self) -> None:
        now_verified = {copy.pk for copy in self._copies() if copy.state == State.VERIFIED}
        assert self.verified <= now_verified, "I4"
        self.verified = now_verified

    @invariant()
    def one_row_for_each_recording_and_target(self) -> None:
        rows = Counter((copy.recording_id, copy.target_id) for copy in self._copies())
        assert set(rows.values()) <= {1}, "I5"
        assert len(rows) == len(self.placed), "nothing that was listed is lost"

    @invariant()
    def keys_are_frozen_and_unique(self) -> None:
        keys = {copy.pk: copy.key for copy in self._copies()}
        assert {pk: keys[pk] for pk in self.keys} == self.keys, "I6"
        assert len(set(keys.values())) == len(keys), "I6"
        self.keys = keys

    @invariant()
    def attempts_only_grow(self) -> None:
        attempts = {copy.pk: copy.attempt for copy in self._copies()}
        assert all(attempts[pk] >= before for pk, before in self.attempts.items()), "I8"
        self.attempts = attempts

    @invariant()
    def the_identity_of_states_holds(self) -> None:
        counts = sum(read.counts_by_target(self.world.company.pk).values(), read.Counts())
        assert counts.discovered == len(self._copies()), "I11"

    @invariant()
    def the_tally_equals_the_count(self) -> None:
        assert tallied(self.world.company.pk) == counted(self.world.company.pk)

    @invariant()
    def nothing_is_set_aside_in_silence(self) -> None:
        for copy in self._copies():
            assert copy.state not in (State.FAILED, State.GONE, State.EXCLUDED) or copy.reason
            assert copy.state != State.PENDING or copy.due_at is not None


@pytest.mark.django_db
def test_the_ledger_keeps_its_promises_whatever_two_workers_people_and_time_do() -> None:
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
        ),
    )
