"""Signing in with a password (Q26, Q28) and out again."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory
from django.utils import timezone

from rokuon.accounts import throttle
from rokuon.accounts.models import Person, Session, Throttle

from .conftest import PASSWORD, sign_in, signed_in_as


def test_the_right_password_opens_the_page_that_was_asked_for(person: Person) -> None:
    browser = Client()
    answer = browser.post("/sign-in/?next=/account/password/", {"login": "Hanako@Example.com", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/account/password/")
    assert signed_in_as(browser) == person.pk


def test_an_address_elsewhere_is_never_gone_to(person: Person) -> None:
    answer = Client().post("/sign-in/?next=https://evil.example/", {"login": person.email, "password": PASSWORD})
    assert answer["Location"] == "/"


def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(person: Person) -> None:
    wrong = sign_in(Client(), password="eight green kettles")
    unknown = sign_in(Client(), email="nobody@example.com")
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    said = "The e-mail address or the password is not right."
    assert said in wrong.content.decode() and said in unknown.content.decode()


def test_an_unknown_person_takes_as_long_as_a_known_one(person: Person) -> None:
    def took(email: str) -> float:
        times = []
        for _ in range(5):
            Throttle.objects.all().delete()
            began = time.process_time()
            sign_in(Client(), email=email, password="eight green kettles")
            times.append(time.process_time() - began)
        return min(times)

    Person.objects.create(email="invited@example.com", password="!unusable")
    known = took(person.email)
    assert took("nobody@example.com") > known / 2
    assert took("invited@example.com") > known / 2


def test_who_is_disabled_does_not_get_in(person: Person) -> None:
    Person.objects.update(disabled_at=timezone.now())
    browser = Client()
    assert sign_in(browser)["Location"] == "/sign-in/disabled/"
    assert signed_in_as(browser) is None
    assert "disabled" in browser.get("/sign-in/disabled/").content.decode()


def test_nobody_signs_up(db: None) -> None:
    browser = Client()
    assert browser.get("/sign-in/closed/").status_code == 403
    assert browser.post("/sign-in/closed/", {"email": "me@example.com", "password1": PASSWORD}).status_code == 405
    assert not Person.objects.exists()


def test_signing_out_ends_the_session_at_the_server(person: Person) -> None:
    browser = Client()
    sign_in(browser)
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME]
    thief = Client()
    thief.cookies[cookie.key] = cookie.value
    assert thief.get("/account/password/").status_code == 200
    assert browser.get("/sign-out/")["Location"] == "/", "opening the address changes nothing"
    assert browser.post("/sign-out/").status_code == 302
    assert thief.get("/account/password/").status_code == 302
    assert not Session.objects.filter(person=person).exists()


# Guessing


class Guesser:
    """Tries at this account from one address; `at` is the time."""

    def __init__(self, email: str = "hanako@example.com", address: str = "192.0.2.7") -> None:
        self.email, self.address = email, address
        self.at = datetime(2026, 11, 22, tzinfo=UTC)

    def guess(self) -> bool:
        """Whether the guess would have been checked."""
        request = RequestFactory().post("/sign-in/")
        try:
            throttle.take(throttle.limits(self.email, self.address, request), self.at)
        except throttle.Throttled:
            return False
        return True


@pytest.mark.parametrize("pause_s", [0, 0.05, 1])
def test_of_a_thousand_guesses_twenty_are_checked(db: None, pause_s: float) -> None:
    guesser = Guesser()
    checked = 0
    for _ in range(1000):
        checked += guesser.guess()
        guesser.at += timedelta(seconds=pause_s)
    assert checked <= 20


def test_guesses_at_many_accounts_from_one_address_are_slowed_too(db: None) -> None:
    guesser = Guesser()
    checked = 0
    for number in range(300):
        guesser.email = f"person{number}@example.com"
        checked += guesser.guess()
        guesser.at += timedelta(seconds=0.1)
    assert checked <= 30


def test_a_guess_that_was_refused_costs_nothing(db: None) -> None:
    guesser = Guesser()
    while guesser.guess():
        pass
    before = Throttle.objects.order_by("key").values_list("key", "tries")
    counted = list(before)
    assert not guesser.guess()
    assert list(before.all()) == counted


def test_nobody_is_locked_out_for_longer_than_a_quarter_of_an_hour(db: None) -> None:
    guesser = Guesser()
    for _ in range(60):
        guesser.at += timedelta(minutes=16)
        assert guesser.guess()


def test_after_a_quiet_day_all_is_forgotten(db: None) -> None:
    guesser = Guesser()
    for _ in range(30):
        guesser.guess()
        guesser.at += timedelta(minutes=16)
    guesser.at += timedelta(days=1, minutes=1)
    assert [guesser.guess() for _ in range(4)] == [True] * 4


def test_two_households_of_ipv6_are_two_addresses_and_one_is_one() -> None:
    assert throttle.address_key("2001:db8::1") == throttle.address_key("2001:db8::ffff:2")
    assert throttle.address_key("2001:db8::1") != throttle.address_key("2001:db8:0:1::1")


def test_who_is_guessed_at_still_signs_in_from_a_browser_that_is_known(person: Person) -> None:
    own = Client()
    sign_in(own)
    own.post("/sign-out/")
    guesser = Client()
    while sign_in(guesser, password="eight green kettles").status_code == 422:
        pass
    stranger = sign_in(Client())
    assert stranger.status_code == 429
    assert "Too many tries." in stranger.content.decode()
    assert sign_in(own).status_code == 302
    assert signed_in_as(own) == person.pk


def test_a_forged_sign_of_a_known_browser_helps_nobody(person: Person) -> None:
    guesser = Client()
    guesser.cookies["rokuon_known"] = "eyJmYWtlIjoxfQ:1abcde:forged"
    while sign_in(guesser, password="eight green kettles").status_code == 422:
        pass
    assert sign_in(guesser).status_code == 429


def test_signing_in_forgives_earlier_mistakes(person: Person) -> None:
    browser = Client()
    for _ in range(3):
        sign_in(browser, password="eight green kettles")
    assert sign_in(browser).status_code == 302
    assert not Throttle.objects.filter(key__startswith="account:").exists()


# Passwords


@pytest.mark.parametrize(
    ("password", "fine"),
    [
        ("elevensigns", False),
        ("seven green kettles", True),
        ("とても長いパスワードです。", True),
        ("🔑🧵🪁🫖🎏🪴🧭🪗🛶🪜🧿🪩", True),
        ("a" * 64, False),
        ("password1234", False),
        ("PassWord!!2026", False),
        ("hanako@example.com", False),
        ("rokuon-2026-11", False),
        ("kettle " * 18, True),
        ("kettle " * 19, False),
        ("correct horse battery staple", True),
        (" leading and trailing ", True),
    ],
)
def test_which_passwords_are_taken(person: Person, password: str, fine: bool) -> None:
    try:
        validate_password(password, person)
    except ValidationError:
        assert not fine
    else:
        assert fine


def test_passwords_are_kept_as_argon2id_with_19_mib(person: Person) -> None:
    assert person.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert identify_hasher(person.password).verify(PASSWORD, person.password)
