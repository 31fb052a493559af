"""Helpers for several actions: add the audit log entry, lift a hold, name the first columns of an exported table."""

from datetime import datetime
from typing import Any

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.base.i18n import _
from rokuon.domain.failures import HoldOn
from rokuon.domain.ports import Jobs
from rokuon.ledger import holds, runs
from rokuon.org.models import Company


def record(
    actor: Actor,
    action: str,
    company: Company,
    now: datetime,
    subject: tuple[str, object, str],
    after: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
) -> None:
    audit.record(actor, action, now=now, company_id=company.pk, subject=subject, before=before, after=after)


def record_of_company(
    actor: Actor, action: str, company: Company, now: datetime, after: dict[str, Any] | None = None, before: dict[str, Any] | None = None
) -> None:
    """Add an entry about the company itself, or about several things in it."""
    record(actor, action, company, now, ("company", company.pk, company.name), after, before)


def lift(company_id: int, on: HoldOn, ref: str, jobs: Jobs, now: datetime) -> None:
    holds.lift(company_id, on, ref, now)
    runs.queue_windows(company_id, now, jobs.enqueue_window)
    jobs.enqueue_due(company_id)


def recording_headings() -> list[str]:
    """Return the headings that every exported table of recordings begins with."""
    return [
        _("State"),
        _("Cause"),
        _("Office"),
        _("Target"),
        _("Call start"),
        _("Time zone"),
        _("Agent"),
        _("Call id"),
        _("Recording id"),
    ]
