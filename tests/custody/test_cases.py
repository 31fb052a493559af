"""What happens in the life of a bucket and is no attack: the verifier says it, and proves what can be proven."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from .listings import gcloud_ls
from .rig import FINDINGS, NOT_PROVEN, PROVEN, WRONG_INPUT, filled, plain, verify
from .writer import BILLING, SALES, Bucket, Key, sha256


def successor(bucket: Bucket, why: str, *, key: Key | None = None, issue: int | None = None) -> Bucket:
    """Return a new chain in the same bucket that continues the old one. What is dirty there is its own."""
    new = Bucket(bucket.root, key=key or bucket.key, chain="aaaaaaaaaaaaaaaa", bucket=bucket.bucket)
    number = issue or bucket.number
    new.at, new.counter = bucket.at, 500
    link = {"chain": bucket.chain, "issue": number, "sha256": sha256(bucket.seal(number).read_bytes()), "why": why}
    new.copy("2026-11-03")
    new.issue(continues=link)
    return new


def test_a_late_recording_makes_a_new_revision_that_replaces_the_old_one(outer: Path) -> None:
    bucket = filled(outer)
    assert bucket.days[BILLING, "2026-10-30"].revision == 2
    assert verify(bucket).code == PROVEN


def test_an_empty_issue_proves_that_nothing_happened(outer: Path) -> None:
    bucket = filled(outer)
    body = bucket.issue()
    assert (body["files"], verify(bucket).code) == ([], PROVEN)


def test_a_bucket_without_any_recording_is_proven(outer: Path) -> None:
    bucket = Bucket(outer)
    bucket.issue()
    assert verify(bucket).code == PROVEN


def test_what_a_crash_left_before_its_seal_is_noted_and_counts_for_nothing(outer: Path) -> None:
    bucket = filled(outer)
    (bucket.seal(3).parent / f"{BILLING}-{'0' * 16}.jsonl").write_bytes(b"half a manif")
    after = bucket.seal(5).parent
    after.mkdir()
    (after / f"{BILLING}-{'1' * 16}.jsonl").write_bytes(b"")
    answer = verify(bucket)
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), {"unsealed"})


def test_a_recording_that_is_in_another_bucket_is_not_looked_for_here(outer: Path) -> None:
    bucket = filled(outer)
    assert any("bucket" in line for line in bucket.days[BILLING, "2026-10-31"].lines)
    assert verify(bucket).code == PROVEN


def test_a_rotated_key_is_trusted_through_the_old_one_and_vouches_for_it(outer: Path) -> None:
    bucket = filled(outer)
    old, new = bucket.key, Key(2)
    bucket.issue(rotate={"to": new.line})
    bucket.key = new
    bucket.copy("2026-11-04")
    bucket.issue()
    for key in (old, new):
        bucket.key = key
        assert verify(bucket).code == PROVEN


def test_a_key_that_was_announced_and_not_used_is_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    bucket.issue(rotate={"to": Key(2).line})
    bucket.issue()
    assert verify(bucket).findings == {"key_changed"}


def test_a_moved_installation_continues_the_chain(outer: Path) -> None:
    bucket = filled(outer)
    new = successor(bucket, "moved")
    answer = verify(new)
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), set())


def test_a_chain_that_continues_replaces_the_days_of_the_old_one(outer: Path) -> None:
    bucket = filled(outer)
    new = Bucket(bucket.root, key=bucket.key, chain="aaaaaaaaaaaaaaaa")
    new.at = bucket.at
    lines = bucket.days[BILLING, "2026-10-30"].lines
    bucket.object(lines[0]).unlink()
    new.day(BILLING, "2026-10-30").lines += [{"receipt": "E-000001", "state": "erased"}, *lines[1:]]
    new.days[BILLING, "2026-10-30"].revision = 2
    new.receipts.append({"act": "erasure", "receipt": "E-000001", "redacted": [], "issue": 1})
    new.issue(continues={"chain": bucket.chain, "issue": 4, "sha256": bucket.head["sha256"], "why": "restored"})
    assert verify(new).code == PROVEN


def test_a_lost_key_needs_the_new_fingerprint_from_a_person(outer: Path) -> None:
    bucket = filled(outer)
    new = successor(bucket, "key_lost", key=Key(3))
    with_the_old = verify(bucket, now=new.now)
    assert (with_the_old.code, with_the_old.findings >= {"untrusted"}, with_the_old.notes >= {"key_lost"}) == (FINDINGS, True, True)
    with_the_new = verify(new)
    assert (with_the_new.code, with_the_new.findings, with_the_new.notes) == (PROVEN, set(), {"key_lost"})


def test_a_continuation_by_an_unannounced_key_is_a_finding(outer: Path) -> None:
    new = successor(filled(outer), "moved", key=Key(3))
    assert verify(new).findings == {"key_changed"}


def test_a_continuation_of_a_removed_chain_is_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    new = successor(bucket, "moved")
    shutil.rmtree(bucket.custody / bucket.chain)
    assert "seal_missing" in verify(new).findings


def test_a_continuation_of_a_changed_seal_is_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    successor(bucket, "moved")
    shutil.rmtree(bucket.seal(4).parent)
    assert "chain_broken" in verify(bucket).findings


@pytest.mark.parametrize("issue", [3, 4])
def test_a_chain_that_goes_two_ways_is_a_finding(issue: int, outer: Path) -> None:
    """A restored ledger that did not notice, or a cloned machine."""
    bucket = filled(outer)
    new = successor(bucket, "restored", issue=issue)
    if issue == 4:
        bucket.issue()
    assert "fork" in verify(new).findings


def test_two_installations_have_two_chains_and_both_count(outer: Path) -> None:
    bucket = filled(outer)
    other = Bucket(outer, key=Key(9), chain="bbbbbbbbbbbbbbbb")
    other.counter, other.at = 700, bucket.at
    other.copy("2026-10-30")
    other.issue()
    answer = verify(bucket, "--trust", other.key.fingerprint, now=other.now)
    assert (answer.code, answer.findings, answer.notes) == (NOT_PROVEN, set(), {"stale"})
    bucket.issue()
    assert verify(bucket, "--trust", other.key.fingerprint).code == PROVEN
    assert verify(bucket).findings == {"untrusted", "extra"}


def test_what_one_installation_has_not_sealed_yet_is_no_finding_because_the_other_has_sealed_since(outer: Path) -> None:
    bucket = filled(outer)
    other = Bucket(outer, chain="bbbbbbbbbbbbbbbb")
    other.at = bucket.at - timedelta(hours=4)
    other.issue()
    late = bucket.top / "Billing/2026-10-30/Late - 1 - 2.mp3"
    late.write_bytes(b"late")
    times = {late.relative_to(outer).as_posix(): "2026-11-04T18:00:00Z"}
    listing = outer / "listing.json"
    listing.write_text(gcloud_ls(bucket, times))
    answer = verify(bucket, "--listing", listing, folder=bucket.custody)
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), {"unsealed"})


def test_two_chains_that_say_different_things_of_one_recording_are_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    other = Bucket(outer, chain="bbbbbbbbbbbbbbbb")
    line = dict(bucket.days[BILLING, "2026-10-30"].lines[0])
    other.at = bucket.at
    other.day(BILLING, "2026-10-30").lines.append(line)
    other.issue()
    bucket.issue()
    assert verify(bucket).code == PROVEN
    line["sha256"] = "0" * 64
    other.dirty.add((BILLING, "2026-10-30"))
    other.issue()
    assert "chains_disagree" in verify(bucket).findings


def test_a_closed_chain_waits_for_no_further_seal(outer: Path) -> None:
    bucket = filled(outer)
    bucket.issue(next_by=None, closed="given_up")
    assert verify(bucket, now="2030-01-01T00:00:00Z").code == PROVEN
    bucket.issue()
    assert verify(bucket).findings == {"chain_broken"}


# Erasure.


@pytest.mark.parametrize("redact", [True, False])
def test_an_erased_recording_is_explained_by_its_receipt(redact: bool, outer: Path) -> None:
    bucket = filled(outer)
    bucket.erase("2026-10-30", redact=redact)
    bucket.issue()
    answer = verify(bucket)
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), {"redacted"} if redact else set())


def test_an_erased_recording_that_is_back_is_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    path = bucket.object(bucket.days[BILLING, "2026-10-30"].lines[0])
    body = path.read_bytes()
    bucket.erase("2026-10-30", redact=False)
    bucket.issue()
    path.write_bytes(body)
    assert verify(bucket).findings == {"erased_but_present"}


def test_an_erased_recording_that_is_back_is_found_too_when_no_manifest_names_it_any_more(outer: Path) -> None:
    bucket = filled(outer)
    path = bucket.object(bucket.days[BILLING, "2026-10-30"].lines[0])
    body = path.read_bytes()
    bucket.erase("2026-10-30")
    bucket.issue()
    path.write_bytes(body)
    assert verify(bucket).findings == {"extra"}


def test_a_recording_erased_without_a_receipt_is_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    bucket.erase("2026-10-30", redact=False)
    bucket.receipts.clear()
    bucket.issue()
    assert verify(bucket).findings == {"receipt_missing"}


def test_a_redacted_file_from_which_a_day_still_counts_is_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    bucket.erase("2026-10-30")
    bucket.dirty.discard((BILLING, "2026-10-31"))
    bucket.issue()
    assert "redaction_differs" in verify(bucket).findings


def test_a_receipt_that_was_removed_is_a_finding(outer: Path) -> None:
    bucket = filled(outer)
    bucket.erase("2026-10-30", redact=False)
    bucket.issue()
    next(bucket.seal(5).parent.glob("receipts-*")).unlink()
    assert verify(bucket).findings == {"custody_missing"}


# Retention.


def old_bucket(root: Path, **seal: object) -> Bucket:
    """Return a bucket whose rule deletes after 30 days: issues 1 and 2 and what they list are gone."""
    bucket = filled(root)
    bucket.at = bucket.at.replace(month=12, day=10)
    bucket.copy("2026-12-09")
    bucket.issue(**seal)
    for path in bucket.top.glob("*/2026-10-*/*"):
        path.unlink()
    for path in bucket.top.glob(".rokuon-aside/*/*/*"):
        path.unlink()
    for number in (1, 2):
        shutil.rmtree(bucket.seal(number).parent)
    return bucket


def test_what_the_buckets_own_rule_deleted_is_expired_and_not_missing(outer: Path) -> None:
    bucket = old_bucket(outer, retention={"days": 30, "from": "bucket rule"})
    answer = verify(bucket)
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), {"expired"})


def test_without_a_sealed_rule_it_is_missing(outer: Path) -> None:
    assert verify(old_bucket(outer)).findings >= {"missing", "seal_missing"}


def test_what_is_younger_than_the_rule_is_missing(outer: Path) -> None:
    bucket = old_bucket(outer, retention={"days": 30, "from": "bucket rule"})
    next(bucket.top.glob("*/2026-12-09/*")).unlink()
    assert verify(bucket).findings == {"missing"}


def test_a_beginning_that_is_younger_than_the_rule_was_removed(outer: Path) -> None:
    bucket = old_bucket(outer, retention={"days": 60, "from": "bucket rule"})
    assert verify(bucket).findings >= {"missing", "seal_missing"}


# A part of it.


def test_one_centers_files_can_be_checked_alone(outer: Path) -> None:
    bucket = filled(outer)
    shutil.rmtree(bucket.top / "営業部 コンタクトセンター")
    for path in bucket.custody.rglob(f"{SALES}-*"):
        path.unlink()
    (bucket.custody / "README.txt").unlink()
    assert verify(bucket, "--target", BILLING).code == PROVEN
    next(bucket.top.glob("Billing/*/*")).unlink()
    assert verify(bucket, "--target", BILLING).findings == {"missing"}


def test_days_can_be_checked_alone(outer: Path) -> None:
    bucket = filled(outer)
    next(bucket.top.glob("Billing/2026-10-30/*")).unlink()
    assert verify(bucket, "--from", "2026-10-31").code == PROVEN
    assert verify(bucket, "--from", "2026-10-30", "--to", "2026-10-30").findings == {"missing"}
    next(bucket.top.glob("Billing/2026-10-31/*")).with_name("x").write_bytes(b"x")
    assert verify(bucket, "--to", "2026-10-30").findings == {"missing"}
    assert verify(bucket, "--from", "2026-10-31").findings == {"extra"}


def test_an_unknown_target_is_refused_with_the_known_ones(outer: Path) -> None:
    answer = verify(filled(outer), "--target", "7")
    assert (answer.code, BILLING in answer.error) == (WRONG_INPUT, True)


# Arguments and input.


WRONG: dict[str, tuple[list[str], str]] = {
    "a fingerprint of another form": (["--trust", "fe85"], "ssh-keygen -l"),
    "a head without its hash": (["--head", "42"], "SHA-256"),
    "a day of another form": (["--from", "4 March"], "YYYY-MM-DD"),
    "a day that is none": (["--to", "2026-02-30"], "YYYY-MM-DD"),
    "a time of another form": (["--now", "yesterday"], "2026-11-29T17:00:00Z"),
    "a listing that is not there": (["--listing", "/nowhere/listing.json"], "cannot be read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_refused_with_what_to_do(name: str, outer: Path) -> None:
    given, says = WRONG[name]
    code, _out, err = plain(filled(outer).root, *given)
    assert (code, says in err) == (WRONG_INPUT, True), err


@pytest.mark.parametrize("make", [lambda root: root / "nowhere", lambda root: root])
def test_a_folder_that_is_no_bucket_is_refused(make: Callable[[Path], Path], outer: Path) -> None:
    code, _out, err = plain(make(outer))
    assert (code, "folder" in err) == (WRONG_INPUT, True)


def test_the_folder_inside_the_bucket_is_accepted_too(outer: Path) -> None:
    bucket = filled(outer)
    assert verify(bucket, folder=bucket.top).code == PROVEN


def test_rokuons_other_files_and_files_beside_it_are_passed_over(outer: Path) -> None:
    bucket = filled(outer)
    (bucket.top / ".rokuon").write_text("{}")
    (bucket.top / ".rokuon-parts").mkdir()
    (bucket.top / ".rokuon-parts" / "1").write_text("x")
    (outer / "invoice.pdf").write_text("x")
    assert verify(bucket).code == PROVEN
