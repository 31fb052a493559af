"""The numbers of a mail: how a company or one office stands, what arrived, what leaves the access window, what no event told of."""

from datetime import timedelta

from rokuon.events.models import Hint, Hook
from rokuon.ledger.sql import ms
from rokuon.notify.message import Numbers
from rokuon.notify.summary import numbers
from rokuon.org.models import Company
from tests.ledger.factory import NOW
from tests.notify.factory import Place

DAY = timedelta(days=1)
WEEK = (NOW - 7 * DAY, NOW)


def fill(place: Place) -> None:
    """Of a center of each office: verified this week and before, waiting, and past the access window."""
    for first, target in ((0, place.center), (10, place.far)):
        ages = (DAY, 8 * DAY, 40 * DAY, 50 * DAY, 51 * DAY)
        works = place.place(
            *[
                place.planned(
                    first + n, target, started_ms=ms(NOW - age), key=f"call-recordings/{target.name}/{NOW - age:%Y-%m-%d}/{n}.mp3"
                )
                for n, age in enumerate(ages)
            ]
        )
        by_age = sorted(works, key=lambda work: -work.started_ms)
        place.verify(*by_age[:2])


def test_a_company_stands_as_its_offices_do_together(place: Place) -> None:
    fill(place)
    Company.objects.filter(pk=place.company.pk).update(access_window_days=45)
    place.company.refresh_from_db()
    assert numbers(place.company, place.osaka, *WEEK, NOW) == Numbers(verified=2, pending=3, arrived=1, bytes=10, expiring=1, expired=2)
    assert numbers(place.company, None, *WEEK, NOW) == Numbers(verified=4, pending=6, arrived=2, bytes=20, expiring=2, expired=4)


def test_without_an_access_window_nothing_expires(place: Place) -> None:
    fill(place)
    told = numbers(place.company, None, *WEEK, NOW)
    assert (told.expiring, told.expired) == (0, 0)


def test_lost_events_are_counted_where_events_come_at_all(place: Place) -> None:
    fill(place)
    assert numbers(place.company, None, *WEEK, NOW, events=True).events_lost is None
    hook = Hook.objects.create(company=place.company, secret="sealed", since=None)
    assert numbers(place.company, None, *WEEK, NOW, events=True).events_lost is None, "the webhook never stood"
    hook.since = NOW - 30 * DAY
    hook.save()
    Hint.objects.create(company=place.company, digest="d", call_id="c0", state="hangup", started_at=NOW - DAY, received_at=NOW - DAY)
    told = numbers(place.company, None, *WEEK, NOW, events=True)
    assert (told.calls, told.events_lost) == (2, 1)
    assert numbers(place.company, None, *WEEK, NOW).events_lost is None
