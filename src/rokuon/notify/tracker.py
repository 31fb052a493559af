"""Open, update and close notices from the current findings, and queue their mails (docs/design/notices.md).

Any number of processes may run at once. Each sends a notice by a conditional update on the state that it read, in one transaction with the
mails: a second process finds it sent, and a process that dies in between has sent nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from rokuon.ledger import health as ledger
from rokuon.org.models import Company

from . import policy, summary
from .dispatch import MailDispatch, begun, fields_of
from .findings import Finding
from .models import Mail, Notice, NoticeKind

KEPT = timedelta(days=90)
Key = tuple[int | None, str, str, str]


@transaction.atomic
def watch(company: Company | None, found: Sequence[Finding], now: datetime, enqueue_mail: Callable[[], None]) -> None:
    """Enter the findings of this company (None: of the installation), and put the due mails into the outbox."""
    there = {finding.key: finding for finding in found}
    notices = _entered(company, there, now)
    dispatch = MailDispatch(company, now)
    put, quiet = 0, False
    if company is not None:
        run = ledger.first_run(company.pk)
        quiet = summary.is_quiet(run)
        if run is not None and not quiet:
            put += summary.of_first_run(company, run, [(one, _count(there.get(_key(one)))) for one in notices], dispatch)
    put += dispatch.queue([(notice, there.get(_key(notice))) for notice in notices], quiet=quiet)
    if put:
        enqueue_mail()


def _key(notice: Notice) -> Key:
    return (notice.office_id, notice.kind, notice.cause, notice.ref)


def _count(finding: Finding | None) -> int:
    return finding.count if finding is not None else 0


def _entered(company: Company | None, there: Mapping[Key, Finding], now: datetime) -> list[Notice]:
    """Return the open notices, with one for each finding: a new one, or one that ended a moment ago."""
    ours = Notice.objects.filter(company=company).select_related("office")
    still_open = ours.filter(ended_at=None).order_by("pk")
    known = {_key(notice) for notice in still_open}
    fresh = sorted((key for key, finding in there.items() if finding.count > 0 and key not in known), key=str)
    if fresh:
        ended = {_key(one): one for one in ours.filter(ended_at__gt=now - policy.SAME_WITHIN).order_by("ended_at", "pk")}
        # The same order in every process, so that two at once wait for each other and do not deadlock.
        Notice.objects.bulk_create([_new(company, there[key], now) for key in fresh if key not in ended], ignore_conflicts=True)
        for old in sorted((ended[key] for key in fresh if key in ended), key=lambda one: one.pk):
            again = fields_of(policy.begun_again(policy.seen(old), now))
            Notice.objects.filter(pk=old.pk, ended_at=old.ended_at).update(ended_at=None, **again)
    return list(still_open.all())


def _new(company: Company | None, finding: Finding, now: datetime) -> Notice:
    return Notice(
        company=company,
        office_id=finding.office_id,
        kind=finding.kind,
        cause=finding.cause,
        ref=finding.ref,
        count=finding.count,
        most=finding.count,
        facts=begun(finding.facts),
        since=finding.since,
        opened_at=now,
    )


def open_notices(company_id: int, offices: Collection[int] | None) -> list[Notice]:
    """Return the company's open notices, oldest first; with `offices` (ids), only theirs, including the hold on a bucket that they use."""
    notices = Notice.objects.filter(company_id=company_id, ended_at=None).select_related("office").order_by("since", "pk")
    return [notice for notice in notices if offices is None or _concerns(notice, offices)]


def _concerns(notice: Notice, offices: Collection[int]) -> bool:
    if notice.office_id is not None:
        return notice.office_id in offices
    return notice.kind == NoticeKind.HOLD and not set(offices).isdisjoint(notice.facts.get("offices", ()))


def acknowledge(notice_id: int, company_id: int, offices: Collection[int] | None, by: str, now: datetime) -> bool:
    """Acknowledge a notice: it causes no more reminders and stays open. Return False if it is over, already acknowledged, or not of these
    offices: a notice of the whole company needs a person who may act for all of it."""
    ours = Q() if offices is None else Q(office_id__in=offices)
    waiting = Notice.objects.filter(ours, pk=notice_id, company_id=company_id, ended_at=None, acknowledged_at=None)
    return bool(waiting.update(acknowledged_at=now, acknowledged_by=by))


def forget_old(now: datetime) -> None:
    """Delete ended notices, and sent or refused mails, after a quarter of a year."""
    Notice.objects.filter(ended_at__lt=now - KEPT).delete()
    Mail.objects.filter(due_at=None, created_at__lt=now - KEPT).delete()
