"""Settings with which a target's days are read: its time zone, and how a listing has to be made to count. No trigger sees them change."""

from rokuon.completeness.options import fingerprint
from rokuon.ledger.sql import columns, execute
from rokuon.org import tree
from rokuon.org.models import Bucket, Target

from .models import DaySettings

AROUND = (-1, 0, 1)
"""In another zone, a call of a day may be in the day before or after."""


def note(bucket: Bucket) -> None:
    """Make the days wait that are read in another way since the issue before: those that are sealed in the open chain or wait already, and
    their neighbours where the zone changed. In the transaction of the plan, under the bucket's lock."""
    how = fingerprint(bucket.company)
    known = {one.target_id: one for one in DaySettings.objects.filter(bucket=bucket)}
    shifts: list[tuple[int, int]] = []
    rows: list[DaySettings] = []
    for target in Target.objects.filter(company_id=bucket.company_id).select_related("office"):
        zone, before = tree.zone_of(target), known.get(target.pk)
        if before and (before.zone, before.fingerprint) == (zone, how):
            continue
        rows.append(DaySettings(bucket=bucket, target=target, zone=zone, fingerprint=how))
        if before:
            shifts += [(target.pk, shift) for shift in (AROUND if before.zone != zone else (0,))]
    if shifts:
        _wait(bucket.pk, shifts)
    DaySettings.objects.bulk_create(rows, update_conflicts=True, unique_fields=["bucket", "target"], update_fields=["zone", "fingerprint"])


def _wait(bucket_id: int, shifts: list[tuple[int, int]]) -> None:
    execute(
        """INSERT INTO custody_waiting (bucket_id, target_id, day, version)
           SELECT y.*, nextval('custody_change')
             FROM (SELECT DISTINCT %s::bigint, k.target_id, k.day + x.shift
                     FROM (SELECT s.target_id, s.day FROM custody_sealedday s JOIN custody_sealchain n ON n.id = s.chain_id
                            WHERE n.bucket_id = %s AND n.closed_at IS NULL
                            UNION SELECT w.target_id, w.day FROM custody_waiting w WHERE w.bucket_id = %s) AS k
                     JOIN unnest(%s::bigint[], %s::int[]) AS x(target, shift) ON x.target = k.target_id
                    ORDER BY 2, 3) AS y
               ON CONFLICT (bucket_id, target_id, day) DO UPDATE SET version = excluded.version""",
        [bucket_id, bucket_id, bucket_id, *columns(shifts, 2)],
    )
