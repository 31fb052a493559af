"""Each sign-in, right or wrong, is written down with its way and address, and is seen by who may see it (ASVS 16.3.1)."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client
from django.utils import timezone

from rokuon.accounts import links, operators, people, recent_auth, sign_ins
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import Link, Membership, Person, Throttle
from rokuon.accounts.sign_in_models import Result, SignIn, SignInWay
from rokuon.accounts.sign_in_text import RESULTS, WAYS, in_words
from rokuon.org import services

from .conftest import sign_in
from .identity_provider import IdentityProvider
from .test_links import now
from .test_oidc import go
from .test_oidc import idp as idp
from .test_second_factor import code_of, set_up
from .test_second_factor import master_key as master_key


def lines() -> list[tuple[str, str, str, int]]:
    return list(SignIn.objects.order_by("pk").values_list("email", "way", "result", "times"))


def test_right_and_wrong_passwords_are_written_down_with_address_and_browser(person: Person) -> None:
    sign_in(Client(REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT="Firefox\0" + "x" * 500), password="wrong")
    sign_in(Client(REMOTE_ADDR="203.0.113.10", HTTP_USER_AGENT="Safari"))
    wrong, right = SignIn.objects.order_by("pk")
    assert (wrong.person, wrong.way, wrong.result, wrong.address) == (person, "password", "wrong", "203.0.113.9")
    assert wrong.browser.startswith("Firefox") and len(wrong.browser) <= 300
    assert (right.person, right.way, right.factor, right.result, right.address) == (person, "password", "", "ok", "203.0.113.10")
    assert right.slot is None
    assert timezone.now() - right.at < timedelta(minutes=1)


def test_an_unknown_account_and_one_without_a_password_are_written_down_too(person: Person) -> None:
    Person.objects.create(email="invited@example.com", password="!unusable")
    sign_in(Client(), email="Nobody@Example.com")
    sign_in(Client(), email="invited@example.com")
    assert lines() == [("nobody@example.com", "password", "wrong", 1), ("invited@example.com", "password", "wrong", 1)]
    assert list(SignIn.objects.order_by("pk").values_list("person__email", flat=True)) == [None, "invited@example.com"]


def test_no_password_code_or_link_is_written_down(person: Person, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = links.make(person, Link.Kind.SIGN_IN, Link.Handed.OPERATOR, now())
    sign_in(Client(), password="my secret phrase")
    Client().post(links.path(token))
    Client().post(links.path(token))
    kept = repr(list(SignIn.objects.values())) + "".join(
        repr(vars(record)) for record in caplog.records if record.name.startswith("rokuon")
    )
    assert "secret phrase" not in kept and token not in kept
    assert "hanako" not in "".join(repr(vars(record)) for record in caplog.records if record.name == "rokuon.accounts.sign_ins")
    said = [record.__dict__ for record in caplog.records if record.name == "rokuon.accounts.sign_ins"]
    assert [(one["way"], one["result"], one["client"]) for one in said] == [
        ("password", "wrong", "127.0.0.1"),
        ("sign_in", "ok", "127.0.0.1"),
        ("sign_in", "link_over", "127.0.0.1"),
    ]


def test_the_same_again_within_an_hour_is_one_line_that_counts(person: Person) -> None:
    for _ in range(4):
        sign_in(Client(), password="wrong")
    assert lines() == [(person.email, "password", "wrong", 4)]
    one = SignIn.objects.get()
    assert one.first_at < one.at
    assert "4 times" in in_words(one).times
    sign_in(Client(REMOTE_ADDR="203.0.113.9"), password="wrong")
    SignIn.objects.filter(pk=one.pk).update(slot="of another hour")
    sign_in(Client(), password="wrong")
    assert [times for *_rest, times in lines()] == [4, 1, 1]


def test_what_is_refused_unchecked_is_written_down_and_no_flood_of_it_fills_the_table(person: Person) -> None:
    for number in range(60):
        sign_in(Client(REMOTE_ADDR="203.0.113.9"), email=f"guess{number}@example.com")
    checked = SignIn.objects.filter(result="wrong").count()
    (early,) = SignIn.objects.filter(result="too_early")
    assert (early.email, early.person, early.times) == ("", None, 60 - checked)
    assert checked < 30, "as many as the address may try"
    for number in range(1, 60):
        sign_in(Client(REMOTE_ADDR=f"2001:db8::{number:x}"), email=person.email, password="wrong")
    of_the_network = SignIn.objects.filter(address="2001:db8::/64")
    assert of_the_network.count() == 2, "one line of what was checked, one of what was not"
    assert sum(of_the_network.values_list("times", flat=True)) == 59
    assert set(of_the_network.values_list("person", flat=True)) == {person.pk}


def test_the_second_factor_stands_beside_the_first(person: Person) -> None:
    secret = set_up(person)
    SignIn.objects.all().delete()
    browser = Client()
    sign_in(browser)
    assert lines() == [], "the first step alone signs nobody in"
    browser.post("/sign-in/code/", {"code": "000000"})
    browser.post("/sign-in/code/", {"code": code_of(secret)})
    recovery = RecoveryCodes.activate(person) if not Authenticator.objects.filter(user=person, type="recovery_codes").exists() else None
    kept = recovery or Authenticator.objects.get(user=person, type="recovery_codes").wrap()
    again = Client()
    sign_in(again)
    again.post("/sign-in/code/", {"code": kept.get_unused_codes()[0]})
    found = list(SignIn.objects.order_by("pk").values_list("way", "factor", "result", "person"))
    assert found == [
        ("password", "", "wrong_code", person.pk),
        ("password", "totp", "ok", person.pk),
        ("password", "recovery_codes", "ok", person.pk),
    ]


def test_a_link_and_an_invitation_are_ways_of_their_own_also_with_a_second_factor(person: Person) -> None:
    secret = set_up(person)
    SignIn.objects.all().delete()
    browser = Client()
    browser.post(links.path(links.make(person, Link.Kind.SIGN_IN, Link.Handed.OPERATOR, now())))
    browser.post("/sign-in/code/", {"code": code_of(secret)})
    newcomer = Person.objects.create(email="new@example.com", password="!")
    Client().post(links.path(links.make(newcomer, Link.Kind.INVITATION, Link.Handed.MAIL, now())))
    assert list(SignIn.objects.order_by("pk").values_list("way", "factor", "result")) == [
        ("sign_in", "totp", "ok"),
        ("invitation", "", "ok"),
    ]


def test_a_link_that_is_over_names_whose_it_was(db: None) -> None:
    person, token = operators.sign_in_link(None, now())
    for path in (links.path(token), links.path(token), "/link/guessed/"):
        Client().post(path)
    Client().get("/link/guessed/")
    assert list(SignIn.objects.order_by("pk").values_list("person", "result")) == [
        (person.pk, "ok"),
        (person.pk, "link_over"),
        (None, "link_over"),
    ]


def test_a_disabled_account_is_written_down_whatever_the_way(person: Person) -> None:
    Person.objects.update(disabled_at=now())
    sign_in(Client())
    sign_in(Client(), password="wrong")
    assert [(way, result) for _email, way, result, _times in lines()] == [("password", "disabled"), ("password", "wrong")]


def test_being_asked_once_more_is_written_down_where_it_is_wrong(person: Person) -> None:
    browser = Client()
    sign_in(browser)
    session = browser.session
    session[recent_auth.PROVED_AT] -= 601
    session.save()
    browser.post("/account/confirm/", {"password": "wrong"})
    assert [(way, result) for _email, way, result, _times in lines()] == [("password", "ok"), ("confirm", "wrong")]
    assert SignIn.objects.get(way="confirm").person == person


def test_the_identity_provider_is_a_way_and_so_is_what_it_says_wrongly(idp: IdentityProvider, person: Person) -> None:
    go(idp, Client())
    idp.claims |= {"sub": "another", "email": person.email}
    go(idp, Client())
    idp.claims |= {"sub": "third", "email": "stranger@example.com"}
    go(idp, Client())
    idp.claims |= {"sub": "fourth", "email_verified": False}
    go(idp, Client())
    idp.claims |= {"nonce": "another"}
    go(idp, Client())
    assert list(SignIn.objects.order_by("pk").values_list("person", "email", "way", "result")) == [
        (person.pk, person.email, "provider", "ok"),
        (person.pk, person.email, "provider", "unknown"),
        (None, "stranger@example.com", "provider", "unknown"),
        (None, "stranger@example.com", "provider", "unverified"),
        (None, "", "provider", "refused"),
    ]


def test_admins_see_the_sign_ins_of_their_people_from_the_day_of_the_role_on(person: Person) -> None:
    first, second = (services.create_company(name, f"https://{name}.example", name) for name in ("one", "two"))
    people.invite(COMMAND_LINE, first.pk, person.email, "", "viewer", None, "en", now())
    sign_in(Client(), password="wrong")
    people.invite(COMMAND_LINE, second.pk, person.email, "", "viewer", None, "en", now())
    sign_in(Client())
    Membership.objects.filter(company=first).delete()
    sign_in(Client())
    sign_in(Client(), email="nobody@example.com")
    assert list(sign_ins.of_company(first.pk).values_list("result", flat=True)) == ["ok", "wrong"]
    assert list(sign_ins.of_company(second.pk).values_list("result", flat=True)) == ["ok", "ok"]
    assert sign_ins.of_person(person).count() == 3
    assert sign_ins.everybodys().count() == 4


def test_the_person_sees_their_own_lines_and_nobody_elses(person: Person) -> None:
    sign_in(Client(REMOTE_ADDR="203.0.113.9"), password="wrong")
    other = Person.objects.create(email="taro@example.com")
    SignIn.objects.create(person=other, email=other.email, way="password", result="ok", address="198.51.100.7")
    browser = Client(headers={"accept-language": "en"})
    sign_in(browser)
    page = browser.get("/account/sign-ins/").content.decode()
    assert "203.0.113.9" in page and "Wrong address or password" in page and "Signed in" in page
    assert "taro@example.com" not in page and "198.51.100.7" not in page
    assert Client().get("/account/sign-ins/").status_code == 302


def test_lines_are_kept_a_year_and_those_of_nobody_a_month_and_not_without_number(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(days: float, of: Person | None) -> None:
        SignIn.objects.create(person=of, at=timezone.now() - timedelta(days=days), way="password", result="wrong")

    for days in (1, 31, 364, 366):
        add(days, person)
        add(days, None)
    assert sign_ins.prune(timezone.now()) == 4
    monkeypatch.setattr(sign_ins, "MOST_OF_NOBODY", 3)
    for minutes in range(5):
        add(minutes / 1440, None)
    assert sign_ins.prune(timezone.now()) == 3
    assert (SignIn.objects.filter(person=None).count(), SignIn.objects.filter(person=person).count()) == (3, 3)


def test_every_way_and_result_has_words() -> None:
    assert set(WAYS) == set(SignInWay)
    assert set(RESULTS) == set(Result)


def test_throttles_are_not_loosened_by_writing_down(person: Person) -> None:
    for _ in range(8):
        sign_in(Client(), password="wrong")
    assert Throttle.objects.exists()
    assert sum(times for *_rest, times in lines()) == 8
