"""What a person does about failures: each in one transaction with its line of the audit log."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.domain.ports import Jobs
from rokuon.ledger import aside, failures
from rokuon.ledger.failures import Which
from rokuon.ledger.models import Retry
from rokuon.ledger.retry import retry as send_back
from rokuon.notify import tracker
from rokuon.notify.models import Notice
from rokuon.org.models import Company

LONGEST_NOTE = 500
MOST_IDS = 50
"""That one line of the audit log names."""


@transaction.atomic
def retry(company: Company, targets: Sequence[int] | None, which: Which, jobs: Jobs, actor: Actor, now: datetime) -> Retry | None:
    """Have failed and gone copies tried again; None where there is none any more."""
    chosen = failures.choose(company.pk, targets, which)
    due = send_back(company.pk, now, ids=chosen, gone=True, closed=which.ids is not None) if chosen else []
    begun = failures.begin_retry(company.pk, due, actor.name, now)
    if begun is not None:
        jobs.enqueue_due(company.pk)
        _record(company, "failure.retry", actor, now, {"copies": len(due), **_told(which)})
    return begun


def note(text: str) -> str:
    """A person's word as it is kept: on the pages and in the audit log it has so much room."""
    return text.replace("\0", "").strip()[:LONGEST_NOTE]


@transaction.atomic
def close(company: Company, targets: Sequence[int] | None, which: Which, note: str, actor: Actor, now: datetime) -> int:
    """Mark failed and gone copies as explained; how many."""
    closed = failures.close(failures.choose(company.pk, targets, which), note, actor.name, now)
    if closed:
        _record(company, "failure.close", actor, now, {"copies": closed, "note": note, **_told(which)})
    return closed


@transaction.atomic
def accept(company: Company, targets: Sequence[int] | None, ids: Sequence[int], jobs: Jobs, actor: Actor, now: datetime) -> int:
    """Take what was kept aside of these failed and gone copies for their recordings, as it is and without a proof; of how many."""
    due = aside.accept(company.pk, failures.choose(company.pk, targets, Which(ids=ids)), actor.name, now)
    if due:
        jobs.enqueue_due(company.pk)
        _record(company, "failure.accept", actor, now, {"copies": len(due), "ids": sorted(due)[:MOST_IDS]})
    return len(due)


@transaction.atomic
def discard(company: Company, targets: Sequence[int] | None, ids: Sequence[int], note: str, actor: Actor, now: datetime) -> int:
    """Mark failed and gone copies that have something kept aside as explained: it is not wanted; how many. The object stays in the bucket,
    where Rokuon deletes nothing."""
    kept = sorted(aside.of(failures.choose(company.pk, targets, Which(ids=ids))))
    closed = failures.close(kept, note, actor.name, now) if kept else 0
    if closed:
        _record(company, "failure.discard", actor, now, {"copies": closed, "ids": kept[:MOST_IDS], "note": note})
    return closed


@transaction.atomic
def reopen(company: Company, targets: Sequence[int] | None, which: Which, actor: Actor, now: datetime) -> int:
    """Take closings back: something is to be done about these after all; how many."""
    opened = failures.reopen(company.pk, targets, which)
    if opened:
        _record(company, "failure.reopen", actor, now, {"copies": opened, **_told(which)})
    return opened


@transaction.atomic
def acknowledge(company: Company, offices: Collection[int] | None, notices: Iterable[Notice], actor: Actor, now: datetime) -> int:
    """Nobody is reminded of these notices any more (row C15), as far as they are of these offices (None: of any); of how many that is
    new. They stay open until they are over."""
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


def _record(company: Company, action: str, actor: Actor, now: datetime, after: dict[str, object]) -> None:
    audit.record(actor, action, now=now, company_id=company.pk, subject=("company", company.pk, company.name), after=after)
