"""Who is told what and when, from the ledger to the outbox: `notify.tracker` with real transitions of copies and holds."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rokuon.domain.failures import HoldOn
from rokuon.ledger import failures, holds, record
from rokuon.ledger.models import Copy
from rokuon.ledger.retry import retry
from rokuon.notify import findings, message, tracker
from rokuon.notify.models import Mail, Notice
from rokuon.org.models import Company
from tests.ledger.factory import NOW, failed, verified
from tests.notify.factory import Place, refused, told

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_c14_ten_thousand_failures_of_one_cause_are_one_mail_with_counts_and_a_link(place: Place) -> None:
    for start in range(0, 10_000, 500):
        place.fail(*range(start, start + 500))
        with connection.cursor() as cursor:  # no autovacuum comes by within a test's transaction
            cursor.execute("ANALYZE ledger_recording, ledger_copy, ledger_call")
    assert place.look(NOW + MINUTE) == []
    (mail,) = place.look(NOW + 6 * MINUTE)
    assert (mail.to, mail.language, mail.occasion, mail.office_id) == ("ken@acme.example", "ja", "opened", place.office.pk)
    said = message.from_json(mail.letter)
    assert said.office == "Tokyo" and said.zone == "Asia/Tokyo"
    (line,) = said.lines
    assert (line.kind, line.cause, line.count, line.targets) == ("failed", "recording_not_audio", 10_000, (("Sales", 10_000),))
    assert line.path == f"/c/{place.company.public_id}/failures/failed/recording_not_audio/"
    assert place.asked == [NOW + 6 * MINUTE]
    for minute in range(7, 66):
        assert place.look(NOW + minute * MINUTE) == []


def test_c14_growth_is_told_after_an_hour_with_what_is_new(place: Place) -> None:
    place.fail(1, 2)
    place.look(NOW)
    assert len(place.look(NOW + 5 * MINUTE)) == 1
    place.fail(3, 4, 5, at=NOW + 10 * MINUTE)
    assert place.look(NOW + 64 * MINUTE) == []
    (mail,) = place.look(NOW + 65 * MINUTE)
    (line,) = message.from_json(mail.letter).lines
    assert (mail.occasion, line.count, line.new) == ("more", 5, 3)


def test_c14_each_office_hears_of_its_own_and_causes_of_one_look_share_a_mail(place: Place) -> None:
    place.person("ida@acme.example", "office_admin", place.osaka)
    place.fail(1)
    place.fail(2, reason="recording_forbidden")
    place.fail(3, target=place.far)
    place.look(NOW)
    mails = place.look(NOW + 5 * MINUTE)
    assert sorted(told(mails)) == [("opened", "ida", "Osaka"), ("opened", "ken", "Tokyo")]
    causes = {mail.to: {line["cause"] for line in mail.letter["lines"]} for mail in mails}
    assert causes == {
        "ken@acme.example": {"recording_not_audio", "recording_forbidden"},
        "ida@acme.example": {"recording_not_audio"},
    }


def test_c14_a_trouble_of_many_offices_asks_for_their_readers_once(place: Place) -> None:
    for number in range(12):
        office = place.company.offices.create(dialpad_id=f"o{number}", name=f"Office {number}", timezone="Asia/Tokyo")
        target = place.company.targets.create(office=office, kind="callcenter", dialpad_id=f"t{number}", name="Desk", backed_up=True)
        place.listed(f"a{number}", f"a{number}@acme.example", offices=(office,))
        place.fail(number, target=target)
    place.look(NOW)
    with CaptureQueriesContext(connection) as asked:
        mails = place.look(NOW + 5 * MINUTE)
    assert sorted(told(mails)) == sorted(("opened", f"a{number}", f"Office {number}") for number in range(12))
    assert len([one for one in asked.captured_queries if 'FROM "org_user"' in one["sql"]]) == 1


def test_a_mail_holds_no_key_no_address_of_audio_no_agent_and_no_number(place: Place) -> None:
    place.fail(1)
    place.look(NOW)
    (mail,) = place.look(NOW + 5 * MINUTE)
    copy = Copy.objects.get()
    for secret in (copy.key, copy.agent, copy.recording.url, copy.recording.call_id, "mp3"):
        assert secret not in str(mail.letter)


def test_c15_it_is_reminded_of_daily_and_told_to_the_companys_admins_after_three_days(place: Place) -> None:
    place.fail(1, 2)
    place.fail(3, reason="recording_forbidden", at=NOW)
    said = []
    for hour in range(24 * 5):
        said += [(mail, hour // 24) for at in (0, 5) for mail in place.look(NOW + hour * HOUR + at * MINUTE)]
    assert [(mail.occasion, mail.to.partition("@")[0], day, len(mail.letter["lines"])) for mail, day in said] == [
        ("opened", "ken", 0, 2),
        ("reminder", "ken", 1, 2),
        ("reminder", "ken", 2, 2),
        ("escalated", "ada", 3, 2),
        ("reminder", "ken", 3, 2),
        ("reminder", "ken", 4, 2),
    ]


def test_c15_causes_that_began_apart_come_to_be_reminded_of_together(place: Place) -> None:
    place.fail(1)
    place.look(NOW)
    place.look(NOW + 5 * MINUTE)
    place.fail(2, reason="recording_forbidden", at=NOW + 10 * HOUR)
    place.look(NOW + 10 * HOUR)
    assert len(place.look(NOW + 10 * HOUR + 5 * MINUTE)) == 1
    (reminder,) = place.look(NOW + DAY + 5 * MINUTE)
    assert len(reminder.letter["lines"]) == 2
    assert place.look(NOW + DAY + 11 * HOUR) == []


def test_c15_acknowledged_it_is_not_reminded_of_and_stays_open(place: Place) -> None:
    place.fail(1)
    place.look(NOW)
    place.look(NOW + 5 * MINUTE)
    notice = Notice.objects.get()
    assert not tracker.acknowledge(notice.pk, place.company.pk, [place.osaka.pk], "ida", NOW)
    assert tracker.acknowledge(notice.pk, place.company.pk, [place.office.pk], "ken", NOW + 10 * MINUTE)
    assert not tracker.acknowledge(notice.pk, place.company.pk, None, "ada", NOW + 11 * MINUTE)
    assert place.look(NOW + 2 * DAY) == []
    assert [one.acknowledged_by for one in tracker.open_notices(place.company.pk, None)] == ["ken"]


def test_c16_one_mail_says_that_it_is_over_with_counts(place: Place) -> None:
    works = place.fail(1, 2, 3)
    place.look(NOW)
    place.look(NOW + 5 * MINUTE)
    at = NOW + HOUR
    failures.close([works[2].copy_id], "known", "ken", at)
    due = retry(place.company.pk, at, ids=[work.copy_id for work in works[:2]])
    assert len(due) == 2
    place.look(at)
    assert place.look(at + 20 * MINUTE) == [], "what is being tried again is not over"
    again = {work.copy_id: work for work in place.place(*(place.planned(number) for number in (1, 2, 3)), now=at)}
    assert record.record([verified(again[work.copy_id]) for work in works[:2]], at + 21 * MINUTE) == set(due)
    assert place.look(at + 22 * MINUTE) == []
    (mail,) = place.look(at + 38 * MINUTE)
    (line,) = message.from_json(mail.letter).lines
    assert (mail.occasion, mail.to, line.count, line.most, line.closed) == ("ended", "ken@acme.example", 0, 3, 1)
    assert Notice.objects.get().ended_at == at + 38 * MINUTE
    assert place.look(at + 2 * DAY) == []


def test_c16_what_nobody_was_told_of_ends_without_a_word(place: Place) -> None:
    (work,) = place.fail(1)
    place.look(NOW)
    failures.close([work.copy_id], "known", "ken", NOW + MINUTE)
    assert place.look(NOW + 2 * MINUTE) == place.look(NOW + 20 * MINUTE) == []
    assert Notice.objects.get().ended_at is not None


def test_what_a_person_explained_is_nobodys_notice(place: Place) -> None:
    (work,) = place.fail(1)
    failures.close([work.copy_id], "known", "ken", NOW + MINUTE)
    place.look(NOW + 2 * MINUTE)
    assert not Notice.objects.exists()


def test_found_again_within_an_hour_it_is_the_same_notice(place: Place) -> None:
    works = place.fail(1)
    place.look(NOW)
    place.look(NOW + 5 * MINUTE)
    failures.close([works[0].copy_id], "known", "ken", NOW + 10 * MINUTE)
    place.look(NOW + 11 * MINUTE)
    (ended,) = place.look(NOW + 26 * MINUTE)
    assert ended.occasion == "ended"
    place.fail(2, at=NOW + 40 * MINUTE)
    assert place.look(NOW + 40 * MINUTE) == place.look(NOW + 80 * MINUTE) == []
    (mail,) = place.look(NOW + 86 * MINUTE)
    assert mail.occasion == "opened"
    assert Notice.objects.count() == 1


def test_found_again_later_it_is_another_notice(place: Place) -> None:
    works = place.fail(1)
    place.look(NOW)
    failures.close([works[0].copy_id], "known", "ken", NOW + MINUTE)
    place.look(NOW + 2 * MINUTE)
    place.look(NOW + 20 * MINUTE)
    place.fail(2, at=NOW + 2 * HOUR)
    place.look(NOW + 2 * HOUR)
    assert Notice.objects.count() == 2


def test_c17_an_office_without_an_admin_who_can_be_reached_is_the_companys_matter(place: Place) -> None:
    refused("ken@acme.example")
    place.fail(1)
    place.fail(2, target=place.far)
    place.look(NOW)
    mails = place.look(NOW + 5 * MINUTE)
    assert sorted(told(mails)) == [("opened", "ada", "Osaka"), ("opened", "ada", "Tokyo")]
    assert all(mail.letter["fallback"] for mail in mails)
    assert [mail for day in range(1, 5) for mail in place.look(NOW + day * DAY + HOUR) if mail.occasion == "escalated"] == []


def test_c17_where_nobody_is_there_at_all_it_is_told_as_soon_as_somebody_is(place: Place) -> None:
    refused("ken@acme.example")
    refused("ada@acme.example")
    place.fail(1)
    place.look(NOW)
    assert place.look(NOW + 5 * MINUTE) == []
    assert Notice.objects.get().told_at is None
    place.add("eve@acme.example", place.office)
    (mail,) = place.look(NOW + 6 * MINUTE)
    assert (mail.to, mail.occasion) == ("eve@acme.example", "opened")


def test_without_a_mail_server_notices_are_kept_and_count_as_untold(place: Place, settings: pytest.FixtureRequest) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # type: ignore[attr-defined]
    place.fail(1)
    place.look(NOW)
    assert place.look(NOW + 5 * MINUTE) == [] and place.asked == []
    assert [one.told_at for one in tracker.open_notices(place.company.pk, None)] == [None]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"  # type: ignore[attr-defined]
    assert told(place.look(NOW + 2 * DAY)) == [("opened", "ken", "Tokyo")]


def test_s1_a_hold_is_told_once_and_its_end_once(place: Place) -> None:
    holds.open_hold(place.company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", NOW)
    assert place.look(NOW + MINUTE) == []
    assert place.look(NOW + 2 * MINUTE) == []
    (mail,) = place.look(NOW + 3 * MINUTE)
    (line,) = message.from_json(mail.letter).lines
    assert (mail.to, mail.office_id, line.cause, line.path) == (
        "ada@acme.example",
        None,
        "source_key_refused",
        f"/c/{place.company.public_id}/set-up/#key",
    )
    holds.lift(place.company.pk, HoldOn.SOURCE, "", NOW + HOUR)
    place.look(NOW + HOUR)
    (over,) = place.look(NOW + HOUR + 15 * MINUTE)
    assert over.occasion == "ended"


def test_a_hold_that_lifts_within_moments_is_not_told(place: Place) -> None:
    for hour in range(6):
        at = NOW + hour * HOUR
        holds.open_hold(place.company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", at)
        assert place.look(at) == place.look(at + MINUTE) == []
        holds.lift(place.company.pk, HoldOn.SOURCE, "", at + MINUTE)
        assert place.look(at + 2 * MINUTE) == place.look(at + 20 * MINUTE) == []


def enable(place: Place) -> None:
    Company.objects.filter(pk=place.company.pk).update(enabled=True, bucket=place.bucket)
    place.company.refresh_from_db()


def test_d3_a_missing_bucket_is_told_to_the_company_and_to_the_offices_that_use_it(place: Place) -> None:
    enable(place)
    place.person("ida@acme.example", "office_admin", place.osaka)
    own = place.company.buckets.create(url="memory://osaka")
    place.osaka.customized, place.osaka.bucket = True, own
    place.osaka.save()
    holds.open_hold(place.company.pk, HoldOn.BUCKET, str(own.pk), "bucket_missing", "404", NOW)
    place.look(NOW)
    mails = place.look(NOW + 2 * MINUTE)
    assert {mail.to for mail in mails} == {"ada@acme.example", "ida@acme.example"}
    (line,) = message.from_json(mails[0].letter).lines
    assert line.name == "memory://osaka"
    assert line.path == f"/c/{place.company.public_id}/settings/buckets/{own.pk}/"
    seen_by = {office.name for office in (place.office, place.osaka) if tracker.open_notices(place.company.pk, [office.pk])}
    assert seen_by == {"Osaka"}


def test_a_full_disk_is_told_to_the_operators_too(place: Place) -> None:
    enable(place)
    operator = place.person("op@host.example", "viewer")
    type(operator).objects.filter(pk=operator.pk).update(is_operator=True)
    holds.open_hold(place.company.pk, HoldOn.BUCKET, str(place.bucket.pk), "bucket_full", "ENOSPC", NOW)
    place.look(NOW)
    assert {mail.to for mail in place.look(NOW + 2 * MINUTE)} == {"ada@acme.example", "ken@acme.example", "op@host.example"}


def test_an_offices_notices_are_seen_by_who_may_see_the_office(place: Place) -> None:
    place.fail(1)
    place.fail(2, target=place.far)
    holds.open_hold(place.company.pk, HoldOn.SOURCE, "", "source_key_refused", "401", NOW)
    place.look(NOW)
    assert len(tracker.open_notices(place.company.pk, None)) == 3
    assert [one.office for one in tracker.open_notices(place.company.pk, [place.osaka.pk])] == [place.osaka]
    assert tracker.open_notices(place.company.pk, []) == []
    other = Place("Borg")
    assert tracker.open_notices(other.company.pk, None) == []


def test_no_worker_is_told_to_everybody_and_is_over_when_one_is_back(place: Place) -> None:
    tracker.watch(None, findings.of_installation(0, NOW), NOW, lambda: None)
    (mail,) = Mail.objects.all()
    assert (mail.company_id, mail.to, mail.letter["lines"][0]["kind"]) == (None, "ada@acme.example", "no_worker")
    for minute in (1, 10, 20, 30):
        tracker.watch(None, findings.of_installation(1, NOW), NOW + minute * MINUTE, lambda: None)
    assert list(Mail.objects.order_by("pk").values_list("occasion", flat=True)) == ["opened", "ended"]


def test_what_ended_and_was_sent_long_ago_is_forgotten(place: Place) -> None:
    works = place.fail(1)
    place.look(NOW)
    failures.close([works[0].copy_id], "known", "ken", NOW)
    place.look(NOW + MINUTE)
    place.look(NOW + 20 * MINUTE)
    refused("ken@acme.example")
    waiting = Mail.objects.create(occasion="opened", to="ada@acme.example", language="en", letter={}, created_at=NOW, due_at=NOW)
    tracker.forget_old(NOW + 90 * DAY)
    assert Notice.objects.count() == 1 and Mail.objects.count() == 2
    tracker.forget_old(NOW + 91 * DAY)
    assert not Notice.objects.exists() and list(Mail.objects.all()) == [waiting]


def test_failed_again_after_a_retry_is_not_told_anew(place: Place) -> None:
    works = place.fail(1, 2)
    place.look(NOW)
    place.look(NOW + 5 * MINUTE)
    at = NOW + 2 * HOUR
    retry(place.company.pk, at, ids=[work.copy_id for work in works])
    place.look(at)
    place.look(at + 20 * MINUTE)
    again = place.place(*(place.planned(number) for number in (1, 2)), now=at)
    record.record([failed(work) for work in again], at + 21 * MINUTE)
    assert place.look(at + 22 * MINUTE) == place.look(at + 3 * HOUR) == []
