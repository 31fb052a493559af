"""Read model of the notices page: open notices, recipients and mails within a person's reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from rokuon.accounts.mail import configured
from rokuon.accounts.permissions import AccessReach, Action
from rokuon.console.web import guards
from rokuon.notify import outbox, recipients, tracker
from rokuon.notify.models import Mail, Notice, NoticeKind, NotificationSettings
from rokuon.notify.outbox import OutboxState
from rokuon.notify.recipients import KnownAddress
from rokuon.org.models import Company, Office, Target
from rokuon.runtime.mail import Whose
from rokuon.runtime.mail_words import Then
from rokuon.runtime.mail_words import in_words as mail_words

from . import text
from .text import FixLink, NoticeText

MOST_NOTICES = 100
MOST_MAILS = 50


@dataclass(frozen=True, slots=True)
class Open:
    """An open notice. `zone` is the zone for its times; `may_acknowledge`: this person may stop its reminders."""

    notice: Notice
    words: NoticeText
    way: FixLink
    zone: str
    may_acknowledge: bool


def within(reach: AccessReach) -> QuerySet[Notice]:
    """Return the company's open notices that a person with this reach may act on: those of the reach's offices, or all."""
    found = Notice.objects.filter(company_id=reach.company_id, ended_at=None)
    return found if reach.offices is None else found.filter(office_id__in=reach.offices)


def of_cause(reach: AccessReach, state: str, reason: str) -> QuerySet[Notice]:
    """Return the notices about failed or gone copies of one cause: one for each office within reach."""
    found = within(reach).filter(kind=state, cause=reason, office__isnull=False, kind__in=(NoticeKind.FAILED, NoticeKind.GONE))
    return found.select_related("office")


def open_now(company: Company, reaches: Mapping[Action, AccessReach], zone: str) -> list[Open]:
    """Return the open notices, newest first, including the installation's for a person who sees the whole company. Times of an office's
    notices are in the office's zone, the others in `zone`."""
    reach, acts = reaches[Action.VIEW], reaches.get(Action.BACK_UP)
    found = tracker.open_notices(company.pk, reach.offices)
    if reach.whole:
        found += Notice.objects.filter(company=None, ended_at=None)
    found.sort(key=lambda notice: (notice.since, notice.pk), reverse=True)
    return [_open(company, reaches, acts, notice, zone) for notice in found[:MOST_NOTICES]]


def _open(company: Company, reaches: Mapping[Action, AccessReach], acts: AccessReach | None, notice: Notice, zone: str) -> Open:
    mine = acts is not None and notice.company_id is not None and acts.covers(notice.office_id)
    # A company-wide notice may name targets of offices that the reader may not see.
    whose = notice.office_id is not None or reaches[Action.VIEW].whole
    return Open(
        notice,
        text.said(company, notice, with_targets=whose),
        text.way(company, reaches, notice),
        notice.office.timezone if notice.office else zone,
        mine and notice.acknowledged_at is None,
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail of the outbox. `why` is the server's answer if it did not accept the mail."""

    mail: Mail
    occasion: str
    why: str


def mails(reach: AccessReach) -> list[Sent]:
    """Return the latest mails about what is within reach."""
    found = Mail.objects.filter(company_id=reach.company_id).select_related("office").order_by("-created_at", "-pk")
    rows = (found if reach.offices is None else found.filter(office_id__in=reach.offices))[:MOST_MAILS]
    then = {False: Then.AGAIN, True: Then.GIVEN_UP}
    return [Sent(mail, text.occasion(mail.occasion), mail_words(mail.error, then[mail.refused_at is not None])) for mail in rows]


@dataclass(frozen=True, slots=True)
class OfficeRecipients:
    """The recipients of an office, or of the company (`office` None). `matters`: at least one of its targets is backed up."""

    office: Office | None
    entries: Sequence[KnownAddress]
    matters: bool = True

    @property
    def reached(self) -> set[str]:
        """The addresses to which mails go."""
        return {entry.address.email for entry in self.entries if entry.refused_at is None}

    @property
    def unreachable(self) -> bool:
        return self.matters and not self.reached


@dataclass(frozen=True, slots=True)
class NotificationsPage:
    """The notices page. `company` are the company's own addresses: shown to people who see the whole company, and notified in place of an
    office that has no reachable recipient.

    `server` is the mail server, "" if this installation sends no mail.
    """

    open: Sequence[Open]
    company: OfficeRecipients
    offices: Sequence[OfficeRecipients]
    whole: bool
    preferences: NotificationSettings
    server: str
    sender: str
    standing: OutboxState
    mails: Sequence[Sent]

    @property
    def reached(self) -> int:
        """The number of addresses that receive notifications about something within reach."""
        places = [*self.offices, *([self.company] if self.whole or self.left_out else [])]
        return len(set().union(*(place.reached for place in places)))

    @property
    def left_out(self) -> list[OfficeRecipients]:
        """Offices without a reachable recipient (row C17)."""
        return [place for place in self.offices if place.unreachable]

    @property
    def nobody(self) -> bool:
        """Whether a failure could occur of which nobody would be notified."""
        return not self.company.reached and (bool(self.left_out) or self.whole)

    @property
    def trouble(self) -> str:
        """Why the mail server cannot be used, if mails wait for it."""
        whose = self.standing.error.partition(":")[0]
        return mail_words(self.standing.error) if whose in (Whose.SERVER, Whose.CONNECTION, Whose.POLICY) else ""


def load_notifications(company: Company, reaches: Mapping[Action, AccessReach], zone: str, now: datetime) -> NotificationsPage:
    reach = reaches[Action.VIEW]
    backed_up = Exists(Target.objects.filter(office=OuterRef("pk"), backed_up=True).exclude(state="deleted"))
    offices = list(guards.offices(reach).annotate(matters=backed_up).order_by("name", "pk"))
    known = recipients.known(company.pk, offices, now)
    return NotificationsPage(
        open=open_now(company, reaches, zone),
        company=OfficeRecipients(None, known[None]),
        offices=[OfficeRecipients(office, known[office.pk], office.matters) for office in offices if office.matters or known[office.pk]],
        whole=reach.whole,
        preferences=NotificationSettings.of(company.pk),
        server=f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}" if configured() else "",
        sender=settings.DEFAULT_FROM_EMAIL,
        standing=outbox.outbox_state(company.pk, now),
        mails=mails(reach),
    )


def places(reach: AccessReach | None) -> list[Office]:
    """Return the offices whose recipients a person with this reach may change."""
    return [] if reach is None else list(guards.offices(reach).filter(state="active").order_by("name", "pk"))
