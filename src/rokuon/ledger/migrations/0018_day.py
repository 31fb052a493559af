"""The day of a copy as a column: an adopted object's name has no date folder, and an erased copy's key is blank.

The tally reads it instead of the key. The key gets byte order, in which every store lists, so that an inventory can merge both.
"""

from django.db import migrations, models

DAY = """
CREATE FUNCTION ledger_copy_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.day := split_part(NEW.key, '/', 3)::date;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_copy_day BEFORE INSERT ON ledger_copy
    FOR EACH ROW WHEN (NEW.day IS NULL) EXECUTE FUNCTION ledger_copy_day();
"""
NO_DAY = "DROP TRIGGER ledger_copy_day ON ledger_copy; DROP FUNCTION ledger_copy_day();"

# The counts do not change, so the tally's triggers have nothing to do.
FILL = """
ALTER TABLE ledger_copy DISABLE TRIGGER USER;
UPDATE ledger_copy SET day = split_part(key, '/', 3)::date;
ALTER TABLE ledger_copy ENABLE TRIGGER USER;
"""

_TALLY = """
CREATE OR REPLACE FUNCTION ledger_tally_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO ledger_tally (company_id, target_id, day, state, reason, copies, bytes, recorded_ms, at)
        SELECT company_id, target_id, {day} AS day, state, reason, count(*),
               COALESCE(sum(size) FILTER (WHERE state = 'verified'), 0), COALESCE(sum(audio_ms) FILTER (WHERE state = 'verified'), 0),
               clock_timestamp()
          FROM after_change GROUP BY 1, 2, 3, 4, 5;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO ledger_tally (company_id, target_id, day, state, reason, copies, bytes, recorded_ms, at)
        SELECT company_id, target_id, {day} AS day, state, reason, -count(*),
               -COALESCE(sum(size) FILTER (WHERE state = 'verified'), 0), -COALESCE(sum(audio_ms) FILTER (WHERE state = 'verified'), 0),
               clock_timestamp()
          FROM before_change GROUP BY 1, 2, 3, 4, 5;
    ELSE
        INSERT INTO ledger_tally (company_id, target_id, day, state, reason, copies, bytes, recorded_ms, at)
        SELECT company_id, target_id, {day} AS day, state, reason, sum(sign),
               COALESCE(sum(sign * size) FILTER (WHERE state = 'verified'), 0),
               COALESCE(sum(sign * audio_ms) FILTER (WHERE state = 'verified'), 0), clock_timestamp()
          FROM (SELECT 1 AS sign, company_id, target_id, {columns}, state, reason, size, audio_ms FROM after_change
                UNION ALL
                SELECT -1, company_id, target_id, {columns}, state, reason, size, audio_ms FROM before_change) AS both_sides
         GROUP BY 1, 2, 3, 4, 5
        HAVING sum(sign) <> 0 OR COALESCE(sum(sign * size) FILTER (WHERE state = 'verified'), 0) <> 0
            OR COALESCE(sum(sign * audio_ms) FILTER (WHERE state = 'verified'), 0) <> 0;
    END IF;
    RETURN NULL;
END $$;
"""
BY_DAY = _TALLY.format(day="day", columns="day")
BY_KEY = _TALLY.format(day="split_part(key, '/', 3)::date", columns="key")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0017_other_party")]

    operations = [
        migrations.AddField("copy", "md5", models.CharField(max_length=24, blank=True, db_default="")),
        migrations.AddField("copy", "day", models.DateField(null=True)),
        migrations.RunSQL(DAY, NO_DAY),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField("copy", "day", models.DateField()),
        migrations.RunSQL(BY_DAY, BY_KEY),
        migrations.AlterField("copy", "key", models.TextField(db_collation="C")),
        migrations.AddIndex("copy", models.Index(fields=["target", "day", "bucket"], name="copy_by_day")),
    ]
