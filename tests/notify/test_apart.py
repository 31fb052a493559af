"""Two processes look at once: `notify.tracker` and `notify.weekly` on two connections."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from rokuon.domain.failures import HoldOn
from rokuon.ledger import failures, holds
from rokuon.notify import findings, tracker, weekly
from rokuon.notify.models import Mail, Notice
from rokuon.org.models import Company
from tests.ledger.factory import NOW
from tests.notify.factory import Place

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LOOKERS = 4

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(job: Callable[[threading.Barrier], None]) -> list[BaseException]:
    """The same by several threads, each on its own connection; what they raised."""
    ready, errors = threading.Barrier(LOOKERS, timeout=20), list[BaseException]()

    def guarded() -> None:
        try:
            job(ready)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded) for _ in range(LOOKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


def look_at_once(place: Place, now: object) -> list[BaseException]:
    def look(ready: threading.Barrier) -> None:
        company = Company.objects.get(pk=place.company.pk)
        found = findings.of_company(company, now)  # type: ignore[arg-type]
        ready.wait()
        tracker.watch(company, found, now, lambda: None)  # type: ignore[arg-type]

    return at_once(look)


def test_those_who_look_at_once_tell_each_thing_once() -> None:
    place = Place()
    works = place.fail(1, 2)
    place.fail(3, reason="recording_forbidden")
    holds.open_hold(place.company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", NOW)
    assert look_at_once(place, NOW) == []
    assert Notice.objects.count() == 3 and not Mail.objects.exists()
    assert look_at_once(place, NOW + 5 * MINUTE) == []
    assert sorted(Mail.objects.values_list("to", "occasion")) == [("ada@acme.example", "opened"), ("ken@acme.example", "opened")]
    assert look_at_once(place, NOW + DAY + 6 * MINUTE) == []
    assert Mail.objects.filter(occasion="reminder").count() == 2
    failures.close([work.copy_id for work in works], "known", "ken", NOW + DAY + 10 * MINUTE)
    assert look_at_once(place, NOW + DAY + 10 * MINUTE) == look_at_once(place, NOW + DAY + 30 * MINUTE) == []
    assert Mail.objects.filter(occasion="ended").count() == 1
    place.fail(4, at=NOW + DAY + 40 * MINUTE)
    assert look_at_once(place, NOW + DAY + 40 * MINUTE) == []
    assert Notice.objects.count() == 3, "the ended one is open again, once"


def test_what_is_told_when_it_is_found_is_told_once() -> None:
    place = Place()

    def look(ready: threading.Barrier) -> None:
        ready.wait()
        tracker.watch(None, findings.of_installation(0, NOW), NOW, lambda: None)

    assert at_once(look) == []
    assert Mail.objects.filter(to=place.ada.email).count() == 1


def test_a_week_is_told_once() -> None:
    place = Place()
    Company.objects.update(enabled=True, created_at=NOW - 90 * DAY)

    def tell(ready: threading.Barrier) -> None:
        company = Company.objects.get(pk=place.company.pk)
        ready.wait()
        weekly.queue_weekly_mail(company, NOW, lambda: None)

    assert at_once(tell) == []
    assert Mail.objects.count() == 1


def test_who_dies_before_the_end_has_told_nobody() -> None:
    place = Place()
    place.fail(1)
    place.look(NOW)
    found = findings.of_company(place.company, NOW + 5 * MINUTE)

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        tracker.watch(place.company, found, NOW + 5 * MINUTE, die)
    assert not Mail.objects.exists() and Notice.objects.get().told_at is None
    assert len(place.look(NOW + 6 * MINUTE)) == 1
