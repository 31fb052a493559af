"""Every row of the tables of custody.md 2.4: what is seen, what it is called, and what becomes of the copy."""

from datetime import UTC, datetime, timedelta

import pytest

from rokuon.domain.bucket_listing import FormerObject
from rokuon.ledger import failures, inventory_findings, retry, runs
from rokuon.ledger.failures import Which
from rokuon.ledger.inventory_models import InventoryFinding, InventoryPass
from tests.inventory.rig import DAY, Checked, findings, former
from tests.ledger.factory import counted, tallied

UNTIL = datetime(2026, 12, 7, tzinfo=UTC)


def kinds(checked: Checked, *, still_open: bool = True) -> dict[str, int]:
    found = inventory_findings.counts(checked.bucket.pk)
    return {one.kind: one.open if still_open else one.found for one in found if one.open or not still_open}


def test_recordings_that_are_there_are_in_order_and_only_counted(checked: Checked) -> None:
    checked.recordings(3)
    one = checked.check()
    assert one.state == InventoryPass.State.FINISHED
    assert (one.objects_seen, one.sights, one.verified) == (4, {"in_order": 3, "own": 1}, 3)
    assert findings() == []


def test_a_missing_recording_fails_with_three_answers_as_evidence(checked: Checked) -> None:
    first, second = checked.recordings(2)
    checked.store.remove(first.key)
    checked.check()
    assert checked.state(first) == ("failed", "inventory_missing")
    assert checked.state(second) == ("verified", "")
    found = checked.finding()
    assert (found.kind, found.copy_id, found.key) == ("missing", first.copy_id, first.key)
    assert found.evidence["found"] is None and found.evidence["looked_at"]
    assert (found.evidence["soft_deleted"], found.evidence["noncurrent"]) == ([], [])
    assert found.evidence["ledger"]["sha256"] == checked.copy(first).sha256
    assert kinds(checked) == {"missing": 1}
    assert tallied(checked.company.pk) == counted(checked.company.pk)


def test_what_the_store_cannot_say_is_not_known(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.soft = checked.store.old = None
    checked.store.remove(work.key)
    checked.check()
    assert (checked.finding().evidence["soft_deleted"], checked.finding().evidence["noncurrent"]) == ("not known", "not known")
    assert checked.state(work) == ("failed", "inventory_missing")


def test_a_soft_deleted_recording_can_be_restored_until_then(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.store.soft = {work.key: former(work, "77", UNTIL)}
    checked.check()
    assert checked.state(work) == ("failed", "inventory_deleted")
    (answer,) = checked.finding().evidence["soft_deleted"]
    assert (answer["version"], answer["restorable_until"]) == ("77", UNTIL.isoformat())


def test_what_can_be_restored_is_what_was_verified_and_not_what_was_deleted_last(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.store.others = [FormerObject(work.key, 3, "99", restorable_until=UNTIL)]
    checked.store.soft = {work.key: former(work, "77", UNTIL)}
    checked.check()
    assert [one["version"] for one in checked.finding().evidence["soft_deleted"]] == ["77", "99"]


def test_other_bytes_that_were_deleted_restore_nothing(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.store.others = [FormerObject(work.key, 3, "99", restorable_until=UNTIL)]
    checked.check()
    assert checked.state(work) == ("failed", "inventory_missing")
    assert checked.finding().evidence["soft_deleted"][0]["version"] == "99"


def test_a_noncurrent_version_is_hidden(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.store.old = {work.key: former(work, "5")}
    checked.check()
    assert checked.state(work) == ("failed", "inventory_hidden")
    assert checked.finding().evidence["noncurrent"][0]["version"] == "5"


def test_other_bytes_under_the_name_are_a_change_with_both_values_and_both_generations(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    before = checked.copy(work)
    checked.store.overwrite(work.key, b"RIFF\0\0\0\0WAVEx")
    checked.check()
    assert checked.state(work) == ("failed", "inventory_changed")
    evidence = checked.finding().evidence
    assert (evidence["ledger"]["version"], evidence["ledger"]["size"]) == (before.version, before.size)
    assert evidence["found"]["version"] != before.version and evidence["found"]["size"] == 13
    assert evidence["read"] == {"sha256": Checked.sha256(b"RIFF\0\0\0\0WAVEx"), "looks_like": "WAV"}


def test_the_same_bytes_in_another_generation_are_noted_once_and_stay_verified(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    before = checked.copy(work)
    checked.store.overwrite(work.key, f"audio {work.recording_id}".encode())
    checked.check()
    after = checked.copy(work)
    assert (after.state, after.attempt, after.changed_at) == ("verified", before.attempt, before.changed_at)
    assert after.version != before.version
    assert checked.finding().evidence["ledger"]["version"] == before.version
    assert kinds(checked) == {}, "nothing is left to do"
    checked.check()
    assert kinds(checked, still_open=False) == {"rewritten": 1}


@pytest.mark.parametrize(
    ("data", "refused", "becomes"),
    [
        ("audio r0", False, ("verified", "")),
        ("AUDIO r0", False, ("failed", "inventory_changed")),
        ("AUDIO r0", True, ("failed", "inventory_changed")),
    ],
)
def test_another_generation_without_checksums_is_read_before_it_counts_as_the_same(
    checked: Checked, data: str, refused: bool, becomes: tuple[str, str]
) -> None:
    (work,) = checked.recordings(1)
    checked.store.overwrite(work.key, data.encode())
    checked.store.bare = checked.store.blind = True
    checked.store.refused = {work.key} if refused else set()
    checked.check()
    assert checked.state(work) == becomes


def test_what_the_buckets_own_rule_deleted_at_its_age_is_explained_and_never_fetched_again(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.now += timedelta(days=31)
    checked.deletes_after = timedelta(days=30)
    checked.check()
    assert checked.state(work) == ("excluded", "expired_by_bucket_rule")
    assert kinds(checked) == {} and kinds(checked, still_open=False) == {"expired": 1}
    checked.place(checked.planned_on(0, DAY), now=checked.now)
    assert checked.state(work) == ("excluded", "expired_by_bucket_rule")


def test_a_younger_one_that_is_gone_is_missing_whatever_the_rule(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.deletes_after = timedelta(days=30)
    checked.check()
    assert checked.state(work) == ("failed", "inventory_missing")


def test_objects_without_a_row_are_told_apart(checked: Checked) -> None:
    checked.recordings(2)
    folder = f"call-recordings/Sales/{DAY}"
    for key in (f"{folder}/Ann (copy) - c0 - r0.mp3", f"{folder}/Ann - c0 - r999.mp3", f"{folder}/x.txt", "call-recordings/Sales/"):
        checked.store.add(key)
    checked.store.add("call-recordings/.rokuon-custody/README.txt")
    one = checked.check()
    assert findings() == [
        ("double", f"{folder}/Ann (copy) - c0 - r0.mp3"),
        ("foreign", f"{folder}/Ann - c0 - r999.mp3"),
        ("stray", f"{folder}/x.txt"),
    ]
    assert (one.sights["own"], one.sights["placeholder"], one.sights["in_order"]) == (2, 1, 2)
    assert kinds(checked) == {"double": 1, "foreign": 1, "stray": 1}


def test_a_stray_is_one_finding_however_often_it_is_seen_and_over_when_it_is_gone(checked: Checked) -> None:
    checked.recordings(1)
    checked.store.add("call-recordings/x.txt")
    checked.check()
    checked.check()
    assert kinds(checked) == {"stray": 1}
    checked.store.remove("call-recordings/x.txt")
    checked.check()
    assert kinds(checked, still_open=False) == {}
    assert checked.finding().over_at is not None


def test_an_object_under_the_name_of_a_copy_that_is_not_verified_changes_nothing(checked: Checked) -> None:
    work = checked.recording(1, DAY, store=False)
    checked.store.add(work.key)
    one = checked.check()
    assert checked.state(work) == ("pending", "")
    assert (one.sights["unproven"], findings()) == (1, [])


def test_missing_stays_failed_until_a_person_asks_for_another_copy(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.check()
    began, ends = checked.now - timedelta(days=730), checked.now
    runs.take_up(checked.company.pk, [checked.center.pk], began, ends, checked.now)
    assert checked.state(work) == ("failed", "inventory_missing"), "a run does not copy it again"
    assert retry.retry(checked.company.pk, checked.now, ids=[work.copy_id]) == [work.copy_id]
    assert checked.state(work) == ("pending", "")
    assert kinds(checked) == {}


def test_missing_is_open_until_a_person_closes_it_with_a_note(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.check()
    checked.check()
    assert kinds(checked) == {"missing": 1}
    failures.close(failures.choose(checked.company.pk, None, Which(ids=[work.copy_id])), "Removed on request", "Ann", checked.now)
    assert kinds(checked) == {}
    assert [one.pk for one in inventory_findings.open_findings(checked.bucket.pk, 9)] == []


def test_a_stray_is_closed_with_a_note_and_opened_again(checked: Checked) -> None:
    checked.store.add("call-recordings/x.txt")
    checked.check()
    found = checked.finding()
    assert inventory_findings.close(checked.bucket.pk + 1, [found.pk], "ours", "Ann", checked.now) == [], "another bucket's"
    assert inventory_findings.close(checked.bucket.pk, [found.pk], "ours", "Ann", checked.now) == [found.pk]
    assert kinds(checked) == {}
    checked.check()
    assert kinds(checked) == {}, "it stays closed while it is the same object"
    assert inventory_findings.reopen(checked.bucket.pk, [found.pk]) == 1
    assert kinds(checked) == {"stray": 1}


def test_findings_of_other_targets_and_of_the_bucket_are_left_out(checked: Checked) -> None:
    mine, other = checked.recording(1, DAY), checked.recording(2, DAY, target=checked.other)
    for work in (mine, other):
        checked.store.remove(work.key)
    checked.store.add("call-recordings/x.txt")
    checked.check()
    within = [checked.center.pk]
    assert [(one.kind, one.open) for one in inventory_findings.counts(checked.bucket.pk, within)] == [("missing", 1)]
    assert [one.copy_id for one in inventory_findings.open_findings(checked.bucket.pk, 9, within)] == [mine.copy_id]
    assert [one.copy_id for one in inventory_findings.listed(checked.bucket.pk, "missing", within)] == [mine.copy_id]
    assert list(inventory_findings.listed(checked.bucket.pk, "stray", within)) == []


@pytest.mark.parametrize("closed", [False, True])
def test_the_next_manifest_has_the_changed_entry(checked: Checked, closed: bool) -> None:
    first, _second = checked.recordings(2)
    checked.listed(DAY)
    checked.issue()
    checked.store.remove(first.key)
    checked.check()
    if closed:
        failures.close(failures.choose(checked.company.pk, None, Which(ids=[first.copy_id])), "Removed", "Ann", checked.now)
    issued = checked.issue()
    day = checked.day(issued.number, DAY)
    assert day["copies"]["verified"] == 1 and day["copies"]["failed"] == 1
    assert day["explained"] == int(closed)


def test_a_recording_that_failed_an_inventory_is_one_finding_in_later_passes(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.check()
    checked.check()
    assert InventoryFinding.objects.count() == 1


def test_a_recording_that_someone_restores_is_verified_again_by_its_bytes(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.store.soft = {work.key: former(work, "77", UNTIL)}
    checked.check()
    checked.store.add(work.key, f"audio {work.recording_id}".encode())
    checked.now += timedelta(minutes=5)
    checked.check()
    copy = checked.copy(work)
    assert (copy.state, copy.reason, copy.given_up) == ("verified", "", [])
    assert kinds(checked) == {} and kinds(checked, still_open=False) == {"deleted": 1, "returned": 1}
    ledger = InventoryFinding.objects.get(kind="returned").evidence["ledger"]
    assert "verified_at" not in ledger and ledger["failed_at"], "it was not verified when it was found again"
    assert checked.check().sights == {"in_order": 1, "own": 1}
    assert tallied(checked.company.pk) == counted(checked.company.pk)


@pytest.mark.parametrize("data", [b"audio r1", b"other bytes of another length"])
def test_other_bytes_under_the_name_of_a_missing_recording_prove_nothing(checked: Checked, data: bytes) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.check()
    checked.store.add(work.key, data)
    checked.check()
    assert checked.state(work) == ("failed", "inventory_missing")
    assert kinds(checked) == {"missing": 1}


def test_what_a_person_has_sent_back_is_not_taken_for_restored(checked: Checked) -> None:
    (work,) = checked.recordings(1)
    checked.store.remove(work.key)
    checked.check()
    retry.retry(checked.company.pk, checked.now, ids=[work.copy_id])
    checked.store.add(work.key, f"audio {work.recording_id}".encode())
    checked.now += timedelta(minutes=5)
    assert checked.check().sights["unproven"] == 1
    assert checked.state(work) == ("pending", "")
