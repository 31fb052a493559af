"""What is found in a bucket and what is not: rows V1 to V11 of docs/design/failure-model.md, with the real writer and the real verifier.

Each test attacks a copy of one folder with three seals.
"""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from google_crc32c import value as crc32c

from rokuon.custody.models import Intent, Issue, SealChain, SigningKey, Waiting
from rokuon.domain.failures import ObjectExists
from rokuon.domain.ports import Body
from rokuon.ledger.models import Copy
from rokuon.wiring.custody_keys import signing_pair
from tests.custody.on_disk import DAY, OnDisk, signed
from tests.custody.rig import FINDINGS, NOT_PROVEN, PROVEN, Answer

Attack = Callable[[], object]


@pytest.fixture
def disk(transactional_db: None, tmp_path: Path) -> OnDisk:
    """Recordings 1 to 3 of two days in three issues, of which the last names only recording 3."""
    disk = OnDisk(tmp_path / "bucket")
    disk.listed(*(DAY - timedelta(days=days) for days in range(3)))
    disk.recording(1, DAY)
    disk.issue()
    disk.recording(2, DAY)
    disk.issue()
    disk.recording(3, DAY - timedelta(days=1))
    disk.issue()
    assert disk.check().code == PROVEN
    return disk


def after(disk: OnDisk, attack: Attack, *arguments: str, later: timedelta = timedelta(0)) -> Answer:
    """Attack, check, and put everything back."""
    kept = disk.folder.with_name("kept")
    shutil.copytree(disk.folder, kept)
    attack()
    answer = disk.check(*arguments, later=later)
    shutil.rmtree(disk.folder)
    kept.rename(disk.folder)
    return answer


def found(disk: OnDisk, *attacks: tuple[Attack, str]) -> None:
    for attack, code in attacks:
        answer = after(disk, attack)
        assert (answer.code, code in answer.findings) == (FINDINGS, True), (code, answer.said)


def test_v1_changed_audio_is_found(disk: OnDisk) -> None:
    path = disk.audio(1)
    data = path.read_bytes()
    found(
        disk,
        (lambda: path.write_bytes(data[:-1] + b"!"), "changed"),
        (lambda: path.write_bytes(data[:-1]), "changed"),
        (lambda: path.write_bytes(data + b"!"), "changed"),
    )


def test_v2_audio_that_is_removed_added_renamed_or_swapped_is_found_and_what_is_of_today_is_named(disk: OnDisk) -> None:
    one, two = disk.audio(1), disk.audio(2)

    def swap() -> None:
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)

    found(
        disk,
        (one.unlink, "missing"),
        (lambda: one.with_name("Eve - c9 - r9.mp3").write_bytes(b"planted"), "extra"),
        (lambda: one.rename(one.with_name("Eve - c1 - r1.mp3")), "renamed"),
        (swap, "changed"),
    )
    of_today = one.parent.with_name(f"{disk.now:%Y-%m-%d}") / "Eve - c9 - r9.mp3"

    def plant() -> None:
        of_today.parent.mkdir()
        of_today.write_bytes(b"planted")

    answer = after(disk, plant)
    assert (answer.code, answer.findings, answer.notes) == (PROVEN, set(), {"unsealed"}), "not found yet, and named"
    assert any(one.get("path", "").endswith("Eve - c9 - r9.mp3") for one in answer.said)


def test_v3_a_manifest_that_is_removed_or_changed_is_found(disk: OnDisk) -> None:
    (path,) = disk.issue_folder(2).glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    found(
        disk,
        (path.unlink, "custody_missing"),
        (lambda: path.write_bytes(path.read_bytes().replace(b"verified", b"excluded", 1)), "custody_altered"),
        (lambda: path.write_bytes(b"".join([*lines[:-2], lines[-1], lines[-2]])), "custody_altered"),
        (lambda: path.write_bytes(path.read_bytes() + b"\n"), "custody_altered"),
    )


def test_v4_seals_that_are_removed_reordered_or_taken_from_elsewhere_are_found(disk: OnDisk, tmp_path: Path) -> None:
    one, two = (disk.issue_folder(number) / "seal" for number in (1, 2))
    other = OnDisk(tmp_path / "other", "Other")
    for _ in range(2):
        other.issue()
    foreign = (other.issue_folder(2) / "seal").read_bytes()

    def exchange() -> None:
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)

    found(
        disk,
        (two.unlink, "seal_missing"),
        (lambda: (one.unlink(), two.unlink()), "seal_missing"),
        (lambda: [shutil.rmtree(seal.parent) for seal in (one, two)], "seal_missing"),
        (exchange, "seal_misplaced"),
        (lambda: two.write_bytes(foreign), "seal_misplaced"),
        (lambda: two.write_bytes(two.read_bytes() + b"\n"), "seal_altered"),
    )


def cut(disk: OnDisk) -> None:
    shutil.rmtree(disk.issue_folder(3))
    disk.audio(3).unlink()


def test_v5_a_cut_tail_is_found_when_the_next_seal_is_due_and_before_by_those_who_remember_the_head(disk: OnDisk) -> None:
    head = disk.head(3)
    at_once = after(disk, lambda: cut(disk))
    assert (at_once.code, at_once.findings) == (PROVEN, set()), "the limit: nothing in the bucket contradicts itself"
    due = after(disk, lambda: cut(disk), later=timedelta(hours=26))
    assert (due.code, due.notes) == (NOT_PROVEN, {"stale"})
    remembered = after(disk, lambda: cut(disk), "--head", head)
    assert (remembered.code, remembered.findings) == (FINDINGS, {"head_differs"})


def test_v6_a_bucket_that_was_rolled_back_is_found_like_a_cut_tail(disk: OnDisk, tmp_path: Path) -> None:
    shutil.copytree(disk.folder, tmp_path / "old")
    disk.recording(4, DAY)
    disk.issue()
    head = disk.head(4)
    assert disk.check(folder=tmp_path / "old").code == PROVEN, "the limit, within 26 hours"
    assert disk.check(folder=tmp_path / "old", later=timedelta(hours=26)).notes == {"stale"}
    assert disk.check("--head", head, folder=tmp_path / "old").findings == {"head_differs"}


def again(disk: OnDisk) -> None:
    """Forget all custody files and write them again, of what the ledger says now."""
    shutil.rmtree(disk.custody_files)
    for table in (Intent, Issue, SealChain, Waiting):
        table.objects.all().delete()
    for copy in Copy.objects.filter(state="verified"):
        Copy.objects.filter(pk=copy.pk).update(changed_at=disk.now, detail="again")
    Copy.objects.filter(state="verified").update(state="failed", reason="object_missing")
    Copy.objects.filter(state="failed").update(state="verified", reason="")
    disk.issue()


def test_v7_seals_by_another_key_are_found_by_those_who_have_the_fingerprint_from_elsewhere(disk: OnDisk) -> None:
    trusted = disk.fingerprint
    disk.audio(1).unlink()
    Copy.objects.filter(key__contains="r1.").update(state="excluded", reason="deselected")
    SealChain.objects.all().delete()
    SigningKey.objects.all().delete()
    again(disk)
    forged = disk.check(trust=trusted)
    assert (forged.code, forged.findings) == (FINDINGS, {"untrusted"})
    assert disk.check().code == PROVEN, "the limit: who takes the key from the bucket believes the forger"


def test_v8_whoever_has_the_server_and_may_not_delete_changes_no_seal_of_the_past(disk: OnDisk) -> None:
    pair = signing_pair(disk.vault, disk.company.pk)
    before = disk.objects()
    for key, data in before.items():
        false = signed({**json.loads(data.partition(b"\n")[0]), "files": []}, pair.private) if key.endswith("/seal") else data + b"!"
        body = Body(len(false), hashlib.sha256(false).hexdigest(), crc32c(false), false)
        with pytest.raises(ObjectExists):
            asyncio.run(disk.store.put(key, body, content_type="text/plain", metadata={}))
    assert disk.objects() == before
    Copy.objects.filter(key__contains="r1.").update(state="excluded", reason="deselected")
    disk.issue()
    answer = disk.check()
    assert (answer.code, answer.findings) == (FINDINGS, {"extra"}), "a false statement of today cannot remove what is there"


def test_v9_whoever_has_the_server_and_may_delete_is_found_only_by_a_head_from_outside(disk: OnDisk) -> None:
    head = disk.head(3)
    disk.audio(1).unlink()
    Copy.objects.filter(key__contains="r1.").update(state="excluded", reason="deselected")
    again(disk)
    assert disk.check().code == PROVEN, "the limit: everything was written again"
    answer = disk.check("--head", head)
    assert (answer.code, answer.findings) == (FINDINGS, {"head_differs"})


def test_v10_a_backdated_seal_is_found_in_a_listing_with_times_and_not_in_a_folder(disk: OnDisk, tmp_path: Path) -> None:
    honest = disk.check("--listing", disk.listing(tmp_path / "honest", "acme"))
    assert "seal_backdated" not in honest.findings
    backdated = disk.check("--listing", disk.listing(tmp_path / "backdated", "acme", seal_2="2026-12-24T00:00:00Z"))
    assert (backdated.code, "seal_backdated" in backdated.findings) == (FINDINGS, True)
    assert disk.check().code == PROVEN, "the limit: a folder has no clock of the store"


def test_v11_what_dialpad_does_not_list_is_found_by_nobody_and_the_day_says_what_was_listed(disk: OnDisk) -> None:
    """The limit: recording 9 exists at Dialpad, which lists the day without it."""
    answer = disk.check()
    assert (answer.code, answer.findings) == (PROVEN, set())
    day = disk.day(2, DAY)
    assert (day["calls"]["listed"], day["verdict"], "witness" in day) == (2, "complete", False)
