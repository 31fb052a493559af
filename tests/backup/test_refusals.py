"""A scope that is lost in mid-run, told apart from recordings that are each refused for themselves."""

from dataclasses import replace

import pytest

from rokuon.domain.copies import State
from rokuon.domain.failures import (
    HoldOn,
    RecordingForbidden,
    RecordingGone,
    RokuonError,
    SourceKeyRefused,
    SourceKindDenied,
    SourceUnavailable,
)
from rokuon.domain.recording import RecordingKind
from tests.backup.scripted import Bench, Clip, work

REFUSED = [RecordingForbidden("403 from dialpad.example"), SourceKeyRefused("401 from dialpad.example"), SourceKindDenied("a login")]


def lose(bench: Bench, error: RokuonError, *numbers: int) -> None:
    for number in numbers:
        bench.source.script(number, Clip(error=error))


@pytest.mark.parametrize("error", REFUSED)
@pytest.mark.parametrize("transfers", [1, 8])
async def test_a_scope_that_is_lost_in_mid_run_holds_the_kind_and_spends_no_try(bench: Bench, error: RokuonError, transfers: int) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=transfers)
    works = [work(number) for number in range(1, 61)]
    lost_from = 20

    def answer(recording_id: str) -> None:
        if sum(bench.source.opened.values()) > lost_from:
            raise error

    bench.source.before_answer = answer
    pool = await bench.pool_tries(*works)
    assert pool.stopped_by is None
    reason = "source_kind_denied" if isinstance(error, SourceKindDenied) else "source_scope_missing"
    assert bench.ledger.opened == [(HoldOn.KIND, "callrecording", reason)]
    assert bench.ledger.states() == {"verified": lost_from, "pending": 60 - lost_from}
    assert not any(bench.ledger.outcome(one.copy_id).spent for one in works)
    assert sum(bench.source.opened.values()) <= lost_from + 3 + transfers + 4, "what is held is not asked for"


@pytest.mark.parametrize("error", REFUSED)
async def test_a_scope_that_was_lost_between_two_jobs_is_told_by_what_was_verified_before(bench: Bench, error: RokuonError) -> None:
    bench.ledger.arrived.add(RecordingKind.CALL)
    lose(bench, error, 900, *range(1, 10))
    await bench.pool_tries(*[work(number) for number in range(1, 10)])
    assert [(on, ref) for on, ref, _ in bench.ledger.opened] == [(HoldOn.KIND, "callrecording")]
    assert not any(bench.ledger.outcome(number).spent for number in range(1, 10))


@pytest.mark.parametrize("error", REFUSED)
async def test_recordings_that_are_refused_each_for_itself_spend_their_tries_and_hold_nothing(bench: Bench, error: RokuonError) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=2)
    lose(bench, error, *range(5, 12), 15)
    await bench.pool_tries(*[work(number) for number in range(1, 21)])
    assert bench.ledger.opened == []
    assert bench.ledger.states() == {"verified": 12, "pending": 8}
    assert all(bench.ledger.outcome(number).spent for number in (*range(5, 12), 15))
    assert {bench.ledger.outcome(number).reason for number in range(5, 12)} == {"recording_forbidden"}


async def test_one_kind_that_is_lost_stops_no_other(bench: Bench) -> None:
    lose(bench, RecordingForbidden(), *range(1, 20, 2))
    await bench.pool_tries(*[work(number, kind=RecordingKind.ADMIN if number % 2 else RecordingKind.CALL) for number in range(1, 20)])
    assert bench.ledger.opened == [(HoldOn.KIND, "admincallrecording", "source_scope_missing")]
    assert bench.ledger.states() == {"verified": 9, "pending": 10}


async def test_two_copies_of_one_refused_recording_are_not_several_in_a_row(bench: Bench) -> None:
    lose(bench, RecordingForbidden(), 1)
    await bench.pool_tries(*[replace(work(number), recording_id="r1") for number in (1, 2, 3)])
    assert bench.ledger.opened == []
    assert all(bench.ledger.outcome(number).spent for number in (1, 2, 3))


async def test_a_witness_that_was_deleted_since_proves_nothing_either_way(bench: Bench) -> None:
    bench.ledger.arrived.add(RecordingKind.CALL)
    lose(bench, RecordingGone(), 900)
    lose(bench, RecordingForbidden(), 1)
    await bench.pool_tries(work(1))
    assert (bench.ledger.opened, bench.ledger.outcome(1).spent) == ([], True)


async def test_while_dialpad_does_not_answer_nothing_is_decided_and_nothing_spent(bench: Bench) -> None:
    bench.ledger.arrived.add(RecordingKind.CALL)
    lose(bench, SourceUnavailable(), 900)
    lose(bench, RecordingForbidden(), 1)
    await bench.pool_tries(work(1))
    outcome = bench.ledger.outcome(1)
    assert (bench.ledger.opened, outcome.state, outcome.spent, outcome.due_in_s) == ([], State.PENDING, False, 60)


async def test_a_key_that_the_list_refuses_too_holds_the_source(bench: Bench) -> None:
    bench.source.pages_of = lambda scope, wanted: [SourceKeyRefused()]
    lose(bench, SourceKeyRefused(), *range(1, 9))
    pool = await bench.pool_tries(*[work(number) for number in range(1, 9)])
    assert bench.ledger.opened == [(HoldOn.SOURCE, "", "source_key_refused")]
    assert isinstance(pool.stopped_by, SourceKeyRefused)
