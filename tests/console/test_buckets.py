"""Registering and verifying buckets from the web: what is accepted, what is said step by step, what is never accepted (M5, Q11, Q25)."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from rokuon.accounts.models import AuditEntry
from rokuon.config import Config
from rokuon.console.buckets.check_views import KEPT
from rokuon.console.web.installation import installation
from rokuon.org import services
from rokuon.org.models import Bucket
from rokuon.runtime.installation import init
from tests.e2e.gcs import PRINCIPAL, GcsThread

from .conftest import Role, World
from .copies import add_copy


@pytest.fixture
def gcs() -> Iterator[GcsThread]:
    with GcsThread() as running:
        yield running


@pytest.fixture
def here(gcs: GcsThread, outer: Path, embedded_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation whose Google is the double; the folder in which local buckets may lie."""
    monkeypatch.setenv("ROKUON_DATA_DIR", str(outer / "data"))
    monkeypatch.setenv("ROKUON_DATABASE_URL", embedded_dsn)
    monkeypatch.setenv("ROKUON_STORAGE_EMULATOR_HOST", gcs.double.url)
    init(Config.load())
    installation.cache_clear()
    yield outer / "data" / "buckets"
    installation.cache_clear()


def text(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def register(browser: Client, world: World, **given: object) -> HttpResponse:
    """The page that the person ends on."""
    data = {"kind": "gcs", "name": "", "root": "0", "folder": "", "whose": "machine", **given}
    return browser.post(world.url("settings/buckets/new/"), data, follow=True)  # type: ignore[return-value]


def test_a_bucket_is_registered_once_it_is_verified(world: World, here: Path, gcs: GcsThread) -> None:
    page = register(world.admin, world, name="recordings", whose="key", key=gcs.key)
    said = text(page)
    assert "Rokuon can write to recordings, read back what it wrote and list it." in said
    assert "Its folder call-recordings/ is there." in said
    bucket = Bucket.objects.get(url="gs://recordings")
    assert bucket.verification["ok"] and bucket.verified_at is not None
    assert [name for name in gcs.objects() if name.startswith("call-recordings/")]
    entry = AuditEntry.objects.get(action="bucket.register")
    assert (entry.subject, entry.person is not None, PRINCIPAL in entry.after["credential"]) == ("gs://recordings", True, True)


def test_the_key_is_sealed_and_never_shown(world: World, here: Path, gcs: GcsThread) -> None:
    key = json.dumps(json.loads(gcs.key) | {"private_key_id": "0123456789abcdef"})
    page = register(world.admin, world, name="recordings", whose="key", key=key)
    secret = json.loads(key)["private_key"]
    assert f"{PRINCIPAL} …cdef" in text(page)
    assert secret[100:160] not in page.content.decode()
    assert secret[100:160] not in Bucket.objects.get(url="gs://recordings").credential
    assert not AuditEntry.objects.filter(after__icontains="PRIVATE KEY").exists()


def test_too_much_right_is_advised_against(world: World, here: Path, gcs: GcsThread) -> None:
    key = gcs.double.service_account("all@p.iam.gserviceaccount.com", "objectUser")
    page = register(world.admin, world, name="recordings", whose="key", key=key)
    assert "It can also delete and overwrite: we recommend the roles Storage Object Creator and Storage Object Viewer" in text(page)


def test_a_folder_of_this_machine_is_registered(world: World, here: Path) -> None:
    (here / "acme").mkdir()
    page = register(world.admin, world, kind="folder", folder="acme")
    assert "read back what it wrote and list it" in text(page)
    assert Bucket.objects.filter(url=(here / "acme").resolve().as_uri()).exists()


def test_a_bucket_that_refuses_is_tried_again_until_the_right_arrives(world: World, here: Path, gcs: GcsThread) -> None:
    browser, key = world.admin, gcs.double.service_account("late@p.iam.gserviceaccount.com")
    page = register(browser, world, name="recordings", whose="key", key=key)
    said, html = text(page), page.content.decode()
    assert "bucket_forbidden" in said and "checks again every 10 seconds" in said
    assert 'hx-trigger="submit, every 10s"' in html
    assert not Bucket.objects.filter(url="gs://recordings").exists()
    tried = browser.post(world.url("settings/buckets/check/try/"), headers={"hx-request": "true"})
    assert (tried.status_code, "bucket_forbidden" in tried.content.decode(), "<html" in tried.content.decode()) == (200, True, False)
    gcs.double.bucket.grant("late@p.iam.gserviceaccount.com", "objectCreator", "objectViewer")
    done = browser.post(world.url("settings/buckets/check/try/"), headers={"hx-request": "true"})
    bucket = Bucket.objects.get(url="gs://recordings")
    assert (done.status_code, done["HX-Redirect"]) == (204, world.url(f"settings/buckets/{bucket.pk}/"))
    assert KEPT not in browser.session


def test_it_stops_trying_by_itself_after_seven_minutes(world: World, here: Path, gcs: GcsThread) -> None:
    browser = world.admin
    register(browser, world, name="recordings", whose="key", key=gcs.double.service_account("late@p.iam.gserviceaccount.com"))
    session = browser.session
    session[KEPT]["since"] = (timezone.now() - timedelta(minutes=8)).isoformat()
    session.save()
    page = browser.get(world.url("settings/buckets/check/")).content.decode()
    assert 'hx-trigger="submit"' in page and "Verify again now" in page


def test_what_waits_in_the_session_is_sealed(world: World, here: Path, gcs: GcsThread) -> None:
    browser, key = world.admin, gcs.double.service_account("late@p.iam.gserviceaccount.com")
    register(browser, world, name="recordings", whose="key", key=key)
    kept = browser.session[KEPT]
    assert kept["sealed"] and "PRIVATE KEY" not in str(kept) and "late@" not in str(kept)


def test_a_bucket_that_is_missing_or_another_companys_is_said_so(world: World, here: Path, gcs: GcsThread) -> None:
    gone = register(world.admin, world, name="no-such-bucket", whose="key", key=gcs.key)
    assert "bucket_missing" in text(gone)
    zenith = world.client(Role.COMPANY_ADMIN, company=world.other)
    other = World(**{**vars(world), "company": world.other})
    assert "list it" in text(register(zenith, other, name="recordings", whose="key", key=gcs.key))
    Bucket.objects.filter(url="gs://recordings").update(url="gs://renamed")
    claimed = text(register(world.admin, world, name="recordings", whose="key", key=gcs.key))
    assert "bucket_claimed_by_other" in claimed and "Zenith" not in claimed


def test_a_bucket_that_another_company_registered_is_refused_without_saying_whose(world: World, here: Path) -> None:
    page = register(world.admin, world, name="zenith-recordings")
    assert page.status_code == 422
    said = text(page).replace("zenith-recordings", "")
    assert "belongs to another company" in said and "enith" not in said


@pytest.mark.parametrize(
    "given",
    [
        {"name": "http://169.254.169.254/"},
        {"name": "gs://127.0.0.1"},
        {"name": "memory://acme"},
        {"name": "s3://bucket"},
        {"name": "file:///etc"},
        {"name": "good-name/../other"},
        {"name": "good-name?endpoint=http://10.0.0.1"},
        {"name": "my-google-bucket"},
        {"name": ""},
        {"name": "UPPER"},
        {"name": "a\nb"},
        {"kind": "folder", "folder": "/etc"},
        {"kind": "folder", "folder": "../.."},
        {"kind": "folder", "folder": "a/../../x"},
        {"kind": "folder", "folder": "link-out"},
        {"kind": "folder", "folder": "x", "root": "7"},
        {"kind": "folder", "folder": "x", "root": "-1"},
        {"kind": "folder", "folder": "x", "root": ""},
        {"kind": "s3", "name": "recordings"},
        {"name": "recordings", "whose": "key", "key": ""},
        {"name": "recordings", "whose": "key", "key": "{}"},
        {"name": "recordings", "whose": "key", "key": '{"type": "external_account", "credential_source": {"file": "/etc/passwd"}}'},
    ],
    ids=str,
)
def test_nothing_but_google_and_the_operators_folders_is_accepted(world: World, here: Path, given: dict[str, str]) -> None:
    (here / "link-out").symlink_to("/etc")
    page = register(world.admin, world, **given)
    assert page.status_code == 422
    assert 'class="error"' in page.content.decode()
    assert not Bucket.objects.exclude(url__in=["gs://acme-recordings", "gs://zenith-recordings"]).exists()


def test_a_key_that_names_another_token_address_is_refused(world: World, here: Path, gcs: GcsThread) -> None:
    key = json.dumps(json.loads(gcs.key) | {"token_uri": "http://169.254.169.254/token"})
    page = register(world.admin, world, name="recordings", whose="key", key=key)
    assert page.status_code == 422
    assert "token_uri" in text(page) and "PRIVATE KEY" not in page.content.decode()


@pytest.mark.parametrize("role", [Role.OFFICE_ADMIN, Role.VIEWER])
def test_only_company_admins_register_and_verify(world: World, role: str) -> None:
    browser = world.client(role, world.tokyo)
    assert browser.get(world.url("settings/buckets/new/")).status_code == 403
    assert browser.post(world.url("settings/buckets/new/"), {"kind": "gcs", "name": "recordings"}).status_code == 403
    assert browser.post(world.url(f"settings/buckets/{world.bucket.pk}/verify/")).status_code == 403
    assert browser.post(world.url(f"settings/buckets/{world.bucket.pk}/credential/")).status_code == 403


def test_another_companys_bucket_is_not_there(world: World) -> None:
    foreign = Bucket.objects.get(company=world.other)
    for rest in ("", "credential/"):
        assert world.admin.get(world.url(f"settings/buckets/{foreign.pk}/{rest}")).status_code == 404
    assert world.admin.post(world.url(f"settings/buckets/{foreign.pk}/verify/")).status_code == 404


def test_a_new_credential_replaces_the_old_one_only_if_it_works(world: World, here: Path, gcs: GcsThread) -> None:
    browser = world.admin
    register(browser, world, name="recordings", whose="key", key=gcs.key)
    bucket = Bucket.objects.get(url="gs://recordings")
    url, powerless = world.url(f"settings/buckets/{bucket.pk}/credential/"), gcs.double.service_account("none@p.iam.gserviceaccount.com")
    page = browser.post(url, {"whose": "key", "key": powerless}, follow=True)
    assert "the bucket keeps the credential that it has" in text(page)  # type: ignore[arg-type]
    assert Bucket.objects.get(pk=bucket.pk).credential == bucket.credential
    works = gcs.double.service_account("new@p.iam.gserviceaccount.com", "objectCreator", "objectViewer")
    assert "new@p.iam" in text(browser.post(url, {"whose": "key", "key": works}, follow=True))  # type: ignore[arg-type]
    assert Bucket.objects.get(pk=bucket.pk).credential != bucket.credential
    assert browser.post(url, {"whose": "key", "key": ""}).status_code == 422


def test_choosing_a_bucket_verifies_it_and_says_so(world: World, here: Path, gcs: GcsThread) -> None:
    browser = world.admin
    register(browser, world, name="recordings", whose="key", key=gcs.key)
    bucket = Bucket.objects.get(url="gs://recordings")
    for role in (browser, world.client(Role.OFFICE_ADMIN, world.tokyo)):
        services.change(world.tokyo, services.choice(world.tokyo, None))
        world.tokyo.refresh_from_db()
        data = {"revision": world.tokyo.revision, "customized": "on", "bucket": bucket.pk}
        url = world.url(f"settings/office/{world.tokyo.pk}/save/")
        token = re.search(r'name="confirmed" value="(\w+)"', role.post(url, data, follow=True).content.decode())
        assert token is not None
        page = role.post(url, {**data, "confirmed": token[1]}, follow=True)
        assert "Rokuon can write to recordings" in text(page)  # type: ignore[arg-type]
    gcs.double.bucket.exists = False
    again = browser.post(world.url(f"settings/buckets/{bucket.pk}/verify/"), follow=True)
    assert "bucket_missing" in text(again)  # type: ignore[arg-type]
    assert not Bucket.objects.get(pk=bucket.pk).verification["ok"]


def test_a_bucket_is_started_again_only_on_purpose(world: World, here: Path) -> None:
    browser = world.admin
    (here / "acme").mkdir()
    register(browser, world, kind="folder", folder="acme")
    bucket = Bucket.objects.get(url=(here / "acme").resolve().as_uri())
    copy = add_copy(world.sales, bucket, 1)
    page = browser.post(world.url(f"settings/buckets/{bucket.pk}/verify/"), follow=True)
    assert "are no longer in it" in text(page)  # type: ignore[arg-type]
    url = world.url(f"settings/buckets/{bucket.pk}/restart/")
    assert url in page.content.decode()
    shown = text(browser.get(url))  # type: ignore[arg-type]
    assert "1 recording counts as verified in this bucket." in shown and "1 of 1 are not there" in shown
    assert "This is another bucket, or it was emptied in whole or in part." in shown
    refused = browser.post(url, {"note": "the disk <was> replaced"})
    assert (refused.status_code, "the disk &lt;was&gt; replaced" in refused.content.decode()) == (422, True), "what was typed is kept"
    silent = browser.post(url, {"on_purpose": "on", "note": " "})
    assert (silent.status_code, "1 of the 1 recordings that Rokuon looked for are not there" in text(silent)) == (422, True)  # type: ignore[arg-type]
    copy.refresh_from_db()
    assert copy.state == "verified"
    done = browser.post(url, {"on_purpose": "on", "note": "the disk <was> replaced"}, follow=True)
    assert "1 is not there and counts as failed now" in text(done)  # type: ignore[arg-type]
    copy.refresh_from_db()
    assert (copy.state, copy.reason) == ("failed", "object_missing")
    assert AuditEntry.objects.get(action="bucket.restart").after == {"verified": 1, "missing": 1, "note": "the disk <was> replaced"}


def test_another_companys_bucket_is_not_started_again(world: World) -> None:
    foreign = Bucket.objects.get(company=world.other)
    url = world.url(f"settings/buckets/{foreign.pk}/restart/")
    assert [world.admin.get(url).status_code, world.admin.post(url, {"on_purpose": "on"}).status_code] == [404, 404]
    assert world.client(Role.OFFICE_ADMIN, world.tokyo).post(url, {"on_purpose": "on"}).status_code == 403


def test_a_key_with_a_byte_order_mark_is_taken_and_told_by_its_account(world: World, here: Path, gcs: GcsThread) -> None:
    page = register(world.admin, world, name="recordings", whose="key", key="\ufeff" + gcs.key)
    assert "read back what it wrote and list it" in text(page)
    assert PRINCIPAL in text(page)


def test_a_file_of_another_kind_is_named(world: World, here: Path) -> None:
    page = register(world.admin, world, name="recordings", whose="key", key='{"type": "authorized_user", "refresh_token": "1//x"}')
    assert page.status_code == 422
    assert "own sign-in (authorized_user)" in text(page)
