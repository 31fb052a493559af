"""Nothing typed is lost: previews have addresses, and a form comes back filled after signing in again or confirming who one is."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.urls import resolve
from django.utils import timezone

from rokuon.accounts import drafts, sessions
from rokuon.accounts.models import Draft, Membership, Person, Session, hashed
from rokuon.org import services
from rokuon.org.models import Company, Target

from .conftest import World
from .routes import Route, routes
from .sample_data import Town, build

Role = Membership.Role
PASSWORD = "correct horse battery"


def stale(browser: Client) -> Client:
    """Signed in more than ten minutes ago."""
    session = browser.session
    session["proved_at"] = 0.0
    session.save()
    return browser


def expired(browser: Client) -> Client:
    """Nothing was done for longer than a session lasts."""
    Session.objects.update(seen_at=timezone.now() - sessions.IDLE - timedelta(minutes=1))
    return browser


def next_of(location: str) -> str:
    return parse_qs(urlsplit(location).query)["next"][0]


def input_value(page: str, name: str) -> list[str]:
    """The values of the inputs with this name, as a reader sees them."""
    tags = re.findall(rf'<input[^>]*name="{name}"[^>]*>', page)
    return [unescape(found[1]) if (found := re.search(r'value="([^"]*)"', tag)) else "" for tag in tags]


def admin(world: World) -> tuple[Client, Person]:
    browser = world.client(Role.COMPANY_ADMIN)
    person = Person.objects.order_by("-pk")[0]
    person.set_password(PASSWORD)
    person.save()
    browser.force_login(person)
    return browser, person


INVITED = {"email": "new@example.com", "name": "新人 太郎", "place": "viewer:"}


def test_what_was_typed_in_an_invitation_comes_back_after_confirming_with_the_password(world: World) -> None:
    browser, _person = admin(world)
    stale(browser)
    asked = browser.post(world.url("people/invite/"), INVITED, headers={"referer": f"http://testserver{world.url('people/')}"})
    page = next_of(asked["Location"])
    back = browser.post("/account/confirm/", {"password": PASSWORD, "next": page})
    assert back["Location"] == page
    shown = browser.get(page).content.decode()
    assert "new@example.com" in input_value(shown, "email")
    assert "新人 太郎" in input_value(shown, "name")
    assert re.search(r'<option value="viewer:" selected>', shown)
    assert "What you typed is here again" in shown
    [token] = input_value(shown, "draft")
    sent = browser.post(world.url("people/invite/"), {**INVITED, "draft": token})
    assert sent.status_code in (200, 303)
    assert Person.objects.filter(email="new@example.com").exists()
    assert not Draft.objects.exists(), "gone after use"
    assert "no longer kept" in browser.get(page).content.decode()


def test_a_wrong_password_keeps_the_draft_and_changes_nothing(world: World) -> None:
    browser, _person = admin(world)
    page = next_of(stale(browser).post(world.url("people/invite/"), INVITED)["Location"])
    assert browser.post("/account/confirm/", {"password": "wrong", "next": page}).status_code == 422
    assert not Person.objects.filter(email="new@example.com").exists()
    assert Draft.objects.count() == 1


def test_what_was_typed_comes_back_after_the_session_expired(world: World) -> None:
    browser, person = admin(world)
    expired(browser)
    asked = browser.post(world.url("people/invite/"), INVITED)
    assert asked["Location"].startswith("/sign-in/")
    page = next_of(asked["Location"])
    signed_in = browser.post("/sign-in/", {"login": person.email, "password": PASSWORD, "next": page})
    assert signed_in["Location"] == page
    assert "新人 太郎" in input_value(browser.get(page).content.decode(), "name")


def test_it_comes_back_also_after_the_expired_session_was_pruned(world: World) -> None:
    browser, person = admin(world)
    expired(browser)
    sessions.prune()
    assert set(Session.objects.filter(person=person).values_list("session_data", flat=True)) == {""}
    page = next_of(browser.post(world.url("people/invite/"), INVITED)["Location"])
    assert "draft=" in page
    Session.objects.update(seen_at=timezone.now() - sessions.REMEMBERED - timedelta(minutes=1))
    sessions.prune()
    assert not Session.objects.filter(person=person).exists()


def test_nothing_is_kept_for_a_browser_that_never_had_a_session(world: World) -> None:
    asked = Client().post(world.url("people/invite/"), INVITED)
    assert asked["Location"] == f"/sign-in/?next={world.url('people/')}"
    strange = Client()
    strange.cookies[django_settings.SESSION_COOKIE_NAME] = "not-a-session"
    strange.post(world.url("people/invite/"), INVITED)
    assert not Draft.objects.exists()


def test_another_person_never_sees_a_draft(world: World) -> None:
    browser, _person = admin(world)
    page = next_of(stale(browser).post(world.url("people/invite/"), INVITED)["Location"])
    other = world.client(Role.COMPANY_ADMIN).get(page).content.decode()
    assert "new@example.com" not in other and "no longer kept" in other


def test_a_draft_of_one_company_is_not_shown_in_another(world: World) -> None:
    browser, person = admin(world)
    Membership.objects.create(person=person, company=world.other, role=Role.COMPANY_ADMIN)
    page = next_of(stale(browser).post(world.url("people/invite/"), INVITED)["Location"])
    elsewhere = browser.get(page.replace(world.company.public_id, world.other.public_id)).content.decode()
    assert "new@example.com" not in elsewhere and "no longer kept" in elsewhere


def test_a_draft_is_limited_in_time_number_and_size(world: World) -> None:
    person, now = world.person(Role.VIEWER), timezone.now()
    token = drafts.keep(person, world.company.pk, "/", {"note": ["x"]}, now)
    assert drafts.find(token, person, world.company.pk, now) is not None
    assert drafts.find(token, person, world.company.pk, now + drafts.KEPT) is None
    for number in range(drafts.MOST + 3):
        drafts.keep(person, world.company.pk, "/", {"note": [str(number)]}, now + timedelta(seconds=number))
    assert Draft.objects.filter(person=person).count() == drafts.MOST
    assert drafts.find(token, person, world.company.pk, now) is None, "the oldest give way"
    with pytest.raises(drafts.TooLarge):
        drafts.keep(person, None, "/", {"note": ["x" * drafts.LARGEST]}, now)
    assert drafts.prune(now + drafts.KEPT + timedelta(minutes=1)) == drafts.MOST


def test_the_database_holds_no_secret_that_was_typed(world: World) -> None:
    browser, person = admin(world)
    stale(browser)
    key = '{"private_key": "hunter2-key"}'
    browser.post(world.url("settings/buckets/new/"), {"kind": "gcs", "name": "acme-new", "whose": "key", "key": key})
    browser.post(world.url("set-up/key/"), {"key": "hunter2-dialpad"})
    person.is_operator = True
    person.save()
    browser.post("/companies/new/", {"address": "https://sandbox.dialpad.com", "key": "hunter2-dialpad"})
    browser.post("/account/password/", {"password": "hunter2-password"})
    typed = [draft.typed for draft in Draft.objects.order_by("pk")]
    assert typed == [{"kind": ["gcs"], "name": ["acme-new"], "whose": ["key"]}, {"address": ["https://sandbox.dialpad.com"]}]
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(d::text, '') FROM accounts_draft d")
        assert "hunter2" not in cursor.fetchone()[0]


def test_the_token_itself_is_not_in_the_database(world: World) -> None:
    token = drafts.keep(world.person(Role.VIEWER), None, "/", {"note": ["x"]}, timezone.now())
    assert Draft.objects.get().token == hashed(token) != token


# --- previews ---------------------------------------------------------------------------------------------------------


def rules_form(world: World, *on: Target) -> dict[str, Any]:
    shown = " ".join(f"{one.pk}:1" for one in (world.sales, world.desk))
    return {"shown": shown, "on": [one.pk for one in on], "kind": "callcenter"}


def company_form(company: Company, **changed: Any) -> dict[str, Any]:
    given = {
        "revision": company.revision,
        "enabled": "on",
        "bucket": company.bucket_id,
        "requests_per_second": "15",
        "media_charge": "one",
    }
    return given | changed


def preview_of_rules(world: World, browser: Client) -> str:
    answer = browser.post(world.url("rules/save/"), rules_form(world, world.sales))
    assert answer.status_code == 303
    return str(answer["Location"])


def preview_of_settings(world: World, browser: Client) -> str:
    second = services.register_bucket(world.company, "gs://acme-second")
    return str(browser.post(world.url("settings/save/"), company_form(world.company, bucket=second.pk))["Location"])


@pytest.mark.parametrize("preview", [preview_of_rules, preview_of_settings])
def test_a_preview_can_be_reloaded_and_read_in_the_other_language(world: World, preview: Any) -> None:
    browser = world.admin
    address = preview(world, browser)
    first = browser.get(address)
    assert first.status_code == 200
    assert browser.get(address).status_code == 200, "reload"
    said = browser.post("/language/", {"language": "ja", "next": address}, follow=True)
    assert said.status_code == 200 and 'lang="ja"' in said.content.decode()
    assert "保存" in said.content.decode()


def test_going_back_from_a_preview_shows_the_form_as_it_was_filled_in(world: World) -> None:
    browser = world.admin
    shown = browser.get(preview_of_rules(world, browser)).content.decode()
    [back] = re.findall(r'<a class="button" href="([^"]+)"', shown)
    page = browser.get(unescape(back)).content.decode()
    assert re.search(rf'name="on" value="{world.sales.pk}"[^>]* checked', page)
    assert not re.search(rf'name="on" value="{world.desk.pk}"[^>]* checked', page)


def test_a_saved_preview_is_gone_and_its_address_leads_to_the_form(world: World) -> None:
    browser = world.admin
    address = preview_of_rules(world, browser)
    shown = browser.get(address).content.decode()
    names = ("shown", "ticked", "kind", "confirmed", "draft")
    browser.post(world.url("rules/save/"), {name: input_value(shown, name)[0] for name in names})
    assert not Target.objects.get(pk=world.desk.pk).backed_up
    assert not Draft.objects.exists()
    later = browser.get(address, follow=True)
    assert later.redirect_chain[0][0].startswith(world.url("rules/"))
    assert "no longer kept" in later.content.decode()


def test_nobody_opens_the_preview_of_somebody_else(world: World) -> None:
    address = preview_of_settings(world, world.admin)
    assert world.admin.get(address)["Location"].startswith(world.url("settings/?draft="))
    assert world.client(Role.OFFICE_ADMIN, world.tokyo).get(address).status_code == 403


def test_a_preview_of_one_level_is_not_shown_for_another(world: World) -> None:
    browser = world.admin
    token = preview_of_settings(world, browser).rstrip("/").rpartition("/")[2]
    other = world.url(f"settings/office/{world.tokyo.pk}/preview/{token}/")
    assert browser.get(other)["Location"].startswith(world.url(f"settings/office/{world.tokyo.pk}/"))


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_town(db: None) -> Town:
    return build(20)


MACHINES = {"console:hooks-dialpad"}
"""Addresses that no browser shows."""


def test_no_address_that_a_browser_can_show_answers_that_it_may_not_be_opened(small_town: Town) -> None:
    browser = small_town.browser("company admin")
    for route in routes():
        answer = browser.get(route.url(small_town.a.values))
        assert (answer.status_code == 405) == (route.name in MACHINES), route.name


def test_an_address_for_forms_leads_to_a_page_that_can_be_opened(small_town: Town) -> None:
    browser = small_town.browser("company admin")
    for route in routes():
        if route.guard is not None and "GET" not in route.guard.methods and route.name not in MACHINES:
            url = route.url(small_town.a.values)
            page = browser.get(url)["Location"]
            assert url.startswith(page) and "GET" in guard_of(page).methods, route.name


def guard_of(path: str) -> Any:
    return resolve(path).func.guard  # type: ignore[attr-defined]


SECRET = {"password", "file"}
NOT_KEPT = {
    "key": "a credential",
    "login": "of nobody who is known",
    "code": "a secret",
    "username": "not filled in by hand",
    "q": "a search text, which may be a phone number",
}


def test_every_field_that_a_person_fills_in_is_kept_unless_it_is_a_secret(small_town: Town) -> None:
    browser, lost, seen = small_town.browser("company admin"), [], 0
    for route in routes():
        for form in _forms(browser, route, small_town):
            for address, names in form:
                kept = guard_of(address).keeps
                seen += len(names)
                lost += [f"{route.name}: {name} of {address}" for name in names if name not in kept and name not in NOT_KEPT]
    assert lost == []
    assert seen > 40


def _forms(browser: Client, route: Route, town: Town) -> list[list[tuple[str, list[str]]]]:
    """For each form on the page that sends to one of our guarded addresses: the addresses, and the fields that a person fills in."""
    url = route.url(town.a.values)
    answer = browser.get(url)
    if answer.status_code != 200 or answer.streaming or "text/html" not in answer.get("Content-Type", ""):
        return []
    page = answer.content.decode()
    found = []
    for head, body in re.findall(r'<form method="post"([^>]*)>(.*?)</form>', page, re.S):
        action = re.search(r'action="([^"]*)"', head)
        addresses = [unescape(action[1]) if action else url, *re.findall(r'formaction="([^"]+)"', body)]
        fields = re.findall(r"<(input|select|textarea)\b([^>]*)>", body)
        names = [name[1] for _tag, attributes in fields if _typed(attributes) and (name := re.search(r'name="([^"]+)"', attributes))]
        found.append([(address, names) for address in addresses])
    return found


def _typed(attributes: str) -> bool:
    kind = re.search(r'type="([^"]+)"', attributes)
    return kind is None or kind[1] not in (*SECRET, "hidden")
