"""Who gets in, and how far: `accounts.permissions` and `console.web.guards`."""

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from rokuon.accounts import audit, permissions
from rokuon.accounts.models import AuditEntry, Membership, Session
from rokuon.accounts.permissions import AccessReach, Action

from .conftest import Role, World


def test_a_stranger_is_sent_to_sign_in(world: World) -> None:
    answer = Client().get(world.url())
    assert (answer.status_code, answer["Location"]) == (302, f"/sign-in/?next={world.url()}")


def test_another_company_is_not_there(world: World) -> None:
    browser = world.client(Role.COMPANY_ADMIN, company=world.other)
    assert browser.get(world.url()).status_code == 404
    assert browser.get("/c/nosuchplace/").status_code == 404


def test_a_member_who_may_not_is_told_so(world: World) -> None:
    assert world.client(Role.VIEWER).get(world.url("audit/")).status_code == 403
    assert world.admin.get(world.url("audit/")).status_code == 200


def test_a_role_for_one_office_reaches_that_office_only(world: World) -> None:
    person = world.person(Role.OFFICE_ADMIN, world.tokyo)
    assert permissions.reach(person.pk, world.company.pk, Action.SET_BUCKETS) == AccessReach(world.company.pk, frozenset({world.tokyo.pk}))
    assert permissions.reach(person.pk, world.company.pk, Action.SET_COMPANY) is None
    assert permissions.reach(person.pk, world.other.pk, Action.VIEW) is None


def test_a_role_that_nobody_knows_allows_nothing(world: World) -> None:
    person = world.person("emperor")
    assert all(permissions.reach(person.pk, world.company.pk, action) is None for action in Action)


def test_who_is_disabled_may_nothing_at_once(world: World) -> None:
    person = world.person(Role.COMPANY_ADMIN)
    browser = Client()
    browser.force_login(person)
    assert browser.get(world.url()).status_code == 200
    person.disabled_at = timezone.now()
    person.save()
    assert browser.get(world.url()).status_code == 302


def test_a_session_is_kept_under_its_hash(world: World) -> None:
    browser = world.admin
    cookie = next(iter(browser.cookies.values())).value
    assert len(Session.objects.get().session_key) == 64
    assert not Session.objects.filter(session_key=cookie).exists()
    assert browser.get(world.url()).status_code == 200


def test_a_role_in_an_office_is_not_given_to_a_company_admin(world: World) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        world.person(Membership.Role.COMPANY_ADMIN, world.tokyo)


def test_the_audit_log_is_only_added_to(world: World) -> None:
    with transaction.atomic():
        audit.record(
            audit.COMMAND_LINE, "a", now=timezone.now(), company_id=world.company.pk, before={"x": 1, "y": 2}, after={"x": 1, "y": 3}
        )
    entry = AuditEntry.objects.get()
    assert (entry.before, entry.after) == ({"y": 2}, {"y": 3})
    for change in (lambda: AuditEntry.objects.update(action="b"), lambda: AuditEntry.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert AuditEntry.objects.get().action == "a"
