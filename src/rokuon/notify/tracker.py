"""The book of notices: what is found is entered, who should know is told, what is over is closed (docs/design/notices.md).

Any number of processes may look at once. A notice is told by a conditional update on how it was seen, in one transaction with the mails
that say so: who comes second finds it told, and who dies in between has told nobody.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from rokuon.ledger import health as ledger
from rokuon.org.models import Company

from . import policy, summary
from .dispatch import Telling, begun, fields_of
from .findings import Finding
from .models import Mail, Notice, NoticeKind

KEPT = timedelta(days=90)
Key = tuple[int | None, str, str, str]


@transaction.atomic
def watch(company: Company | None, found: Sequence[Finding], now: datetime, enqueue_mail: Callable[[], None]) -> None:
    """Enter what was found of this company (None: of the installation), and put the mails that are due into the outbox."""
    there = {finding.key: finding for finding in found}
    notices = _entered(company, there, now)
    telling = Telling(company, now)
    put, quiet = 0, False
    if company is not None:
        run = ledger.first_run(company.pk)
        quiet = summary.is_quiet(run)
        if run is not None and not quiet:
            put += summary.of_first_run(company, run, [(one, _count(there.get(_key(one)))) for one in notices], telling)
    put += telling.tell([(notice, there.get(_key(notice))) for notice in notices], quiet=quiet)
    if put:
        enqueue_mail()


def _key(notice: Notice) -> Key:
    return (notice.office_id, notice.kind, notice.cause, notice.ref)


def _count(finding: Finding | None) -> int:
    return finding.count if finding is not None else 0


def _entered(company: Company | None, there: Mapping[Key, Finding], now: datetime) -> list[Notice]:
    """The open notices, with one for everything that was found: a new one, or the one that ended a moment ago."""
    ours = Notice.objects.filter(company=company).select_related("office")
    still_open = ours.filter(ended_at=None).order_by("pk")
    known = {_key(notice) for notice in still_open}
    fresh = sorted((key for key, finding in there.items() if finding.count > 0 and key not in known), key=str)
    if fresh:
        ended = {_key(one): one for one in ours.filter(ended_at__gt=now - policy.SAME_WITHIN).order_by("ended_at", "pk")}
        # Everybody in the same order, so that two who look at once wait for each other and do not lock each other out.
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
    """What is open of the company, the oldest first; with `offices` (ids), of those alone: also the hold on a bucket that they use."""
    notices = Notice.objects.filter(company_id=company_id, ended_at=None).select_related("office").order_by("since", "pk")
    return [notice for notice in notices if offices is None or _concerns(notice, offices)]


def _concerns(notice: Notice, offices: Collection[int]) -> bool:
    if notice.office_id is not None:
        return notice.office_id in offices
    return notice.kind == NoticeKind.HOLD and not set(offices).isdisjoint(notice.facts.get("offices", ()))


def acknowledge(notice_id: int, company_id: int, offices: Collection[int] | None, by: str, now: datetime) -> bool:
    """Somebody has taken it in hand: no more reminders, and it stays open. False where it is over, acknowledged already, or not of these
    offices: what is the whole company's is acknowledged by who may act for all of it."""
    ours = Q() if offices is None else Q(office_id__in=offices)
    waiting = Notice.objects.filter(ours, pk=notice_id, company_id=company_id, ended_at=None, acknowledged_at=None)
    return bool(waiting.update(acknowledged_at=now, acknowledged_by=by))


def forget_old(now: datetime) -> None:
    """Notices that ended, and mails that were sent or refused, are kept for a quarter."""
    Notice.objects.filter(ended_at__lt=now - KEPT).delete()
    Mail.objects.filter(due_at=None, created_at__lt=now - KEPT).delete()
