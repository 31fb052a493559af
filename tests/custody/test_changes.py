"""Which changes of the ledger mark a day for the next seal, in whatever way they are made, and which do not."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Model

from rokuon.custody import changes, enter, plan
from rokuon.custody.models import Dirty, Waiting
from rokuon.ledger import failures, record, transitions, unnamed
from rokuon.ledger.models import Aside, CallClosing, Closing, Copy, Coverage, Recording, Unreadable
from rokuon.org import services
from rokuon.org.models import Target
from tests.custody.sealing import Custody, fail
from tests.custody.test_golden import without_recording
from tests.ledger.factory import verified

DAY = date(2026, 11, 20)


def marked(custody: Custody, change: Callable[[], object]) -> set[tuple[date, bool]]:
    """The days that a change marks, all of them of one target; the flag says that it is a UTC day."""
    Dirty.objects.all().delete()
    change()
    assert {one.target_id for one in Dirty.objects.all()} <= {custody.center.pk}
    return set(Dirty.objects.values_list("day", "utc"))


def test_each_change_of_a_recording_marks_its_local_day(custody: Custody) -> None:
    work = custody.recording(1, DAY, store=False)
    assert marked(custody, lambda: fail(work, custody)) == {(DAY, False)}
    assert marked(custody, lambda: failures.close([work.copy_id], "Known.", "Bea", custody.now)) == {(DAY, False)}
    assert marked(custody, lambda: Closing.objects.all().delete()) == {(DAY, False)}
    assert marked(custody, lambda: Copy.objects.update(key="call-recordings/Sales/x", reason="other")) == {(DAY, False)}
    assert marked(custody, lambda: custody.recording(2, DAY, store=False)) == {(DAY, False), (DAY, True)}
    kept = {"key": "x", "size": 1, "sha256": "1" * 64, "crc32c": 7, "content_type": "audio/wav", "looks": "WAV", "reason": "x"}
    assert marked(custody, lambda: Aside.objects.create(copy_id=work.copy_id, **kept)) == {(DAY, False)}


def test_a_pending_recording_that_waits_longer_marks_nothing(custody: Custody) -> None:
    custody.recording(1, DAY, store=False)
    assert marked(custody, lambda: Copy.objects.update(due_at=custody.now + timedelta(hours=1), detail="busy", tries=1)) == set()


def test_a_pending_recording_that_gets_another_name_marks_its_day(custody: Custody) -> None:
    work = custody.recording(1, DAY, store=False)
    key = Copy.objects.get(pk=work.copy_id).key
    assert marked(custody, lambda: transitions.rename([(work.copy_id, key, key.replace("Ann", "A"))])) == {(DAY, False)}
    assert marked(custody, lambda: transitions.rename([(work.copy_id, key, key)])) == set()


def test_a_call_without_a_recording_and_its_closing_mark_its_utc_day(custody: Custody) -> None:
    assert marked(custody, lambda: without_recording(custody, 1)) == {(DAY, True)}
    call = custody.calls().get()
    assert marked(custody, lambda: unnamed.close([call.pk], "A test call.", "Bea", custody.now)) == {(DAY, True)}
    assert marked(custody, lambda: CallClosing.objects.all().delete()) == {(DAY, True)}


def test_a_listing_marks_its_days_once_and_again_when_it_no_longer_counts(custody: Custody) -> None:
    assert marked(custody, lambda: custody.listed(DAY, target=custody.center)) == {(DAY, True)}
    assert marked(custody, lambda: custody.listed(DAY, target=custody.center)) == set()
    assert marked(custody, lambda: Coverage.objects.update(fingerprint="another way")) == {(DAY, True)}
    assert marked(custody, lambda: Coverage.objects.all().delete()) == {(DAY, True)}


def test_an_entry_that_cannot_be_read_marks_the_days_in_which_it_may_be(custody: Custody) -> None:
    custody.other.delete()
    after, before = (datetime(2026, 11, day, 12, tzinfo=UTC) for day in (19, 20))
    both = {(DAY - timedelta(days=1), True), (DAY, True)}

    def add() -> None:
        times = {"after": after, "before": before, "first_at": custody.now, "seen_at": custody.now}
        Unreadable.objects.create(company=custody.company, why="no start", **times)

    assert marked(custody, add) == both
    assert marked(custody, lambda: Unreadable.objects.update(closed_at=custody.now, closed_by="Bea", note="Known.")) == both


def coverage(custody: Custody, many: int) -> list[Coverage]:
    days = [date(1970, 1, 1) + timedelta(days=number) for number in range(many)]
    return [Coverage(target=custody.center, day=day, fingerprint="one", listed_at=custody.now, sealed=True) for day in days]


def unreadable(custody: Custody, many: int) -> list[Unreadable]:
    times = {"after": custody.now, "before": custody.now + timedelta(hours=1), "first_at": custody.now, "seen_at": custody.now}
    return [Unreadable(company=custody.company, target=custody.center, mark=str(n), why="no start", **times) for n in range(many)]


def copies(custody: Custody, many: int) -> list[Copy]:
    kept = {"company": custody.company, "call_started_at": custody.now}
    heard = [Recording(**kept, kind="voicemail", recording_id=str(n), call_id=str(n)) for n in range(many)]
    Recording.objects.bulk_create(heard)
    placed = {**kept, "target": custody.center, "bucket": custody.bucket, "day": DAY, "due_at": custody.now}
    return [Copy(**placed, recording=recording, key=f"call-recordings/{recording.pk}") for recording in heard]


@pytest.mark.parametrize(
    ("rows", "change"),
    [(coverage, {"fingerprint": "another"}), (unreadable, {"note": "Known."}), (copies, {"tries": 1})],
    ids=["coverage", "unreadable", "copies"],
)
def test_a_statement_of_many_rows_is_not_slower_in_a_session_that_began_with_none(
    custody: Custody, rows: Callable[[Custody, int], list[Model]], change: dict[str, str | int]
) -> None:
    """A function keeps the plan of its first run for the whole session, and a worker's session begins on an empty ledger. A plan that is
    good for no row and compares each of 8,000 with each takes half a minute."""
    made = rows(custody, 8_000)
    table = type(made[0]).objects
    table.update(**change)
    table.bulk_create(made)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '4s'")
        assert table.update(**change) == len(made)


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("Asia/Tokyo", {DAY, DAY + timedelta(days=1)}),
        ("America/Los_Angeles", {DAY - timedelta(days=1), DAY}),
        ("UTC", {DAY}),
    ],
)
def test_a_utc_day_is_the_local_days_that_it_overlaps(custody: Custody, zone: str, days: set[date]) -> None:
    Target.objects.update(timezone=zone)
    target = Target.objects.select_related("office", "company").get(pk=custody.center.pk)
    assert changes.local_days(target, [(DAY, True)]) == days
    assert changes.local_days(target, [(DAY, False)]) == {DAY}


def resolved() -> None:
    while changes.resolve():
        pass


def test_a_day_that_changed_again_after_another_worker_sealed_it_still_waits(custody: Custody) -> None:
    custody.recording(1, DAY)
    resolved()
    slow = plan.next_issue(custody.bucket.pk, custody.installation, custody.now)
    enter.unchanged(plan.next_issue(custody.bucket.pk, custody.installation, custody.now), [])
    assert not Waiting.objects.exists()
    custody.recording(2, DAY)
    resolved()
    enter.unchanged(slow, [])
    assert Waiting.objects.filter(target=custody.center, day=DAY).exists()


def test_a_worker_waits_for_the_changes_that_another_one_is_resolving(custody: Custody) -> None:
    custody.recording(1, DAY)
    begun, may_end = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            assert changes.resolve()
            begun.set()
            assert may_end.wait(20)
        connection.close()  # of this thread

    def ends() -> None:
        time.sleep(0.5)
        may_end.set()

    threads = [threading.Thread(target=work) for work in (other, ends)]
    threads[0].start()
    assert begun.wait(20)
    threads[1].start()
    resolved()
    assert may_end.is_set()
    assert Waiting.objects.filter(target=custody.center, day=DAY).exists(), "what the other one has resolved is there"
    for thread in threads:
        thread.join()


def test_a_day_waits_in_each_bucket_that_says_something_about_it(custody: Custody) -> None:
    before = services.register_bucket(custody.company, "memory://before")
    services.register_bucket(custody.company, "memory://never")
    (work,) = custody.place(replace(custody.planned_on(1, DAY), bucket_id=before.pk))
    assert record.record([verified(work)], custody.now)
    while changes.resolve():
        pass
    waiting = Waiting.objects.filter(target=custody.center, day=DAY)
    assert set(waiting.values_list("bucket_id", flat=True)) == {custody.bucket.pk, before.pk}
    assert not Dirty.objects.exists()
