"""What is found wrong without a failure: `notify.findings` and `notify.silence`."""

from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.failures import HoldOn
from rokuon.domain.work import PlannedCall
from rokuon.events.models import Hook
from rokuon.ledger import holds, place, runs
from rokuon.ledger.models import Call, Run, Window
from rokuon.ledger.sql import ms
from rokuon.notify import findings, message, silence
from rokuon.notify.findings import Finding
from rokuon.notify.models import NoticeKind
from rokuon.org.models import Company, Target
from tests.ledger.factory import NOW
from tests.notify.factory import Place, told

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NUMBERS = count()
MONDAY = datetime.fromisoformat("2026-11-23T00:00:00+09:00")
"""Midnight in Tokyo, where the offices are."""


@pytest.fixture
def ready(place: Place) -> Place:
    """Backed up into a bucket, with a key, for long."""
    Company.objects.filter(pk=place.company.pk).update(enabled=True, bucket=place.bucket, api_key="sealed", created_at=MONDAY - 90 * DAY)
    Target.objects.update(backed_up_at=MONDAY - 90 * DAY)
    place.company.refresh_from_db()
    return place


def found(place: Place, kind: NoticeKind, now: datetime) -> list[Finding]:
    return [one for one in findings.of_company(place.company, now) if one.kind is kind]


def test_a_bucket_in_use_that_is_not_sealed_is_one_finding_with_its_reason(ready: Place) -> None:
    bucket = findings.UnsealedBucket(ready.bucket.pk, "gs://acme", "custody_occupied", NOW)
    (one,) = [finding for finding in findings.of_company(ready.company, NOW, [bucket]) if finding.kind is NoticeKind.UNSEALED]
    assert (one.ref, one.cause, one.facts) == (f"bucket:{ready.bucket.pk}", "", {"name": "gs://acme", "reason": "custody_occupied"})


def sweep(place: Place, now: datetime, *, ended: bool = True, reason: str = "") -> Run:
    """The three-hour sweep of this minute, over every target."""
    targets = [place.center.pk, place.other.pk, place.far.pk]
    purpose = Run.Purpose.SWEEP_3H
    run, _started = runs.open_run(place.company.pk, "company", 0, targets, now - 3 * HOUR, now, now, relist=False, purpose=purpose)
    if ended:
        runs.end_done(place.company.pk, now)
    else:
        Window.objects.create(
            run=run,
            scope_kind="company",
            targets=targets,
            after=now - 3 * HOUR,
            before=now,
            listed_down_to=now,
            reason=reason,
        )
    return run


def calls(target: Target, starts: list[datetime], *, named: int = 1) -> None:
    place.place(
        target.company_id,
        [PlannedCall(target.pk, f"k{next(NUMBERS)}", ms(start), True, named) for start in starts],
        [],
        NOW,
    )


def busy_mornings(target: Target, weeks: int, each: int = 24) -> None:
    """On the last Mondays so many calls between 9 and 12 o'clock."""
    for week in range(1, weeks + 1):
        calls(target, [MONDAY - week * 7 * DAY + 9 * HOUR + number * 3 * HOUR / each for number in range(each)])


def test_s23_a_centre_that_usually_has_calls_and_has_none_is_told_of_within_two_hours(ready: Place) -> None:
    busy_mornings(ready.center, 4)
    seen = None
    for minute in range(8 * 60, 15 * 60, 10):
        at = MONDAY + minute * MINUTE
        sweep(ready, at)
        mails = ready.look(at)
        if mails and seen is None:
            seen = at
            assert told(mails) == [("opened", "ken", "Tokyo")]
            (line,) = message.from_json(mails[0].letter).lines
            assert (line.kind, line.name) == ("silence", "Sales")
    assert seen is not None and seen <= MONDAY + 11 * HOUR


def test_s23_it_is_over_as_soon_as_there_is_a_call(ready: Place) -> None:
    busy_mornings(ready.center, 4)
    at = MONDAY + 11 * HOUR
    sweep(ready, at)
    assert found(ready, NoticeKind.SILENCE, at)
    calls(ready.center, [at - 5 * MINUTE])
    assert not found(ready, NoticeKind.SILENCE, at)


def test_s23_a_holiday_among_the_four_weeks_does_not_hide_it_and_two_do(ready: Place) -> None:
    busy_mornings(ready.center, 4)
    at = MONDAY + 11 * HOUR
    sweep(ready, at)
    Call.objects.filter(started_at__gte=MONDAY - 7 * DAY).delete()
    calls(ready.center, [MONDAY - HOUR])
    assert found(ready, NoticeKind.SILENCE, at)
    Call.objects.filter(started_at__gte=MONDAY - 14 * DAY, started_at__lt=MONDAY - 7 * DAY).delete()
    assert not found(ready, NoticeKind.SILENCE, at)


def test_s23_nights_and_quiet_centres_are_not_odd(ready: Place) -> None:
    busy_mornings(ready.center, 4)
    busy_mornings(ready.other, 4, each=5)
    for hour in (1, 5, 8):
        sweep(ready, MONDAY + hour * HOUR)
        assert not found(ready, NoticeKind.SILENCE, MONDAY + hour * HOUR)
    sweep(ready, MONDAY + 14 * HOUR)
    assert [one.ref for one in found(ready, NoticeKind.SILENCE, MONDAY + 14 * HOUR)] == [str(ready.center.pk)]


def test_s23_what_nobody_listed_is_no_silence(ready: Place) -> None:
    busy_mornings(ready.center, 4)
    at = MONDAY + 13 * HOUR
    assert not found(ready, NoticeKind.SILENCE, at), "no sweep"
    run = sweep(ready, at)
    assert found(ready, NoticeKind.SILENCE, at)
    assert not found(ready, NoticeKind.SILENCE, at + HOUR), "the sweep is old"
    Window.objects.create(
        run=run,
        scope_kind="callcenter",
        scope_id="11",
        targets=[ready.center.pk],
        after=at - HOUR,
        before=at,
        listed_down_to=at,
        state="failed",
    )
    assert not found(ready, NoticeKind.SILENCE, at), "the listing was refused"
    Window.objects.all().delete()
    holds.open_hold(ready.company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", at)
    assert not found(ready, NoticeKind.SILENCE, at), "the source is held"


def test_s23_a_rule_that_is_off_asks_for_no_calls(ready: Place) -> None:
    busy_mornings(ready.center, 4)
    sweep(ready, MONDAY + 11 * HOUR)
    Target.objects.filter(pk=ready.center.pk).update(backed_up=False)
    assert not found(ready, NoticeKind.SILENCE, MONDAY + 11 * HOUR)


def test_a_silence_of_days_stays_one_over_the_weekend(ready: Place) -> None:
    busy_mornings(ready.center, 4)
    for later in (DAY, 3 * DAY, 6 * DAY, 9 * DAY):
        at = MONDAY + 13 * HOUR + later
        sweep(ready, at)
        assert found(ready, NoticeKind.SILENCE, at)


@given(st.lists(st.integers(0, 50), max_size=6))
def test_silence_needs_four_weeks_of_which_three_had_calls(usual: list[int]) -> None:
    enough = len([one for one in usual if one >= silence.AT_LEAST])
    assert silence.is_odd(usual) == (len(usual) == 4 and enough >= 3)


def test_the_same_stretch_a_week_before_is_the_same_hour_on_the_wall() -> None:
    since = datetime.fromisoformat("2026-11-02T09:00:00-05:00")  # New York has just left summer time
    (first, last), *_rest = silence.weeks_before(since, since + HOUR, "America/New_York")
    assert (first.isoformat(), last.isoformat()) == ("2026-10-26T09:00:00-04:00", "2026-10-26T10:00:00-04:00")


def test_s22_calls_recorded_without_a_recording_are_told_to_the_companys_admins_after_a_day(ready: Place) -> None:
    calls(ready.center, [NOW - number * MINUTE for number in range(6)], named=0)
    assert not found(ready, NoticeKind.UNNAMED, NOW + DAY - HOUR)
    (mail,) = ready.look(NOW + DAY + MINUTE)
    assert (mail.to, mail.office_id, mail.letter["lines"][0]["kind"]) == ("ada@acme.example", None, "unnamed")
    (finding,) = found(ready, NoticeKind.UNNAMED, NOW + DAY + MINUTE)
    assert (finding.count, finding.cause, finding.office_id) == (6, "recording_details_missing", None)


def test_s22_a_few_are_nobodys_trouble_and_old_ones_are_over(ready: Place) -> None:
    calls(ready.center, [NOW - number * MINUTE for number in range(5)], named=0)
    assert not found(ready, NoticeKind.UNNAMED, NOW + 2 * DAY)
    calls(ready.other, [NOW], named=0)
    assert found(ready, NoticeKind.UNNAMED, NOW + 2 * DAY)
    assert not found(ready, NoticeKind.UNNAMED, NOW + 35 * DAY + MINUTE)
    calls(ready.center, [NOW - number * MINUTE for number in range(6)], named=1)
    assert found(ready, NoticeKind.UNNAMED, NOW + 2 * DAY), "other calls change nothing"


def test_listing_that_stands_still_is_told_with_its_cause(ready: Place) -> None:
    sweep(ready, NOW)
    sweep(ready, NOW + 10 * MINUTE, ended=False, reason="source_answer_malformed")
    for minute in (10, 30, 60):
        assert not found(ready, NoticeKind.NOT_LISTED, NOW + minute * MINUTE)
    ready.look(NOW + 61 * MINUTE)
    assert ready.look(NOW + 75 * MINUTE) == [], "a machine that slept is given time"
    (mail,) = ready.look(NOW + 81 * MINUTE)
    (line,) = message.from_json(mail.letter).lines
    assert (mail.to, line.kind, line.cause) == ("ada@acme.example", "not_listed", "source_answer_malformed")


def test_a_held_source_is_one_notice_and_not_two(ready: Place) -> None:
    sweep(ready, NOW)
    holds.open_hold(ready.company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", NOW)
    assert {one.kind for one in findings.of_company(ready.company, NOW + 3 * HOUR)} == {NoticeKind.HOLD}


def test_a_rule_that_was_just_switched_on_has_waited_for_nothing(ready: Place) -> None:
    sweep(ready, NOW - 30 * DAY)
    Target.objects.update(backed_up_at=NOW - 10 * MINUTE)
    assert not found(ready, NoticeKind.NOT_LISTED, NOW)
    assert found(ready, NoticeKind.NOT_LISTED, NOW + 2 * HOUR)


def test_events_that_stopped_are_told_where_there_are_calls(ready: Place) -> None:
    hook = Hook.objects.create(company=ready.company, secret="s", since=NOW - 10 * DAY, event_at=NOW - 25 * HOUR, checked_at=NOW)
    calls(ready.center, [NOW - number * HOUR for number in range(1, 5)])
    assert not found(ready, NoticeKind.NO_EVENT, NOW), "four calls"
    calls(ready.other, [NOW - HOUR])
    (finding,) = found(ready, NoticeKind.NO_EVENT, NOW)
    assert finding.since == NOW - 25 * HOUR
    for changed in ({"event_at": NOW - HOUR}, {"reason": "source_unavailable"}, {"checked_at": NOW - 3 * DAY}, {"since": NOW - HOUR}):
        before = {name: getattr(hook, name) for name in changed}
        Hook.objects.update(**changed)
        assert not found(ready, NoticeKind.NO_EVENT, NOW), changed
        Hook.objects.update(**before)


def test_what_leaves_the_access_window_is_told_to_its_office(ready: Place) -> None:
    works = ready.place(*(ready.planned(number) for number in range(3)))
    assert len(works) == 3
    started = datetime.fromtimestamp(1_790_000_000, NOW.tzinfo)
    assert not found(ready, NoticeKind.EXPIRING, started + 40 * DAY), "no window is set"
    Company.objects.filter(pk=ready.company.pk).update(access_window_days=45)
    ready.company.refresh_from_db()
    assert not found(ready, NoticeKind.EXPIRING, started + 30 * DAY)
    (finding,) = found(ready, NoticeKind.EXPIRING, started + 40 * DAY)
    assert (finding.office_id, finding.count, finding.facts["targets"]) == (ready.office.pk, 3, [["Sales", 3]])
    ready.verify(*works)
    assert not found(ready, NoticeKind.EXPIRING, started + 40 * DAY)
