"""What a certificate may state as a whole: never more than the ledger, the listings and the seals say at one moment."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from rokuon.custody import changes
from rokuon.ledger.models import Copy
from rokuon.org.models import Company, Target
from rokuon.wiring import certificate
from rokuon.wiring.certificate import Certificate, Standing
from rokuon.wiring.certificate_doubts import doubts
from rokuon.wiring.certificate_json import as_json
from rokuon.wiring.certificate_text import about, how_to_check
from tests.custody.sealing import Custody

DAY = date(2026, 11, 20)
UTC_DAYS = (DAY - timedelta(days=1), DAY)
"""The UTC days that DAY overlaps in Tokyo."""


@pytest.fixture
def custody(transactional_db: None) -> Custody:
    return Custody()


def made(custody: Custody, **limits: Any) -> Certificate:
    custody.company.refresh_from_db()
    return certificate.certify(custody.company, DAY, DAY, now=custody.now, made_by="Ann", zone="Asia/Tokyo", **limits)


def test_a_listing_that_ends_meanwhile_does_not_count_without_what_it_found(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()
    ended: list[bool] = []

    def listing_ends() -> None:
        try:
            custody.recording(2, DAY, store=False)
            custody.listed(*UTC_DAYS)
        finally:
            connection.close()

    def between(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "ledger_coverage" in sql and not ended:
            ended.append(True)
            beside = threading.Thread(target=listing_ends)
            beside.start()
            beside.join()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(between):
        found = made(custody)
    assert ended
    assert (found.standing, found.figures.sum.account.recordings) == (Standing.UNKNOWN, 1)
    assert (made(custody).standing, made(custody).figures.sum.account.recordings) == (Standing.UNACCOUNTED, 2)


def test_what_no_bucket_can_name_is_not_called_complete(custody: Custody) -> None:
    Company.objects.update(bucket=None)
    custody.listed(*UTC_DAYS)
    found = made(custody)
    assert (found.standing, found.buckets, found.without_bucket) == (Standing.UNSEALED, (), 2)
    assert "2 contact centers and coaching teams have no bucket: no seal names their days." in doubts(found)


def test_one_target_without_a_bucket_beside_another_that_is_sealed_is_said(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.listed(*UTC_DAYS)
    custody.issue()
    assert made(custody).standing is Standing.COMPLETE
    Company.objects.update(restricted=False)
    Target.objects.filter(pk=custody.other.pk).update(customized=True, bucket=None)
    found = made(custody)
    assert (found.standing, found.without_bucket, len(found.buckets)) == (Standing.UNSEALED, 1, 1)


def test_a_bucket_of_which_all_recordings_were_excluded_is_on_it_and_has_to_be_sealed(custody: Custody) -> None:
    work = custody.recording(1, DAY, store=False)
    Copy.objects.filter(pk=work.copy_id).update(state="excluded", reason="voicemail_excluded")
    Target.objects.update(backed_up=False)
    Company.objects.update(bucket=None)
    custody.listed(*UTC_DAYS)
    assert (made(custody).standing, [one.url for one in made(custody).buckets]) == (Standing.UNSEALED, [custody.bucket.url])


def test_the_certificate_of_who_sees_one_office_does_not_look_like_the_companys(custody: Custody) -> None:
    office = custody.center.office
    narrow, whole = made(custody, offices=[office.pk]), made(custody)
    assert about(narrow).startswith(f"{custody.company.name}, only the office {office.name}, ")
    assert "only" not in about(whole)
    assert (as_json(narrow)["only_offices"], as_json(whole)["only_offices"]) == ([office.name], None)


def test_it_does_not_say_that_signed_files_say_the_same_before_they_do(custody: Custody) -> None:
    same = "The bucket holds signed files that say the same of every target and day."
    custody.recording(1, DAY)
    custody.listed(*UTC_DAYS)
    assert same not in how_to_check(made(custody))
    custody.issue()
    assert same in how_to_check(made(custody))


def test_of_one_office_it_says_that_the_verifier_speaks_of_all_of_them(custody: Custody) -> None:
    wider = "They and the program speak of every office: compare only the lines of the targets that are named above."
    office = custody.center.office
    assert wider in how_to_check(made(custody, office=office)) and wider in how_to_check(made(custody, offices=[office.pk]))
    assert wider not in how_to_check(made(custody)) and wider not in how_to_check(made(custody, target=custody.center))


def test_days_that_wait_for_no_seal_and_are_in_none_are_not_called_complete(custody: Custody) -> None:
    Company.objects.update(bucket=None)
    custody.listed(*UTC_DAYS)
    while changes.resolve():
        pass
    Company.objects.update(bucket=custody.bucket)
    custody.recording(1, DAY - timedelta(days=5))
    custody.issue()
    found = made(custody)
    assert (found.standing, found.not_named, found.buckets[0].sealed.waiting) == (Standing.UNSEALED, 2, 0)
    assert any("No seal names 2 of 2 days of this certificate yet." in one for one in doubts(found))


def test_only_days_of_the_certificate_are_said_to_wait_for_a_seal(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.listed(*UTC_DAYS, target=custody.center)
    assert [one.sealed.waiting for one in made(custody, target=custody.center).buckets] == [1]
    assert [one.sealed.waiting for one in made(custody, target=custody.other).buckets] == [0]
    custody.issue()
    custody.recording(2, DAY + timedelta(days=1))
    assert [one.sealed.waiting for one in made(custody, target=custody.center).buckets] == [0]
    custody.recording(3, DAY)
    assert [one.sealed.waiting for one in made(custody, target=custody.center).buckets] == [1]
