"""A form that was opened before the last sign-in is shown again with what was typed, and executes nothing."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone

from rokuon.accounts import sessions
from rokuon.accounts.models import AuditEntry, Draft, Membership, Person, Session
from rokuon.base.addresses import PublicUrl
from rokuon.ledger.models import Run
from rokuon.org.models import Company

from .conftest import World
from .routes import routes
from .sample_data import Town, build
from .test_drafts import INVITED, PASSWORD, _forms, expired, input_value

Role = Membership.Role
SAID = "you have signed in or out since, so nothing was done"
OURS = {"HTTP_ORIGIN": "http://testserver"}
OLD = "y" * 64


@pytest.fixture(autouse=True)
def _address(settings: Any) -> None:
    settings.ROKUON_PUBLIC_URL = PublicUrl("http", "testserver", 80)


def known(world: World, role: str = Role.COMPANY_ADMIN) -> tuple[Client, Person]:
    person = world.person(role)
    person.set_password(PASSWORD)
    person.save()
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    browser.force_login(person)
    return browser, person


def sign_in_again(browser: Client, person: Person) -> None:
    """As in another tab: both share the cookies."""
    browser.cookies.pop(settings.SESSION_COOKIE_NAME)
    page = browser.get("/sign-in/").content.decode()
    form = {"login": person.email, "password": PASSWORD, "csrfmiddlewaretoken": input_value(page, "csrfmiddlewaretoken")[0]}
    assert browser.post("/sign-in/", form, **OURS).status_code == 302


def send(browser: Client, url: str, form: dict[str, Any], token: str = OLD, **headers: str) -> HttpResponseBase:
    return browser.post(url, {**form, "csrfmiddlewaretoken": token}, **(headers or OURS))


def test_a_form_that_was_open_during_a_new_sign_in_comes_back_filled_and_works_once_more(world: World) -> None:
    browser, person = known(world)
    page = browser.get(world.url("people/")).content.decode()
    token = input_value(page, "csrfmiddlewaretoken")[0]
    sign_in_again(browser, person)
    answer = send(browser, world.url("people/invite/"), INVITED, token, **OURS, HTTP_REFERER=f"http://testserver{world.url('people/')}")
    assert answer.status_code == 303 and answer["Location"].startswith(world.url("people/?draft="))
    assert not Person.objects.filter(email="new@example.com").exists(), "never executed"
    shown = browser.get(answer["Location"]).content.decode()
    assert SAID in shown and "What you typed is here again" in shown
    assert "new@example.com" in input_value(shown, "email") and "新人 太郎" in input_value(shown, "name")
    again = {**INVITED, "draft": input_value(shown, "draft")[0]}
    assert send(browser, world.url("people/invite/"), again, input_value(shown, "csrfmiddlewaretoken")[0]).status_code in (200, 303)
    assert Person.objects.filter(email="new@example.com").exists()


def test_the_settings_come_back_in_both_languages(world: World) -> None:
    browser, _person = known(world)
    browser.get(world.url("settings/"))
    given = {"enabled": "on", "bucket": world.bucket.pk, "requests_per_second": "7", "media_charge": "one"}
    form = {"revision": world.company.revision, **given}
    for language, said in (("en", SAID), ("ja", "開いてから時間がたったか")):
        browser.cookies["rokuon_language"] = language
        answer = send(browser, world.url("settings/save/"), form)
        shown = browser.get(answer["Location"]).content.decode()
        assert said in shown
        assert re.search(r'name="requests_per_second"[^>]*value="7"', shown)
    assert Company.objects.get(pk=world.company.pk).revision == world.company.revision


def test_a_button_with_nothing_typed_leads_back_and_does_nothing(world: World) -> None:
    browser, _person = known(world)
    browser.get(world.url())
    answer = send(browser, world.url("set-up/sync/"), {}, **OURS, HTTP_REFERER=f"http://testserver{world.url('set-up/')}")
    assert answer["Location"] == world.url("set-up/")
    assert SAID in browser.get(answer["Location"]).content.decode()
    assert not AuditEntry.objects.exists()


def test_a_key_and_a_password_are_not_shown_again_and_not_stored(world: World) -> None:
    browser, _person = known(world)
    browser.get(world.url("settings/"))
    form = {"kind": "gcs", "name": "acme-new", "whose": "key", "key": '{"private_key": "hunter2"}'}
    answer = send(browser, world.url("settings/buckets/new/"), form)
    shown = browser.get(answer["Location"], follow=True).content.decode()
    assert 'value="acme-new"' in shown and "hunter2" not in shown
    assert "enter passwords, keys and codes again" in shown
    send(browser, world.url("set-up/key/"), {"key": "hunter2"})
    send(browser, "/account/password/", {"password": "hunter2-hunter2"})
    assert "hunter2" not in str([draft.typed for draft in Draft.objects.all()])


def test_the_sign_in_page_comes_back_with_the_address_and_without_the_password(world: World) -> None:
    _browser, person = known(world)
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    browser.get("/sign-in/")
    form = {"login": person.email, "password": PASSWORD, "next": world.url("people/")}
    answer = send(browser, "/sign-in/", form)
    page = answer.content.decode()  # type: ignore[attr-defined]
    assert answer.status_code == 403 and SAID in page
    assert person.email in input_value(page, "login") and PASSWORD not in page
    assert world.url("people/") in input_value(page, "next")
    assert browser.get("/").status_code == 302, "nobody is signed in"
    signed_in = send(browser, "/sign-in/", form, input_value(page, "csrfmiddlewaretoken")[0])
    assert signed_in["Location"] == world.url("people/")


def test_who_has_signed_in_meanwhile_is_led_on_from_the_sign_in_page(world: World) -> None:
    browser, person = known(world)
    browser.get("/account/sessions/")
    answer = send(browser, "/sign-in/", {"login": person.email, "password": PASSWORD, "next": world.url("people/")})
    assert (answer.status_code, answer["Location"]) == (302, world.url("people/"))


def test_an_expired_session_keeps_what_was_typed_also_with_an_outdated_token(world: World) -> None:
    browser, _person = known(world)
    browser.get(world.url("people/"))
    expired(browser)
    answer = send(browser, world.url("people/invite/"), INVITED)
    assert answer["Location"].startswith(world.url("people/?draft="))
    assert browser.get(answer["Location"])["Location"].startswith("/sign-in/?next=")


ELSEWHERE = {
    "another site": {"HTTP_ORIGIN": "https://evil.example"},
    "another site that is silent about itself": {"HTTP_ORIGIN": "null"},
    "another port of this host": {"HTTP_ORIGIN": "http://testserver:8081"},
    "no origin, and no referer": {"HTTP_USER_AGENT": "old"},
    "no origin, and another site's referer": {"HTTP_REFERER": "https://evil.example/http://testserver/"},
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_form_that_may_come_from_elsewhere_fills_in_nothing(world: World, what: str) -> None:
    browser, _person = known(world)
    browser.get(world.url("people/"))
    answer = send(browser, world.url("people/invite/"), INVITED, **ELSEWHERE[what])
    assert answer.status_code == 403
    assert "new@example.com" not in answer.content.decode()  # type: ignore[attr-defined]
    assert not Draft.objects.exists()
    signing_in = send(browser, "/sign-in/", {"login": "evil@example.com"}, **ELSEWHERE[what])
    assert signing_in.status_code == 403 and b"evil@example.com" not in signing_in.content  # type: ignore[attr-defined]


def test_without_a_cookie_the_page_says_that_cookies_are_needed(world: World) -> None:
    browser, _person = known(world)
    answer = send(browser, world.url("people/invite/"), INVITED)
    assert answer.status_code == 403 and b"The browser sent no cookie with it" in answer.content  # type: ignore[attr-defined]
    assert not Draft.objects.exists()


def test_a_stranger_to_the_company_keeps_nothing_in_it(world: World) -> None:
    browser, _person = known(world)
    browser.get(world.url("people/"))
    answer = send(browser, f"/c/{world.other.public_id}/people/invite/", INVITED)
    unknown = send(browser, "/c/no-such-company/people/invite/", INVITED)
    assert answer.status_code == unknown.status_code == 403
    assert not Draft.objects.exists()


def test_who_signed_out_keeps_nothing_for_nobody(world: World) -> None:
    browser, person = known(world)
    browser.get(world.url("people/"))
    sessions.end_all(person)
    assert send(browser, world.url("people/invite/"), INVITED).status_code == 403
    assert not Draft.objects.exists() and not Session.objects.filter(person=person).exists()


@pytest.fixture
def small_town(db: None) -> Town:
    return build(20)


def test_every_form_of_every_page_comes_back_and_none_is_executed(small_town: Town) -> None:
    """With a value in each field that a person fills in; the next page has every one that is no secret."""
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    browser.force_login(small_town.people["company admin"])
    browser.get("/account/sessions/")
    before, seen = (AuditEntry.objects.count(), Run.objects.count(), timezone.now()), 0
    for route in routes():
        page = route.url(small_town.a.values)
        for form in _forms(browser, route, small_town):
            for address, names in form:
                answer = send(browser, address, dict.fromkeys(names, "1"), **OURS, HTTP_REFERER=f"http://testserver{page}")
                assert answer.status_code in (302, 303, 403), address
                if answer.status_code == 303:
                    seen += 1
                    assert urlsplit(unescape(answer["Location"])).path == urlsplit(page).path, (page, address)
    assert (AuditEntry.objects.count(), Run.objects.count()) == before[:2]
    assert seen > 60
