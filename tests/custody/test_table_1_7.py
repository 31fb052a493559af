"""When things are not as they should be: rows K1 to K14 of docs/design/failure-model.md, with the real writer and the real verifier."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from rokuon.base.secrets import Vault, new_key
from rokuon.custody import chains
from rokuon.custody.models import Issue, SealChain
from rokuon.domain.failures import CustodyKeyLost, CustodyOccupied, LedgerBehindBucket
from rokuon.ledger.models import Copy
from rokuon.org.models import Bucket
from rokuon.wiring.custody_keys import replace_key, signing_pair
from tests.custody.on_disk import DAY, OnDisk, signed
from tests.custody.rig import FINDINGS, NOT_PROVEN, PROVEN
from tests.custody.sealing import forget_last_issue, put, seals
from tests.custody.stores import DyingStore, Killed, OvertakenStore, sealed_by_a_copy


@pytest.fixture
def disk(transactional_db: None, tmp_path: Path) -> OnDisk:
    """One recording, sealed."""
    disk = OnDisk(tmp_path / "bucket")
    disk.listed(*(DAY - timedelta(days=days) for days in range(3)))
    disk.recording(1, DAY)
    disk.issue()
    return disk


def proven(disk: OnDisk, *arguments: str, trust: str = "") -> None:
    answer = disk.check(*arguments, trust=trust)
    assert (answer.code, answer.findings) == (PROVEN, set()), answer.said


def test_k1_a_recording_found_late_is_a_new_revision_and_late_once_its_day_was_final(transactional_db: None, tmp_path: Path) -> None:
    disk = OnDisk(tmp_path / "bucket")
    day = (disk.now - timedelta(days=2)).date()
    disk.recording(1, day)
    disk.listed(day - timedelta(days=1), day)
    disk.issue()
    disk.now += timedelta(days=18)
    disk.recording(2, day)
    disk.issue()
    assert (disk.day(2, day)["revision"], disk.day(2, day)["state"], disk.day(2, day)["late"]) == (2, "provisional", 0)
    proven(disk)
    disk.now += timedelta(days=20)
    disk.listed(day - timedelta(days=1), day)
    disk.issue()
    disk.now += timedelta(hours=1)
    disk.recording(3, day)
    disk.issue()
    assert (disk.day(4, day)["state"], disk.day(4, day)["late"]) == ("final", 1)
    proven(disk)


def test_k2_a_retry_a_lost_answer_and_two_workers_make_one_seal(disk: OnDisk) -> None:
    disk.recording(2, DAY)
    with pytest.raises(Killed):
        disk.issue(DyingStore(disk.store, "/seal", after=True))
    disk.recording(3, DAY)
    disk.issue(OvertakenStore(disk))
    assert [one.number for one in Issue.objects.order_by("number")] == [1, 2, 3]
    assert disk.seal(3)["totals"]["verified"] == 3
    proven(disk)


def test_k3_a_ledger_restored_from_an_older_dump_stores_nothing_until_a_person_continues(disk: OnDisk) -> None:
    disk.recording(2, DAY)
    disk.issue()
    forget_last_issue()
    before = disk.objects("")
    with pytest.raises(LedgerBehindBucket, match="seal 2 in the bucket, 1 in the database"):
        disk.issue()
    assert disk.objects("") == before
    disk.go_on()
    disk.backed_up()
    disk.issue()
    proven(disk)


def test_k4_what_a_dump_lacks_that_no_seal_is_newer_than_is_a_finding_until_it_is_listed_again(disk: OnDisk) -> None:
    disk.recording(2, DAY)
    Copy.objects.filter(key__contains="r2.").delete()
    disk.issue()
    assert disk.check().findings == {"extra"}, "nothing in the bucket contradicts the older database"
    disk.stored_again(2, DAY)
    disk.issue()
    proven(disk)


def test_k5_two_installations_in_one_bucket_stop_each_other_nowhere_and_the_verifier_names_both(disk: OnDisk) -> None:
    """The marker refuses the second one. Where nobody asked it, each has a claim and a chain of its own in one bucket."""
    other = OnDisk(disk.folder, "Other")
    Bucket.objects.filter(pk=disk.bucket.pk).update(url="memory://the same bucket in another database")
    Bucket.objects.filter(pk=other.bucket.pk).update(url="memory://acme")
    other.now = disk.now
    other.recording(2, DAY, target=other.other)
    other.issue()
    Bucket.objects.filter(pk=other.bucket.pk).update(url="memory://the same bucket in the other database")
    Bucket.objects.filter(pk=disk.bucket.pk).update(url="memory://acme")
    disk.issue()
    assert sorted(seal["issue"] for seal in seals(disk)) == [1, 1, 2]
    assert disk.check("--trust", other.fingerprint).findings == {"seal_misplaced"}, "one bucket is one company's"
    assert disk.check().findings == {"untrusted", "extra"}, "without its fingerprint, the second one's recording is a stranger's"


def test_k6_a_copied_machine_is_noticed_by_whoever_seals_second(disk: OnDisk) -> None:
    with pytest.raises(LedgerBehindBucket):
        disk.issue(OvertakenStore(disk, lambda _: sealed_by_a_copy(disk)))
    with pytest.raises(LedgerBehindBucket):
        disk.issue()
    proven(disk)


def test_k7_a_seals_name_that_is_taken_stops_the_seals_until_a_person_continues_and_stays_a_finding(disk: OnDisk) -> None:
    chain = SealChain.objects.get().name
    put(disk, f"call-recordings/.rokuon-custody/{chain}/00000002/seal", b"not ours\n")
    with pytest.raises(CustodyOccupied):
        disk.issue()
    disk.go_on()
    disk.backed_up()
    disk.issue()
    answer = disk.check()
    assert (answer.code, answer.findings) == (FINDINGS, {"seal_altered"})
    shutil.rmtree(disk.issue_folder(2, chain))
    proven(disk)


def test_k8_a_ledger_without_its_chain_continues_at_the_highest_seal_in_the_bucket(disk: OnDisk) -> None:
    disk.issue()
    SealChain.objects.all().delete()
    with pytest.raises(LedgerBehindBucket):
        disk.issue()
    disk.go_on()
    disk.backed_up()
    disk.issue()
    assert [seal["continues"]["issue"] for seal in seals(disk) if "continues" in seal] == [2]
    proven(disk)


@pytest.mark.parametrize("gone", [2, 3])
def test_k9_seals_deleted_in_the_bucket_leave_a_gap_that_stays_visible(disk: OnDisk, gone: int) -> None:
    disk.issue()
    last = disk.issue()
    sha256 = {number: disk.head(number).partition(":")[2] for number in (2, 3)}
    shutil.rmtree(disk.issue_folder(gone))
    assert disk.issue().number == last.number + 1
    assert disk.seal(4)["previous"] == {"issue": 3, "sha256": sha256[3]}
    answer = disk.check()
    assert (answer.code, answer.findings) == (FINDINGS, {"seal_missing"})


def test_k10_a_new_key_is_announced_by_the_old_one_and_old_seals_stay_valid(disk: OnDisk) -> None:
    old = disk.fingerprint
    replace_key(disk.vault, disk.company.pk, disk.now)
    disk.issue()
    disk.issue()
    assert [seal["key"] == old for seal in seals(disk)] == [True, True, False]
    assert len(list(disk.custody_files.glob("keys/*.pub"))) == 2
    proven(disk, trust=old)
    proven(disk)


def test_k11_a_lost_key_needs_a_new_chain_and_a_person_who_confirms_its_fingerprint(disk: OnDisk) -> None:
    old = disk.fingerprint
    disk.vault = Vault([new_key()])
    with pytest.raises(CustodyKeyLost):
        disk.issue()
    replace_key(disk.vault, disk.company.pk, disk.now)
    disk.go_on(chains.KEY_LOST)
    disk.backed_up()
    disk.issue()
    assert disk.check(trust=old).findings == {"untrusted"}
    proven(disk)


def test_k12_a_stolen_key_signs_nothing_after_its_end_and_the_past_only_as_far_as_no_head_was_noted(disk: OnDisk) -> None:
    stolen = signing_pair(disk.vault, disk.company.pk)
    replace_key(disk.vault, disk.company.pk, disk.now)
    disk.issue()
    disk.issue()
    head, seal = disk.head(3), disk.issue_folder(3) / "seal"
    honest = seal.read_bytes()
    seal.write_bytes(signed({**disk.seal(3), "key": disk.seal(1)["key"]}, stolen.private))
    assert disk.check().findings >= {"key_changed"}
    seal.write_bytes(honest)
    shutil.rmtree(disk.issue_folder(3))
    seal = disk.issue_folder(2) / "seal"
    seal.write_bytes(signed({name: value for name, value in disk.seal(2).items() if name != "rotate"}, stolen.private))
    assert disk.check(trust=str(disk.seal(1)["key"])).code == PROVEN, "the limit: the thief cut off what came later"
    assert disk.check("--head", head, trust=str(disk.seal(1)["key"])).findings == {"head_differs"}


def test_k13_a_copy_of_the_bucket_elsewhere_is_proven_and_a_listing_of_it_asks_for_moved(disk: OnDisk, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(disk.folder, elsewhere)
    assert disk.check(folder=elsewhere).code == PROVEN
    listing = disk.listing(tmp_path / "listing", "another-bucket")
    assert disk.check("--listing", listing).findings == {"bucket_differs"}
    moved = disk.check("--listing", listing, "--moved")
    assert (moved.code, moved.findings, "moved" in moved.notes) == (NOT_PROVEN, set(), True), "such a listing has CRC32C alone"


def test_k14_what_the_buckets_own_rule_deleted_is_missing_while_no_seal_states_the_rule(disk: OnDisk) -> None:
    disk.audio(1).unlink()
    assert "retention" not in disk.seal(1)
    answer = disk.check()
    assert (answer.code, answer.findings) == (FINDINGS, {"missing"})
