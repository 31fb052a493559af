"""Backup rules: what will happen is said before it does, only differences are applied, and nobody's change is lost."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from rokuon.accounts.models import AuditEntry
from rokuon.ledger.models import Copy, Recording
from rokuon.org import services
from rokuon.org.models import Company, Target

from .conftest import Role, World


def text(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", answer.content.decode()))


def form(page: Any) -> dict[str, Any]:
    """What the page's form would send as it stands."""
    html = page.content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(shown|kind|office|q|ticked|confirmed)" value="([^"]*)">', html))
    ticked = re.findall(r'<input type="checkbox" name="on" value="(\d+)" id="rule-\d+" checked>', html)
    return {**hidden, "on": ticked}


def opened(browser: Client, world: World, query: str = "") -> dict[str, Any]:
    return form(browser.get(world.url(f"rules/{query}")))


def save(browser: Client, world: World, data: dict[str, Any]) -> HttpResponse:
    """Post, confirm what is shown, and the page after it."""
    answer = browser.post(world.url("rules/save/"), data)
    if "/preview/" not in answer["Location"]:
        return browser.get(answer["Location"])  # type: ignore[return-value]
    data = form(browser.get(answer["Location"]))
    return browser.post(world.url("rules/save/"), data, follow=True)  # type: ignore[return-value]


def without(data: dict[str, Any], *targets: Target) -> dict[str, Any]:
    return {**data, "on": [one for one in data["on"] if int(one) not in {target.pk for target in targets}]}


def waiting(target: Target, world: World, many: int) -> None:
    for number in range(many):
        recording = Recording.objects.create(
            company=world.company,
            kind="callrecording",
            recording_id=f"{target.pk}-{number}",
            call_id="1",
            call_started_at=timezone.now(),
            url="https://dialpad.com/x",
        )
        Copy.objects.create(
            company=world.company,
            recording=recording,
            target=target,
            bucket=world.bucket,
            call_started_at=recording.call_started_at,
            key=f"call-recordings/{target.pk}/2026-11-01/{number}.mp3",
            due_at=timezone.now() + timedelta(days=1),
        )


def on(target: Target) -> bool:
    return Target.objects.get(pk=target.pk).backed_up


def test_disabling_says_what_is_set_aside_before_it_does(world: World) -> None:
    browser = world.admin
    waiting(world.desk, world, 3)
    data = without(opened(browser, world), world.desk)
    shown = browser.post(world.url("rules/save/"), data, follow=True)
    assert "1 will no longer be backed up" in text(shown)
    assert "3 recordings that wait are set aside" in text(shown)
    assert on(world.desk)
    page = save(browser, world, data)
    assert (on(world.desk), on(world.sales)) == (False, True)
    assert "3 waiting recordings were set aside" in text(page)
    assert AuditEntry.objects.get(action="rule.disable").subject == "Acme Desk"


def test_enabling_says_where_the_recordings_go(world: World) -> None:
    Target.objects.filter(pk__in=[world.sales.pk, world.desk.pk]).update(backed_up=False)
    services.change(world.osaka, services.choice(world.osaka, services.register_bucket(world.company, "gs://acme-osaka")))
    Company.objects.filter(pk=world.company.pk).update(bucket=None)
    browser = world.admin
    data = opened(browser, world) | {"on": [world.sales.pk, world.desk.pk]}
    said = text(browser.post(world.url("rules/save/"), data, follow=True))
    assert "2 more will be backed up automatically" in said
    assert "gs://acme-osaka" in said and "stored nowhere yet" in said
    save(browser, world, data)
    assert on(world.sales) and on(world.desk)


def test_only_differences_are_applied_and_the_others_change_is_told(world: World) -> None:
    browser = world.admin
    data = without(opened(browser, world), world.desk)
    other = world.client(Role.COMPANY_ADMIN)
    save(other, world, without(opened(other, world), world.sales))
    page = save(browser, world, data)
    assert (on(world.sales), on(world.desk)) == (False, False)
    assert "Changed by someone else in the meantime, and left as they are: Acme Sales." in text(page)


def test_who_was_slower_with_the_same_change_is_told(world: World) -> None:
    browser = world.admin
    data = without(opened(browser, world), world.desk)
    other = world.client(Role.COMPANY_ADMIN)
    save(other, world, without(opened(other, world), world.desk))
    assert "in the meantime: Acme Desk" in text(save(browser, world, data))
    assert AuditEntry.objects.filter(action="rule.disable").count() == 1


def test_a_plan_that_changed_is_shown_again(world: World) -> None:
    browser = world.admin
    Target.objects.filter(pk=world.desk.pk).update(backed_up=False)
    data = opened(browser, world) | {"on": [world.sales.pk, world.desk.pk]}
    confirmed = form(browser.post(world.url("rules/save/"), data, follow=True))
    services.change(world.company, services.choice(world.company, services.register_bucket(world.company, "gs://acme-new")))
    shown = browser.post(world.url("rules/save/"), confirmed, follow=True)
    assert (shown.status_code, "gs://acme-new" in text(shown), on(world.desk)) == (200, True, False)


def test_an_office_admin_changes_the_own_office_only(world: World) -> None:
    browser = world.client(Role.OFFICE_ADMIN, world.tokyo)
    page = browser.get(world.url("rules/"))
    assert "Osaka" not in page.content.decode() and "Desk" not in page.content.decode()
    data = {"kind": "callcenter", "shown": f"{world.sales.pk}:1 {world.desk.pk}:1", "on": []}
    save(browser, world, data)
    assert (on(world.sales), on(world.desk)) == (False, True)


def test_a_viewer_sees_the_rules_and_may_not_save(world: World) -> None:
    browser = world.client(Role.VIEWER)
    page = browser.get(world.url("rules/")).content.decode()
    assert "Acme Sales" in page and "disabled" in page and 'class="primary"' not in page
    assert browser.post(world.url("rules/save/"), {"shown": f"{world.sales.pk}:1"}).status_code == 403


def test_teams_have_their_own_tab_and_are_saved_there(world: World) -> None:
    browser = world.admin
    data = opened(browser, world, "?kind=coachingteam")
    assert data["shown"] == f"{world.trainees.pk}:1"
    save(browser, world, without(data, world.trainees))
    assert (on(world.trainees), on(world.sales)) == (False, True)


def test_a_filter_by_office_and_name_leaves_the_others_alone(world: World) -> None:
    browser = world.admin
    data = opened(browser, world, f"?kind=callcenter&office={world.osaka.pk}")
    assert data["shown"] == f"{world.desk.pk}:1"
    save(browser, world, {**data, "on": [], "all": "off"})
    assert (on(world.desk), on(world.sales)) == (False, True)
    assert opened(browser, world, "?q=sAlEs")["shown"] == f"{world.sales.pk}:1"
    assert "Nothing fits this filter" in text(browser.get(world.url("rules/?q=nothing-like-it")))


def test_what_dialpad_no_longer_has_stands_apart(world: World) -> None:
    Target.objects.filter(pk=world.desk.pk).update(state="deleted")
    said = text(world.admin.get(world.url("rules/")))
    assert "1 of 1 contact center is backed up" in said
    assert said.index("No longer at Dialpad") < said.index("Acme Desk")


@pytest.mark.parametrize("shown", ["", "x", "1", "1:2", ":", "999999999999999999999999:1", "\x00"])
def test_a_form_that_is_not_ours_changes_nothing(world: World, shown: str) -> None:
    answer = world.admin.post(world.url("rules/save/"), {"shown": shown, "on": ["x", "-1"], "kind": "callcenter"})
    assert answer.status_code == 303
    assert on(world.sales) and not AuditEntry.objects.exists()


def test_a_thousand_are_saved_at_once(world: World) -> None:
    Target.objects.bulk_create(
        Target(company=world.company, office=world.osaka, kind="callcenter", dialpad_id=f"m{number}", name=f"Line {number:04}")
        for number in range(1100)
    )
    browser = world.admin
    data = opened(browser, world)
    page = save(browser, world, {**data, "on": [one.partition(":")[0] for one in data["shown"].split()]})
    assert "The backup rules of 1100 targets were enabled." in text(page)
