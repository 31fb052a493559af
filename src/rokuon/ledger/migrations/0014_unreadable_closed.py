from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0013_aside"),
    ]

    operations = [
        migrations.AddField("unreadable", "note", models.TextField(blank=True, db_default="", default="")),
        migrations.AddField("unreadable", "closed_by", models.TextField(blank=True, db_default="", default="")),
        migrations.AddField("unreadable", "closed_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "unreadable",
            models.CheckConstraint(
                condition=models.Q(("closed_at", None), models.Q(("note", ""), _negated=True), _connector="OR"),
                name="unreadable_closing_has_note",
            ),
        ),
    ]
