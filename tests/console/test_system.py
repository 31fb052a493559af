"""The system page: what a person would otherwise guess about the installation, and who may see it."""

import re
import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from rokuon.accounts.models import Membership, Person
from rokuon.base.addresses import public_url
from rokuon.events.models import Hint, Hook
from rokuon.ledger.models import Call, Run
from rokuon.notify.models import Mail
from rokuon.org import budget
from rokuon.org.models import Budget, Company
from rokuon.wiring.webhook_upkeep import hook_url

from .conftest import Role, World
from .copies import add_copy

NOW = timezone.now()
TOKYO = timedelta(hours=9)
PUBLIC = public_url("https://rokuon.acme.example")
REACHED = override_settings(ROKUON_PUBLIC_URL=PUBLIC, ALLOWED_HOSTS=["*"])
WITH_MAIL = override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="mail.acme.example", EMAIL_PORT=587)
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def ready(world: World) -> None:
    Company.objects.update(api_key="sealed")


def text(browser: Client, url: str) -> str:
    answer = browser.get(url, secure=True)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def page(world: World) -> str:
    return text(world.admin, world.url("system/"))


def worker(seconds_ago: float) -> None:
    with connection.cursor() as cursor:
        for _slot in ("live", "bulk"):
            cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s))", [seconds_ago])


def hook(world: World, **about: Any) -> Hook:
    made = Hook.objects.create(company=world.company, secret="sealed", **{"checked_at": NOW, "since": NOW - timedelta(days=30)} | about)
    Hook.objects.filter(pk=made.pk).update(address=about.get("address", hook_url(PUBLIC.origin, made)))
    return made


def calls(world: World, many: int, lost: int) -> None:
    """Recorded calls of yesterday; the first `lost` came without an event."""
    started = NOW - timedelta(days=1)
    for number in range(many):
        Call.objects.create(target=world.sales, call_id=f"c{number}", started_at=started, was_recorded=True, recordings=1)
        if number >= lost:
            Hint.objects.create(
                company=world.company, digest=f"d{number}", call_id=f"c{number}", state="hangup", started_at=started, received_at=started,
                result="found",
            )  # fmt: skip


def test_company_admins_see_it_and_operators_who_have_a_role_there(world: World) -> None:
    assert world.admin.get(world.url("system/")).status_code == 200
    for role, office in ((Role.VIEWER, None), (Role.OFFICE_ADMIN, world.tokyo)):
        assert world.client(role, office).get(world.url("system/")).status_code == 403
    operator = world.person(Role.VIEWER, world.tokyo)
    Person.objects.filter(pk=operator.pk).update(is_operator=True)
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(Person.objects.get(pk=operator.pk))
    assert f'href="{world.url("system/")}"' in browser.get(world.url()).content.decode()
    assert browser.get(world.url("system/")).status_code == 200
    Membership.objects.filter(person=operator).delete()
    assert browser.get(world.url("system/")).status_code == 404, "an operator alone sees no company"
    assert world.client(Role.COMPANY_ADMIN, company=world.other).get(world.url("system/")).status_code == 404


def test_a_missing_worker_is_said_with_when_it_was_last_seen(world: World) -> None:
    assert re.search(r"Workers +none is running", page(world))
    worker(3600)
    found = page(world)
    assert "1 system problem needs attention" in found
    assert f"{timezone.now() - timedelta(seconds=3600) + TOKYO:%Y-%m-%d %H:}" in found
    worker(1)
    assert re.search(r"Workers +1 alive", page(world))


def test_the_last_sweep_is_on_time_late_or_not_begun(world: World) -> None:
    assert "none has ended yet" in page(world)
    about = {
        "scope_kind": "company",
        "scope_id": 0,
        "targets": [],
        "since": NOW - timedelta(hours=3),
        "until": NOW,
        "purpose": "sweep_3h",
        "state": "finished",
    }
    Run.objects.create(company=world.company, finished_at=NOW - timedelta(hours=2), **about)
    assert re.search(r"Last sweep +late", page(world))
    Run.objects.create(company=world.company, finished_at=NOW, **about)
    assert re.search(r"Last sweep +on time", page(world))
    Company.objects.update(api_key="")
    assert re.search(r"Last sweep +not begun", page(world))


def test_without_a_public_address_the_page_says_what_that_costs_and_how_to_change_it(world: World) -> None:
    found = page(world)
    assert "no event comes and sweeps find the calls: up to 10 minutes after" in found
    assert "ROKUON_PUBLIC_URL" in found
    assert "not needed" in found


@REACHED
@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, "registered"),
        ({"checked_at": None}, "being made"),
        ({"address": "https://old.example/hooks/dialpad/x"}, "being changed"),
        ({"reason": "source_key_refused"}, "could not be made"),
    ],
)
def test_the_webhook_is_told_as_it_stands(world: World, about: dict[str, Any], said: str) -> None:
    hook(world, **about)
    found = page(world)
    assert re.search(rf"Webhook and subscription at Dialpad +{said}", found)
    assert ("Enter a current company-admin key" in found) == ("reason" in about)
    assert Hook.objects.get().path not in found, "the address is half of the key"


@REACHED
def test_a_webhook_that_was_never_asked_for_is_being_made(world: World) -> None:
    assert "being made" in page(world)
    Company.objects.update(enabled=False)
    assert "not made yet" in page(world)


@REACHED
def test_w4_a_flood_of_unsigned_requests_is_told_for_a_week(world: World) -> None:
    hook(world, flood_at=timezone.now() - timedelta(days=6))
    assert "More than 20 requests in a minute" in page(world)
    Hook.objects.update(flood_at=timezone.now() - timedelta(days=8))
    assert "More than 20 requests" not in page(world)


@REACHED
def test_calls_without_an_event_are_counted_on_both_pages(world: World) -> None:
    calls(world, 40, 3)
    assert "came without an event" not in page(world)
    hook(world, event_at=timezone.now() - timedelta(minutes=5))
    said = "3 of 40 recorded calls of the last 7 days came without an event and were found by a sweep."
    found = page(world)
    assert said in found
    assert "7.5%" in found
    assert re.search(r"Last event +5 min", found)
    assert said not in text(world.admin, world.url()), "nothing was found yet, so the overview has no such panel"
    add_copy(world.sales, world.bucket, 1, state="pending")
    assert said in text(world.admin, world.url())


@REACHED
def test_that_no_event_was_missing_is_said_without_a_count_of_nothing(world: World) -> None:
    calls(world, 40, 0)
    hook(world, event_at=timezone.now() - timedelta(minutes=5))
    assert "All 40 recorded calls of the last 7 days came with an event." in page(world)
    assert "without an event and" not in page(world)


@REACHED
def test_an_office_is_not_told_how_many_calls_the_company_has(world: World) -> None:
    calls(world, 40, 3)
    hook(world)
    assert "of 40 recorded calls" not in text(world.client(Role.OFFICE_ADMIN, world.tokyo), world.url())


def test_no_mail_server_is_said_with_the_setting(world: World) -> None:
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend"):
        assert "ROKUON_SMTP_URL" in page(world)


@WITH_MAIL
def test_what_waits_for_the_mail_server_is_said_with_the_reason(world: World) -> None:
    assert re.search(r"Mail server +mail.acme.example:587", page(world))
    about = {"company": world.company, "occasion": "opened", "to": "a@acme.example", "language": "en", "letter": {}}
    Mail.objects.create(sent_at=NOW, **about)
    assert re.search(r"Outbox +nothing waits", page(world))
    Mail.objects.create(due_at=NOW + timedelta(minutes=5), error="server:535", tries=1, **about)
    found = page(world)
    assert re.search(r"Outbox +1 mail waits", found)
    assert "(535)" in found


@pytest.mark.parametrize(("free", "said"), [(1 << 40, "enough"), (900 << 20, "nearly full"), (50 << 20, "full")])
def test_disks_are_told_with_what_is_free(world: World, monkeypatch: pytest.MonkeyPatch, free: int, said: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1 << 41, 0, free))
    assert re.search(rf"Disk of the data folder +{said} ", page(world))


def test_a_folder_that_is_not_on_this_machine_is_no_fault(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ROKUON_DATA_DIR", str(tmp_path / "elsewhere"))
    assert re.search(r"Disk of the data folder +not on this machine", page(world))


def test_versions_and_the_database_are_named(world: World) -> None:
    found = page(world)
    assert re.search(r"PostgreSQL 1\d", found)
    assert re.search(r"Rokuon +\d+\.\d+", found)


def test_the_page_is_japanese_too(world: World) -> None:
    browser = world.admin
    browser.post("/language/", {"language": "ja"})
    found = text(browser, world.url("system/"))
    assert "ワーカー" in found
    assert "Start one" not in found


def test_the_page_asks_little_of_the_database(world: World, django_assert_max_num_queries: Any) -> None:
    hook(world)
    browser = world.admin
    with django_assert_max_num_queries(34):
        browser.get(world.url("system/"))


# --- requests to Dialpad --------------------------------------------------------------------------------------------------


def test_the_budget_is_told_as_it_is_used(world: World) -> None:
    worker(1)
    assert "Requests to Dialpad" in page(world)
    assert "15 a second at most" in page(world)


def test_a_pause_that_dialpad_asked_for_is_told_on_every_page(world: World) -> None:
    worker(1)
    budget.slow_down(world.company.pk, 600, asked=600)
    until = f"{datetime.now(UTC) + timedelta(seconds=600) + TOKYO:%Y-%m-%d %H:%M}"
    for place in ("", "system/", "recordings/", "failures/"):
        shown = text(world.admin, world.url(place))
        assert f"Dialpad asked for a pause until {until} Asia/Tokyo." in shown
    assert "asks again" not in page(world)


def test_a_pause_longer_than_rokuon_waits_also_says_when_it_asks_again(world: World) -> None:
    worker(1)
    budget.slow_down(world.company.pk, 900, asked=86_400)
    again = f"{datetime.now(UTC) + timedelta(seconds=900) + TOKYO:%Y-%m-%d %H:%M}"
    assert f"Rokuon asks again at {again} Asia/Tokyo." in page(world)


def test_a_rate_that_429s_lowered_is_told_beside_the_set_one(world: World) -> None:
    worker(1)
    Budget.objects.update(lowered_to=5.25, lowered_at=NOW, throttled_at=NOW)
    assert "5.3 of 15 requests/s" in page(world) or "5.2 of 15 requests/s" in page(world)
