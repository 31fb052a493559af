"""Confirming who one is without a password: by a new link, which leads back to the page that waits."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core import mail as sent_mails
from django.test import Client
from django.utils import timezone

from rokuon.accounts import links, mail_links, operators, sessions
from rokuon.accounts.mail_link_models import MailLink
from rokuon.accounts.models import Draft, Link, Person, Session

from .conftest import PASSWORD, signed_in_as

WAITS = "/companies/new/"


@pytest.fixture
def operator(db: None) -> Client:
    """An operator without a password, signed in by a link more than ten minutes ago."""
    person, _token = operators.sign_in_link(None, timezone.now())
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(person)
    session = browser.session
    session["proved_at"] = 0.0
    session.save()
    return browser


def test_an_operator_without_a_password_confirms_by_a_new_link_and_finds_what_was_typed(operator: Client) -> None:
    asked = operator.post(WAITS, {"address": "https://sandbox.dialpad.com", "key": "secret"})
    page = operator.get(asked["Location"])
    assert "rokuon admin-link --email operator@localhost" in page.content.decode()
    _person, token = operators.sign_in_link(None, timezone.now())
    back = operator.post(links.path(token))
    assert back["Location"].startswith(f"{WAITS}?draft=")
    form = operator.get(back["Location"]).content.decode()
    assert 'value="https://sandbox.dialpad.com"' in form and "secret" not in form
    assert "secret" not in str(Draft.objects.get().typed)


def test_the_new_link_of_somebody_else_leads_to_that_ones_own_first_page(operator: Client, person: Person) -> None:
    operator.get(operator.get(WAITS)["Location"])
    token = links.make(person, Link.Kind.SIGN_IN, Link.Handed.OPERATOR, timezone.now())
    answer = operator.post(links.path(token))
    assert (answer["Location"], signed_in_as(operator)) == ("/", person.pk)


def test_a_link_that_is_over_confirms_nothing(operator: Client) -> None:
    operator.get(operator.get(WAITS)["Location"])
    _person, token = operators.sign_in_link(None, timezone.now() - links.LIFE[Link.Kind.SIGN_IN] - timedelta(minutes=1))
    assert operator.post(links.path(token)).status_code == 410
    assert operator.get(WAITS)["Location"].startswith("/account/confirm/")


def test_a_link_leads_to_the_usual_page_where_none_waits(operator: Client) -> None:
    _person, token = operators.sign_in_link(None, timezone.now())
    assert operator.post(links.path(token))["Location"] == "/account/password/"


def test_a_new_link_by_mail_leads_back_to_the_page_that_waits(operator: Client, person: Person) -> None:
    Person.objects.filter(pk=person.pk).update(password="!", is_operator=True)
    operator.force_login(Person.objects.get(pk=person.pk))
    page = operator.get(f"/account/confirm/?next={WAITS}").content.decode()
    assert "Send me a new link by mail" in page and f'name="login" value="{person.email}"' in page
    assert operator.post("/sign-in/mail/", {"login": person.email, "next": WAITS}).status_code == 303
    claimed = mail_links.claim(timezone.now())
    assert claimed is not None
    assert operator.post(f"/mail-link/{claimed.token}/")["Location"] == WAITS


def test_where_no_mail_is_sent_no_mail_is_offered(operator: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    page = operator.get(operator.get(WAITS)["Location"]).content.decode()
    assert "by mail" not in page and "rokuon admin-link" in page


def test_signing_out_to_sign_in_again_keeps_the_page_that_waits(operator: Client) -> None:
    answer = operator.post("/account/confirm/", {"next": WAITS})
    assert answer["Location"] == f"/sign-in/?next={quote(WAITS, safe='')}"
    assert operator.post("/account/confirm/", {"next": "//evil.example/"})["Location"].startswith("/sign-in/")


def test_a_person_with_a_password_is_asked_for_it(person: Person) -> None:
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(person)
    page = browser.get(f"/account/confirm/?next={WAITS}").content.decode()
    assert 'name="password"' in page and "admin-link" not in page
    assert browser.post("/account/confirm/", {"next": WAITS, "password": PASSWORD})["Location"] == WAITS


def test_an_expired_session_signs_nobody_in(person: Person) -> None:
    browser = Client()
    browser.force_login(person)
    Session.objects.update(seen_at=timezone.now() - sessions.IDLE - timedelta(minutes=1))
    assert browser.get("/account/sessions/")["Location"].startswith("/sign-in/")
    browser.post("/companies/new/", {"address": "https://dialpad.com"})
    assert signed_in_as(browser) is None
    assert not MailLink.objects.exists() and not sent_mails.outbox


def test_of_a_disabled_person_nothing_is_kept(person: Person) -> None:
    browser = Client()
    browser.force_login(person)
    Session.objects.update(seen_at=timezone.now() - sessions.IDLE - timedelta(minutes=1))
    Person.objects.filter(pk=person.pk).update(disabled_at=timezone.now())
    browser.post("/companies/new/", {"address": "https://dialpad.com"})
    assert not Draft.objects.exists()
