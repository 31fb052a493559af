"""The audit log on its page: in words, filtered, page by page, for company admins alone."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from rokuon.accounts.models import AuditEntry
from rokuon.base import i18n
from rokuon.console.audit import labels

from .conftest import Role, World

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def add(world: World, **more: object) -> AuditEntry:
    what = {"company": world.company, "actor": "hanako@example.com", "action": "settings.change", "at": NOON} | more
    return AuditEntry.objects.create(**what)


def page(world: World, query: str = "") -> str:
    answer = world.admin.get(world.url("audit/") + query)
    assert answer.status_code == 200
    return answer.content.decode()


def subjects(html: str) -> list[str]:
    return re.findall(r"subject \d+", html)


def test_a_change_is_told_in_words_with_before_and_after(world: World) -> None:
    add(world, before={"restricted": False, "bucket": None}, after={"restricted": True, "bucket": "gs://acme"}, subject="Acme")
    shown = re.sub(r"<[^>]+>|\s+", " ", page(world))
    assert "Settings changed" in shown
    assert re.search(r"Access restriction\s+Before:\s+off\s+After:\s+on", shown)
    assert re.search(r"Bucket\s+Before:\s+none\s+After:\s+gs://acme", shown)


def test_what_has_no_words_is_shown_as_it_is_and_as_text(world: World) -> None:
    add(world, action="future.action", before={"<i>": "<script>"}, actor="<b>evil</b>")
    shown = page(world)
    assert "future.action" in shown and "&lt;script&gt;" in shown and "&lt;b&gt;evil" in shown
    assert "<script>" not in re.sub(r"<script src=[^>]*>", "", shown)


@pytest.mark.parametrize("value", [None, "", [], [1, "viewer"], {"deep": 1}, 3, 2.5, True])
def test_every_kind_of_value_is_told(value: object) -> None:
    assert len(labels.changes({"x": value}, {}, "")) == 1


def test_a_list_of_values_is_joined_as_the_readers_language_does() -> None:
    with override("ja"):
        assert labels.changes({}, {"role": ["viewer", "office_admin"]}, "") == [("役割", "", "閲覧者、オフィス管理者")]
    with override("en"):
        assert labels.changes({}, {"role": ["viewer", "office_admin"]}, "") == [("Role", "", "Viewer, Office admin")]


def test_filters_narrow_and_combine(world: World) -> None:
    add(world, subject="subject 1", office=world.tokyo)
    add(world, subject="subject 2", actor="taro@example.com")
    add(world, subject="subject 3", action="person.role")
    add(world, subject="subject 4", at=NOON - timedelta(days=3))
    assert subjects(page(world, "?actor=taro@example.com")) == ["subject 2"]
    assert subjects(page(world, "?action=person.role")) == ["subject 3"]
    assert subjects(page(world, f"?office={world.tokyo.pk}")) == ["subject 1"]
    assert subjects(page(world, "?until=2026-11-18")) == ["subject 4"]
    assert "No entry matches" in page(world, "?action=person.role&actor=taro@example.com")


def test_a_time_that_was_changed_is_in_the_readers_zone_and_language(world: World) -> None:
    add(world, action="backup.start", after={"since": "2026-11-01T00:00:00+00:00", "until": "not a time"})
    shown = re.sub(r"<[^>]+>|\s+", " ", page(world))
    assert "2026-11-01 09:00 Asia/Tokyo" in shown and "T00:00:00" not in shown
    assert "not a time" in shown, "what cannot be read is shown as it is"
    with i18n.speaking("ja"):
        assert labels.changes({}, {"since": "2026-11-01T00:00:00+00:00"}, "")[0][2] == "2026年11月1日(日) 00:00 UTC"


def test_days_begin_at_midnight_of_the_companys_zone(world: World) -> None:
    add(world, subject="subject 1", at=datetime(2026, 11, 19, 15, tzinfo=UTC))
    add(world, subject="subject 2", at=datetime(2026, 11, 19, 14, 59, tzinfo=UTC))
    assert subjects(page(world, "?since=2026-11-20")) == ["subject 1"]
    assert subjects(page(world, "?until=2026-11-19")) == ["subject 2"]


@pytest.mark.parametrize(
    "query",
    ["?since=yesterday", "?until=9999-12-31", "?office=x", "?office=99999999999999999999", "?after=x", "?after=2026-01-01,1", "?after=,"],
)
def test_an_address_that_makes_no_sense_is_no_fault(world: World, query: str) -> None:
    add(world, subject="subject 1")
    page(world, query)


def test_pages_show_every_entry_once_also_with_one_time_and_new_ones_between(world: World) -> None:
    for number in range(120):
        add(world, subject=f"subject {number}", at=NOON - timedelta(seconds=number // 60))
    seen, query = [], ""
    while True:
        html = page(world, query)
        seen += subjects(html)
        add(world, subject="new")
        older = re.search(r'href="(\?[^"]*after=[^"]*)">Older', html)
        if older is None:
            break
        query = older[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 120


def test_the_page_costs_the_same_however_much_it_shows(world: World) -> None:
    browser = world.admin

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            browser.get(world.url("audit/"))
        return len(captured)

    add(world, office=world.tokyo)
    few = queries()
    for _ in range(40):
        add(world, office=world.osaka)
    assert queries() <= few


def test_another_companys_entries_are_not_shown(world: World) -> None:
    add(world, company=world.other, subject="subject 1", actor="stranger@example.com", action="strange.action")
    html = page(world)
    assert "subject 1" not in html and "stranger" not in html and "strange.action" not in html


@pytest.mark.parametrize("role", [Role.OFFICE_ADMIN, Role.VIEWER])
def test_only_company_admins_see_it(world: World, role: str) -> None:
    browser = world.client(role, world.tokyo)
    assert browser.get(world.url("audit/")).status_code == 403
    assert browser.get(world.url("people/")).status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE accounts_auditentry SET actor = 'nobody'",
        "UPDATE accounts_auditentry SET after = '{}' WHERE action = 'settings.change'",
        "DELETE FROM accounts_auditentry",
    ],
)
def test_the_database_changes_and_deletes_no_entry(world: World, change: str) -> None:
    entry = add(world, after={"restricted": True})
    with pytest.raises(DatabaseError, match="append"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    kept = AuditEntry.objects.get(pk=entry.pk)
    assert (kept.actor, kept.after) == ("hanako@example.com", {"restricted": True})


@pytest.mark.parametrize("field", ["identity", "missing", "refused", "verified"])
def test_what_a_drill_and_a_bucket_started_again_leave_in_the_log_has_words(field: str) -> None:
    with override("ja"):
        ((said, _before, _after),) = labels.changes({}, {field: "1"}, "")
    assert said != field and not said.isascii()
