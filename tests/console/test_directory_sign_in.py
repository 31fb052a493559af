"""The company's setting: may admins of its directory sign in by mail? And what the people page says of roles from there."""

import pytest
from django.test import Client

from rokuon.accounts.models import AuditEntry, Membership, Person
from rokuon.org.models import Company, User

from .conftest import Role, World

NAOMI = "naomi@acme.example"


@pytest.fixture
def naomi(world: World) -> Person:
    """Office admin of Osaka, by the directory."""
    User.objects.create(company=world.company, dialpad_id="1", name="Naomi", emails=[NAOMI], admin_office_ids=[world.osaka.dialpad_id])
    person = Person.objects.create(email=NAOMI, name="Naomi")
    Membership.objects.create(person=person, company=world.company, office=world.osaka, role=Role.OFFICE_ADMIN, source="directory")
    return person


def switch(world: World, browser: Client, allowed: bool) -> str:
    answer = browser.post(world.url("people/directory-sign-in/"), {"allowed": "on"} if allowed else {}, follow=True)
    return answer.content.decode()


def allowed(world: World) -> bool:
    return Company.objects.get(pk=world.company.pk).directory_sign_in


def test_the_page_says_which_roles_the_directory_gave(world: World, naomi: Person) -> None:
    page = world.admin.get(world.url("people/")).content.decode()
    assert page.count("from Dialpad's directory<") == 1
    assert "1 role from the directory ends at once" in page


def test_switching_it_off_ends_the_roles_from_the_directory_and_their_sessions(world: World, naomi: Person) -> None:
    browser = Client()
    browser.force_login(naomi)
    page = switch(world, world.admin, False)
    assert "1 role from there has ended" in page
    assert not allowed(world) and not naomi.memberships.exists()
    assert browser.get(world.url())["Location"].startswith("/sign-in/")
    entry = AuditEntry.objects.get(action="company.directory_sign_in")
    assert (entry.before, entry.after) == ({"allowed": True}, {"allowed": False})


def test_it_is_allowed_again(world: World) -> None:
    admin = world.admin
    switch(world, admin, False)
    assert "may sign in by mail from now on" in switch(world, admin, True)
    assert allowed(world)


def test_it_is_not_switched_off_where_no_company_admin_would_be_left(world: World, naomi: Person) -> None:
    admin = world.admin
    Membership.objects.filter(role=Role.COMPANY_ADMIN, company=world.company).update(source="directory")
    assert "No company admin would be left" in switch(world, admin, False)
    assert allowed(world) and naomi.memberships.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OFFICE_ADMIN])
def test_only_company_admins_may_switch_it(world: World, role: str) -> None:
    browser = world.client(role, world.osaka)
    assert browser.post(world.url("people/directory-sign-in/")).status_code == 403
    assert allowed(world)


def test_removing_the_role_of_somebody_the_directory_names_says_how_it_comes_back(world: World, naomi: Person) -> None:
    held = naomi.memberships.get()
    page = world.admin.post(world.url(f"people/roles/{held.pk}/remove/"), follow=True)
    assert "still an admin in Dialpad&#x27;s directory" in page.content.decode()


def test_removing_the_role_of_anybody_else_says_no_such_thing(world: World) -> None:
    other = world.person(Role.VIEWER).memberships.get()
    page = world.admin.post(world.url(f"people/roles/{other.pk}/remove/"), follow=True)
    assert "still an admin" not in page.content.decode()
