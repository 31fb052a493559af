"""Triggers of 0002 that find the changed rows without a join.

A function keeps the plan of its first run for the whole session, and a worker's first run is on an empty ledger. A join that was planned
for no row compares each row of a statement with each: 17 million comparisons for one listing of 200 targets and 29 days. `EXCEPT` sorts or
hashes, whatever was expected.
"""

from django.db import migrations

_FUNCTION = """
CREATE OR REPLACE FUNCTION custody_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO custody_dirty (target_id, day, utc) {inserted};
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO custody_dirty (target_id, day, utc) {deleted};
    ELSE
        INSERT INTO custody_dirty (target_id, day, utc) {updated};
    END IF;
    RETURN NULL;
END $$;
"""


def _function(name: str, days: str, updated: str) -> str:
    sides = {"inserted": "after_change", "deleted": "before_change"}
    return _FUNCTION.format(name=name, updated=updated, **{branch: days.format(rows=side) for branch, side in sides.items()})


def _changed(days: str, compared: str) -> str:
    """The days of both sides of the rows that differ in one of the columns; the first column is the row's id."""
    pairs = (("after_change", "before_change"), ("before_change", "after_change"))
    differing = (f"(SELECT {compared} FROM {one} EXCEPT SELECT {compared} FROM {other}) AS changed" for one, other in pairs)  # noqa: S608
    return " UNION ".join(days.format(rows=rows) for rows in differing)


_COPIES = "SELECT DISTINCT target_id, day, false FROM {rows}"
# A pending copy that waits longer is still pending, and its line has nothing but its name.
_COPIES_CHANGED = """
    SELECT target_id, day, false FROM after_change WHERE state <> 'pending'
     UNION SELECT target_id, day, false FROM before_change WHERE state <> 'pending'
     UNION SELECT target_id, day, false
             FROM (SELECT id, target_id, day, key FROM after_change WHERE state = 'pending'
                   EXCEPT SELECT id, target_id, day, key FROM before_change) AS changed
"""
_COVERED = "SELECT DISTINCT target_id, day, true FROM {rows}"
# An entry without a target may belong to any.
_UNREADABLE = """
    SELECT DISTINCT t.id, d::date, true
      FROM (SELECT company_id AS company, target_id AS target, after AS first, before AS last FROM {rows}) x
      JOIN org_target t ON t.company_id = x.company AND (x.target IS NULL OR t.id = x.target) AND (t.backed_up OR t.folder <> ''),
           generate_series(date_trunc('day', x.first AT TIME ZONE 'UTC'), x.last AT TIME ZONE 'UTC', interval '1 day') AS d
"""

FUNCTIONS = (
    _function("copy", _COPIES, _COPIES_CHANGED)
    + _function("coverage", _COVERED, _changed(_COVERED, "id, fingerprint, sealed, day, target_id"))
    + _function("unreadable", _UNREADABLE, _changed(_UNREADABLE, "id, company_id, target_id, after, before, closed_at"))
)


class Migration(migrations.Migration):
    dependencies = [("custody", "0002_triggers")]

    operations = [migrations.RunSQL(FUNCTIONS, migrations.RunSQL.noop)]
