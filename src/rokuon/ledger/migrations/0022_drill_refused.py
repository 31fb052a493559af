from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0021_inventory"),
    ]

    operations = [
        migrations.AddField(model_name="drill", name="refused", field=models.BigIntegerField(default=0, db_default=0)),
        migrations.RemoveConstraint(model_name="drill", name="drill_counts_fit"),
        migrations.RemoveConstraint(model_name="drill", name="finished_drill_read_all"),
        migrations.AddConstraint(
            model_name="drill",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("bad__lte", models.F("read")),
                    ("drawn__lte", models.F("population")),
                    ("read__lte", models.F("drawn") - models.F("refused")),
                ),
                name="drill_counts_fit",
            ),
        ),
        migrations.AddConstraint(
            model_name="drill",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "finished"), _negated=True),
                    models.Q(("ended_at__isnull", False), ("read", models.F("drawn") - models.F("refused")), ("upper__isnull", False)),
                    _connector="OR",
                ),
                name="finished_drill_read_all",
            ),
        ),
    ]
