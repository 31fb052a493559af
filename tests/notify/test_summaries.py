"""The weekly mail and the summary of the first Back up now: `notify.weekly`, `notify.summary`."""

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from rokuon.domain.failures import HoldOn
from rokuon.domain.work import Unread
from rokuon.events.models import Hint, Hook
from rokuon.ledger import coverage, holds, runs, unread, unread_closings
from rokuon.ledger.models import Run, Unreadable
from rokuon.notify import message, weekly
from rokuon.notify.models import Mail, Notice, NotificationSettings
from rokuon.notify.render import render
from rokuon.notify.text.seals import MOST_SEALS
from rokuon.org.models import Company, Office
from tests.ledger.factory import NOW, START_MS, World
from tests.notify.factory import Place, told

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CALLED = datetime.fromtimestamp(START_MS / 1000, NOW.tzinfo)
"""Monday, 21 September 2026, about 14:13 UTC: 23:13 in Tokyo."""

NEXT_MONDAY = datetime.fromisoformat("2026-09-28T09:00:00+09:00")


@pytest.fixture
def ready(place: Place) -> Place:
    Company.objects.filter(pk=place.company.pk).update(enabled=True, bucket=place.bucket, created_at=CALLED - 90 * DAY)
    place.company.refresh_from_db()
    place.list_everything()
    return place


def first_run(place: World, at: datetime) -> Run:
    run, _ = runs.open_run(place.company.pk, "company", 0, [place.center.pk], CALLED - 700 * DAY, CALLED + DAY, at, relist=False)
    return run


def end(run: Run, at: datetime) -> None:
    Run.objects.filter(pk=run.pk).update(state=Run.State.FINISHED, finished_at=at)


def test_while_the_first_run_runs_nothing_of_old_recordings_is_told_and_then_once(ready: Place) -> None:
    run = first_run(ready, NOW)
    ready.fail(1, 2)
    ready.fail(3, target=ready.far)
    for hour in range(30):
        assert ready.look(NOW + hour * HOUR) == []
    assert Notice.objects.filter(ended_at=None, told_at=None).count() == 2, "they are visible"
    at = NOW + 30 * HOUR
    end(run, at)
    mails = ready.look(at)
    assert sorted(told(mails)) == [("backfill", "ada", ""), ("backfill", "ken", "Tokyo")]
    of_office, of_company = (message.from_json(mail.letter) for mail in sorted(mails, key=lambda mail: mail.to, reverse=True))
    assert [(line.cause, line.count) for line in of_office.lines] == [("recording_not_audio", 2)]
    assert [(line.cause, line.count) for line in of_company.lines] == [("recording_not_audio", 3)]
    assert of_company.lines[0].targets == (("Sales", 2), ("Returns", 1))
    assert of_office.numbers is not None and (of_office.numbers.failed, of_office.numbers.verified) == (2, 0)
    assert of_company.numbers is not None and of_company.numbers.failed == 3
    assert (of_company.first_day, of_company.last_day) == ("2024-10-21", "2026-09-22")
    later = [mail for hour in range(1, 23) for mail in ready.look(at + hour * HOUR)]
    assert later == [], "they count as told"
    assert told(ready.look(at + 25 * HOUR))[0][0] == "reminder"


def test_holds_are_told_while_the_first_run_runs(ready: Place) -> None:
    first_run(ready, NOW)
    holds.open_hold(ready.company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", NOW)
    ready.look(NOW)
    assert told(ready.look(NOW + 2 * MINUTE)) == [("opened", "ada", "")]


def test_a_paused_first_run_is_still_quiet_and_a_second_run_is_not(ready: Place) -> None:
    run = first_run(ready, NOW)
    runs.pause(run.pk, NOW)
    ready.fail(1)
    ready.look(NOW)
    assert ready.look(NOW + HOUR) == []
    end(run, NOW + HOUR)
    assert len(ready.look(NOW + HOUR)) == 2
    first_run(ready, NOW + 2 * HOUR)
    ready.fail(2, reason="recording_forbidden", at=NOW + 2 * HOUR)
    ready.look(NOW + 2 * HOUR)
    assert told(ready.look(NOW + 3 * HOUR)) == [("opened", "ken", "Tokyo")]


def test_a_first_run_without_a_failure_is_told_to_the_companys_admins_alone(ready: Place) -> None:
    run = first_run(ready, NOW)
    ready.verify(*ready.place(ready.planned(1), ready.planned(2)))
    end(run, NOW + HOUR)
    (mail,) = ready.look(NOW + HOUR)
    numbers = message.from_json(mail.letter).numbers
    assert mail.to == "ada@acme.example" and numbers is not None
    assert (numbers.verified, numbers.arrived, numbers.bytes) == (2, 2, 20)


def test_a_first_run_of_long_ago_is_not_told_of(ready: Place) -> None:
    run = first_run(ready, NOW)
    end(run, NOW + HOUR)
    assert ready.look(NOW + 30 * DAY) == []


def tell(place: Place, at: datetime) -> list[Mail]:
    before = set(Mail.objects.values_list("pk", flat=True))
    weekly.queue_weekly_mail(Company.objects.get(pk=place.company.pk), at, lambda: place.asked.append(at))
    return list(Mail.objects.exclude(pk__in=before))


def test_on_monday_morning_the_companys_admins_hear_of_the_week_once(ready: Place) -> None:
    ready.verify(*ready.place(ready.planned(1), ready.planned(2)))
    ready.fail(3)
    ready.look(NEXT_MONDAY - DAY)
    tell(ready, NEXT_MONDAY - 7 * DAY)
    assert tell(ready, NEXT_MONDAY - MINUTE) == []
    (mail,) = tell(ready, NEXT_MONDAY)
    said = message.from_json(mail.letter)
    assert (mail.to, mail.occasion, said.first_day, said.last_day) == ("ada@acme.example", "weekly", "2026-09-21", "2026-09-27")
    assert said.numbers is not None
    assert (said.numbers.arrived, said.numbers.verified, said.numbers.failed, said.numbers.events_lost) == (2, 2, 1, None)
    assert [(line.kind, line.count) for line in said.lines] == [("failed", 1)]
    assert tell(ready, NEXT_MONDAY + MINUTE) == tell(ready, NEXT_MONDAY + 3 * DAY) == []
    (again,) = tell(ready, NEXT_MONDAY + 7 * DAY)
    assert message.from_json(again.letter).first_day == "2026-09-28"


def test_a_machine_that_slept_through_mondays_tells_one_week_when_it_wakes(ready: Place) -> None:
    tell(ready, NEXT_MONDAY)
    (mail,) = tell(ready, NEXT_MONDAY + 17 * DAY)
    assert message.from_json(mail.letter).last_day == "2026-10-11"
    assert tell(ready, NEXT_MONDAY + 18 * DAY) == []


def test_the_week_says_how_many_calls_no_event_told_of(ready: Place) -> None:
    Hook.objects.create(company=ready.company, secret="s", since=CALLED - DAY)
    ready.place(*(ready.planned(number) for number in range(4)))
    Hint.objects.create(company=ready.company, digest="d", call_id="c1", state="hangup", started_at=CALLED, received_at=CALLED)
    (mail,) = tell(ready, NEXT_MONDAY)
    numbers = message.from_json(mail.letter).numbers
    assert numbers is not None and (numbers.calls, numbers.events_lost) == (4, 3)


def in_words(mail: Mail) -> tuple[str, str]:
    """Subject and text."""
    rendered = render(message.from_json(mail.letter), mail.language, "https://rokuon.example")
    return rendered.subject, rendered.text


def test_a_week_with_an_entry_that_was_closed_unread_has_nothing_open_and_is_not_called_well(ready: Place) -> None:
    start = int(CALLED.timestamp() * 1000)
    unread.enter(ready.company.pk, [Unread(ready.center.pk, "m", "no id", start, start + 1)], [], CALLED)
    unread_closings.close(list(Unreadable.objects.values_list("pk", flat=True)), "known", "Emi", CALLED)
    (mail,) = tell(ready, NEXT_MONDAY)
    subject, text = in_words(mail)
    assert "Nothing is open" in text
    assert "All" not in subject
    assert re.search(r"closed with a note\W+1", text)


def test_a_week_is_well_only_where_everything_is_known(ready: Place) -> None:
    (mail,) = tell(ready, NEXT_MONDAY)
    subject, text = in_words(mail)
    assert "No recording was found yet" in subject
    assert "Nothing is open" in text
    coverage.void([ready.far.pk])
    (mail,) = tell(ready, NEXT_MONDAY + 7 * DAY)
    subject, text = in_words(mail)
    assert "1 of 3 contact centers and coaching teams was never listed" in subject
    assert "1 of 3 contact centers and coaching teams was never listed." in text
    assert "Nothing is open" not in text
    mail.language = "ja"
    subject, text = in_words(mail)
    assert "3 件のうち 1 件は、一覧を一度も取得していません" in subject
    assert "3 件のうち 1 件は、一覧を一度も取得していません。" in text
    assert "問題" not in text


def test_the_summary_names_what_the_first_run_did_not_list(ready: Place) -> None:
    coverage.void([ready.far.pk])
    run = first_run(ready, NOW)
    ready.verify(*ready.place(ready.planned(1)))
    end(run, NOW + HOUR)
    (mail,) = ready.look(NOW + HOUR)
    assert [(line.kind, line.cause) for line in message.from_json(mail.letter).lines] == [("unlisted", "days_never_listed")]
    _subject, text = in_words(mail)
    assert "everything it found" not in text
    assert "Returns" in text


@pytest.mark.parametrize("why", ["switched off", "new", "nothing backed up", "not enabled"])
def test_no_weekly_mail_where_there_is_nothing_to_say(ready: Place, why: str) -> None:
    if why == "switched off":
        NotificationSettings.objects.create(company=ready.company, weekly=False)
    elif why == "new":
        Company.objects.update(created_at=NEXT_MONDAY - HOUR)
    elif why == "nothing backed up":
        ready.company.targets.update(backed_up=False)
    else:
        Company.objects.update(enabled=False)
    assert tell(ready, NEXT_MONDAY + HOUR) == []


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        ("2026-09-28T08:59:00+09:00", date(2026, 9, 21)),
        ("2026-09-28T09:00:00+09:00", date(2026, 9, 28)),
        ("2026-10-04T23:59:00+09:00", date(2026, 9, 28)),
        ("2026-09-27T23:30:00+00:00", date(2026, 9, 21)),  # 08:30 in Tokyo
    ],
)
def test_the_morning_is_that_of_the_companys_zone(now: str, monday: date) -> None:
    assert weekly.due_week(datetime.fromisoformat(now), "Asia/Tokyo") == monday


def test_offices_in_two_zones_leave_the_installations(ready: Place, settings: Any) -> None:
    settings.ROKUON_TIME_ZONE = "Europe/Berlin"
    Office.objects.filter(pk=ready.osaka.pk).update(timezone="Europe/London")
    assert tell(ready, NEXT_MONDAY) != [] and message.from_json(Mail.objects.get().letter).zone == "Europe/Berlin"
    assert message.from_json(Mail.objects.get().letter).first_day == "2026-09-14"


def test_where_the_installation_names_no_zone_the_zone_of_most_offices_counts(ready: Place) -> None:
    Office.objects.filter(pk=ready.osaka.pk).update(timezone="Europe/London")
    assert tell(ready, NEXT_MONDAY) != [] and message.from_json(Mail.objects.get().letter).zone == "Asia/Tokyo", "the older of two"


# --- the newest seals ---------------------------------------------------------------------------------------------------


def test_the_weekly_mail_names_the_newest_seal_of_each_bucket_and_says_what_it_is_for(ready: Place) -> None:
    sealed = message.MailedSeal("gs://acme", 42, "ab" * 32, "2026-09-27T17:00:00+00:00")
    weekly.queue_weekly_mail(ready.company, NEXT_MONDAY, lambda: None, lambda: [sealed, message.MailedSeal("gs://new")])
    letter = message.from_json(Mail.objects.get().letter)
    assert letter.seals == (sealed, message.MailedSeal("gs://new"))
    said = {
        "en": "Seal 42 of 2026-09-28 02:00 Asia/Tokyo, SHA-256",
        "ja": "封印 42（2026年9月28日(月) 02:00 Asia/Tokyo）、SHA-256",
    }
    for language, words in said.items():
        mail = render(letter, language, "https://rokuon.example")
        for text in (mail.text, mail.html):
            assert words in text and "ab" * 32 in text and "gs://new" in text and "--head" in text


def test_a_weekly_mail_of_an_older_version_or_without_a_seal_names_none(ready: Place) -> None:
    letter = message.from_json({"occasion": "weekly", "company": "Acme", "numbers": {"verified": 1}})
    mail = render(letter, "en", "")
    assert letter.seals == () and "seal" not in mail.text.lower() and "--head" not in mail.html


def test_hostile_bucket_names_are_text_in_the_mail(ready: Place) -> None:
    letter = message.Letter("weekly", "Acme", numbers=message.Numbers(), seals=(message.MailedSeal("gs://<b>x\n"),))
    mail = render(letter, "en", "")
    assert "<b>" not in mail.html and "gs://<b>x" in mail.text


def test_a_mail_that_leaves_buckets_out_says_how_many() -> None:
    many = tuple(message.MailedSeal(f"gs://b{one:02}", 1, "ab" * 32, "2026-09-27T17:00:00+00:00") for one in range(MOST_SEALS + 2))
    mail = render(message.Letter("weekly", "Acme", numbers=message.Numbers(), seals=many), "en", "https://rokuon.example")
    assert "and 2 more buckets" in mail.text and "and 2 more buckets" in mail.html
    few = render(message.Letter("weekly", "Acme", numbers=message.Numbers(), seals=many[:-2]), "en", "https://rokuon.example")
    assert "gs://b19" in few.text and "more bucket" not in few.text


def test_nobody_is_asked_for_seals_where_no_mail_is_due(ready: Place) -> None:
    NotificationSettings.objects.create(company=ready.company, weekly=False)

    def never() -> list[message.MailedSeal]:
        raise AssertionError("the seals were read")

    assert not weekly.queue_weekly_mail(ready.company, NEXT_MONDAY, lambda: None, never)
