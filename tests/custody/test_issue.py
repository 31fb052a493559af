"""Issues of custody files: what a manifest says, what is sealed again, and what a crash leaves behind."""

import hashlib
from datetime import date, timedelta

import pytest

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import bucket_list
from rokuon.actions.bucket_list import BucketInUse
from rokuon.custody import changes, enter, plan, schedule
from rokuon.custody.models import Dirty, Issue, SealChain, SealedDay, SigningKey, Waiting
from rokuon.domain.failures import StoreUnavailable
from rokuon.ledger import failures
from rokuon.org import services
from rokuon.org.models import Bucket
from tests.custody.sealing import Custody, fail
from tests.custody.stores import FailingStore

DAY = date(2026, 11, 20)


def test_a_day_that_was_listed_and_stored_is_complete(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.recording(2, DAY)
    custody.listed(DAY - timedelta(days=1), DAY)
    issued = custody.issue()
    assert (issued.number, issued.files) == (1, 2)
    line = custody.day(1, DAY)
    assert line["verdict"] == "complete"
    assert line["copies"] == {"discovered": 2, "erased": 0, "excluded": 0, "failed": 0, "gone": 0, "pending": 0, "verified": 2}
    assert line["calls"] == {"listed": 2, "recorded": 2, "without_recording": 0}
    assert custody.day(1, DAY, custody.other)["lines"] == 0
    recordings = [line for line in custody.lines(1) if "recording" in line]
    stored = custody.objects("call-recordings/Sales/")
    assert [hashlib.sha256(key.encode()).hexdigest() for key in sorted(stored)] == [line["key_sha256"] for line in recordings]
    assert [hashlib.sha256(data).hexdigest() for _, data in sorted(stored.items())] == [line["sha256"] for line in recordings]
    assert all(line["md5"] and line["crc32c"] and line["generation"] for line in recordings)
    assert custody.seal(1)["totals"] == {
        "bytes": sum(map(len, stored.values())), "days": 6, "erased": 0, "explained": 0, "open": 0, "verified": 2,
    }  # fmt: skip


def test_no_name_of_a_person_is_in_a_custody_file(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()
    assert not [key for key, data in custody.objects().items() if b"Ann" in data or "Ann" in key]


def test_a_day_without_a_whole_listing_is_unlisted(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.listed(DAY)  # Tokyo's day also overlaps the UTC day before
    custody.issue()
    line = custody.day(1, DAY)
    assert (line["verdict"], "listed_at" in line) == ("unlisted", False)


def test_nothing_changed_gives_a_seal_without_files(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()
    issued = custody.issue()
    assert (issued.number, issued.files) == (2, 0)
    seal = custody.seal(2)
    assert (seal["files"], seal["previous"]["issue"], seal["totals"]["verified"]) == ([], 1, 1)
    assert not Waiting.objects.exists()


def test_a_listing_that_finds_the_same_is_no_new_revision(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.listed(DAY - timedelta(days=1), DAY)
    custody.issue()
    custody.listed(DAY - timedelta(days=1), DAY)
    assert not Dirty.objects.exists()
    assert custody.issue().files == 0


def test_a_late_recording_is_a_new_revision_of_its_whole_day(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.listed(DAY - timedelta(days=1), DAY)
    custody.issue()
    custody.recording(2, DAY)
    custody.issue()
    line = custody.day(2, DAY)
    assert (line["revision"], line["copies"]["verified"], line["late"]) == (2, 2, 0)
    assert custody.seal(2)["totals"]["verified"] == 2
    assert SealedDay.objects.get(target=custody.center, day=DAY).issue == 2


def test_a_recording_found_after_the_day_was_final_is_late(custody: Custody) -> None:
    old = DAY - timedelta(days=60)
    custody.recording(1, old)
    custody.listed(old - timedelta(days=1), old)
    custody.issue()
    assert custody.day(1, old)["state"] == "final"
    custody.now += timedelta(hours=1)
    custody.recording(2, old)
    custody.issue()
    assert (custody.day(2, old)["late"], custody.day(2, old)["state"]) == (1, "final")


def test_a_failed_recording_is_open_until_a_person_closes_it(custody: Custody) -> None:
    work = custody.recording(1, DAY, store=False)
    custody.listed(DAY - timedelta(days=1), DAY)
    fail(work, custody)
    custody.issue()
    assert (custody.day(1, DAY)["open"], custody.day(1, DAY)["verdict"]) == (1, "incomplete")
    failures.close([work.copy_id], "Checked with Dialpad.", "Bea", custody.now + timedelta(minutes=30))
    custody.issue()
    line = custody.day(2, DAY)
    assert (line["open"], line["explained"], line["verdict"]) == (0, 1, "complete")
    assert "closed" in custody.lines(2)[-1]


def test_what_changes_while_an_issue_is_written_waits_for_the_next(custody: Custody) -> None:
    custody.recording(1, DAY)
    while changes.resolve():
        pass
    planned = plan.next_issue(custody.bucket.pk, custody.installation, custody.now)
    custody.recording(2, DAY)
    while changes.resolve():
        pass
    enter.unchanged(planned, [])
    assert Waiting.objects.filter(target=custody.center, day=DAY).exists()


def test_a_bucket_that_nothing_uses_is_not_sealed(custody: Custody) -> None:
    unused = services.register_bucket(custody.company, "memory://unused")
    Bucket.objects.filter(pk=unused.pk).update(identity="c" * 32, verified_at=custody.now)
    custody.recording(1, DAY)
    assert schedule.due_buckets(custody.now) == [custody.bucket.pk]
    custody.issue()
    assert schedule.due_buckets(custody.now) == []


def test_a_bucket_with_a_seal_stays_registered(custody: Custody) -> None:
    unused = services.register_bucket(custody.company, "memory://unused")
    assert not bucket_list.use_of(unused)
    chain = SealChain.objects.create(bucket=unused, name="0" * 16, installation=custody.installation)
    assert not bucket_list.use_of(unused)
    key = SigningKey.objects.create(company=custody.company, public="0" * 64, retired_at=custody.now)
    times = dict.fromkeys(("at", "names_until", "next_by"), custody.now)
    Issue.objects.create(chain=chain, number=1, sha256="0" * 64, key=key, files=0, totals={}, **times)
    used = bucket_list.use_of(unused)
    assert used and "seals" in " ".join(used.sentences())
    with pytest.raises(BucketInUse):
        bucket_list.remove_bucket(unused, COMMAND_LINE, custody.now)


def test_a_store_that_fails_loses_no_change(custody: Custody) -> None:
    custody.recording(1, DAY)
    with pytest.raises(StoreUnavailable):
        custody.issue(FailingStore(custody.store))
    schedule.failed(custody.bucket.pk, "store_unavailable", "", custody.now)
    assert custody.bucket.pk not in schedule.due_buckets(custody.now)
    assert custody.bucket.pk in schedule.due_buckets(custody.now + timedelta(minutes=6))
    assert custody.issue().files == 1
