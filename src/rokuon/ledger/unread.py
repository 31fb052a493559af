"""Unreadable entries of listings: each is kept once, until it is read or no longer listed (`models.Unreadable`)."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from rokuon.domain import windows
from rokuon.domain.ports import TimeRange
from rokuon.domain.work import Unread

from .models import Unreadable
from .sql import at, columns, execute, fetch


@transaction.atomic
def enter(company_id: int, entries: Sequence[Unread], read: Sequence[str], now: datetime) -> None:
    """Enter the unreadable entries of a page, and remove those of the calls in `read`, which were read completely.

    A narrower time range replaces the old one.
    """
    calls = {*read, *(entry.call_id for entry in entries if entry.call_id)}
    if calls:
        # If a call was listed again, its earlier entries that are not unreadable any more have been read.
        execute(
            """DELETE FROM ledger_unreadable WHERE company_id = %s AND call_id = ANY(%s) AND NOT mark = ANY(%s)""",
            [company_id, sorted(calls), [entry.mark for entry in entries]],
        )
    if not entries:
        return
    rows = {(entry.mark, entry.target_id): entry for entry in entries}
    execute(
        """INSERT INTO ledger_unreadable (company_id, target_id, mark, why, after, before, call_id, kind, recording_id, first_at, seen_at,
                                          note, closed_by, closed_at)
           SELECT %(company)s, x.t, x.mark, x.why, x.after, x.before, x.call, x.kind, x.recording, %(now)s, %(now)s,
                  COALESCE(o.note, ''), COALESCE(o.closed_by, ''), o.closed_at
             FROM unnest(%(targets)s::bigint[], %(marks)s::text[], %(whys)s::text[], %(afters)s::timestamptz[], %(befores)s::timestamptz[],
                         %(calls)s::text[], %(kinds)s::text[], %(recordings)s::text[])
                  AS x(t, mark, why, after, before, call, kind, recording)
             LEFT JOIN ledger_unreadable o ON o.company_id = %(company)s AND o.mark = x.mark AND o.target_id IS NULL
            WHERE x.t IS NOT NULL OR NOT EXISTS (SELECT 1 FROM ledger_unreadable u
                                                  WHERE u.company_id = %(company)s AND u.mark = x.mark AND u.target_id IS NOT NULL)
            ORDER BY x.mark, x.t
               ON CONFLICT (company_id, mark, COALESCE(target_id, 0)) DO UPDATE
              SET seen_at = EXCLUDED.seen_at, why = EXCLUDED.why,
                  after = CASE WHEN EXCLUDED.before - EXCLUDED.after <= ledger_unreadable.before - ledger_unreadable.after
                               THEN EXCLUDED.after ELSE ledger_unreadable.after END,
                  before = CASE WHEN EXCLUDED.before - EXCLUDED.after <= ledger_unreadable.before - ledger_unreadable.after
                                THEN EXCLUDED.before ELSE ledger_unreadable.before END""",
        dict(
            zip(
                ("targets", "marks", "whys", "afters", "befores", "calls", "kinds", "recordings"),
                columns([_row(entry) for entry in rows.values()], 8),
                strict=True,
            ),
            company=company_id,
            now=now,
        ),
    )
    # Once the entry's target is known, the row without a target is deleted; a person's explanation was copied to the new row.
    execute(
        "DELETE FROM ledger_unreadable WHERE company_id = %s AND target_id IS NULL AND mark = ANY(%s)",
        [company_id, [entry.mark for entry in entries if entry.target_id is not None]],
    )
    unknown = [entry.mark for entry in entries if entry.target_id is None]
    execute(
        "UPDATE ledger_unreadable SET seen_at = %s WHERE company_id = %s AND mark = ANY(%s) AND seen_at < %s",
        [now, company_id, unknown, now],
    )


def _row(entry: Unread) -> tuple[object, ...]:
    after, before = at(entry.after_ms).isoformat(), at(entry.before_ms).isoformat()
    return (entry.target_id, entry.mark, entry.why, after, before, entry.call_id, entry.kind, entry.recording_id)


@transaction.atomic
def listed(company_id: int, targets: Sequence[int], listed: TimeRange, since: datetime, *, whole_company: bool) -> None:
    """Remove entries in a range that was listed from end to end for these targets from `since` on, if no listing contained them since then.

    Entries without a known target are removed only by a listing of the `whole_company`. An entry whose range crosses a border of the listed
    range is cut there.
    """
    values = {
        "company": company_id,
        "targets": list(targets),
        "whole": whole_company,
        "since": since,
        "after": at(listed.after_ms),
        "before": at(listed.before_ms),
    }
    ours = """company_id = %(company)s AND seen_at < %(since)s AND (target_id = ANY(%(targets)s) OR (target_id IS NULL AND %(whole)s))
              AND after < %(before)s AND before > %(after)s"""
    execute(f"DELETE FROM ledger_unreadable WHERE {ours} AND after >= %(after)s AND before <= %(before)s", values)  # noqa: S608
    execute(f"UPDATE ledger_unreadable SET after = %(before)s WHERE {ours} AND after >= %(after)s", values)  # noqa: S608
    execute(f"UPDATE ledger_unreadable SET before = %(after)s WHERE {ours} AND before <= %(before)s", values)  # noqa: S608


def open_days(targets: Sequence[int], days: Sequence[date]) -> set[tuple[int, date]]:
    """Return those of these UTC days of these targets of one company that may contain an unexplained, unreadable entry."""
    rows = fetch(
        """SELECT t.id, (u.after AT TIME ZONE 'UTC')::date, ((u.before - interval '1 ms') AT TIME ZONE 'UTC')::date
             FROM org_target t JOIN ledger_unreadable u ON u.company_id = t.company_id AND (u.target_id = t.id OR u.target_id IS NULL)
            WHERE t.id = ANY(%s) AND u.after < %s AND u.before > %s AND u.closed_at IS NULL""",
        [list(targets), at(windows.day_start_ms(max(days)) + windows.DAY_MS), at(windows.day_start_ms(min(days)))],
    )
    return {(target, day) for target, first, last in rows for day in days if first <= day <= last}


def find(
    company_id: int, targets: Sequence[int] | None, since: datetime | None = None, until: datetime | None = None, *, of_nobody: bool = True
) -> QuerySet[Unreadable]:
    """Return entries of these targets (None: any) whose calls may have started in [since, until); with `of_nobody` also entries without a
    known target. Closed ones are included; the newest come first; the caller slices the result."""
    found = Unreadable.objects.filter(company_id=company_id).select_related("target__office").order_by("-after", "-pk")
    if targets is not None:
        found = found.filter(Q(target_id__in=targets) | Q(target_id=None) if of_nobody else Q(target_id__in=targets))
    if since is not None:
        found = found.filter(before__gt=since)
    if until is not None:
        found = found.filter(after__lt=until)
    return found


def still_open(found: QuerySet[Unreadable]) -> QuerySet[Unreadable]:
    """Return those of `find` that no person has explained."""
    return found.filter(closed_at=None)


def explained(found: QuerySet[Unreadable]) -> QuerySet[Unreadable]:
    """Return those of `find` that a person has explained."""
    return found.exclude(closed_at=None)


def count(found: QuerySet[Unreadable]) -> int:
    """Count the entries of `find`; an entry that several targets share counts once."""
    return found.order_by().values("mark").distinct().count()
