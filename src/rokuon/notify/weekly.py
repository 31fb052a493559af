"""The weekly mail: all is well, or what is not, and the newest seals. Its absence also shows that mails have stopped."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from rokuon.domain.placement import zone
from rokuon.org import tree
from rokuon.org.models import Company

from . import summary
from .dispatch import MailDispatch
from .message import MailedSeal
from .models import NotificationSettings, Occasion
from .text import lines
from .tracker import open_notices

AT = time(9)
"""On Mondays, local time in the company's zone."""

WEEK = timedelta(days=7)
Seals = Sequence[MailedSeal]


def due_week(now: datetime, zone_name: str) -> date:
    """Return the Monday after the newest week that may be reported: the week is over, and this Monday's morning has come."""
    local = now.astimezone(zone(zone_name))
    monday = local.date() - timedelta(days=local.weekday())
    return monday if local >= datetime.combine(monday, AT, local.tzinfo) else monday - WEEK


@transaction.atomic
def queue_weekly_mail(company: Company, now: datetime, enqueue_mail: Callable[[], None], seals: Callable[[], Seals] = tuple) -> bool:
    """Mail the company's admins about the seven days before this Monday, once, also if the machine slept through the morning. Return False
    if there is nothing to send: already sent, switched off, nothing is backed up, or the company is newer."""
    zone_name = tree.company_zone(company, settings.ROKUON_TIME_ZONE)
    monday = due_week(now, zone_name)
    until = datetime.combine(monday, time(), zone(zone_name))
    dispatch = MailDispatch(company, now)
    if not dispatch.sends or not company.enabled or company.created_at >= until or not company.targets.filter(backed_up=True).exists():
        return False
    NotificationSettings.objects.get_or_create(company=company)
    untold = NotificationSettings.objects.filter(Q(weekly_for=None) | Q(weekly_for__lt=monday), company=company, weekly=True)
    if not untold.update(weekly_for=monday):
        return False
    since = datetime.combine(monday - WEEK, time(), zone(zone_name))
    open_now = [dispatch.line(notice, notice.count) for notice in open_notices(company.pk, None) if notice.count > 0]
    letter = dispatch.with_numbers(
        dispatch.letter(Occasion.WEEKLY, None, lines.merged(open_now)),
        summary.numbers(company, None, since, until, now, events=True),
        monday - WEEK,
        monday - timedelta(days=1),
    )
    letter = replace(letter, seals=tuple(seals()))
    if dispatch.put(letter, dispatch.of_company(), None):
        enqueue_mail()
    return True
