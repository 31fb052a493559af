"""A bucket is checked from a listing of it: each shape is recognised, and what a listing cannot show is not called proven."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from . import listings
from .listings import SHAPES, gcloud_ls, written
from .rig import FINDINGS, NOT_PROVEN, PROVEN, WRONG_INPUT, Answer, filled, verify
from .writer import BILLING, Bucket

Shape = Callable[[Bucket], str]


def check(bucket: Bucket, shape: Shape, *more: str) -> Answer:
    return verify(bucket, "--listing", written(bucket, shape), *more, folder=bucket.custody)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_an_untouched_bucket_is_proven_from_its_listing(shape: Shape, outer: Path) -> None:
    answer = check(filled(outer), shape)
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), set())


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_changed_missing_and_extra_recordings_are_found_in_a_listing(shape: Shape, outer: Path) -> None:
    bucket = filled(outer)
    first, second, *_ = sorted(bucket.top.glob("Billing/2026-10-30/*"))
    first.write_bytes(bytes(first.stat().st_size))
    second.unlink()
    second.with_name("Eve - 1 - 2.mp3").write_bytes(b"planted")
    assert check(bucket, shape).findings == {"changed", "missing", "extra"}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_renamed_recording_is_found_in_a_listing(shape: Shape, outer: Path) -> None:
    bucket = filled(outer)
    first = min(bucket.top.glob("Billing/2026-10-30/*"))
    first.rename(first.with_name("録音 - 1 - 2.mp3"))
    assert check(bucket, shape).findings == {"renamed"}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_listing_that_was_cut_off_is_refused_or_shows_what_is_missing(shape: Shape, outer: Path) -> None:
    bucket = filled(outer)
    path = written(bucket, shape)
    data = path.read_bytes()
    for share in (0.3, 0.6, 0.8):
        path.write_bytes(data[: int(len(data) * share)])
        answer = verify(bucket, "--listing", path, folder=bucket.custody)
        assert answer.code in (FINDINGS, WRONG_INPUT)


def test_a_listing_in_several_files_packed_or_from_windows_is_read(outer: Path) -> None:
    bucket = filled(outer)
    lines = listings.s3_inventory(bucket).splitlines(keepends=True)
    one, two = outer / "1.csv.gz", outer / "2.csv"
    one.write_bytes(gzip.compress("".join(lines[:6]).encode()))
    two.write_text("".join(lines[6:]))
    assert verify(bucket, "--listing", one, "--listing", two, folder=bucket.custody).code == PROVEN
    windows = outer / "listing.json"
    windows.write_bytes(gcloud_ls(bucket).encode("utf-16"))
    assert verify(bucket, "--listing", windows, folder=bucket.custody).code == PROVEN


WRONG = {
    "empty": "",
    "prose": "gs://acme-call-recordings/call-recordings/\n",
    "one folder only": '[\n{"url": "gs://acme-call-recordings/call-recordings/", "type": "prefix"}\n]',
    "another bucket": '[{"Path": "photos/1.jpg", "Size": 1, "IsDir": false}]',
    "another array": '[{"a": 1}]',
    "another object": '{"Versions": []}',
    "numbers": "[1, 2]",
    "half a word": "[tru",
    "a report without a header": "123,acme-call-recordings,call-recordings/x.mp3,ASIA,5,2026-11-01T15:00:00Z\n",
    "no gzip": "\x1f\x8b",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_of_no_known_shape_is_refused_with_what_is_known(name: str, outer: Path) -> None:
    answer = check(filled(outer), lambda bucket: WRONG[name])
    assert (answer.code, len(answer.error) > 40) == (WRONG_INPUT, True), answer.error


def test_a_page_of_a_listing_is_refused(outer: Path) -> None:
    answer = check(filled(outer), lambda bucket: listings.aws_list_objects(bucket, NextToken="eyJ"))
    assert (answer.code, "--max-items" in answer.error) == (WRONG_INPUT, True)


def test_a_name_twice_in_a_listing_is_refused(outer: Path) -> None:
    def twice(bucket: Bucket) -> str:
        first, *rest = [line for line in listings.sha256sum(bucket).splitlines(keepends=True) if "Billing" in line]
        return "".join([first, "0" * 64 + first[64:], *rest])

    answer = check(filled(outer), twice, "--target", BILLING)
    assert (answer.code, "twice" in answer.error) == (WRONG_INPUT, True)


def test_without_checksums_nothing_is_proven(outer: Path) -> None:
    answer = check(filled(outer), lambda bucket: gcloud_ls(bucket, md5Hash=True, crc32c=True))
    assert (answer.code, answer.findings) == (NOT_PROVEN, set())


def test_crc32c_proves_only_together_with_the_generation(outer: Path) -> None:
    bucket = filled(outer)
    assert check(bucket, lambda bucket: gcloud_ls(bucket, md5Hash=True)).code == PROVEN
    assert check(bucket, lambda bucket: gcloud_ls(bucket, md5Hash=True), "--moved").code == NOT_PROVEN
    rewritten = check(bucket, lambda bucket: gcloud_ls(bucket, md5Hash=True).replace('"generation": "17644', '"generation": "27644'))
    assert rewritten.findings == {"changed"}


def test_a_recording_written_again_with_the_same_bytes_is_noted(outer: Path) -> None:
    answer = check(filled(outer), lambda bucket: gcloud_ls(bucket).replace('"generation": "17644', '"generation": "27644'))
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), {"rewritten"})


def test_a_copied_bucket_needs_the_option_that_says_so(outer: Path) -> None:
    def moved(bucket: Bucket) -> str:
        text = gcloud_ls(bucket).replace('"bucket": "acme-call-recordings"', '"bucket": "acme-copy"').replace('"17644', '"27644')
        return text if bucket.number == 4 else text.replace('"timeCreated": "2026', '"timeCreated": "2027')

    bucket = filled(outer)
    assert check(bucket, moved).findings == {"bucket_differs"}
    answer = check(bucket, moved, "--moved")
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), {"moved"})
    bucket.issue()  # and copied a year later
    assert check(bucket, moved, "--moved").code == PROVEN
    next(bucket.top.glob("Billing/2026-10-30/*")).with_name("Eve - 1 - 2.mp3").write_bytes(b"planted")
    assert check(bucket, moved, "--moved").findings == {"extra"}


def test_a_seal_that_the_stores_clock_contradicts_is_backdated(outer: Path) -> None:
    bucket = filled(outer)
    bucket.issue()
    listing = gcloud_ls(bucket).replace('"timeCreated": "2026-11-05T17', '"timeCreated": "2026-11-05T19')
    assert listing != gcloud_ls(bucket)
    assert check(bucket, lambda _bucket: listing).findings == {"seal_backdated"}


def test_an_object_created_after_the_last_seal_is_unsealed_whatever_its_day(outer: Path) -> None:
    bucket = filled(outer)
    late = bucket.top / "Billing/2026-10-30" / "Late - 1 - 2.mp3"
    late.write_bytes(b"late")

    def shape(bucket: Bucket) -> str:
        return gcloud_ls(bucket, {late.relative_to(outer).as_posix(): "2026-11-04T17:30:00Z"})

    answer = check(bucket, shape)
    assert (answer.code, answer.notes) == (PROVEN, {"unsealed"})
    assert check(bucket, gcloud_ls).findings == {"extra"}


def test_custody_files_that_were_not_downloaded_are_found_in_the_listing(outer: Path) -> None:
    bucket = filled(outer)
    path = written(bucket, gcloud_ls)
    shutil.rmtree(bucket.seal(4).parent)
    bucket.at = bucket.at.replace(day=4)
    answer = verify(bucket, "--listing", path, folder=bucket.custody)
    assert answer.code == FINDINGS
    assert "custody_missing" in answer.findings


def test_custody_files_that_the_listing_does_not_have_are_found(outer: Path) -> None:
    bucket = filled(outer)
    seal = bucket.seal(2).read_bytes()
    bucket.seal(2).unlink()
    path = written(bucket, gcloud_ls)
    bucket.seal(2).write_bytes(seal)
    assert verify(bucket, "--listing", path, folder=bucket.custody).findings == {"custody_missing"}


def test_one_center_is_checked_from_a_listing(outer: Path) -> None:
    bucket = filled(outer)
    next(bucket.top.glob("営業部*/*/*")).unlink()
    assert check(bucket, gcloud_ls, "--target", BILLING).code == PROVEN
    assert check(bucket, gcloud_ls).findings == {"missing"}
