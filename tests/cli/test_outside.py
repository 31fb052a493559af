"""Recorded calls outside every rule on the command line: not known before a listing, then by kind, and never part of what is wrong."""

from datetime import UTC, datetime, timedelta

from rokuon.completeness.options import fingerprint
from rokuon.domain.work import Unread
from rokuon.ledger import unread
from rokuon.ledger.outside_models import OutsideDay
from rokuon.ledger.sql import ms
from rokuon.org.models import Company
from tests.ledger.factory import World

from .conftest import Rokuon

HOUR_MS = 3_600_000


def test_status_does_not_know_them_before_the_company_is_listed(ready: Rokuon) -> None:
    found = ready("status", "--json").json
    assert (found["outside"]["known_days"], found["outside"]["calls"], found["outside"]["lines"]) == (0, 0, [])
    assert found["complete_of"]["contact_centers"] > 0
    assert "is not known yet" in ready("status").out


def test_status_counts_them_by_kind_after_a_backup_and_in_both_languages(ready: Rokuon) -> None:
    plan = ready("backup-now", "--dry-run", "--json").json
    assert ready("backup-now").code == 0
    answer = ready("status", "--json")
    found = answer.json["outside"]
    assert found["known_days"] == found["days"] > 700
    assert found["calls"] == sum(one["calls"] for one in found["kinds"]) > 0
    assert {one["kind"] for one in found["kinds"]} == {"user"}
    assert found["recordings"] == sum(one["recordings"] for one in found["lines"])
    assert plan["outside"] > 0
    assert (answer.code, answer.json["complete"]) == (0, True)
    said, in_japanese = ready("status").out, ready("status", ROKUON_LANGUAGE="ja").out
    assert f"{found['calls']} recorded calls are outside every rule" in said
    assert f"Personal lines: {found['calls']}" in said
    assert f"個人の回線：{found['calls']}" in in_japanese


def test_status_tells_of_entries_that_could_not_be_read_and_may_be_such_calls(desk: Rokuon) -> None:
    company, now = World().company, datetime.now(UTC)
    Company.objects.filter(pk=company.pk).update(enabled=True)
    day = (now - timedelta(days=2)).date()
    OutsideDay.objects.create(company=company, day=day, fingerprint=fingerprint(company), listed_at=now, published_at=now)
    assert desk("status", "--json").json["outside"]["unreadable"] == 0
    unread.enter(company.pk, [Unread(None, "c1//", "no start", ms(now) - 50 * HOUR_MS, ms(now) - 49 * HOUR_MS, "c1")], [], now)
    assert desk("status", "--json").json["outside"]["unreadable"] == 1
    assert "could not be read, so the figure may be too low" in desk("status").out


def test_without_a_rule_nothing_is_said_of_rules(ready: Rokuon) -> None:
    ready("rule", "disable", "--all")
    assert "outside every rule" not in ready("status").out
