"""`rokuon evidence`: what is in the zip, that an auditor can check it without Rokuon, and what it says is not in it."""

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from rokuon.accounts.models import AuditEntry
from rokuon.custody import names, sshsig
from rokuon.custody.models import SealedDay, SigningKey
from rokuon.ledger.inventory_models import InventoryFinding
from rokuon.ledger.models import Copy
from rokuon.org.models import Bucket, Target
from tests.custody.backed_up import seal
from tests.custody.rig import FINDINGS, PROVEN
from tests.e2e.conftest import rig_of
from tests.e2e.rig import Rig

from .conftest import Rokuon
from .sealed import days, rig, rokuon

__all__ = ["days", "rig", "rig_of", "rokuon"]


def unpacked(rokuon: Rokuon, outer: Path, *line: str) -> Path:
    rokuon("evidence", *line, "--out", "audit.zip")
    with ZipFile(outer / "audit.zip") as archive:
        archive.extractall(outer / "audit")
    return outer / "audit"


def test_an_auditor_checks_the_zip_without_rokuon(rig: Rig, rokuon: Rokuon, outer: Path, days: tuple[str, ...]) -> None:
    seal(rig)
    answer = rokuon("evidence", *days, "--out", "audit.zip", "--json")
    assert answer.code == 0, answer.out + answer.err
    assert answer.json["buckets"] == [{"url": Bucket.objects.get().url, "seals": 1, "verifier_exit": PROVEN, "failure": None}]
    folder = unpacked(rokuon, outer, *days)
    program = folder / "verifier" / "rokuon_verify.py"
    assert (folder / "verifier" / "SHA256SUMS").read_text().split()[0] == hashlib.sha256(program.read_bytes()).hexdigest()
    trust = sshsig.fingerprint(SigningKey.objects.get().public)
    assert (folder / "keys.txt").read_text() == f"{trust}\n"
    bucket = folder / "buckets" / "bucket-1"
    command = [sys.executable, "-I", "-S", str(program), "--listing", str(bucket / "listing.json"), str(bucket / ".rokuon-custody"), *days]
    done = subprocess.run([*command, "--trust", trust], capture_output=True, text=True, check=False)
    assert done.returncode == PROVEN, done.stdout + done.stderr
    assert "PROVEN" in (bucket / "verifier-output.txt").read_text()


def test_every_part_is_there_and_the_guide_names_it_and_what_is_not(rig: Rig, rokuon: Rokuon, outer: Path, days: tuple[str, ...]) -> None:
    seal(rig)
    folder = unpacked(rokuon, outer, *days)
    guide = (folder / "README.txt").read_text()
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in ("certificates/certificate.pdf", "certificates/days.csv", "certificates/targets/001.pdf", "records/audit-log.csv",
                 "records/roles.csv", "records/settings.csv", "records/buckets.csv", "records/holds.csv", "records/notices.csv",
                 "records/mails.csv", "records/drills.csv", "records/inventories.csv", "records/inventory-findings.csv",
                 "versions.json", "keys.txt"):  # fmt: skip
        assert name in there
    for words in ("What is not in it", "receipts of erasures", "nor who spoke", "exit code of the verifier: 0"):
        assert words in guide
    assert "evidence.export" in (folder / "records" / "audit-log.csv").read_text()
    said = json.loads((folder / "certificates" / "certificate.json").read_text())
    assert said["sum"]["verified"] == Copy.objects.filter(state="verified").count()


def test_the_guide_is_in_japanese_for_a_japanese_reader(rig: Rig, rokuon: Rokuon, outer: Path, days: tuple[str, ...]) -> None:
    seal(rig)
    assert rokuon("evidence", *days, "--out", "audit.zip", LANG="ja_JP.UTF-8").code == 0
    with ZipFile(outer / "audit.zip") as archive:
        guide = archive.read("README.txt").decode()
    for words in ("完全性の証跡", "含まれないもの", "この証明書の限界"):
        assert words in guide


def test_an_altered_recording_is_found_and_the_exit_code_says_so(rig: Rig, rokuon: Rokuon, outer: Path, days: tuple[str, ...]) -> None:
    seal(rig)
    key = Copy.objects.filter(state="verified").order_by("pk")[0].key
    path = rig.bucket_folder() / key
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    answer = rokuon("evidence", *days, "--out", "audit.zip", "--json")
    assert (answer.code, answer.json["buckets"][0]["verifier_exit"]) == (1, FINDINGS)
    with ZipFile(outer / "audit.zip") as archive:
        assert "changed" in archive.read("buckets/bucket-1/verifier-output.txt").decode()


def test_what_an_inventory_found_and_how_it_was_closed_is_in_it(rig: Rig, rokuon: Rokuon, outer: Path, days: tuple[str, ...]) -> None:
    seal(rig)
    stray = rig.bucket_folder() / "call-recordings" / "notes.txt"
    stray.write_text("someone's own")
    assert rokuon("inventory").code == 1, "a finding is open"
    found = InventoryFinding.objects.get(suspected=False)
    InventoryFinding.objects.update(note="Ann's notes.", closed_by="Bea", closed_at=rig.clock())
    records = unpacked(rokuon, outer, *days) / "records"
    (one,) = csv.DictReader((records / "inventory-findings.csv").read_text("utf-8-sig").splitlines())
    assert (one["Kind"], one["Path"], one["Note"], one["Closed by"]) == (found.kind, found.key, "Ann's notes.", "Bea")
    (done,) = csv.DictReader((records / "inventories.csv").read_text("utf-8-sig").splitlines())
    assert done["State"] == "finished"


def test_a_bucket_without_a_seal_or_that_is_away_is_said_to_be_missing(
    rig: Rig, rokuon: Rokuon, outer: Path, days: tuple[str, ...]
) -> None:
    url = Bucket.objects.get().url
    first = rokuon("evidence", *days, "--out", "audit.zip")
    assert first.code == 1
    assert f"seals of {url}: it has none yet" in first.out
    rig.bucket_folder().rename(rig.bucket_folder().with_name("elsewhere"))
    second = rokuon("evidence", *days, "--out", "audit.zip")
    assert second.code == 1
    assert f"anything from {url}" in second.out
    with ZipFile(outer / "audit.zip") as archive:
        assert f"anything from {url}" in archive.read("README.txt").decode()


def test_the_zip_of_one_target_has_its_manifests_alone_and_all_seals(rig: Rig, rokuon: Rokuon, outer: Path, days: tuple[str, ...]) -> None:
    seal(rig)
    target = Copy.objects.select_related("target").order_by("pk")[0].target
    folder = unpacked(rokuon, outer, *days, "--target", target.dialpad_id) / "buckets" / "bucket-1"
    manifests = [path.name for path in folder.rglob("*.jsonl")]
    assert manifests and all(name.startswith(f"{target.dialpad_id}-") for name in manifests)
    assert len(list(folder.rglob("seal"))) == 1
    assert "exit code 0" in (folder / "verifier-output.txt").read_text()


def test_days_of_a_target_whose_rule_was_removed_are_not_called_missing(rig: Rig, rokuon: Rokuon, outer: Path) -> None:
    seal(rig)
    copied = set(Copy.objects.values_list("target", "day"))
    empty = next(one for one in SealedDay.objects.order_by("pk") if (one.target_id, one.day) not in copied)
    Target.objects.filter(pk=empty.target_id).update(backed_up=False)
    folder = unpacked(rokuon, outer, "--from", empty.day.isoformat(), "--to", empty.day.isoformat()) / "buckets" / "bucket-1"
    said = (folder / "verifier-output.txt").read_text()
    assert "exit code 0" in said, said


def test_a_name_in_the_bucket_never_leads_out_of_the_folder(rig: Rig, rokuon: Rokuon, outer: Path, days: tuple[str, ...]) -> None:
    seal(rig)
    strange = rig.bucket_folder() / names.FOLDER / ("a" * 16) / "00000001" / "..x" / "y"
    strange.parent.mkdir(parents=True)
    strange.write_text("x")
    (rig.bucket_folder() / names.FOLDER / "keys" / "other.pub").write_text("x")
    folder = unpacked(rokuon, outer, *days)
    assert not list(folder.rglob("y")) and not list(folder.rglob("other.pub"))


def test_it_is_in_the_audit_log_and_a_file_that_cannot_be_written_leaves_none(rokuon: Rokuon, outer: Path, days: tuple[str, ...]) -> None:
    rokuon("evidence", *days, "--out", "audit.zip")
    assert (outer / "audit.zip").stat().st_mode & 0o777 == 0o600
    entry = AuditEntry.objects.get(action="evidence.export")
    assert (entry.after["since"], entry.after["until"], entry.actor) == (days[1], days[3], "command line")
    assert rokuon("evidence", *days, "--out", "nowhere/audit.zip").code == 2
    assert rokuon("evidence", "--from", "x", "--to", "y").code == 2
    assert AuditEntry.objects.filter(action="evidence.export").count() == 1
    assert not list(outer.glob("*.partial"))
