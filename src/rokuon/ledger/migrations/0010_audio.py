from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0009_not_known"),
        ("org", "0007_one_queue_of_slots"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="copy",
            name="verified_has_proof",
        ),
        migrations.RemoveIndex(
            model_name="copy",
            name="copy_read_twice",
        ),
        migrations.AddField(
            model_name="copy",
            name="facts",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="copy",
            name="read_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="copy",
            name="read_sha256",
            field=models.CharField(blank=True, db_default="", max_length=64),
        ),
        migrations.AddField(
            model_name="recording",
            name="call_ms",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="copy",
            name="proof",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "None"),
                    ("length", "Length"),
                    ("read_twice", "Read Twice"),
                    ("read_apart", "Read Apart"),
                    ("accepted", "Accepted"),
                ],
                default="",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="copy",
            index=models.Index(
                condition=models.Q(("proof__in", ["read_twice", "read_apart", "accepted"])),
                fields=["target", "proof", "call_started_at", "id"],
                name="copy_by_proof",
            ),
        ),
        migrations.AddConstraint(
            model_name="copy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "verified"), _negated=True),
                    models.Q(
                        ("crc32c__isnull", False),
                        ("size__gt", 0),
                        models.Q(("sha256", ""), _negated=True),
                        models.Q(
                            ("proof", "accepted"),
                            models.Q(("audio_ms__isnull", False), ("proof__in", ["length", "read_twice", "read_apart"])),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="verified_has_proof",
            ),
        ),
    ]
