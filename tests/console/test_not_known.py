"""The failure page names what is not known, each office its own, and lets it go when it is cured."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from rokuon.accounts.models import AuditEntry
from rokuon.domain.work import Unread
from rokuon.ledger import runs, unread
from rokuon.ledger.models import Run, Unreadable, Window
from rokuon.ledger.runs import WindowPlan
from rokuon.ledger.sql import ms
from rokuon.org.models import Company
from tests.console.conftest import Role, World
from tests.console.test_overview import OFFICE_ADMIN, cover, text


@pytest.fixture
def ready(world: World) -> World:
    """Everything is listed but what a test says."""
    Company.objects.filter(pk=world.company.pk).update(api_key="sealed")
    cover(world.sales, world.trainees, world.desk)
    return world


def refuse(world: World) -> None:
    """A Back up now over an older month of Sales was refused."""
    now = timezone.now()
    since, until = now - timedelta(days=150), now - timedelta(days=121)
    run, _ = runs.open_run(world.company.pk, "company", 0, [world.sales.pk], since, until, now, relist=False)
    runs.add_windows(run, [WindowPlan("company", "", (world.sales.pk,), since, until)], now)
    Window.objects.update(state="failed", reason="source_request_refused")
    Run.objects.update(state="finished", finished_at=now)


def entry(world: World, number: int, target: int | None) -> Unread:
    start = ms(timezone.now()) - 50 * 3_600_000
    return Unread(target, f"77{number}//", "no start and no end that can be", start, start + 1, f"77{number}")


def test_when_everything_is_known_the_page_says_nothing_of_it(ready: World) -> None:
    said = text(ready.admin, ready.url("failures/"))
    assert "What is not known" not in said
    assert "What fails appears here" in said


def test_days_that_could_not_be_listed_stand_with_their_reason_and_their_targets(ready: World) -> None:
    refuse(ready)
    said = text(ready.admin, ready.url("failures/"))
    assert "could not be listed from end to end" in said
    assert "Start Back up now for the days that are not listed." in said
    assert "source_request_refused" in said
    assert "days_never_listed" in said, "the days between are nobody's either"
    assert re.search(r"source_request_refused Affected Acme Sales \((28|29) days\)", said)
    assert "Acme Sales" not in text(ready.client(OFFICE_ADMIN, ready.osaka), ready.url("failures/"))


def test_each_office_sees_its_own_entries_and_how_many_may_be_anybodys(ready: World) -> None:
    entries = [entry(ready, 1, ready.sales.pk), entry(ready, 2, None)]
    unread.enter(ready.company.pk, entries, [], timezone.now())
    said = text(ready.admin, ready.url("failures/"))
    assert "2 entries that could not be read" in said
    assert "771" in said
    assert "772" in said
    tokyo = text(ready.client(OFFICE_ADMIN, ready.tokyo), ready.url("failures/"))
    assert "771" in tokyo
    assert "772" not in tokyo
    osaka = text(ready.client(OFFICE_ADMIN, ready.osaka), ready.url("failures/"))
    assert "1 entry that could not be read" in osaka
    assert "771" not in osaka
    assert "772" not in osaka
    unread.enter(ready.company.pk, [], ["771", "772"], timezone.now())
    assert "What is not known" not in text(ready.admin, ready.url("failures/"))


def test_the_export_holds_days_and_entries(ready: World) -> None:
    refuse(ready)
    unread.enter(ready.company.pk, [entry(ready, 1, ready.sales.pk)], [], timezone.now())
    table = ready.admin.post(ready.url("failures/export/"), HTTP_ORIGIN="http://testserver")
    rows = b"".join(table.streaming_content if table.streaming else [table.content]).decode()
    assert '"Not listed","Dialpad' in rows
    assert "source_request_refused" in rows
    assert '"Not readable"' in rows
    assert "771" in rows


def test_an_entry_that_stays_is_closed_with_a_note_and_opened_again(ready: World) -> None:
    unread.enter(ready.company.pk, [entry(ready, 1, ready.sales.pk), entry(ready, 2, None)], [], timezone.now())
    first, second = Unreadable.objects.order_by("call_id").values_list("pk", flat=True)
    url = ready.url("failures/not-readable/")
    ready.admin.post(url + "close/", {"entry": [first], "note": " "})
    ready.admin.post(url + "close/", {"note": "no recording"})
    assert not Unreadable.objects.exclude(closed_at=None).exists()
    ready.admin.post(url + "close/", {"entry": [first, second], "note": "asked Dialpad: no recording"})
    said = text(ready.admin, ready.url("failures/"))
    assert "What fails appears here" in said
    assert "2 entries that could not be read are closed with a note." in said
    assert "asked Dialpad: no recording" in said
    ready.admin.post(url + "reopen/", {"entry": [second]})
    assert "1 entry that could not be read" in text(ready.admin, ready.url("failures/"))
    assert [(one.action, one.after["call_ids"]) for one in AuditEntry.objects.order_by("pk")] == [
        ("entry.close", ["771", "772"]),
        ("entry.reopen", ["772"]),
    ]


def test_an_office_closes_its_own_entries_alone_and_a_viewer_none(ready: World) -> None:
    unread.enter(
        ready.company.pk, [entry(ready, 1, ready.sales.pk), entry(ready, 2, ready.desk.pk), entry(ready, 3, None)], [], timezone.now()
    )
    ids, url = list(Unreadable.objects.values_list("pk", flat=True)), ready.url("failures/not-readable/close/")
    assert ready.client(Role.VIEWER).post(url, {"entry": ids, "note": "x"}).status_code == 403
    ready.client(OFFICE_ADMIN, ready.osaka).post(url, {"entry": ids, "note": "x"})
    assert list(Unreadable.objects.exclude(closed_at=None).values_list("target", flat=True)) == [ready.desk.pk]


@pytest.mark.parametrize("number", ["1 OR 1=1", "9" * 5000, "-1", "１"])
def test_a_number_that_is_no_entry_of_ours_is_refused(ready: World, number: str) -> None:
    assert ready.admin.post(ready.url("failures/not-readable/close/"), {"entry": number, "note": "x"}).status_code == 403


def test_the_export_has_as_many_cells_in_each_row_as_headings(ready: World) -> None:
    refuse(ready)
    unread.enter(ready.company.pk, [entry(ready, 1, ready.sales.pk)], [], timezone.now())
    table = ready.admin.post(ready.url("failures/export/"), HTTP_ORIGIN="http://testserver")
    rows = list(csv.reader(io.StringIO(b"".join(table.streaming_content if table.streaming else [table.content]).decode())))
    assert {len(row) for row in rows} == {len(rows[0])}
