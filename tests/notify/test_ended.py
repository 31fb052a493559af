"""A mail calls over what is in the bucket and nothing else, and says what became of the rest."""

from datetime import datetime, timedelta

import pytest

from rokuon.domain.work import Work
from rokuon.ledger import exclude, failures, record, runs
from rokuon.ledger.models import Copy
from rokuon.ledger.retry import retry
from rokuon.notify import message
from rokuon.notify.message import Letter, NoticeLine, Numbers
from rokuon.notify.models import Mail, Notice, NoticeKind, Occasion
from rokuon.notify.render import Rendered, render
from tests.ledger.factory import NOW, failed, verified
from tests.notify.factory import Place, told

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SINCE, UNTIL = NOW - timedelta(days=900), NOW + timedelta(days=900)
IN_BUCKET = "Nothing needs to be done"


def said(mail: Mail) -> Rendered:
    return render(message.from_json(mail.letter), "en", "https://rokuon.example")


def is_told(place: Place, *numbers: int) -> None:
    """These failed, and their office was told of it."""
    place.fail(*numbers, reason="recording_truncated")
    place.look(NOW)
    assert told(place.look(NOW + 5 * MINUTE)) == [("opened", "ken", "Tokyo")]


def night(place: Place, at: datetime) -> None:
    runs.take_up(place.company.pk, [place.center.pk], SINCE, UNTIL, at)


def works(place: Place, *numbers: int, at: datetime) -> list[Work]:
    return place.place(*(place.planned(number) for number in numbers), now=at)


def ended(place: Place, at: datetime) -> Mail:
    """The only mail of the next look and of the one that finds it over."""
    (mail,) = [*place.look(at), *place.look(at + 16 * MINUTE)]
    assert mail.occasion == "ended"
    return mail


def test_nights_that_try_again_what_failed_are_one_mail_a_day_and_no_end(place: Place) -> None:
    is_told(place, 1, 2)
    mails = []
    for number in range(1, 8):
        at = NOW + number * DAY
        night(place, at)
        mails += place.look(at)
        mails += place.look(at + 20 * MINUTE)
        record.record([failed(work, "recording_truncated") for work in works(place, 1, 2, at=at)], at + 21 * MINUTE)
        mails += place.look(at + 22 * MINUTE)
    assert {(mail.occasion, mail.to) for mail in mails if mail.to.startswith("ken")} == {("reminder", "ken@acme.example")}
    assert len([mail for mail in mails if mail.to.startswith("ken")]) == 7


def test_what_arrived_is_over_and_says_so(place: Place) -> None:
    is_told(place, 1)
    night(place, NOW + DAY)
    record.record([verified(work) for work in works(place, 1, at=NOW + DAY)], NOW + DAY)
    mail = said(ended(place, NOW + DAY))
    assert ": resolved: " in mail.subject
    assert IN_BUCKET in mail.text


def test_what_was_closed_is_no_longer_open_and_not_over(place: Place) -> None:
    is_told(place, 1, 2)
    failures.close(list(Copy.objects.values_list("pk", flat=True)), "known", "ken", NOW + HOUR)
    mail = said(ended(place, NOW + HOUR))
    assert "no longer open: " in mail.subject
    assert IN_BUCKET not in mail.text
    assert "2 of them were closed with a reason." in mail.text


def test_what_a_rule_excluded_while_it_was_tried_again_is_said_to_be_excluded(place: Place) -> None:
    is_told(place, 1, 2)
    retry(place.company.pk, NOW + HOUR)
    (first, _second) = works(place, 1, 2, at=NOW + HOUR)
    record.record([verified(first)], NOW + HOUR)
    exclude.exclude_pending([place.center.pk], NOW + HOUR)
    mail = said(ended(place, NOW + HOUR))
    assert IN_BUCKET not in mail.text
    assert "1 of them is excluded by a rule or a choice in the settings." in mail.text


def test_what_fails_for_another_cause_by_now_is_told_of_with_that_one_alone(place: Place) -> None:
    is_told(place, 1)
    night(place, NOW + DAY)
    record.record([failed(work, "recording_forbidden") for work in works(place, 1, at=NOW + DAY)], NOW + DAY)
    mails = [mail for minutes in (0, 6, 17) for mail in place.look(NOW + DAY + minutes * MINUTE)]
    assert told(mails) == [("opened", "ken", "Tokyo")]
    assert list(Notice.objects.filter(ended_at=None).values_list("cause", flat=True)) == ["recording_forbidden"]


def test_of_what_arrived_in_part_and_fails_otherwise_in_part_both_are_said(place: Place) -> None:
    is_told(place, 1, 2)
    night(place, NOW + DAY)
    first, second = works(place, 1, 2, at=NOW + DAY)
    record.record([verified(first), failed(second, "recording_forbidden")], NOW + DAY)
    mails = [mail for minutes in (0, 6, 17) for mail in place.look(NOW + DAY + minutes * MINUTE)]
    (end,) = [mail for mail in mails if mail.occasion == "ended"]
    assert "1 of them is now not backed up for another cause" in said(end).text
    assert IN_BUCKET not in said(end).text


def test_a_target_that_another_office_has_by_now_does_not_make_it_over(place: Place) -> None:
    is_told(place, 1)
    place.center.office = place.osaka
    place.center.save()
    mails = [mail for minutes in (0, 6, 17) for mail in place.look(NOW + DAY + minutes * MINUTE)]
    assert not [mail for mail in mails if mail.occasion == "ended"]
    assert Notice.objects.get(ended_at=None).office == place.osaka


def test_what_became_unreachable_is_not_over(place: Place) -> None:
    """The recording leaves the access window while it is not backed up: it is no longer about to."""
    (work,) = place.place(place.planned(1))
    started = Copy.objects.get(pk=work.copy_id).call_started_at
    place.company.access_window_days = 45
    place.company.save()
    at = started + 40 * DAY
    place.look(at)
    place.look(at + HOUR)
    assert Notice.objects.filter(kind=NoticeKind.EXPIRING, told_count=1).exists()
    after = started + 46 * DAY
    mails = [*place.look(after), *place.look(after + 16 * MINUTE)]
    (end,) = [mail for mail in mails if mail.occasion == "ended"]
    assert IN_BUCKET not in said(end).text
    assert "1 recording has become unreachable at Dialpad without being backed up." in said(end).text


@pytest.mark.parametrize(("waiting", "well"), [(0, True), (3, False)])
def test_a_week_in_which_something_waits_is_not_called_well(waiting: int, well: bool) -> None:
    subject = render(Letter(Occasion.WEEKLY, "Acme", numbers=Numbers(verified=9, pending=waiting)), "en", "").subject
    assert ("All 9 recordings are in your bucket" in subject) == well
    assert ("3 recordings are on their way to your bucket" in subject) != well


@pytest.mark.parametrize(("numbers", "whole"), [(Numbers(verified=9), True), (Numbers(pending=1), False), (Numbers(failed=1), False)])
def test_the_first_back_up_now_backed_everything_up_only_if_nothing_else_is_left(numbers: Numbers, whole: bool) -> None:
    text = render(Letter(Occasion.BACKFILL, "Acme", numbers=numbers), "en", "").text
    assert ("All 9 recordings are in your bucket" in text) == whole


def test_a_letter_of_an_older_version_is_read_as_it_was() -> None:
    old = {"occasion": "ended", "lines": [{"kind": "failed", "cause": "recording_truncated", "most": 2}]}
    assert message.from_json(old).lines == (NoticeLine("failed", "recording_truncated", most=2),)
    assert message.from_json(old).lines[0].arrived
