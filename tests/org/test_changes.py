"""Changes by people: conditional on what the person saw, whole or not at all, and each with its entry in the audit log."""

from datetime import date, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import AuditEntry
from rokuon.actions import settings
from rokuon.domain.failures import ConfigError
from rokuon.jobs import queue
from rokuon.ledger import coverage
from rokuon.ledger.outside_models import OutsideDay
from rokuon.ledger.sql import at, ms
from rokuon.org import services
from rokuon.org.models import Company, Office, Target
from tests.console.conftest import make_company

pytestmark = pytest.mark.django_db


def change(node: services.Node, wanted: dict[str, object], revision: int | None = None) -> bool:
    return settings.change(node, wanted, COMMAND_LINE, timezone.now(), revision=revision)


def test_a_change_counts_up_and_is_told_with_before_and_after() -> None:
    company, bucket, *_rest = make_company("Acme")
    seen = company.revision
    assert change(company, {"restricted": True, "bucket": bucket}, seen)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.before, entry.after) == (
        "settings.change",
        "Acme",
        {"restricted": False},
        {"restricted": True},
    )
    assert Company.objects.get(pk=company.pk).revision == seen + 1


def test_nothing_that_differs_is_no_change() -> None:
    company, bucket, *_rest = make_company("Acme")
    assert not change(company, {"bucket": bucket, "enabled": True}, company.revision)
    assert (AuditEntry.objects.count(), Company.objects.get(pk=company.pk).revision) == (0, company.revision)


def test_the_second_of_two_editors_is_told_and_changes_nothing() -> None:
    company, bucket, tokyo, *_rest = make_company("Acme")
    seen = tokyo.revision
    assert change(tokyo, services.choice(tokyo, bucket), seen)
    with pytest.raises(services.SettingsMoved) as told:
        change(tokyo, services.choice(tokyo, None), seen)
    assert (told.value.now.bucket, Office.objects.get(pk=tokyo.pk).customized, AuditEntry.objects.count()) == (bucket, True, 1)
    assert company.revision == Company.objects.get(pk=company.pk).revision


def test_restriction_forbids_to_customize_an_office_and_a_target() -> None:
    company, bucket, tokyo, _osaka, sales, *_rest = make_company("Acme")
    change(company, {"restricted": True})
    for node in (tokyo, sales):
        with pytest.raises(services.Restricted):
            change(node, services.choice(node, bucket))
    assert not Target.objects.filter(customized=True).exists()


def test_a_bucket_of_another_company_is_refused_at_every_level() -> None:
    company, _bucket, tokyo, _osaka, sales, *_rest = make_company("Acme")
    _other, foreign, *_rest2 = make_company("Zenith")
    for node in (company, tokyo, sales):
        with pytest.raises(ConfigError, match="not registered for the company"):
            change(node, services.choice(node, foreign))


def test_the_entry_stands_or_falls_with_the_change() -> None:
    company, *_rest = make_company("Acme")
    with pytest.raises(RuntimeError), transaction.atomic():
        change(company, {"voicemail": True})
        raise RuntimeError
    assert (AuditEntry.objects.count(), Company.objects.get(pk=company.pk).voicemail) == (0, False)


def test_who_last_changed_a_field_is_found() -> None:
    company, *_rest = make_company("Acme")
    change(company, {"restricted": True})
    change(company, {"voicemail": True})
    by_field, last = settings.last_change(company, "restricted"), settings.last_change(company)
    assert by_field is not None and by_field.after == {"restricted": True}
    assert last is not None and last.after == {"voicemail": True}


def test_each_rule_that_changes_has_its_entry_and_the_others_have_none() -> None:
    company, _bucket, _tokyo, _osaka, sales, team, desk = make_company("Acme")
    done = settings.change_rules(company, [sales], [team, desk], queue, COMMAND_LINE, timezone.now())
    assert (done.enabled, {target.pk for target in done.disabled}) == ((), {team.pk, desk.pk})
    assert sorted(AuditEntry.objects.values_list("action", "subject")) == [("rule.disable", "Acme Desk"), ("rule.disable", "Acme Trainees")]


def test_a_rule_that_is_switched_off_leaves_no_day_known_on_which_it_was_not_listed() -> None:
    company, _bucket, _tokyo, _osaka, sales, _team, desk = make_company("Acme")
    now = at(ms(timezone.now()))
    settings.change_rules(company, [], [desk], queue, COMMAND_LINE, now)
    settings.change_rules(company, [desk], [], queue, COMMAND_LINE, now)
    old, new, covered = (
        OutsideDay.objects.create(company=company, day=day, fingerprint="as now", listed_at=now, published_at=now)
        for day in days_before(now, 3)
    )
    OutsideDay.objects.filter(pk=old.pk).update(published_at=now - timedelta(days=1))
    coverage.cover([desk.pk], [covered.day], "as now", ms(now))
    settings.change_rules(company, [sales], [], queue, COMMAND_LINE, now)
    assert OutsideDay.objects.count() == 3, "a rule that stays changes nothing"
    settings.change_rules(company, [], [desk], queue, COMMAND_LINE, now)
    assert set(OutsideDay.objects.values_list("pk", flat=True)) == {old.pk, covered.pk}
    assert not OutsideDay.objects.filter(pk=new.pk).exists()


def days_before(now: datetime, count: int) -> list[date]:
    return [(now - timedelta(days=number)).date() for number in range(1, count + 1)]
