"""Company, office and target settings: what a level shows is what counts there; a change shows its effect first and is never lost."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rokuon.accounts.models import AuditEntry
from rokuon.domain.recording import ScopeKind
from rokuon.domain.settings import CompanySettings, LevelSettings, effective
from rokuon.org import services
from rokuon.org.models import Bucket, Company, Office, Target

from .conftest import Role, World
from .test_overview import found


def text(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", answer.content.decode()))


def company_form(company: Company, **changed: Any) -> dict[str, Any]:
    """The company's form as its page fills it in."""
    company.refresh_from_db()
    given = {
        "revision": company.revision,
        "bucket": company.bucket_id or "",
        "requests_per_second": company.requests_per_second,
        "media_charge": company.media_charge,
        "access_window_days": company.access_window_days or "",
    }
    given |= {name: "on" for name in ("enabled", "restricted", "voicemail") if getattr(company, name)}
    given |= changed
    return {name: value for name, value in given.items() if value is not None}


def saved(browser: Client, url: str, data: dict[str, Any]) -> HttpResponse:
    """Post, and confirm the effect that is shown."""
    answer = browser.post(url, data)
    if "/preview/" not in answer.get("Location", ""):
        return answer  # type: ignore[return-value]
    shown = browser.get(answer["Location"])
    token = re.search(r'name="confirmed" value="(\w+)"', shown.content.decode())
    assert token is not None
    return browser.post(url, {**data, "confirmed": token[1]})  # type: ignore[return-value]


def second_bucket(world: World) -> Bucket:
    return services.register_bucket(world.company, "gs://acme-second")


def test_a_level_says_its_bucket_and_who_decided(world: World) -> None:
    services.change(world.tokyo, services.choice(world.tokyo, second_bucket(world)))
    said = text(world.admin.get(world.url(f"settings/target/{world.sales.pk}/")))
    assert "gs://acme-second" in said and "The office is customized: its bucket is used." in said


def test_nothing_far_reaching_is_saved_before_its_effect_was_shown(world: World) -> None:
    second, url = second_bucket(world), world.url("settings/save/")
    found(world, world.sales, 14)
    found(world, world.desk, 4, days_ago=40)
    browser, data = world.admin, company_form(world.company, bucket=second.pk)
    shown = browser.post(url, data, follow=True)
    assert "about 14 recordings a month" in text(shown) and "gs://acme-second" in text(shown)
    assert Company.objects.get(pk=world.company.pk).bucket_id == world.bucket.pk
    assert saved(browser, url, data).status_code == 303
    assert Company.objects.get(pk=world.company.pk).bucket_id == second.pk
    assert AuditEntry.objects.filter(action="settings.change").get().after == {"bucket": "gs://acme-second"}


def test_an_effect_that_has_changed_is_shown_again(world: World) -> None:
    second, url, browser = second_bucket(world), world.url("settings/save/"), world.admin
    data = company_form(world.company, bucket=second.pk)
    token = re.search(r'name="confirmed" value="(\w+)"', browser.post(url, data, follow=True).content.decode())
    assert token is not None
    services.change(world.tokyo, services.choice(world.tokyo, world.bucket))
    assert "/preview/" in browser.post(url, {**data, "confirmed": token[1]})["Location"]
    assert Company.objects.get(pk=world.company.pk).bucket_id == world.bucket.pk


def test_what_redirects_nothing_is_saved_at_once(world: World) -> None:
    assert world.admin.post(world.url("settings/save/"), company_form(world.company, requests_per_second="12.5")).status_code == 303
    assert str(Company.objects.get(pk=world.company.pk).requests_per_second) == "12.50"


@pytest.mark.parametrize("rate", ["0", "-1", "abc", "", "1e9", "NaN"])
def test_a_request_budget_that_cannot_be_is_refused_at_its_field(world: World, rate: str) -> None:
    answer = world.admin.post(world.url("settings/save/"), company_form(world.company, requests_per_second=rate))
    assert answer.status_code == 422
    assert 'id="set-requests_per_second_error"' in answer.content.decode()


def test_of_two_editors_the_second_sees_both_and_loses_nothing(world: World) -> None:
    second, browser, url = second_bucket(world), world.admin, world.url("settings/save/")
    mine = company_form(world.company, bucket=second.pk)
    other = world.client(Role.COMPANY_ADMIN)
    assert saved(other, url, company_form(world.company, restricted="on")).status_code == 303
    told = browser.post(url, mine, follow=True)
    said = text(told)
    assert "company_admin" in said and "gs://acme-second" in said and "You wanted" in said
    assert Company.objects.get(pk=world.company.pk).bucket_id == world.bucket.pk
    again = company_form(world.company, bucket=second.pk, restricted=None)
    assert f'name="revision" value="{again["revision"]}"' in told.content.decode()
    assert saved(browser, url, again).status_code == 303
    assert Company.objects.get(pk=world.company.pk).bucket_id == second.pk


def test_a_far_reaching_change_asks_who_it_is_and_comes_back_with_what_was_entered(world: World) -> None:
    browser, second, url = world.admin, second_bucket(world), world.url("settings/save/")
    session = browser.session
    session["proved_at"] = 0.0
    session.save()
    asked = browser.post(url, company_form(world.company, bucket=second.pk))
    assert (asked.status_code, asked["Location"].startswith(reverse("account_reauthenticate"))) == (303, True)
    again = parse_qs(urlsplit(asked["Location"]).query)["next"][0]
    assert f'<option value="{second.pk}" selected>' in browser.get(again).content.decode()
    assert browser.post(url, company_form(world.company, requests_per_second="3")).status_code == 303
    assert Company.objects.get(pk=world.company.pk).bucket_id == world.bucket.pk


def test_an_office_admin_customizes_the_own_office(world: World) -> None:
    second, browser = second_bucket(world), world.client(Role.OFFICE_ADMIN, world.tokyo)
    data = {"revision": world.tokyo.revision, "customized": "on", "bucket": second.pk}
    assert saved(browser, world.url(f"settings/office/{world.tokyo.pk}/save/"), data).status_code == 303
    assert Office.objects.get(pk=world.tokyo.pk).bucket_id == second.pk
    entry = AuditEntry.objects.get(action="settings.change")
    assert (entry.subject_kind, entry.office_id, entry.after) == (
        "office",
        world.tokyo.pk,
        {"bucket": "gs://acme-second", "customized": True},
    )


def test_an_office_admin_changes_neither_the_company_nor_another_office(world: World) -> None:
    browser = world.client(Role.OFFICE_ADMIN, world.tokyo)
    data = {"revision": 0, "customized": "on", "bucket": world.bucket.pk}
    assert browser.post(world.url("settings/save/"), company_form(world.company, enabled=None)).status_code == 403
    assert browser.post(world.url(f"settings/office/{world.osaka.pk}/save/"), data).status_code == 404
    assert browser.post(world.url(f"settings/target/{world.desk.pk}/save/"), data).status_code == 404
    assert browser.get(world.url(f"settings/target/{world.desk.pk}/")).status_code == 404


def test_an_office_admin_sees_no_other_office(world: World) -> None:
    for page in ("settings/", f"settings/office/{world.tokyo.pk}/", "settings/buckets/"):
        said = world.client(Role.OFFICE_ADMIN, world.tokyo).get(world.url(page)).content.decode()
        assert "Osaka" not in said and "Desk" not in said, page


def test_while_access_is_restricted_an_office_admin_sees_why_and_who_can_change_it(world: World) -> None:
    boss = world.client(Role.COMPANY_ADMIN)
    assert saved(boss, world.url("settings/save/"), company_form(world.company, restricted="on")).status_code == 303
    browser = world.client(Role.OFFICE_ADMIN, world.tokyo)
    page = browser.get(world.url(f"settings/office/{world.tokyo.pk}/"))
    said = text(page)
    assert "The company restricts access" in said and "company_admin" in said and "set by company_admin" in said
    assert 'name="customized"' not in page.content.decode()
    data = {"revision": world.tokyo.revision, "customized": "on", "bucket": world.bucket.pk}
    assert browser.post(world.url(f"settings/office/{world.tokyo.pk}/save/"), data).status_code == 303
    assert not Office.objects.get(pk=world.tokyo.pk).customized


def test_customizing_needs_a_bucket_of_the_company(world: World) -> None:
    foreign = Bucket.objects.get(company=world.other)
    url = world.url(f"settings/target/{world.sales.pk}/save/")
    for bucket in ("", foreign.pk, 10**9, "x"):
        answer = world.admin.post(url, {"revision": 0, "customized": "on", "bucket": bucket})
        assert answer.status_code == 422, bucket
        assert foreign.url not in answer.content.decode()
    assert not Target.objects.filter(customized=True).exists()


def test_a_viewer_looks_and_does_not_change(world: World) -> None:
    browser = world.client(Role.VIEWER)
    page = browser.get(world.url("settings/")).content.decode()
    assert "gs://acme-recordings" in page and 'name="restricted"' not in page
    assert browser.post(world.url("settings/save/"), company_form(world.company)).status_code == 403


def test_a_thousand_targets_are_found_by_name_without_script(world: World) -> None:
    Target.objects.bulk_create(
        Target(company=world.company, office=world.osaka, kind="callcenter", dialpad_id=f"m{number}", name=f"Line {number:04}")
        for number in range(1000)
    )
    page = world.admin.get(world.url("settings/?q=Line 0042")).content.decode()
    assert "Line 0042" in page and "Line 0043" not in page


def test_hostile_names_are_shown_as_text(world: World) -> None:
    Target.objects.filter(pk=world.sales.pk).update(name="<script>alert(1)</script>")
    page = world.admin.get(world.url("settings/")).content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


CHOICE = st.sampled_from([None, 0, 1, 2])
LEVEL = st.tuples(st.booleans(), CHOICE)
Given = tuple[bool, int | None]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(company=st.tuples(st.booleans(), CHOICE, st.booleans()), office=LEVEL, center=LEVEL, team=LEVEL)
def test_each_page_shows_the_bucket_and_level_that_the_rules_say(
    world: World, company: tuple[bool, int | None, bool], office: Given, center: Given, team: Given
) -> None:
    buckets = [Bucket.objects.get_or_create(company=world.company, url=f"gs://acme-{number}")[0].pk for number in range(3)]

    def pk(choice: int | None) -> int | None:
        return buckets[choice] if choice is not None else None

    top = CompanySettings(company[0], pk(company[1]), company[2])
    Company.objects.filter(pk=world.company.pk).update(enabled=top.enabled, bucket=top.bucket, restricted=top.restricted)
    levels = []
    for node, kind, (customized, choice) in (
        (world.tokyo, ScopeKind.OFFICE, office),
        (world.sales, ScopeKind.CONTACT_CENTER, center),
        (world.trainees, ScopeKind.COACHING_TEAM, team),
    ):
        type(node)._default_manager.filter(pk=node.pk).update(customized=customized, bucket=pk(choice))
        levels.append(LevelSettings(kind, customized, pk(choice)))
    urls = dict(Bucket.objects.values_list("pk", "url"))
    browser = world.admin
    for page, answer in (
        ("settings/", effective(top)),
        (f"settings/office/{world.tokyo.pk}/", effective(top, levels[0])),
        (f"settings/target/{world.sales.pk}/", effective(top, levels[0], levels[1])),
        (f"settings/target/{world.trainees.pk}/", effective(top, levels[0], levels[2])),
    ):
        shown = browser.get(world.url(page)).content.decode()
        bucket = re.search(r"<dd data-effective>(.*?)</dd>", shown, re.DOTALL)
        won = re.search(r'data-won="(\w*)"', shown)
        assert bucket is not None and won is not None
        found = re.search(r"<code>(.*?)</code>", bucket[1])
        assert (found[1] if found else None) == (urls[answer.bucket] if answer.bucket is not None else None)
        assert won[1] == (answer.won.value if answer.won is not None else "")
        assert re.findall(r'data-ignored="(\w+)"', shown) == [one.kind.value for one in answer.ignored]


def test_the_access_window_is_set_by_a_company_admin_and_written_down(world: World) -> None:
    page = text(world.admin.get(world.url("settings/")))
    assert "How long Dialpad keeps recordings reachable after the call" in page
    form = company_form(world.company, access_window_days="45")
    assert world.client(Role.OFFICE_ADMIN, world.tokyo).post(world.url("settings/save/"), form).status_code == 403
    assert world.admin.post(world.url("settings/save/"), form).status_code == 303
    world.company.refresh_from_db()
    assert world.company.access_window_days == 45
    assert AuditEntry.objects.get().after == {"access_window_days": "45"}
    world.admin.post(world.url("settings/save/"), company_form(world.company, access_window_days=""))
    world.company.refresh_from_db()
    assert world.company.access_window_days is None


@pytest.mark.parametrize("days", ["46", "-45", "0", "45 days", "４５x"])
def test_a_window_that_there_is_not_is_refused(world: World, days: str) -> None:
    assert world.admin.post(world.url("settings/save/"), company_form(world.company, access_window_days=days)).status_code == 422
    world.company.refresh_from_db()
    assert world.company.access_window_days is None
