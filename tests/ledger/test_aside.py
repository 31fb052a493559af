"""What was kept aside, in the ledger: noted once, accepted by a person, taken back by a retry; and a first read that is remembered."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rokuon.domain.copies import State
from rokuon.domain.failures import HoldOn
from rokuon.domain.retry import READ_APART_S
from rokuon.domain.work import AsideObject, Outcome, Work
from rokuon.ledger import aside, holds, place, record
from rokuon.ledger.models import Closing, Copy
from rokuon.ledger.retry import retry
from tests.ledger.factory import NOW, World, counted, states, tallied, verified

LATER = NOW + timedelta(seconds=READ_APART_S)


def kept(number: int = 1) -> AsideObject:
    return AsideObject(f"call-recordings/.rokuon-aside/Sales/2026-09-21/{number}.wav", 256, f"{number}" * 64, 7, "audio/wav", "WAV")


def failed(work: Work, number: int = 1, state: State = State.FAILED) -> Outcome:
    return Outcome(
        work.copy_id, work.attempt, state, reason="recording_not_audio", detail="WAV", spent=True, read_sha256="a" * 64, aside=kept(number)
    )


def accepted_outcome(work: Work) -> Outcome:
    return replace(verified(work), proof="accepted", audio_ms=None)


def test_what_was_kept_is_noted_once_with_its_reason_and_the_latest_counts(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work, 1, State.PENDING)], NOW)
    record.record([replace(failed(work, 1), attempt=work.attempt + 1)], LATER)
    assert Copy.objects.get().asides.count() == 1
    record.record([failed(work, 2)], LATER + timedelta(hours=1))
    latest = aside.of([work.copy_id])[work.copy_id]
    assert (latest.sha256, latest.key, latest.looks, latest.reason) == ("2" * 64, kept(2).key, "WAV", "recording_not_audio")


def test_an_accepted_file_is_work_that_carries_it_and_ends_verified_with_a_proof_of_its_own(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    Closing.objects.create(copy_id=work.copy_id, note="lost", by="Ann", at=NOW)
    assert aside.accept(world.company.pk, [work.copy_id], "Ann", LATER) == [work.copy_id]
    (due,) = place.due_now(world.company.pk, LATER)
    assert due.accepted == kept()
    assert record.record([accepted_outcome(due)], LATER) == {work.copy_id}
    copy = Copy.objects.select_related("accepted").get()
    assert (copy.state, copy.proof, copy.audio_ms) == ("verified", "accepted", None)
    assert copy.accepted
    assert (copy.accepted.accepted_by, copy.accepted.accepted_at) == ("Ann", LATER)
    assert not Closing.objects.exists()
    assert tallied(world.company.pk) == counted(world.company.pk)


def test_only_what_failed_or_is_gone_and_has_something_kept_can_be_accepted(world: World) -> None:
    with_it, without, fine = world.place(world.planned(1), world.planned(2), world.planned(3))
    record.record([failed(with_it), replace(failed(without), aside=None)], NOW)
    world.verify(fine)
    ids = [with_it.copy_id, without.copy_id, fine.copy_id]
    assert aside.accept(world.company.pk, ids, "Ann", LATER) == [with_it.copy_id]
    assert aside.accept(world.company.pk, ids, "Ann", LATER) == []
    assert aside.accept(World("Other").company.pk, ids, "Ann", LATER) == []
    assert states() == {"pending": 1, "failed": 1, "verified": 1}


def test_a_retry_asks_dialpad_again_and_no_longer_counts_what_was_accepted(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    aside.accept(world.company.pk, [work.copy_id], "Ann", NOW)
    (due,) = place.due_now(world.company.pk, NOW)
    record.record([Outcome(due.copy_id, due.attempt, State.FAILED, reason="object_missing", spent=True)], NOW)
    assert retry(world.company.pk, LATER, ids=[work.copy_id]) == [work.copy_id]
    (again,) = place.due_now(world.company.pk, LATER)
    assert again.accepted is None


@pytest.mark.parametrize(("on", "ref", "stopped"), [("source", "", False), ("kind", "callrecording", False), ("bucket", None, True)])
def test_an_accepted_file_waits_for_its_bucket_alone(world: World, on: str, ref: str | None, stopped: bool) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    aside.accept(world.company.pk, [work.copy_id], "Ann", NOW)
    holds.open_hold(world.company.pk, HoldOn(on), str(world.bucket.pk) if ref is None else ref, "source_key_refused", "", NOW)
    assert [one.copy_id for one in place.due_now(world.company.pk, NOW)] == ([] if stopped else [work.copy_id])


# --- a first read -----------------------------------------------------------------------------------------------------


def test_a_first_read_is_remembered_with_the_time_at_which_its_bytes_were_first_seen(world: World) -> None:
    (work,) = world.place(world.planned(1, duration_ms=0, call_ms=9_000))
    assert (work.duration_ms, work.call_ms, work.history.read_sha256, work.history.read_ms) == (0, 9_000, "", None)
    for sha, when in (("a", NOW), ("a", LATER), ("", LATER)):
        waits = Outcome(work.copy_id, work.attempt, State.PENDING, reason="recording_read_once", read_sha256=sha * 64)
        record.record([waits], when)
    (due,) = place.due_now(world.company.pk, LATER)
    assert due.history.read_apart("a" * 64, int(LATER.timestamp() * 1000))
    assert not due.history.read_apart("b" * 64, int(LATER.timestamp() * 1000))
    record.record([Outcome(work.copy_id, work.attempt, State.PENDING, reason="recording_unstable", read_sha256="b" * 64)], LATER)
    (due,) = place.due_now(world.company.pk, LATER)
    assert not due.history.read_apart("b" * 64, int(LATER.timestamp() * 1000))
    assert record.record([replace(verified(due), proof="read_apart")], LATER) == {work.copy_id}


def test_the_longest_call_that_lists_a_recording_bounds_it(world: World) -> None:
    world.place(world.planned(1, call_ms=9_000))
    world.place(world.planned(1, call_ms=20_000))
    (work,) = world.place(world.planned(1, call_ms=None))
    assert work.call_ms == 20_000
