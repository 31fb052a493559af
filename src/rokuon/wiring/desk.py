"""What a person does about failures: each in one transaction with its line of the audit log."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.domain.ports import Jobs
from rokuon.ledger import desk
from rokuon.ledger.desk import Which
from rokuon.ledger.models import Retry
from rokuon.ledger.retry import retry as send_back
from rokuon.notify import book
from rokuon.notify.models import Notice
from rokuon.org.models import Company


@transaction.atomic
def retry(company: Company, targets: Sequence[int] | None, which: Which, jobs: Jobs, actor: Actor, now: datetime) -> Retry | None:
    """Have failed and gone copies tried again; None where there is none any more."""
    chosen = desk.choose(company.pk, targets, which)
    due = send_back(company.pk, now, ids=chosen, gone=True) if chosen else []
    begun = desk.begin_retry(company.pk, due, actor.name, now)
    if begun is not None:
        jobs.enqueue_due(company.pk)
        _record(company, "failure.retry", actor, now, {"copies": len(due), **_told(which)})
    return begun


@transaction.atomic
def close(company: Company, targets: Sequence[int] | None, which: Which, note: str, actor: Actor, now: datetime) -> int:
    """Mark failed and gone copies as explained; how many."""
    closed = desk.close(desk.choose(company.pk, targets, which), note, actor.name, now)
    if closed:
        _record(company, "failure.close", actor, now, {"copies": closed, "note": note, **_told(which)})
    return closed


@transaction.atomic
def acknowledge(company: Company, offices: Collection[int] | None, notices: Iterable[Notice], actor: Actor, now: datetime) -> int:
    """Nobody is reminded of these notices any more (row C15), as far as they are of these offices (None: of any); of how many that is
    new. They stay open until they are over."""
    stopped = [notice for notice in notices if book.acknowledge(notice.pk, company.pk, offices, actor.name, now)]
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
