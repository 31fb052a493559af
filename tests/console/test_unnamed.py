"""Calls that were recorded although no recording is listed, on the console: named, closed, re-opened, within reach (issue 9, line 20)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from rokuon.accounts.models import AuditEntry
from rokuon.console.failures import unnamed_views as page_of_calls
from rokuon.ledger.models import Call, CallClosing

from .conftest import Role, World

START = datetime(2026, 4, 1, 1, 2, tzinfo=UTC)


@pytest.fixture
def calls(world: World) -> dict[str, Call]:
    return {
        name: Call.objects.create(
            target=target, call_id=f"id-{name}", started_at=START + timedelta(minutes=number), was_recorded=True, recordings=0
        )
        for number, (name, target) in enumerate(
            [("one", world.sales), ("two", world.sales), ("osaka", world.desk), ("other", world.other_target)]
        )
    }


def text(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_each_call_is_named_on_a_page_that_every_count_leads_to(world: World, calls: dict[str, Call]) -> None:
    page = text(world.admin, world.url("failures/nothing-to-fetch/"))
    for words in ("3 calls were recorded", "id-one", "id-two", "id-osaka", "2026-04-01 10:02", "Acme Sales"):
        assert words in page
    assert "id-other" not in page
    link = f'href="{world.url("failures/nothing-to-fetch/")}"'
    failures = text(world.admin, world.url("failures/"))
    assert "3 calls were recorded" in failures
    assert link in failures
    assert "What fails appears here" not in failures


def test_an_office_admin_closes_the_offices_own_calls_alone(world: World, calls: dict[str, Call]) -> None:
    browser, url = world.client(Role.OFFICE_ADMIN, world.osaka), world.url("failures/nothing-to-fetch/")
    assert "id-one" not in text(browser, url)
    browser.post(url + "close/", {"call": [calls["one"].pk, calls["osaka"].pk], "note": "a test"})
    assert list(CallClosing.objects.values_list("call__call_id", flat=True)) == ["id-osaka"]
    assert AuditEntry.objects.get().after == {"calls": 1, "note": "a test", "call_ids": ["id-osaka"]}
    page = text(browser, url)
    assert "a test" in page
    assert "Every recorded call names its recording or is explained" in page
    browser.post(url + "reopen/", {"call": [calls["osaka"].pk]})
    assert not CallClosing.objects.exists()


def test_a_viewer_looks_and_closes_nothing(world: World, calls: dict[str, Call]) -> None:
    browser, url = world.client(Role.VIEWER), world.url("failures/nothing-to-fetch/")
    assert "Close the selected calls" not in text(browser, url)
    assert browser.post(url + "close/", {"what": "all", "note": "x"}).status_code == 403
    assert not CallClosing.objects.exists()


@pytest.mark.parametrize("form", [{}, {"note": "x"}, {"what": "all", "note": " "}])
def test_without_a_note_or_a_call_nothing_is_closed(world: World, calls: dict[str, Call], form: dict[str, str]) -> None:
    world.admin.post(world.url("failures/nothing-to-fetch/close/"), form)
    assert not CallClosing.objects.exists()


@pytest.mark.parametrize("number", ["1 OR 1=1", "9" * 5000, "-1", "１"])
def test_a_number_that_is_none_of_ours_is_refused(world: World, calls: dict[str, Call], number: str) -> None:
    assert world.admin.post(world.url("failures/nothing-to-fetch/close/"), {"call": number, "note": "x"}).status_code == 403


def test_all_that_are_open_are_closed_at_once(world: World, calls: dict[str, Call]) -> None:
    world.admin.post(world.url("failures/nothing-to-fetch/close/"), {"what": "all", "note": "known"})
    assert CallClosing.objects.count() == 3
    failures = text(world.admin, world.url("failures/"))
    assert "3 calls are closed with a note." in failures
    assert "What fails appears here" not in failures, "days are not listed"


def test_older_calls_stand_on_further_pages(world: World, calls: dict[str, Call], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of_calls, "PER_PAGE", 2)
    url = world.url("failures/nothing-to-fetch/")
    first = text(world.admin, url)
    assert ("id-osaka" in first, "id-two" in first, "id-one" in first) == (True, True, False)
    older = first.partition('href="?before=')[2].partition('"')[0]
    second = text(world.admin, f"{url}?before={older}")
    assert ("id-two" in second, "id-one" in second) == (False, True)
    for place in ("x", "1-", "9" * 30 + "-1"):
        assert world.admin.get(f"{url}?before={place}").status_code == 302
