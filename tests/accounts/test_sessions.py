"""Sessions (Q31): how long they last, how they end, who can end them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client, override_settings

from rokuon.accounts import people, sessions
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import Person, Session
from rokuon.config import Config
from rokuon.runtime.web_settings import web_settings

from .conftest import sign_in, signed_in_as

PAGE = "/account/sessions/"


@pytest.fixture
def browser(person: Person) -> Client:
    made = Client(headers={"accept-language": "en", "user-agent": "Netscape <4>"})
    made.force_login(person)
    assert made.get(PAGE).status_code == 200
    return made


@pytest.mark.parametrize(
    ("field", "ago", "lives"), [("seen_at", 29, True), ("seen_at", 31, False), ("created_at", 719, True), ("created_at", 721, False)]
)
def test_half_an_hour_idle_or_twelve_hours_in_all_end_a_session(browser: Client, field: str, ago: int, lives: bool) -> None:
    Session.objects.update(**{field: datetime.now(UTC) - timedelta(minutes=ago)})
    assert (browser.get(PAGE).status_code == 200) == lives
    if not lives:
        sessions.prune()
        assert Session.objects.get().session_data == "", "for a day, it is only known whose it was"
        Session.objects.update(seen_at=datetime.now(UTC) - sessions.REMEMBERED - timedelta(minutes=1))
        sessions.prune()
        assert not Session.objects.exists()


def test_using_a_page_keeps_the_session_and_a_page_that_renews_itself_does_not(browser: Client) -> None:
    before = datetime.now(UTC) - timedelta(minutes=20)
    Session.objects.update(seen_at=before)
    browser.get(PAGE, headers={"hx-request": "true"})
    assert Session.objects.get().seen_at == before
    browser.get(PAGE)
    assert Session.objects.get().seen_at > before


def test_a_part_that_renews_itself_after_the_end_takes_the_page_to_sign_in(db: None) -> None:
    answer = Client().get(PAGE, headers={"hx-request": "true", "hx-current-url": "http://testserver/c/abc/?x=1"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/sign-in/?next=/c/abc/%3Fx%3D1")


def test_the_page_says_where_one_is_signed_in(browser: Client, person: Person) -> None:
    Client(headers={"user-agent": "Other"}).force_login(person)
    page = browser.get(PAGE).content.decode()
    assert "This browser" in page and "Another browser" in page
    assert "Netscape &lt;4&gt;" in page and "127.0.0.1" in page
    assert all(session.session_key not in page for session in Session.objects.all())


def test_one_session_or_all_others_are_ended(browser: Client, person: Person) -> None:
    others = [Client() for _ in range(3)]
    for other in others:
        other.force_login(person)
    victim = Session.objects.order_by("-created_at").first()
    browser.post("/account/sessions/end/", {"session": sessions.public_name(victim)})
    assert [signed_in_as(other) for other in others] == [person.pk, person.pk, None]
    browser.post("/account/sessions/end/", {"session": "others"})
    assert [signed_in_as(other) for other in others] == [None] * 3
    assert signed_in_as(browser) == person.pk


def test_nobody_ends_somebody_elses_session(browser: Client, db: None) -> None:
    stranger = Person.objects.create(email="stranger@example.com")
    theirs = Client()
    theirs.force_login(stranger)
    browser.post("/account/sessions/end/", {"session": sessions.public_name(Session.objects.get(person=stranger))})
    assert signed_in_as(theirs) == stranger.pk


def test_disabling_somebody_ends_all_sessions_at_once(browser: Client, person: Person) -> None:
    people.disable(COMMAND_LINE, person, datetime.now(UTC))
    assert browser.get(PAGE).status_code == 302
    assert not Session.objects.filter(person=person).exists()
    people.enable(COMMAND_LINE, person, datetime.now(UTC))
    assert browser.get(PAGE).status_code == 302


def test_signing_in_gives_a_new_key_and_the_old_one_is_nothing(person: Person) -> None:
    browser = Client()
    session = browser.session
    session["planted"] = 1
    session.save()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    sign_in(browser)
    assert browser.session.session_key != session.session_key
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    assert signed_in_as(thief) is None


def test_a_session_key_that_somebody_made_up_becomes_no_session(person: Person) -> None:
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    sign_in(browser)
    assert browser.cookies[settings.SESSION_COOKIE_NAME].value != "a" * 32


def test_cookies_over_https_are_bound_to_the_host() -> None:
    made = web_settings(Config(public_url="https://rokuon.example.com"))
    assert made["SESSION_COOKIE_NAME"].startswith("__Host-")
    for kind in ("SESSION", "CSRF"):
        assert [made[f"{kind}_COOKIE_{name}"] for name in ("SECURE", "HTTPONLY", "SAMESITE", "PATH", "DOMAIN")] == [
            True,
            True,
            "Lax",
            "/",
            None,
        ]


@override_settings(SESSION_COOKIE_SECURE=True)
def test_a_session_key_has_at_least_128_bits(person: Person) -> None:
    browser = Client()
    browser.force_login(person)
    assert len(browser.session.session_key) >= 32
