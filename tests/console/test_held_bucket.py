"""A held bucket: the hold first, the cure, who can fix it, and what resumed after it was verified."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from rokuon.domain.failures import HoldOn
from rokuon.ledger import holds
from rokuon.ledger.models import Copy, Hold
from rokuon.org import services
from rokuon.org.models import Bucket

from .conftest import Role, World
from .copies import add_copy
from .test_buckets import gcs, here  # noqa: F401  (fixtures)
from .test_cause import page, words
from .test_failures import copy_of


def hold(world: World, bucket: Bucket | None = None, reason: str = "bucket_unmarked") -> Hold:
    bucket, now = bucket or world.bucket, timezone.now()
    return Hold.objects.create(
        company=world.company,
        on="bucket",
        ref=str(bucket.pk),
        reason=reason,
        detail="the folder is not there",
        since=now - timedelta(hours=3),
        probe_at=now + timedelta(minutes=20),
    )


def url_of(world: World, bucket: Bucket | None = None) -> str:
    return world.url(f"settings/buckets/{(bucket or world.bucket).pk}/")


def opening(source: str) -> str:
    return words(source.partition('<header class="answer">')[2].partition("</header>")[0])


def test_a_held_bucket_opens_with_the_hold_and_the_cure(world: World) -> None:
    hold(world)
    shown = page(world.admin, url_of(world))
    assert "Backups to acme-recordings are on hold On hold Rokuon's marker is gone" in opening(shown).replace("  ", " ")
    assert "Verify again" in opening(shown)
    assert shown.count("Verify again") == 1, "one primary button"
    said = words(shown)
    assert "The operator of this Rokuon installation can fix this." in said
    assert "the folder is not there" in said


def test_no_button_verifies_a_bucket_whose_seals_are_newer_than_the_database(world: World) -> None:
    hold(world, reason="ledger_behind_bucket")
    shown = page(world.admin, url_of(world))
    assert "rokuon custody continue" in opening(shown)
    assert "Verify again" not in shown


def test_the_list_names_the_hold_before_the_last_verification(world: World) -> None:
    hold(world)
    Bucket.objects.filter(pk=world.bucket.pk).update(verification={"ok": True, "steps": [], "advice": []}, verified_at=timezone.now())
    row = words(page(world.admin, world.url("settings/buckets/")).partition("<tbody>")[2])
    assert row.index("On hold") < row.index("verified")
    assert "Rokuon's marker is gone" in row


def test_a_bucket_without_a_hold_says_nothing_of_one(world: World) -> None:
    hold(world).delete()
    for shown in (page(world.admin, url_of(world)), page(world.admin, world.url("settings/buckets/"))):
        assert "on hold" not in shown
        assert "On hold" not in shown
        assert "resumed" not in shown


def test_an_office_admin_sees_the_hold_and_cannot_verify(world: World) -> None:
    hold(world, reason="bucket_forbidden")
    boss, browser = world.person(Role.COMPANY_ADMIN), world.client(Role.OFFICE_ADMIN, world.osaka)
    shown = page(browser, url_of(world))
    assert "are on hold" in shown
    assert "A company admin can fix this." in shown
    assert boss.email in shown
    assert "Verify again" not in shown
    assert browser.post(url_of(world) + "verify/").status_code == 403
    assert world.client(Role.VIEWER).get(url_of(world)).status_code == 403


def test_the_answer_of_a_bucket_that_only_other_offices_use_is_not_shown(world: World) -> None:
    other = services.register_bucket(world.company, "gs://acme-tokyo")
    services.change(world.company, {"restricted": False})
    services.change(world.tokyo, {"customized": True, **services.choice(world.tokyo, other)})
    hold(world, other)
    assert "the folder is not there" not in page(world.client(Role.OFFICE_ADMIN, world.osaka), url_of(world, other))
    assert "the folder is not there" in page(world.client(Role.OFFICE_ADMIN, world.tokyo), url_of(world, other))


def lift(world: World) -> None:
    """What a probe does when the cause is gone."""
    holds.lift(world.company.pk, HoldOn.BUCKET, str(world.bucket.pk), timezone.now())


@pytest.mark.parametrize("place", ["", "notices/"])
def test_a_hold_that_a_probe_lifted_is_reported_on_the_overview_and_the_page_of_notices(world: World, place: str) -> None:
    for number in range(14):
        add_copy(world.sales, world.bucket, number, state="pending")
    hold(world)
    assert "have resumed" not in words(page(world.admin, world.url(place)))
    lift(world)
    assert re.search(r"acme-recordings ?: Backups have resumed: 14 recordings\.", words(page(world.admin, world.url(place))))
    Hold.objects.update(lifted_at=timezone.now() - timedelta(days=2))
    assert "have resumed" not in words(page(world.admin, world.url(place))), "it is old news"


def test_who_does_not_see_the_company_reads_no_number_and_nothing_of_other_buckets(world: World) -> None:
    add_copy(world.sales, world.bucket, 1, state="pending")
    hold(world)
    lift(world)
    said = words(page(world.client("viewer", world.osaka), world.url()))
    assert "Backups have resumed." in said
    other = services.register_bucket(world.company, "gs://tokyo-only")
    services.change(world.osaka, {"customized": True, **services.choice(world.osaka, other)})
    assert "have resumed" not in words(page(world.client("viewer", world.osaka), world.url()))


def test_a_bucket_that_is_held_again_has_not_resumed(world: World) -> None:
    hold(world)
    lift(world)
    hold(world)
    assert "have resumed" not in words(page(world.admin, world.url()))


def test_verifying_a_held_bucket_says_how_many_recordings_resumed(world: World, here: Path) -> None:  # noqa: F811
    (here / "acme").mkdir()
    copies = [copy_of(world.sales, number, "failed", "x").pk for number in range(3)]
    browser = world.admin
    form = {"kind": "folder", "name": "", "root": "0", "folder": "acme", "whose": "machine"}
    browser.post(world.url("settings/buckets/new/"), form, follow=True)
    bucket = Bucket.objects.get(url__startswith="file://")
    hold(world, bucket)
    Copy.objects.filter(pk__in=copies).update(state="pending", reason="", due_at=timezone.now(), bucket=bucket)
    answer = browser.post(url_of(world, bucket) + "verify/", follow=True)
    shown = answer.content.decode()
    assert "Backups have resumed: 3 recordings." in words(shown.partition('class="notice')[2].partition("</div>")[0])
    assert "Backups have resumed: 3 recordings." in opening(page(browser, url_of(world, bucket))), "it stays on the page"
    office = page(world.client(Role.OFFICE_ADMIN, world.osaka), url_of(world, bucket))
    assert "Backups have resumed." in office
    assert "3 recordings" not in office, "the number counts other offices too"


def test_a_verification_that_fails_resumes_nothing(world: World, here: Path) -> None:  # noqa: F811
    bucket = services.register_bucket(world.company, (here / "gone").as_uri())
    hold(world, bucket)
    answer = world.admin.post(url_of(world, bucket) + "verify/", follow=True)
    assert "resumed" not in answer.content.decode()
    assert Hold.objects.get().lifted_at is None


@pytest.mark.parametrize(("days", "shown"), [(6, True), (8, False)])
def test_a_hold_lifted_long_ago_is_not_mentioned(world: World, days: int, shown: bool) -> None:
    Hold.objects.filter(pk=hold(world).pk).update(lifted_at=timezone.now() - timedelta(days=days), released=14)
    assert ("Backups have resumed: 14 recordings." in page(world.admin, url_of(world))) is shown


def test_a_hold_lifted_by_an_earlier_version_has_no_number(world: World) -> None:
    Hold.objects.filter(pk=hold(world).pk).update(lifted_at=timezone.now())
    assert "Backups have resumed." in page(world.admin, url_of(world))
