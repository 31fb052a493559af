"""The newest seals of a company's buckets, as the weekly mail names them, are what the verifier takes as `--head`."""

from datetime import date
from pathlib import Path

from rokuon.org import services
from rokuon.wiring.notices import newest_seals
from tests.custody.rig import FINDINGS, PROVEN
from tests.custody.sealing import Custody, verify

DAY = date(2026, 11, 20)


def test_the_mailed_seal_is_the_head_that_the_verifier_finds_and_a_rolled_back_bucket_lacks(custody: Custody, tmp_path: Path) -> None:
    custody.recording(1, DAY)
    custody.issue()
    (first,) = newest_seals(custody.company)
    custody.issue()
    (second,) = newest_seals(custody.company)
    assert (first.number, second.number, first.bucket) == (1, 2, custody.bucket.url)
    assert verify(custody, tmp_path / "now", "--head", f"2:{second.sha256}").code == PROVEN
    assert verify(custody, tmp_path / "other", "--head", f"2:{first.sha256}").code == FINDINGS


def test_a_bucket_with_recordings_and_no_seal_is_named_and_an_unused_one_is_not(custody: Custody) -> None:
    services.register_bucket(custody.company, "gs://unused")
    custody.recording(1, DAY)
    assert [(one.bucket, one.number, one.sha256) for one in newest_seals(custody.company)] == [(custody.bucket.url, 0, "")]


def test_another_companys_seals_are_not_mailed(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()
    beside = Custody("Zenith")
    assert newest_seals(beside.company) == []
