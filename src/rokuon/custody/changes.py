"""From changed rows to the days that a bucket's next seal reads.

Triggers append `Dirty` rows; `resolve` turns them into `Waiting` rows, one for each bucket that says something about the day.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from django.db import transaction

from rokuon.domain import windows
from rokuon.ledger.sql import columns, execute, fetch
from rokuon.org import tree
from rokuon.org.models import Company, Target

_RESOLVER = 0x726F6B76
"""The advisory lock of `resolve`."""
AT_ONCE = 20_000


def keep_short() -> None:
    """Resolve some changes if many wait: while no bucket can be sealed, nothing else does, and they would grow for months. Few are left to
    the next issue, because many changes of a day are resolved together."""
    ((many,),) = fetch("SELECT count(*) FROM (SELECT 1 FROM custody_dirty LIMIT %s) AS x", [AT_ONCE])
    if many >= AT_ONCE:
        resolve()


def resolve() -> int:
    """Resolve some changes, and return their number; 0 if there are none. Waits for another process that is resolving: its changes are seen
    only once it has ended."""
    with transaction.atomic():
        fetch("SELECT pg_advisory_xact_lock(%s)::text", [_RESOLVER])
        rows = fetch(
            """WITH taken AS (DELETE FROM custody_dirty WHERE id IN (SELECT id FROM custody_dirty ORDER BY id LIMIT %s) RETURNING *)
               SELECT target_id, day, utc, count(*) FROM taken GROUP BY 1, 2, 3""",
            [AT_ONCE],
        )
        by_target: dict[int, set[tuple[date, bool]]] = {}
        for target, day, utc, _ in rows:
            by_target.setdefault(target, set()).add((day, utc))
        for company in Company.objects.filter(targets__in=list(by_target)).distinct():
            _resolve(company, by_target)
        return sum(row[3] for row in rows)


def _resolve(company: Company, changed: Mapping[int, Iterable[tuple[date, bool]]]) -> None:
    found: list[tuple[int, date, int | None]] = []
    for settings in tree.target_settings(company):
        target, present = settings.target, settings.effective.bucket
        days = local_days(target, changed.get(target.pk, ()))
        found += [(target.pk, day, present) for day in days]
    execute(
        """INSERT INTO custody_waiting AS w (bucket_id, target_id, day, version)
           SELECT y.*, nextval('custody_change') FROM (
           SELECT DISTINCT b.id, x.t, x.d
             FROM unnest(%s::bigint[], %s::date[], %s::bigint[]) AS x(t, d, p)
             JOIN org_bucket b ON b.company_id = %s
            WHERE b.id = x.p
               OR EXISTS (SELECT 1 FROM ledger_copy c WHERE c.target_id = x.t AND c.day = x.d AND c.bucket_id = b.id)
               OR EXISTS (SELECT 1 FROM custody_sealedday s JOIN custody_sealchain n ON n.id = s.chain_id
                           WHERE s.target_id = x.t AND s.day = x.d AND n.bucket_id = b.id AND n.closed_at IS NULL)
            ORDER BY 1, 2, 3) AS y
               ON CONFLICT (bucket_id, target_id, day) DO UPDATE SET version = excluded.version""",
        [*columns(found, 3), company.pk],
    )


def local_days(target: Target, changed: Iterable[tuple[date, bool]]) -> set[date]:
    """Return the target's local days that these days overlap; the flag marks a UTC day."""
    zone, days = tree.zone_of(target), set()
    for day, utc in changed:
        if not utc:
            days.add(day)
            continue
        start = windows.day_start_ms(day)
        first, last = windows.local_date(start, zone), windows.local_date(start + windows.DAY_MS - 1, zone)
        days |= {first + timedelta(days=number) for number in range((last - first).days + 1)}
    return days
