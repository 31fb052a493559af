"""Triggers that mark the days which the next seal reads; see `custody.models.Dirty`.

What does not change a manifest marks nothing: the waiting time of a pending copy, a listing that finds the same as before.
"""

from django.db import migrations

_FUNCTION = """
CREATE FUNCTION custody_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER custody_{name}_inserted AFTER INSERT ON {table} REFERENCING NEW TABLE AS after_change
    FOR EACH STATEMENT EXECUTE FUNCTION custody_{name}();
CREATE TRIGGER custody_{name}_updated AFTER UPDATE ON {table} REFERENCING NEW TABLE AS after_change OLD TABLE AS before_change
    FOR EACH STATEMENT EXECUTE FUNCTION custody_{name}();
CREATE TRIGGER custody_{name}_deleted AFTER DELETE ON {table} REFERENCING OLD TABLE AS before_change
    FOR EACH STATEMENT EXECUTE FUNCTION custody_{name}();
"""

_COPIES = "SELECT DISTINCT target_id, day, false FROM {rows}"
_CALLS = "SELECT DISTINCT target_id, (started_at AT TIME ZONE 'UTC')::date, true FROM {rows}"
_COVERED = "SELECT DISTINCT target_id, day, true FROM {rows}"
_CLOSED = "SELECT DISTINCT c.target_id, c.day, false FROM {rows} x JOIN ledger_copy c ON c.id = x.copy_id"
_CALLS_CLOSED = (
    "SELECT DISTINCT k.target_id, (k.started_at AT TIME ZONE 'UTC')::date, true FROM {rows} x JOIN ledger_call k ON k.id = x.call_id"
)
# An entry without a target may belong to any.
_UNREADABLE = """
    SELECT DISTINCT t.id, d::date, true
      FROM {rows} x
      JOIN org_target t ON t.company_id = x.company_id AND (x.target_id IS NULL OR t.id = x.target_id) AND (t.backed_up OR t.folder <> ''),
           generate_series(date_trunc('day', x.after AT TIME ZONE 'UTC'), x.before AT TIME ZONE 'UTC', interval '1 day') AS d
"""


def _both(sql: str) -> str:
    return f"{sql.format(rows='after_change')} UNION {sql.format(rows='before_change')}"


def _changed(sql: str, *columns: str) -> str:
    """Both sides of the rows of which one of these columns changed."""
    differ = " OR ".join(f"a.{column} IS DISTINCT FROM b.{column}" for column in columns)
    ids = f"SELECT b.id FROM after_change a JOIN before_change b ON a.id = b.id WHERE {differ}"  # noqa: S608 (constant pieces)
    sides = [f"(SELECT * FROM {side} WHERE id IN ({ids}))" for side in ("after_change", "before_change")]  # noqa: S608
    return " UNION ".join(sql.format(rows=f"{side} AS changed") for side in sides)


# A pending copy that waits longer is still pending, and its line has nothing but its name. Most statements have no copy that stays pending:
# then nothing is joined, which would be most of the cost.
_COPIES_CHANGED = """
    SELECT target_id, day, false FROM after_change WHERE state <> 'pending'
     UNION SELECT target_id, day, false FROM before_change WHERE state <> 'pending'
     UNION SELECT a.target_id, a.day, false
             FROM (SELECT * FROM after_change WHERE state = 'pending') a JOIN (SELECT * FROM before_change WHERE state = 'pending') b
               ON a.id = b.id AND a.key <> b.key
"""

_TABLES = {
    "copy": ("ledger_copy", _COPIES, _COPIES_CHANGED),
    "call": ("ledger_call", _CALLS, _both(_CALLS)),
    "coverage": ("ledger_coverage", _COVERED, _changed(_COVERED, "fingerprint", "sealed", "day", "target_id")),
    "aside": ("ledger_aside", _CLOSED, _both(_CLOSED)),
    "closing": ("ledger_closing", _CLOSED, _both(_CLOSED)),
    "callclosing": ("ledger_callclosing", _CALLS_CLOSED, _both(_CALLS_CLOSED)),
    "unreadable": (
        "ledger_unreadable",
        _UNREADABLE,
        _changed(_UNREADABLE.replace("{rows} x", "{rows}").replace("x.", "changed."), "closed_at", "after", "before", "target_id"),
    ),
}

CREATE = "".join(
    _FUNCTION.format(
        name=name,
        table=table,
        inserted=sql.format(rows="after_change"),
        deleted=sql.format(rows="before_change"),
        updated=updated,
    )
    for name, (table, sql, updated) in _TABLES.items()
)
DROP = "".join(
    f"DROP TRIGGER custody_{name}_{when} ON {table};"
    for name, (table, _, _) in _TABLES.items()
    for when in ("inserted", "updated", "deleted")
) + "".join(f"DROP FUNCTION custody_{name}();" for name in _TABLES)

# What is there already waits for the first seal.
FILL = """
INSERT INTO custody_dirty (target_id, day, utc)
SELECT DISTINCT target_id, day, false FROM ledger_copy
 UNION SELECT DISTINCT target_id, (started_at AT TIME ZONE 'UTC')::date, true FROM ledger_call
 UNION SELECT target_id, day, true FROM ledger_coverage
"""


class Migration(migrations.Migration):
    dependencies = [("custody", "0001_initial"), ("ledger", "0018_day")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE custody_change", "DROP SEQUENCE custody_change"),
        migrations.RunSQL(CREATE, DROP),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
