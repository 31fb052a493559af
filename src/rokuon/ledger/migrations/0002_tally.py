from django.db import migrations, models

FUNCTION = """
CREATE FUNCTION ledger_tally_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO ledger_tally (company_id, target_id, day, state, reason, copies, bytes, recorded_ms, at)
        SELECT company_id, target_id, split_part(key, '/', 3)::date AS day, state, reason, count(*),
               COALESCE(sum(size) FILTER (WHERE state = 'verified'), 0), COALESCE(sum(audio_ms) FILTER (WHERE state = 'verified'), 0),
               clock_timestamp()
          FROM after_change GROUP BY 1, 2, 3, 4, 5;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO ledger_tally (company_id, target_id, day, state, reason, copies, bytes, recorded_ms, at)
        SELECT company_id, target_id, split_part(key, '/', 3)::date AS day, state, reason, -count(*),
               -COALESCE(sum(size) FILTER (WHERE state = 'verified'), 0), -COALESCE(sum(audio_ms) FILTER (WHERE state = 'verified'), 0),
               clock_timestamp()
          FROM before_change GROUP BY 1, 2, 3, 4, 5;
    ELSE
        INSERT INTO ledger_tally (company_id, target_id, day, state, reason, copies, bytes, recorded_ms, at)
        SELECT company_id, target_id, split_part(key, '/', 3)::date AS day, state, reason, sum(sign),
               COALESCE(sum(sign * size) FILTER (WHERE state = 'verified'), 0),
               COALESCE(sum(sign * audio_ms) FILTER (WHERE state = 'verified'), 0), clock_timestamp()
          FROM (SELECT 1 AS sign, company_id, target_id, key, state, reason, size, audio_ms FROM after_change
                UNION ALL
                SELECT -1, company_id, target_id, key, state, reason, size, audio_ms FROM before_change) AS both_sides
         GROUP BY 1, 2, 3, 4, 5
        HAVING sum(sign) <> 0 OR COALESCE(sum(sign * size) FILTER (WHERE state = 'verified'), 0) <> 0
            OR COALESCE(sum(sign * audio_ms) FILTER (WHERE state = 'verified'), 0) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_tally_inserted AFTER INSERT ON ledger_copy REFERENCING NEW TABLE AS after_change
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_tally_changes();
CREATE TRIGGER ledger_tally_updated AFTER UPDATE ON ledger_copy REFERENCING NEW TABLE AS after_change OLD TABLE AS before_change
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_tally_changes();
CREATE TRIGGER ledger_tally_deleted AFTER DELETE ON ledger_copy REFERENCING OLD TABLE AS before_change
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_tally_changes();
"""

FILL = """
INSERT INTO ledger_tally (company_id, target_id, day, state, reason, copies, bytes, recorded_ms)
SELECT company_id, target_id, split_part(key, '/', 3)::date, state, reason, count(*),
       COALESCE(sum(size) FILTER (WHERE state = 'verified'), 0), COALESCE(sum(audio_ms) FILTER (WHERE state = 'verified'), 0)
  FROM ledger_copy GROUP BY 1, 2, 3, 4, 5;
"""

BACK = """
DROP TRIGGER ledger_tally_inserted ON ledger_copy;
DROP TRIGGER ledger_tally_updated ON ledger_copy;
DROP TRIGGER ledger_tally_deleted ON ledger_copy;
DROP FUNCTION ledger_tally_changes();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("org", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("company_id", models.BigIntegerField()),
                ("target_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("state", models.CharField(max_length=8)),
                ("reason", models.TextField()),
                ("copies", models.BigIntegerField()),
                ("bytes", models.BigIntegerField()),
                ("recorded_ms", models.BigIntegerField()),
                ("at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["company_id", "target_id", "day"], name="tally_by_day"),
                    models.Index(fields=["company_id", "at"], condition=models.Q(("at__isnull", False)), name="tally_of_late"),
                ],
            },
        ),
        # The triggers first: they lock the table, so nothing changes between them and the filling.
        migrations.RunSQL(FUNCTION, BACK),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="copy",
            index=models.Index(
                condition=models.Q(("state__in", ["pending", "failed"])), fields=["target", "call_started_at"], name="copy_unprotected"
            ),
        ),
    ]
