"""User actions on failures: each runs in one transaction with its audit log entry."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.actions._shared import record_of_company
from rokuon.domain.ports import Jobs
from rokuon.ledger import aside, failures
from rokuon.ledger.failures import Which
from rokuon.ledger.models import Retry
from rokuon.ledger.retry import retry as send_back
from rokuon.notify import tracker
from rokuon.notify.models import Notice
from rokuon.org.models import Company

LONGEST_NOTE = 500
MOST_RECORDINGS = 500
"""Limit of recordings named in one audit log entry; more of them are written as several entries."""


@transaction.atomic
def retry(company: Company, targets: Sequence[int] | None, which: Which, jobs: Jobs, actor: Actor, now: datetime) -> Retry | None:
    """Retry failed and gone copies. Return None if there are none left."""
    chosen = failures.choose(company.pk, targets, which)
    due = send_back(company.pk, now, ids=chosen, gone=True, closed=which.ids is not None) if chosen else []
    begun = failures.begin_retry(company.pk, due, actor.name, now)
    if begun is not None:
        jobs.enqueue_due(company.pk)
        record_of_company(actor, "failure.retry", company, now, {"copies": len(due), **_told(which)})
    return begun


def note(text: str) -> str:
    """Return a person's note in its stored form: cut to the length that the pages and the audit log have room for."""
    return text.replace("\0", "").strip()[:LONGEST_NOTE]


@transaction.atomic
def close(company: Company, targets: Sequence[int] | None, which: Which, note: str, actor: Actor, now: datetime) -> int:
    """Close failed and gone copies as explained; return their number."""
    closed = failures.close(failures.choose(company.pk, targets, which), note, actor.name, now)
    _record_each(company, "failure.close", actor, now, closed, {"note": note, **_told(which)})
    return len(closed)


@transaction.atomic
def accept(company: Company, targets: Sequence[int] | None, ids: Sequence[int], jobs: Jobs, actor: Actor, now: datetime) -> int:
    """Accept what was kept aside of these failed and gone copies as their recordings, unchanged and without a proof; return their
    number."""
    due = aside.accept(company.pk, failures.choose(company.pk, targets, Which(ids=ids)), actor.name, now)
    if due:
        jobs.enqueue_due(company.pk)
        _record_each(company, "failure.accept", actor, now, due, {})
    return len(due)


@transaction.atomic
def discard(company: Company, targets: Sequence[int] | None, ids: Sequence[int], note: str, actor: Actor, now: datetime) -> int:
    """Discard what was kept aside of failed and gone copies, and close them as explained; return their number. The object stays in the
    bucket, where Rokuon deletes nothing."""
    kept = sorted(aside.of(failures.choose(company.pk, targets, Which(ids=ids))))
    closed = failures.close(kept, note, actor.name, now) if kept else []
    _record_each(company, "failure.discard", actor, now, closed, {"note": note})
    return len(closed)


@transaction.atomic
def reopen(company: Company, targets: Sequence[int] | None, which: Which, actor: Actor, now: datetime) -> int:
    """Re-open closed copies; return their number."""
    opened = failures.reopen(company.pk, targets, which)
    _record_each(company, "failure.reopen", actor, now, opened, _told(which))
    return len(opened)


@transaction.atomic
def acknowledge(company: Company, offices: Collection[int] | None, notices: Iterable[Notice], actor: Actor, now: datetime) -> int:
    """Acknowledge these notices, if they are of these offices (None: of any), so that nobody is reminded of them (row C15); return the
    number of newly acknowledged ones. They stay open until they are over."""
    stopped = [notice for notice in notices if tracker.acknowledge(notice.pk, company.pk, offices, actor.name, now)]
    for notice in stopped:
        audit.record(
            actor,
            "failure.acknowledge",
            now=now,
            company_id=company.pk,
            office_id=notice.office_id,
            subject=("notice", notice.pk, notice.office.name if notice.office else company.name),
            after={"kind": notice.kind, "reason": notice.cause},
        )
    return len(stopped)


def _told(which: Which) -> dict[str, object]:
    return {name: value for name, value in (("state", which.state), ("reason", which.reason)) if value}


def _record_each(company: Company, action: str, actor: Actor, now: datetime, copies: Sequence[int], after: dict[str, object]) -> None:
    """Record a decision on these copies so that the audit log names every recording."""
    for start in range(0, len(copies), MOST_RECORDINGS):
        part = copies[start : start + MOST_RECORDINGS]
        record_of_company(actor, action, company, now, {"copies": len(part), **after, "recordings": failures.recording_ids(part)})
