"""A form names something that somebody else removes between reading and saving: the answer says so, and keeps what was typed.

The other session has removed the row and not committed yet, so the form still reads it; the change waits for that session and then fails.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import AuditEntry, Membership, Person
from rokuon.actions import bucket_list
from rokuon.notify.models import Recipient
from rokuon.org import services
from rokuon.org.models import Bucket, Company, Office, Target
from tests.cli.conftest import wait_until

from .conftest import Role, World, make_company

pytestmark = pytest.mark.django_db(transaction=True)
SAID = "Someone else removed something that you chose here in the meantime"


@pytest.fixture
def world() -> World:
    company, bucket, tokyo, osaka, sales, trainees, desk = make_company("Acme")
    services.change(company, {"restricted": False})
    company.refresh_from_db()
    Target.objects.update(backed_up=False)
    return World(company, bucket, tokyo, osaka, sales, trainees, desk, company, tokyo, sales)


def waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(cursor.fetchone()[0])


@contextmanager
def sent_while_open(browser: Client, url: str, form: dict[str, Any]) -> Iterator[list[HttpResponseBase]]:
    """Within: a transaction. After: the form was sent before it was committed, and answered after it."""
    browser.raise_request_exception = False
    answers: list[HttpResponseBase] = []

    def send() -> None:
        answers.append(browser.post(url, form))
        connections.close_all()

    thread = Thread(target=send)
    with transaction.atomic():
        yield answers
        thread.start()
        wait_until(lambda: waiting() == 1, 5)
    thread.join()


def remove(bucket: Bucket) -> None:
    bucket_list.remove_bucket(bucket, COMMAND_LINE, timezone.now())


def level_form(node: Any, bucket: Bucket) -> dict[str, Any]:
    return {"revision": node.revision, "customized": "on", "bucket": bucket.pk}


def company_form(node: Any, bucket: Bucket) -> dict[str, Any]:
    return {"revision": node.revision, "bucket": bucket.pk, "enabled": "on", "requests_per_second": "7", "media_charge": "one"}


LEVELS: dict[str, tuple[Callable[[World], Any], Callable[[World], str], Callable[..., dict[str, Any]]]] = {
    "the company": (lambda world: world.company, lambda world: "settings/", company_form),
    "an office": (lambda world: world.tokyo, lambda world: f"settings/office/{world.tokyo.pk}/", level_form),
    "a contact center": (lambda world: world.sales, lambda world: f"settings/target/{world.sales.pk}/", level_form),
}


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_that_chooses_a_bucket_which_is_removed_keeps_its_form_and_says_what_happened(world: World, level: str) -> None:
    node_of, path, form_of = LEVELS[level]
    node, doomed, browser = node_of(world), services.register_bucket(world.company, "gs://acme-doomed"), world.admin
    page = world.url(path(world))
    with sent_while_open(browser, f"{page}save/", form_of(node, doomed)) as answers:
        remove(doomed)
    assert answers[0].status_code == 303
    assert answers[0]["Location"].startswith(f"{page}?draft=")
    shown = browser.get(answers[0]["Location"]).content.decode()
    assert SAID in shown and "What you typed is here again" in shown
    assert "gs://acme-doomed" not in shown
    if node == world.company:
        assert re.search(r'name="requests_per_second"[^>]*value="7"', shown)
    else:
        assert re.search(r'name="customized"[^>]* checked', shown)
    node.refresh_from_db()
    assert (node.revision, node.bucket_id) == (node_of(world).revision, world.bucket.pk if node == world.company else None)
    assert not AuditEntry.objects.filter(action="settings.change").exists()


def test_a_level_is_saved_if_the_bucket_is_not_removed_after_all(world: World) -> None:
    spared = services.register_bucket(world.company, "gs://acme-spared")
    with sent_while_open(world.admin, world.url(f"settings/office/{world.tokyo.pk}/save/"), level_form(world.tokyo, spared)) as answers:
        Bucket.objects.select_for_update().get(pk=spared.pk)
    assert answers[0].status_code == 303 and "draft" not in answers[0]["Location"]
    assert Office.objects.get(pk=world.tokyo.pk).bucket_id == spared.pk


def test_of_two_who_remove_a_bucket_the_second_learns_that_it_is_gone(world: World) -> None:
    doomed, browser = services.register_bucket(world.company, "gs://acme-doomed"), world.admin
    with sent_while_open(browser, world.url(f"settings/buckets/{doomed.pk}/remove/"), {}) as answers:
        remove(doomed)
    assert answers[0].status_code == 303
    assert SAID in browser.get(answers[0]["Location"], follow=True).content.decode()


def test_a_bucket_that_is_removed_while_it_is_renamed_keeps_the_name_that_was_typed(world: World) -> None:
    doomed, browser = services.register_bucket(world.company, "gs://acme-doomed"), world.admin
    with sent_while_open(browser, world.url(f"settings/buckets/{doomed.pk}/name/"), {"name": "Archive"}) as answers:
        remove(doomed)
    assert answers[0].status_code == 303 and "draft=" in answers[0]["Location"]


def office_to_remove(world: World) -> Office:
    return Office.objects.create(company=world.company, dialpad_id="9", name="Acme Nagoya", timezone="Asia/Tokyo")


def test_an_invitation_for_an_office_that_is_removed_keeps_its_address(world: World) -> None:
    office, browser = office_to_remove(world), world.admin
    form = {"email": "new@example.com", "name": "新人 太郎", "place": f"office_admin:{office.pk}"}
    with sent_while_open(browser, world.url("people/invite/"), form) as answers:
        Office.objects.filter(pk=office.pk).delete()
    shown = browser.get(answers[0]["Location"]).content.decode()
    assert SAID in shown and 'value="new@example.com"' in shown and "新人 太郎" in shown
    assert not Person.objects.filter(email="new@example.com").exists()


def test_a_role_for_an_office_that_is_removed_stays_as_it_was(world: World) -> None:
    office, browser, person = office_to_remove(world), world.admin, world.person(Role.VIEWER)
    member = Membership.objects.get(person=person)
    with sent_while_open(browser, world.url(f"people/roles/{member.pk}/"), {"place": f"office_admin:{office.pk}"}) as answers:
        Office.objects.filter(pk=office.pk).delete()
    assert SAID in browser.get(answers[0]["Location"]).content.decode()
    assert Membership.objects.get(pk=member.pk).role == Role.VIEWER


def test_a_recipient_for_an_office_that_is_removed_keeps_its_address(world: World) -> None:
    office, browser = office_to_remove(world), world.admin
    form = {"place": str(office.pk), "email": "ops@example.com", "language": "ja"}
    with sent_while_open(browser, world.url("notices/add/"), form) as answers:
        Office.objects.filter(pk=office.pk).delete()
    shown = browser.get(answers[0]["Location"]).content.decode()
    assert SAID in shown and 'value="ops@example.com"' in shown
    assert not Recipient.objects.exists()


def test_rules_are_saved_for_the_centers_that_are_left(world: World) -> None:
    """A rule is set by a condition on the rows that are there, so a center that goes away takes nothing with it."""
    browser, shown = world.admin, " ".join(f"{one.pk}:0" for one in (world.sales, world.desk))
    form = {"shown": shown, "on": [world.sales.pk, world.desk.pk], "kind": "callcenter"}
    preview = browser.get(browser.post(world.url("rules/save/"), form)["Location"]).content.decode()
    token = re.search(r'name="confirmed" value="([^"]+)"', preview)
    assert token
    with sent_while_open(browser, world.url("rules/save/"), {**form, "confirmed": token[1]}) as answers:
        Target.objects.filter(pk=world.desk.pk).delete()
    assert answers[0].status_code == 303
    assert Target.objects.get(pk=world.sales.pk).backed_up


def test_an_error_that_is_no_removal_is_still_an_error(world: World) -> None:
    """Only a missing row is the other person's doing."""
    browser = world.admin
    browser.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE org_company ADD CONSTRAINT spiteful CHECK (requests_per_second <> 7)")
    try:
        answer = browser.post(world.url("settings/save/"), company_form(world.company, world.bucket))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE org_company DROP CONSTRAINT spiteful")
    assert answer.status_code == 500
    assert Company.objects.get(pk=world.company.pk).revision == world.company.revision
