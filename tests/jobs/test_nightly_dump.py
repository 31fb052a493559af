"""When a dump is due on the first day: it holds the companies, and an hour later what was set up meanwhile."""

from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import COMMAND_LINE
from rokuon.org.models import Company
from rokuon.runtime.dumps import STAMP
from rokuon.wiring.nightly_dump import outdated_by
from tests.ledger.factory import NOW, World

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def made(folder: Path, at: datetime) -> None:
    (folder / f"rokuon-{at.strftime(STAMP)}.dump").touch()


def changed(world: World, at: datetime) -> None:
    with transaction.atomic():
        audit.record(COMMAND_LINE, "settings.change", now=at, company_id=world.company.pk, subject=("company", world.company.pk, "Acme"))


def test_no_dump_counts_that_is_older_than_the_first_company(world: World, tmp_path: Path) -> None:
    Company.objects.update(created_at=NOW)
    assert outdated_by(tmp_path, NOW + MINUTE) == NOW
    made(tmp_path, NOW - HOUR)
    assert outdated_by(tmp_path, NOW + MINUTE) == NOW
    made(tmp_path, NOW + MINUTE)
    assert outdated_by(tmp_path, NOW + 2 * MINUTE) == NOW, "which the dump is not older than"


def test_without_a_company_a_dump_is_made_once_a_day_like_any(transactional_db: None, tmp_path: Path) -> None:
    assert outdated_by(tmp_path, NOW) is None


def test_an_hour_after_a_change_of_the_first_day_a_dump_that_lacks_it_counts_no_more(world: World, tmp_path: Path) -> None:
    Company.objects.update(created_at=NOW)
    made(tmp_path, NOW + MINUTE)
    changed(world, NOW + 10 * MINUTE)
    changed(world, NOW + 30 * MINUTE)
    assert outdated_by(tmp_path, NOW + 69 * MINUTE) == NOW
    assert outdated_by(tmp_path, NOW + 71 * MINUTE) == NOW + 10 * MINUTE
    made(tmp_path, NOW + 71 * MINUTE)
    assert outdated_by(tmp_path, NOW + 3 * HOUR) == NOW


def test_after_the_first_day_a_change_waits_for_the_night(world: World, tmp_path: Path) -> None:
    Company.objects.update(created_at=NOW - 25 * HOUR)
    made(tmp_path, NOW - 3 * HOUR)
    changed(world, NOW - 2 * HOUR)
    assert outdated_by(tmp_path, NOW) == NOW - 25 * HOUR
