"""The page of the certificate: the form, the figures, what is said first, who sees what, and the downloads."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from rokuon.accounts.models import AuditEntry
from rokuon.completeness.options import fingerprint
from rokuon.ledger.models import Copy, Coverage
from rokuon.org import services
from rokuon.org.models import Office, Target

from .conftest import Role, World
from .copies import add_copy

DAY = datetime(2026, 10, 14, 3, tzinfo=UTC)
ASKED = "?of=company&since=2026-10-14&until=2026-10-14"


def key(target: Target, number: int) -> str:
    return f"call-recordings/{target.name}/2026-10-14/{number} - {number} - {number}.mp3"


def text(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2]).split())


@pytest.fixture
def filled(world: World) -> World:
    """Three recordings in Tokyo, one of them failed, and five in Osaka, on a day that was listed."""
    number = 0
    for target, verified, failed in ((world.sales, 2, 1), (world.desk, 5, 0)):
        for _ in range(verified):
            number += 1
            add_copy(target, world.bucket, number, started=DAY, key=key(target, number))
        for _ in range(failed):
            number += 1
            add_copy(target, world.bucket, number, started=DAY, key=key(target, number), state="failed", reason="recording_not_audio")
    how = fingerprint(world.company)
    for target in (world.sales, world.trainees, world.desk):
        for day in (DAY.date() - timedelta(days=1), DAY.date()):
            Coverage.objects.create(target=target, day=day, fingerprint=how, listed_at=timezone.now())
    return world


def test_without_days_the_page_is_a_form_of_the_last_month(filled: World) -> None:
    page = text(filled.admin, filled.url("certificate/"))
    first = re.search(r'name="since" value="(\d{4}-\d\d)-01"', page)
    assert first is not None
    assert "Show the certificate" in page
    assert "Limits" not in words(page)


def test_the_page_says_the_sum_with_its_terms_in_the_order_of_the_design(filled: World) -> None:
    said = words(text(filled.admin, filled.url("certificate/") + ASKED))
    order = (
        "Not complete: 1 unaccounted for",
        "What this certificate cannot state",
        "Who states this",
        "What was asked of Dialpad",
        "The sum",
        "What “verified” means",
        "Since when this is final",
        "How to check it without Rokuon",
        "Limits",
    )
    places = [said.index(one) for one in order]
    assert places == sorted(places)
    assert "7 recordings are in gs://acme-recordings, verified." in said
    assert "Unaccounted: 1." in said
    assert "Failed: not MP3 audio 1" in said
    assert "Provisional" in said
    assert "has no seal yet" in said


def test_a_day_that_was_not_listed_is_said_first_and_not_left_out(filled: World) -> None:
    Copy.objects.filter(state="failed").delete()
    Coverage.objects.filter(target=filled.desk, day=DAY.date()).delete()
    said = words(text(filled.admin, filled.url("certificate/") + ASKED))
    assert "Not known: part of Dialpad's list was not read" in said
    assert said.index("was not read from end to end for 1 of 3 days") < said.index("The sum")


def test_it_can_be_read_in_japanese(filled: World) -> None:
    browser = filled.admin
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "ja"
    said = words(text(browser, filled.url("certificate/") + ASKED))
    for one in ("完全性証明書", "未説明 1 件", "この証明書の限界", "証明するものではありません"):
        assert one in said


def test_one_target_is_certified_alone(filled: World) -> None:
    said = words(text(filled.admin, filled.url("certificate/") + ASKED.replace("company", f"target-{filled.desk.pk}")))
    assert "5 recordings are in gs://acme-recordings, verified." in said
    assert "--target 13" in said


@pytest.mark.parametrize("role", [Role.OFFICE_ADMIN, Role.VIEWER])
def test_who_sees_one_office_gets_its_certificate_and_nothing_of_another(filled: World, role: str) -> None:
    tokyo = services.register_bucket(filled.company, "gs://tokyo-only")
    services.change(filled.company, {"restricted": False})
    Office.objects.filter(pk=filled.tokyo.pk).update(customized=True, bucket=tokyo)
    page = text(filled.client(role, filled.osaka), filled.url("certificate/") + ASKED)
    assert "5 recordings are in gs://acme-recordings, verified." in words(page)
    for other in ("tokyo-only", "Acme Tokyo", "Acme Sales", "Not complete", "7 recordings"):
        assert other not in page
    refused = filled.client(role, filled.osaka).get(filled.url("certificate/") + ASKED.replace("company", f"target-{filled.sales.pk}"))
    assert "Acme Sales" not in refused.content.decode()
    assert "Limits" not in refused.content.decode()


def test_nobody_of_another_company_sees_it(filled: World) -> None:
    stranger = filled.client(Role.COMPANY_ADMIN, company=filled.other)
    assert stranger.get(filled.url("certificate/") + ASKED).status_code == 404
    assert stranger.post(filled.url("certificate/export/"), {"as": "CSV"}).status_code == 404


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("?of=company&since=2020-01-01&until=2026-01-01", "two years at most"),
        ("?of=company&since=14.10.2026&until=2026-10-14", "is not a date"),
        ("?of=target-999999&since=2026-10-14&until=2026-10-14", "Select a valid choice"),
        ("?since=2026-10-14", "required"),
    ],
)
def test_what_makes_no_sense_is_said_beside_the_field(filled: World, asked: str, says: str) -> None:
    page = text(filled.admin, filled.url("certificate/") + asked)
    assert says in page
    assert "Limits" not in words(page)


def test_each_download_is_in_the_audit_log_and_says_the_same(filled: World) -> None:
    browser = filled.client(Role.OFFICE_ADMIN, filled.osaka)
    form = {"of": "company", "since": "2026-10-14", "until": "2026-10-14"}
    got = {one: browser.post(filled.url("certificate/export/"), {**form, "as": one}) for one in ("CSV", "JSON", "HTML")}
    told = json.loads(got["JSON"].content)
    assert (told["sum"]["verified"], [one["target"] for one in told["targets"]]) == (5, ["Acme Desk"])
    table = b"".join(got["CSV"].streaming_content).decode()  # type: ignore[arg-type]
    assert "Acme Desk" in table and "Acme Sales" not in table
    sheet = got["HTML"].content.decode()
    assert "5 recordings are in gs://acme-recordings, verified." in sheet
    assert "<script" not in sheet and "http" not in sheet.replace("http-equiv", "")
    for answer in got.values():
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="rokuon-certificate-2026-10-14-2026-10-14.')
        assert answer.headers["Cache-Control"] == "no-store"
    entries = AuditEntry.objects.filter(action="certificate.export").order_by("pk")
    assert [(one.after["form"], one.after["since"]) for one in entries] == [(one, "2026-10-14") for one in ("CSV", "JSON", "HTML")]


def test_who_may_not_download_gets_no_button_and_no_file(filled: World) -> None:
    viewer = filled.client(Role.VIEWER)
    assert "Download as" not in text(viewer, filled.url("certificate/") + ASKED)
    form = {"of": "company", "since": "2026-10-14", "until": "2026-10-14", "as": "CSV"}
    assert viewer.post(filled.url("certificate/export/"), form).status_code == 403
    assert not AuditEntry.objects.filter(action="certificate.export").exists()


def test_a_download_that_makes_no_sense_leads_back_to_the_page(filled: World) -> None:
    answer = filled.admin.post(filled.url("certificate/export/"), {"of": "company", "since": "x", "as": "CSV"})
    assert (answer.status_code, answer.headers["Location"]) == (303, filled.url("certificate/") + "?of=company&since=x")
    answer = filled.admin.post(filled.url("certificate/export/"), {"since": "2026-10-14", "until": "2026-10-14", "as": "exe"})
    assert answer.status_code == 303
    assert not AuditEntry.objects.filter(action="certificate.export").exists()


def test_hostile_names_are_text(filled: World) -> None:
    Target.objects.filter(pk=filled.desk.pk).update(name="<script>x</script>")
    page = filled.admin.get(filled.url("certificate/") + ASKED).content.decode()
    assert "<script>x" not in page and "&lt;script&gt;x" in page


def test_the_overview_and_a_targets_page_lead_to_it(filled: World) -> None:
    assert f'href="{filled.url("certificate/")}"' in text(filled.admin, filled.url())
    link = f"{filled.url('certificate/')}?of=target-{filled.desk.pk}"
    for page in (f"two-years/?target={filled.desk.pk}", f"settings/target/{filled.desk.pk}/"):
        assert f'href="{link}"' in text(filled.admin, filled.url(page))
    assert f'value="target-{filled.desk.pk}" selected' in text(filled.admin, link)
