import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Coalesce

REACH = """
    INSERT INTO ledger_reach (target_id, since)
    SELECT t.id, min(r.since) FROM ledger_run r, jsonb_array_elements_text(r.targets) AS x(target), org_target t
     WHERE r.purpose = 'backup_now' AND t.id = x.target::bigint GROUP BY 1
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0008_by_deadline"),
        ("org", "0007_one_queue_of_slots"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reach",
            fields=[
                (
                    "target",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="org.target",
                    ),
                ),
                ("since", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(REACH, migrations.RunSQL.noop),
        migrations.RemoveField(model_name="window", name="malformed"),
        migrations.CreateModel(
            name="Unreadable",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mark", models.TextField()),
                ("call_id", models.TextField(blank=True)),
                ("kind", models.TextField(blank=True)),
                ("recording_id", models.TextField(blank=True)),
                ("after", models.DateTimeField()),
                ("before", models.DateTimeField()),
                ("why", models.TextField()),
                ("first_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("company", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="org.company")),
                (
                    "target",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="org.target"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["company", "after"], name="unreadable_by_time"),
                    models.Index(fields=["company", "call_id"], name="unreadable_by_call"),
                ],
                "constraints": [
                    models.UniqueConstraint(models.F("company"), models.F("mark"), Coalesce("target", 0), name="unreadable_once"),
                    models.CheckConstraint(condition=models.Q(("after__lt", models.F("before"))), name="unreadable_range_upright"),
                ],
            },
        ),
    ]
