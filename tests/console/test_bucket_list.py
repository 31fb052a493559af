"""A bucket that nothing uses is removed, any is named, and a new one is offered the credential that works (M5)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from rokuon.accounts.models import AuditEntry
from rokuon.console.web.installation import installation
from rokuon.ledger.models import Hold
from rokuon.org import services
from rokuon.org.models import Bucket, Company
from rokuon.stores import google_principal
from tests.console.test_buckets import text

from .conftest import Role, World
from .copies import add_copy
from .test_drafts import stale


@pytest.fixture
def spare(world: World) -> Bucket:
    return services.register_bucket(world.company, "gs://acme-spare")


def removed(browser: Client, world: World, bucket: Bucket) -> str:
    return text(browser.post(world.url(f"settings/buckets/{bucket.pk}/remove/"), follow=True))  # type: ignore[arg-type]


def test_a_bucket_that_nothing_uses_is_removed_with_its_hold_and_the_audit_log_keeps_its_address(world: World, spare: Bucket) -> None:
    Hold.objects.create(company=world.company, on="bucket", ref=str(spare.pk), reason="bucket_forbidden", probe_at=timezone.now())
    browser = world.admin
    page = browser.get(world.url(f"settings/buckets/{spare.pk}/remove/"))
    assert "all that is in it stay as they are" in text(page)  # type: ignore[arg-type]
    assert "gs://acme-spare is no longer registered" in removed(browser, world, spare)
    assert not Bucket.objects.filter(pk=spare.pk).exists()
    assert Hold.objects.get().lifted_at is not None
    entry = AuditEntry.objects.get(action="bucket.remove")
    assert (entry.subject, entry.before, entry.person is not None) == ("gs://acme-spare", {"url": "gs://acme-spare", "name": ""}, True)
    assert services.register_bucket(world.company, "gs://acme-spare").pk != spare.pk, "it can be registered again"


def test_a_bucket_that_a_level_chose_stays_and_the_page_names_the_level(world: World, spare: Bucket) -> None:
    services.change(world.sales, services.choice(world.sales, spare))
    said = removed(world.admin, world, spare)
    assert "gs://acme-spare is in use" in said and "It is chosen by Acme Sales: choose" in said
    assert Bucket.objects.filter(pk=spare.pk).exists()
    assert not AuditEntry.objects.filter(action="bucket.remove").exists()


def test_a_bucket_with_recordings_stays_although_no_level_uses_it_any_more(world: World, spare: Bucket) -> None:
    add_copy(world.sales, spare, 1, state="verified")
    said = removed(world.admin, world, spare)
    assert "knows 1 recording in it" in said and "give it a name" in said
    assert Bucket.objects.filter(pk=spare.pk).exists()
    assert "Remove" not in text(world.admin.get(world.url(f"settings/buckets/{spare.pk}/")))  # type: ignore[arg-type]


def test_a_bucket_is_named_and_the_name_stands_wherever_one_chooses(world: World) -> None:
    browser = world.admin
    url = world.url(f"settings/buckets/{world.bucket.pk}/name/")
    assert "The name is saved" in text(browser.post(url, {"name": "  旧 バケット  "}, follow=True))  # type: ignore[arg-type]
    entry = AuditEntry.objects.get(action="bucket.rename")
    assert (entry.before, entry.after) == ({"name": ""}, {"name": "旧 バケット"})
    for page in ("settings/", "settings/buckets/", f"settings/buckets/{world.bucket.pk}/"):
        assert "旧 バケット" in text(browser.get(world.url(page))), page  # type: ignore[arg-type]
    assert "Nothing differs" in text(browser.post(url, {"name": "旧 バケット"}, follow=True))  # type: ignore[arg-type]
    assert AuditEntry.objects.filter(action="bucket.rename").count() == 1


def test_a_name_that_is_too_long_is_refused_and_comes_back_to_be_shortened(world: World) -> None:
    page = world.admin.post(world.url(f"settings/buckets/{world.bucket.pk}/name/"), {"name": "長" * 81}, follow=True)
    assert "at most 80 characters" in text(page)  # type: ignore[arg-type]
    assert "長" * 81 in page.content.decode(), "what was typed is there"
    assert Bucket.objects.get(pk=world.bucket.pk).name == ""


@pytest.mark.parametrize("role", [Role.OFFICE_ADMIN, Role.VIEWER])
def test_only_a_company_admin_removes_or_names_a_bucket(world: World, spare: Bucket, role: str) -> None:
    browser = world.client(role, world.tokyo)
    for rest in ("remove/", "name/"):
        assert browser.post(world.url(f"settings/buckets/{spare.pk}/{rest}"), {"name": "mine"}).status_code == 403
    assert Bucket.objects.get(pk=spare.pk).name == ""


def test_another_companys_bucket_is_not_there_to_be_removed_or_named(world: World) -> None:
    foreign = Bucket.objects.get(company=world.other)
    for rest in ("remove/", "name/"):
        assert world.admin.post(world.url(f"settings/buckets/{foreign.pk}/{rest}"), {"name": "mine"}).status_code == 404
    assert Bucket.objects.get(pk=foreign.pk).name == ""


def test_removing_and_naming_ask_who_one_is_after_ten_minutes(world: World, spare: Bucket) -> None:
    browser = stale(world.admin)
    for rest in ("remove/", "name/"):
        answer = browser.post(world.url(f"settings/buckets/{spare.pk}/{rest}"), {"name": "x"})
        assert answer["Location"].startswith("/account/confirm/")
    assert Bucket.objects.get(pk=spare.pk).name == ""


# --- where one registers a bucket ---------------------------------------------------------------------------------------


def test_every_level_leads_whoever_may_to_registering_a_bucket(world: World) -> None:
    below = (f"office/{world.tokyo.pk}/", f"target/{world.sales.pk}/", f"target/{world.trainees.pk}/")
    levels = ["settings/", *(f"settings/{rest}" for rest in below)]
    for level in levels:
        assert world.url("settings/buckets/new/") in world.admin.get(world.url(level)).content.decode(), level
        for who in (world.client(Role.OFFICE_ADMIN, world.tokyo), world.client(Role.VIEWER)):
            assert world.url("settings/buckets/new/") not in who.get(world.url(level)).content.decode(), level


# --- the credential that is preselected ---------------------------------------------------------------------------------


@pytest.fixture
def machine(outer: Path, embedded_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation on a machine without a Google identity; the folder of its user's settings."""
    monkeypatch.setenv("ROKUON_DATA_DIR", str(outer / "data"))
    monkeypatch.setenv("ROKUON_DATABASE_URL", embedded_dsn)
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "K_SERVICE", "GCE_METADATA_HOST", "ROKUON_STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    installation.cache_clear()
    yield tmp_path
    installation.cache_clear()


def preselected(world: World) -> str:
    page = world.admin.get(world.url("settings/buckets/new/"))
    return str(page.context["form"]["whose"].value())


def test_where_the_machine_has_no_identity_the_companys_key_is_preselected(world: World, machine: Path) -> None:
    assert preselected(world) == "key"


def test_where_the_machine_has_an_identity_it_is_preselected(world: World, machine: Path) -> None:
    kept = {"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}
    (machine / "application_default_credentials.json").write_text(json.dumps(kept))
    assert preselected(world) == "machine"


def test_an_identity_that_cannot_be_read_is_not_preselected(world: World, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(machine / "not-there.json"))
    assert preselected(world) == "key"


def test_a_metadata_server_that_does_not_answer_is_waited_for_a_second_at_most(
    world: World, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google_principal, "_is_googles", lambda: True)
    monkeypatch.setattr(google_principal, "GCE_METADATA_BASE", "http://192.0.2.1")
    began = timezone.now()
    assert preselected(world) == "key"
    # The guide on the same page asks for the machine's principal, once more.
    assert (timezone.now() - began).total_seconds() < 4


# --- the request budget -------------------------------------------------------------------------------------------------


def budget(world: World, rate: str, **more: str) -> dict[str, object]:
    company = Company.objects.get(pk=world.company.pk)
    form = {"revision": company.revision, "enabled": "on", "bucket": company.bucket_id, "media_charge": "one"}
    return {**form, "requests_per_second": rate, **more}


def test_more_requests_than_dialpad_allows_are_refused_until_the_exception_is_confirmed(world: World) -> None:
    browser, url = world.admin, world.url("settings/save/")
    assert 'name="above_limit"' not in browser.get(world.url("settings/")).content.decode()
    refused = browser.post(url, budget(world, "20.01"))
    page = refused.content.decode()
    assert refused.status_code == 422 and "Enter at most 20." in page and 'name="above_limit"' in page
    assert Company.objects.get(pk=world.company.pk).requests_per_second == 15
    assert browser.post(url, budget(world, "25", above_limit="on")).status_code == 303
    assert Company.objects.get(pk=world.company.pk).requests_per_second == 25
    assert AuditEntry.objects.get(action="settings.change").after == {"requests_per_second": "25", "above_limit": True}


def test_what_dialpad_allows_needs_no_confirmation(world: World) -> None:
    assert world.admin.post(world.url("settings/save/"), budget(world, "20")).status_code == 303
    assert "above_limit" not in AuditEntry.objects.get(action="settings.change").after


def test_a_budget_that_was_confirmed_stays_when_something_else_is_changed(world: World) -> None:
    Company.objects.filter(pk=world.company.pk).update(requests_per_second=25)
    assert world.admin.post(world.url("settings/save/"), budget(world, "25", voicemail="on")).status_code == 303
    company = Company.objects.get(pk=world.company.pk)
    assert (company.voicemail, company.requests_per_second) == (True, 25)
