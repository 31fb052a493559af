"""Links that work once (Q27): the way in on a fresh installation, and invitations."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from rokuon.accounts import links, operators
from rokuon.accounts.models import AuditEntry, Link, Membership, Person, Session
from rokuon.org import services

from .conftest import PASSWORD, signed_in_as


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def token(db: None) -> str:
    return operators.sign_in_link(None, now())[1]


def test_a_fresh_installation_has_nobody_and_gets_its_operator_by_a_link(db: None) -> None:
    assert not Person.objects.exists()
    person, token = operators.sign_in_link(None, now())
    assert (person.email, person.is_operator, person.has_password) == ("operator@localhost", True, False)
    browser = Client(headers={"accept-language": "en"})
    assert "operator@localhost" in browser.get(links.path(token)).content.decode()
    answer = browser.post(links.path(token))
    assert (answer.status_code, answer["Location"]) == (302, "/account/password/")
    assert signed_in_as(browser) == person.pk
    assert {entry.action for entry in AuditEntry.objects.all()} == {"person.operator", "link.sign_in", "person.prove"}


def test_looking_at_a_link_does_not_use_it(token: str) -> None:
    for _ in range(3):
        scanner = Client()
        assert scanner.get(links.path(token)).status_code == 200
        assert scanner.head(links.path(token)).status_code == 200
        assert signed_in_as(scanner) is None
    assert Client().post(links.path(token)).status_code == 302


def test_a_link_works_once(token: str) -> None:
    assert Client().post(links.path(token)).status_code == 302
    second = Client()
    for answer in (second.get(links.path(token)), second.post(links.path(token))):
        assert answer.status_code == 410
        assert "This link no longer works" in answer.content.decode()
    assert signed_in_as(second) is None


def test_a_link_works_for_a_quarter_of_an_hour(token: str) -> None:
    assert links.find(token, now() + timedelta(minutes=14)) is not None
    assert links.find(token, now() + timedelta(minutes=16)) is None
    Link.objects.update(expires_at=now() - timedelta(seconds=1))
    assert Client().post(links.path(token)).status_code == 410


def test_a_wrong_link_opens_nothing(token: str) -> None:
    assert Client().post(links.path(token[:-1] + ("a" if token[-1] != "a" else "b"))).status_code == 410


def test_a_new_link_makes_the_one_before_void(token: str) -> None:
    operators.sign_in_link(None, now())
    assert Client().post(links.path(token)).status_code == 410


def test_who_reads_the_database_cannot_use_a_link(token: str) -> None:
    assert token not in str(list(Link.objects.values()))


def test_a_link_of_somebody_who_was_disabled_opens_nothing(token: str) -> None:
    Person.objects.update(disabled_at=timezone.now())
    assert Client().post(links.path(token)).status_code == 410


def test_signing_in_by_link_gives_the_session_a_new_key(token: str) -> None:
    browser = Client()
    browser.get("/sign-in/")
    session = browser.session
    session["planted"] = "by someone"
    session.save()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    planted = session.session_key
    browser.post(links.path(token))
    assert browser.session.session_key != planted
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert signed_in_as(thief) is None


def test_a_link_followed_while_somebody_else_is_signed_in_signs_that_one_out(person: Person, token: str) -> None:
    browser = Client()
    browser.force_login(person)
    browser.post(links.path(token))
    assert signed_in_as(browser) == Person.objects.get(is_operator=True).pk
    assert not Session.objects.filter(person=person).exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_give_one_session() -> None:
    token = operators.sign_in_link(None, now())[1]
    together, answers = Barrier(4), []

    def click() -> None:
        browser = Client()
        together.wait()
        answers.append(browser.post(links.path(token)).status_code)
        connections.close_all()

    threads = [Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 410, 410, 410]
    assert Session.objects.exclude(person=None).count() == 1


def test_a_company_that_nobody_administers_gets_the_operator(db: None) -> None:
    orphan = services.create_company("Acme", "https://acme.example", "1")
    looked_after = services.create_company("Zenith", "https://zenith.example", "2")
    admin = Person.objects.create(email="admin@example.com")
    Membership.objects.create(person=admin, company=looked_after, role=Membership.Role.COMPANY_ADMIN)
    person, _token = operators.sign_in_link("me@example.com", now())
    assert [(one.company_id, one.role) for one in person.memberships.all()] == [(orphan.pk, "company_admin")]


def test_a_link_for_somebody_known_makes_no_operator_of_them(person: Person) -> None:
    found, _token = operators.sign_in_link("HANAKO@example.com", now())
    assert (found.pk, found.is_operator) == (person.pk, False)


def test_several_operators_have_to_be_told_apart(db: None) -> None:
    for email in ("a@example.com", "b@example.com"):
        operators.sign_in_link(email, now())
    with pytest.raises(operators.SeveralOperators, match=r"a@example.com"):
        operators.sign_in_link(None, now())


def test_nobody_disabled_is_let_in_by_a_link(person: Person) -> None:
    Person.objects.update(disabled_at=timezone.now())
    with pytest.raises(operators.OperatorDisabled):
        operators.sign_in_link(person.email, now())


# The password after it


def test_after_the_link_a_password_is_chosen(token: str) -> None:
    browser = Client(headers={"accept-language": "en"})
    browser.post(links.path(token))
    page = browser.get("/account/password/").content.decode()
    assert "Choose a password" in page and "Not now" in page
    assert browser.post("/account/password/", {"password": "short"}).status_code == 422
    assert browser.post("/account/password/", {"password": PASSWORD}).status_code == 303
    other = Client()
    assert other.post("/sign-in/", {"login": "operator@localhost", "password": PASSWORD}).status_code == 302
    assert AuditEntry.objects.filter(action="account.password").count() == 1


def test_a_new_password_signs_other_browsers_out(person: Person) -> None:
    here, there = Client(), Client()
    here.force_login(person)
    there.force_login(person)
    assert here.post("/account/password/", {"password": "eight green kettles"}).status_code == 303
    assert signed_in_as(here) == person.pk
    assert signed_in_as(there) is None
    assert here.get("/account/password/").status_code == 200
