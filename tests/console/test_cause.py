"""The page of one cause: what it opens with, who can fix it, retrying and selecting, how it was closed, what the audit log names."""

import html
import re
from collections import Counter

import pytest
from django.test import Client
from django.utils import timezone

from rokuon.accounts.models import AuditEntry
from rokuon.actions import failures as failure_actions
from rokuon.console.failures import cause_views
from rokuon.ledger.models import Closing, Copy, Hold
from rokuon.notify.models import Notice
from rokuon.org.models import Target

from .conftest import Role, World
from .test_failures import copy_of, states

REDIRECT = "failures/failed/source_redirect_blocked/"
HOSTS = ["cdn.one.example"] * 3 + ["cdn.two.example"] * 2 + ["cdn.three.example", "cdn.four.example", "cdn.five.example"]


def redirected(target: Target, hosts: list[str] = HOSTS, first: int = 0) -> list[Copy]:
    made = [copy_of(target, first + number, "failed", "source_redirect_blocked") for number in range(len(hosts))]
    for copy, host in zip(made, hosts, strict=True):
        Copy.objects.filter(pk=copy.pk).update(detail=host)
    return made


def page(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def words(source: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", source)))


def test_the_title_names_the_cause_and_counts_its_recordings(world: World) -> None:
    redirected(world.sales)
    shown = page(world.admin, world.url(REDIRECT))
    assert "<title>8 recordings: redirect to another host refused · Rokuon</title>" in shown
    assert "<h1>8 recordings: redirect to another host refused</h1>" in shown
    browser = world.admin
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = "ja"
    assert "<h1>「別のホストへの転送を拒否」8 件</h1>" in page(browser, world.url(REDIRECT))


def test_the_page_opens_with_the_top_three_details_and_counts_the_others(world: World) -> None:
    redirected(world.sales)
    said = words(page(world.admin, world.url(REDIRECT)).partition("<form")[2].partition('id="rows"')[0])
    assert "Refused host cdn.one.example (3) cdn.two.example (2) cdn.five.example (1) and 2 others" in said


def test_one_detail_needs_no_number(world: World) -> None:
    redirected(world.sales, ["cdn.one.example"] * 2)
    assert "Refused host cdn.one.example Affected" in words(page(world.admin, world.url(REDIRECT)))


def test_a_detail_of_another_office_is_not_shown(world: World) -> None:
    redirected(world.sales, ["tokyo.example"])
    redirected(world.desk, ["osaka.example"], first=1)
    redirected(world.other_target, ["zenith.example"], first=2)
    said = page(world.client(Role.OFFICE_ADMIN, world.osaka), world.url(REDIRECT))
    assert "osaka.example" in said
    assert "tokyo.example" not in said
    assert "zenith.example" not in page(world.admin, world.url(REDIRECT))


@pytest.mark.parametrize(
    ("reason", "role", "sentence", "yours"),
    [
        ("recording_not_audio", Role.OFFICE_ADMIN, "An office admin or a company admin can fix this.", True),
        ("recording_not_audio", Role.VIEWER, "An office admin or a company admin can fix this.", False),
        ("object_missing", Role.COMPANY_ADMIN, "A company admin can fix this.", True),
        ("object_missing", Role.OFFICE_ADMIN, "A company admin can fix this.", False),
        ("source_redirect_blocked", Role.COMPANY_ADMIN, "The operator of this Rokuon installation can fix this.", False),
        ("recording_too_slow", Role.OFFICE_ADMIN, "Nothing has to be fixed: retrying is enough.", False),
    ],
)
def test_the_page_says_who_can_fix_the_cause(world: World, reason: str, role: str, sentence: str, yours: bool) -> None:
    copy_of(world.sales, 1, "failed", reason)
    said = words(page(world.client(role, world.tokyo if role == Role.OFFICE_ADMIN else None), world.url(f"failures/failed/{reason}/")))
    assert sentence in said
    assert ("That includes you." in said) is yours


def test_an_admin_of_the_office_is_told_whom_to_ask_and_a_viewer_is_not(world: World) -> None:
    copy_of(world.sales, 1, "failed", "object_missing")
    boss, url = world.person(Role.COMPANY_ADMIN), world.url("failures/failed/object_missing/")
    assert boss.email in page(world.client(Role.OFFICE_ADMIN, world.tokyo), url)
    assert boss.email not in page(world.client(Role.VIEWER), url)


def test_a_cause_of_the_bucket_names_the_bucket_and_links_it_for_those_who_may_open_it(world: World) -> None:
    copy_of(world.sales, 1, "failed", "object_missing")
    url, link = world.url("failures/failed/object_missing/"), world.url(f"settings/buckets/{world.bucket.pk}/")
    for role, office, linked in ((Role.OFFICE_ADMIN, world.tokyo, True), (Role.VIEWER, None, False)):
        shown = page(world.client(role, office), url)
        assert world.bucket.url in shown
        assert (f'href="{link}"' in shown) is linked


def test_the_primary_button_retries_the_cause(world: World) -> None:
    redirected(world.sales)
    shown = page(world.admin, world.url(REDIRECT))
    assert re.findall(r'<button[^>]*class="primary"[^>]*>([^<]*)', shown) == ["Retry this cause"]
    assert "Retry" not in page(world.client(Role.VIEWER), world.url(REDIRECT))


def test_of_what_waits_for_a_held_bucket_the_first_button_leads_to_the_bucket(world: World) -> None:
    held = copy_of(world.sales, 1, "failed", "x")
    Copy.objects.filter(pk=held.pk).update(state="pending", reason="bucket_forbidden", due_at=timezone.now())
    Hold.objects.create(company=world.company, on="bucket", ref=str(world.bucket.pk), reason="bucket_forbidden", probe_at=timezone.now())
    url = world.url("failures/pending/bucket_forbidden/")
    shown = page(world.admin, url)
    assert f'class="button primary" href="{world.url(f"settings/buckets/{world.bucket.pk}/")}"' in shown
    assert 'class="primary"' not in shown
    assert "button primary" not in page(world.client(Role.VIEWER), url)


def test_select_all_takes_every_page_and_no_other_cause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cause_views, "PER_PAGE", 2)
    redirected(world.sales)
    copy_of(world.sales, 20, "failed", "recording_not_audio")
    browser = world.admin
    shown = page(browser, world.url(REDIRECT))
    assert shown.count('name="copy"') == 2
    assert "Select all 8 recordings, also those on other pages" in shown
    browser.post(world.url("failures/retry/"), {"what": "cause", "state": "failed", "reason": "source_redirect_blocked"})
    assert Counter(states().values()) == {"pending": 8, "failed": 1}
    assert Copy.objects.get(state="failed").reason == "recording_not_audio"


def test_select_all_of_an_office_admin_takes_the_office_alone(world: World) -> None:
    redirected(world.sales, ["a"])
    redirected(world.desk, ["b"], first=1)
    browser = world.client(Role.OFFICE_ADMIN, world.osaka)
    form = {"what": "cause", "state": "failed", "reason": "source_redirect_blocked", "note": "known"}
    browser.post(world.url("failures/close/"), form)
    assert set(Closing.objects.values_list("copy__target", flat=True)) == {world.desk.pk}
    assert world.client(Role.VIEWER).post(world.url("failures/close/"), form).status_code == 403
    assert "data-tick-all" not in page(world.client(Role.VIEWER), world.url(REDIRECT))


def test_each_row_links_to_its_recording(world: World) -> None:
    made = redirected(world.sales, ["a", "b"])
    shown = page(world.client(Role.VIEWER), world.url(REDIRECT))
    for copy in made:
        assert f'href="{world.url(f"recordings/{copy.pk}/")}"' in shown


def test_stopping_reminders_comes_last(world: World) -> None:
    redirected(world.sales)
    Notice.objects.create(
        company=world.company, office=world.tokyo, kind="failed", cause="source_redirect_blocked", count=8, since=timezone.now()
    )
    shown = page(world.admin, world.url(REDIRECT))
    order = [shown.index(text) for text in ("What happened", 'id="rows"', "Close without a backup", "Stop reminders")]
    assert order == sorted(order)


def test_a_closed_cause_shows_how_it_was_closed_and_offers_no_retry(world: World) -> None:
    redirected(world.sales, ["a", "b"])
    browser = world.admin
    form = {"what": "cause", "state": "failed", "reason": "source_redirect_blocked", "note": "the trial of 2025"}
    assert browser.post(world.url("failures/close/"), form)["Location"] == world.url(REDIRECT)
    opening = page(browser, world.url(REDIRECT)).partition("<main")[2].partition("What happened")[0]
    assert "Closed" in opening
    assert "the trial of 2025" in opening
    assert "Retry this cause" not in opening
    assert "Retry the selected ones" not in page(browser, world.url(REDIRECT))
    assert "Re-open the selected ones" in page(browser, world.url(REDIRECT))
    desk = page(browser, world.url("failures/"))
    assert "the trial of 2025" in desk.partition("<details><summary>Closed")[2]


def test_a_cause_that_is_closed_in_part_offers_retry_and_says_how_the_part_was_closed(world: World) -> None:
    made = redirected(world.sales, ["a", "b"])
    browser = world.admin
    browser.post(world.url("failures/close/"), {"copy": [made[0].pk], "note": "a test call"})
    shown = page(browser, world.url(REDIRECT))
    assert "Retry this cause" in shown
    assert "a test call" in shown.partition("What happened")[2].partition('id="rows"')[0]


def test_another_offices_note_is_not_shown(world: World) -> None:
    redirected(world.sales, ["a"])
    redirected(world.desk, ["b"], first=1)
    world.client(Role.OFFICE_ADMIN, world.tokyo).post(
        world.url("failures/close/"), {"what": "cause", "state": "failed", "reason": "source_redirect_blocked", "note": "secret of Tokyo"}
    )
    browser = world.client(Role.OFFICE_ADMIN, world.osaka)
    assert "secret of Tokyo" not in page(browser, world.url(REDIRECT)) + page(browser, world.url("failures/"))


def test_the_audit_log_names_every_recording_that_was_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure_actions, "MOST_RECORDINGS", 3)
    redirected(world.sales)
    form = {"what": "cause", "state": "failed", "reason": "source_redirect_blocked", "note": "known"}
    browser = world.admin
    browser.post(world.url("failures/close/"), form)
    entries = list(AuditEntry.objects.filter(action="failure.close").order_by("pk"))
    assert [entry.after["copies"] for entry in entries] == [3, 3, 2]
    assert [one for entry in entries for one in entry.after["recordings"]] == [f"r{number}" for number in range(8)]
    assert {entry.after["note"] for entry in entries} == {"known"}
    assert "r0, r1, r2" in page(browser, world.url("audit/"))


def test_a_closing_that_closes_nothing_leaves_no_entry(world: World) -> None:
    copy = redirected(world.desk, ["a"])[0]
    world.client(Role.OFFICE_ADMIN, world.tokyo).post(world.url("failures/close/"), {"copy": [copy.pk], "note": "not mine"})
    assert not AuditEntry.objects.exists()
    assert not Closing.objects.exists()


def test_re_opening_names_the_recordings_too(world: World) -> None:
    redirected(world.sales, ["a", "b"])
    browser, form = world.admin, {"what": "cause", "state": "failed", "reason": "source_redirect_blocked", "note": "known"}
    browser.post(world.url("failures/close/"), form)
    browser.post(world.url("failures/reopen/"), form)
    assert AuditEntry.objects.get(action="failure.reopen").after["recordings"] == ["r0", "r1"]
    assert not Closing.objects.exists()


def test_of_a_cause_closed_in_part_select_all_means_what_is_not_closed(world: World) -> None:
    made = redirected(world.sales, ["a", "b", "c"])
    browser, form = world.admin, {"what": "open", "state": "failed", "reason": "source_redirect_blocked", "note": "later"}
    browser.post(world.url("failures/close/"), {"copy": [made[0].pk], "note": "first"})
    shown = page(browser, world.url(REDIRECT))
    assert "Select all 2 recordings that are not closed" in shown
    assert shown.count("data-closed") == 1
    browser.post(world.url("failures/reopen/"), form)
    assert Closing.objects.get().note == "first", "nothing that is closed was ticked"
    browser.post(world.url("failures/close/"), form)
    assert sorted(Closing.objects.values_list("note", flat=True)) == ["first", "later", "later"]
    browser.post(world.url("failures/retry/"), form)
    assert set(states().values()) == {"failed"}, "nothing was left to retry"
