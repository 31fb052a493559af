"""What inventories found, on the page of a bucket and on the list of findings: evidence, closing, and who reads what."""

import html
from datetime import timedelta

import pytest
from django.utils import timezone

from rokuon.accounts.models import AuditEntry
from rokuon.ledger import inventory_passes
from rokuon.ledger.inventory_models import InventoryFinding, InventoryPass, InventorySchedule
from rokuon.ledger.models import Copy
from rokuon.org.models import Bucket
from tests.console.test_buckets import text

from .conftest import Role, World
from .copies import add_copy

UNTIL = "2026-12-07T00:00:00+00:00"


@pytest.fixture
def checked(world: World) -> InventoryPass:
    """A pass that has found a recording of Tokyo deleted, one of Osaka missing, and a stray with a hostile name."""
    now = timezone.now()
    one = inventory_passes.begin(world.company.pk, world.bucket.pk, "", now - timedelta(hours=1))
    InventoryPass.objects.filter(pk=one.pk).update(
        state="finished", ended_at=now, objects_seen=60, bytes=1234, sights={"in_order": 58, "own": 1}, classes={"STANDARD": 60}
    )
    InventorySchedule.objects.create(bucket=world.bucket, due_at=now + timedelta(hours=23))
    deleted, missing = add_copy(world.sales, world.bucket, 1), add_copy(world.desk, world.bucket, 2)
    soft = [{"version": "77", "size": 9, "deleted_at": None, "restorable_until": UNTIL}]
    for kind, copy, key, evidence in (
        ("deleted", deleted, deleted.key, {"soft_deleted": soft, "found": None, "ledger": {"size": 9}}),
        ("missing", missing, missing.key, {"soft_deleted": "not known", "noncurrent": [], "found": None}),
        ("stray", None, "call-recordings/<script>x</script>.txt", {"listed": {"size": 1}}),
    ):
        if copy is not None:
            Copy.objects.filter(pk=copy.pk).update(state="failed", reason=f"inventory_{kind}", attempt=copy.attempt + 1)
        InventoryFinding.objects.create(
            company=world.company,
            bucket=world.bucket,
            found_by=one,
            seen_by=one,
            kind=kind,
            suspected=False,
            key=key,
            copy=copy,
            attempt=copy.attempt if copy is not None else None,
            evidence=evidence,
            at=now,
        )
    return one


def bucket_page(world: World, browser: object) -> str:
    return text(browser.get(world.url(f"settings/buckets/{world.bucket.pk}/")))  # type: ignore[attr-defined]


def findings(world: World, browser: object, query: str = "") -> str:
    return html.unescape(text(browser.get(world.url(f"settings/buckets/{world.bucket.pk}/findings/{query}"))))  # type: ignore[attr-defined]


def send(world: World, browser: object, what: str, **fields: object) -> object:
    return browser.post(world.url(f"settings/buckets/{world.bucket.pk}/findings/{what}/"), fields)  # type: ignore[attr-defined]


def test_a_bucket_without_an_inventory_says_so(world: World) -> None:
    said = bucket_page(world, world.admin)
    assert "There has been none yet: a worker makes the first one." in said
    assert f"rokuon inventory --bucket {world.bucket.url}" in said


def test_the_page_of_a_bucket_has_the_last_pass_its_figures_and_each_kind_as_a_link(world: World, checked: InventoryPass) -> None:
    said = bucket_page(world, world.admin)
    assert "Whole bucket compared" in said and "In order" in said and "58" in said and "Next pass" in said
    body = world.admin.get(world.url(f"settings/buckets/{world.bucket.pk}/")).content.decode()
    for kind in ("missing", "deleted", "stray"):
        assert f"findings/?kind={kind}" in body
    assert "not known" in said, "the bucket's own rule and the store's memory"


def test_the_list_has_the_evidence_and_the_command_that_restores(world: World, checked: InventoryPass) -> None:
    said = findings(world, world.admin)
    assert "3 open findings" in said
    copy = Copy.objects.get(reason="inventory_deleted")
    assert f"gcloud storage restore '{world.bucket.url}/{copy.key}#77'" in said
    assert "version 77, can be restored until" in said and "not known" in said
    assert "Possible until:" in said


def test_names_from_the_bucket_are_shown_as_text(world: World, checked: InventoryPass) -> None:
    body = world.admin.get(world.url(f"settings/buckets/{world.bucket.pk}/findings/")).content.decode()
    assert "&lt;script&gt;x&lt;/script&gt;" in body and "<script>x" not in body


def test_one_kind_is_listed_alone_and_an_unknown_one_is_all(world: World, checked: InventoryPass) -> None:
    one = findings(world, world.admin, "?kind=stray")
    assert "Other file" in one and "inventory" not in one.split("Evidence")[0].split("Other file")[-1]
    assert findings(world, world.admin, "?kind=missing").count("Evidence") == 1
    assert findings(world, world.admin, "?kind=nonsense&after=x").count("Evidence") == 3


def test_a_stray_is_closed_with_a_note_and_opened_again(world: World, checked: InventoryPass) -> None:
    stray = InventoryFinding.objects.get(kind="stray")
    send(world, world.admin, "close", finding=stray.pk)
    stray.refresh_from_db()
    assert stray.closed_at is None, "a note is needed"
    assert send(world, world.admin, "close", finding=stray.pk, note="Our own list").status_code == 303  # type: ignore[attr-defined]
    stray.refresh_from_db()
    assert (stray.note, bool(stray.closed_by)) == ("Our own list", True)
    assert AuditEntry.objects.get(action="inventory.close").after["note"] == "Our own list"
    assert "2 open findings" in findings(world, world.admin) and "Our own list" in findings(world, world.admin)
    send(world, world.admin, "reopen", finding=stray.pk)
    assert "3 open findings" in findings(world, world.admin)


def test_a_recording_is_not_closed_here(world: World, checked: InventoryPass) -> None:
    missing = InventoryFinding.objects.get(kind="missing")
    send(world, world.admin, "close", finding=missing.pk, note="x")
    missing.refresh_from_db()
    assert missing.closed_at is None


def test_an_office_admin_reads_findings_of_its_targets_and_none_of_the_bucket(world: World, checked: InventoryPass) -> None:
    office_admin = world.client(Role.OFFICE_ADMIN, world.tokyo)
    said = findings(world, office_admin)
    assert "Deleted, can be restored" in said and "1 open finding" in said
    assert "Missing" not in said and "Other file" not in said and "Select this finding" not in said
    page = bucket_page(world, office_admin)
    assert "In order" not in page and "people who see the whole company read them" in page
    stray = InventoryFinding.objects.get(kind="stray")
    assert send(world, office_admin, "close", finding=stray.pk, note="x").status_code == 403  # type: ignore[attr-defined]
    stray.refresh_from_db()
    assert stray.closed_at is None


def test_nothing_found_is_said_only_of_a_pass_that_came_round_and_of_what_one_sees(world: World, checked: InventoryPass) -> None:
    InventoryFinding.objects.exclude(kind="missing").delete()
    office_admin = world.client(Role.OFFICE_ADMIN, world.tokyo)
    said = bucket_page(world, office_admin)
    assert "Nothing was found about recordings of yours." in said and "differs from the ledger" not in said
    InventoryPass.objects.update(state="stopped", reason="inventory_stopped")
    assert "Nothing was found" not in bucket_page(world, office_admin)
    InventoryFinding.objects.all().delete()
    InventoryPass.objects.update(state="listing", ended_at=None, reason="")
    assert "Nothing was found" not in bucket_page(world, world.admin)


@pytest.mark.parametrize(
    ("now_is", "word"),
    [
        ({"state": "gone", "reason": "recording_gone", "attempt": 9}, "Lost at Dialpad"),
        ({"state": "pending", "reason": "", "attempt": 8}, "Pending"),
    ],
)
def test_a_finding_that_is_over_says_what_became_of_the_recording(
    world: World, checked: InventoryPass, now_is: dict[str, object], word: str
) -> None:
    due = timezone.now() if now_is["state"] == "pending" else None
    Copy.objects.filter(reason="inventory_missing").update(due_at=due, **now_is)
    said = findings(world, world.admin, "?kind=missing")
    assert word in said and "Explained" not in said


def test_findings_of_another_bucket_are_not_closed_or_opened_here(world: World, checked: InventoryPass) -> None:
    stray = InventoryFinding.objects.get(kind="stray")
    other = Bucket.objects.create(company=world.company, url="gs://another-bucket")
    InventoryFinding.objects.filter(pk=stray.pk).update(bucket=other)
    send(world, world.admin, "close", finding=stray.pk, note="ours")
    stray.refresh_from_db()
    assert stray.closed_at is None
    InventoryFinding.objects.filter(pk=stray.pk).update(note="ours", closed_by="x", closed_at=timezone.now())
    send(world, world.admin, "reopen", finding=stray.pk)
    stray.refresh_from_db()
    assert stray.closed_at is not None


def test_all_objects_without_a_recording_are_a_figure(world: World, checked: InventoryPass) -> None:
    InventoryPass.objects.update(sights={"stray": 7000, "named": 1})
    assert "Belong to no recording 7,001" in bucket_page(world, world.admin)


def test_the_failures_have_the_recording_that_an_inventory_found(world: World, checked: InventoryPass) -> None:
    said = text(world.admin.get(world.url("failures/")))
    assert "no longer in the bucket" in said.lower() or "inventory_missing" in said


def test_what_belongs_to_no_recording_is_on_the_failures_of_people_who_see_the_company(world: World, checked: InventoryPass) -> None:
    said = text(world.admin.get(world.url("failures/")))
    assert "Found by an inventory" in said and f"1 : {world.bucket.url}" in said
    for reader in (world.client(Role.OFFICE_ADMIN, world.tokyo), world.client(Role.VIEWER)):
        assert "Found by an inventory" not in text(reader.get(world.url("failures/")))
