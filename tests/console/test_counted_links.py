"""One truth: each number on a page equals the list that it leads to, the headline is the same everywhere, for any ledger and reader."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rokuon.base.i18n import speaking
from rokuon.completeness.headline import of_company
from rokuon.console.web import counted_lists
from rokuon.domain.copies import State
from rokuon.ledger import failures
from rokuon.ledger.failures import Which
from rokuon.ledger.models import Copy, Run
from rokuon.notify import summary
from rokuon.notify.message import Letter
from rokuon.notify.models import Occasion
from rokuon.notify.text import sentences
from rokuon.org import services
from rokuon.org.models import Company, Target
from tests.console.conftest import World
from tests.console.counted_links import counted, rows
from tests.console.test_overview import cover, end, found

REASONS = {
    State.PENDING: ["", "source_throttled"],
    State.VERIFIED: [""],
    State.FAILED: ["recording_not_audio", "object_occupied"],
    State.GONE: ["recording_gone"],
    State.EXCLUDED: ["rule_disabled"],
}
KINDS = [(state, reason) for state, reasons in REASONS.items() for reason in reasons]
LEDGERS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(KINDS), st.integers(0, 40), st.booleans()), max_size=14)


@pytest.fixture
def ready(world: World) -> World:
    """A company that is set up."""
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    return world


def fill(world: World, ledger: list[tuple[int, tuple[State, str], int, bool]]) -> None:
    """Put copies into the ledger: target, state with reason, age of the call in days, and whether a person closed it."""
    targets = (world.sales, world.trainees, world.desk)
    for number, (target, (state, reason), age, closed) in enumerate(ledger):
        works = found(world, targets[target], days_ago=age + 1, at=f"{number}.")
        if state is State.PENDING and reason:
            Copy.objects.filter(pk=works[0].copy_id).update(reason=reason, due_at=timezone.now() + timedelta(hours=1))
        elif state is State.EXCLUDED:
            Copy.objects.filter(pk=works[0].copy_id).update(state=state, reason=reason, due_at=None)
        elif state is not State.PENDING:
            end(works, state, reason)
        if closed and state in (State.FAILED, State.GONE):
            failures.close([works[0].copy_id], "explained", "Ann", timezone.now())


def run_of(world: World, days: int, *targets: Target) -> Run:
    """A run that has ended, over the last days."""
    now = timezone.now()
    return Run.objects.create(
        company=world.company,
        purpose=Run.Purpose.BACK_UP_NOW,
        scope_kind="company",
        scope_id=0,
        targets=[target.pk for target in targets],
        since=now - timedelta(days=days),
        until=now,
        state=Run.State.FINISHED,
        created_at=now,
        finished_at=now,
    )


def headline(page: str) -> str:
    heading = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert heading
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", heading[1]))).strip()


@given(ledger=LEDGERS, days=st.integers(1, 45))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_number_equals_the_list_that_it_leads_to(
    ready: World, ledger: list[tuple[int, tuple[State, str], int, bool]], days: int
) -> None:
    with transaction.atomic():
        fill(ready, ledger)
        run = run_of(ready, days, ready.sales, ready.desk)
        for browser in (ready.admin, ready.client("office_admin", ready.osaka)):
            for page in ("", f"?office={ready.osaka.pk}", "failures/", f"backup-now/{run.pk}/"):
                for link, number, listed in counted(browser, ready.url(page)):
                    assert number == listed, (page, link)
        transaction.set_rollback(True)


def test_the_numbers_of_a_ledger_are_all_links(ready: World) -> None:
    fill(ready, [(0, kind, 3, False) for kind in KINDS for _ in range(2)])
    links = [link for link, _number, _rows in counted(ready.admin, ready.url())]
    for state in State:
        assert any(f"state={state.value}" in link for link in links), state
    assert any(link.endswith("#not-known") for link in links)
    states = [link for link, *_ in counted(ready.admin, ready.url(f"backup-now/{run_of(ready, 30, ready.sales).pk}/"))]
    assert all("run=" in link for link in states)
    assert len(states) >= len(State)


def test_a_list_of_more_than_a_page_is_counted_to_its_end(ready: World) -> None:
    fill(ready, [(0, (State.VERIFIED, ""), 3, False)] * 120)
    assert rows(ready.admin, ready.url("recordings/?state=verified")) == 120


def test_the_headline_is_the_same_on_overview_back_up_now_and_failures(ready: World) -> None:
    cover(ready.sales, ready.trainees, ready.desk)
    for state, reason in ((State.VERIFIED, ""), (State.PENDING, ""), (State.GONE, "recording_gone"), (State.FAILED, "object_occupied")):
        works = found(ready, ready.sales, 2, at=state.value)
        if state is not State.PENDING:
            end(works, state, reason)
        said = {headline(ready.admin.get(ready.url(place)).content.decode()) for place in ("", "backup-now/", "failures/")}
        assert len(said) == 1, said


def test_a_run_beyond_the_reach_lists_nothing_of_others(ready: World) -> None:
    fill(ready, [(0, (State.FAILED, "object_occupied"), 1, False)])
    run = run_of(ready, 5, ready.sales)
    reader = ready.client("viewer", ready.osaka)
    assert reader.get(ready.url(f"recordings/?run={run.pk}")).status_code == 404
    assert reader.get(ready.url(f"recordings/?run={run.pk + 1}")).status_code == 404
    assert rows(ready.admin, ready.url(f"recordings/?run={run.pk}")) == 1


def test_a_retried_failure_leaves_the_headline_of_the_run_that_it_failed_in(ready: World) -> None:
    cover(ready.sales, ready.trainees, ready.desk)
    works = found(ready, ready.sales, 2)
    end(works, State.FAILED, "object_occupied")
    run = run_of(ready, 30, ready.sales)
    address = ready.url(f"backup-now/{run.pk}/")
    assert headline(ready.admin.get(address).content.decode()) == "2 recordings are not backed up"
    failures.close(failures.choose(ready.company.pk, None, Which(state=State.FAILED)), "explained", "Ann", timezone.now())
    assert "not backed up" not in headline(ready.admin.get(address).content.decode())


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_mail_of_the_week_and_the_commands_say_the_headline_of_the_overview(ready: World, language: str) -> None:
    cover(ready.sales, ready.trainees, ready.desk)
    browser, now = ready.admin, timezone.now()
    browser.cookies["rokuon_language"] = language
    for state, reason in ((State.VERIFIED, ""), (State.PENDING, ""), (State.GONE, "recording_gone"), (State.FAILED, "object_occupied")):
        works = found(ready, ready.sales, 2, at=f"w{state.value}")
        if state is not State.PENDING:
            end(works, state, reason)
        shown = headline(browser.get(ready.url()).content.decode())
        numbers = summary.numbers(ready.company, None, now - timedelta(days=7), now, now)
        week = Letter(Occasion.WEEKLY, ready.company.name, numbers=numbers, first_day="2026-11-23", last_day="2026-11-29")
        with speaking(language):
            assert of_company(ready.company, now).sentence == shown
            assert sentences.answer(week).sentence == shown
            assert shown in sentences.title(week)


def test_a_past_backup_lists_what_it_counted_and_says_once_where_it_cannot_any_more(ready: World) -> None:
    fill(ready, [(0, kind, 3, False) for kind in KINDS for _ in range(2)])
    first, second = run_of(ready, 30, ready.sales), run_of(ready, 30, ready.sales, ready.desk)
    for run in (first, second):
        counts = {"pending": 4, "verified": 2, "failed": 4, "gone": 2, "excluded": 2, "bytes": 0, "recorded_ms": 0}
        Run.objects.filter(pk=run.pk).update(outcome={str(ready.sales.pk): counts})
    page = ready.url("backup-now/")
    assert {number == listed for _link, number, listed in counted(ready.admin, page)} == {True}
    assert len(list(counted(ready.admin, page))) == 10
    assert "One without a link has changed since then" not in ready.admin.get(page).content.decode()
    Copy.objects.filter(state=State.FAILED).update(state=State.GONE)
    after = [(link, number == listed) for link, number, listed in counted(ready.admin, page)]
    assert all(right for _link, right in after)
    assert not any("state=failed" in link or "state=gone" in link for link, _right in after)
    assert ready.admin.get(page).content.decode().count("One without a link has changed since then") == 1
    assert not any(f"run={first.pk}&" in link for link, *_ in counted(ready.client("viewer", ready.osaka), page))


@given(ledger=LEDGERS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_number_of_a_retry_and_of_a_preview_equals_its_list(
    ready: World, ledger: list[tuple[int, tuple[State, str], int, bool]]
) -> None:
    with transaction.atomic():
        fill(ready, ledger)
        retry = failures.begin_retry(ready.company.pk, list(Copy.objects.values_list("pk", flat=True)[::2]), "Ann", timezone.now())
        second = services.register_bucket(ready.company, "gs://acme-second")
        admin = ready.admin
        shown = " ".join(f"{target.pk}:1" for target in (ready.sales, ready.desk))
        rules = admin.post(ready.url("rules/save/"), {"shown": shown, "on": [], "kind": "callcenter"})["Location"]
        form = {
            "revision": ready.company.revision,
            "enabled": "on",
            "bucket": second.pk,
            "requests_per_second": "15",
            "media_charge": "one",
        }
        moved = admin.post(ready.url("settings/save/"), form)["Location"]
        seen = 0
        for link, number, listed in (one for page in (rules, moved) for one in counted(admin, page)):
            assert number == listed, link
            seen += number
        assert seen >= sum(1 for target, _kind, age, _closed in ledger if age < 28)
        if retry is not None:
            for browser in (admin, ready.client("office_admin", ready.osaka)):
                page = ready.url(f"failures/retried/{retry.pk}/")
                numbers = [(number, listed) for _link, number, listed in counted(browser, page)] if _opens(browser, page) else []
                assert all(number == listed for number, listed in numbers)
            assert sum(number for _link, number, _listed in counted(admin, page)) == len(retry.copies)
        transaction.set_rollback(True)


def _opens(browser: Client, url: str) -> bool:
    return browser.get(url).status_code == 200


def test_the_list_of_a_retry_is_only_for_those_who_may_see_it(ready: World) -> None:
    fill(ready, [(0, (State.FAILED, "object_occupied"), 1, False)] * 3)
    retry = failures.begin_retry(ready.company.pk, list(Copy.objects.values_list("pk", flat=True)), "Ann", timezone.now())
    assert retry is not None
    address = ready.url(f"recordings/?retry={retry.pk}")
    assert rows(ready.admin, address) == 3
    assert f'name="retry" value="{retry.pk}"' in ready.admin.get(address).content.decode(), "kept by a further filter"
    assert ready.client("viewer", ready.osaka).get(address).status_code == 404
    stranger = ready.client("company_admin", company=ready.other)
    assert stranger.get(address.replace(ready.company.public_id, ready.other.public_id)).status_code == 404
    assert ready.admin.get(ready.url(f"recordings/?retry={retry.pk + 1}")).status_code == 404


def test_a_change_of_more_targets_than_an_address_can_name_has_no_link(ready: World) -> None:
    assert counted_lists.recordings_of(ready.company, [ready.sales] * (counted_lists.MOST_TARGETS + 1)) == ""
    assert counted_lists.recordings_of(ready.company, [ready.sales], state="failed").endswith(f"?target={ready.sales.pk}&state=failed")
