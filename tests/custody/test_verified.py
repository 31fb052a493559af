"""What the writer makes is what the shipped verifier proves: after a history, crashes at every step, other workers and other ledgers."""

import shutil
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import connection

from rokuon.base.secrets import Vault, new_key
from rokuon.custody import chains, names, plan, schedule, sshsig
from rokuon.custody.models import Intent, Issue, SealChain, SigningKey, Waiting
from rokuon.domain.failures import CustodyKeyLost, CustodyOccupied, LedgerBehindBucket
from rokuon.wiring.custody_keys import replace_key, signing_pair
from tests.custody.rig import FINDINGS, NOT_PROVEN, PROVEN
from tests.custody.sealing import Custody, fail, forget_last_issue, put, seals, verify
from tests.custody.stores import DyingStore, Killed, OvertakenStore, sealed_by_a_copy

DAY = date(2026, 11, 20)


def test_a_history_with_a_late_recording_an_empty_day_and_a_new_key_is_proven(custody: Custody, tmp_path: Path) -> None:
    custody.recording(1, DAY)
    custody.listed(DAY - timedelta(days=2), DAY - timedelta(days=1), DAY)
    custody.issue()
    fail(custody.recording(2, DAY, store=False), custody)
    custody.recording(3, DAY, target=custody.other)
    custody.issue()
    custody.issue()
    replace_key(custody.vault, custody.company.pk, custody.now)
    custody.recording(4, DAY - timedelta(days=1))
    custody.issue()
    custody.issue()
    keys = [seal["key"] for seal in seals(custody)]
    assert (len(set(keys[:4])), keys[4]) == (1, custody.fingerprint)
    answer = verify(custody, tmp_path)
    assert (answer.code, answer.findings, answer.error) == (PROVEN, set(), "")
    totals = custody.seal(5)["totals"]
    assert (totals["verified"], totals["open"]) == (3, 1)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", [".jsonl", "README", ".pub", "/seal"])
def test_a_worker_that_dies_at_any_write_leaves_an_issue_that_the_next_one_finishes(
    custody: Custody, tmp_path: Path, at: str, after: bool
) -> None:
    custody.recording(1, DAY)
    with pytest.raises(Killed):
        custody.issue(DyingStore(custody.store, at, after=after))
    custody.recording(2, DAY)
    custody.issue()
    sealed = [one.number for one in Issue.objects.order_by("number")]
    assert sealed == ([1, 2] if (at, after) == ("/seal", True) else [1])
    assert custody.seal(len(sealed))["totals"]["verified"] == 2
    assert not Waiting.objects.exists() and not Intent.objects.exists()
    assert (answer := verify(custody, tmp_path)).code == PROVEN
    assert answer.notes <= {"unsealed"}


def test_a_recording_that_is_verified_after_its_day_was_read_is_unsealed_and_no_finding(custody: Custody, tmp_path: Path) -> None:
    old = DAY - timedelta(days=10)
    work = custody.recording(1, old, store=False)
    custody.recording(2, old)

    def by_another_job(_: str) -> None:
        custody.stored(work)
        connection.close()  # of this thread

    custody.issue(OvertakenStore(custody, by_another_job))
    (pending,) = [line for line in custody.lines(1) if line.get("state") == "pending"]
    (name,) = [key for key in custody.objects("call-recordings/Sales/") if "r1." in key]
    assert pending["key_sha256"] == custody.sha256(name.encode())
    answer = verify(custody, tmp_path / "first")
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), {"unsealed"})
    custody.issue()
    answer = verify(custody, tmp_path / "next")
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), set())


def test_two_workers_at_once_make_one_seal_and_both_are_done(custody: Custody, tmp_path: Path) -> None:
    custody.recording(1, DAY)
    custody.issue(OvertakenStore(custody))
    assert [one.number for one in Issue.objects.all()] == [1]
    assert verify(custody, tmp_path).code == PROVEN


def test_a_seals_name_that_is_taken_at_the_last_moment_stops_the_issue(custody: Custody) -> None:
    custody.recording(1, DAY)
    with pytest.raises(CustodyOccupied):
        custody.issue(OvertakenStore(custody, lambda key: put(custody, key, b"not ours\n")))
    assert not Issue.objects.exists() and Waiting.objects.exists()


def test_a_copy_of_the_machine_that_seals_at_the_same_moment_is_noticed(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()

    with pytest.raises(LedgerBehindBucket):
        custody.issue(OvertakenStore(custody, lambda _: sealed_by_a_copy(custody)))


def test_two_installations_in_one_bucket_each_have_a_chain_and_both_are_trusted(custody: Custody, tmp_path: Path) -> None:
    other = Custody("Other", custody.store)
    custody.recording(1, DAY)
    other.recording(2, DAY, target=other.other)
    assert (custody.issue().number, other.issue().number, custody.issue().number) == (1, 1, 2)
    assert len({seal["chain"] for seal in seals(custody)}) == 2


def test_a_file_of_somebody_else_under_the_name_of_the_next_seal_stops_the_issue(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()
    put(custody, f"call-recordings/.rokuon-custody/{SealChain.objects.get().name}/00000002/seal", b"not ours\n")
    with pytest.raises(CustodyOccupied):
        custody.issue()
    assert [seal.number for seal in Issue.objects.all()] == [1]


def test_a_seal_that_the_ledger_does_not_know_stops_it(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()
    custody.issue()
    forget_last_issue()
    with pytest.raises(LedgerBehindBucket, match="seal 2 in the bucket, 1 in the database"):
        custody.issue()
    assert not Issue.objects.filter(number__gt=1).exists()


def test_a_ledger_from_before_the_first_seal_finds_that_it_is_behind(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()
    SealChain.objects.all().delete()
    SigningKey.objects.all().delete()
    for _ in range(2):
        with pytest.raises(LedgerBehindBucket, match="not in the database"):
            custody.issue()
    assert not SigningKey.objects.exists()


def test_a_ledger_that_knows_the_chain_and_not_its_continuation_finds_that_it_is_behind(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()
    old = SealChain.objects.get()
    custody.go_on()
    custody.issue()
    SealChain.objects.exclude(pk=old.pk).delete()
    SealChain.objects.update(closed_at=None)
    with pytest.raises(LedgerBehindBucket, match="not in the database"):
        custody.issue()


@pytest.mark.parametrize("known", [0, 1, 2])
def test_a_restored_ledger_goes_on_after_the_newest_seal_and_the_bucket_is_proven(custody: Custody, tmp_path: Path, known: int) -> None:
    custody.recording(1, DAY)
    custody.recording(2, DAY - timedelta(days=1))
    custody.listed(DAY - timedelta(days=2), DAY - timedelta(days=1), DAY)
    custody.issue()
    custody.recording(3, DAY)
    custody.issue()
    custody.recording(4, DAY)
    custody.issue()
    for _ in range(3 - known):
        forget_last_issue()
    if not known:
        SealChain.objects.all().delete()
    custody.installation = "99999999-2222-3333-4444-555555555555"
    with pytest.raises(LedgerBehindBucket):
        custody.issue()
    custody.go_on()
    assert custody.issue().files == 0
    at_once = verify(custody, tmp_path / "at once")
    assert (at_once.code, at_once.findings) == (NOT_PROVEN, set())
    custody.recording(5, DAY)
    custody.backed_up()
    custody.issue()
    last = seals(custody)
    assert [seal["continues"]["issue"] for seal in last if "continues" in seal] == [3]
    answer = verify(custody, tmp_path / "later")
    assert (answer.code, answer.findings) == (PROVEN, set())


def test_a_ledger_that_was_moved_to_another_machine_goes_on_in_a_chain_of_its_own(custody: Custody, tmp_path: Path) -> None:
    custody.recording(1, DAY)
    custody.issue()
    custody.installation = "99999999-2222-3333-4444-555555555555"
    custody.recording(2, DAY)
    custody.issue()
    assert [(seal["issue"], seal.get("continues", {}).get("why")) for seal in seals(custody)] == [(1, None), (1, "moved")]
    assert verify(custody, tmp_path).code == PROVEN


def test_an_occupied_seal_is_passed_by_and_remains_a_finding(custody: Custody, tmp_path: Path) -> None:
    custody.recording(1, DAY)
    custody.issue()
    put(custody, f"call-recordings/.rokuon-custody/{SealChain.objects.get().name}/00000002/seal", b"not ours\n")
    custody.go_on()
    custody.recording(2, DAY)
    custody.backed_up()
    custody.issue()
    custody.issue()
    answer = verify(custody, tmp_path)
    assert (answer.code, answer.findings) == (FINDINGS, {"seal_altered"})


def test_a_lost_key_is_replaced_in_a_new_chain_and_the_verifier_asks_to_confirm_the_new_one(custody: Custody, tmp_path: Path) -> None:
    custody.recording(1, DAY)
    custody.issue()
    old = custody.fingerprint
    custody.vault = Vault([new_key()])
    with pytest.raises(CustodyKeyLost):
        custody.issue()
    replace_key(custody.vault, custody.company.pk, custody.now)
    custody.go_on(chains.KEY_LOST)
    custody.issue()
    assert verify(custody, tmp_path / "before").code == NOT_PROVEN
    custody.backed_up()
    custody.issue()
    assert verify(custody, tmp_path / "new").code == PROVEN
    assert "key_lost" in verify(custody, tmp_path / "again").notes
    assert verify(custody, tmp_path / "old", trust=old).findings == {"untrusted"}


def test_a_lost_key_leaves_nothing_in_the_bucket_however_often_it_is_tried(custody: Custody) -> None:
    custody.recording(1, DAY)
    custody.issue()
    before = set(custody.objects())
    custody.vault = Vault([new_key()])
    for number in range(3):
        custody.recording(2 + number, DAY)
        with pytest.raises(CustodyKeyLost):
            custody.issue()
    assert set(custody.objects()) == before


@pytest.mark.parametrize("name", ["README.txt", "a public key"])
def test_an_edited_readme_or_public_key_is_passed_by_and_remains_a_finding(
    custody: Custody, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    public = signing_pair(custody.vault, custody.company.pk).public
    edited = names.README if name == "README.txt" else names.public_key(sshsig.digest(public))
    put(custody, edited, b"edited\n")
    custody.recording(1, DAY)
    custody.issue()
    assert (custody.issue().number, custody.objects()[edited]) == (2, b"edited\n")
    assert any(one.msg == "custody_file_differs" for one in caplog.records)
    answer = verify(custody, tmp_path)
    assert answer.code == FINDINGS
    assert answer.findings


def test_only_the_present_key_signs_and_an_old_seal_needs_it_no_more(custody: Custody, tmp_path: Path) -> None:
    custody.recording(1, DAY)
    custody.issue()
    old = custody.fingerprint
    replace_key(custody.vault, custody.company.pk, custody.now)
    replace_key(custody.vault, custody.company.pk, custody.now)
    custody.issue()
    custody.issue()
    assert [seal["key"] == old for seal in seals(custody)] == [True, True, False]
    assert verify(custody, tmp_path / "new").code == PROVEN
    assert verify(custody, tmp_path / "old", trust=old).code == PROVEN


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")
def test_ssh_keygen_agrees_with_a_seal_and_refuses_a_changed_one(custody: Custody, tmp_path: Path) -> None:
    custody.recording(1, DAY)
    custody.issue()
    (name,) = [key for key in custody.objects() if key.endswith(".pub")]
    (tmp_path / "allowed").write_bytes(b'rokuon namespaces="rokuon-seal@v1" ' + custody.objects()[name])
    line, _, signature = custody.seal_file(1).partition(b"\n")
    (tmp_path / "sig").write_bytes(signature)
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "rokuon", "-n", "rokuon-seal@v1", "-s", "sig"]
    good = subprocess.run(command, cwd=tmp_path, input=line + b"\n", capture_output=True, check=False)
    assert (good.returncode, b"Good" in good.stdout) == (0, True)
    assert subprocess.run(command, cwd=tmp_path, input=line.replace(b"1", b"2", 1) + b"\n", capture_output=True, check=False).returncode


def test_more_days_than_one_issue_reads_are_sealed_by_the_next_one_at_once(
    custody: Custody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MOST_DAYS", 2)
    for number in range(5):
        custody.recording(number, DAY - timedelta(days=number))
    counts = []
    while not counts or Waiting.objects.exists():
        counts.append(custody.issue().days)
        assert (custody.bucket.pk in schedule.due_buckets(custody.now)) == Waiting.objects.exists()
    assert counts == [2, 2, 2], "five local days, and one that the last UTC day also overlaps"
    assert custody.seal(3)["totals"]["verified"] == 5
    assert verify(custody, tmp_path).code == PROVEN


def test_a_seal_is_never_older_than_the_one_before_it_although_a_clock_was_set_back(custody: Custody, tmp_path: Path) -> None:
    custody.recording(1, DAY)
    custody.issue()
    custody.now -= timedelta(days=3)
    custody.issue()
    assert [seal["at"] for seal in seals(custody)] == [seals(custody)[0]["at"]] * 2
    custody.now += timedelta(days=3)
    assert verify(custody, tmp_path).code == PROVEN
