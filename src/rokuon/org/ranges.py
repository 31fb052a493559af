"""Kinds of listings of a company that were seen to ignore the requested range."""

import logging
from datetime import datetime

from django.db import connection

from rokuon.domain.recording import Bound, ScopeKind

from .models import IgnoredRange

log = logging.getLogger(__name__)


def note(company_id: int, kind: ScopeKind, bound: Bound, now: datetime) -> None:
    """Record that listings of this kind ignore this bound. The first time is logged."""
    with connection.cursor() as cursor:
        # xmax is 0 in a row that was inserted, and not in one that was updated.
        cursor.execute(
            """INSERT INTO org_ignoredrange (company_id, kind, bound, first_seen_at, last_seen_at) VALUES (%s, %s, %s, %s, %s)
                   ON CONFLICT (company_id, kind, bound) DO UPDATE SET last_seen_at = EXCLUDED.last_seen_at
               RETURNING xmax = 0""",
            [company_id, kind, bound, now, now],
        )
        ((first,),) = cursor.fetchall()
    if first:
        log.warning("range_ignored", extra={"company": company_id, "kind": kind.value, "bound": bound.value})


def ignored(company_id: int) -> list[IgnoredRange]:
    """Return what was seen, by kind and bound. It stays until a probe shows otherwise (`honoured`)."""
    return list(IgnoredRange.objects.filter(company_id=company_id).order_by("kind", "bound"))


def honoured(company_id: int, kind: ScopeKind, bound: Bound) -> None:
    """Delete the record: a narrow request about the past was answered within this bound."""
    IgnoredRange.objects.filter(company_id=company_id, kind=kind, bound=bound).delete()


def kinds_that_ignore(company_id: int, bound: Bound) -> set[str]:
    return set(IgnoredRange.objects.filter(company_id=company_id, bound=bound).values_list("kind", flat=True))
