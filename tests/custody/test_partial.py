"""A seal that does not name yet what was stored before it says so: the verifier takes that for neither proven nor wrong."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from rokuon.custody import plan, schedule
from rokuon.custody.models import Issue, Waiting
from tests.custody import rig
from tests.custody.listings import gcloud_ls, rclone_lsjson
from tests.custody.rig import FINDINGS, NOT_PROVEN, PROVEN, filled
from tests.custody.sealing import Custody, verify
from tests.custody.writer import BILLING, Bucket, when

DAY = date(2026, 11, 20)
OLD = DAY - timedelta(days=60)


def test_while_days_wait_for_the_next_issue_their_recordings_are_unsealed(
    custody: Custody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    custody.recording(1, OLD)
    custody.issue()
    complete = custody.seal(1)["at"]
    assert "names_until" not in custody.seal(1)
    monkeypatch.setattr(plan, "MOST_DAYS", 2)
    for number in range(5):
        custody.recording(10 + number, OLD - timedelta(days=number))
    codes = []
    while Waiting.objects.exists() or len(codes) < 2:
        custody.issue()
        left = Waiting.objects.exists()
        assert custody.seal(len(codes) + 2).get("names_until") == (complete if left else None)
        answer = verify(custody, tmp_path / str(len(codes)))
        assert not answer.findings
        codes.append(answer.code)
        assert (custody.bucket.pk in schedule.due_buckets(custody.now)) == left
    assert codes == [NOT_PROVEN, NOT_PROVEN, PROVEN]
    assert [one.names_until == one.at for one in Issue.objects.order_by("number")] == [True, False, False, True]


def test_a_first_seal_that_does_not_read_all_days_names_nothing_for_certain(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MOST_DAYS", 1)
    custody.recording(1, OLD)
    custody.issue()
    assert custody.seal(1)["names_until"] == "1970-01-01T00:00:00Z"


def partial(root: Path) -> Bucket:
    """A bucket whose last seal names what was stored until an hour before it."""
    bucket = filled(root)
    bucket.issue(names_until=when(bucket.at - timedelta(hours=1)))
    return bucket


def plant(bucket: Bucket) -> Path:
    path = bucket.top / "Billing" / "2026-10-30" / "Eve - 1 - 2.mp3"
    path.write_bytes(b"nobody named it")
    return path


def test_a_partial_seal_is_consistent_and_not_proven(outer: Path) -> None:
    answer = rig.verify(partial(outer))
    assert (answer.code, answer.findings, answer.notes) == (NOT_PROVEN, set(), {"partial"})
    assert "does not name yet" in answer.said[-1]["says"]


def test_without_times_an_unnamed_object_may_be_newer_than_what_a_partial_seal_names(outer: Path) -> None:
    bucket = partial(outer)
    plant(bucket)
    answer = rig.verify(bucket)
    assert (answer.code, answer.findings, answer.notes) == (NOT_PROVEN, set(), {"partial", "unsealed"})
    bucket.issue()
    assert rig.verify(bucket).findings == {"extra"}


def test_a_recording_that_an_earlier_revision_names_is_a_finding_beside_a_partial_seal(outer: Path) -> None:
    bucket = filled(outer)
    bucket.day(BILLING, "2026-10-30").lines.pop(0)
    bucket.issue(names_until=when(bucket.at))
    assert rig.verify(bucket).findings == {"extra"}


@pytest.mark.parametrize(("minute", "codes"), [("15:54", {"extra"}), ("15:56", set()), ("16:01", set())])
def test_with_times_only_what_is_newer_than_a_partial_seal_names_is_unsealed(outer: Path, minute: str, codes: set[str]) -> None:
    bucket = partial(outer)
    name = plant(bucket).relative_to(bucket.root).as_posix()
    path = outer / "listing.json"
    path.write_text(gcloud_ls(bucket, {name: f"2026-11-05T{minute}:00.000000+00:00"}))
    answer = rig.verify(bucket, "--listing", path, folder=bucket.custody)
    assert (answer.code, answer.findings) == (FINDINGS if codes else NOT_PROVEN, codes)


@pytest.mark.parametrize("until", ["2026-11-05T17:00:01Z", "yesterday", 7])
def test_a_seal_that_names_what_is_stored_after_it_is_malformed(outer: Path, until: Any) -> None:
    bucket = filled(outer)
    bucket.issue(names_until=until)
    assert "seal_malformed" in rig.verify(bucket).findings


def test_a_listing_that_names_a_custody_file_which_was_not_downloaded_is_a_finding_beside_a_partial_seal(outer: Path) -> None:
    bucket = partial(outer)
    path = outer / "listing.json"
    path.write_text(rclone_lsjson(bucket))
    bucket.manifest(4).unlink()
    assert "custody_missing" in rig.verify(bucket, "--listing", path, folder=bucket.custody).findings
