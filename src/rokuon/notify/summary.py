"""The state of a company or office in numbers, and the summary of its first Back up now, mailed once when that ends.

While it runs, thousands of old recordings may fail: they are counted and shown, and nobody is notified before the end (`policy.QUIET`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rokuon.completeness import headline
from rokuon.domain.windows import local_date
from rokuon.events.loss import loss
from rokuon.events.models import Hook
from rokuon.ledger import expiry, runs, tally
from rokuon.ledger.models import Run
from rokuon.ledger.sql import ms
from rokuon.org.models import Company, Office, Target

from . import policy
from .dispatch import MailDispatch
from .message import Letter, Numbers
from .models import Notice, NotificationSettings, Occasion
from .text import lines

LATE = timedelta(days=7)
"""A run that ended this long ago, before anyone could be notified, is not reported any more."""

Counted = tuple[Notice, int]


def is_quiet(run: Run | None) -> bool:
    """Whether the first Back up now is running; `run` is that run."""
    return run is not None and run.state in runs.OPEN


def numbers(company: Company, office: Office | None, since: datetime, until: datetime, now: datetime, *, events: bool = False) -> Numbers:
    """Return the numbers of the office, or of the whole company; `arrived` counts what was recorded in [since, until) and is verified. With
    `events`, count the calls without an event, which is known for whole companies only."""
    ours_all = Target.objects.filter(company=company, **({"office": office} if office is not None else {})).select_related("office")
    facts = headline.facts_of(company, list(ours_all), now)
    targets = [target.pk for target in ours_all]
    period = sum(tally.counts_by_target(company.pk, targets, since, until).values(), tally.Counts())
    leaving = expiry.expiring(company.pk, company.access_window_days, now) if company.access_window_days is not None else {}
    ours = [one for target, one in leaving.items() if target in set(targets)]
    told = events and Hook.objects.filter(company=company, since__isnull=False).exists()
    missed = loss(company.pk, since, min(until, now)) if told else None
    return Numbers(
        verified=facts.counts.verified,
        pending=facts.counts.pending,
        failed=facts.counts.failed,
        gone=facts.counts.gone,
        excluded=facts.counts.excluded,
        arrived=period.verified,
        bytes=period.bytes,
        expiring=sum(one.expiring for one in ours),
        expired=sum(one.expired for one in ours),
        calls=missed.calls if missed is not None else 0,
        events_lost=missed.lost if missed is not None else None,
        lacks=facts.lacks,
        causes=facts.causes,
        unnamed=facts.unnamed,
        held=facts.held,
        closed_failed=facts.closed_failed,
        closed_gone=facts.closed_gone,
    )


def of_first_run(company: Company, run: Run, counted: Sequence[Counted], dispatch: MailDispatch) -> int:
    """Mail the result of the first Back up now, once: its numbers to the company's admins, and to each office's admins what needs attention
    there. Its notices count as mailed. `counted` are the open notices with their current counts. Returns the number of mails."""
    NotificationSettings.objects.get_or_create(company=company)
    if not NotificationSettings.objects.filter(company=company, summary_of=None).update(summary_of=run.pk):
        return 0
    if not dispatch.sends or run.finished_at is None or dispatch.now - run.finished_at > LATE:
        return 0
    mine = [(notice, count) for notice, count in counted if notice.kind in policy.QUIET and count > 0]
    put = 0
    reached = set()
    for office in sorted({notice.office for notice, _count in mine if notice.office is not None}, key=lambda one: one.pk):
        audience = dispatch.of_office(office)
        if audience.addresses:
            reached.add(office.pk)
        if audience.addresses and not audience.fallback:
            put += dispatch.put(_letter(company, run, office, mine, dispatch), audience.addresses, office)
    admins = dispatch.of_company()
    put += dispatch.put(_letter(company, run, None, mine, dispatch), admins, None)
    for notice, count in mine:
        if notice.office_id in reached or admins:
            state = policy.after_mail(policy.seen(notice), Occasion.BACKFILL, count, dispatch.now)
            dispatch.mark(notice, policy.after_mail(state, Occasion.ESCALATED, count, dispatch.now) if admins else state)
    return put


def _letter(company: Company, run: Run, office: Office | None, counted: Sequence[Counted], dispatch: MailDispatch) -> Letter:
    ours = [dispatch.line(notice, count, new=count) for notice, count in counted if office is None or notice.office_id == office.pk]
    letter = dispatch.letter(Occasion.BACKFILL, office, lines.merged(ours))
    return dispatch.with_numbers(
        letter,
        numbers(company, office, run.since, run.until, dispatch.now),
        local_date(ms(run.since), letter.zone),
        local_date(ms(run.until) - 1, letter.zone),
    )
