"""What a person does about failures: each in one transaction with its line of the audit log."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.domain import placement
from rokuon.domain.ports import Jobs
from rokuon.ledger import desk
from rokuon.ledger.desk import Cause, Which
from rokuon.ledger.models import Retry
from rokuon.ledger.retry import retry as send_back
from rokuon.notify import book
from rokuon.notify.models import Notice
from rokuon.ops.i18n import _
from rokuon.org.models import Company
from rokuon.org.tree import zone_of

LONGEST_NOTE = 500


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


def note(text: str) -> str:
    """A person's word as it is kept: on the pages and in the audit log it has so much room."""
    return text.replace("\0", "").strip()[:LONGEST_NOTE]


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


@transaction.atomic
def export(
    company: Company, targets: Sequence[int] | None, causes: Sequence[Cause], actor: Actor, now: datetime
) -> tuple[list[str], Iterator[Sequence[object]]]:
    """Headings and rows of a table of the copies of these causes. That somebody takes it stands in the audit log, also before the rows
    are read."""
    _record(company, "failure.export", actor, now, {"rows": sum(cause.copies for cause in causes)})
    headings = [
        _("State"),
        _("Cause"),
        _("Office"),
        _("Name"),
        _("Call start"),
        _("Time zone"),
        _("Agent"),
        _("Call id"),
        _("Recording id"),
        _("Since"),
        _("Closed"),
    ]
    return headings, _rows(company.pk, targets, causes)


def _rows(company_id: int, targets: Sequence[int] | None, causes: Sequence[Cause]) -> Iterator[Sequence[object]]:
    for cause in causes:
        for copy in desk.copies(company_id, targets, cause.state, cause.reason).iterator(chunk_size=500):
            zone, closing = zone_of(copy.target), desk.closing(copy)
            yield [
                copy.state,
                copy.reason,
                copy.target.office.name,
                copy.target.name,
                _on_wall(copy.call_started_at, zone),
                zone or "UTC",
                copy.agent,
                copy.recording.call_id,
                copy.recording.recording_id,
                _on_wall(copy.changed_at, zone),
                closing.note if closing is not None else "",
            ]


def _on_wall(when: datetime, zone: str) -> str:
    return f"{when.astimezone(placement.zone(zone)):%Y-%m-%d %H:%M:%S}"


def _told(which: Which) -> dict[str, object]:
    return {name: value for name, value in (("state", which.state), ("reason", which.reason)) if value}


def _record(company: Company, action: str, actor: Actor, now: datetime, after: dict[str, object]) -> None:
    audit.record(actor, action, now=now, company_id=company.pk, subject=("company", company.pk, company.name), after=after)
