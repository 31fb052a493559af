"""Display of `rokuon notices`: open notices, and unsent mails."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from rokuon.accounts.mail import configured
from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.notify import outbox, tracker
from rokuon.notify.models import Mail, Notice, NotificationSettings
from rokuon.notify.text import headings, lines, sentences
from rokuon.org.models import Company
from rokuon.runtime.mail import name
from rokuon.runtime.mail_words import Then, in_words

MOST_MAILS = 50


@dataclass(frozen=True, slots=True)
class NoticeList:
    """`unsent` are the waiting mails, and those given up within a week; oldest first, at most `MOST_MAILS`."""

    company: Company
    notices: Sequence[Notice]
    unsent: Sequence[Mail]
    preferences: NotificationSettings


def load_notices(company: Company, offices: Collection[int] | None, now: datetime) -> NoticeList:
    """Load notices and mails: with `offices` (ids), only theirs; else also the installation's."""
    notices = tracker.open_notices(company.pk, offices)
    mails = Mail.objects.filter(Q(due_at__isnull=False) | Q(refused_at__gt=now - outbox.GIVE_UP_AFTER)).select_related("office")
    if offices is None:
        notices = [*notices, *Notice.objects.filter(company=None, ended_at=None).order_by("pk")]
        mails = mails.filter(Q(company=company) | Q(company=None))
    else:
        mails = mails.filter(company=company, office_id__in=offices)
    preferences = NotificationSettings.of(company.pk)
    return NoticeList(company, notices, list(mails.order_by("created_at", "pk")[:MOST_MAILS]), preferences)


def show(shown: NoticeList, zone: str, *, as_json: bool) -> None:
    """Show the list. Times are in the zone of the notice's office, else in `zone`."""
    if as_json:
        output.write_json(_data(shown))
        return
    if not shown.notices:
        output.say(_("No notice is open."))
    for notice in shown.notices:
        _say(shown.company, notice, (notice.office.timezone if notice.office is not None else "") or zone)
    if not configured():
        output.say(_("No mail server is set (ROKUON_SMTP_URL), so no notification mails are sent."))
    if shown.unsent:
        output.say(_("Mails that did not leave:"))
        output.table(
            [_("To"), _("Occasion"), _("Since"), _("Tries"), _("Next try"), _("Why")],
            [
                [
                    mail.to,
                    mail.occasion,
                    output.moment(mail.created_at, zone),
                    str(mail.tries),
                    output.moment(mail.due_at, zone) if mail.due_at else _("given up"),
                    in_words(mail.error, _then(mail)),
                ]
                for mail in shown.unsent
            ],
            right=[3],
        )


def _say(company: Company, notice: Notice, zone: str) -> None:
    heading, advice = _in_words(company, notice)
    where = notice.office.name if notice.office is not None else company.name if notice.company_id is not None else _("Installation")
    output.say(f"{notice.pk}  {where}: {heading}  [{notice.cause or notice.kind}]")
    output.say(f"  {advice}")
    output.say("  " + _("Since %(since)s. %(told)s") % {"since": output.moment(notice.since, zone), "told": _told(notice, zone)})
    if notice.acknowledged_at is not None:
        output.say(
            "  "
            + _("Taken in hand by %(name)s at %(at)s: no reminders.")
            % {"name": notice.acknowledged_by, "at": output.moment(notice.acknowledged_at, zone)}
        )
    output.say()


def _in_words(company: Company, notice: Notice) -> tuple[str, str]:
    """Return the problem and what to do, in the words of a mail."""
    line = lines.of_notice(company.public_id, notice, count=notice.count)
    return sentences.beginning(headings.heading(line, name(line.name))), sentences.advice(line)


def _told(notice: Notice, zone: str) -> str:
    if notice.told_at is None:
        return _("Nobody was notified yet.")
    return _("Notified %(times)d times, last at %(at)s.") % {"times": notice.times_told, "at": output.moment(notice.told_at, zone)}


def _data(shown: NoticeList) -> dict[str, Any]:
    preferences = shown.preferences
    return {
        "open": [_notice(shown.company, notice) for notice in shown.notices],
        "unsent": [_mail(mail) for mail in shown.unsent],
        "mail_server": configured(),
        "weekly": preferences.weekly,
        "directory_admins": preferences.directory_admins,
        "language": preferences.language or None,
    }


def _notice(company: Company, notice: Notice) -> dict[str, Any]:
    heading, advice = _in_words(company, notice)
    return {
        "id": notice.pk,
        "kind": notice.kind,
        "office": notice.office.name if notice.office is not None else None,
        "cause": notice.cause or None,
        "ref": notice.ref or None,
        "says": heading,
        "advice": advice,
        "count": notice.count,
        "most": notice.most,
        "since": notice.since,
        "told_at": notice.told_at,
        "times_told": notice.times_told,
        "escalated_at": notice.escalated_at,
        "acknowledged_at": notice.acknowledged_at,
        "acknowledged_by": notice.acknowledged_by or None,
    }


def _then(mail: Mail) -> Then:
    return Then.GIVEN_UP if mail.refused_at is not None else Then.AGAIN


def _mail(mail: Mail) -> dict[str, Any]:
    return {
        "to": mail.to,
        "occasion": mail.occasion,
        "office": mail.office.name if mail.office is not None else None,
        "created_at": mail.created_at,
        "tries": mail.tries,
        "next_try": mail.due_at,
        "refused_at": mail.refused_at,
        "error": mail.error or None,
        "why": in_words(mail.error, _then(mail)) or None,
    }
